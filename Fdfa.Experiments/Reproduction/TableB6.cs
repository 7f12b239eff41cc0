namespace Fdfa.Experiments.Reproduction;

/// <summary>Table B.6: the rules on fully connected networks of 2, 3 and 4 layers.</summary>
/// <remarks>
/// Runs: as Table 1, whose runs are its last section. LG-FG-A has no 2-layer network: its only hidden block is the last
/// one, which has no loss of its own, and it would be FG-A.
/// Reports: test accuracy after the last epoch, mean ± standard deviation over the seeds.
/// Agrees: as Table 1; and each rule gains or loses accuracy from 2 layers to 4 as it does in the paper, where FG-W and FG-A lose it on
/// every data set, and DFA, DKP and FDFA on CIFAR10.
/// </remarks>
internal static class TableB6
{
    /// <summary>What it runs and what the paper reports.</summary>
    public static AccuracyTable Table { get; } = new(
        "tableB6",
        "Table B.6: fully connected networks of different depths",
        Table1.Table.Columns,
        [
            TableSection.Parse(
                "2 layers",
                (dataSet, _) => FullyConnected.Topology(2, dataSet),
                """
                BP       98.25 ± 0.04   89.37 ± 0.09   56.20 ± 0.12
                FG-W     85.87 ± 0.25   77.72 ± 0.18   30.47 ± 0.32
                FG-A     93.39 ± 0.06   84.73 ± 0.14   47.39 ± 0.23
                DFA      98.04 ± 0.07   88.67 ± 0.12   54.80 ± 0.22
                DKP      98.12 ± 0.05   89.09 ± 0.11   55.41 ± 0.18
                FDFA     98.21 ± 0.02   89.27 ± 0.07   55.74 ± 0.14
                """),
            TableSection.Parse(
                "3 layers",
                (dataSet, _) => FullyConnected.Topology(3, dataSet),
                """
                BP       98.39 ± 0.06   90.01 ± 0.08   56.66 ± 0.18
                FG-W     82.36 ± 0.48   73.94 ± 0.57   27.52 ± 0.34
                FG-A     90.86 ± 0.17   82.21 ± 0.13   43.39 ± 0.14
                LG-FG-A  91.64 ± 0.07   82.41 ± 0.13   43.08 ± 0.18
                DFA      98.18 ± 0.06   89.19 ± 0.13   54.20 ± 0.11
                DKP      98.28 ± 0.06   89.63 ± 0.12   55.15 ± 0.24
                FDFA     98.30 ± 0.04   89.82 ± 0.13   55.70 ± 0.15
                """),
            .. Table1.Table.Sections,
        ])
    {
        ComparesDepths = true,
    };
}
