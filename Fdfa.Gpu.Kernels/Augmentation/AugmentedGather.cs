using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Augmentation;

/// <summary>Gathers a batch of crops from the data set on the device, each resampled to the input's size and scaled.</summary>
/// <remarks>
/// Row i of T of a crop of h rows reads, with p = max((2i + 1)·h − T, 0) and the channel's bytes v,
///   y₀ = ⌊p/2T⌋,  y₁ = min(y₀ + 1, h − 1),  f = p/2T − y₀;  likewise x₀, x₁ and g of column j
///   v_y = v[y, x₀] + g·(v[y, x₁] − v[y, x₀]),  y⁽⁰⁾ = (v_y₀ + f·(v_y₁ − v_y₀)) · 2/255 − 1
/// written (=) feature-major, and sample-major where there is such a target; labels (=) to words. p is whole and below 2²⁴, so that y₀ is
/// exact on every device. Agrees with the reference's BilinearResampling to 2⁻²⁰. The crops come from <see cref="CropDraw"/>.
/// Launch: (any number of groups, replicas); each group does its share of the features. Reads at most 4 N · n₀ bytes (they stay in the
/// cache: N images), writes 4 or 8 N · n₀.
/// </remarks>
public struct AugmentedGather
{
    /// <summary>The batch and where it goes. Its inputs are n₀ = channels · T²; its data is [count × channels · S²].</summary>
    public BatchGather Batch;

    /// <summary>Channels of an image.</summary>
    public int Channels;

    /// <summary>S, rows and columns of an image, at most 256.</summary>
    public int ImageSide;

    /// <summary>T, rows and columns of an input, at most 1024.</summary>
    public int Side;

    /// <summary>The samples' crops, as <see cref="CropDraw"/> writes them, per replica.</summary>
    public ArrayView<uint> Crops;

    /// <summary>The kernel.</summary>
    public static void Run<TTiles>(AugmentedGather gather)
        where TTiles : struct, ITileProgram
    {
        var replica = Grid.IdxY;
        var batch = gather.Batch;
        var quads = (batch.Inputs + 3) / 4;
        var quadsPerGroup = (quads + Grid.DimX - 1) / Grid.DimX;
        var rowBegin = 4 * quadsPerGroup * Grid.IdxX;
        var rowEnd = rowBegin + (4 * quadsPerGroup) < batch.Inputs ? rowBegin + (4 * quadsPerGroup) : batch.Inputs;
        if (batch.Samples > 0 && rowBegin < rowEnd)
        {
            var sampleMajor = batch.SampleMajorTarget;
            if (sampleMajor.Length > 0)
            {
                sampleMajor = Replica.Of(sampleMajor, replica, batch.SampleCapacity * batch.InputStride);
            }

            TTiles.ForEach(
                rowBegin,
                rowEnd,
                Padding.RoundUp(batch.Samples),
                new Body
                {
                    Gather = gather,
                    OrderBegin = (replica * batch.OrderStride) + batch.OrderBegin,
                    SampleMajorTarget = sampleMajor,
                    FeatureMajorTarget = Replica.Of(batch.FeatureMajorTarget, replica, batch.FeatureRows * batch.SampleCapacity),
                    BatchLabels = Replica.Of(batch.BatchLabels, replica, batch.SampleCapacity),
                    Crops = Replica.Of(gather.Crops, replica, CropDraw.Rows * batch.SampleCapacity),
                });
        }
    }

