using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using ILGPU;

namespace Fdfa.Tests.Kernels;

/// <summary>What ILGPU makes of every kernel, for CUDA and OpenCL, without a device.</summary>
public sealed partial class GeneratedCodeTests(GeneratedCodeTests.Contexts contexts) : IClassFixture<GeneratedCodeTests.Contexts>
{
    public static TheoryData<string> KernelNames() => [.. DeviceCode.Kernels().Select(DeviceCode.Name)];

    [Theory]
    [MemberData(nameof(KernelNames))]
    public void A_kernel_translates_without_local_memory_unknown_calls_or_generic_pointers(string name)
    {
        var kernel = DeviceCode.Kernels().Single(candidate => DeviceCode.Name(candidate) == name);
        Assert.Empty(Faults(kernel));
    }

    [Fact]
    public void An_array_indexed_by_a_loop_variable_is_caught()
    {
        var kernel = typeof(GeneratedCodeTests).GetMethod(nameof(IndexedLocalArray), BindingFlags.NonPublic | BindingFlags.Static)!;
        Assert.Contains("PTX uses .local", Faults(kernel));
    }

    [Fact]
    public void Instructions_of_the_kernels_match_the_snapshot()
    {
        // The kernels of the paper's networks: ReLU, Adam, cross-entropy.
        string[] shown =
        [
            "BatchGather.Run<>",
            "ChannelBackward.Run<ReLU>",
            "ChannelBlockStep.Run<ReLU, Adam, Adam, ForwardDirectFeedbackRule>",
            "DenseBackward.Run<ReLU>",
            "DenseBlockStep.Run<ReLU, Adam, Sgd, BackwardChainRule>",
            "DenseBlockStep.Run<ReLU, Adam, Adam, ForwardDirectFeedbackRule>",
            "DenseBlockStep.RunFirst<ReLU, Adam, Adam, ForwardDirectFeedbackRule>",
            "DenseOutputStep.Run<Adam, SoftmaxCrossEntropy, ForwardDirectFeedbackRule>",
        ];
        var table = new StringBuilder();
        foreach (var kernel in DeviceCode.Kernels().Where(kernel => shown.Contains(DeviceCode.Name(kernel))))
        {
            // In a context of its own: how a branch is laid out depends on what was translated before.
            using var fresh = new Contexts();
            var ptx = DeviceCode.Ptx(kernel, fresh.Cuda);
            table.AppendLine(DeviceCode.Name(kernel));
            table.AppendLine(CultureInfo.InvariantCulture, $"  shared bytes {SharedBytes().Matches(ptx).Sum(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))}");
            foreach (var group in Instruction().Matches(ptx).GroupBy(match => match.Groups[1].Value).OrderBy(group => group.Key, StringComparer.Ordinal))
            {
                table.AppendLine(CultureInfo.InvariantCulture, $"  {group.Key} {group.Count()}");
            }
        }

        Snapshot.Match(table.ToString(), "kernel-instructions");
    }

    [Fact]
    public void Ptx_of_the_block_step_matches_the_snapshot()
    {
        // In a context of its own: what was translated before shows in the order of methods.
        using var fresh = new Contexts();
        Snapshot.Match(WithoutNodeNumbers(DeviceCode.Ptx(DeviceCode.BlockStep(), fresh.Cuda)), "block-step-ptx");
    }

    [Fact]
    public void OpenCl_of_the_block_step_matches_the_snapshot()
    {
        using var fresh = new Contexts();
        Snapshot.Match(WithoutNodeNumbers(DeviceCode.OpenCl(DeviceCode.BlockStep(), fresh.OpenCl)), "block-step-opencl");
    }

    // ILGPU names things after numbers of its own that differ from process to process: count them as they appear.
    private static string WithoutNodeNumbers(string code)
    {
        var seen = new Dictionary<string, int>();
        return NodeNumber().Replace(code, match =>
        {
            if (!seen.TryGetValue(match.Value, out var index))
            {
                index = seen.Count;
                seen.Add(match.Value, index);
            }

            return string.Create(CultureInfo.InvariantCulture, $"_n{index}");
        });
    }

    private List<string> Faults(MethodInfo kernel)
    {
        var faults = new List<string>();
        var ptx = DeviceCode.Ptx(kernel, contexts.Cuda);
        if (ptx.Contains(".local", StringComparison.Ordinal))
        {
            faults.Add("PTX uses .local");
        }

        if (ptx.Contains(".extern .func", StringComparison.Ordinal))
        {
            faults.Add("PTX calls an unresolved function");
        }

        if (DivergentUniformBranch().IsMatch(ptx))
        {
            faults.Add("PTX branches uniformly where threads can differ");
        }

        var openCl = DeviceCode.OpenCl(kernel, contexts.OpenCl);
        if (openCl.Contains("__generic", StringComparison.Ordinal))
        {
            faults.Add("OpenCL C keeps a __generic pointer");
        }

        if (Barrier().Matches(openCl).Any(barrier => !barrier.Value.Contains("CLK_LOCAL_MEM_FENCE", StringComparison.Ordinal)))
        {
            faults.Add("OpenCL C has a barrier that does not order shared memory");
        }

        return faults;
    }

    private static void IndexedLocalArray(ArrayView<float> values)
    {
        var array = LocalMemory.Allocate<float>(8);
        for (var i = 0; i < 8; i++)
        {
            array[i] = values[i];
        }

        for (var i = 0; i < 8; i++)
        {
            values[i] = array[(i * (int)values[8]) % 8];
        }
    }

    [GeneratedRegex(@"^\s+(?:@!?%p\d+\s+)?([a-z][a-z0-9.]*)\s", RegexOptions.Multiline)]
    private static partial Regex Instruction();

    [GeneratedRegex(@"@!?%p\d+\s+bra\.uni")]
    private static partial Regex DivergentUniformBranch();

    [GeneratedRegex(@"barrier\s*\([^)]*\)")]
    private static partial Regex Barrier();

    [GeneratedRegex(@"_\d+(?![0-9A-Za-z])")]
    private static partial Regex NodeNumber();

    [GeneratedRegex(@"\.shared[^\[]*\[(\d+)\]")]
    private static partial Regex SharedBytes();

    /// <summary>Contexts that a few kernels share: what they call is translated once, and a context remembers all that it has translated.</summary>
    public sealed class Contexts : IDisposable
    {
        private const int KernelsPerContext = 64;

        private Context? _cuda;
        private Context? _openCl;
        private int _cudaKernels;
        private int _openClKernels;

        /// <summary>For one kernel.</summary>
        public Context Cuda => Next(ref _cuda, ref _cudaKernels, OptimizationLevel.O1);

        /// <summary>For one kernel.</summary>
        public Context OpenCl => Next(ref _openCl, ref _openClKernels, OptimizationLevel.O2);

        public void Dispose()
        {
            _cuda?.Dispose();
            _openCl?.Dispose();
        }

        private static Context Next(ref Context? context, ref int kernels, OptimizationLevel level)
        {
            if (kernels++ % KernelsPerContext == 0)
            {
                context?.Dispose();
                context = null;
            }

            return context ??= DeviceCode.CreateContext(level);
        }
    }
}
