namespace Fdfa.Cpu.Reference.Description;

/// <summary>
/// What a block is, without its numbers: linear map (dense or convolution) → optional batch normalization → activation →
/// optional pooling. Everything is flattened: [N × features].
/// </summary>
/// <param name="Activation">σ.</param>
/// <param name="HasBatchNormalization">
/// Whether z = W y is normalized before σ. Such a block has no b: the batch's mean takes any b away again, so that its gradient is zero
/// but for rounding (which Adam would make as large as any other step), and β does what b would.
/// </param>
public abstract record Block(ActivationFunction Activation, bool HasBatchNormalization)
{
    /// <summary>n_{l-1}: values that a sample brings.</summary>
    public abstract int Inputs { get; }

    /// <summary>n_l: values that a sample leaves with.</summary>
    public abstract int Outputs { get; }

    /// <summary>Values of z and a⁽ˡ⁾ per sample; more than <see cref="Outputs"/> where something is pooled.</summary>
    public abstract int Preactivations { get; }

    /// <summary>Rows of W: neurons, or a convolution's filters. Each has one b, or one γ and β.</summary>
    public abstract int Channels { get; }

    /// <summary>Columns of W: what a neuron or filter reads at once.</summary>
    public abstract int FanIn { get; }

    /// <summary>Values per channel: 1 in a dense block, pixels of the map in a convolution.</summary>
    public int Positions => Preactivations / Channels;

    /// <summary>Values of b.</summary>
    public int BiasCount => HasBatchNormalization ? 0 : Channels;

    /// <summary>Values of γ, and of β.</summary>
    public int NormalizedChannels => HasBatchNormalization ? Channels : 0;

    /// <summary>Weights, biases, γ and β together.</summary>
    public long ParameterCount => ((long)Channels * FanIn) + BiasCount + (2L * NormalizedChannels);

    /// <summary>The block as it stands in a topology, such as "40C5-P2" or "128".</summary>
    internal abstract string Notation { get; }

    /// <summary>Values per sample where perturbations are added and feedback arrives.</summary>
    /// <exception cref="InvalidOptionException">The site is none of <see cref="PerturbationSite"/>.</exception>
    public int SizeAt(PerturbationSite site) => site switch
    {
        PerturbationSite.BlockOutput => Outputs,
        PerturbationSite.BeforePool or PerturbationSite.PreActivation => Preactivations,
        _ => throw InvalidOptionException.UnknownValue("perturbation site", site),
    };

    /// <summary>What is wrong with the block by itself, or null.</summary>
    internal abstract string? FindFault();
}
