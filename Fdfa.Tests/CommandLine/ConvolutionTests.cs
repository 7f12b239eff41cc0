using System.Text.Json.Nodes;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Commands;
using Fdfa.Experiments.Data;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Reproduction;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;

namespace Fdfa.Tests.CommandLine;

/// <summary>Networks of images, batch normalization and perturbation sites on their way from the command line to the trainer and back.</summary>
public sealed class ConvolutionTests
{
    private const string SmallCnn = "15C5-P2-40C5-P2-128-10";

    [Theory]
    [InlineData("mnist", SmallCnn, 1, 28)]
    [InlineData("embedded", SmallCnn, 1, 28)]
    [InlineData("cifar-10", "alexnet-10", 3, 32)]
    [InlineData("cifar-100", "15C5-40C5-P2-128-100", 3, 32)]
    [InlineData("tiny-imagenet", "alexnet-200", 3, 64)]
    public void The_data_set_s_images_are_the_network_s_input(string data, string network, int channels, int side)
    {
        RunRequest request = Read("--data", data, "--network", network);

        Assert.Equal(new ImageShape(channels, side, side), request.Network.InputShape);
        Assert.Equal(network, request.Network.Topology);
    }

    [Fact]
    public void The_shapes_that_are_known_without_reading_are_those_that_are_read()
    {
        using DataSetPair data = EmbeddedFashionMnist.Load();

        Assert.Equal(data.Train.Shape, DataSource.ShapeOf(EmbeddedFashionMnist.Name));
        Assert.Equal(new ImageShape(3, 64, 64), DataSource.ShapeOf("tiny-imagenet"));
    }

    [Theory]
    [InlineData("paper", SmallCnn, "FDFA", PerturbationSite.BlockOutput, 64, "no")]
    [InlineData("published-code", SmallCnn, "FDFA", PerturbationSite.BeforePool, 64, "yes")]
    [InlineData("published-code", SmallCnn, "FG-A", PerturbationSite.BlockOutput, 64, "no")]
    [InlineData("published-code", "784-9-10", "FDFA", PerturbationSite.BlockOutput, 64, "yes")]
    [InlineData("published-code", "784-10", "FDFA", PerturbationSite.BlockOutput, 64, "no")]
    public void A_preset_decides_site_batch_and_normalization(
        string preset, string network, string rule, PerturbationSite site, int batchSize, string normalization)
    {
        RunRequest request = Read("--preset", preset, "--network", network, "--rule", rule);

        Assert.Equal((site, batchSize), (request.Options.PerturbationSite, request.Options.BatchSize));
        Assert.Equal(normalization, BatchNormalization.Text(request.Network));
    }

    [Theory]
    [InlineData("paper", "in convolutions")]
    [InlineData("published-code", "yes")]
    public void AlexNet_has_its_batch_and_its_convolutions_normalized(string preset, string normalization)
    {
        RunRequest request = Read("--preset", preset, "--data", "cifar-10", "--network", "alexnet-10");

        Assert.Equal((PerturbationSite.BlockOutput, 128), (request.Options.PerturbationSite, request.Options.BatchSize));
        Assert.Equal(normalization, BatchNormalization.Text(request.Network));
    }

    /// <summary>Every way to say, or not to say, what the command line can override.</summary>
    [Theory]
    [InlineData("paper", "--batch-norm", "yes")]
    [InlineData("paper", "--no-batch-norm", "no")]
    [InlineData("published-code", "--batch-norm", "yes")]
    [InlineData("published-code", "--no-batch-norm", "no")]
    public void The_command_line_overrides_the_preset_and_is_repeated(string preset, string given, string normalization)
    {
        foreach (LearningRule rule in LearningRule.All)
        {
            RunRequest request = Read("--preset", preset, "--rule", rule.Name, "--network", SmallCnn, given);

            Assert.Equal(normalization, BatchNormalization.Text(request.Network));
            Assert.Equal(normalization, BatchNormalization.Text(Read([.. request.ToArguments().Skip(1)]).Network));
        }
    }

    [Theory]
    [InlineData("--network", SmallCnn, "--batch-norm", "--perturb-at", "pre-activation")]
    [InlineData("--network", SmallCnn, "--preset", "published-code")]
    [InlineData("--network", SmallCnn, "--preset", "published-code", "--perturb-at", "block-output", "--no-batch-norm")]
    [InlineData("--network", "4C3/2+1-P3/2-A2-10", "--preset", "published-code", "--activation", "tanh")]
    [InlineData("--network", "alexnet-10", "--data", "cifar-10")]
    [InlineData("--network", "alexnet-10", "--data", "cifar-10", "--preset", "published-code")]
    public void A_run_comes_back_from_its_configuration(params string[] arguments)
    {
        RunRequest request = Read(arguments);

        RunConfiguration configuration = RunConfiguration.Parse(Describe(request).ToJson(), "config.json");

        RunRequest read = configuration.ToRequest();
        Assert.Equal(request.Network.ToString(), read.Network.ToString());
        Assert.Equal(request.Network.Blocks, read.Network.Blocks);
        Assert.Equal(request.Options, read.Options);
        Assert.Equal(request.ToArguments(), read.ToArguments());
        Assert.Equal(request.Network.Blocks, Read([.. read.ToArguments().Skip(1)]).Network.Blocks);
    }

