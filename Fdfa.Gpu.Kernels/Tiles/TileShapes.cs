namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>How a work-group shares out a tile among its threads. Numbers known when a kernel is compiled.</summary>
public interface ITileShape
{
    /// <summary>Threads along the rows of a tile.</summary>
    static abstract int Rows { get; }

    /// <summary>Threads along its columns.</summary>
    static abstract int Columns { get; }

    /// <summary>Threads along the reduction, each of which takes every so many steps: a power of two.</summary>
    static abstract int Slices { get; }

    /// <summary>Steps of the reduction staged at once, a multiple of 4 and of <see cref="Slices"/>.</summary>
    static abstract int Depth { get; }
}

/// <summary>64 threads in 4 rows of 16.</summary>
public readonly struct FourBySixteen : ITileShape
{
    /// <inheritdoc/>
    public static int Rows => 4;

    /// <inheritdoc/>
    public static int Columns => 16;

    /// <inheritdoc/>
    public static int Slices => 1;

    /// <inheritdoc/>
    public static int Depth => 16;
}

/// <summary>256 threads: as <see cref="FourBySixteen"/>, four times along the reduction.</summary>
public readonly struct FourBySixteenByFour : ITileShape
{
    /// <inheritdoc/>
    public static int Rows => 4;

    /// <inheritdoc/>
    public static int Columns => 16;

    /// <inheritdoc/>
    public static int Slices => 4;

    /// <inheritdoc/>
    public static int Depth => 16;
}

/// <summary>64 threads in a square; little is staged at once, because much leaves.</summary>
public readonly struct EightByEight : ITileShape
{
    /// <inheritdoc/>
    public static int Rows => 8;

    /// <inheritdoc/>
    public static int Columns => 8;

    /// <inheritdoc/>
    public static int Slices => 1;

    /// <inheritdoc/>
    public static int Depth => 8;
}

/// <summary>Two threads side by side, and long stages: what a simulator with slow barriers is best given.</summary>
public readonly struct OneByTwo : ITileShape
{
    /// <inheritdoc/>
    public static int Rows => 1;

    /// <inheritdoc/>
    public static int Columns => 2;

    /// <inheritdoc/>
    public static int Slices => 1;

    /// <inheritdoc/>
    public static int Depth => 64;
}

/// <summary>One thread.</summary>
public readonly struct OneByOne : ITileShape
{
    /// <inheritdoc/>
    public static int Rows => 1;

    /// <inheritdoc/>
    public static int Columns => 1;

    /// <inheritdoc/>
    public static int Slices => 1;

    /// <inheritdoc/>
    public static int Depth => 16;
}

/// <summary>Four warps, each with a quarter of a tile of tensor cores' products.</summary>
public readonly struct FourWarps : ITileShape
{
    /// <inheritdoc/>
    public static int Rows => 8;

    /// <inheritdoc/>
    public static int Columns => 16;

    /// <inheritdoc/>
    public static int Slices => 1;

    /// <inheritdoc/>
    public static int Depth => 8;
}
