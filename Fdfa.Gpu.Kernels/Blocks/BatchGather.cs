using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Blocks;

/// <summary>Gathers a batch from the data set on the device and scales its bytes to inputs.</summary>
/// <remarks>
/// y⁽⁰⁾[s, i] = bytes[order[s], i] · 2/255 − 1, written (=) sample-major and feature-major; labels (=) to words.
/// The first block's launch gathers the batch of the step after the one it computes, so that nobody waits for it; a launch
/// of its own primes a run of steps, and serves evaluation. Reads N · n₀ bytes, writes 8 N · n₀.
/// </remarks>
public struct BatchGather
{
    /// <summary>N of the batch; 0 gathers nothing.</summary>
    public int Samples;

    /// <summary>Samples that the buffers hold, a multiple of 16.</summary>
    public int SampleCapacity;

    /// <summary>n₀, bytes per sample.</summary>
    public int Inputs;

    /// <summary>Row stride of the sample-major target.</summary>
    public int InputStride;

    /// <summary>Where the batch begins in a replica's order.</summary>
    public int OrderBegin;

    /// <summary>Distance between the replicas' orders; 0 where they share one.</summary>
    public int OrderStride;

    /// <summary>The samples [count × n₀].</summary>
    public ArrayView<byte> Data;

    /// <summary>Their labels [count].</summary>
    public ArrayView<byte> Labels;

    /// <summary>Indices of samples, per replica, padded by at least 15 valid ones.</summary>
    public ArrayView<int> Order;

    /// <summary>y⁽⁰⁾, sample-major, per replica; empty where a convolution reads it.</summary>
    public ArrayView<float> SampleMajorTarget;

    /// <summary>y⁽⁰⁾, feature-major [<see cref="FeatureRows"/> × SampleCapacity], per replica.</summary>
    public ArrayView<float> FeatureMajorTarget;

    /// <summary>Rows of <see cref="FeatureMajorTarget"/>: n₀ + 1, or more where it has a border.</summary>
    public int FeatureRows;

    /// <summary>The zeros around the images in <see cref="FeatureMajorTarget"/>.</summary>
    public ImageBorder Border;

    /// <summary>Labels of the batch [SampleCapacity], per replica.</summary>
    public ArrayView<uint> BatchLabels;

    /// <summary>The kernel: grid (any number of groups, replicas); each group does its share.</summary>
    public static void Run<TTiles>(BatchGather gather)
        where TTiles : struct, ITileProgram
    {
        var replica = Grid.IdxY;
        var quads = (gather.Inputs + 3) / 4;
        var quadsPerGroup = (quads + Grid.DimX - 1) / Grid.DimX;
        var rowBegin = 4 * quadsPerGroup * Grid.IdxX;
        var rowEnd = rowBegin + (4 * quadsPerGroup) < gather.Inputs ? rowBegin + (4 * quadsPerGroup) : gather.Inputs;
        if (gather.Samples > 0 && rowBegin < rowEnd)
        {
            var sampleMajor = gather.SampleMajorTarget;
            if (sampleMajor.Length > 0)
            {
                sampleMajor = Replica.Of(sampleMajor, replica, gather.SampleCapacity * gather.InputStride);
            }

            TTiles.ForEach(
                rowBegin,
                rowEnd,
                Padding.RoundUp(gather.Samples),
                new Body
                {
                    Gather = gather,
                    OrderBegin = (replica * gather.OrderStride) + gather.OrderBegin,
                    SampleMajorTarget = sampleMajor,
                    FeatureMajorTarget = Replica.Of(gather.FeatureMajorTarget, replica, gather.FeatureRows * gather.SampleCapacity),
                    BatchLabels = Replica.Of(gather.BatchLabels, replica, gather.SampleCapacity),
                });
        }
    }

    private struct Body : IElementwise
    {
        public BatchGather Gather;
        public int OrderBegin;
        public ArrayView<float> SampleMajorTarget;
        public ArrayView<float> FeatureMajorTarget;
        public ArrayView<uint> BatchLabels;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var y0 = Input<TLane, TBits, TLanes>(row, column);
            var y1 = Input<TLane, TBits, TLanes>(row + 1, column);
            var y2 = Input<TLane, TBits, TLanes>(row + 2, column);
            var y3 = Input<TLane, TBits, TLanes>(row + 3, column);
            if (SampleMajorTarget.Length > 0)
            {
                SampleMajor.Store<TLane, TBits, TLanes>(
                    SampleMajorTarget, (column * Gather.InputStride) + row, Gather.InputStride, Gather.Inputs - row, y0, y1, y2, y3);
            }

            if (row == 0)
            {
                TLanes.StoreBits(BatchLabels, column, TLanes.GatherBytes(Gather.Labels, Gather.Order, OrderBegin + column, 1, 0));
            }
        }

        private readonly TLane Input<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var y = TLanes.Broadcast(0f);
            if (row < Gather.Inputs)
            {
                var bytes = TLanes.GatherBytes(Gather.Data, Gather.Order, OrderBegin + column, Gather.Inputs, row);
                y = TLanes.MultiplyAdd(TLanes.ConvertToFloats(bytes), TLanes.Broadcast(2f / 255f), TLanes.Broadcast(-1f));
                TLanes.Store(FeatureMajorTarget, (Gather.Border.RowOf(row) * Gather.SampleCapacity) + column, y);
            }

            return y;
        }
    }
}
