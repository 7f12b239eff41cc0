using ILGPU;

namespace Fdfa.Gpu.Kernels.Blocks;

/// <summary>∇B⁽ˡ⁾ = Keep · B⁽ˡ⁾ + Scale · Sourceᵀ Inputs.</summary>
/// <remarks>
/// FDFA (Eq. 10): Source = d⁽ᴸ⁾, Inputs = u⁽ˡ⁾ of all directions, Scale = −1/(KN), Keep = 1; L-FDFA: Source = d⁽ˡ⁾ W⁽ˡ⁺¹⁾ᵀ.
/// DKP: Source = e, Inputs = y⁽ˡ⁾, Scale = 1, Keep = decay.
/// Between the directions of a batch that does not fill the buffers lie rows of Inputs that are zero.
/// </remarks>
public struct FeedbackGradient
{
    /// <summary>Feature-major [FeedbackRows × SourceStride] from SourceOffset on, per replica.</summary>
    public ArrayView<float> Source;

    /// <summary>Elements of <see cref="Source"/> per replica.</summary>
    public int SourceLength;

    /// <summary>Its first element within a replica.</summary>
    public int SourceOffset;

    /// <summary>Its row stride.</summary>
    public int SourceStride;

    /// <summary>Sample-major [InputRows × OutputStride], per replica.</summary>
    public ArrayView<float> Inputs;

    /// <summary>Rows of <see cref="Inputs"/> per replica.</summary>
    public int InputRows;

    /// <summary>Rows that the product sums over.</summary>
    public int Depth;

    /// <summary>Factor on the product.</summary>
    public float Scale;

    /// <summary>Factor on B.</summary>
    public float Keep;
}
