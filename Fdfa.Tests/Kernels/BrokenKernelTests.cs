using System.Reflection;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Translation;
using ILGPU;

namespace Fdfa.Tests.Kernels;

/// <summary>Each gate sees what it is there for.</summary>
public sealed class BrokenKernelTests
{
    private static readonly TileExpectation s_promised =
        TileExpectation.All[0] with { SharedBytes = 17 * 64 * 4, MultiplyAdds = 1, LoadsVectors = false };

    /// <summary>Kernel, target, and what its gate says.</summary>
    public static TheoryData<string, string, string> Broken { get; } = new()
    {
        { nameof(BrokenKernels.IndexedLocalArray), "ptx", "PTX uses .local" },
        { nameof(BrokenKernels.IndexedLocalArray), "opencl", "has a private array" },
        { nameof(BrokenKernels.UnresolvedCall), "ptx", "calls an unresolved function" },
        { nameof(BrokenKernels.UnresolvedCall), "opencl", "calls FusedMultiplyAdd" },
        { nameof(BrokenKernels.FourStores), "opencl", "stores structures in a loop of a known number of turns" },
        { nameof(BrokenKernels.BarrierBehindReturn), "opencl", "a barrier that only some threads of a group reach" },
        { nameof(BrokenKernels.MuchSharedMemory), "ptx", "no device gives more than 49152 unasked" },
        { nameof(BrokenKernels.MuchSharedMemory), "opencl", "no device gives more than 49152 unasked" },
        { nameof(BrokenKernels.MuchSharedMemory), "ptx", "52000 shared bytes, and the tile program says 4352" },
        { nameof(BrokenKernels.MuchSharedMemory), "opencl", "52000 shared bytes, and the tile program says 4352" },
        { nameof(BrokenKernels.BarrierForAll), "ptx", "no loop that multiplies what is staged" },
        { nameof(BrokenKernels.BarrierForAll), "opencl", "no loop that multiplies what is staged" },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void A_broken_kernel_is_caught(string kernel, string target, string expected) =>
        Assert.Contains(Faults(kernel, Target(target), s_promised), fault => fault.Contains(expected, StringComparison.Ordinal));

    [Theory]
    [InlineData("ptx")]
    [InlineData("opencl")]
    public void A_register_tile_that_is_not_unrolled_is_caught(string target)
    {
        var promised = s_promised with { MultiplyAdds = 4 };

        Assert.Equal(
            ["a loop over staged tiles with 1 multiply-adds, and the tile program says 4"],
            Faults(nameof(BrokenKernels.OneSumPerThread), Target(target), promised));
        Assert.Empty(
            Faults(nameof(BrokenKernels.FourSumsPerThread), Target(target), promised with { SharedBytes = 4 * promised.SharedBytes }));
    }

    [Theory]
    [InlineData("ptx")]
    [InlineData("opencl")]
    public void Scalar_loads_where_vectors_are_promised_are_caught(string target)
    {
        var promised = s_promised with { LoadsVectors = true };

        Assert.Equal(
            [
                "a loop over staged tiles that reads shared memory 4 bytes at a time",
                "staged tiles, and nothing of them is fetched 16 bytes at a time",
            ],
            Faults(nameof(BrokenKernels.OneSumPerThread), Target(target), promised));
        Assert.Empty(
            Faults(nameof(BrokenKernels.FourSumsPerThread), Target(target), promised with { SharedBytes = 4 * promised.SharedBytes }));
    }

    /// <summary>Why CUDA has O1: at O2 threads that differ are told to branch together.</summary>
    [Fact]
    public void A_divergent_branch_that_claims_to_be_uniform_is_caught()
    {
        Assert.DoesNotContain(Faults(nameof(BrokenKernels.DivergentBranch), DeviceKind.Cuda, s_promised), IsUniformBranch);
        Assert.Contains(Faults(nameof(BrokenKernels.DivergentBranch), DeviceKind.Cuda, s_promised, OptimizationLevel.O2), IsUniformBranch);

        static bool IsUniformBranch(string fault) => fault.Contains("branches uniformly", StringComparison.Ordinal);
    }

    [Fact]
    public void A_barrier_that_every_thread_reaches_is_none_of_those_that_some_do_not() => Assert.DoesNotContain(
        Faults(nameof(BrokenKernels.BarrierForAll), DeviceKind.OpenCl, s_promised),
        fault => fault.Contains("barrier", StringComparison.Ordinal));

    [Fact]
    public void Stores_whose_number_is_an_argument_are_none_of_those_that_Mesa_loses() => Assert.DoesNotContain(
        Faults(nameof(BrokenKernels.AnyStores), DeviceKind.OpenCl, s_promised),
        fault => fault.Contains("stores structures", StringComparison.Ordinal));

    [Fact]
    public void A_barrier_as_Ilgpu_writes_it_is_caught()
    {
        var text = Translate(nameof(BrokenKernels.BarrierForAll), DeviceKind.OpenCl, OptimizationLevel.O2)
            .Replace("CLK_LOCAL_MEM_FENCE | ", string.Empty, StringComparison.Ordinal);

        Assert.Contains(
            KernelGates.Faults(DeviceKind.OpenCl, text, s_promised),
            fault => fault.Contains("does not order shared memory", StringComparison.Ordinal));
    }

    private static DeviceKind Target(string name) => name == "ptx" ? DeviceKind.Cuda : DeviceKind.OpenCl;

    private static IReadOnlyList<string> Faults(
        string kernel, DeviceKind target, TileExpectation promised, OptimizationLevel? level = null) =>
        KernelGates.Faults(target, Translate(kernel, target, level ?? ComputeDevice.OptimizationFor(target)), promised);

    private static string Translate(string kernel, DeviceKind target, OptimizationLevel level)
    {
        // One context per kernel: after one that fails, others can fail too.
        using var translator = new KernelTranslator(target, level);
        return translator.Translate(typeof(BrokenKernels).GetMethod(kernel, BindingFlags.Public | BindingFlags.Static)!);
    }
}
