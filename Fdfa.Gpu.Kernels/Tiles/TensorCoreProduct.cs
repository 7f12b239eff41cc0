using ILGPU;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>What a lane holds of a 16 × 8 operand of tensor cores.</summary>
public struct LeftFragment
{
    /// <summary>Row lane / 4, step lane mod 4.</summary>
    public uint A0;

    /// <summary>Eight rows below <see cref="A0"/>.</summary>
    public uint A1;

    /// <summary>Four steps after <see cref="A0"/>.</summary>
    public uint A2;

    /// <summary>Both.</summary>
    public uint A3;
}

/// <summary>What a lane holds of an 8 × 8 operand of tensor cores.</summary>
public struct RightFragment
{
    /// <summary>Step lane mod 4, column lane / 4.</summary>
    public uint B0;

    /// <summary>Four steps after <see cref="B0"/>.</summary>
    public uint B1;
}

/// <summary>A warp's product on tensor cores; fragments as in the PTX ISA, mma.m16n8k8 of .tf32.</summary>
public readonly struct TensorCoreProduct : IWarpProduct<LeftFragment, RightFragment>
{
    /// <inheritdoc/>
    public static LeftFragment LoadLeft(ArrayView<float> stage, int index, int stride, int lane)
    {
        var first = index + (lane / 4) + (lane % 4 * stride);
        return new()
        {
            A0 = TensorCore.Round(stage[first]),
            A1 = TensorCore.Round(stage[first + 8]),
            A2 = TensorCore.Round(stage[first + (4 * stride)]),
            A3 = TensorCore.Round(stage[first + (4 * stride) + 8]),
        };
    }

    /// <inheritdoc/>
    public static RightFragment LoadRight(ArrayView<float> stage, int index, int stride, int lane)
    {
        var first = index + (lane / 4) + (lane % 4 * stride);
        return new() { B0 = TensorCore.Round(stage[first]), B1 = TensorCore.Round(stage[first + (4 * stride)]) };
    }

    /// <inheritdoc/>
    public static Float4 MultiplyAdd(ArrayView<float> stage, LeftFragment left, RightFragment right, int lane, Float4 sum) =>
        TensorCore.MultiplyAdd(
            left.A0, left.A1, left.A2, left.A3, right.B0, right.B1, sum.X, sum.Y, sum.Z, sum.W);
}