    [Fact]
    public void A_configuration_without_the_shape_of_its_images_is_refused()
    {
        JsonNode json = JsonNode.Parse(Describe(Read("--network", SmallCnn)).ToJson())!;
        Assert.True(json["data"]!.AsObject().Remove("shape"));

        var refusal = Assert.Throws<TopologyException>(() => RunConfiguration.Parse(json.ToJsonString(), "config.json").ToRequest());

        Assert.Contains("has convolutions, which take their input's shape from images", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Differences_from_the_presets_name_site_and_normalization() => Assert.Equal(
        [
            "Differs from the preset paper in: perturbed at pre-activation (block-output), batch normalization yes (no).",
            "Differs from the preset published-code in: weights start as kaiming (pytorch), feedback rate decay per epoch 0.95 (1), "
            + "feedback is updated first (simultaneous), perturbed at pre-activation (before-pool).",
        ],
        Describe(Read("--network", SmallCnn, "--perturb-at", "pre-activation", "--batch-norm")).Differences);

    [Fact]
    public void A_stride_does_not_become_a_folder()
    {
        RunRequest request = Read("--network", "4C3/2+1-P3/2-10");

        Assert.EndsWith("-FDFA-4C3_2+1-P3_2-10", RunFolder.DefaultPath(request, DateTime.Now), StringComparison.Ordinal);
        Assert.StartsWith("FDFA-4C3_2+1-P3_2-10-embedded-", RunKey.Of(request), StringComparison.Ordinal);
    }

    [Fact]
    public void A_quick_look_at_Table_2_plans_what_it_says()
    {
        ReproductionPlan plan = Plan("reproduce table2 --quick --data embedded", Table2.Table);

        Assert.Equal(LearningRule.OfThePaper, plan.Entries.Select(entry => entry.Request.Options.Rule));
        Assert.All(plan.Entries, entry =>
        {
            Assert.Equal("15C5-40C5-P2-128-10", entry.Request.Network.Topology);
            Assert.Equal(new ImageShape(1, 28, 28), entry.Request.Network.InputShape);
            Assert.Equal(Preset.PublishedCode.BatchNormalizationFor(entry.Request.Options.Rule), entry.Request.Network.IsNormalized());
            Assert.Equal(Preset.PublishedCode.OptionsOn(entry.Request.Network, entry.Request.Options.Rule), entry.Request.Options);
            // The embedded data are no more than the limit.
            Assert.Null(entry.Request.Limit);
            Assert.NotNull(entry.Paper);
        });
        Assert.Contains(plan.Remarks, remark => remark.StartsWith("The network is the authors' code's, 15C5-40C5-P2-128-10", StringComparison.Ordinal));

        ReproductionPlan limited = Plan("reproduce table2 --quick --data embedded --limit 100 --preset paper", Table2.Table);
        Assert.All(limited.Entries, entry => Assert.Equal(100, entry.Request.Limit));
        Assert.All(limited.Entries, entry => Assert.Equal(SmallCnn, entry.Request.Network.Topology));
        Assert.Contains("Trained on the first 100 samples of a data set, where the paper has all: 2 steps per epoch at batch size 64.", limited.Remarks);
    }

    [Fact]
    public void A_quick_look_at_Table_3_is_a_few_tens_of_steps_and_says_so()
    {
        using var folder = new Fdfa.Tests.Data.TemporaryFolder();
        folder.Write("cifar-100-binary.tar.gz", Fdfa.Tests.Data.SmallCifar.Archive(CifarDataSet.Cifar100));

        // The small archive has fewer samples than any limit but this.
        ReproductionPlan plan = Plan($"reproduce table3 --quick --limit 2 --data-dir {folder.Path}", Table3.Table);

        Assert.Equal(["BP", "DFA", "FDFA"], plan.Entries.Select(entry => entry.Request.Options.Rule.Name));
        Assert.All(plan.Entries, entry => Assert.Equal(
            ("alexnet-100", new ImageShape(3, 32, 32), 128, 1, 2, 1),
            (entry.Request.Network.Topology, entry.Request.Network.InputShape, entry.Request.Options.BatchSize, entry.Request.Epochs, entry.Request.Limit, entry.Request.Seeds.Count)));
        Assert.Contains("A quick look has the rules BP, DFA, FDFA; name others with --rules.", plan.Remarks);
        Assert.Contains(plan.Remarks, remark => remark.StartsWith("Trained on the first 2 samples of a data set, where the paper has all: 1 step per epoch", StringComparison.Ordinal));
        Assert.Contains(plan.Remarks, remark => remark.StartsWith("AlexNet takes images at their own 32 and 64 pixels", StringComparison.Ordinal));
        Assert.Equal(2560, Table3.Table.Quick.Limit);
    }

    private static ReproductionPlan Plan(string commandLine, AccuracyTable table)
    {
        var command = new AccuracyTableCommand(table);
        return ReproductionPlan.Of(command.Read(command.Parse(commandLine.Split(' ')[2..])));
    }

    private static RunConfiguration Describe(RunRequest request) => RunConfiguration.Describe(
        request,
        new DataDescription(request.DataName, null, "memory", null, 100, 100, request.Network.InputSize, 10) { Shape = DataSource.ShapeOf(request.DataName) },
        new DeviceInfo("cpu", DeviceKind.Cpu, "Some processor", 8L << 30, "2 cores"));

    private static RunRequest Read(params string[] arguments)
    {
        var command = new TrainCommand();
        return command.Read(command.Parse(arguments));
    }
}
