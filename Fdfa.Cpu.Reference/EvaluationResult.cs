namespace Fdfa.Cpu.Reference;

/// <summary>How a network does on a batch, with frozen parameters.</summary>
/// <param name="Loss">Mean loss over the batch.</param>
/// <param name="Correct">Samples classified correctly.</param>
public sealed record EvaluationResult(double Loss, int Correct);
