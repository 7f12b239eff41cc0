using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;

namespace Fdfa.Cpu.Reference.Augmentation;

/// <summary>The crop and flip of a sample in a training step: torchvision's RandomHorizontalFlip and RandomResizedCrop.</summary>
/// <remarks>
/// Try t = 0 … 9 of a square image of side S takes the four words (x₀, x₁, x₂, x₃) of its counter, with u_i = x_i·2⁻³²:
/// <code>
/// area     a = S²·(a_min + (a_max − a_min)·u₀)
/// ratio    r = exp(ln r_min + (ln r_max − ln r_min)·u₁)
/// width    w = round(√(a·r)),  height h = round(√(a/r)),  halves to even
/// corner   top = ⌊(S − h + 1)·u₂⌋,  left = ⌊(S − w + 1)·u₃⌋
/// </code>
/// The first try with 0 &lt; w, h ≤ S is taken; where all ten fail, the whole image. The image is flipped where the highest bit of x₀
/// of counter 10 is set: one in two.
/// <code>
/// key = seed,  counter = (t, sample, purpose &lt;&lt; 16, step)
/// </code>
/// </remarks>
public static class RandomCrop
{
    /// <summary>Tries before the whole image is taken.</summary>
    public const int Tries = 10;

    private const double TwoToMinus32 = 1.0 / (1L << 32);

    /// <summary>The crop of a sample.</summary>
    /// <param name="augmentation">The ranges.</param>
    /// <param name="image">The image's shape; square.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="step">The training step, counted from 0.</param>
    /// <param name="sample">The row in the batch, counted from 0.</param>
    public static ImageCrop Draw(ImageAugmentation augmentation, ImageShape image, ulong seed, uint step, int sample)
    {
        ArgumentNullException.ThrowIfNull(augmentation);
        var stream = new RandomStream(seed, RandomPurpose.Augmentation, Block: 0, step);
        bool isFlipped = augmentation.Flips && stream.WordAt(4 * Tries, sample) >> 31 == 1;
        for (var t = 0; t < Tries; t++)
        {
            var (x0, x1, x2, x3) = stream.WordsAround(4 * t, sample);
            double area = image.Positions * Between(augmentation.SmallestArea, augmentation.LargestArea, x0);
            double ratio = Math.Exp(Between(Math.Log(augmentation.SmallestRatio), Math.Log(augmentation.LargestRatio), x1));
            var width = (int)Math.Round(Math.Sqrt(area * ratio), MidpointRounding.ToEven);
            var height = (int)Math.Round(Math.Sqrt(area / ratio), MidpointRounding.ToEven);
            if (width >= 1 && width <= image.Width && height >= 1 && height <= image.Height)
            {
                return new ImageCrop(Below(image.Height - height + 1, x2), Below(image.Width - width + 1, x3), height, width, isFlipped);
            }
        }

        return ImageCrop.Whole(image) with { IsFlipped = isFlipped };
    }

    private static double Between(double smallest, double largest, uint word) => smallest + ((largest - smallest) * word * TwoToMinus32);

    private static int Below(int count, uint word) => (int)(((ulong)count * word) >> 32);
}