    private struct Body : IElementwise
    {
        public AugmentedGather Gather;
        public int OrderBegin;
        public ArrayView<float> SampleMajorTarget;
        public ArrayView<float> FeatureMajorTarget;
        public ArrayView<uint> BatchLabels;
        public ArrayView<uint> Crops;

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
                    SampleMajorTarget, (column * Gather.Batch.InputStride) + row, Gather.Batch.InputStride, Gather.Batch.Inputs - row,
                    y0, y1, y2, y3);
            }

            if (row == 0)
            {
                TLanes.StoreBits(
                    BatchLabels, column, TLanes.GatherBytes(Gather.Batch.Labels, Gather.Batch.Order, OrderBegin + column, 1, 0));
            }
        }

        private readonly TLane Input<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var y = TLanes.Broadcast(0f);
            if (row < Gather.Batch.Inputs)
            {
                y = TLanes.MultiplyAdd(Resample<TLane, TBits, TLanes>(row, column), TLanes.Broadcast(2f / 255f), TLanes.Broadcast(-1f));
                TLanes.Store(FeatureMajorTarget, (Gather.Batch.Border.RowOf(row) * Gather.Batch.SampleCapacity) + column, y);
            }

            return y;
        }

        // The byte that would stand at a place of the input.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly TLane Resample<TLane, TBits, TLanes>(int feature, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var channel = feature / (Gather.Side * Gather.Side);
            var place = feature - (channel * Gather.Side * Gather.Side);
            var i = place / Gather.Side;
            var j = place - (i * Gather.Side);
            var rows = Locate<TLane, TBits, TLanes>(i, Crop<TLane, TBits, TLanes>(CropDraw.Height, column));
            var columns = Locate<TLane, TBits, TLanes>(j, Crop<TLane, TBits, TLanes>(CropDraw.Width, column));

            var side = TLanes.BroadcastBits((uint)Gather.ImageSide);
            var top = TLanes.AddBits(
                TLanes.BroadcastBits((uint)(channel * Gather.ImageSide)), Crop<TLane, TBits, TLanes>(CropDraw.Top, column));
            var above = TLanes.MultiplyLow(TLanes.AddBits(top, rows.Low), side);
            var below = TLanes.MultiplyLow(TLanes.AddBits(top, rows.High), side);
            var first = Crop<TLane, TBits, TLanes>(CropDraw.FirstColumn, column);
            var step = Crop<TLane, TBits, TLanes>(CropDraw.ColumnStep, column);
            var left = TLanes.AddBits(first, TLanes.MultiplyLow(step, columns.Low));
            var right = TLanes.AddBits(first, TLanes.MultiplyLow(step, columns.High));

            var valueAbove = Between<TLane, TBits, TLanes>(
                Byte<TLane, TBits, TLanes>(column, TLanes.AddBits(above, left)),
                Byte<TLane, TBits, TLanes>(column, TLanes.AddBits(above, right)),
                columns.Fraction);
            var valueBelow = Between<TLane, TBits, TLanes>(
                Byte<TLane, TBits, TLanes>(column, TLanes.AddBits(below, left)),
                Byte<TLane, TBits, TLanes>(column, TLanes.AddBits(below, right)),
                columns.Fraction);
            return Between<TLane, TBits, TLanes>(valueAbove, valueBelow, rows.Fraction);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly Neighbours<TLane, TBits> Locate<TLane, TBits, TLanes>(int index, TBits length)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var position = TLanes.Max(
                TLanes.ConvertToFloats(TLanes.SubtractBits(
                    TLanes.MultiplyLow(length, TLanes.BroadcastBits((uint)((2 * index) + 1))), TLanes.BroadcastBits((uint)Gather.Side))),
                TLanes.Broadcast(0f));

            // A half more is never less than 1/4T from a whole number of pixels: rounding cannot cross it.
            var pixels = TLanes.Broadcast(1f / (2 * Gather.Side));
            var low = TLanes.ConvertToInts(TLanes.Multiply(TLanes.Add(position, TLanes.Broadcast(0.5f)), pixels));
            var wholePixels = TLanes.ConvertToFloats(low);
            var fraction = TLanes.Multiply(
                TLanes.MultiplyAdd(wholePixels, TLanes.Broadcast(-2f * Gather.Side), position), pixels);
            var last = TLanes.Subtract(TLanes.ConvertToFloats(length), TLanes.Broadcast(1f));
            var next = TLanes.Add(wholePixels, TLanes.Broadcast(1f));
            return new Neighbours<TLane, TBits>(low, TLanes.ConvertToInts(TLanes.SelectGreater(next, last, last, next)), fraction);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static TLane Between<TLane, TBits, TLanes>(TLane from, TLane to, TLane fraction)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits> => TLanes.MultiplyAdd(fraction, TLanes.Subtract(to, from), from);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly TBits Crop<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits> => TLanes.LoadBits(Crops, (row * Gather.Batch.SampleCapacity) + column);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly TLane Byte<TLane, TBits, TLanes>(int column, TBits offsets)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits> => TLanes.ConvertToFloats(TLanes.GatherBytesAt(
                Gather.Batch.Data, Gather.Batch.Order, OrderBegin + column,
                Gather.Channels * Gather.ImageSide * Gather.ImageSide, offsets));
    }
}

/// <summary>The two pixels that a place lies between, and how far it is from the first to the second.</summary>
internal readonly struct Neighbours<TLane, TBits>(TBits low, TBits high, TLane fraction)
    where TLane : unmanaged
    where TBits : unmanaged
{
    /// <summary>The first.</summary>
    public readonly TBits Low = low;

    /// <summary>The second; the first again at the crop's end.</summary>
    public readonly TBits High = high;

    /// <summary>0 … 1.</summary>
    public readonly TLane Fraction = fraction;
}
