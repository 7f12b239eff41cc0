namespace Fdfa.Cpu.Reference.Rules;

/// <summary>The derivative of a loss along a tangent, and what it makes of the perturbation that began it (Eq. 3 and 5).</summary>
internal static class DirectionalDerivative
{
    /// <summary>c_s = e_s · d_s, the sum over outputs.</summary>
    /// <param name="error">e, [N × outputs]; it carries 1/N.</param>
    /// <param name="tangents">d, [N × outputs].</param>
    /// <param name="batchSize">N.</param>
    /// <returns>[N].</returns>
    public static double[] PerSample(double[] error, double[] tangents, int batchSize)
    {
        int outputs = error.Length / batchSize;
        var derivatives = new double[batchSize];
        for (var i = 0; i < error.Length; i++)
        {
            derivatives[i / outputs] += error[i] * tangents[i];
        }

        return derivatives;
    }

    /// <summary>(1/K) Σ_k c_{k,s} u_{k,s}⁽ˡ⁾, the error where u was added: Algorithm 3, line 20.</summary>
    /// <param name="step">The step.</param>
    /// <param name="l">The block, 1…L.</param>
    /// <param name="passes">K directions.</param>
    /// <param name="derivatives">c of each direction, [N].</param>
    public static double[] TimesPerturbations(
        TrainingStep step, int l, IReadOnlyList<TangentPass> passes, IReadOnlyList<double[]> derivatives)
    {
        int values = step.SiteSize(l);
        var delta = new double[step.BatchSize * values];
        for (var direction = 0; direction < passes.Count; direction++)
        {
            double[] u = passes[direction].Perturbations[l - 1]!;
            for (var i = 0; i < delta.Length; i++)
            {
                delta[i] += derivatives[direction][i / values] * u[i] / passes.Count;
            }
        }

        return delta;
    }
}
