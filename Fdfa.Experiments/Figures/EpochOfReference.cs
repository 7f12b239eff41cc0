using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Losses;
using Fdfa.Cpu.Reference.Optimizers;
using Fdfa.Cpu.Reference.Probes;
using Fdfa.Cpu.Reference.Randomness;
using Fdfa.Cpu.Reference.Rules;

namespace Fdfa.Experiments.Figures;

/// <summary>One epoch of training in the reference, in double precision, and how much perturbations made its gradients vary.</summary>
/// <remarks>
/// The variance is z₂ (Eq. 18), given weights and samples, of all weights together; biases are left out, as in the other figures. z₂ and
/// E‖g‖² are summed over the steps. What the sampling of batches adds (z₁) is left out: noise of that size is in exact gradients too, and
/// what the paper adds to BP is not. It is not the same for all rules: FDFA's is that of its biased mean.
/// </remarks>
/// <param name="network">Dense blocks.</param>
/// <param name="samples">What to train on.</param>
/// <param name="seed">Of weights, perturbations and the order of samples.</param>
/// <param name="cancellation">Ctrl-C.</param>
internal sealed class EpochOfReference(NetworkDescription network, ReferenceSamples samples, ulong seed, CancellationToken cancellation)
{
    private const int EvaluationBatch = 500;

    /// <summary>Copies of a network whose feedback learns from perturbations of its own.</summary>
    private const int FeedbackCopies = 4;

    /// <summary>What an epoch came to.</summary>
    /// <param name="SignalShare">1 − z₂/E‖g‖²: 1 without noise from perturbations, 0 where there is nothing else.</param>
    /// <param name="Loss">Mean loss of the training samples after it.</param>
    internal sealed record Outcome(double SignalShare, double Loss);

    /// <summary>Trains with backpropagation whose gradients have Gaussian noise added, of a standard deviation s.</summary>
    /// <remarks>1 − z₂/E‖g‖² = Σ‖∇L‖² / Σ(‖∇L‖² + n s²) over the epoch's steps, n weights.</remarks>
    /// <param name="options">Of backpropagation.</param>
    /// <param name="deviation">s, of every weight and bias.</param>
    /// <param name="noiseSeed">Decides the noise; another than that of perturbations, which have the same counters.</param>
    public Outcome TrainNoisily(TrainingOptions options, double deviation, ulong noiseSeed)
    {
        NetworkParameters parameters = Initialiser.Create(network, options, seed);
        var estimator = new GradientEstimator(network, options, parameters, seed);
        (IOptimizer Weights, IOptimizer Biases)[] optimizers = [.. parameters.Blocks.Select(block => (
            Optimizer.Of(options.WeightOptimizer).Create(block.Weights.Length, options),
            Optimizer.Of(options.WeightOptimizer).Create(block.Biases.Length, options)))];
        (double signal, double all) = (0, 0);
        uint step = 0;
        foreach (LabelledBatch batch in Batches(options))
        {
            IReadOnlyList<BlockGradient> gradients = estimator.TrueGradient(batch);
            double squaredNorm = gradients.Sum(SquaredNorm);
            signal += squaredNorm;
            all += squaredNorm + (deviation * deviation * gradients.Sum(block => block.Weights.Length));
            for (var l = 0; l < gradients.Count; l++)
            {
                AddNoise(gradients[l], l + 1, new PerturbationNoise(noiseSeed, step), deviation);
                optimizers[l].Weights.Update(parameters.Blocks[l].Weights, gradients[l].Weights, options.LearningRate);
                optimizers[l].Biases.Update(parameters.Blocks[l].Biases, gradients[l].Biases, options.LearningRate);
            }

            step++;
        }

        return new Outcome(signal / all, MeanLoss(parameters, options));
    }

    /// <summary>Trains with a forward gradient, which is unbiased: 1 − z₂/E‖g‖² = Σ‖∇L‖² / Σ‖g‖² over the epoch's steps.</summary>
    /// <param name="options">The rule and its options.</param>
    public Outcome TrainForwardGradient(TrainingOptions options)
    {
        var trained = new ReferenceNetwork(network, options, Initialiser.Create(network, options, seed), seed);
        var exact = new GradientEstimator(network, options, trained.Parameters, seed);
        (double signal, double all) = (0, 0);
        foreach (LabelledBatch batch in Batches(options))
        {
            signal += exact.TrueGradient(batch).Sum(SquaredNorm);
            all += trained.Step(batch.Inputs, batch.Labels, epoch: 0).Blocks.Sum(block => SquaredNorm(block.Gradient));
        }

        return new Outcome(signal / all, MeanLoss(trained.Parameters, options));
    }

