using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Reporting;

namespace Fdfa.Experiments.Reproduction;

/// <summary>Table B.5: neurons and parameters of the fully connected networks.</summary>
/// <remarks>
/// Runs: nothing; the networks' descriptions know.
/// Reports: two numbers per depth and data set, in K and M.
/// Agrees: where ours, cut to the paper's digits, is the paper's. Cut and not rounded, as the paper did: the 1,276,810
/// parameters of three layers are its 1.2M.
/// </remarks>
internal static class TableB5
{
    /// <summary>The paper's title.</summary>
    public const string Title = "Table B.5: neurons and parameters of fully connected networks of different depths";

    /// <summary>One line of the table.</summary>
    /// <param name="Layers">The depth.</param>
    /// <param name="DataSet">The data set.</param>
    /// <param name="Neurons">The paper's figure.</param>
    /// <param name="Parameters">The paper's figure.</param>
    internal sealed record Row(int Layers, string DataSet, string Neurons, string Parameters)
    {
        /// <summary>Our network.</summary>
        public NetworkDescription Network { get; } = Topology.Parse(FullyConnected.Topology(Layers, DataSet));

        /// <summary>Whether both numbers are the paper's.</summary>
        public bool Agrees => Matches(Network.NeuronCount, Neurons) && Matches(Network.ParameterCount, Parameters);
    }

    /// <summary>What the paper reports.</summary>
    public static IReadOnlyList<Row> Rows { get; } =
    [
        new(2, "mnist", "810", "636K"),
        new(2, "fashion-mnist", "810", "636K"),
        new(2, "cifar-10", "1010", "3.08M"),
        new(3, "mnist", "1610", "1.2M"),
        new(3, "fashion-mnist", "1610", "1.2M"),
        new(3, "cifar-10", "2010", "4.08M"),
        new(4, "mnist", "2410", "1.9M"),
        new(4, "fashion-mnist", "2410", "1.9M"),
        new(4, "cifar-10", "3010", "5.08M"),
    ];

    /// <summary>The table for the report.</summary>
    public static ReportSection ToSection() => new("tableB5", Title)
    {
        Table = new ReportTable(
            ["Depth", "Data set", "Network", "Neurons", "Paper", "Parameters", "Paper"],
            [
                .. Rows.Select(row => (IReadOnlyList<string>)
                [
                    ConsoleOutput.Count(row.Layers, "layer"), row.DataSet, row.Network.Topology,
                    row.Network.NeuronCount.ToString(CultureInfo.InvariantCulture), row.Neurons,
                    row.Network.ParameterCount.ToString("N0", CultureInfo.InvariantCulture), row.Parameters,
                ]),
            ],
            TextColumns: 3),
        Claims =
        [
            new Claim(
                "Every number, cut to the paper's digits, is the paper's",
                Rows.All(row => row.Agrees),
                string.Create(CultureInfo.InvariantCulture, $"{Rows.Count(row => row.Agrees)} of {Rows.Count} rows")),
        ],
    };

    /// <summary>Whether a count, cut to a figure's digits, is that figure.</summary>
    public static bool Matches(long count, string figure)
    {
        decimal unit = figure[^1] switch { 'K' => 1_000, 'M' => 1_000_000, _ => 1 };
        decimal value = decimal.Parse(figure.TrimEnd('K', 'M'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
        decimal digit = unit * (figure.IndexOf('.', StringComparison.Ordinal) is var point and >= 0 ? Power(figure.Length - point - 2) : 1);
        return decimal.Truncate(count / digit) * digit == value * unit;

        static decimal Power(int decimals) => decimals == 0 ? 1 : 0.1m * Power(decimals - 1);
    }
}
