namespace Fdfa.Cpu.Reference.Rules;

/// <summary>What a rule injected into a forward pass, and what came out.</summary>
/// <param name="Perturbations">u⁽ˡ⁾ at index l − 1, [N × n_l], or null where nothing was injected.</param>
/// <param name="Tangents">d⁽ˡ⁾ at index l − 1, [N × n_l].</param>
public sealed record TangentPass(IReadOnlyList<double[]?> Perturbations, IReadOnlyList<double[]> Tangents);