    /// <summary>Trains with a rule that remembers perturbations in its feedback.</summary>
    /// <remarks>
    /// K networks have the same weights at every step, those of the first, and feedback that each learned from perturbations of its
    /// own. Over them the gradients of a step vary with perturbations alone, those of all earlier steps included:
    /// <code>
    /// 1 − z₂/E‖g‖² = Σ(q − s²) / Σq,   q = (1/K) Σ‖g_k‖²,  s² = (K/(K − 1)) (q − ‖ḡ‖²)
    /// </code>
    /// </remarks>
    /// <param name="options">The rule and its options.</param>
    public Outcome TrainFeedback(TrainingOptions options)
    {
        NetworkParameters initial = Initialiser.Create(network, options, seed);
        ReferenceNetwork[] copies = [.. Enumerable.Range(0, FeedbackCopies).Select(copy =>
            new ReferenceNetwork(network, options, initial, seed + (ulong)copy))];
        (double noise, double all) = (0, 0);
        foreach (LabelledBatch batch in Batches(options))
        {
            BlockGradient[][] gradients = [.. copies.Select(copy =>
                copy.Step(batch.Inputs, batch.Labels, epoch: 0).Blocks.Select(block => block.Gradient).ToArray())];
            double q = gradients.Average(copy => copy.Sum(SquaredNorm));
            double ofMean = Enumerable.Range(0, network.Blocks.Count).Sum(l => Enumerable.Range(0, gradients[0][l].Weights.Length)
                .Sum(i => Math.Pow(gradients.Average(copy => copy[l].Weights[i]), 2)));
            noise += (q - ofMean) * FeedbackCopies / (FeedbackCopies - 1);
            all += q;
            foreach (ReferenceNetwork copy in copies.Skip(1))
            {
                for (var l = 0; l < network.Blocks.Count; l++)
                {
                    copies[0].Parameters.Blocks[l].Weights.CopyTo(copy.Parameters.Blocks[l].Weights, 0);
                    copies[0].Parameters.Blocks[l].Biases.CopyTo(copy.Parameters.Blocks[l].Biases, 0);
                }
            }
        }

        return new Outcome(1 - (noise / all), MeanLoss(copies[0].Parameters, options));
    }

    private IEnumerable<LabelledBatch> Batches(TrainingOptions options)
    {
        foreach (int[] indices in EpochOrder.Create(samples.Count, seed, epoch: 0).Chunk(options.BatchSize))
        {
            cancellation.ThrowIfCancellationRequested();
            yield return samples.Batch(indices);
        }
    }

    private void AddNoise(BlockGradient gradient, int l, PerturbationNoise noise, double deviation)
    {
        if (deviation == 0)
        {
            return;
        }

        int columns = network.Blocks[l - 1].Inputs + 1;
        for (var row = 0; row < gradient.Biases.Length; row++)
        {
            for (var column = 0; column < columns - 1; column++)
            {
                gradient.Weights[(row * (columns - 1)) + column] += deviation * noise.OfWeight(l, row, column, columns);
            }

            gradient.Biases[row] += deviation * noise.OfWeight(l, row, columns - 1, columns);
        }
    }

    private static double SquaredNorm(BlockGradient gradient) => gradient.Weights.Sum(g => g * g);

    private double MeanLoss(NetworkParameters parameters, TrainingOptions options)
    {
        double sum = 0;
        foreach (int[] indices in Enumerable.Range(0, samples.Count).Chunk(EvaluationBatch))
        {
            cancellation.ThrowIfCancellationRequested();
            LabelledBatch batch = samples.Batch(indices);
            ForwardPass forward = NetworkForward.Run(network, parameters, batch.Inputs, batch.Size);
            sum += batch.Size * LossCatalogue.Find(options.Loss)
                .Evaluate(forward.Outputs, batch.Labels, new double[forward.Outputs.Length]);
        }

        return sum / samples.Count;
    }
}
