using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Augmentation;

/// <summary>Draws which part of its image each sample of a batch sees, and whether it is mirrored.</summary>
/// <remarks>
/// With S the image's side and u_i = x_i·2⁻³² of the words at counter (t, sample, 6 · 2¹⁶, step) under the seed as key, t = 0, 1, …:
///   f = f_min + (f_max − f_min)·u₀,  r = exp(ln r_min + (ln r_max − ln r_min)·u₁)
///   w = round(S·√(f·r)),  h = round(S·√(f/r));  top = ⌊(S − h + 1)·u₂⌋,  left = ⌊(S − w + 1)·u₃⌋
/// until 0 &lt; w, h ≤ S, else the whole image; flipped where the highest bit of x₀ of the counter after the last try's is set.
/// In whole numbers, f, r and ln r in units of 2⁻³⁰, so that every device draws the same crops. Agrees with the reference's
/// RandomCrop, except where S·√(f·r) or S·√(f/r) lies within 2⁻²⁴ of a half: one crop in a million may differ by a pixel.
///
/// Writes (=) a column per sample, padding included: top, height, the image's column that the crop's first column shows, width, and
/// 1 or −1, the way from one column to the next. Launch: (1, replicas). Writes 20 N bytes.
/// </remarks>
public struct CropDraw
{
    /// <summary>Rows of <see cref="Crops"/>.</summary>
    public const int Rows = 5;

    /// <summary>The row of the crops' first rows.</summary>
    public const int Top = 0;

    /// <summary>The row of their heights.</summary>
    public const int Height = 1;

    /// <summary>The row of the image's columns that their first columns show.</summary>
    public const int FirstColumn = 2;

    /// <summary>The row of their widths.</summary>
    public const int Width = 3;

    /// <summary>The row of the ways from one column to the next: 1, or −1 where the image is flipped.</summary>
    public const int ColumnStep = 4;

    /// <summary>Binary digits of f, r and ln r behind the point: |ln r| ≤ ln 4 and r ≤ 4 leave room for a product in 63 bits.</summary>
    public const int FractionBits = 30;

    private const uint Purpose = 6 << 16;

    private const long One = 1L << FractionBits;

    // 1.39¹⁷/17! is below 2⁻³⁰.
    private const int TermsOfExponential = 16;

    /// <summary>N of the batch.</summary>
    public int Samples;

    /// <summary>Samples that a row of <see cref="Crops"/> holds, a multiple of 16.</summary>
    public int SampleCapacity;

    /// <summary>S, at most 256.</summary>
    public int ImageSide;

    /// <summary>Tries before the whole image is taken; 0 in evaluation.</summary>
    public int Tries;

    /// <summary>1 where every other image is flipped.</summary>
    public int Flips;

    /// <summary>The step.</summary>
    public uint Step;

    /// <summary>f_min, in units of 2⁻³⁰.</summary>
    public long SmallestArea;

    /// <summary>f_max − f_min, in units of 2⁻³⁰.</summary>
    public long AreaRange;

    /// <summary>ln r_min, in units of 2⁻³⁰.</summary>
    public long SmallestLogRatio;

    /// <summary>ln r_max − ln r_min, in units of 2⁻³⁰.</summary>
    public long LogRatioRange;

    /// <summary>Two words per replica.</summary>
    public ArrayView<uint> Seeds;

    /// <summary>[<see cref="Rows"/> × SampleCapacity], per replica.</summary>
    public ArrayView<uint> Crops;

    /// <summary>The kernel.</summary>
    public static void Run<TTiles>(CropDraw draw)
        where TTiles : struct, ITileProgram
    {
        var replica = Grid.IdxY;
        TTiles.ForEach(0, 1, Padding.RoundUp(draw.Samples), new Body
        {
            Draw = draw,
            SeedLow = draw.Seeds[2 * replica],
            SeedHigh = draw.Seeds[(2 * replica) + 1],
            Crops = Replica.Of(draw.Crops, replica, Rows * draw.SampleCapacity),
        });
    }

    private struct Body : IElementwise
    {
        public CropDraw Draw;
        public uint SeedLow;
        public uint SeedHigh;
        public ArrayView<uint> Crops;

        // One sample after the other: a few hundred integers a batch, and each sample has its own number of tries.
        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            for (var sample = column; sample < column + TLanes.Count; sample++)
            {
                DrawOne(sample);
            }
        }

        private readonly void DrawOne(int sample)
        {
            var top = 0;
            var left = 0;
            var height = Draw.ImageSide;
            var width = Draw.ImageSide;
            var isFound = false;
            for (var t = 0; t < Draw.Tries && !isFound; t++)
            {
                var words = Words(t, sample);
                var area = Draw.SmallestArea + Share(Draw.AreaRange, words.First);
                var logRatio = Draw.SmallestLogRatio + Share(Draw.LogRatioRange, words.Second);
                var h = Length(area, -logRatio);
                var w = Length(area, logRatio);
                isFound = w > 0 && w <= Draw.ImageSide && h > 0 && h <= Draw.ImageSide;
                if (isFound)
                {
                    height = h;
                    width = w;
                    top = (int)Share(Draw.ImageSide - h + 1, words.Third);
                    left = (int)Share(Draw.ImageSide - w + 1, words.Fourth);
                }
            }

            var isFlipped = Draw.Flips != 0 && Words(Draw.Tries, sample).First >> 31 != 0;
            Write(Top, sample, top);
            Write(Height, sample, height);
            Write(FirstColumn, sample, isFlipped ? Draw.ImageSide - 1 - left : left);
            Write(Width, sample, width);
            Write(ColumnStep, sample, isFlipped ? -1 : 1);
        }

        private readonly LaneQuad<uint> Words(int t, int sample) =>
            Philox4x32.Generate<uint, float, ScalarLanes>((uint)t, (uint)sample, Purpose, Draw.Step, SeedLow, SeedHigh);

        // ⌊range · word · 2⁻³²⌋.
        private static long Share(long range, uint word) => (long)(((ulong)range * word) >> 32);

        // The whole number next to S·√(f·r), halves to even; S + 1 for everything above S.
        private readonly int Length(long area, long logRatio)
        {
            // 4 S² f r, so that (2n + 1)² of n + ½ stays whole.
            var target = ((area * Exponential(logRatio)) >> FractionBits) * (4L * Draw.ImageSide * Draw.ImageSide);
            var length = 0;
            while (length <= Draw.ImageSide && IsNearerAbove(target, length))
            {
                length++;
            }

            return length;
        }

        private static bool IsNearerAbove(long target, int length)
        {
            var middle = ((2L * length) + 1) * ((2L * length) + 1) * One;
            return target > middle || (target == middle && (length & 1) == 1);
        }

        // Taylor's series, from its last term.
        private static long Exponential(long x)
        {
            var sum = One;
            for (var k = TermsOfExponential; k >= 1; k--)
            {
                sum = One + (((x * sum) >> FractionBits) / k);
            }

            return sum;
        }

        private readonly void Write(int row, int sample, int value) => Crops[(row * Draw.SampleCapacity) + sample] = (uint)value;
    }
}
