using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary>Every mistake a person can make: one sentence that names it, exit code 2, and nothing left behind.</summary>
public sealed class BadInputTests
{
    /// <summary>The command line, and what the sentence must say.</summary>
    public static TheoryData<string, string> Mistakes { get; } = new()
    {
        { "trian",
            "Unknown command 'trian'; did you mean train? Known commands: "
            + "train, reproduce, evaluate, watch, compare, export, import, devices, check, bench, plan, kernels." },
        { "xyzzy", "Unknown command 'xyzzy'. Known commands: train" },
        { "--epochs 3", "did you mean 'fdfa train --epochs'?" },
        { "-x", "Unknown option '-x'" },
        { "train --epoch 3", "Unknown option '--epoch' of 'fdfa train'; did you mean --epochs? Known options: --rule" },
        { "train --val 0.1", "Unknown option '--val' of 'fdfa train'. Known options: --rule" },
        { "train --rule DFA --feedback-init zeros --data-dir nowhere",
            "Feedback that starts at zero would stay there with DFA, which never changes it" },
        { "train --rule DFA --weight-init zeros --activation relu --data-dir nowhere",
            "Weights that start at zero would stay there, because the slope of relu at 0 is 0;" },
        { "train --epoch=3", "Unknown option '--epoch' of 'fdfa train'; did you mean --epochs?" },
        { "train extra", "no place for 'extra'" },
        { "train --epochs", "--epochs needs a value" },
        { "train --output --quiet", "--output needs a value, but '--quiet' follows it" },
        { "train --seed 1 --seed 2", "--seed is given 2 times" },
        { "train --rule FDA", "Unknown rule 'FDA'; did you mean DFA? Known rules: BP, FG-W, FG-A" },
        { "train --network 784-x-10", "'x'" },
        { "train --network 784", "at least two items" },
        { "train --network 784-0-10", "'0'" },
        { "train --network 784--10", "item 2" },
        { "train --network 100-10", "begins with 784 and ends with 10" },
        { "train --activation rellu",
            "Unknown activation 'rellu'; did you mean relu? Known activations: relu, relu-open, tanh, leaky-relu, gelu, silu, identity." },
        { "train --data mnits", "Unknown data set 'mnits'; did you mean mnist? Known data sets: embedded, mnist, fashion-mnist" },
        { "train --data mnist --data-dir /nowhere-at-all", "/nowhere-at-all" },
        { "train --data-dir /nowhere-at-all",
            "The data set embedded is part of fdfa and not read from '/nowhere-at-all'; name the folder's data set with --data" },
        { "train --skip-bad-images --quiet", "The option --skip-bad-images means nothing to the data set embedded; leave it out" },
        { "train --preset papre", "Unknown preset 'papre'; did you mean paper?" },
        { "train --batch-norm --no-batch-norm",
            "The options --batch-norm and --no-batch-norm exclude each other; give one of them, or neither to leave it to the preset." },
        { "train --perturb-at pool",
            "Unknown perturbation site 'pool'. Known perturbation sites: block-output, before-pool, pre-activation." },
        { "train --perturb-at pre-activaton", "did you mean pre-activation?" },
        { "train --rule BP --perturb-at before-pool",
            "The option --perturb-at means nothing to the rule BP; leave it out, or choose a rule that it is for: "
            + "FG-A, LG-FG-A, DFA, DKP, FDFA, DRTP." },
        { "train --rule L-FDFA --perturb-at pre-activation", "The option --perturb-at means nothing to the rule L-FDFA" },
        { "train --network 15C5-P2-40C5-P2-40C5-128-10 --data mnist",
            "block 3 has nothing left to compute: filters of 5x5 on an input of 4x4" },
        { "train --network 15C5-P9-P2-10 --data mnist", "expected a pooling only behind a convolution" },
        { "train --network 15C25-P5-10 --data mnist", "block 1 has nothing left to pool: windows of 5x5 on a map of 4x4" },
        { "train --network alexnet-x", "'x'" },
        { "train --network alexnet-10", "In the topology 'alexnet-10', block 2 has nothing left to pool" },
        { "train --network 15C5-P2-40C5-P2-128-7",
            "The network 15C5-P2-40C5-P2-128-7 has 7 outputs, but embedded has 10 classes; give a --network that ends with 10." },
        { "train --optimizer adm", "Unknown optimizer 'adm'; did you mean adam? Known optimizers: adam, adamw, sgd, momentum, nesterov" },
        { "train --feedback-optimizer sdg", "Unknown optimizer 'sdg'; did you mean sgd?" },
        { "train --device gpu", "Unknown device 'gpu'; did you mean cpu?" },
        { "train --device cuda", "Unknown device 'cuda'; did you mean cuda:0?" },
        { "train --device cuda:99", "cuda:99" },
        { "train --device cuda:99+tf32", "There is no device 'cuda:99+tf32' here" },
        { "train --device al", "Unknown device 'al'; did you mean all? Known devices: auto, all, cpu, cuda:0, opencl:0." },
        { "train --device cpu,cuda:99 --seeds 2", "There is no device 'cuda:99' here" },
        { "train --device cpu,gpu:1 --seeds 2", "Unknown device 'gpu:1'" },
        { "train --device cpu,all --seeds 2", "Unknown device 'all'" },
        { "train --device cpu,cpu --seeds 2", "The list 'cpu,cpu' of --device has cpu twice; give it once." },
        { "train --device cpu, --seeds 2", "The value 'cpu,' of --device is not a list with commas between its items" },
        { "train --device cpu,cuda:0",
            "The list 'cpu,cuda:0' of --device has 2 devices for 1 seed(s); name at most as many devices as there are seeds." },
        { "reproduce table1 --quick --device cuda:0,cuda:1,cuda:2 --seeds 2", "has 3 devices for 2 seed(s)" },
        { "bench --device all", "Unknown device 'all'" },
        { "train --layer-parallel --device cpu",
            "The option --layer-parallel places blocks on several devices, but --device is cpu; "
            + "give --device all, or a list such as cuda:0,cuda:1." },
        { "train --layer-parallel", "but --device is auto" },
        { "train --layer-parallel --device all --sweep learning-rate=1e-3,1e-4",
            "The runs of a sweep share their seeds out among devices, not their blocks; leave out --layer-parallel." },
        { "train --layer-parallel --network 784-8-10 --device cpu,cuda:0,cuda:1",
            "has 3 devices for 2 block(s); name at most as many devices as there are blocks." },
        { "train --layer-parallel --device cpu,cuda:99", "There is no device 'cuda:99' here" },
        { "train --layer-parallel --device cuda:0,cuda:0", "has cuda:0 twice" },
        { "train --epochs 0", "'0' of --epochs is not a whole number from 1 to 2147483647" },
        { "train --epochs -3", "'-3' of --epochs" },
        { "train --epochs 1.5", "'1.5' of --epochs" },
        { "train --epochs 99999999999", "'99999999999' of --epochs is not a whole number from 1 to 2147483647" },
        { "train --batch-size 0", "'0' of --batch-size" },
        { "train --batch-size 1e3", "'1e3' of --batch-size" },
        { "train --learning-rate 0", "'0' of --learning-rate is not a number above 0" },
        { "train --learning-rate -1e-3", "'-1e-3' of --learning-rate" },
        { "train --learning-rate NaN", "'NaN' of --learning-rate" },
        { "train --learning-rate 0,1", "'0,1' of --learning-rate" },
        { "train --feedback-rate Infinity", "'Infinity' of --feedback-rate" },
        { "train --feedback-rate 0", "'0' of --feedback-rate" },
        { "train --decay 1.5", "'1.5' of --decay is not a number above 0 and at most 1" },
        { "train --decay 0", "'0' of --decay" },
        { "train --feedback-rate-decay NaN", "'NaN' of --feedback-rate-decay" },
        { "train --loss msa", "Unknown loss function 'msa'; did you mean mse? Known loss functions: cross-entropy, mse." },
        { "train --momentum 0.9",
            "The option --momentum means nothing here, because it is for --optimizer momentum or nesterov; "
            + "leave it out, or choose one of those." },
        { "train --optimizer sgd --feedback-optimizer momentum --weight-decay 0.1",
            "The option --weight-decay means nothing here, because it is for --optimizer adamw;" },
        { "train --schedule constant --decay 0.9",
            "The option --decay means nothing here, because it is for --schedule exponential or step;" },
        { "train --schedule-period 3", "The option --schedule-period means nothing here, because it is for --schedule cosine or step;" },
        { "train --schedule cosine --schedule-period 3 --epochs 5",
            "The learning rate is 0 after epoch 3 of the schedule cosine, and 5 epochs are asked for; "
            + "give a longer period or fewer epochs." },
        { "train --optimizer nesterov --momentum 1", "The momentum is 1; give a number of at least 0 and below 1, such as 0.9." },
        { "train --weight-init zero",
            "Unknown initialisation 'zero'; did you mean zeros? Known initialisations: zeros, kaiming, pytorch." },
        { "train --feedback-init he", "Unknown initialisation 'he'" },
        { "train --feedback-order last", "Unknown feedback order 'last'; did you mean first? Known feedback orders: first, simultaneous." },
        { "train --noise gauss", "Unknown noise distribution 'gauss'. Known noise distributions: normal, rademacher." },
        { "train --rule FG-W --weight-noise batches",
            "Unknown weight noise 'batches'; did you mean batch? Known weight noises: batch, sample." },
        { "train --rule FG-A --output-gradient exat",
            "Unknown output gradient 'exat'; did you mean exact? Known output gradients: perturbed, exact." },
        { "train --perturbations 0", "'0' of --perturbations is not a whole number from 1 to 256" },
        { "train --perturbations 257", "'257' of --perturbations is not a whole number from 1 to 256" },
        { "train --antithetic --quiet", "--antithetic draws pairs and needs an even --perturbations, such as 2; it is 1." },
        { "train --antithetic --perturbations 3", "it is 3." },
        { "train --rule DKP --feedback-decay -1", "'-1' of --feedback-decay is not a number of at least 0" },
        { "train --rule BP --weight-noise batch",
            "The option --weight-noise means nothing to the rule BP; leave it out, or choose a rule that it is for: FG-W." },
        { "train --rule DFA --feedback-rate 1e-3",
            "The option --feedback-rate means nothing to the rule DFA; leave it out, or choose a rule that it is for: DKP, FDFA, L-FDFA." },
        { "train --rule BP --antithetic", "The option --antithetic means nothing to the rule BP" },
        { "train --rule L-FDFA --feedback-order first",
            "The option --feedback-order means nothing to the rule L-FDFA; leave it out, or choose a rule that it is for: DKP, FDFA." },
        { "train --rule BP --feedback-init zeros", "is for: DFA, DKP, FDFA, FA, DRTP, L-FDFA." },
        { "train --seed -1", "'-1' of --seed is not a whole number from 0 to 18446744073709551615" },
        { "train --seeds 0", "'0' of --seeds" },
        { "train --seed 1 --seeds 2", "--seed and --seeds exclude each other" },
        { "train --limit 0", "'0' of --limit" },
        { "train --limit 1000000", "has 10000 training samples" },
        { "train --network 784-1000000-1000000-10 --device cpu --quiet", "GB of memory, and this machine has" },
        { "train --network 784-1000000-1000000-10 --seeds 1000 --device cpu --quiet", "GB of memory, and this machine has" },
        { "train --network 784-8-10 --batch-norm --batch-size 1 --device cpu", "give a --batch-size of at least 2, or --no-batch-norm." },
        { "train --rule L-FDFA --network 15C5-P2-128-10 --device cpu",
            "L-FDFA has kernels for dense networks without batch normalization only, and 15C5-P2-128-10 is not one; "
            + "give another rule or network." },
        { "train --network 784-8-10 --batch-norm --limit 1 --device cpu", "give a --limit of at least 2, or --no-batch-norm." },
        { "train --output=", "The option --output needs a value; see 'fdfa train --help'." },
        { "train --output  --quiet", "The option --output needs a value; see 'fdfa train --help'." },
        { "train --initial-weights ", "The option --initial-weights needs a value" },
        { "evaluate ", "'fdfa evaluate' needs a RUN; see 'fdfa evaluate --help'." },
        { "import ", "needs a FILE" },
        { "export", "needs a RUN" },
        { "export /nowhere-at-all", "There is no file to export to; give --onnx, --safetensors or both, each with a file's name." },
        { "export /nowhere-at-all --onnx network.onnx", "'/nowhere-at-all' is not a run folder" },
        { "import", "needs a FILE" },
        { "import nowhere.safetensors", "give --network" },
        { "import nowhere.safetensors --network 784-10", "The model file 'nowhere.safetensors' cannot be read" },
        { "train --initial-weights nowhere.safetensors", "The model file 'nowhere.safetensors' cannot be read" },
        { "evaluate", "needs a RUN" },
        { "evaluate /nowhere-at-all", "'/nowhere-at-all' is not a run folder" },
        { "evaluate --devise cpu x", "Unknown option '--devise' of 'fdfa evaluate'; did you mean --device?" },
        { "evaluate one two", "no place for 'two'" },
        { "watch", "'fdfa watch' needs a RUN; see 'fdfa watch --help'." },
        { "watch /nowhere-at-all", "'/nowhere-at-all' is not a run folder" },
        { "watch /nowhere-at-all --once", "'/nowhere-at-all' is not a run folder" },
        { "devices --json", "Unknown option '--json' of 'fdfa devices'" },
        { "check --device cpo", "Unknown device 'cpo'; did you mean cpu?" },
        { "bench --rule FDFB", "Unknown rule 'FDFB'; did you mean FDFA?" },
        { "bench --network 0-1", "'0'" },
        { "bench --batch-size 2147483647 --device cpu", "'2147483647' of --batch-size is not a whole number from 1 to 16777216" },
        { "bench --rule BP --batch-size 16777216 --device cpu", "GB of memory, and this machine has" },
        { "bench --network 1000000-1000000-10 --device cpu", "GB of memory, and this machine has" },
        { "bench --seeds -1", "'-1' of --seeds" },
        { "bench --rule BP --all-rules", "--rule and --all-rules exclude each other" },
        { "bench --json", "The option --json needs a value" },
        { "bench --json /", "The value '/' of --json is a folder; give the name of a file." },
        { "bench --compare /nowhere-at-all.json",
            "There is no file '/nowhere-at-all.json'; give one that 'fdfa bench --json' or a script of bench/peers wrote." },
        { "bench --compare times.json --batch-size 64",
            "The options --compare and --batch-size exclude each other: the file says what to time" },
        { "bench --compare times.json --no-batch-norm", "The options --compare and --no-batch-norm exclude each other" },
        { "bench --depths 2,x", "The value 'x' of --depths is not a number of layers from 1 to 256." },
        { "bench --depths 2,4,2", "has 2 twice" },
        { "bench --depths 2,4 --rule BP", "The option --rule means nothing together with --depths" },
        { "bench --output figures",
            "The option --output is for the files of --depths; give --depths, such as --depths 2,4,8,16,32, or leave it out." },
        { "bench --depths 2 --network 15C5-P2-10 --input 1x28x28 --device cpu",
            "repeats the first hidden layer of a dense network without batch normalization, and 15C5-P2-10 is not one" },
        { "bench --depths 2 --network 784-1000000-10 --batch-size 16777216 --device cpu", "GB of memory, and this machine has" },
        { "bench --preset papre", "Unknown preset 'papre'; did you mean paper?" },
        { "bench --network 15C5-P2-10", "their shape is not given; add --input with channels, height and width, such as --input 1x28x28" },
        { "bench --network alexnet-10", "add --input" },
        { "bench --network 15C5-P2-10 --input 28x28",
            "The value '28x28' of --input is not channels, height and width from 1 to 1000000, such as 1x28x28." },
        { "bench --network 15C5-P2-10 --input 1x28x0", "'1x28x0' of --input" },
        { "bench --network 15C5-P2-10 --input 1x4x4", "block 1 has nothing left to compute" },
        { "bench --network 784-10 --input 3x32x32",
            "The --input 3x32x32 has 3072 values, but the network 784-10 takes 784; "
            + "give a --network that begins with 3072, or leave out --input." },
        { "bench --network 784-10 --input 1000000x1000000x1000000", "has 1000000000000000000 values" },
        { "bench --batch-norm --no-batch-norm", "exclude each other" },
        { "plan --rule FDFB", "Unknown rule 'FDFB'; did you mean FDFA?" },
        { "plan --network alexnet-200 --batch-size 128", "add --input" },
        { "plan --network alexnet-200 --input 3x8x8", "block 1 has nothing left to" },
        { "plan --seeds 0", "'0' of --seeds" },
        { "plan --device cuda:99", "cuda:99" },
        { "kernels --target ptz", "Unknown target 'ptz'; did you mean ptx? Known targets: ptx, ptx+tf32, opencl." },
        { "kernels --rule L-FDFA --network 15C5-P2-10 --input 1x28x28",
            "L-FDFA has kernels for dense networks without batch normalization only" },
        { "plan --network AlexNet-10 --input 3x32x32",
            "item 1 (at character 1) is 'AlexNet'; expected alexnet in small letters, then its number of classes, as in alexnet-10." },
        { "plan --network alexnet --input 3x32x32", "item 1 (at character 1) is 'alexnet'; expected alexnet in small letters" },
        { "plan --network alexnet-ten --input 3x32x32",
            "item 2 (at character 9) is 'ten'; expected a number of classes from 1 to 1000000, as in alexnet-10." },
        { "reproduce",
            "'fdfa reproduce' needs the name of a table or figure: "
            + "table1, table2, table3, tableB6, tableB5, fig3, fig4, fig5, table4, fig6, fig7, all; see 'fdfa reproduce --help'." },
        { "reproduce tabel1", "Unknown table or figure 'tabel1'; did you mean table1?" },
        { "reproduce fig8 --quick", "Unknown table or figure 'fig8'; did you mean fig3?" },
        { "reproduce table3 --data embedded", "Unknown data set 'embedded'. Known data sets: cifar-100, tiny-imagenet." },
        { "reproduce table3 --quick --data-dir /nowhere-at-all",
            "The data set cifar-100 is not in '/nowhere-at-all' (--data-dir); name another folder" },
        { "reproduce table2 --batch-norm --no-batch-norm", "exclude each other" },
        { "reproduce table2 --limit 0", "'0' of --limit" },
        { "reproduce table1 --epoch 3",
            "Unknown option '--epoch' of 'fdfa reproduce table1'; did you mean --epochs? Known options: --rules, --data" },
        { "reproduce table1 extra", "'fdfa reproduce table1' has no place for 'extra'; see 'fdfa reproduce table1 --help'." },
        { "reproduce tableB5 --seeds 3", "Unknown option '--seeds' of 'fdfa reproduce tableB5'" },
        { "reproduce table1 --seeds 0", "'0' of --seeds is not a whole number from 1 to 1000" },
        { "reproduce table1 --epochs 0", "'0' of --epochs is not a whole number from 1" },
        { "reproduce table1 --rules BP,FDFA,bp", "The list 'BP,FDFA,bp' of --rules has BP twice; give it once." },
        { "reproduce table1 --rules BP,FDAF", "Unknown rule 'FDAF'; did you mean FDFA?" },
        { "reproduce table1 --rules BP,", "The value 'BP,' of --rules is not a list with commas between its items" },
        { "reproduce table1 --data mnist,mnist", "has mnist twice" },
        { "reproduce table1 --data cifar-100",
            "Unknown data set 'cifar-100'; did you mean cifar-10? Known data sets: mnist, fashion-mnist, cifar-10, embedded." },
        { "reproduce table1 --preset published", "Unknown preset 'published'; did you mean published-code?" },
        { "reproduce table1 --device gpu", "Unknown device 'gpu'; did you mean cpu?" },
        { "reproduce table1 --data-dir /nowhere-at-all",
            "The data sets mnist, fashion-mnist and cifar-10 are not in '/nowhere-at-all' (--data-dir); "
            + "name another folder, leave out --data-dir to look in the usual ones, or choose others with --data." },
        { "reproduce table1 --data-dir /nowhere-at-all --download", "The options --download and --data-dir exclude each other" },
        { "reproduce table1 --data embedded --data-dir /nowhere-at-all",
            "The data set embedded is part of fdfa and not read from '/nowhere-at-all'" },
        { "reproduce table1 --data embedded --device cuda:99", "cuda:99" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_is_one_sentence_and_leaves_nothing_behind(string commandLine, string expected)
    {
        using var folder = new TemporaryFolder();
        string output = folder.File("deep/run");
        string[] arguments = commandLine.Split(' ');

        // Unless the mistake is about --output itself, the run would go to a folder that must not appear.
        if ((arguments[0] == "train" || arguments is ["reproduce", "table1", ..]) && !arguments.Contains("--output")
            && arguments.Length > 2)
        {
            arguments = [.. arguments, "--output", output];
        }

        CommandLineRun run = CommandLineRun.Of(arguments);

        AssertRefused(run, expected);
        Assert.False(Directory.Exists(folder.File("deep")), "The output folder was left behind.");
    }

    [Fact]
    public void An_output_folder_that_is_not_empty_is_refused()
    {
        using var folder = new TemporaryFolder();
        folder.Write("precious.txt", [1]);

        AssertRefused(CommandLineRun.Of("train", "--output", folder.Path), "is not empty");

        Assert.Equal([folder.File("precious.txt")], Directory.GetFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData("file")]
    [InlineData("file/below")]
    [InlineData("file/below/deeper")]
    public void An_output_folder_in_the_place_of_a_file_is_refused(string name)
    {
        using var folder = new TemporaryFolder();
        folder.Write("file", [1]);

        AssertRefused(CommandLineRun.Of("train", "--output", folder.File(name)), "--output");
        AssertRefused(CommandLineRun.Of("reproduce", "table1", "--data", "embedded", "--output", folder.File(name)), "--output");
    }

    [SkippableFact]
    public void An_output_folder_that_even_root_cannot_write_is_refused()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "There is no /proc here.");

        AssertRefused(CommandLineRun.Of("train", "--output", "/proc/fdfa-run"), "'/proc/fdfa-run' cannot be written");
    }

    [Fact]
    public void Control_characters_in_a_word_do_not_reach_the_terminal()
    {
        CommandLineRun run = CommandLineRun.Of("train", "--epochs", "1\u001b[2J\n2");

        AssertRefused(run, "--epochs");
        Assert.DoesNotContain('\u001b', run.Error);
    }

    [Theory]
    [InlineData(typeof(IOException))]
    [InlineData(typeof(UnauthorizedAccessException))]
    public void A_standard_error_that_is_full_or_closed_leaves_the_exit_code(Type failure)
    {
        using var output = new StringWriter();
        using var error = new FailingWriter((Exception)Activator.CreateInstance(failure)!);

        int exitCode = Fdfa.Experiments.FdfaCommandLine.Run(
            ["trian"], Fdfa.Experiments.Output.ProcessConsole.CreatePlain(output, CommandLineRun.Width), error, CancellationToken.None);

        Assert.Equal(2, exitCode);
    }

    private sealed class FailingWriter(Exception failure) : TextWriter
    {
        public override System.Text.Encoding Encoding => System.Text.Encoding.UTF8;

        public override void Write(char value) => throw failure;
    }

    private static void AssertRefused(CommandLineRun run, string expected)
    {
        run.AssertRefused(expected);
        Assert.Equal("", run.Output);
    }
}
