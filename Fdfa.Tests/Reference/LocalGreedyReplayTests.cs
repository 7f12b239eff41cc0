using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;

namespace Fdfa.Tests.Reference;

/// <summary>LG-FG-A against a replay, sample by sample, that shares nothing with the reference but initial weights and noise.</summary>
/// <remarks>
/// Appendix A gives each hidden block l &lt; L − 1 a local linear output. Then the last hidden block's local output is the network's own,
/// and every hidden block trains in a two-layer network of its own, detached from the blocks below: its input is data, with no tangent.
/// </remarks>
public sealed class LocalGreedyReplayTests
{
    private const ulong Seed = 3;

    [Theory]
    [InlineData(OptimizerKind.Adam, 1e-4, OutputGradient.Perturbed)]
    [InlineData(OptimizerKind.Adam, 1e-4, OutputGradient.Exact)]
    [InlineData(OptimizerKind.Sgd, 0.1, OutputGradient.Perturbed)]
    [InlineData(OptimizerKind.Sgd, 0.1, OutputGradient.Exact)]
    public void Three_steps_agree(OptimizerKind optimizer, double rate, OutputGradient outputGradient)
    {
        TrainingOptions options = Preset.Paper.OptionsFor(LearningRule.LocalGreedyForwardGradient) with
        {
            WeightOptimizer = optimizer,
            LearningRate = rate,
            OutputGradient = outputGradient,
        };
        var problem = new SmallProblem("6-7-5-4-3", ActivationFunction.ReLU, options, batchSize: 4);
        var network = new ReferenceNetwork(problem.Network, options, Initialiser.Create(problem.Network, options, Seed), Seed);
        Linear[] blocks = [.. network.Parameters.Blocks.Select(block => new Linear(block.Weights, block.Biases))];
        Linear[] heads = [.. network.Parameters.Blocks.Take(2).Select(block => new Linear(block.Head!.Weights, block.Head.Biases))];
        for (uint step = 0; step < 3; step++)
        {
            network.Step(problem.Inputs, problem.Labels, epoch: 0);
            Replay(problem, [.. blocks.SkipLast(1)], [.. heads, blocks[^1]], new PerturbationNoise(Seed, step));
            foreach (Linear map in blocks.Concat(heads))
            {
                map.Move(optimizer, rate, step + 1);
            }
        }

        foreach (var (block, index) in network.Parameters.Blocks.Select((block, index) => (block, index)))
        {
            VectorAssert.Close(blocks[index].Weights, block.Weights, 1e-12);
            VectorAssert.Close(blocks[index].Biases, block.Biases, 1e-12);
            VectorAssert.Close(heads.ElementAtOrDefault(index)?.Weights, block.Head?.Weights, 1e-12);
            VectorAssert.Close(heads.ElementAtOrDefault(index)?.Biases, block.Head?.Biases, 1e-12);
        }
    }

    /// <summary>Adds up a batch's gradients. The last of the outputs is the network's, and alone may be perturbed too.</summary>
    private static void Replay(SmallProblem problem, Linear[] hidden, Linear[] outputs, PerturbationNoise noise)
    {
        for (var sample = 0; sample < problem.BatchSize; sample++)
        {
            double[] x = problem.Inputs[(sample * 6)..((sample + 1) * 6)];
            for (var l = 0; l < hidden.Length; l++)
            {
                double[] Noise(int block, int count) =>
                    [.. Enumerable.Range(0, count).Select(neuron => noise.OfActivation(block, sample, neuron))];
                double[] y = [.. hidden[l].Of(x).Select(a => Math.Max(a, 0))];
                double[] u = Noise(l + 1, y.Length);
                double[] z = outputs[l].Of(y);
                double[] d = outputs[l].Along(u);
                double sum = z.Sum(Math.Exp);
                int label = problem.Labels[sample];
                double[] e = [.. z.Select((value, o) => ((Math.Exp(value) / sum) - (o == label ? 1 : 0)) / problem.BatchSize)];
                bool isPerturbed = l == hidden.Length - 1 && problem.Options.OutputGradient == OutputGradient.Perturbed;
                double[] v = isPerturbed ? Noise(l + 2, z.Length) : new double[z.Length];
                double c = e.Select((error, o) => error * (d[o] + v[o])).Sum();
                hidden[l].Add([.. u.Select((value, i) => y[i] > 0 ? c * value : 0)], x);
                outputs[l].Add(isPerturbed ? [.. v.Select(value => c * value)] : e, y);
                x = y;
            }
        }
    }

    /// <summary>A linear map, its gradients and its optimizer.</summary>
    private sealed class Linear(double[] weights, double[] biases)
    {
        private readonly double[][] _gradients = [new double[weights.Length], new double[biases.Length]];
        private readonly double[][] _first = [new double[weights.Length], new double[biases.Length]];
        private readonly double[][] _second = [new double[weights.Length], new double[biases.Length]];

        public double[] Weights { get; } = [.. weights];

        public double[] Biases { get; } = [.. biases];

        public double[] Of(double[] x) => [.. Along(x).Zip(Biases, (product, bias) => product + bias)];

        public double[] Along(double[] x) => [.. Weights.Chunk(x.Length).Select(row => row.Zip(x, (w, value) => w * value).Sum())];

        public void Add(double[] g, double[] x)
        {
            for (var i = 0; i < Weights.Length; i++)
            {
                _gradients[0][i] += g[i / x.Length] * x[i % x.Length];
            }

            for (var i = 0; i < g.Length; i++)
            {
                _gradients[1][i] += g[i];
            }
        }

        public void Move(OptimizerKind optimizer, double rate, uint step)
        {
            double[][] parameters = [Weights, Biases];
            for (var array = 0; array < 2; array++)
            {
                var (values, gradient, m, v) = (parameters[array], _gradients[array], _first[array], _second[array]);
                for (var i = 0; i < values.Length; i++)
                {
                    double g = gradient[i];
                    m[i] += 0.1 * (g - m[i]);
                    v[i] += 0.001 * ((g * g) - v[i]);
                    double adam = m[i] / (1 - Math.Pow(0.9, step)) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.999, step))) + 1e-8);
                    values[i] -= rate * (optimizer == OptimizerKind.Adam ? adam : g);
                    gradient[i] = 0;
                }
            }
        }
    }
}
