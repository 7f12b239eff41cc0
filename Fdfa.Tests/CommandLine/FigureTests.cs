using System.Globalization;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary>The numbers of a quick look at each figure, against what theory and the paper say, not against earlier numbers.</summary>
/// <remarks>
/// They are read from the folder of <c>fdfa reproduce all --quick</c>, which <c>.ci/run</c> makes and names in FDFA_REPRODUCED.
/// Powers are fitted here again, from the CSV, by other arithmetic than the program's. They may be 0.15 from a whole number: the
/// variances have relative standard errors of 5 % at most, so that of a power is 0.03.
/// </remarks>
public sealed class FigureTests
{
    private const double PowerTolerance = 0.15;

    [SkippableFact]
    public void Figure_4_has_Proposition_2s_square()
    {
        IReadOnlyList<Dictionary<string, string>> rows = Quick("fig4");
        Assert.InRange(Power(rows, "feedback_rate"), 2 - PowerTolerance, 2 + PowerTolerance);
        Assert.InRange(rows.Max(row => Number(row["feedback_rate"])) / rows.Min(row => Number(row["feedback_rate"])), 999, double.MaxValue);
    }

    [SkippableFact]
    public void Figure_5_and_Table_4_have_the_powers_of_Propositions_5_and_6()
    {
        IReadOnlyList<Dictionary<string, string>> rows = Quick("fig5");
        foreach ((string rule, string swept, double power) in new[]
        {
            ("FG-W", "n1", 1.0), ("FG-W", "n0", 1), ("FG-A", "n1", 1), ("FG-A", "n0", 0),
        })
        {
            Dictionary<string, string>[] line = [.. rows.Where(row => row["rule"] == rule && row["swept"] == swept)];
            Assert.InRange(line.Length, 4, 10);
            Assert.InRange(Power(line, swept), power - PowerTolerance, power + PowerTolerance);
        }

        Dictionary<string, Dictionary<string, string>> table = Quick("table4").ToDictionary(row => row["rule"]);
        Assert.Equal("0", table["BP"]["variance"]);
        Assert.Equal("0", table["DFA"]["variance"]);
        Assert.InRange(Number(table["FG-W"]["power_of_n0"]), 1 - PowerTolerance, 1 + PowerTolerance);
        Assert.InRange(Number(table["FG-A"]["power_of_n0"]), -PowerTolerance, PowerTolerance);

        // In the same network α² is all that FDFA has less than FG-A, whose variance has relative errors of 5 % like its own.
        double ratio = Number(table["FDFA"]["variance"]) / Number(table["FG-A"]["variance"]);
        Assert.InRange(ratio / 1e-8, 0.75, 1.25);
    }

    [SkippableFact]
    public void Figure_6_has_loss_growing_with_variance_and_the_rules_in_the_papers_order()
    {
        IReadOnlyList<Dictionary<string, string>> rows = Quick("fig6");
        Assert.Equal(["0", "1", "2"], rows.Select(row => row["seed"]).Distinct().Order());
        foreach (IGrouping<string, Dictionary<string, string>> seed in rows.GroupBy(row => row["seed"]))
        {
            Dictionary<string, string>[] noisy =
                [.. seed.Where(row => row["series"] == "noisy BP").OrderBy(row => Number(row["noise_deviation"]))];
            Assert.True(RankCorrelation(noisy, "normalised_variance", "loss") > 0.95);
            Dictionary<string, Dictionary<string, string>> rules = seed.Where(row => row["series"] != "noisy BP")
                .ToDictionary(row => row["series"]);
            foreach (string column in new[] { "normalised_variance", "loss" })
            {
                Assert.True(Number(rules["FDFA"][column]) < Number(rules["FG-A"][column]), column);
                Assert.True(Number(rules["FG-A"][column]) < Number(rules["FG-W"][column]), column);
            }
        }
    }

