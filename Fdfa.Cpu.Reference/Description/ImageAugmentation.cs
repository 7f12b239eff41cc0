using System.Globalization;

namespace Fdfa.Cpu.Reference.Description;

/// <summary>How square images become inputs of another size: random crops of them in training, whole ones in evaluation.</summary>
/// <remarks>
/// The semantics are torchvision's:
/// <code>
/// training     RandomHorizontalFlip(), RandomResizedCrop(side, scale: areas, ratio: ratios)
/// evaluation   Resize(side)
/// </code>
/// Both enlarge, or keep, every crop there can be (images larger than the side are refused). There antialiasing, which averages over what
/// a smaller image leaves out, changes nothing. Two departures: pixels are not rounded to bytes on the way, which moves an input by about
/// 1/255 where torchvision resizes bytes; and images that are not square are refused, because Resize(side) would leave them so.
/// </remarks>
/// <param name="Side">Rows and columns of the inputs.</param>
/// <param name="SmallestArea">The least share of an image's area that a crop aims at, above 0.</param>
/// <param name="LargestArea">The largest share, at most 1.</param>
/// <param name="SmallestRatio">The least width/height that a crop aims at, from 1/4 to 1.</param>
/// <param name="LargestRatio">The largest, from 1 to 4.</param>
/// <param name="Flips">Whether every other image is mirrored, left for right.</param>
public sealed record ImageAugmentation(
    int Side,
    double SmallestArea = 0.08,
    double LargestArea = 1,
    double SmallestRatio = 3.0 / 4,
    double LargestRatio = 4.0 / 3,
    bool Flips = true)
{
    /// <summary>The largest side of an image: a crop is chosen in whole numbers that have room for no more.</summary>
    public const int LargestImageSide = 256;

    /// <summary>The largest side of the inputs.</summary>
    public const int LargestSide = 1024;

    /// <summary>What the authors' repository does with CIFAR-100: torchvision's defaults, to AlexNet's 224 pixels.</summary>
    public static ImageAugmentation PublishedCode { get; } = new(Side: 224);

    /// <summary>The inputs' shape.</summary>
    /// <param name="image">The images' shape.</param>
    /// <exception cref="InvalidOptionException">A number is out of its range.</exception>
    /// <exception cref="ShapeMismatchException">The images are not square, or too large.</exception>
    public ImageShape InputOf(ImageShape image)
    {
        Validate();
        if (image.Channels < 1 || image.Height < 1 || image.Height != image.Width || image.Height > LargestImageSide)
        {
            throw new ShapeMismatchException(
                $"Images of {image} cannot be augmented; give square ones of at most {LargestImageSide} pixels a side, "
                + "or train without augmentation.");
        }

        return image.Height <= Side
            ? new ImageShape(image.Channels, Side, Side)
            : throw new ShapeMismatchException(
                $"Images of {image} cannot be augmented to {Side} pixels a side, because augmentation only enlarges; "
                + $"give a side of at least {image.Height}.");
    }

    /// <summary>Refuses numbers no run can work with.</summary>
    /// <exception cref="InvalidOptionException">A number is out of its range.</exception>
    internal void Validate()
    {
        if (Side is < 1 or > LargestSide)
        {
            throw new InvalidOptionException($"The side of augmented images is {Side}; give a whole number from 1 to {LargestSide}.");
        }

        RequireRange(
            "area", SmallestArea, LargestArea, SmallestArea > 0 && SmallestArea <= LargestArea && LargestArea <= 1,
            "above 0 and at most 1, such as 0.08 and 1");

        // A range around 1 makes the whole of a square image torchvision's last resort, when ten tries have failed.
        RequireRange(
            "ratio", SmallestRatio, LargestRatio, SmallestRatio is >= 0.25 and <= 1 && LargestRatio is >= 1 and <= 4,
            "from 1/4 to 1 and from 1 to 4, such as 0.75 and 1.3333");
    }

    private static void RequireRange(string name, double smallest, double largest, bool isValid, string expected)
    {
        if (!isValid)
        {
            throw new InvalidOptionException(string.Create(
                CultureInfo.InvariantCulture,
                $"Crops have a smallest {name} of {smallest} and a largest of {largest}; give numbers {expected}."));
        }
    }
}
