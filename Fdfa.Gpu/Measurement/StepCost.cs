using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Optimizers;

namespace Fdfa.Gpu.Measurement;

/// <summary>What a training step cannot do without: counted, not measured.</summary>
/// <param name="Operations">Floating-point operations of the matrix products, a multiply-add being two.</param>
/// <param name="Bytes">
/// Bytes of parameters (γ and β among them) and optimizer state, each read once and, where it changes, written once.
/// </param>
/// <param name="Normals">Perturbations drawn.</param>
public sealed record StepCost(double Operations, double Bytes, double Normals)
{
    private const int FloatBytes = 4;

    /// <summary>Counts a step of one replica.</summary>
    /// <remarks>
    /// <code>
    /// P⁽ˡ⁾ = channels · fan-in · positions    multiply-adds of block l per sample, n_(l-1) n_l where it is dense
    /// S⁽ˡ⁾                                    values of block l at the perturbation site, n_l where it is dense
    ///
    /// forward                      P         weight gradient              P, but FG-W's: instead V y, K P
    /// tangents                     K P       where the input has them
    /// link of a backward chain     P         from block l to block l − 1
    /// direct feedback              n_L S     its gradient                 n_L S (DKP), K n_L S (forward gradients)
    ///                                        layerwise feedback's         K P of block l + 1
    /// </code>
    /// Local heads are dense blocks on the block's output. Activations, noise, pooling, normalization and elementwise work are left
    /// out: the floor is a lower bound. What is drawn is counted apart: u once, V twice (for its tangent and for its update).
    /// </remarks>
    public static StepCost Of(NetworkDescription network, TrainingOptions options)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(options);
        var rule = options.Rule;
        var site = options.EffectiveSite;
        var directions = rule.HasTangents ? options.Perturbations : 0;
        double products = 0;
        double bytes = 0;
        double normals = 0;
        for (var l = 1; l <= network.Blocks.Count; l++)
        {
            var block = network.Blocks[l - 1];
            var product = Product(block);
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
                normals += 2.0 * directions * block.ParameterCount * (options.HasWeightNoisePerSample ? options.BatchSize : 1);
            }
            else if (options.Perturbs(isOutput))
            {
                normals += (double)directions * options.BatchSize * block.SizeAt(site);
            }

            var (rows, columns) = rule.FeedbackShape(network, l, site);
            var feedback = (double)rows * columns;
            products += rule.HasBackwardChain ? 0 : feedback;
            products += rule.FeedbackUpdate switch
            {
                FeedbackUpdate.KolenPollack => feedback,
                FeedbackUpdate.ForwardGradient when rule.ErrorSignal == ErrorSignal.LayerwiseFeedback =>
                    isOutput ? 0 : directions * Product(network.Blocks[l]),
                FeedbackUpdate.ForwardGradient => directions * feedback,
                FeedbackUpdate.None => 0,
                _ => throw InvalidOptionException.UnknownValue("feedback update", rule.FeedbackUpdate),
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

    private static double Product(Block block) => (double)block.Channels * block.FanIn * block.Positions;

    /// <summary>The parameter and its moments, read and written.</summary>
    private static int BytesPerParameter(OptimizerKind optimizer) => 2 * (1 + Optimizer.Of(optimizer).MomentCount) * FloatBytes;
}