    [SkippableFact]
    public void Figure_7_has_FDFA_nearest_to_the_true_gradient()
    {
        IReadOnlyList<Dictionary<string, string>> rows = Quick("fig7");
        string last = rows.MaxBy(row => Number(row["epoch"]))!["epoch"];
        Assert.All(rows.Where(row => row["degrees"].Length > 0), row => Assert.InRange(Number(row["degrees"]), 0, 180));
        double fdfa = Mean("FDFA");
        Assert.True(fdfa < Mean("DFA"));
        Assert.True(fdfa < Mean("DKP"));

        // Eq. 13: in the last hidden layer feedback becomes the output weights, and the estimate the gradient.
        Assert.All(
            rows.Where(row => row["rule"] == "FDFA" && row["epoch"] == last && row["layer"] == "4"),
            row => Assert.InRange(Number(row["degrees"]), 0, 45));

        double Mean(string rule) => rows.Where(row => row["rule"] == rule && row["epoch"] == last).Average(row => Number(row["degrees"]));
    }

    [SkippableFact]
    public void Figure_3_has_the_rules_in_the_papers_order()
    {
        IReadOnlyList<Dictionary<string, string>> rows = Quick("fig3");
        foreach (string network in new[] { "2 layers", "small CNN" })
        {
            string last = rows.MaxBy(row => Number(row["epoch"]))!["epoch"];
            Dictionary<string, double> loss = rows.Where(row => row["network"] == network && row["epoch"] == last)
                .ToDictionary(row => row["rule"], row => Number(row["training_loss"]));
            Assert.Equal(network == "2 layers" ? 6 : 7, loss.Count);
            Assert.True(loss["FDFA"] < loss["DFA"]);
            Assert.True(loss["DFA"] < loss["FG-A"]);
            Assert.True(loss["DFA"] < loss["FG-W"]);
        }
    }

    [Theory]
    [InlineData("--quick", "--data-dir", "somewhere")]
    [InlineData("--quick", "--download")]
    [InlineData("--download", "--data-dir", "somewhere")]
    public void Options_that_exclude_each_other_are_refused(params string[] options) =>
        CommandLineRun.Of(["reproduce", "fig4", .. options]).AssertRefused("leave one of them out.");

    [Theory]
    [InlineData("fig4")]
    [InlineData("fig7")]
    public void Without_the_data_set_a_figure_says_what_to_do(string figure)
    {
        using var temporary = new TemporaryFolder();
        CommandLineRun run = CommandLineRun.Of(
            "reproduce", figure, "--data-dir", temporary.Path, "--output", temporary.File("store"));

        run.AssertRefused($"The data set mnist is not in '{temporary.Path}' (--data-dir); add --download");
        Assert.False(Directory.Exists(temporary.File("store")));
    }

    /// <summary>Looks at the files of a figure, and reads its numbers.</summary>
    private static IReadOnlyList<Dictionary<string, string>> Quick(string figure)
    {
        string folder = ReproducedFolder.Path;
        string File(string ending) => Path.Combine(folder, $"{figure}-quick.{ending}");
        if (figure.StartsWith("fig", StringComparison.Ordinal))
        {
            Assert.Equal([0x89, 0x50, 0x4E, 0x47], System.IO.File.ReadAllBytes(File("png"))[..4]);
            Assert.Contains("</svg>", System.IO.File.ReadAllText(File("svg")), StringComparison.Ordinal);
        }

        return ReproducedFolder.Rows($"{figure}-quick");
    }

    /// <summary>The slope between logarithms: the covariance over the variance, from pairwise differences.</summary>
    private static double Power(IReadOnlyList<Dictionary<string, string>> rows, string column)
    {
        (double X, double Y)[] points = [.. rows.Select(row => (Math.Log10(Number(row[column])), Math.Log10(Number(row["variance"]))))];
        var pairs = points.SelectMany(a => points.Select(b => (X: a.X - b.X, Y: a.Y - b.Y))).ToList();
        return pairs.Sum(pair => pair.X * pair.Y) / pairs.Sum(pair => pair.X * pair.X);
    }

    /// <summary>Spearman's coefficient.</summary>
    private static double RankCorrelation(Dictionary<string, string>[] rows, string first, string second)
    {
        int Rank(string column, Dictionary<string, string> row) => rows.Count(other => Number(other[column]) < Number(row[column]));
        double n = rows.Length;
        return 1 - (6 * rows.Sum(row => Math.Pow(Rank(first, row) - Rank(second, row), 2)) / (n * ((n * n) - 1)));
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
