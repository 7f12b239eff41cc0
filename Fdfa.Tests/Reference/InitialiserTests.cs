using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;

namespace Fdfa.Tests.Reference;

public sealed class InitialiserTests
{
    private const ulong Seed = 0x0123456789ABCDEF;

    private static readonly TrainingOptions s_kaiming = new()
    {
        WeightInitialisation = Initialisation.KaimingUniform,
        FeedbackInitialisation = Initialisation.KaimingUniform,
    };

    /// <summary>Golden values of the contract, computed by an independent program in another language.</summary>
    [Fact]
    public void Golden_values()
    {
        NetworkDescription network = Topology.Parse("5-7-3");
        BlockParameters hidden = Initialiser.Create(network, s_kaiming, Seed).Blocks[0];
        Assert.Equal([1.0598978996276855, -0.35476014018058777, -0.6107790470123291, -0.5505062341690063], hidden.Weights[..4]);
        Assert.Equal(-0.18649403750896454, hidden.Weights[34]);
        Assert.Equal([0.04105876758694649, -0.2758070230484009], [hidden.Feedback[0], hidden.Feedback[20]]);

        BlockParameters output = Initialiser.Create(
            network, s_kaiming with { WeightInitialisation = Initialisation.PyTorchDefault }, Seed).Blocks[1];
        Assert.Equal([-0.25041279196739197, 0.1208513081073761], [output.Weights[0], output.Weights[20]]);

        // Element 21 of the block is its first bias: biases continue where the 3 × 7 weights end.
        Assert.Equal([-0.26910319924354553, -0.24383436143398285], [output.Biases[0], output.Biases[2]]);
    }

    /// <summary>Local heads and layerwise feedback, by the same independent program.</summary>
    [Fact]
    public void Golden_values_of_heads_and_layerwise_feedback()
    {
        TrainingOptions local = s_kaiming with { Rule = LearningRule.LocalGreedyForwardGradient };
        LocalHead head = Initialiser.Create(Topology.Parse("5-7-4-3"), local, Seed).Blocks[0].Head!;
        Assert.Equal(
            [-0.30502960085868835, 0.5333011150360107, -0.08965064585208893], [head.Weights[0], head.Weights[1], head.Weights[20]]);

        LocalHead second = Initialiser.Create(
            Topology.Parse("5-7-4-6-3"), local with { WeightInitialisation = Initialisation.PyTorchDefault }, Seed).Blocks[1].Head!;
        Assert.Equal([-0.08465269207954407, 0.4779844582080841], [second.Weights[0], second.Weights[11]]);
        Assert.Equal([-0.3542502820491791, 0.4033374488353729], [second.Biases[0], second.Biases[2]]);

        double[] feedback = Initialiser.Create(
            Topology.Parse("5-7-4-3"), s_kaiming with { Rule = LearningRule.FeedbackAlignment }, Seed).Blocks[0].Feedback;
        Assert.Equal([0.04105876758694649, -0.061343662440776825], [feedback[0], feedback[27]]);
    }

