namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>1.</summary>
public readonly struct One : IConstant
{
    /// <inheritdoc/>
    public static int Value => 1;
}

/// <summary>2.</summary>
public readonly struct Two : IConstant
{
    /// <inheritdoc/>
    public static int Value => 2;
}

/// <summary>4.</summary>
public readonly struct Four : IConstant
{
    /// <inheritdoc/>
    public static int Value => 4;
}

/// <summary>16.</summary>
public readonly struct Sixteen : IConstant
{
    /// <inheritdoc/>
    public static int Value => 16;
}
