using System.Globalization;

namespace Fdfa.Cpu.Reference.Description;

/// <summary>A fully connected block: y = σ(W x + b), with W [outputs × inputs] row-major and b [outputs].</summary>
/// <param name="Inputs">n_{l-1}, at least 1.</param>
/// <param name="Outputs">n_l, at least 1.</param>
/// <param name="Activation">σ.</param>
/// <param name="HasBatchNormalization">Whether W x is normalized before σ.</param>
public sealed record DenseBlock(int Inputs, int Outputs, ActivationFunction Activation, bool HasBatchNormalization = false)
    : Block(Activation, HasBatchNormalization)
{
    /// <inheritdoc/>
    public override int Inputs { get; } = Inputs;

    /// <inheritdoc/>
    public override int Outputs { get; } = Outputs;

    /// <inheritdoc/>
    public override int Preactivations => Outputs;

    /// <inheritdoc/>
    public override int Channels => Outputs;

    /// <inheritdoc/>
    public override int FanIn => Inputs;

    internal override string Notation => Outputs.ToString(CultureInfo.InvariantCulture);

    internal override string? FindFault() =>
        Inputs < 1 ? "has no inputs; give it at least 1" : Outputs < 1 ? "has no outputs; give it at least 1" : null;
}