    /// <summary>
    /// ±√(6/fan-in) for Kaiming and ±1/√fan-in for PyTorch, the fan-in being of what an array reads; Kaiming leaves biases zero.
    /// </summary>
    [Fact]
    public void Every_array_fills_its_bounds_evenly()
    {
        TrainingOptions pyTorch = s_kaiming with { WeightInitialisation = Initialisation.PyTorchDefault };
        BlockParameters Block(int index, string topology, TrainingOptions options, ImageShape? image = null) =>
            Initialiser.Create(Topology.Parse(topology, inputShape: image), options, Seed).Blocks[index];

        BlockParameters block = Block(0, "150-200-10", s_kaiming);
        AssertUniform(block.Weights, Math.Sqrt(6.0 / 150));
        AssertUniform(block.Feedback, Math.Sqrt(6.0 / 200));
        AssertUniform(Block(1, "150-200-10", s_kaiming).Weights, Math.Sqrt(6.0 / 200));
        Assert.All([0, 1], index => Assert.All(Block(index, "150-200-10", s_kaiming).Biases, bias => Assert.Equal(0, bias)));

        block = Block(0, "4-2000-10", pyTorch);
        AssertUniform(block.Weights, 1 / Math.Sqrt(4));
        AssertUniform(block.Biases, 1 / Math.Sqrt(4));
        AssertUniform(Block(1, "4-2000-10", pyTorch).Weights, 1 / Math.Sqrt(2000));

        for (var index = 0; index < 2; index++)
        {
            LocalHead head = Block(index, "4-200-300-20-10", s_kaiming with { Rule = LearningRule.LocalGreedyForwardGradient }).Head!;
            AssertUniform(head.Weights, Math.Sqrt(6.0 / (200 + (100 * index))));
            Assert.All(head.Biases, bias => Assert.Equal(0, bias));
            AssertUniform(
                Block(index, "4-200-300-20-10", s_kaiming with { Rule = LearningRule.FeedbackAlignment }).Feedback,
                Math.Sqrt(6.0 / (200 + (100 * index))));
        }

        // A filter reads 3 channels of 5x5; direct feedback the values at the site, of which there are more before a pool.
        block = Block(0, "640C5-P2-10", pyTorch, new ImageShape(3, 8, 8));
        AssertUniform(block.Weights, 1 / Math.Sqrt(75));
        AssertUniform(block.Biases, 1 / Math.Sqrt(75));
        AssertUniform(block.Feedback, Math.Sqrt(6.0 / (640 * 2 * 2)));
        block = Block(0, "640C5-P2-10", pyTorch with { PerturbationSite = PerturbationSite.BeforePool }, new ImageShape(3, 8, 8));
        Assert.Equal(10 * 640 * 4 * 4, block.Feedback.Length);
        AssertUniform(block.Feedback, Math.Sqrt(6.0 / (640 * 4 * 4)));
    }

    /// <summary>
    /// Biases are the same numbers whatever the weights start as, and with PyTorch's weights unless others are asked for.
    /// </summary>
    [Fact]
    public void Biases_start_on_their_own()
    {
        double[] Biases(Initialisation weights, BiasInitialisation biases) => Initialiser.Create(
            Topology.Parse("5-7-3"), new TrainingOptions { WeightInitialisation = weights, BiasInitialisation = biases },
            Seed).Blocks[0].Biases;

        double[] pyTorch = Biases(Initialisation.PyTorchDefault, BiasInitialisation.WithWeights);
        Assert.DoesNotContain(0, pyTorch);
        Assert.Equal(pyTorch, Biases(Initialisation.Zeros, BiasInitialisation.PyTorchDefault));
        Assert.Equal(pyTorch, Biases(Initialisation.KaimingUniform, BiasInitialisation.PyTorchDefault));
        Assert.Equal(new double[7], Biases(Initialisation.PyTorchDefault, BiasInitialisation.Zeros));
        Assert.Equal(new double[7], Biases(Initialisation.KaimingUniform, BiasInitialisation.WithWeights));
    }

    [Fact]
    public void Every_value_is_a_float()
    {
        NetworkParameters parameters = Initialiser.Create(
            Topology.Parse("50-60-10"), s_kaiming with { WeightInitialisation = Initialisation.PyTorchDefault }, Seed);
        Assert.All(
            parameters.Blocks.SelectMany(block => block.Weights.Concat(block.Biases).Concat(block.Feedback)),
            value => Assert.Equal((double)(float)value, value));
    }

    [Fact]
    public void Zeros_are_zeros()
    {
        var options = new TrainingOptions { WeightInitialisation = Initialisation.Zeros, FeedbackInitialisation = Initialisation.Zeros };
        NetworkParameters parameters = Initialiser.Create(Topology.Parse("4-5-3"), options, Seed);
        Assert.All(
            parameters.Blocks.SelectMany(block => block.Weights.Concat(block.Biases).Concat(block.Feedback)),
            value => Assert.Equal(0, value));
    }

