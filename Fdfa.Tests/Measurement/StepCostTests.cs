using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Measurement;

namespace Fdfa.Tests.Measurement;

/// <summary>The counts behind every floor, against counts by hand.</summary>
public sealed class StepCostTests
{
    private static readonly ImageShape Grey = new(1, 28, 28);

    /// <summary>
    /// 7-5-4-3 takes 35 + 20 + 12 multiply-adds per sample in each of its products and has 67 + 12 = 79 parameters; its hidden
    /// blocks have 9 neurons, so that direct feedback has 27 values. Times 2 samples and 2 operations: forward and gradient
    /// 4 · 134 = 536, a chain (20 + 12) · 4 = 128 more, direct feedback 4 · 27 = 108, its gradient 108 again.
    /// </summary>
    [Theory]
    [InlineData("BP", 1, 664, 1896, 0)]
    [InlineData("FG-W", 1, 664, 1896, 158)]
    [InlineData("FG-W", 3, 1456, 1896, 948)]
    [InlineData("FG-A", 1, 664, 1896, 24)]
    [InlineData("FG-A", 3, 920, 1896, 54)]
    [InlineData("LG-FG-A", 1, 764, 2328, 24)]
    [InlineData("LG-FG-A", 3, 980, 2328, 54)]
    [InlineData("DFA", 1, 644, 2004, 0)]
    [InlineData("DKP", 1, 752, 2544, 0)]
    [InlineData("FDFA", 1, 880, 2544, 18)]
    [InlineData("FDFA", 3, 1352, 2112, 54)]
    [InlineData("FA", 1, 664, 2024, 0)]
    [InlineData("DRTP", 1, 644, 2004, 0)]
    [InlineData("L-FDFA", 1, 920, 2664, 18)]
    [InlineData("L-FDFA", 3, 1432, 2152, 54)]
    public void A_dense_step_costs_what_it_did_before_there_were_convolutions(
        string rule, int directions, double operations, double bytes, double normals)
    {
        var isVariant = directions > 1;
        var cost = StepCost.Of(new NetworkDescription([7, 5, 4, 3]), new TrainingOptions
        {
            Rule = LearningRule.Parse(rule),
            BatchSize = 2,
            Perturbations = directions,
            FeedbackOptimizer = isVariant ? OptimizerKind.Sgd : OptimizerKind.Adam,
            WeightNoise = isVariant ? WeightNoise.PerSample : WeightNoise.PerBatch,
            OutputGradient = isVariant ? OutputGradient.Exact : OutputGradient.Perturbed,
        });
        Assert.Equal(new StepCost(operations, bytes, normals), cost);
    }

    /// <summary>
    /// The published code's small network, per sample:
    /// <code>
    /// block        map      multiply-adds P              parameters             site S
    /// 1  15C5      24x24    15 · 25 · 576    =   216,000      375 + 30 =     405     8,640
    /// 2  40C5-P2   20x20    40 · 375 · 400   = 6,000,000   15,000 + 80 =  15,080    16,000
    /// 3  128       –        128 · 4,000      =   512,000   512,000 + 256 = 512,256     128
    /// 4  10        –        10 · 128         =     1,280    1,280 + 10 =   1,290         –
    ///                                          6,729,280                 529,031    24,768
    ///
    /// forward and gradient   2 · 6,729,280                = 13,458,560
    /// tangents               6,729,280 − 216,000          =  6,513,280
    /// feedback, its gradient 2 · 10 · 24,768              =    495,360
    ///                                                       20,467,200 · 2 · 64 = 2,619,801,600 operations
    /// Adam                   (529,031 + 247,680) · 6 · 4  = 18,641,064 bytes
    /// u                      64 · 24,768                  =  1,585,152 normals
    /// </code>
    /// </summary>
    [Fact]
    public void A_step_of_the_small_convolutional_network_is_counted_by_hand()
    {
        var network = Topology.Parse("15C5-40C5-P2-128-10", inputShape: Grey, batchNormalization: true);
        var options = Options("FDFA", PerturbationSite.BeforePool);
        Assert.Equal(new StepCost(2_619_801_600, 18_641_064, 1_585_152), StepCost.Of(network, options));

        // Behind the pool there are 4,000 values in place of 16,000, and without batch normalization a bias in place of γ and β.
        var behind = StepCost.Of(network, options with { PerturbationSite = PerturbationSite.BlockOutput });
        Assert.Equal(
            new StepCost((20_467_200 - (2 * 10 * 12_000)) * 128.0, 18_641_064 - (10 * 12_000 * 24), 1_585_152 - (64 * 12_000)), behind);
        var plain = StepCost.Of(Topology.Parse(network.Topology, inputShape: Grey), options);
        Assert.Equal(new StepCost(2_619_801_600, 18_641_064 - ((15 + 40 + 128) * 24), 1_585_152), plain);
    }

    /// <summary>The same network under every other rule, in multiply-adds per sample.</summary>
    [Theory]
    [InlineData("BP", 2 * 6_729_280 + 6_513_280, 12_696_744, 0)]
    [InlineData("FG-W", 2 * 6_729_280 + 6_513_280, 12_696_744, 2 * 529_031)]
    [InlineData("FG-A", 2 * 6_729_280 + 6_513_280, 12_696_744, 64 * 24_778)]
    [InlineData("DFA", 2 * 6_729_280 + 247_680, 12_696_744 + (247_680 * 4), 0)]
    [InlineData("DRTP", 2 * 6_729_280 + 247_680, 12_696_744 + (247_680 * 4), 0)]
    [InlineData("DKP", 2 * 6_729_280 + 495_360, 12_696_744 + (247_680 * 24), 0)]

    // Layerwise feedback is as large as the weights above, 15,000 + 512,000 + 1,280, and arrives at the output: 8,640 + 4,000 + 128.
    [InlineData("FA", 2 * 6_729_280 + 6_513_280, 12_696_744 + (528_280 * 4), 0)]
    [InlineData("L-FDFA", 2 * 6_729_280 + 3 * 6_513_280, 12_696_744 + (528_280 * 24), 64 * 12_768)]

    // Heads on 8,640 and 4,000 values, three products each; tangents begin anew behind them and reach the output from block 3 alone.
    [InlineData("LG-FG-A", 2 * 6_729_280 + 1_280 + 3 * 126_400, 12_696_744 + ((126_400 + 20) * 24), 64 * 24_778)]
    public void Every_rule_is_counted_on_convolutions(string rule, double products, double bytes, double normals)
    {
        var network = Topology.Parse("15C5-40C5-P2-128-10", inputShape: Grey, batchNormalization: true);
        Assert.Equal(new StepCost(products * 128, bytes, normals), StepCost.Of(network, Options(rule, PerturbationSite.BeforePool)));
    }

    private static TrainingOptions Options(string rule, PerturbationSite site) =>
        new() { Rule = LearningRule.Parse(rule), BatchSize = 64, PerturbationSite = site };
}
