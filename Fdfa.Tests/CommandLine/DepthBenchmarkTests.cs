using Fdfa.Experiments.Commands;
using Fdfa.Gpu.Measurement;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary><c>bench --depths</c>: what it prints and writes.</summary>
public sealed class DepthBenchmarkTests
{
    private static readonly UpdatePhase[] s_phases =
    [
        new("FDFA", 2, 0.002, 2, 1, 0.0015), new("BP", 2, 0.003, 3, 2, 0.0025), new("FDFA", 8, 0.008, 8, 1, 0.0015),
        new("BP", 8, 0.012, 15, 8, 0.009),
    ];

    [SkippableFact]
    public void The_table() => Snapshot.Match(
        CommandLineRun.Written(
            output => DepthBenchmark.Write(output, "Update phase by depth: 784-800-…-10, batch 64, Some processor", s_phases)),
        "bench-depths");

    [Fact]
    public void The_files_hold_a_row_per_depth_and_rule_and_both_panels()
    {
        using var temporary = new TemporaryFolder();
        string folder = temporary.File("depths");
        CommandLineRun.Of(
            "bench", "--depths", "3,2", "--network", "20-8-4", "--batch-size", "8", "--device", "cpu", "--output", folder).AssertDone();
        string[] rows = File.ReadAllLines(Path.Combine(folder, "update-phase.csv"));
        Assert.Equal("layers,rule,seconds_one_device,launches,longest_chain_launches,longest_chain_seconds", rows[0]);
        Assert.Equal(
            ["2,FDFA,2,1", "2,BP,3,2", "3,FDFA,3,1", "3,BP,5,3"],
            rows.Skip(1).Select(row => row.Split(',')).Select(cells => string.Join(',', [cells[0], cells[1], cells[3], cells[4]])));
        Assert.True(new FileInfo(Path.Combine(folder, "update-phase.png")).Length > 10_000);
        Assert.Contains("longest chain", File.ReadAllText(Path.Combine(folder, "update-phase.svg")), StringComparison.Ordinal);
    }
}
