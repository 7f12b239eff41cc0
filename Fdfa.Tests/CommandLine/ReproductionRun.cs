using Fdfa.Experiments;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Reproduction;

namespace Fdfa.Tests.CommandLine;

/// <summary>The command line with a table of its own: the paper's, with networks that train in a moment.</summary>
internal static class ReproductionRun
{
    /// <summary>Two networks, two rules, one of the paper's data sets; the figures are made up.</summary>
    public static AccuracyTable Tiny { get; } = new(
        "tiny",
        "Table 0: tiny networks",
        [new("MNIST", "mnist"), new("Fashion-MNIST", "fashion-mnist"), new("CIFAR10", "cifar-10", IsQuick: false)],
        [
            TableSection.Parse(
                "1 layer",
                (_, _) => "784-10",
                """
                BP    98.00 ± 0.05   80.00 ± 0.50   50.00 ± 0.10
                FDFA  97.00 ± 0.05   79.00 ± 0.00   49.00 ± 0.10
                """),
            TableSection.Parse(
                "2 layers",
                (_, _) => "784-8-10",
                """
                BP    98.50 ± 0.05   81.00 ± 0.50   51.00 ± 0.10
                """),
        ]);

    /// <summary>Three runs of a moment each.</summary>
    public static IReadOnlyList<string> Options { get; } =
        ["--rules", "BP,FDFA", "--data", "embedded", "--no-batch-norm", "--epochs", "1", "--seeds", "2", "--device", "cpu"];

    public static CommandLineRun Of(params string[] arguments) => Of(CancellationToken.None, arguments);

    public static CommandLineRun Of(CancellationToken cancellation, params string[] arguments) =>
        Of(Tiny, cancellation, ["reproduce", "tiny", .. arguments]);

    public static CommandLineRun Of(AccuracyTable table, CancellationToken cancellation, params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int exitCode = FdfaCommandLine.Run(
            arguments, ProcessConsole.CreatePlain(output, CommandLineRun.Width), error, cancellation, [table]);
        return new CommandLineRun(exitCode, output.ToString(), error.ToString());
    }
}
