using System.Globalization;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Losses;

/// <summary>A batch's outputs [N × classes] beside its labels [N].</summary>
public static class LabelledOutputs
{
    /// <summary>Counts the samples whose largest output is their label's; of equal outputs the first counts.</summary>
    /// <param name="outputs">y⁽ᴸ⁾, [N × classes] row-major.</param>
    /// <param name="labels">[N], each 0 … classes − 1; N ≥ 1.</param>
    /// <exception cref="ShapeMismatchException">The sizes do not fit, or a label is out of range.</exception>
    public static int CountCorrect(ReadOnlySpan<double> outputs, ReadOnlySpan<int> labels)
    {
        int classes = RequireClasses(outputs, labels);
        var correct = 0;
        for (var sample = 0; sample < labels.Length; sample++)
        {
            ReadOnlySpan<double> y = outputs.Slice(sample * classes, classes);
            var predicted = 0;
            for (var i = 1; i < classes; i++)
            {
                if (y[i] > y[predicted])
                {
                    predicted = i;
                }
            }

            if (predicted == labels[sample])
            {
                correct++;
            }
        }

        return correct;
    }

    /// <summary>The number of classes that the outputs have per label.</summary>
    /// <exception cref="ShapeMismatchException">The sizes do not fit, or a label is out of range.</exception>
    internal static int RequireClasses(ReadOnlySpan<double> outputs, ReadOnlySpan<int> labels)
    {
        if (labels.IsEmpty || outputs.IsEmpty || outputs.Length % labels.Length != 0)
        {
            throw new ShapeMismatchException(string.Create(
                CultureInfo.InvariantCulture,
                $"There are {outputs.Length} outputs for {labels.Length} labels; "
                + $"give at least one sample, and one output per sample and class."));
        }

        int classes = outputs.Length / labels.Length;
        foreach (int label in labels)
        {
            if (label < 0 || label >= classes)
            {
                throw new ShapeMismatchException(string.Create(
                    CultureInfo.InvariantCulture, $"The label {label} names no class; expected 0 to {classes - 1}."));
            }
        }

        return classes;
    }
}
