using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Measurement;

namespace Fdfa.Tests.Measurement;

/// <summary>What an update phase consists of, and what in it must wait.</summary>
public sealed class UpdatePhaseTests
{
    /// <summary>Rule, blocks, launches, and the longest chain of them.</summary>
    public static TheoryData<string, int, int, int> Phases()
    {
        var data = new TheoryData<string, int, int, int>();
        foreach (var blocks in new[] { 1, 2, 3, 8, 32 })
        {
            foreach (var rule in new[] { "FDFA", "DFA", "DKP", "DRTP", "FG-A", "FG-W" })
            {
                data.Add(rule, blocks, blocks, 1);
            }

            // L − 1 links, and the first block's update behind the last of them.
            foreach (var rule in new[] { "BP", "FA", "L-FDFA" })
            {
                data.Add(rule, blocks, (2 * blocks) - 1, blocks);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Phases))]
    public void Without_a_chain_no_launch_waits_and_with_one_the_path_grows_with_depth(string rule, int blocks, int launches, int path)
    {
        var graph = LaunchGraph.Of(LearningRule.Parse(rule), blocks);
        Assert.Equal(launches, graph.Count);
        Assert.Equal(path, graph.LongestPath(_ => 1));
    }

    /// <summary>Three blocks of BP: links into 2 and 1, then updates of 1, 2 and 3.</summary>
    [Theory]
    [InlineData(new[] { 1.0, 1, 0, 0, 5 }, 6, "W of block 3 is overwritten once the link into block 2 has read it")]
    [InlineData(new[] { 1.0, 1, 0, 5, 0 }, 7, "W of block 2, once the link into block 1 has")]
    [InlineData(new[] { 1.0, 2, 3, 0, 0 }, 6, "block 1 comes last")]
    public void Weights_are_overwritten_once_the_chain_has_read_them(double[] seconds, double path, string reason)
    {
        Assert.NotEmpty(reason);
        Assert.Equal(path, LaunchGraph.Of(LearningRule.Backpropagation, 3).LongestPath(launch => seconds[launch]));
    }

    [Theory]
    [InlineData("FDFA", 3, 1)]
    [InlineData("BP", 5, 3)]
    public void A_measurement_sees_every_launch(string rule, int launches, int path)
    {
        using var device = ComputeDevice.OpenCpu(TileProgram.Simd(2), 2);
        var phase = UpdatePhaseBenchmark.Run(
            device, new NetworkDescription([20, 16, 16, 4]),
            new TrainingOptions { BatchSize = 8 }.WithRule(LearningRule.Parse(rule)), runs: 3);
        Assert.Equal((rule, 3, launches, path), (phase.Rule, phase.Blocks, phase.Launches, phase.PathLaunches));
        Assert.True(phase.Seconds > 0 && phase.PathSeconds > 0);
    }
}
