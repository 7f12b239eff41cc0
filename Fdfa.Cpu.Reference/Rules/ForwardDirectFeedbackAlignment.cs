using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>FDFA: Forward Direct Feedback Alignment, Algorithm 1 of the paper.</summary>
/// <remarks>
/// <code>
/// injected   u⁽ˡ⁾ ~ N(0, I) at the output of hidden blocks l = 1 … L − 1        (line 10, lines 14 to 16)
/// d⁽ᴸ⁾   = Σ_{l&lt;L} Σ_i ∂y⁽ᴸ⁾/∂y_i⁽ˡ⁾ u_i⁽ˡ⁾, from the tangent pass             (Eq. 7; lines 8 and 13)
/// ∇B⁽ˡ⁾  = B⁽ˡ⁾ − (1/N) Σ_s d_s⁽ᴸ⁾ ⊗ u_s⁽ˡ⁾                                  (Eq. 10, averaged over the batch)
/// B⁽ˡ⁾   ← B⁽ˡ⁾ − α ∇B⁽ˡ⁾ = (1 − α) B⁽ˡ⁾ + α d⁽ᴸ⁾ ⊗ u⁽ˡ⁾                       (Eq. 8 and 9)
/// g⁽ᴸ⁾   = e                                                               (line 20)
/// g⁽ˡ⁾   = e B⁽ˡ⁾ ⊙ σ'(a⁽ˡ⁾),   ∂W⁽ˡ⁾ = Σ_s g_s⁽ˡ⁾ ⊗ y_s⁽ˡ⁻¹⁾                    (Eq. 14; line 23)
/// </code>
/// No hidden block waits for another: each needs e, its own B and its own input. E[∇B] = 0 where B = E[∂y⁽ᴸ⁾/∂y⁽ˡ⁾] (Eq. 12),
/// and for l = L − 1 that is W⁽ᴸ⁾ (Eq. 13).
/// <para>Where the paper contradicts itself:</para>
/// <list type="bullet">
/// <item>Line 22 of Algorithm 1 has a minus before α(d ⊗ v). Eq. 8 and 10 are right and are what is computed here; with
/// the minus, B would converge to −∂y⁽ᴸ⁾/∂y⁽ˡ⁾ and the hidden blocks would climb the loss.</item>
/// <item>Algorithm 1 updates B (line 22) before line 23 uses it; the authors' published code uses the old B for both.
/// <see cref="TrainingOptions.FeedbackOrder"/> chooses; <see cref="ReferenceNetwork"/> calls these functions in that order.</item>
/// <item>Appendix A trains B with Adam on ∇B, and then B is no longer the exponential average of Eq. 8. The averaging
/// that Proposition 2 speaks of is <see cref="OptimizerKind.Sgd"/> as <see cref="TrainingOptions.FeedbackOptimizer"/>.</item>
/// </list>
/// </remarks>
public sealed class ForwardDirectFeedbackAlignment : IRule
{
    /// <inheritdoc/>
    public TangentPass? InjectTangents(ForwardPass forward, NetworkParameters parameters, ulong seed, uint stepNumber)
    {
        ArgumentNullException.ThrowIfNull(forward);
        int lastBlock = forward.Network.Blocks.Count;
        var perturbations = new double[]?[lastBlock];
        for (var l = 1; l < lastBlock; l++)
        {
            int neurons = forward.Network.Blocks[l - 1].Outputs;
            var u = new double[forward.BatchSize * neurons];
            PerturbationNoise.Fill(u, seed, stepNumber, l, forward.BatchSize, neurons);
            perturbations[l - 1] = u;
        }

        return new TangentPass(perturbations, DenseForward.RunTangents(forward, parameters, perturbations));
    }

    /// <inheritdoc/>
    public IReadOnlyList<double[]?> FeedbackGradients(NetworkParameters parameters, TangentPass? tangents)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(tangents);
        int lastBlock = parameters.Blocks.Count;
        int outputs = parameters.Blocks[^1].Biases.Length;
        double[] d = tangents.Tangents[^1];
        int batchSize = d.Length / outputs;

        var gradients = new double[]?[lastBlock];
        for (var l = 1; l < lastBlock; l++)
        {
            double[] u = tangents.Perturbations[l - 1]!;
            double[] b = parameters.Blocks[l - 1].Feedback;
            double[] sum = MatrixProduct.TransposedTimes(d, u, outputs, batchSize, u.Length / batchSize);
            var gradient = new double[b.Length];
            for (var i = 0; i < b.Length; i++)
            {
                gradient[i] = b[i] - sum[i] / batchSize;
            }

            gradients[l - 1] = gradient;
        }

        return gradients;
    }

    /// <inheritdoc/>
    public IReadOnlyList<double[]> PreactivationDeltas(ForwardPass forward, NetworkParameters parameters, double[] outputError)
    {
        ArgumentNullException.ThrowIfNull(forward);
        ArgumentNullException.ThrowIfNull(parameters);
        NetworkDescription network = forward.Network;
        int lastBlock = network.Blocks.Count;
        var g = new double[lastBlock][];
        g[lastBlock - 1] = outputError;
        for (var l = 1; l < lastBlock; l++)
        {
            double[] delta = MatrixProduct.Times(
                outputError,
                parameters.Blocks[l - 1].Feedback,
                forward.BatchSize,
                network.OutputSize,
                network.Blocks[l - 1].Outputs);
            g[l - 1] = forward.TimesDerivative(l, delta);
        }

        return g;
    }
}
