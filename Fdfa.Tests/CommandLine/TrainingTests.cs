using System.Text;
using Fdfa.Experiments.Benchmarks;
using Fdfa.Experiments.Runs;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary>The commands that train, at the smallest size, on the CPU device.</summary>
public sealed class TrainingTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void Training_leaves_a_whole_run_folder()
    {
        CommandLineRun run = Train(_temporary.File("run"), "--seeds", "2").AssertDone(_temporary.File("run"));
        Assert.Equal(
            [
                "checkpoints",
                "config.json",
                "curves.png",
                "curves.svg",
                "log.txt",
                "metrics.csv",
                "model-seed0.safetensors",
                "model-seed1.safetensors",
            ],
            RunFolderTests.FileNames(_temporary.File("run")));
        Assert.Equal([(0UL, 1), (1UL, 1)], RunFolder.ReadMetrics(_temporary.File("run")).Select(row => (row.Seed, row.Epoch)));
    }

    [Theory]
    [InlineData("FDFA", "--perturbations 2 --noise rademacher --feedback-order simultaneous --feedback-init kaiming")]
    [InlineData("BP", "--loss mse --weight-init pytorch --activation tanh")]
    [InlineData("DFA", "--activation relu-open --optimizer sgd")]
    [InlineData("DKP", "--feedback-decay 1e-3 --feedback-optimizer sgd")]
    [InlineData("FG-W", "--weight-noise batch --perturbations 2 --antithetic")]
    [InlineData("LG-FG-A", "--output-gradient exact")]
    [InlineData("FDFA", "--activation gelu --optimizer adamw --weight-decay 0.1 --schedule cosine --warmup 1")]
    [InlineData("BP", "--activation silu --optimizer nesterov --momentum 0.5 --schedule step --schedule-period 1 --bias-init pytorch")]
    public void The_configuration_repeats_a_run_to_the_bit(string rule, string options)
    {
        Assert.Equal(
            0,
            Train(_temporary.File("first"), ["--rule", rule, "--epochs", "2", "--seed", "7", "--quiet", .. options.Split(' ')]).ExitCode);
        RunRequest request = RunFolder.ReadConfiguration(_temporary.File("first")).ToRequest();

        CommandLineRun repeated = CommandLineRun.Of([.. request.ToArguments(), "--device", "cpu", "--output", _temporary.File("second")]);

        Assert.Equal(0, repeated.ExitCode);
        SameRun.Assert(_temporary.File("first"), _temporary.File("second"));
    }

    [Fact]
    public void A_seed_trained_with_others_has_the_metrics_of_that_seed_alone()
    {
        Assert.Equal(0, Train(_temporary.File("together"), "--seeds", "3", "--quiet").ExitCode);
        Assert.Equal(0, Train(_temporary.File("alone"), "--seed", "2", "--quiet").ExitCode);

        Assert.Equal(SameRun.Numbers(_temporary.File("alone")), SameRun.Numbers(_temporary.File("together")).Where(row => row.Seed == 2));
    }

    [Fact]
    public void Evaluation_finds_what_the_run_recorded()
    {
        Assert.Equal(0, Train(_temporary.File("run"), "--quiet").ExitCode);
        double accuracy = RunFolder.ReadMetrics(_temporary.File("run")).Single().TestAccuracy;

        CommandLineRun run = CommandLineRun.Of("evaluate", _temporary.File("run"), "--device", "cpu").AssertDone();
        string percent = Fdfa.Experiments.Output.ConsoleOutput.Percent(accuracy);
        Assert.Equal(2, run.Output.Split(percent).Length - 1);
        Assert.DoesNotContain("recorded is", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_evaluation_says_why_it_differs_from_what_was_recorded()
    {
        string output = _temporary.File("run");
        Assert.Equal(0, Train(output, "--epochs", "2", "--quiet").ExitCode);
        string[] metrics = File.ReadAllLines(_temporary.File("run/metrics.csv"));
        File.WriteAllLines(_temporary.File("run/metrics.csv"), metrics[..^1]);
        string configuration = _temporary.File("run/config.json");
        string sha256 = RunFolder.ReadConfiguration(output).Data.Sha256!;
        File.WriteAllText(configuration, File.ReadAllText(configuration).Replace(sha256, new string('0', 64), StringComparison.Ordinal));

        CommandLineRun run = CommandLineRun.Of("evaluate", output, "--device", "cpu").AssertDone();
        Assert.Contains(
            "The models are as of epoch 2 and 0 steps of the next, because the run did not end there; what is recorded is as of epoch 1.",
            run.Output,
            StringComparison.Ordinal);
        Assert.Contains("The data are not those of the run: these are from ", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Cancelled_before_its_first_step_a_run_still_leaves_what_it_has()
    {
        using var cancellation = new CancellationTokenSource();
        cancellation.Cancel();

        CommandLineRun run = CommandLineRun.Of(
            cancellation.Token, ["train", .. CommandLineRun.Tiny, "--quiet", "--output", _temporary.File("run")]);

        Assert.Equal(130, run.ExitCode);
        Assert.Equal(
            "fdfa: Interrupted in epoch 1 after step 0 of 4; the models are as of that step, the metrics as of epoch 0. To go on: "
            + $"fdfa train --resume {_temporary.File("run")}",
            run.Error.Trim());
        Assert.Empty(RunFolder.ReadMetrics(_temporary.File("run")));
        Assert.Contains("partial epoch of 0 of 4 steps", File.ReadAllText(_temporary.File("run/log.txt")), StringComparison.Ordinal);
        Assert.True(File.Exists(_temporary.File("run/model-seed0.safetensors")));
    }

    [Fact]
    public void A_first_look_that_is_cancelled_at_its_beginning_says_so()
    {
        using var cancellation = new CancellationTokenSource();
        cancellation.Cancel();

        CommandLineRun run = CommandLineRun.Of(cancellation.Token, "--device", "cpu", "--output", _temporary.File("look"));

        Assert.Equal("fdfa: Interrupted before FDFA began.", run.Error.Trim());
        Assert.Equal(130, run.ExitCode);
        Assert.DoesNotContain("curves.png", run.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_temporary.File("look")));
    }

    [Fact]
    public async Task Cancelled_in_the_middle_a_run_keeps_its_whole_epochs()
    {
        using var cancellation = new CancellationTokenSource();
        string output = _temporary.File("run");
        Task<CommandLineRun> running = Task.Run(() => CommandLineRun.Of(
            cancellation.Token,
            ["train", "--network", "784-64-10", "--epochs", "1000000", "--device", "cpu", "--quiet", "--output", output]));
        for (var wait = 0; wait < 600 && !running.IsCompleted && !HasAnEpoch(output); wait++)
        {
            await Task.Delay(100);
        }

        await cancellation.CancelAsync();
        CommandLineRun run = await running;

        Assert.Equal(130, run.ExitCode);
        Assert.Single(run.Error.Trim().Split('\n'));
        IReadOnlyList<MetricsRow> rows = RunFolder.ReadMetrics(output);
        Assert.Equal(Enumerable.Range(1, rows.Count), rows.Select(row => row.Epoch));
        Assert.NotEmpty(rows);
        Assert.Contains("Interrupted", await File.ReadAllTextAsync(Path.Combine(output, "log.txt")), StringComparison.Ordinal);
        Assert.Equal(
            ["checkpoints", "config.json", "curves.png", "curves.svg", "log.txt", "metrics.csv", "model-seed0.safetensors"],
            RunFolderTests.FileNames(output));
    }

    [Fact]
    public void Divergence_is_one_sentence_and_exit_code_1()
    {
        CommandLineRun run = Train(_temporary.File("run"), "--optimizer", "sgd", "--learning-rate", "1e30", "--epochs", "5", "--quiet");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("try a smaller learning rate", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.Trim().Split('\n'));
        Assert.Equal($"Everything about this run is in {_temporary.File("run")}", run.Output.Trim());
    }

    [Fact]
    public void Divergence_in_an_epoch_s_last_step_is_found_by_its_evaluation()
    {
        CommandLineRun run = Train(_temporary.File("run"), "--rule", "BP", "--batch-size", "64", "--learning-rate", "1e30", "--quiet");

        Assert.Equal("fdfa: The loss became NaN or infinite at step 1 (seed 0); try a smaller learning rate.", run.Error.Trim());
        Assert.Equal(1, run.ExitCode);
        Assert.Empty(RunFolder.ReadMetrics(_temporary.File("run")));
        Assert.Equal(["config.json", "log.txt", "metrics.csv"], RunFolderTests.FileNames(_temporary.File("run")));
    }

    [Fact]
    public void Redirected_output_has_no_escape_characters()
    {
        CommandLineRun run = Train(_temporary.File("run"));

        Assert.Equal(0, run.ExitCode);
        Assert.DoesNotContain('\u001b', run.Output);
        Assert.DoesNotContain('\r', run.Output.ReplaceLineEndings("\n"));
        Assert.Single(run.Output.Split('\n'), line => line.StartsWith("FDFA epoch 1/1: ", StringComparison.Ordinal));
    }

    [Fact]
    public void The_devices_of_this_machine_agree_with_the_reference() =>
        CommandLineRun.Of("check", "--device", "cpu", "--quick").AssertDone();

    [Fact]
    public void The_benchmark_prints_one_json_document_and_nothing_else_and_times_its_step_again()
    {
        CommandLineRun run = CommandLineRun.Of(
            "bench", "--rule", "FDFA", "--network", "16-8-4", "--batch-size", "4", "--device", "cpu", "--json", "-")
            .AssertDone();
        BenchmarkEntry entry = Assert.Single(BenchmarkFile.Parse(run.Output, "standard output").Results);
        Assert.Equal(entry.MedianSeconds / entry.FloorSeconds, entry.Ratio);

        _temporary.Write("times.json", Encoding.UTF8.GetBytes(run.Output));
        CommandLineRun again = CommandLineRun.Of(
            "bench", "--compare", _temporary.File("times.json"), "--json", _temporary.File("deep/again.json"));

        // 1 where other work on this machine made it slower.
        Assert.InRange(again.ExitCode, 0, 1);
        Assert.Contains("Now / before", again.Output, StringComparison.Ordinal);
        BenchmarkEntry second = Assert.Single(BenchmarkFile.Read(_temporary.File("deep/again.json")).Results);
        Assert.Equal(BenchmarkCase.Of(entry).Step, BenchmarkCase.Of(second).Step);
    }

    private static CommandLineRun Train(string output, params string[] further) => CommandLineRun.Of(
        [
            "train",
            .. CommandLineRun.Tiny.Chunk(2).Where(pair => !further.Contains(pair[0])).SelectMany(pair => pair),
            .. further,
            "--output",
            output,
        ]);

    private static bool HasAnEpoch(string run) => File.Exists(Path.Combine(run, "metrics.csv")) && RunFolder.ReadMetrics(run).Count > 0;
}
