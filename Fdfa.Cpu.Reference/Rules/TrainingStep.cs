using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Losses;
using Fdfa.Cpu.Reference.Randomness;

namespace Fdfa.Cpu.Reference.Rules;

/// <summary>What a rule is given of a step: everything up to the output error.</summary>
/// <param name="Parameters">The parameters that the forward pass used.</param>
/// <param name="Options">How to train.</param>
/// <param name="Loss">The loss.</param>
/// <param name="Forward">The forward pass.</param>
/// <param name="Labels">[N].</param>
/// <param name="OutputError">e, [N × n_L]; it carries 1/N.</param>
/// <param name="Noise">The step's perturbations.</param>
public sealed record TrainingStep(
    NetworkParameters Parameters,
    TrainingOptions Options,
    ILoss Loss,
    ForwardPass Forward,
    int[] Labels,
    double[] OutputError,
    PerturbationNoise Noise)
{
    /// <summary>The network.</summary>
    public NetworkDescription Network => Forward.Network;

    /// <summary>L.</summary>
    public int LastBlock => Network.Blocks.Count;

    /// <summary>N.</summary>
    public int BatchSize => Forward.BatchSize;

    /// <summary>Where perturbations are added and the feedback error arrives.</summary>
    public PerturbationSite Site => Options.EffectiveSite;

    /// <summary>n_l of block l, 1…L.</summary>
    public int Neurons(int l) => Network.Blocks[l - 1].Outputs;

    /// <summary>Values of block l at the site, 1…L; n_l where that is the block's output.</summary>
    public int SiteSize(int l) => Network.Blocks[l - 1].SizeAt(Site);
}