    [Fact]
    public void Only_hidden_blocks_of_rules_with_feedback_have_feedback()
    {
        NetworkDescription network = Topology.Parse("4-5-6-3");
        Assert.Equal([15, 18, 0], Initialiser.Create(network, s_kaiming, Seed).Blocks.Select(block => block.Feedback.Length));
        Assert.All(
            Initialiser.Create(network, s_kaiming with { Rule = LearningRule.Backpropagation }, Seed).Blocks,
            block => Assert.Empty(block.Feedback));
    }

    /// <summary>B⁽ˡ⁾ of "4-5-6-7-3" per hidden block: [n_L × n_l] for direct, [n_{l+1} × n_l] for layerwise feedback.</summary>
    [Theory]
    [InlineData("BP", new[] { 0, 0, 0, 0 })]
    [InlineData("FG-W", new[] { 0, 0, 0, 0 })]
    [InlineData("FG-A", new[] { 0, 0, 0, 0 })]
    [InlineData("LG-FG-A", new[] { 0, 0, 0, 0 })]
    [InlineData("DFA", new[] { 15, 18, 21, 0 })]
    [InlineData("DKP", new[] { 15, 18, 21, 0 })]
    [InlineData("FDFA", new[] { 15, 18, 21, 0 })]
    [InlineData("DRTP", new[] { 15, 18, 21, 0 })]
    [InlineData("FA", new[] { 30, 42, 21, 0 })]
    [InlineData("L-FDFA", new[] { 30, 42, 21, 0 })]
    public void Feedback_has_the_rules_rows_and_heads_stand_behind_all_but_the_last_two_blocks(string rule, int[] feedback)
    {
        NetworkParameters parameters = Initialiser.Create(
            Topology.Parse("4-5-6-7-3"), s_kaiming with { Rule = LearningRule.Parse(rule) }, Seed);
        Assert.Equal(feedback, parameters.Blocks.Select(block => block.Feedback.Length));
        Assert.Equal(
            rule == "LG-FG-A" ? new int?[] { 15, 18, null, null } : new int?[4],
            parameters.Blocks.Select(block => block.Head?.Weights.Length));
        Assert.All(parameters.Blocks, block => Assert.Equal(block.Head is null ? null : 3, block.Head?.Biases.Length));
    }

    [Fact]
    public void Rules_blocks_and_seeds()
    {
        NetworkDescription network = Topology.Parse("6-6-6");
        NetworkParameters one = Initialiser.Create(network, s_kaiming, Seed);
        Assert.Equal(
            one.Blocks[0].Weights,
            Initialiser.Create(network, s_kaiming with { Rule = LearningRule.Backpropagation }, Seed).Blocks[0].Weights);
        Assert.NotEqual(one.Blocks[0].Weights, one.Blocks[1].Weights);
        Assert.NotEqual(one.Blocks[0].Weights, one.Blocks[0].Feedback);
        Assert.NotEqual(one.Blocks[0].Weights, Initialiser.Create(network, s_kaiming, Seed + 1).Blocks[0].Weights);
    }

    [Fact]
    public void A_matrix_beyond_any_array_is_refused_before_it_is_allocated() =>
        Assert.Throws<TopologyException>(() => Initialiser.Create(Topology.Parse("1000000-1000000"), s_kaiming, Seed));

    /// <summary>Bounds and chi-square over ten equal bins; 27.88 is its 99.9 % quantile at 9 degrees of freedom.</summary>
    private static void AssertUniform(double[] values, double bound)
    {
        Assert.All(values, value => Assert.InRange(value, -bound * (1 + 1e-7), bound * (1 + 1e-7)));
        var counts = new int[10];
        foreach (double value in values)
        {
            counts[Math.Clamp((int)((value / bound + 1) * 5), 0, 9)]++;
        }

        double expected = values.Length / 10.0;
        Assert.InRange(counts.Sum(count => (count - expected) * (count - expected) / expected), 0, 27.88);
    }
}
