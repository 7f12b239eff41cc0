namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>Rows of device buffers start on 64-byte cache lines: lengths are rounded up to 16 floats.</summary>
public static class Padding
{
    /// <summary>The unit, in floats: a cache line, and the widest SIMD register.</summary>
    public const int Unit = 16;

    /// <summary>The smallest multiple of <see cref="Unit"/> that is not below the length.</summary>
    public static int RoundUp(int length) => (length + Unit - 1) / Unit * Unit;
}
