using System.Text.Json.Nodes;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Commands;
using Fdfa.Experiments.Data;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Reproduction;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;

namespace Fdfa.Tests.CommandLine;

/// <summary>
/// Networks of images, batch normalization and perturbation sites on their way from the command line to the trainer and back.
/// </summary>
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
        RunRequest request = SomeRun.Read("--data", data, "--network", network);

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
        RunRequest request = SomeRun.Read("--preset", preset, "--network", network, "--rule", rule);

        Assert.Equal((site, batchSize), (request.Options.PerturbationSite, request.Options.BatchSize));
        Assert.Equal(normalization, BatchNormalization.Text(request.Network));
    }

    [Theory]
    [InlineData("paper", "in convolutions")]
    [InlineData("published-code", "yes")]
    public void AlexNet_has_its_batch_and_its_convolutions_normalized(string preset, string normalization)
    {
        RunRequest request = SomeRun.Read("--preset", preset, "--data", "cifar-10", "--network", "alexnet-10");

        Assert.Equal((PerturbationSite.BlockOutput, 128), (request.Options.PerturbationSite, request.Options.BatchSize));
        Assert.Equal(normalization, BatchNormalization.Text(request.Network));
    }

    [Theory]
    [InlineData("published-code", "FDFA", "cifar-100", "alexnet-100", true)]
    [InlineData("published-code", "BP", "cifar-10", "alexnet-10", true)]
    [InlineData("published-code", "FG-A", "cifar-100", "alexnet-100", false)]
    [InlineData("published-code", "FDFA", "cifar-100", "15C5-40C5-P2-128-100", false)]
    [InlineData("published-code", "FDFA", "tiny-imagenet", "alexnet-200", false)]
    [InlineData("paper", "FDFA", "cifar-100", "alexnet-100", false)]
    public void A_preset_decides_about_augmentation_and_it_can_be_declined(
        string preset, string rule, string data, string network, bool augments)
    {
        string[] arguments = ["--preset", preset, "--rule", rule, "--data", data, "--network", network];

        RunRequest request = SomeRun.Read(arguments);
        RunRequest declined = SomeRun.Read([.. arguments, "--no-augment"]);

        Assert.Equal(augments ? ImageAugmentation.PublishedCode : null, request.Options.Augmentation);
        Assert.Equal(augments ? new ImageShape(3, 224, 224) : DataSource.ShapeOf(data), request.Network.InputShape);
        Assert.Null(declined.Options.Augmentation);
        Assert.Equal(DataSource.ShapeOf(data), declined.Network.InputShape);
        Assert.Equal(augments, declined.ToArguments().Contains("--no-augment"));
        Assert.DoesNotContain("--no-augment", request.ToArguments());
        Assert.Equal(augments, RunKey.Of(request) != RunKey.Of(declined));
    }

    [Fact]
    public void Differences_from_the_presets_name_the_augmentation()
    {
        string[] arguments = ["--network", "alexnet-10", "--data", "cifar-10", "--preset", "published-code"];

        Assert.Equal("As the preset published-code.", Describe(SomeRun.Read(arguments)).Differences[1]);
        Assert.EndsWith(
            ", augmentation crops to 224 pixels, mirrored (no).", Describe(SomeRun.Read(arguments)).Differences[0],
            StringComparison.Ordinal);
        Assert.Equal(
            "Differs from the preset published-code in: augmentation no (crops to 224 pixels, mirrored).",
            Describe(SomeRun.Read([.. arguments, "--no-augment"])).Differences[1]);
    }

    /// <summary>What no preset has: a configuration is taken at its word, all six numbers of it.</summary>
    [Fact]
    public void Every_number_of_an_augmentation_is_kept_and_tells_runs_apart()
    {
        RunRequest request = SomeRun.Read("--network", "alexnet-10", "--data", "cifar-10", "--preset", "published-code");
        ImageAugmentation usual = request.Options.Augmentation!;
        ImageAugmentation[] others =
        [
            usual with { SmallestArea = 0.25 }, usual with { LargestArea = 0.5 }, usual with { SmallestRatio = 0.5 },
            usual with { LargestRatio = 2 }, usual with { Flips = false },
        ];
        IEnumerable<RunRequest> runs = others.Select(other => request with { Options = request.Options with { Augmentation = other } })
            .Append(request);

        Assert.Equal(runs.Count(), runs.Select(RunKey.Of).Distinct().Count());
        Assert.All(
            runs, run => Assert.Equal(run.Options, RunConfiguration.Parse(Describe(run).ToJson(), "config.json").ToRequest().Options));
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
            RunRequest request = SomeRun.Read("--preset", preset, "--rule", rule.Name, "--network", SmallCnn, given);

            Assert.Equal(normalization, BatchNormalization.Text(request.Network));
            Assert.Equal(normalization, BatchNormalization.Text(SomeRun.Read([.. request.ToArguments().Skip(1)]).Network));
        }
    }

    [Theory]
    [InlineData("--network", SmallCnn, "--batch-norm", "--perturb-at", "pre-activation")]
    [InlineData("--network", SmallCnn, "--preset", "published-code")]
    [InlineData("--network", SmallCnn, "--preset", "published-code", "--perturb-at", "block-output", "--no-batch-norm")]
    [InlineData("--network", "4C3/2+1-P3/2-A2-10", "--preset", "published-code", "--activation", "tanh")]
    [InlineData("--network", "alexnet-10", "--data", "cifar-10")]
    [InlineData("--network", "alexnet-10", "--data", "cifar-10", "--preset", "published-code")]
    [InlineData("--network", "alexnet-10", "--data", "cifar-10", "--preset", "published-code", "--no-augment")]
    public void A_run_comes_back_from_its_configuration(params string[] arguments)
    {
        RunRequest request = SomeRun.Read(arguments);

        RunConfiguration configuration = RunConfiguration.Parse(Describe(request).ToJson(), "config.json");

        RunRequest read = configuration.ToRequest();
        Assert.Equal(request.Network.ToString(), read.Network.ToString());
        Assert.Equal(request.Network.Blocks, read.Network.Blocks);
        Assert.Equal(request.Options, read.Options);
        Assert.Equal(request.ToArguments(), read.ToArguments());
        Assert.Equal(request.Network.Blocks, SomeRun.Read([.. read.ToArguments().Skip(1)]).Network.Blocks);
    }

    [Fact]
    public void A_configuration_without_the_shape_of_its_images_is_refused()
    {
        JsonNode json = JsonNode.Parse(Describe(SomeRun.Read("--network", SmallCnn)).ToJson())!;
        Assert.True(json["data"]!.AsObject().Remove("shape"));

        Refusal.Of<TopologyException>(
            () => RunConfiguration.Parse(json.ToJsonString(), "config.json").ToRequest(),
            "has convolutions, which take their input's shape from images");
    }

    [Fact]
    public void Differences_from_the_presets_name_site_and_normalization() => Assert.Equal(
        [
            "Differs from the preset paper in: perturbed at pre-activation (block-output), batch normalization yes (no).",
            "Differs from the preset published-code in: weights start as kaiming (pytorch), feedback rate decay per epoch 0.95 (1), "
            + "feedback is updated first (simultaneous), perturbed at pre-activation (before-pool).",
        ],
        Describe(SomeRun.Read("--network", SmallCnn, "--perturb-at", "pre-activation", "--batch-norm")).Differences);

    [Fact]
    public void A_stride_does_not_become_a_folder()
    {
        RunRequest request = SomeRun.Read("--network", "4C3/2+1-P3/2-10");

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
            // The published code has no FG-A: on its network, without the first pool, there would be four times the neurons to perturb.
            Assert.Equal(
                entry.Request.Options.Rule.Name is "FG-A" or "LG-FG-A" ? SmallCnn : "15C5-40C5-P2-128-10", entry.Request.Network.Topology);
            Assert.Equal(new ImageShape(1, 28, 28), entry.Request.Network.InputShape);
            Assert.Equal(Preset.PublishedCode.BatchNormalizationFor(entry.Request.Options.Rule), entry.Request.Network.IsNormalized());
            Assert.Equal(Preset.PublishedCode.OptionsOn(entry.Request.Network, entry.Request.Options.Rule), entry.Request.Options);
            // The embedded data are no more than the limit.
            Assert.Null(entry.Request.Limit);
            Assert.NotNull(entry.Paper);
        });
        Assert.Contains(plan.Remarks, remark =>
            remark.StartsWith("The network is the authors' code's, 15C5-40C5-P2-128-10", StringComparison.Ordinal)
            && remark.EndsWith(", and FG-A, LG-FG-A in any case.", StringComparison.Ordinal));

        ReproductionPlan limited = Plan("reproduce table2 --quick --data embedded --limit 100 --preset paper", Table2.Table);
        Assert.All(limited.Entries, entry => Assert.Equal(100, entry.Request.Limit));
        Assert.All(limited.Entries, entry => Assert.Equal(SmallCnn, entry.Request.Network.Topology));
        Assert.Contains(
            "Trained on the first 100 samples of a data set, where the paper has all: 2 steps per epoch at batch size 64.",
            limited.Remarks);
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
            (
                entry.Request.Network.Topology,
                entry.Request.Network.InputShape,
                entry.Request.Options.BatchSize,
                entry.Request.Epochs,
                entry.Request.Limit,
                entry.Request.Seeds.Count)));
        Assert.Contains("A quick look has the rules BP, DFA, FDFA; name others with --rules.", plan.Remarks);
        Assert.Contains(
            plan.Remarks,
            remark => remark.StartsWith(
                "Trained on the first 2 samples of a data set, where the paper has all: 1 step per epoch", StringComparison.Ordinal));
        Assert.Contains(
            "AlexNet takes images at their own 32 and 64 pixels, with a first convolution to match (--no-augment), "
            + "where the authors' code enlarges CIFAR100 to 224 pixels, mirrors and crops: do not expect agreement there.",
            plan.Remarks);
        Assert.Equal(2560, Table3.Table.Quick.Limit);
    }

    [Fact]
    public void Table_3_augments_CIFAR_100_as_the_authors_code_does_and_says_so()
    {
        var command = new AccuracyTableCommand(Table3.Table);
        ReproductionRequest Request(params string[] arguments) => command.Read(command.Parse(arguments));

        Assert.True(Request().Augments);
        Assert.False(Request("--no-augment").Augments);
        Assert.False(Request("--quick").Augments);
        Assert.Equal(
            "AlexNet takes CIFAR100 enlarged to 224 pixels, mirrored and cropped at random in training with BP, FG-W, DFA, DKP, FDFA, "
            + "as the authors' code does; else it takes images at their own 32 and 64 pixels, with a first convolution to match.",
            Assert.Single(Table3.Table.Remarks(Request())));
        Assert.Equal(
            "AlexNet takes images at their own 32 and 64 pixels, with a first convolution to match.",
            Assert.Single(Table3.Table.Remarks(Request("--preset", "paper"))));
        Assert.Contains(
            Table3.Table.Remarks(Request("--quick")), remark => remark.Contains("accuracies stay near chance", StringComparison.Ordinal));
        Assert.Single(Table3.Table.Remarks(Request("--quick", "--epochs", "9")));

        using var folder = new Fdfa.Tests.Data.TemporaryFolder();
        folder.Write("cifar-100-binary.tar.gz", Fdfa.Tests.Data.SmallCifar.Archive(CifarDataSet.Cifar100));
        ReproductionRequest whole = Request("--rules", "FDFA,FG-A", "--quick", "--data-dir", folder.Path) with { Augments = true };
        Assert.Equal([32, 224], ReproductionPlan.Of(whole).Entries.Select(entry => entry.Request.Network.InputShape!.Value.Height));
        Assert.Equal(
            [null, ImageAugmentation.PublishedCode],
            ReproductionPlan.Of(whole).Entries.Select(entry => entry.Request.Options.Augmentation));
    }

    private static ReproductionPlan Plan(string commandLine, AccuracyTable table)
    {
        var command = new AccuracyTableCommand(table);
        return ReproductionPlan.Of(command.Read(command.Parse(commandLine.Split(' ')[2..])));
    }

    private static RunConfiguration Describe(RunRequest request) => RunConfiguration.Describe(
        request,
        new DataDescription(request.DataName, null, "memory", null, 100, 100, request.Network.InputSize, 10)
        {
            Shape = DataSource.ShapeOf(request.DataName),
        },
        new DeviceInfo("cpu", DeviceKind.Cpu, "Some processor", 8L << 30, "2 cores"));
}
