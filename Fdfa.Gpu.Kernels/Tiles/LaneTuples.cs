namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>Two lane values.</summary>
public readonly struct LanePair<TLane>(TLane first, TLane second)
    where TLane : unmanaged
{
    /// <summary>The first.</summary>
    public readonly TLane First = first;

    /// <summary>The second.</summary>
    public readonly TLane Second = second;
}

/// <summary>Four lane values: of four neighbouring neurons.</summary>
public readonly struct LaneQuad<TLane>(TLane first, TLane second, TLane third, TLane fourth)
    where TLane : unmanaged
{
    /// <summary>The first.</summary>
    public readonly TLane First = first;

    /// <summary>The second.</summary>
    public readonly TLane Second = second;

    /// <summary>The third.</summary>
    public readonly TLane Third = third;

    /// <summary>The fourth.</summary>
    public readonly TLane Fourth = fourth;
}
