using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Benchmarks;
using Fdfa.Experiments.Commands;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Measurement;
using Fdfa.Gpu.Training;

namespace Fdfa.Tests.CommandLine;

/// <summary>The layout of every table, with made-up numbers.</summary>
public sealed class TableTests
{
    private static readonly BenchmarkResult s_benchmark = new()
    {
        Rule = "FDFA",
        Network = "784-800-10",
        BatchSize = 64,
        Replicas = 1,
        Device = "A device",
        MedianSeconds = 0.0081,
        LowSeconds = 0.0079,
        HighSeconds = 0.0093,
        LaunchesPerStep = 4,
        AllocatedBytesPerStep = 1536,
        Operations = 0.65e9,
        Bytes = 46e6,
        PeakOperationsPerSecond = 227e9,
        PeakBytesPerSecond = 50e9,
        Normals = 153_600,
        PeakNormalsPerSecond = 1.2e9,
    };

    [SkippableFact]
    public void The_result_of_one_seed() => Snapshot.Match(
        CommandLineRun.Written(output => ResultTable.Write(
            output,
            [
                new RunResult("FDFA", "784-256-128-10", SomeRun.Rows(2, seeds: 1), null),
                new RunResult("BP", "784-256-128-10", SomeRun.Rows(2, seeds: 1), null),
            ])),
        "result-one-seed");

    [SkippableFact]
    public void The_result_of_several_seeds() => Snapshot.Match(
        CommandLineRun.Written(output => ResultTable.Write(output, [new RunResult("FDFA", "784-10", SomeRun.Rows(2, seeds: 3), null)])),
        "result-several-seeds");

    [Fact]
    public void The_result_fits_a_terminal_of_80_columns()
    {
        RunResult[] results =
            [.. new[] { "FDFA", "BP" }.Select(rule => new RunResult(rule, "784-800-800-800-10", SomeRun.Rows(2, seeds: 3), null))];

        string narrow = CommandLineRun.Written(output => ResultTable.Write(output, results), width: 80);

        Assert.Equal(CommandLineRun.Written(output => ResultTable.Write(output, results), width: 160), narrow);
    }

    [Fact]
    public void A_run_without_a_whole_epoch_has_no_table() =>
        Assert.Equal("", CommandLineRun.Written(output => ResultTable.Write(output, [new RunResult("BP", "784-10", [], "Interrupted.")])));

    [SkippableFact]
    public void The_configuration_beside_the_presets() => Snapshot.Match(
        CommandLineRun.Written(output => ConfigurationTable.Write(output, SomeRun.Configuration)), "configuration");

    [SkippableFact]
    public void The_devices() => Snapshot.Match(
        CommandLineRun.Written(output => DevicesCommand.Write(output, new DeviceSurvey(
            [
                new DeviceInfo("cuda:0", DeviceKind.Cuda, "Some GPU [80 GB]", 80L << 30, "132 multiprocessors, sm_90"),
                new DeviceInfo("cuda:1", DeviceKind.Cuda, "Broken GPU", 80L << 30, "132 multiprocessors, sm_90"),
                new DeviceInfo("cuda:2", DeviceKind.Cuda, "New GPU", 80L << 30, "132 multiprocessors, sm_90"),
                new DeviceInfo("cpu", DeviceKind.Cpu, "Some processor", 8L << 30, "2 cores, SIMD, 16 floats"),
            ],
            [new MissingDevice(DeviceKind.OpenCl, "There is no OpenCL loader.")])
        {
            Refused = [new RefusedDevice(DeviceKind.OpenCl, "Some CPU", "it is not a GPU") { Selector = "opencl-unsupported:1" }],
        },
        device => device.Name[..3] switch
        {
            "Som" => [Tested(3.1e-8), Tested(4.5e-8)],
            "Bro" => [Tested(3.1e-8), Tested(1.2)],
            _ => [],
        }),
        width: 150),
        "devices");

    private static SelfTestResult Tested(double error) => new("", "", "", "", error, 1e-5, "weights of block 1");

