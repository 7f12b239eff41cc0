namespace Fdfa.Experiments.Reproduction;

/// <summary>Table 1: the paper's seven rules on 4-layer fully connected networks.</summary>
/// <remarks>
/// Runs: 784-800-800-800-10 (CIFAR10: 3072-1000-1000-1000-10) with each rule, ten seeds, 100 epochs (Appendix A).
/// Reports: test accuracy after the last epoch, mean ± standard deviation over the seeds.
/// Agrees: where our mean is within <see cref="AccuracyTable.Agreement"/> of the paper's standard deviations, and the rules
/// stand in the paper's order: BP, FDFA, DKP, DFA, then far below LG-FG-A, FG-A, FG-W (<see cref="AccuracyClaims"/>).
/// </remarks>
internal static class Table1
{
    /// <summary>What it runs and what the paper reports.</summary>
    public static AccuracyTable Table { get; } = new(
        "table1",
        "Table 1: 4-layer fully connected networks",
        [new("MNIST", "mnist"), new("Fashion-MNIST", "fashion-mnist"), new("CIFAR10", "cifar-10", IsQuick: false)],
        [
            TableSection.Parse(
                "4 layers",
                (dataSet, _) => FullyConnected.Topology(4, dataSet),
                """
                BP       98.46 ± 0.05   89.99 ± 0.15   56.92 ± 0.19
                FG-W     80.03 ± 0.62   71.72 ± 0.63   25.17 ± 0.32
                FG-A     83.40 ± 1.33   77.62 ± 0.25   35.53 ± 0.21
                LG-FG-A  86.89 ± 0.90   77.98 ± 0.21   34.56 ± 0.34
                DFA      98.15 ± 0.05   89.15 ± 0.09   53.61 ± 0.16
                DKP      98.27 ± 0.05   89.48 ± 0.09   54.35 ± 0.21
                FDFA     98.32 ± 0.05   89.56 ± 0.11   54.97 ± 0.19
                """),
        ]);
}
