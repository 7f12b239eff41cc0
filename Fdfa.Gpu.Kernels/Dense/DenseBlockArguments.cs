using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Mathematics;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Dense;

/// <summary>Everything a dense block's kernels read and write. Each view holds all replicas, one after the other.</summary>
/// <remarks>
/// Layouts, per replica. Samples and neurons are padded to multiples of 16 so that every row starts on a cache line; padding
/// never reaches a result. A bias is the weight of a constant input: every activation buffer carries 1 in its last real
/// position (0 in its tangents), so weight and bias, their gradients and their tangents take one code path.
///   sample-major  [SampleCapacity × stride], stride ≥ neurons + 1:  element (s, i), for weight gradients
///   feature-major [neurons + 1 × (1 + K) · SampleCapacity]: element (i, s), activations and then the tangents of K
///                 directions side by side, for the forward pass: one product computes all with one read of W;
///                 then the preactivations, SampleCapacity columns more, where the slope of the activation needs them
/// </remarks>
public struct DenseBlockArguments
{
    /// <summary>n_{l−1}.</summary>
    public int Inputs;

    /// <summary>n_l.</summary>
    public int Outputs;

    /// <summary>Rows of B⁽ˡ⁾: n_L, or n_{l+1} where feedback is layerwise.</summary>
    public int FeedbackRows;

    /// <summary>Samples that the buffers hold, a multiple of 16.</summary>
    public int SampleCapacity;

    /// <summary>Row stride of weights and of sample-major inputs: n_{l−1} + 1 rounded up to 16.</summary>
    public int InputStride;

    /// <summary>Row stride of feedback and of sample-major outputs: n_l + 1 rounded up to 16.</summary>
    public int OutputStride;

    /// <summary>Row stride of deltas: SampleCapacity, or K times that for rules that follow their perturbations.</summary>
    public int DeltaStride;

    /// <summary>Row stride of feature-major inputs.</summary>
    public int InputFeatureStride;

    /// <summary>Row stride of feature-major outputs.</summary>
    public int OutputFeatureStride;

    /// <summary>Rows of the block that one group owns, a multiple of 16.</summary>
    public int RowsPerGroup;

    /// <summary>W and b [n_l × InputStride], with their optimizer's moments.</summary>
    public OptimizedParameters Weights;

    /// <summary>B [FeedbackRows × OutputStride], with its optimizer's moments.</summary>
    public OptimizedParameters Feedback;

    /// <summary>Per replica: low and high word of the seed.</summary>
    public ArrayView<uint> Seeds;

    /// <summary>1, 2, …, L.</summary>
    public int Block;

    /// <summary>The update that the previous step left pending, if any.</summary>
    public PendingUpdate Pending;

    /// <summary>The forward pass of this step, if any.</summary>
    public ForwardPass Forward;

    /// <summary>y⁽ˡ⁾ and d⁽ˡ⁾, feature-major: read by the pending update, then overwritten by the forward pass.</summary>
    public ArrayView<float> OutputFeatures;

    /// <summary>
    /// g⁽ˡ⁾ = δ⁽ˡ⁾ ⊙ σ'(a⁽ˡ⁾), feature-major [n_l × DeltaStride]. Rules that follow their perturbations leave u_k ⊙ σ'(a) of each
    /// direction there, and the pending update sums them up.
    /// </summary>
    public ArrayView<float> Deltas;

    /// <summary>u⁽ˡ⁾ of each direction, sample-major [K · SampleCapacity × OutputStride], where feedback learns from it.</summary>
    public ArrayView<float> Perturbations;

    /// <summary>d⁽ˡ⁻¹⁾ Wᵀ of each direction, feature-major [n_l × K · SampleCapacity], where feedback learns from it.</summary>
    public ArrayView<float> ArrivingTangents;

    /// <summary>
    /// What hidden blocks project (e, or targets in its place), or the output block's e; feature-major [n_L × SampleCapacity].
    /// </summary>
    public ArrayView<float> OutputError;

    /// <summary>c_{k,s} = e_s · d_{k,s} / K of each direction and sample: [K · SampleCapacity].</summary>
    public ArrayView<float> DirectionalDerivatives;

    /// <summary>Σ_s c_{k,s} of each direction: [K, rounded up to 16].</summary>
    public ArrayView<float> BatchDerivatives;

    /// <summary>1 where every sample has weight perturbations of its own.</summary>
    public int HasWeightNoisePerSample;
}
