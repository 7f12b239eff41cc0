using System.Globalization;
using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Probes;

/// <summary>How far a hidden block's feedback is from what it stands for.</summary>
/// <remarks>
/// <code>
/// direct      ‖B⁽ˡ⁾ − E_x[∂y⁽ᴸ⁾/∂y⁽ˡ⁾]‖_F      the minimum of Eq. 11 (Eq. 12); for l = L − 1 it is W⁽ᴸ⁾ (Eq. 13)
/// layerwise   ‖B⁽ˡ⁾ − W⁽ˡ⁺¹⁾‖_F
/// </code>
/// </remarks>
/// <param name="Absolute">The Frobenius norm of the difference.</param>
/// <param name="Relative">The same over the norm of what B stands for: 1 for B = 0. Infinite or NaN where that norm is zero.</param>
public sealed record FeedbackError(double Absolute, double Relative)
{
    /// <summary>Measures all hidden blocks.</summary>
    /// <param name="network">The network.</param>
    /// <param name="rule">Says whether feedback is direct or layerwise.</param>
    /// <param name="parameters">Weights and feedback.</param>
    /// <param name="inputs">y⁽⁰⁾ of the samples that stand for E_x, [N × n₀]; layerwise feedback does not depend on them.</param>
    /// <param name="batchSize">N, at least 1.</param>
    /// <param name="site">Where direct feedback arrives; layerwise feedback does not depend on it.</param>
    /// <returns>Hidden block l = 1 … L − 1 at index l − 1.</returns>
    /// <exception cref="InvalidOptionException">The rule has no feedback.</exception>
    /// <exception cref="ShapeMismatchException">
    /// The parameters do not fit the network and the rule, or the inputs not the network.
    /// </exception>
    public static IReadOnlyList<FeedbackError> Measure(
        NetworkDescription network, LearningRule rule, NetworkParameters parameters, double[] inputs, int batchSize,
        PerturbationSite site = PerturbationSite.BlockOutput)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(rule);
        ArgumentNullException.ThrowIfNull(parameters);
        if (!rule.HasFeedback)
        {
            throw new InvalidOptionException(string.Create(
                CultureInfo.InvariantCulture,
                $"The rule {rule} has no feedback; give one of {string.Join(", ", LearningRule.All.Where(one => one.HasFeedback))}."));
        }

        parameters.RequireFit(network, rule, site);
        ForwardPass forward = NetworkForward.Run(network, parameters, inputs, batchSize);
        IReadOnlyList<double[]> targets = rule.ErrorSignal == ErrorSignal.LayerwiseFeedback
            ? [.. parameters.Blocks.Skip(1).Select(block => block.Weights)]
            : MeanOutputJacobians(forward, parameters, site);
        return [.. targets.Select((target, index) => Between(parameters.Blocks[index].Feedback, target))];
    }

    /// <summary>E_x[∂y⁽ᴸ⁾/∂y⁽ˡ⁾] over a batch, exactly, by the chain rule from the output down.</summary>
    /// <remarks>
    /// <code>
    /// ∂y⁽ᴸ⁾/∂y⁽ᴸ⁻¹⁾ = W⁽ᴸ⁾      ∂y⁽ᴸ⁾/∂y⁽ˡ⁻¹⁾ = (∂y⁽ᴸ⁾/∂y⁽ˡ⁾ ⊙ σ'(a⁽ˡ⁾)) W⁽ˡ⁾        in dense blocks
    /// </code>
    /// With batch normalization a sample's output depends on all samples; what feedback stands for is the dependence on the
    /// sample itself, because that is all of which E[d_s ⊗ u_s] is left.
    /// </remarks>
    /// <param name="forward">The forward pass.</param>
    /// <param name="parameters">Its weights.</param>
    /// <param name="site">By which values of block l to derive.</param>
    /// <returns>[n_L × values of block l at the site] of hidden block l at index l − 1.</returns>
    public static IReadOnlyList<double[]> MeanOutputJacobians(
        ForwardPass forward, NetworkParameters parameters, PerturbationSite site = PerturbationSite.BlockOutput)
    {
        ArgumentNullException.ThrowIfNull(forward);
        ArgumentNullException.ThrowIfNull(parameters);
        NetworkDescription network = forward.Network;
        int lastBlock = network.Blocks.Count;
        double[][] means = [.. network.Blocks.SkipLast(1).Select(block => new double[network.OutputSize * block.SizeAt(site)])];

        // Errors of all samples travel together where they do not meet.
        IEnumerable<int[]> groups = Enumerable.Range(0, forward.BatchSize).Chunk(network.HasBatchNormalization ? 1 : forward.BatchSize);
        foreach (var (group, output) in groups.SelectMany(
            group => Enumerable.Range(0, network.OutputSize).Select(output => (group, output))))
        {
            // Row `output` of the samples' Jacobian: what backpropagation makes of an error that is 1 at this output.
            var delta = new double[forward.Outputs.Length];
            foreach (int sample in group)
            {
                delta[(sample * network.OutputSize) + output] = 1;
            }

            for (int l = lastBlock; l >= 2; l--)
            {
                BlockDeltas back = forward.Blocks[l - 1].Backward(parameters.Blocks[l - 1], delta, PerturbationSite.BlockOutput);
                delta = LinearMap.Transposed(network.Blocks[l - 1], back.Linear, parameters.Blocks[l - 1].Weights, forward.BatchSize);
                double[] atSite = forward.Blocks[l - 2].BackTo(site, delta);
                int values = network.Blocks[l - 2].SizeAt(site);
                foreach (int sample in group)
                {
                    for (var i = 0; i < values; i++)
                    {
                        means[l - 2][(output * values) + i] += atSite[(sample * values) + i] / forward.BatchSize;
                    }
                }
            }
        }

        return means;
    }

    private static FeedbackError Between(double[] feedback, double[] target)
    {
        double absolute = Math.Sqrt(feedback.Zip(target, (b, derivative) => (b - derivative) * (b - derivative)).Sum());
        return new FeedbackError(absolute, absolute / Math.Sqrt(target.Sum(derivative => derivative * derivative)));
    }
}
