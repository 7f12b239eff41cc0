using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Gpu.Measurement;

/// <summary>What a training step cannot do without: counted, not measured.</summary>
/// <param name="Operations">Floating-point operations of the matrix products, a multiply-add being two.</param>
/// <param name="Bytes">Bytes of parameters and optimizer state, each read once and, where it changes, written once.</param>
/// <param name="Normals">Perturbations drawn.</param>
public sealed record StepCost(double Operations, double Bytes, double Normals)
{
    private const int FloatBytes = 4;

    /// <summary>Counts a step of one replica.</summary>
    /// <remarks>
    /// Per block with m inputs and n outputs, K directions: forward 2 N m n, tangents 2 K N m n where the input has them,
    /// weight gradient 2 N m n; a link of a backward chain 2 N m n; direct feedback's projection 2 N n_L n, its gradient as
    /// much (K times that from forward gradients), layerwise feedback's gradient 2 K N n n_(l+1). FG-W: no gradient product, V y
    /// instead, 2 K N m n. Local heads count as blocks. Activations, noise and elementwise work are left out: the floor is a
    /// lower bound. What is drawn is counted apart: u once, V twice (for its tangent and for its update).
    /// </remarks>
    public static StepCost Of(NetworkDescription network, TrainingOptions options)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(options);
        var rule = options.Rule;
        var directions = rule.HasTangents ? options.Perturbations : 0;
        double products = 0;
        double bytes = 0;
        double normals = 0;
        for (var l = 1; l <= network.Blocks.Count; l++)
        {
            var block = network.Blocks[l - 1];
            var product = (double)block.Inputs * block.Outputs;
            var isOutput = l == network.Blocks.Count;
            products += 2 * product;
            bytes += block.ParameterCount * BytesPerParameter(options.WeightOptimizer);
            if (l > 1 && !rule.HasLocalHead(network, l - 1))
            {
                products += directions * product;
            }

            if (l > 1 && rule.HasBackwardChain)
            {
                products += product;
            }

            if (rule.Injection == Injection.Weights)
            {
                products += (directions - 1) * product;
                normals += 2.0 * directions * block.ParameterCount * (options.WeightNoise == WeightNoise.PerSample ? options.BatchSize : 1);
            }
            else if (options.Perturbs(isOutput))
            {
                normals += (double)directions * options.BatchSize * block.Outputs;
            }

            var feedback = (double)rule.FeedbackRows(network, l) * block.Outputs;
            products += rule.HasBackwardChain ? 0 : feedback;
            products += rule.FeedbackUpdate switch
            {
                FeedbackUpdate.KolenPollack => feedback,
                FeedbackUpdate.ForwardGradient => directions * feedback,
                _ => 0,
            };
            bytes += feedback * (rule.LearnsFeedback ? BytesPerParameter(options.FeedbackOptimizer) : FloatBytes);
            if (rule.HasLocalHead(network, l))
            {
                var head = (double)block.Outputs * network.OutputSize;
                products += (2 + directions) * head;
                bytes += (head + network.OutputSize) * BytesPerParameter(options.WeightOptimizer);
            }
        }

        return new StepCost(2.0 * options.BatchSize * products, bytes, normals);
    }

    private static int BytesPerParameter(OptimizerKind optimizer) => optimizer == OptimizerKind.Adam ? 6 * FloatBytes : 2 * FloatBytes;
}
