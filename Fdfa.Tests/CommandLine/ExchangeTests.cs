using System.Text;
using System.Text.Json.Nodes;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Exchange;
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
        Assert.Contains(
            "nn.Sequential(nn.Linear(784, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 10))", export.Output,
            StringComparison.Ordinal);

        // Who reads the weights must know how inputs are scaled: with ToTensor's 0…1 the network is 20 points worse, without a word.
        Assert.Contains(
            "transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.5], [0.5]), torch.flatten])", export.Output,
            StringComparison.Ordinal);
        Assert.Equal("A pixel p of 0 to 255 is p*2/255 - 1", ModelFile.ReadMetadata(Weights)["input"]);

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
        string[] still =
        [
            "train", .. CommandLineRun.Tiny, "--learning-rate", "1e-30", "--seeds", "2", "--quiet", "--output", folder.File("still"),
            "--initial-weights", Weights
        ];
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

        Import("--batch-norm").AssertRefused(
            "holds a network with no batch normalization, not batch normalization in block(s) 1",
            "it was saved with: leave out --batch-norm.");
        Assert.False(Directory.Exists(folder.File("imported")));

        // Options that the file itself describes, or, without a word in it, the one that would fit.
        string[] train =
            ["train", "--initial-weights", Weights, "--quiet", "--device", "cpu", "--output", folder.File("other"), "--activation", "tanh"];
        CommandLineRun.Of([.. train, "--network", "784-9-10"])
            .AssertRefused("it was saved with: give --network 784-8-10 and give --activation relu.");
        NetworkDescription network = Topology.Parse("784-8-10", ActivationFunction.Tanh, batchNormalization: true);
        StateDict.Save(Weights, network, Initialiser.Create(network, new TrainingOptions(), 1));
        WriteWithoutWords();
        CommandLineRun.Of([.. train, "--network", "784-8-10", "--no-batch-norm"]).AssertRefused(": give --batch-norm.");
        Assert.False(Directory.Exists(folder.File("other")));
    }

    [Fact]
    public async Task Weights_that_are_not_finite_are_refused_and_leave_nothing()
    {
        var network = new NetworkDescription([784, 8, 10]);
        StateDict.Save(Weights, network, Initialiser.Create(network, new TrainingOptions(), 1));
        byte[] bytes = await File.ReadAllBytesAsync(Weights);
        BitConverter.GetBytes(float.NaN).CopyTo(bytes, bytes.Length - 4);
        await File.WriteAllBytesAsync(Weights, bytes);
        foreach (string[] words in (string[][])[["import", Weights], ["train", "--initial-weights", Weights]])
        {
            CommandLineRun refused = await FdfaProcess.OfAsync(
                [.. words, "--network", "784-8-10", "--device", "cpu", "--output", folder.File("run")]);

            refused.AssertRefusedAs(
                $"fdfa: The model file '{Weights}' is not usable: its tensor '2.bias' has NaN at index [9]; "
                + "give a file of finite weights, saved before its training diverged.");
            Assert.False(Directory.Exists(folder.File("run")));
        }
    }

    /// <summary>Takes the file's metadata away, as files from elsewhere have none.</summary>
    private void WriteWithoutWords()
    {
        byte[] bytes = File.ReadAllBytes(Weights);
        int end = 8 + (int)BitConverter.ToInt64(bytes);
        JsonObject header = JsonNode.Parse(bytes.AsSpan(8, end - 8))!.AsObject();
        header.Remove("__metadata__");
        byte[] shorter = Encoding.UTF8.GetBytes(header.ToJsonString());
        File.WriteAllBytes(Weights, [.. BitConverter.GetBytes((long)shorter.Length), .. shorter, .. bytes[end..]]);
    }

    [Fact]
    public void A_run_of_several_seeds_is_exported_one_by_one()
    {
        Train("--seeds", "2");
        Assert.Contains(
            "has the seeds 0, 1; choose one with --seed.", CommandLineRun.Of("export", folder.File("run"), "--onnx", Weights).Error,
            StringComparison.Ordinal);
        Assert.Contains(
            "has no seed 2; give --seed one of 0, 1.",
            CommandLineRun.Of("export", folder.File("run"), "--onnx", Weights, "--seed", "2").Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Weights));
    }

    [Theory]
    [InlineData]
    [InlineData("--epochs", "2")]
    public async Task Imported_weights_are_not_overwritten_by_a_resumption(params string[] options)
    {
        Train("--batch-norm");
        File.Copy(folder.File("run/model-seed0.safetensors"), Weights);
        Assert.Equal(0, Import("--batch-norm").ExitCode);
        byte[] model = await File.ReadAllBytesAsync(folder.File("imported/model-seed0.safetensors"));

        CommandLineRun resumed = await FdfaProcess.OfAsync(["train", "--resume", folder.File("imported"), .. options]);

        string imported = folder.File("imported/model-seed0.safetensors");
        string way = $"fdfa train --initial-weights {imported} --network 784-8-10 --activation relu --batch-norm --data embedded";
        Assert.Equal(
            $"fdfa: The run in '{folder.File("imported")}' is imported weights, which no rule has trained: there is nothing to go on with. "
            + $"To train them: {way}",
            resumed.Error.Trim());
        Assert.Equal(2, resumed.ExitCode);
        Assert.Equal(model, await File.ReadAllBytesAsync(folder.File("imported/model-seed0.safetensors")));
        string[] train = [.. way.Split(' ').Skip(1), "--limit", "64", "--epochs", "1", "--quiet", "--output", folder.File("trained")];
        Assert.Equal(0, CommandLineRun.Of(train).ExitCode);
    }

    [Fact]
    public async Task A_run_begins_again_with_the_weights_that_it_began_with_or_not_at_all()
    {
        Train();
        Assert.Equal(0, CommandLineRun.Of("export", folder.File("run"), "--safetensors", Weights).ExitCode);
        string relative = Path.GetRelativePath(Environment.CurrentDirectory, Weights);
        string[] training = ["train", .. CommandLineRun.Tiny, "--quiet", "--initial-weights", relative];
        Assert.Equal(0, CommandLineRun.Of([.. training, "--output", folder.File("undisturbed")]).ExitCode);
        Assert.Equal(0, CommandLineRun.Of([.. training, "--output", folder.File("killed")]).ExitCode);
        Unstart(folder.File("killed"));

        // From another folder.
        CommandLineRun resumed = await FdfaProcess.EndOfAsync(
            FdfaProcess.Start(folder.Path, ["train", "--resume", folder.File("killed"), "--quiet"]));
        resumed.AssertDone();
        Assert.Equal(
            File.ReadAllBytes(folder.File("undisturbed/model-seed0.safetensors")),
            await File.ReadAllBytesAsync(folder.File("killed/model-seed0.safetensors")));

        Unstart(folder.File("killed"));
        File.Delete(folder.File("run/model-seed0.safetensors"));
        CommandLineRun.Of(["export", folder.File("undisturbed"), "--safetensors", Weights, "--force"]);
        CommandLineRun refused = await FdfaProcess.OfAsync("train", "--resume", folder.File("killed"), "--quiet");

        Assert.Equal(
            $"fdfa: The initial weights '{Weights}' are not those that the run began with: the file has changed. "
            + "Put the former file there, or train anew from this one.",
            refused.Error.Trim());
        Assert.Equal(2, refused.ExitCode);
    }

    /// <summary>Leaves of a run what a process leaves that is killed before its first checkpoint.</summary>
    private static void Unstart(string run)
    {
        Directory.Delete(Path.Combine(run, "checkpoints"), recursive: true);
        File.Delete(Path.Combine(run, "metrics.csv"));
        File.Delete(Path.Combine(run, "model-seed0.safetensors"));
    }

    private MetricsRow Train(params string[] options)
    {
        CommandLineRun run = CommandLineRun.Of(
            ["train", .. CommandLineRun.Tiny, "--learning-rate", "1e-2", "--quiet", "--output", folder.File("run"), .. options]);
        Assert.Equal("", run.Error);
        return RunFolder.ReadMetrics(folder.File("run"))[0];
    }

    private CommandLineRun Import(params string[] options) => CommandLineRun.Of(
        ["import", Weights, "--network", "784-8-10", "--device", "cpu", "--output", folder.File("imported"), .. options]);
}
