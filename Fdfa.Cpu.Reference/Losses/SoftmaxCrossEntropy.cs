namespace Fdfa.Cpu.Reference.Losses;

/// <summary>Softmax cross-entropy, the paper's loss (Appendix A).</summary>
/// <remarks>
/// <code>
/// loss = (1/N) Σ_s −log p_s,label    p = softmax(y)    e = (p − onehot(label)) / N
/// </code>
/// Each row is shifted by its largest output, so that no exponential overflows and the logarithm never sees zero.
/// </remarks>
public sealed class SoftmaxCrossEntropy : ILoss
{
    /// <inheritdoc/>
    public double Evaluate(ReadOnlySpan<double> outputs, ReadOnlySpan<int> labels, Span<double> outputError)
    {
        int classes = LabelledOutputs.RequireClasses(outputs, labels);
        Description.Shape.Require("output errors", outputError.Length, labels.Length, classes);
        double total = 0;
        for (var sample = 0; sample < labels.Length; sample++)
        {
            ReadOnlySpan<double> y = outputs.Slice(sample * classes, classes);
            Span<double> e = outputError.Slice(sample * classes, classes);

            double largest = y[0];
            foreach (double output in y)
            {
                largest = Math.Max(largest, output);
            }

            double sum = 0;
            foreach (double output in y)
            {
                sum += Math.Exp(output - largest);
            }

            total += Math.Log(sum) + largest - y[labels[sample]];
            for (var i = 0; i < classes; i++)
            {
                double probability = Math.Exp(y[i] - largest) / sum;
                double target = i == labels[sample] ? 1 : 0;
                e[i] = (probability - target) / labels.Length;
            }
        }

        return total / labels.Length;
    }
}
