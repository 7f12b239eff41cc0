using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Losses;

/// <summary>From the name of a loss to its mathematics.</summary>
public static class LossCatalogue
{
    /// <summary>The mathematics of a loss.</summary>
    /// <exception cref="InvalidOptionException">The loss is none of <see cref="LossFunction"/>.</exception>
    public static ILoss Find(LossFunction loss) => loss switch
    {
        LossFunction.SoftmaxCrossEntropy => new SoftmaxCrossEntropy(),
        LossFunction.MeanSquaredError => new MeanSquaredError(),
        _ => throw InvalidOptionException.UnknownValue("loss", loss),
    };
}
