namespace Fdfa.Cpu.Reference.Randomness;

/// <summary>What random words are for. The numbers are part of the counter: to change one changes every run.</summary>
public enum RandomPurpose
{
    /// <summary>u⁽ˡ⁾, per step, block, sample and neuron.</summary>
    Perturbations = 0,

    /// <summary>The start of W⁽ˡ⁾ and b⁽ˡ⁾.</summary>
    WeightInitialisation = 1,

    /// <summary>The start of B⁽ˡ⁾.</summary>
    FeedbackInitialisation = 2,

    /// <summary>The order of the samples in an epoch.</summary>
    EpochOrder = 3,

    /// <summary>V⁽ˡ⁾, per step, block, weight and, where samples have their own, sample.</summary>
    WeightPerturbations = 4,

    /// <summary>The start of a local head.</summary>
    HeadInitialisation = 5,

    /// <summary>The crop and flip of an image, per step and sample.</summary>
    Augmentation = 6,

    /// <summary>Which training samples are set aside for validation, under a seed of its own.</summary>
    ValidationSplit = 7,
}
