using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Gpu.Measurement;

/// <summary>What a training step cannot do without: counted, not measured.</summary>
/// <param name="Operations">Floating-point operations of the matrix products, a multiply-add being two.</param>
/// <param name="Bytes">Bytes of parameters and optimizer state, each read once and, where it changes, written once.</param>
public sealed record StepCost(double Operations, double Bytes)
{
    private const int FloatBytes = 4;

    /// <summary>Counts a step of one replica.</summary>
    /// <remarks>
    /// Per block with m inputs and n outputs: forward 2 N m n, tangents 2 N m n where the input has them, weight gradient
    /// 2 N m n; feedback's projection and gradient 2 N n_L n each; a backward chain 2 N n_l n_(l+1) per link. Activations,
    /// noise and elementwise work are left out: the floor is a lower bound.
    /// </remarks>
    public static StepCost Of(NetworkDescription network, TrainingOptions options)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(options);
        var rule = options.Rule;
        double products = 0;
        double bytes = 0;
        for (var index = 0; index < network.Blocks.Count; index++)
        {
            var block = network.Blocks[index];
            var isHidden = index < network.Blocks.Count - 1;
            var product = (double)block.Inputs * block.Outputs;
            var feedback = (double)network.OutputSize * block.Outputs;
            products += 2 * product;
            if (rule.Injection != Injection.None && index > 0)
            {
                products += product;
            }

            if (rule.ErrorSignal == ErrorSignal.BackwardChain && index > 0)
            {
                products += product;
            }

            bytes += block.ParameterCount * BytesPerParameter(options.WeightOptimizer);
            if (isHidden && rule.HasFeedback)
            {
                var isLearned = rule.FeedbackUpdate != FeedbackUpdate.None;
                products += feedback * (isLearned ? 2 : 1);
                bytes += feedback * (isLearned ? BytesPerParameter(options.FeedbackOptimizer) : FloatBytes);
            }
        }

        return new StepCost(2.0 * options.BatchSize * products, bytes);
    }

    private static int BytesPerParameter(OptimizerKind optimizer) => optimizer == OptimizerKind.Adam ? 6 * FloatBytes : 2 * FloatBytes;
}