    [SkippableFact]
    public void The_check_of_a_device()
    {
        var agrees = true;
        string written = CommandLineRun.Written(output => agrees = CheckCommand.Write(
            output,
            new DeviceInfo("cpu", DeviceKind.Cpu, "Some processor", 1, ""),
            [
                new AgreementRow("BP", "17-9-4, batch 3, 1 step", 1.25e-7, 1e-5),
                new AgreementRow("FDFA", "17-9-4, batch 3, 20 steps", double.NaN, 1e-5),
            ]));

        Assert.False(agrees);
        Snapshot.Match(written, "check");
    }

    [Fact]
    public void A_check_that_is_interrupted_at_a_launch_has_written_what_it_had()
    {
        using var cancellation = new CancellationTokenSource();
        var calls = 0;
        ComputeDevice.ProbeOfNext = new DeviceProbe
        {
            OnDriverCall = () =>
            {
                if (++calls == 60)
                {
                    cancellation.Cancel();
                }
            },
        };
        try
        {
            CommandLineRun run = CommandLineRun.Of(cancellation.Token, "check", "--device", "cpu", "--rule", "FDFA,BP", "--quick");

            Assert.Equal(130, run.ExitCode);
            Assert.Matches(@"agrees     FDFA     37-65-117-10.+\n(.+\n)*Interrupted after \d case", run.Output);
            Assert.True(calls < 120, $"{calls} driver calls: it went on after the interrupt.");
        }
        finally
        {
            ComputeDevice.ProbeOfNext = null;
        }
    }

    [Fact]
    public void A_quick_check_of_some_rules_is_of_those()
    {
        CommandLineRun run = CommandLineRun.Of("check", "--device", "cpu", "--rule", "L-FDFA,BP", "--quick");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(
            ["L-FDFA", "BP", "BP"],
            run.Output.Split('\n').Where(line => line.Contains("agrees ", StringComparison.Ordinal)).Select(line => line[37..44].Trim()));
    }

    [Fact]
    public void A_check_of_nothing_does_not_pass() => CommandLineRun.Written(output => Assert.False(
        CheckCommand.Write(output, new DeviceInfo("cpu", DeviceKind.Cpu, "Some processor", 1, ""), [])));

    [SkippableFact]
    public void The_benchmark() => Snapshot.Match(
        CommandLineRun.Written(
            output => BenchmarkTable.Write(output, [s_benchmark with { Rule = "BP", MedianSeconds = 0.0061 }, s_benchmark])),
        "benchmark");

    [SkippableFact]
    public void The_benchmark_of_many_rules() => Snapshot.Match(
        CommandLineRun.Written(output => BenchmarkTable.WriteRules(
            output, [s_benchmark with { Rule = "LG-FG-A", MedianSeconds = 0.0161, LaunchesPerStep = 5.25 }, s_benchmark],
            Preset.PublishedCode)),
        "benchmark-rules");

    [Fact]
    public void The_configuration_of_a_rule_without_feedback_or_noise_speaks_of_neither()
    {
        RunConfiguration configuration = SomeRun.Configuration with { Options = Preset.Paper.OptionsFor(LearningRule.Backpropagation) };

        string written = CommandLineRun.Written(output => ConfigurationTable.Write(output, configuration));

        Assert.DoesNotContain("eedback", written, StringComparison.Ordinal);
        Assert.DoesNotContain("oise", written, StringComparison.Ordinal);
        Assert.Contains("Activation", written, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1e-4, "1e-4")]
    [InlineData(1.5e-7, "1.5e-7")]
    [InlineData(0.95, "0.95")]
    [InlineData(64, "64")]
    [InlineData(1e30, "1e30")]
    [InlineData(0, "0")]
    public void A_number_is_written_as_people_write_it(double value, string expected) => Assert.Equal(expected, ConsoleOutput.Plain(value));

    [Fact]
    public void A_number_reads_back_to_the_same_bits()
    {
        var random = new Random(1);
        for (var trial = 0; trial < 1000; trial++)
        {
            double value = Math.ScaleB(random.NextDouble(), random.Next(-60, 60));
            Assert.Equal(value, double.Parse(ConsoleOutput.Plain(value), System.Globalization.CultureInfo.InvariantCulture));
        }
    }
}
