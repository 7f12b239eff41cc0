using System.Diagnostics;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Commands;
using Fdfa.Experiments.Reproduction;
using Fdfa.Experiments.Runs;
using Fdfa.Experiments.Sweeps;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary><c>train --sweep</c>: grids, what they refuse, and what they leave behind.</summary>
public sealed class SweepTests : IDisposable
{
    private static readonly string[] s_tiny = ["train", .. CommandLineRun.Tiny];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_sweep_trains_every_combination_once_and_sorts_them_by_accuracy()
    {
        CommandLineRun first = Sweep("--sweep", "rule=FDFA,BP", "--sweep", "lr=1e-2,1e-9", "--seeds", "2");

        first.AssertDone("Sweep of rule=FDFA,BP learning-rate=1e-2,1e-9: 4 runs, of which 0 are in");
        Assert.Equal(4, Count(first, "epoch 1/1"));
        string file = Assert.Single(Directory.GetFiles(folder.File("store"), "*.csv"));
        Assert.StartsWith("sweep-rule+learning-rate-", Path.GetFileName(file), StringComparison.Ordinal);
        string[][] lines = [.. File.ReadAllLines(file).Select(line => line.Split(','))];
        Assert.Equal(["rule", "learning-rate", "state", "test_accuracy", "test_accuracy_deviation", "seeds", "epochs", "run"], lines[0]);
        double[] accuracies = [.. lines.Skip(1).Select(line => double.Parse(line[3], System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(accuracies.OrderDescending(), accuracies);
        Assert.Equal(["1e-2", "1e-2", "1e-9", "1e-9"], lines.Skip(1).Select(line => line[1]));

        // The table says what the runs' own files say.
        foreach (string[] line in lines.Skip(1))
        {
            RunConfiguration configuration = RunFolder.ReadConfiguration(folder.File($"store/{line[7]}"));
            Assert.Equal(
                (line[0], double.Parse(line[1], System.Globalization.CultureInfo.InvariantCulture)),
                (configuration.Options.Rule.Name, configuration.Options.LearningRate));
            Assert.Equal(
                RunFolder.ReadMetrics(folder.File($"store/{line[7]}")).Average(row => row.TestAccuracy),
                double.Parse(line[3], System.Globalization.CultureInfo.InvariantCulture), 1e-12);
            Assert.Empty(Directory.GetFiles(folder.File($"store/{line[7]}"), "*.safetensors"));
        }

        // A value more: what is finished is taken as it is.
        CommandLineRun second = Sweep("--sweep", "rule=FDFA,BP,DFA", "--sweep", "learning-rate=1e-2,1e-9", "--seeds", "2");

        second.AssertDone();
        Assert.Equal(2, Count(second, "epoch 1/1"));
        Assert.Equal(6, Directory.GetDirectories(folder.File("store")).Length);
        Assert.Equal(0, Count(Sweep("--sweep", "rule=FDFA,BP", "--sweep", "lr=1e-2,1e-9", "--seeds", "2"), "epoch 1/1"));
    }

    [Fact]
    public void What_means_nothing_to_a_rule_is_left_out_of_its_points()
    {
        CommandLineRun run = Sweep("--sweep", "rule=FDFA,DFA", "--sweep", "feedback-rate=1e-3,1e-2", "--perturbations", "2");

        Assert.Equal(("", 0), (run.Error, run.ExitCode));
        Assert.Contains("The option --feedback-rate means nothing to DFA: it is left out there.", run.Output, StringComparison.Ordinal);
        Assert.Contains("The option --perturbations means nothing to DFA: it is left out there.", run.Output, StringComparison.Ordinal);
        Assert.Contains("4 combinations make 3 points", run.Output, StringComparison.Ordinal);
        Assert.Equal(3, Directory.GetDirectories(folder.File("store")).Length);
        Assert.Equal(
            1,
            File.ReadLines(Assert.Single(Directory.GetFiles(folder.File("store"), "*.csv")))
                .Count(line => line.StartsWith("DFA,,finished,", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_grid_of_two_numbers_ends_with_a_map_that_says_where_the_best_lies()
    {
        CommandLineRun run = Sweep("--sweep", "lr=1e-3,1e-9,1e-6", "--sweep", "decay=1,0.5");

        Assert.Equal(("", 0), (run.Error, run.ExitCode));
        Assert.Contains("learning-rate ↓ decay →", run.Output, StringComparison.Ordinal);
        Assert.Contains(
            "The best has learning-rate=1e-3, the largest of its values: what is beyond may be better still.", run.Output,
            StringComparison.Ordinal);
        string[] files = [.. Directory.GetFiles(folder.File("store")).Select(Path.GetExtension).Order()!];
        Assert.Equal([".csv", ".png", ".svg"], files);

        // In the order of the numbers, not of the command line.
        string map = run.Output[run.Output.IndexOf("Mean test accuracy", StringComparison.Ordinal)..];
        int[] places = [.. new[] { " 0.5 ", " 1 ", "1e-9", "1e-6", "1e-3" }.Select(word => map.IndexOf(word, StringComparison.Ordinal))];
        Assert.Equal(places.Order(), places);
        Assert.DoesNotContain(-1, places);
    }

    [Fact]
    public void Gathering_reads_what_is_there_even_while_others_train()
    {
        Sweep("--sweep", "lr=1e-2");
        using RunStore busy = RunStore.Open(folder.File("store"));

        CommandLineRun run = Sweep("--sweep", "lr=1e-2,1e-3", "--gather");

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(0, Count(run, "epoch 1/1"));
        Assert.Contains(
            "fdfa: 1 of 2 points are not trained: 1 (learning-rate=1e-3). To train them: fdfa train ", run.Error, StringComparison.Ordinal);
        Assert.Contains(
            $" --sweep learning-rate=1e-2,1e-3 --output {folder.File("store")}, or send the job array again; one of them: "
            + "the same with --sweep-point 1.", run.Error, StringComparison.Ordinal);
        Assert.Single(Directory.GetDirectories(folder.File("store")));
        Assert.Equal(("", 0), (Sweep("--sweep", "lr=1e-2", "--gather").Error, Sweep("--sweep", "lr=1e-2", "--gather").ExitCode));
    }

    [Fact]
    public void A_run_that_diverges_or_is_interrupted_does_not_end_the_others_or_is_trained_next_time()
    {
        CommandLineRun diverging = Sweep("--sweep", "lr=1e-3,1e37", "--optimizer", "sgd");

        Assert.Equal(1, diverging.ExitCode);
        Assert.Contains("learning-rate=1e37: ", diverging.Output, StringComparison.Ordinal);
        Assert.Equal(0, Count(Sweep("--sweep", "lr=1e-3,1e37", "--optimizer", "sgd"), "epoch 1/1"));

        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        CommandLineRun interrupted = CommandLineRun.Of(
            cancelled.Token, [.. s_tiny, "--output", folder.File("store"), "--sweep", "lr=2e-3,3e-3"]);

        Assert.Equal(130, interrupted.ExitCode);
        Assert.Contains(
            "Interrupted in run 1 of 2 (learning-rate=2e-3); finished runs are kept", interrupted.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        """{"lr": [1e-3, 0.02], "rule": ["FDFA", "DFA"], "batch-norm": [true, false]}""",
        "learning-rate=1e-3,0.02 rule=FDFA,DFA batch-norm=yes,no")]
    [InlineData("{ // two of it\n \"seeds\": 3, \"antithetic\": [false], }", "seeds=3 antithetic=no")]
    public void A_grid_may_be_a_file(string json, string expected)
    {
        string file = folder.Write("grid.json", System.Text.Encoding.UTF8.GetBytes(json));

        CommandLineRun.Of([.. s_tiny, "--sweep", file, "--slurm", folder.File("job.sh")]).AssertDone();
        Assert.Equal(expected, string.Join(' ', SweepAxis.Read(folder.File("job.grid.json"))));
    }

    public static TheoryData<string, string> Mistakes => new()
    {
        { "--sweep rule=FDFA,FDFB", "The sweep's point 'rule=FDFB' cannot be trained: Unknown rule 'FDFB'; did you mean FDFA?" },
        { "--sweep rule=BP,DFA --sweep feedback-rate=1e-3",
            "The option --feedback-rate means nothing to the rule BP; leave it out, or choose a rule that it is for" },
        { "--sweep rule=BP,DFA --feedback-rate 1e-3", "The option --feedback-rate means nothing to the rule BP" },
        { "--sweep lr=1e-3,fast",
            "The sweep's point 'learning-rate=fast' cannot be trained: The value 'fast' of --learning-rate is not a number above 0" },
        { "--sweep lr=1e-3,0.001", "The sweep's points 'learning-rate=1e-3' and 'learning-rate=0.001' are the same run;" },
        { "--sweep lr=1e-3,1e-3", "The axis 'lr=1e-3,1e-3' of --sweep has '1e-3' twice; give it once." },
        { "--sweep lr=1e-3 --sweep learning-rate=1e-4", "The option learning-rate is swept 2 times; give all its values at once" },
        { "--sweep lr=", "The axis 'lr=' of --sweep is not an option with values" },
        { "--sweep lr=1,,2", "is not an option with values" },
        { "--sweep =1", "is not an option with values" },
        { "--sweep lr", "The value 'lr' of --sweep is neither an option with its values, such as lr=1e-3,1e-4, nor a JSON file" },
        { "--sweep", "The option --sweep needs a value" },
        { "--sweep --quiet", "The option --sweep needs a value, but '--quiet' follows it." },
        { "--sweep rulle=FDFA", "Unknown sweepable option 'rulle'; did you mean rule? Known sweepable options: rule, network, data" },
        { "--sweep device=cpu,auto", "Unknown sweepable option 'device'" },
        { "--sweep network=784-8-10,784-0-10", "The sweep's point 'network=784-0-10' cannot be trained: " },
        { "--sweep network=784-8-10,100-8-10 --device cpu", "begins with 784 and ends with 10" },
        { "--sweep antithetic=maybe", "The value 'maybe' of antithetic in --sweep is neither yes nor no" },
        { "--rule BP --sweep rule=FDFA", "The option --rule is given beside a sweep of its values; leave one of them out." },
        { "--lr 1e-3 --sweep learning-rate=1e-2", "The option --learning-rate is given beside a sweep of its values" },
        { "--sweep seed=0,1,2",
            "A result must not depend on the seed, so a sweep does not look for the best one; "
            + "give --seeds 3, which trains every point with as many" },
        { "--sweep seeds=1,2 --seed 3", "--seed and --seeds exclude each other" },
        { "--sweep lr=1e-3 --gather --sweep-point 0", "The options --sweep-point and --gather exclude each other; leave one of them out." },
        { "--sweep lr=1e-3 --gather --slurm job.sh", "The options --slurm and --gather exclude each other" },
        { "--gather", "The option --gather belongs to a sweep" },
        { "--sweep lr=1e-3 --gather", "There is no folder '" },
        { "--sweep lr=1e-3 --sweep-point 1", "'1' of --sweep-point is not a whole number from 0 to 0" },
        { "--sweep lr=1e-3 --skip-bad-images", "leave out --skip-bad-images" },
        { "--sweep lr=1e-3 --initial-weights x", "leave out --initial-weights" },
        { "--sweep-point 1", "The option --sweep-point belongs to a sweep; give --sweep too, or leave it out." },
        { "--slurm x.sh", "The option --slurm belongs to a sweep" },
        { "--sweep limit=10,20000 --device cpu", "has 10000 training samples" },
        { "--sweep lr=1e-3 --device cuda:99", "cuda:99" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_in_any_point_is_one_sentence_before_anything_is_trained(string commandLine, string expected)
    {
        CommandLineRun run = CommandLineRun.Of(["train", .. commandLine.Split(' '), "--output", folder.File("deep/store")]);

        run.AssertRefused(expected);
        Assert.Equal("", run.Output);
        Assert.False(Directory.Exists(folder.File("deep")));
    }

    [Theory]
    [InlineData("", "it is not whole, or its line 1 is not JSON")]
    [InlineData("[1]", "it is no object")]
    [InlineData("{\n\"lr\": [1e-3,", "it is not whole, or its line 2 is not JSON")]
    [InlineData("""{"lr": [[1e-3]]}""", "a value of 'lr' is neither a word, a number, nor true or false")]
    [InlineData("""{"lr": {}}""", "a value of 'lr' is neither")]
    [InlineData("""{"lr": []}""", "is not an option with values")]
    [InlineData("""{"lr": [1], "lr": [2]}""", "is swept 2 times")]
    [InlineData("""{"network": ["784-8-10,784-9-10"]}""", "is not an option with values")]
    [InlineData("{}", "has no options")]
    [InlineData("{\"lr\": [\"\\ud800\"]}", "a word in it is no text")]
    public void A_file_that_is_no_grid_is_refused(string json, string expected)
    {
        string file = folder.Write("grid.json", System.Text.Encoding.UTF8.GetBytes(json));

        CommandLineRun run = CommandLineRun.Of("train", "--sweep", file, "--output", folder.File("store"));

        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Equal(("", 2), (run.Output, run.ExitCode));
    }

    [Fact]
    public void A_grid_without_end_is_refused_before_it_is_spanned()
    {
        SweepAxis[] axes = [.. Enumerable.Range(0, 40).Select(number => new SweepAxis($"option{number}", ["1", "2", "3"]))];

        Refusal.Of<InvalidOptionException>(
            () => SweepGrid.Span(axes, _ => throw new InvalidOperationException()), "points, and 10000 are the most");
    }

    [SkippableFact]
    public async Task Jobs_of_a_script_train_a_point_each_beside_one_another_and_the_same_sweep_gathers_them()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Runs a script of bash.");
        // More values than a command line takes, of which two are trained.
        string grid = folder.Write("grid.json", System.Text.Encoding.UTF8.GetBytes(
            $"{{\"lr\": [{string.Join(',', Enumerable.Range(1, 900).Select(number => $"0.{number:D4}{new string('0', 150)}"))}]}}"));
        string[] sweep = [.. s_tiny, "--output", folder.File("store"), "--sweep", grid];
        string script = folder.File("job's.sh");
        Assert.Equal(0, CommandLineRun.Of([.. sweep, "--slurm", script]).ExitCode);
        Assert.Contains("#SBATCH --array=0-899\n", File.ReadAllText(script), StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.File("store")));
        Assert.Contains("is there already", CommandLineRun.Of([.. sweep, "--slurm", script]).Error, StringComparison.Ordinal);

        (int ExitCode, string Output)[] jobs = await Task.WhenAll(Job("0"), Job("1"));

        Assert.All(jobs, job => Assert.True(job.ExitCode == 0, job.Output));
        CommandLineRun gathered = CommandLineRun.Of([.. sweep, "--gather"]);
        Assert.Equal(1, gathered.ExitCode);
        Assert.Contains("898 of 900 points are not trained: 2 (learning-rate=0.0003", gathered.Error, StringComparison.Ordinal);
        Assert.Equal(898, Count(gathered, " missing "));
        Assert.Equal(2, Directory.GetDirectories(folder.File("store")).Length);
        Assert.Empty(Directory.GetFiles(folder.File("store"), ".fdfa-lock-*"));

        async Task<(int, string)> Job(string number)
        {
            var start = new ProcessStartInfo("bash", [script]) { RedirectStandardOutput = true, RedirectStandardError = true };
            start.Environment["SLURM_ARRAY_TASK_ID"] = number;
            using Process process = Process.Start(start)!;
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            Task<string> error = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return (process.ExitCode, await output + await error);
        }
    }

    [Fact]
    public void A_store_is_one_process_s_or_several_processes_a_run_each()
    {
        string path = folder.File("store");
        RunRequest other = SomeRun.Request with { Epochs = 99 };
        using (RunStore.OpenFor(path, SomeRun.Request))
        using (RunStore.OpenFor(path, other))
        {
            Assert.Throws<FolderTakenException>(() => RunStore.OpenFor(path, other));
            Assert.Throws<FolderTakenException>(() => RunStore.Open(path));
        }

        using (RunStore.Open(path))
        {
            Assert.Throws<FolderTakenException>(() => RunStore.OpenFor(path, other));
            Assert.Throws<FolderTakenException>(() => RunStore.Open(path));
        }

        Assert.Empty(Directory.GetFileSystemEntries(path));
    }

    [Fact]
    public void The_command_line_of_a_script_asks_for_the_same_sweep()
    {
        var command = new TrainCommand();
        var request = new SweepRequest(
            SweepGrid.Span(
                [new SweepAxis("rule", ["FDFA", "DFA"])],
                values => new SweepPoint([.. values], [], command.Read(command.Parse(["--rule", values[0]])))),
            ["--data-dir", "it's here"], "cpu", "runs/sweep", Quiet: true);

        const string Train = "train --data-dir 'it'\\''s here' --sweep job.grid.json --output runs/sweep";
        Assert.Equal(
            $"""
            #!/bin/bash
            # Trains 2 points of a sweep, a job each; send them off with sbatch. A job whose point is
            # finished ends at once: after failures, send the same script again. When all have ended, gather the results with
            #   fdfa {Train} --gather
            # Add what your cluster asks for: partition, time, memory, --gres=gpu:1. Many clusters take no more than 1001 jobs at once.
            #SBATCH --job-name=fdfa-sweep
            #SBATCH --array=0-1
            set -euo pipefail
            cd '/a folder'
            exec dotnet /opt/fdfa.dll {Train} --quiet --sweep-point "$SLURM_ARRAY_TASK_ID"

            """.ReplaceLineEndings("\n"),
            SlurmScript.Of(request, ["dotnet", "/opt/fdfa.dll"], "/a folder", "job.grid.json"));
    }

    private CommandLineRun Sweep(params string[] arguments) =>
        CommandLineRun.Of([.. s_tiny, "--output", folder.File("store"), .. arguments]);

    private static int Count(CommandLineRun run, string text) => run.Output.Split(text).Length - 1;
}
