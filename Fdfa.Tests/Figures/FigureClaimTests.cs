using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Figures;
using Fdfa.Experiments.Reporting;
using Fdfa.Experiments.Runs;

namespace Fdfa.Tests.Figures;

/// <summary>The claims of figures and of Table 4 on made-up numbers: where they hold, and small changes that break them.</summary>
/// <remarks>A verdict has a sign per claim, in the order of the report: + where it holds.</remarks>
public sealed class FigureClaimTests
{
    private static readonly ulong[] s_seeds = [0, 1, 2];

    /// <summary>
    /// FG-A below FG-W, DFA below FG-A, DKP and FDFA below DFA, in the CNN FDFA below DKP; FDFA near BP.
    /// In the first epoch the order is reversed.
    /// </summary>
    [Theory]
    [InlineData("BP", 0.3, "+++++", "++++++")]
    [InlineData("FG-W", 0.8, "-++++", "-+++++")]
    [InlineData("FG-A", 0.6, "+-+++", "+-++++")]
    [InlineData("DKP", 0.61, "++-++", "++-+++")]
    [InlineData("FDFA", 0.55, "+++++", "++++-+")]
    [InlineData("FDFA", 0.61, "+++--", "+++---")]
    [InlineData("BP", 0.51, "++++-", "+++++-")]
    [InlineData("DFA", double.NaN, "+----", "+---+-")]
    public void Figure_3_goes_by_the_losses_of_the_last_epoch(string changed, double loss, string dense, string convolutional)
    {
        Figure3.Curve[] curves = Curves(rule => rule == changed ? loss : null);

        Assert.Equal(dense + convolutional, Verdict(Figure3.Claims(curves)));
    }

    [Fact]
    public void Figure_3_claims_nothing_of_a_curve_that_is_missing() =>
        Assert.DoesNotContain(
            Figure3.Claims([.. Curves(_ => null).Where(curve => curve.Rule != LearningRule.DirectKolenPollack)]),
            claim => claim.Statement.Contains("DKP", StringComparison.Ordinal));

    [Theory]
    [InlineData(
        "published-code",
        "Hidden blocks are normalized over the batch with BP, DFA, DKP, FDFA, and not with FG-W, FG-A, "
        + "LG-FG-A.|The learning rate is 1e-4 with BP, FG-A, LG-FG-A, DFA, DKP, FDFA; 0.001 with FG-W.")]
    [InlineData("paper", "")]
    public void Figure_3_says_what_its_rules_do_not_have_in_common(string preset, string remarks) => Assert.Equal(
        remarks,
        string.Join('|', Figure3.Differences([.. LearningRule.OfThePaper.Select(rule => new RunRequest(
            Topology.Parse("784-8-10"), new TrainingOptions { Rule = rule }, preset, 1, [0], "embedded", DataDirectory: null, Limit: null)
            .AsIn(Preset.Parse(preset)))])));

    /// <summary>
    /// A line from 0.5 to 1.5 with FDFA, FG-A and, beyond its end, FG-W on it: it rises, the three are in order, and each is on it.
    /// A point's loss is multiplied, with the first few seeds.
    /// </summary>
    [Theory]
    [InlineData(
        "FDFA", 0, 3, 1, "+++++", "FDFA lies on the line of noisy BP (within 10 % of the line's loss at its variance): 0.0 ± 0.0 %")]
    [InlineData("FDFA", 0, 3, 1.09, "+++++", ": 9.0 ± 0.0 % above")]
    [InlineData("FDFA", 0, 3, 1.11, "++-++", ": 11.0 ± 0.0 % above")]
    [InlineData("FDFA", 0, 3, 0.89, "++-++", ": 11.0 ± 0.0 % below")]
    [InlineData("FDFA", 0, 3, 2, "+--++", ": 100.0 ± 0.0 % above")]
    [InlineData("FG-W", 0, 3, 2, "++++-", ": 100.0 ± 0.0 % above")]
    [InlineData("FG-A", 0, 1, 1.25, "+-+++", ": 8.3 ± 8.3 % above")]
    [InlineData("FG-A", 0, 3, double.NaN, "+-+-+", "loss NaN")]
    [InlineData("noisy BP", 1, 3, 0.82, "+++++", "0.5000 < 0.4920 < 0.7000")]
    [InlineData("noisy BP", 1, 3, 0.79, "-++++", "0.5000 < 0.4740 < 0.7000")]
    [InlineData("noisy BP", 10, 3, 0.3, "-+++-", ": 233.3 ± 0.0 % above")]
    public void Figure_6_holds_each_rule_to_the_loss_of_the_line_at_its_variance(
        string changed, double deviation, int seeds, double factor, string verdict, string told)
    {
        Figure6.Point Make(string series, double at, ulong seed, double position, double loss) => new(
            series,
            at,
            seed,
            1 / (1 + Math.Pow(10, position)),
            series == changed && at.Equals(deviation) && seed < (ulong)seeds ? factor * loss : loss);
        Figure6.Point[] points =
        [
            .. from seed in s_seeds
               from point in new[] { ("FG-W", 6, 1.5), ("FG-A", 2.5, 1.25), ("FDFA", -2.5, 0.75) }
               select Make(point.Item1, 0, seed, point.Item2, point.Item3),
            .. from seed in s_seeds
               from index in Enumerable.Range(0, 11)
               select Make(Figure6.NoisyBackpropagation, index, seed, index - 5, 0.5 + (0.1 * index)),
        ];

        IReadOnlyList<Claim> claims = Figure6.Claims(points);

        Assert.Equal(verdict, Verdict(claims));
        Assert.Contains(told, string.Join('\n', claims), StringComparison.Ordinal);
    }

