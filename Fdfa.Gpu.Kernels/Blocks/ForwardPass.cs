using Fdfa.Gpu.Kernels.Mathematics;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Blocks;

/// <summary>This step's forward pass.</summary>
public struct ForwardPass
{
    /// <summary>N; 0 when there is none, as when pending updates are flushed.</summary>
    public int Samples;

    /// <summary>K, directions whose tangents are propagated; 0 when none are.</summary>
    public int Directions;

    /// <summary>1 where perturbations are injected at this block.</summary>
    public int IsPerturbed;

    /// <summary>1 where the input has tangents: not the first block's, nor that of a block after a local head.</summary>
    public int InputHasTangents;

    /// <summary>This step's noise.</summary>
    public PerturbationNoise Noise;

    /// <summary>y⁽ˡ⁻¹⁾ and d⁽ˡ⁻¹⁾, feature-major.</summary>
    public ArrayView<float> InputFeatures;

    /// <summary>y⁽ˡ⁾, sample-major: the next block's input in its own pending update.</summary>
    public ArrayView<float> Outputs;
}
