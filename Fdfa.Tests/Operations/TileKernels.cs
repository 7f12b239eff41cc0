using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Tests.Operations;

/// <summary>A kernel for each operation of a tile program.</summary>
internal static class TileKernels
{
    public static void Product<TTiles, TLeft>(ProductArguments<TLeft> arguments)
        where TTiles : struct, ITileProgram
        where TLeft : struct, ILeftOperand => TTiles.Product(TTiles.Workspace(), arguments.Product, default(TLeft), arguments.Epilogue);

    public static void Convolve<TTiles>(ConvolutionArguments arguments)
        where TTiles : struct, ITileProgram => TTiles.Convolve(TTiles.Workspace(), arguments.Convolution, arguments.Epilogue);

    public static void Correlate<TTiles>(Correlation correlation)
        where TTiles : struct, ITileProgram => TTiles.Correlate(TTiles.Workspace(), correlation);

    public static void SumChannels<TTiles>(ChannelSumArguments arguments)
        where TTiles : struct, ITileProgram => TTiles.SumChannels(
            TTiles.Workspace(), arguments.ChannelBegin, arguments.ChannelEnd, arguments.Positions, arguments.Columns, arguments.Sum);
}

internal struct ProductArguments<TLeft>
    where TLeft : struct, ILeftOperand
{
    public MatrixProduct Product;
    public AddEpilogue Epilogue;
}

internal struct ConvolutionArguments
{
    public Convolution Convolution;
    public AddEpilogue Epilogue;
}

internal struct ChannelSumArguments
{
    public int ChannelBegin;
    public int ChannelEnd;
    public int Positions;
    public int Columns;
    public TwoSums Sum;
}

/// <summary>Element (r, k) of the left operand is (5 r + 3 k) mod 7 − 3.</summary>
internal readonly struct GeneratedNumbers : ILeftOperand
{
    public static bool IsGenerated => true;

    public static float At(int row, int step) => (((5 * row) + (3 * step)) % 7) - 3;

    public LaneQuad<TLane> Generate<TLane, TBits, TLanes>(int row, int step)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits> => new(
            Row<TLane, TBits, TLanes>(row, step),
            Row<TLane, TBits, TLanes>(row + 1, step),
            Row<TLane, TBits, TLanes>(row + 2, step),
            Row<TLane, TBits, TLanes>(row + 3, step));

    // (5 r + 3 k) mod 7 lane by lane: whole numbers this small divide exactly enough in floats.
    private static TLane Row<TLane, TBits, TLanes>(int row, int step)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var steps = TLanes.ConvertToFloats(TLanes.AddBits(TLanes.Indices(), TLanes.BroadcastBits((uint)step)));
        var number = TLanes.MultiplyAdd(steps, TLanes.Broadcast(3f), TLanes.Broadcast(5f * row));
        var sevens = TLanes.ConvertToFloats(TLanes.ConvertToInts(TLanes.Multiply(TLanes.Add(number, TLanes.Broadcast(0.5f)), TLanes.Broadcast(1f / 7f))));
        return TLanes.Subtract(TLanes.MultiplyAdd(sevens, TLanes.Broadcast(-7f), number), TLanes.Broadcast(3f));
    }
}

/// <summary>Σ x and Σ x² of a channel, of the samples that there are.</summary>
internal struct TwoSums : IChannelSum
{
    public ArrayView<float> Source;
    public int Stride;
    public ArrayView<float> Target;

    public readonly LanePair<TLane> Terms<TLane, TBits, TLanes>(int channel, int row, int column)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var x = TLanes.Load(Source, (row * Stride) + column);
        return new(TLanes.Multiply(x, TLanes.Broadcast(channel + 1)), TLanes.Multiply(x, x));
    }

    // += shows whether it is called once.
    public readonly void Finish(int channel, float first, float second)
    {
        Target[2 * channel] += first;
        Target[(2 * channel) + 1] += second;
    }
}
