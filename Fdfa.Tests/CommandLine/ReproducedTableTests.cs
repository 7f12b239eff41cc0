using System.Globalization;

namespace Fdfa.Tests.CommandLine;

/// <summary>The tables of <c>fdfa reproduce all --quick</c>, against what the paper's say of the rules.</summary>
public sealed class ReproducedTableTests
{
    // In every column of the paper's tables the rules that send errors through feedback, and backpropagation, are far above forward
    // gradients alone.
    [SkippableTheory]
    [InlineData("table1")]
    [InlineData("table2")]
    [InlineData("tableB6")]
    public void Feedback_brings_more_than_forward_gradients_alone(string table)
    {
        // A table's file is named for its scale.
        string name = Path.GetFileNameWithoutExtension(Assert.Single(Directory.GetFiles(ReproducedFolder.Path, $"{table}-*.csv")));
        var columns = ReproducedFolder.Rows(name).GroupBy(row => (row["section"], row["data_set"])).ToList();
        Assert.NotEmpty(columns);
        foreach (var column in columns)
        {
            Assert.All(column, row => Assert.Equal("finished", row["outcome"]));
            Dictionary<string, double> found = column.ToDictionary(row => row["rule"], row => Number(row["test_accuracy_percent"]));
            double best = Math.Max(found["FG-A"], found["FG-W"]);
            Assert.All(
                new[] { "BP", "FDFA", "DFA", "DKP" },
                rule => Assert.True(found[rule] > best, $"{table}, {column.Key}: {rule} {found[rule]}, forward gradients {best}"));
            Assert.True(found["FDFA"] > found["DFA"], $"{table}, {column.Key}: FDFA {found["FDFA"]}, DFA {found["DFA"]}");
        }
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
