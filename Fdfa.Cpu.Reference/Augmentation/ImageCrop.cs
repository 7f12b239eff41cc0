using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Augmentation;

/// <summary>
/// The part of an image that becomes an input. A flipped image is mirrored first, then cropped, as in the authors' repository.
/// </summary>
/// <param name="Top">First row.</param>
/// <param name="Left">First column; of the mirror image where it is flipped.</param>
/// <param name="Height">Rows, at least 1.</param>
/// <param name="Width">Columns, at least 1.</param>
/// <param name="IsFlipped">Whether the image is mirrored, left for right.</param>
public readonly record struct ImageCrop(int Top, int Left, int Height, int Width, bool IsFlipped)
{
    /// <summary>The whole image, as evaluation sees it.</summary>
    public static ImageCrop Whole(ImageShape image) => new(0, 0, image.Height, image.Width, IsFlipped: false);
}
