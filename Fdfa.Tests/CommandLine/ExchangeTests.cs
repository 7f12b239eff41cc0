using Fdfa.Experiments.Runs;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary>Weights that leave and come back.</summary>
public sealed class ExchangeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Weights => folder.File("weights.safetensors");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Exported_weights_evaluate_the_same_when_they_are_imported()
    {
        MetricsRow recorded = Train("--batch-norm");
        CommandLineRun export = CommandLineRun.Of("export", folder.File("run"), "--safetensors", Weights);
        Assert.Equal(0, export.ExitCode);
        Assert.Contains("nn.Sequential(nn.Linear(784, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 10))", export.Output, StringComparison.Ordinal);

        CommandLineRun import = Import("--batch-norm");
        Assert.Equal("", import.Error);
        CommandLineRun evaluation = CommandLineRun.Of("evaluate", folder.File("imported"), "--device", "cpu");
        Assert.Equal("", evaluation.Error);

        string accuracy = $"{100 * recorded.TestAccuracy:F2} %";
        Assert.Contains(accuracy, import.Output, StringComparison.Ordinal);
        Assert.Contains(accuracy, evaluation.Output, StringComparison.Ordinal);
        Assert.Equal(["config.json", "metrics.csv", "model-seed0.safetensors"], RunFolderTests.FileNames(folder.File("imported")));
    }

    [Fact]
    public void Training_goes_on_from_weights()
    {
        MetricsRow recorded = Train();
        Assert.Equal(0, CommandLineRun.Of("export", folder.File("run"), "--safetensors", Weights).ExitCode);

        // Steps too small to change a weight: what is measured is where training starts.
        string[] still = ["train", .. CommandLineRun.Tiny, "--learning-rate", "1e-30", "--seeds", "2", "--quiet", "--output", folder.File("still"), "--initial-weights", Weights];
        CommandLineRun run = CommandLineRun.Of(still);

        Assert.Equal("", run.Error);
        Assert.All(RunFolder.ReadMetrics(folder.File("still")), row => Assert.Equal(recorded.TestLoss, row.TestLoss));
        RunRequest request = RunFolder.ReadConfiguration(folder.File("still")).ToRequest();
        Assert.Equal(Weights, request.InitialWeights);
        Assert.Contains("--initial-weights", request.ToArguments());
    }

    [Fact]
    public void Weights_of_another_network_are_refused_and_leave_nothing()
    {
        Train();
        Assert.Equal(0, CommandLineRun.Of("export", folder.File("run"), "--safetensors", Weights).ExitCode);

        CommandLineRun import = Import("--batch-norm");

        Assert.Equal(2, import.ExitCode);
        Assert.Contains("holds a network with no batch normalization, not batch normalization in block(s) 1", import.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.File("imported")));
    }

    [Fact]
    public void A_run_of_several_seeds_is_exported_one_by_one()
    {
        Train("--seeds", "2");
        Assert.Contains("has the seeds 0, 1; choose one with --seed.", CommandLineRun.Of("export", folder.File("run"), "--onnx", Weights).Error, StringComparison.Ordinal);
        Assert.Contains("has no seed 2; give --seed one of 0, 1.", CommandLineRun.Of("export", folder.File("run"), "--onnx", Weights, "--seed", "2").Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Weights));
    }

    private MetricsRow Train(params string[] options)
    {
        CommandLineRun run = CommandLineRun.Of(["train", .. CommandLineRun.Tiny, "--learning-rate", "1e-2", "--quiet", "--output", folder.File("run"), .. options]);
        Assert.Equal("", run.Error);
        return RunFolder.ReadMetrics(folder.File("run"))[0];
    }

    private CommandLineRun Import(params string[] options) => CommandLineRun.Of(
        ["import", Weights, "--network", "784-8-10", "--device", "cpu", "--output", folder.File("imported"), .. options]);
}
