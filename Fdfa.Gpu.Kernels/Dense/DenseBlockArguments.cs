using Fdfa.Gpu.Kernels.Mathematics;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Dense;

/// <summary>Everything a dense block's kernels read and write. Each view holds all replicas, one after the other.</summary>
/// <remarks>
/// Layouts, per replica. Samples and neurons are padded to multiples of 16 so that every row starts on a cache line; padding
/// never reaches a result. A bias is the weight of a constant input: every activation buffer carries 1 in its last real
/// position (0 in its tangents), so weight and bias, their gradients and their tangents take one code path.
///   sample-major  [SampleCapacity × stride], stride ≥ neurons + 1:  element (s, i), for weight gradients
///   feature-major [neurons + 1 × SampleCapacity or 2 · SampleCapacity]: element (i, s), activations and then tangents side
///                 by side, for the forward pass: one product computes both with one read of W
/// </remarks>
public struct DenseBlockArguments
{
    /// <summary>n_{l−1}.</summary>
    public int Inputs;

    /// <summary>n_l.</summary>
    public int Outputs;

    /// <summary>n_L.</summary>
    public int Classes;

    /// <summary>Samples that the buffers hold, a multiple of 16.</summary>
    public int SampleCapacity;

    /// <summary>Row stride of weights and of sample-major inputs: n_{l−1} + 1 rounded up to 16.</summary>
    public int InputStride;

    /// <summary>Row stride of feedback and of sample-major outputs: n_l + 1 rounded up to 16.</summary>
    public int OutputStride;

    /// <summary>Row stride of feature-major inputs.</summary>
    public int InputFeatureStride;

    /// <summary>Row stride of feature-major outputs, the same in every block.</summary>
    public int OutputFeatureStride;

    /// <summary>Rows of the block that one group owns, a multiple of 16.</summary>
    public int RowsPerGroup;

    /// <summary>W and b [n_l × InputStride], with their optimizer's moments.</summary>
    public OptimizedParameters Weights;

    /// <summary>B [n_L × OutputStride], with its optimizer's moments.</summary>
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

    /// <summary>g⁽ˡ⁾ = δ⁽ˡ⁾ ⊙ σ'(a⁽ˡ⁾), feature-major [n_l × SampleCapacity].</summary>
    public ArrayView<float> Deltas;

    /// <summary>u⁽ˡ⁾, sample-major [SampleCapacity × OutputStride].</summary>
    public ArrayView<float> Perturbations;

    /// <summary>e, feature-major [n_L × SampleCapacity].</summary>
    public ArrayView<float> OutputError;

    /// <summary>y⁽ᴸ⁾ and d⁽ᴸ⁾ of the step whose update is pending, feature-major.</summary>
    public ArrayView<float> NetworkOutputFeatures;
}

/// <summary>The previous step, as far as its update is still to be applied.</summary>
public struct PendingUpdate
{
    /// <summary>Samples of that step; 0 when nothing is pending.</summary>
    public int Samples;

    /// <summary>1 / N of that step.</summary>
    public float InverseSamples;

    /// <summary>1 where B is updated before the weights see it (Algorithm 1), 0 where both use the old B.</summary>
    public int FeedbackFirst;

    /// <summary>y⁽ˡ⁻¹⁾ of that step, sample-major.</summary>
    public ArrayView<float> Inputs;

    /// <summary>The weight optimizer's numbers.</summary>
    public OptimizerStep WeightStep;

    /// <summary>The feedback optimizer's numbers.</summary>
    public OptimizerStep FeedbackStep;
}

/// <summary>This step's forward pass.</summary>
public struct ForwardPass
{
    /// <summary>N; 0 when there is none, as when pending updates are flushed.</summary>
    public int Samples;

    /// <summary>1 where tangents are propagated and perturbations injected.</summary>
    public int WithTangents;

    /// <summary>1 where the input has tangents, as every block's but the first one's.</summary>
    public int InputHasTangents;

    /// <summary>The step, counter of the noise.</summary>
    public uint Step;

    /// <summary>y⁽ˡ⁻¹⁾ and d⁽ˡ⁻¹⁾, feature-major.</summary>
    public ArrayView<float> InputFeatures;

    /// <summary>y⁽ˡ⁾, sample-major: the next block's input in its own pending update.</summary>
    public ArrayView<float> Outputs;
}
