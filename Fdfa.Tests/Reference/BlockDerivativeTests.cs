using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Losses;
using Fdfa.Cpu.Reference.Rules;

namespace Fdfa.Tests.Reference;

/// <summary>The passes through blocks of every kind, against a second definition and its differences.</summary>
public sealed class BlockDerivativeTests
{
    private static readonly PerturbationSite[] s_sites = Enum.GetValues<PerturbationSite>();

    /// <summary>Small odd geometries, and whether the statistics of batch normalization are frozen.</summary>
    public static TheoryData<SmallProblem, bool> Cases
    {
        get
        {
            var cases = new TheoryData<SmallProblem, bool>();
            void Add(
                string topology, ImageShape? image, int batchSize, ActivationFunction activation = ActivationFunction.Tanh,
                bool hasNormalization = false, bool isFrozen = false, LossFunction loss = LossFunction.SoftmaxCrossEntropy) =>
                cases.Add(new(topology, activation, new() { Loss = loss }, batchSize, 3, image, hasNormalization), isFrozen);

            foreach (var (hasNormalization, isFrozen) in new[] { (false, false), (true, false), (true, true) })
            {
                void AddBoth(string topology, ImageShape? image, int batchSize, ActivationFunction activation = ActivationFunction.Tanh) =>
                    Add(topology, image, batchSize, activation, hasNormalization, isFrozen);

                AddBoth("3C3-P2-4", new(1, 7, 7), 1);
                AddBoth("3C3-P2-4", new(1, 7, 7), 3, ActivationFunction.ReLU);
                AddBoth("5C1-P2-3C1/2-3", new(5, 5, 7), 3);
                AddBoth("2C5/2+1-P3/2-3C3+1-5-3", new(3, 13, 11), 3);
                AddBoth("2C5/2+1-P3/2-3C3+1-5-3", new(3, 13, 11), 8, ActivationFunction.ReLU);
                AddBoth("2C11/4+2-P3/2-3C3+1-3", new(1, 33, 29), 1);
                AddBoth("3C11+2-2C1/4-3", new(3, 10, 12), 3);
                AddBoth("5C3+1-P2-A3-4-3", new(3, 9, 8), 3);
                AddBoth("2C3+1-A4-3", new(1, 3, 3), 3);
                AddBoth("3C5+2-P2-5C3-P2-6-3", new(1, 12, 12), 8);
                AddBoth("3C5+2-P3/2-5C3+1-P3/2-6-3", new(5, 12, 9), 3, ActivationFunction.ReLU);
                AddBoth("6-9-7-4", null, 5);
                AddBoth("6-9-7-4", null, 8, ActivationFunction.ReLU);
            }

            // Without normalization alone: with it, a channel of a single value in a batch is a constant.
            Add("1C1-2", new(1, 1, 1), 1);
            Add("2C5-P2-4-3", new(1, 6, 6), 1);
            Add("7-3", null, 5);
            Add("6-9-1-8-4", null, 5);
            Add("6-9-7-4", null, 5, ActivationFunction.Identity);
            Add("6-9-7-4", null, 5, ActivationFunction.GELU);
            Add("6-9-7-4", null, 5, ActivationFunction.SiLU);
            Add("5-6-4-7-3", null, 4, loss: LossFunction.MeanSquaredError);
            Add("5-6-4-7-3", null, 4, ActivationFunction.ReLU, loss: LossFunction.MeanSquaredError);
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_forward_pass_is_the_definition(SmallProblem problem, bool isFrozen)
    {
        IReadOnlyList<BlockPass> ours = problem.Begin(isFrozen).Forward.Blocks;
        IReadOnlyList<ShiftedBlock> definition = problem.Definition(isFrozen).Run();
        Assert.All(s_sites, site => VectorAssert.Close(
            [.. definition.SelectMany(block => block.ValuesAt(site))], [.. ours.SelectMany(block => block.ValuesAt(site))], 1e-12));
    }

    /// <summary>
    /// d⁽ˡ⁾ of every block along perturbations of all at every site; through batch statistics too, which couple the samples.
    /// </summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Tangents_are_the_central_differences_along_all_perturbations(SmallProblem problem, bool isFrozen)
    {
        foreach (PerturbationSite site in s_sites)
        {
            if (site == PerturbationSite.BeforePool
                && problem is { Network: { InputShape: not null, HiddenActivation: ActivationFunction.ReLU } })
            {
                // Where ReLU leaves a window nothing but zeros they tie, and pooling has no derivative: PyTorch's choice is the first.
                continue;
            }

            SmallProblem here = problem with
            {
                Options = problem.Options with { Rule = LearningRule.ActivityPerturbedForwardGradient, PerturbationSite = site },
            };
            TangentPass pass = new ActivityPerturbedForwardGradient().InjectTangents(here.Begin(isFrozen)).Single();
            Assert.Equal(
                here.Network.Blocks.Select(block => here.BatchSize * block.SizeAt(site)), pass.Perturbations.Select(u => u!.Length));
            IReadOnlyList<double[]> expected = here.Definition(isFrozen).Tangents(pass.Perturbations);
            Assert.All(expected.Zip(pass.Tangents), pair => VectorAssert.Close(pair.First, pair.Second, 1e-6));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Backpropagations_gradients_are_the_central_differences_of_the_loss(SmallProblem problem, bool isFrozen)
    {
        ILoss loss = LossCatalogue.Find(problem.Options.Loss);
        double Loss() =>
            loss.Evaluate(problem.Definition(isFrozen).Outputs, problem.Labels, new double[problem.BatchSize * problem.Network.OutputSize]);
        IReadOnlyList<BlockGradient> gradients = new Backpropagation().Gradients(problem.Begin(isFrozen), []);
        Assert.All(problem.Parameters.Blocks.Zip(gradients), pair => AssertDifferences(
            pair.First, pair.Second, Loss, problem.Network.HiddenActivation == ActivationFunction.ReLU));
    }

    /// <summary>
    /// ∂⟨δ, v⟩ by W, b, γ and β, and by a, where δ is an error that arrives at the values v of a site: what every rule but FG-W makes of
    /// its errors.
    /// </summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void An_error_at_a_site_becomes_the_gradients_of_its_block(SmallProblem problem, bool isFrozen)
    {
        var random = new Random(4);
        TrainingStep step = problem.Begin(isFrozen);
        for (var l = 1; l <= step.LastBlock; l++)
        {
            // One site for each block in turn: the geometries give every kind of block every site.
            PerturbationSite site = s_sites[(l + problem.Inputs.Length) % s_sites.Length];
            BlockPass pass = step.Forward.Blocks[l - 1];
            BlockParameters numbers = problem.Parameters.Blocks[l - 1];
            double[] delta = [.. pass.ValuesAt(site).Select(_ => random.NextDouble() - 0.5)];
            double Product(double distance = 0, double[]? direction = null) => ShiftedBlock.Of(
                pass.Block, numbers, pass.Inputs, isFrozen, PerturbationSite.PreActivation, direction?.Select(u => distance * u).ToArray())
                .ValuesAt(site).Zip(delta, (value, error) => value * error).Sum();

            BlockGradient gradient = BlockGradient.FromDeltas(step, l, delta, site);
            AssertDifferences(numbers, gradient, () => Product(), problem.Network.HiddenActivation == ActivationFunction.ReLU);
            double[] along = [.. pass.Preactivations.Select(_ => random.NextDouble() - 0.5)];
            double expected = Differences.Along(distance => [Product(distance, along)], 1e-6)[0];
            Assert.Equal(expected, gradient.PreactivationDeltas!.Zip(along, (g, u) => g * u).Sum(), 1e-6 * Math.Max(1, Math.Abs(expected)));
        }
    }

    /// <summary>⟨J v, w⟩ = ⟨v, Jᵀ w⟩ for perturbations v of all hidden blocks at every site: exact, whatever kinks are near.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Tangents_and_backpropagation_are_adjoint(SmallProblem problem, bool isFrozen)
    {
        foreach (PerturbationSite site in s_sites)
        {
            var random = new Random(4);
            TrainingStep step = (problem with { Options = problem.Options with { PerturbationSite = site } }).Begin(isFrozen);
            step = step with { OutputError = [.. step.OutputError.Select(_ => random.NextDouble() - 0.5)] };
            TangentPass pass = new ForwardDirectFeedbackAlignment().InjectTangents(step).Single();
            IReadOnlyList<BlockGradient> gradients = new Backpropagation().Gradients(step, []);
            double ahead = Product(step.OutputError, pass.Tangents[^1]);
            double back = 0;
            for (var l = 1; l < gradients.Count; l++)
            {
                double[] delta = LinearMap.Transposed(
                    problem.Network.Blocks[l], gradients[l].LinearDeltas!, problem.Parameters.Blocks[l].Weights, problem.BatchSize);
                back += Product(step.Forward.Blocks[l - 1].BackTo(site, delta), pass.Perturbations[l - 1]!);
            }

            Assert.Equal(ahead, back, 1e-11 * Math.Max(1, Math.Abs(ahead)));
        }
    }

    [Theory]
    [InlineData(ActivationFunction.ReLU, 0, 0, 0)]
    [InlineData(ActivationFunction.ReLU, double.Epsilon, double.Epsilon, 1)]
    [InlineData(ActivationFunction.ReLUOpenAtZero, 0, 0, 1)]
    [InlineData(ActivationFunction.ReLUOpenAtZero, double.Epsilon, double.Epsilon, 1)]
    [InlineData(ActivationFunction.ReLUOpenAtZero, -double.Epsilon, 0, 0)]
    [InlineData(ActivationFunction.Tanh, 0, 0, 1)]
    [InlineData(ActivationFunction.LeakyReLU, 0, 0, 0.01)]
    [InlineData(ActivationFunction.LeakyReLU, -1, -0.01, 0.01)]
    [InlineData(ActivationFunction.GELU, 0, 0, 0.5)]
    [InlineData(ActivationFunction.SiLU, 0, 0, 0.5)]
    public void Activations_at_zero(ActivationFunction activation, double preactivation, double value, double derivative) => Assert.Equal(
        (value, derivative), (Activation.Of(activation).Value(preactivation), Activation.Of(activation).Slope(preactivation)));

    /// <summary>Golden values, computed by Python's math.erfc and math.exp.</summary>
    [Theory]
    [InlineData(ActivationFunction.GELU, -8.5, -8.057604598872852e-17, -6.846504938697085e-16)]
    [InlineData(ActivationFunction.GELU, -3, -0.004049694094890287, -0.011945647204183927)]
    [InlineData(ActivationFunction.GELU, -0.5, -0.15426876936299344, 0.13250487534383712)]
    [InlineData(ActivationFunction.GELU, 1, 0.8413447460685429, 1.0833154705876864)]
    [InlineData(ActivationFunction.GELU, 4, 3.9998733150326675, 1.0005036496612265)]
    [InlineData(ActivationFunction.SiLU, -8.5, -0.0017291293134692556, -0.0015253505838631431)]
    [InlineData(ActivationFunction.SiLU, -3, -0.14227761953270035, -0.08810410601516962)]
    [InlineData(ActivationFunction.SiLU, -0.5, -0.1887703343990727, 0.2600388126973482)]
    [InlineData(ActivationFunction.SiLU, 1, 0.7310585786300049, 0.9276705118714869)]
    [InlineData(ActivationFunction.SiLU, 4, 3.928055160151634, 1.0526646148910728)]
    public void Activations_elsewhere(ActivationFunction activation, double preactivation, double value, double slope)
    {
        Assert.Equal(value, Activation.Of(activation).Value(preactivation), 1e-14);
        Assert.Equal(slope, Activation.Of(activation).Slope(preactivation), 1e-14);
    }

    private static double Product(double[] left, double[] right) => left.Zip(right, (a, b) => a * b).Sum();

    /// <summary>Each array of a block's gradient is that of the function; of many weights some stand for all.</summary>
    private static void AssertDifferences(BlockParameters numbers, BlockGradient gradient, Func<double> function, bool canBeSilent)
    {
        Assert.Equal(numbers.Normalization is null, gradient.Scale is null);
        Assert.Equal(numbers.Normalization is null, gradient.Shift is null);
        foreach (var (values, ours) in new (double[], double[])[]
        {
            (numbers.Weights, gradient.Weights),
            (numbers.Biases, gradient.Biases),
            (numbers.Normalization?.Scale ?? [], gradient.Scale ?? []),
            (numbers.Normalization?.Shift ?? [], gradient.Shift ?? []),
        })
        {
            int stride = (values.Length + 9) / 10;
            int[] some = [.. Enumerable.Range(0, values.Length).Where(i => i % stride == 0)];
            double[] expected = Differences.By(values, some, function);
            Assert.Equal(values.Length, ours.Length);
            if (canBeSilent && Array.TrueForAll(expected, difference => Math.Abs(difference) < 1e-10))
            {
                // ReLU may silence a block's only neurons that the function sees.
                Assert.All(some, i => Assert.Equal(0, ours[i], 1e-14));
                continue;
            }

            VectorAssert.Close(expected, [.. some.Select(i => ours[i])], 1e-6);
        }
    }
}