    /// <summary>
    /// After two epochs FDFA is at 37 degrees in all three layers, DFA at 70 and DKP at 68: FDFA's mean, its last layer and its first epoch
    /// are the smallest, it is some 30 degrees better than DFA and than DKP, and all descend.
    /// One rule's angle is another, with some seeds, from a layer on.
    /// </summary>
    [Theory]
    [InlineData("DFA", 3, 2, 1, 70, "++++++", "33.0 ± 0.0 degrees")]
    [InlineData("DFA", 3, 2, 1, 76.9, "++++++", "39.9 ± 0.0 degrees")]
    [InlineData("DFA", 3, 2, 1, 77.1, "+++-++", "40.1 ± 0.0 degrees")]
    [InlineData("FDFA", 3, 2, 1, 50.5, "+++--+", "19.5 ± 0.0 degrees")]
    [InlineData("FDFA", 1, 2, 1, 69, "--++++", "22.3 ± 18.5 degrees")]
    [InlineData("FDFA", 1, 2, 3, 75, "+-++++", "FDFA 49.7 ± 21.9")]
    [InlineData("FDFA", 1, 1, 1, 85, "++-+++", "FDFA 68.3 ± 14.4")]
    [InlineData("DKP", 3, 2, 3, 89.9, "++++++", "DKP 68.0, 68.0, 89.9")]
    [InlineData("DKP", 3, 2, 3, 90.1, "+++++-", "DKP 68.0, 68.0, 90.1")]
    [InlineData("DKP", 3, 2, 1, 94, "++++--", "57.0 ± 0.0 degrees")]
    [InlineData("FDFA", 1, 2, 1, double.NaN, "--+---", "FDFA none")]
    public void Figure_7_compares_angles_in_degrees_over_seeds(
        string changed, int seeds, int epoch, int firstLayer, double degrees, string verdict, string told)
    {
        Figure7.Point[] points =
        [
            .. from rule in new[] { ("DFA", 70.0), ("DKP", 68), ("FDFA", 37) }
               from seed in s_seeds
               let first = rule.Item1 == "FDFA" ? 60.0 : 80
               from one in new[] { (Epoch: 0, Degrees: double.NaN), (Epoch: 1, Degrees: first), (Epoch: 2, Degrees: rule.Item2) }
               from layer in new[] { 1, 2, 3 }
               let isChanged = rule.Item1 == changed && seed < (ulong)seeds && one.Epoch == epoch && layer >= firstLayer
               select new Figure7.Point(LearningRule.Parse(rule.Item1), seed, one.Epoch, layer, isChanged ? degrees : one.Degrees),
        ];

        IReadOnlyList<Claim> claims = Figure7.Claims(points);

        Assert.Equal(verdict, Verdict(claims));
        Assert.Contains(told, string.Join('\n', claims), StringComparison.Ordinal);
    }

    /// <summary>
    /// No variance of BP and DFA, the powers of FG-W, FG-A and FDFA within three standard errors of 0.01, and FG-W's variance above FG-A's
    /// above FDFA's.
    /// </summary>
    [Theory]
    [InlineData("BP", "variance", 0, "+++++")]
    [InlineData("BP", "variance", 1e-300, "-++++")]
    [InlineData("DFA", "variance", double.NaN, "-++++")]
    [InlineData("FG-W", "n1", 0.96, "+-+++")]
    [InlineData("FG-W", "n0", 1.029, "+++++")]
    [InlineData("FG-W", "n0", 1.031, "+-+++")]
    [InlineData("FG-A", "n1", 1.031, "++-++")]
    [InlineData("FG-A", "n0", -0.031, "++-++")]
    [InlineData("FDFA", "α", 1.96, "+++-+")]
    [InlineData("FG-A", "variance", 101, "++++-")]
    [InlineData("FDFA", "variance", 11, "++++-")]
    public void Table_4_takes_no_variance_for_none_and_no_power_for_another(string changed, string quantity, double value, string verdict)
    {
        Table4.Row Make(string rule, double variance, int? ofNeurons = null, int? ofInputs = null, int? ofRate = null)
        {
            bool IsChanged(string what) => (rule, what) == (changed, quantity);
            TestedPower? Power(string what, int? paper) =>
                paper is { } power ? new(power, new PowerLaw(1, power, 0), new PowerLaw(1, IsChanged(what) ? value : power, 0.01)) : null;
            return new(
                LearningRule.Parse(rule),
                "",
                IsChanged("variance") ? value : variance,
                Power("n1", ofNeurons),
                Power("n0", ofInputs),
                Power("α", ofRate));
        }

        Assert.Equal(verdict, Verdict(Table4.Claims(
            [Make("BP", 0), Make("FG-W", 100, 1, 1), Make("FG-A", 10, 1, 0), Make("DFA", 0), Make("FDFA", 1e-7, ofRate: 2)])));
    }

    private static string Verdict(IEnumerable<Claim> claims) => string.Concat(claims.Select(claim => claim.Holds ? '+' : '-'));

    private static Figure3.Curve[] Curves(Func<string, double?> lossOf) =>
    [
        .. from section in new[] { "2 layers", "small CNN" }
           from rule in new[] { ("BP", 0.3), ("FG-W", 0.9), ("FG-A", 0.8), ("DFA", 0.6), ("DKP", 0.5), ("FDFA", 0.4) }
           let last = lossOf(rule.Item1) ?? rule.Item2
           select new Figure3.Curve(
               section,
               LearningRule.Parse(rule.Item1),
               [.. s_seeds.SelectMany(seed => new[] { Row(seed, 1, 2 - rule.Item2), Row(seed, 2, last + (0.01 * (seed - 1.0))) })]),
    ];

    private static MetricsRow Row(ulong seed, int epoch, double loss) => new(seed, epoch, loss, 0, 0, 0, 0, null, 0);
}
