using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Networks;
using Fdfa.Gpu.Translation;

namespace Fdfa.Tests.Kernels;

/// <summary>What ILGPU makes of the kernels of the paper's networks, as it was read: ReLU, Adam, cross-entropy.</summary>
/// <remarks>
/// Each is translated in a context of its own: how a branch is laid out, and in which order methods stand, depends on what was translated
/// before.
/// </remarks>
public sealed partial class GeneratedCodeTests
{
    private static readonly Type s_tiles = TileProgram.Simt().Type;

    [SkippableTheory]
    [InlineData("dense")]
    [InlineData("channels")]
    [InlineData("ends")]
    public void Instructions_of_the_kernels_match_the_snapshot(string part)
    {
        var backpropagation = Choice(LearningRule.Backpropagation);
        var forward = Choice(LearningRule.ForwardDirectFeedbackAlignment);
        MethodInfo[] shown = part switch
        {
            "dense" => [backpropagation.DenseBackward, backpropagation.Dense, forward.Dense, forward.FirstDense],
            "channels" => [backpropagation.ChannelBackward, forward.Channels],
            _ => [forward.Gather, forward.Output],
        };
        var table = new StringBuilder();
        foreach (var kernel in shown)
        {
            var ptx = Translate(DeviceKind.Cuda, kernel);
            table.AppendLine(
                CultureInfo.InvariantCulture,
                $"{KernelCatalogue.Name(kernel)}<{string.Join(", ", KernelCatalogue.Choices(kernel).Select(type => type.Name))}>");
            table.AppendLine(CultureInfo.InvariantCulture, $"  shared bytes {GeneratedCode.Read(DeviceKind.Cuda, ptx).SharedBytes}");
            foreach (var group in Instruction().Matches(ptx).GroupBy(match => match.Groups[1].Value)
                .OrderBy(group => group.Key, StringComparer.Ordinal))
            {
                table.AppendLine(CultureInfo.InvariantCulture, $"  {group.Key} {group.Count()}");
            }
        }

        Snapshot.Match(table.ToString(), $"kernel-instructions-{part}");
    }

    [SkippableFact]
    public void Ptx_of_the_block_step_matches_the_snapshot() => Snapshot.Match(
        WithoutNodeNumbers(Translate(DeviceKind.Cuda, Choice(LearningRule.ForwardDirectFeedbackAlignment).Dense)), "block-step-ptx");

    [SkippableFact]
    public void OpenCl_of_the_block_step_matches_the_snapshot() => Snapshot.Match(
        WithoutNodeNumbers(Translate(DeviceKind.OpenCl, Choice(LearningRule.ForwardDirectFeedbackAlignment).Dense)), "block-step-opencl");

    private static KernelChoice Choice(LearningRule rule) =>
        new(
            s_tiles,
            ActivationFunction.ReLU,
            new TrainingOptions { Rule = rule, WeightOptimizer = OptimizerKind.Adam, FeedbackOptimizer = OptimizerKind.Adam });

    private static string Translate(DeviceKind target, MethodInfo kernel)
    {
        using var fresh = new KernelTranslator(target);
        return fresh.Translate(kernel);
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

    [GeneratedRegex(@"^\s+(?:@!?%p\d+\s+)?([a-z][a-z0-9.]*)\s", RegexOptions.Multiline)]
    private static partial Regex Instruction();

    [GeneratedRegex(@"_\d+(?![0-9A-Za-z])")]
    private static partial Regex NodeNumber();
}
