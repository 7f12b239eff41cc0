using System.IO.Compression;
using System.Text;
using SkiaSharp;

namespace Fdfa.Tests.Data;

/// <summary>
/// A few images in the layout of tiny-imagenet-200.zip. SkiaSharp, which ScottPlot brings along, makes them here: they come from nowhere.
/// </summary>
internal static class SmallTinyImageNet
{
    public const int Classes = 200;

    public const string Root = "tiny-imagenet-200/";

    public static string Class(int index) => $"n{index:D8}";

    /// <summary>
    /// Two training images of the last class and one of the first, and two test images of four rows; one image of each is grey.
    /// </summary>
    public static Dictionary<string, byte[]> Files()
    {
        // Class 199 stands first in the list: the list gives the order, not the alphabet.
        var files = new Dictionary<string, byte[]>
        {
            ["wnids.txt"] = Encoding.UTF8.GetBytes(string.Join('\n', Enumerable.Range(0, Classes).Reverse().Select(Class)) + "\n"),
            ["words.txt"] = "n00000000\tnothing\n"u8.ToArray(),
            ["val/val_annotations.txt"] = Encoding.UTF8.GetBytes(string.Concat(
                Enumerable.Range(0, 4).Select(row => $"val_{row}.JPEG\t{Class(row)}\t0\t0\t63\t63\n"))),
            [$"train/{Class(199)}/images/{Class(199)}_10.JPEG"] = Jpeg(0),
            [$"train/{Class(199)}/images/{Class(199)}_9.JPEG"] = Jpeg(1),
            [$"train/{Class(199)}/{Class(199)}_boxes.txt"] = "x"u8.ToArray(),
            [$"train/{Class(0)}/images/{Class(0)}_0.JPEG"] = Jpeg(2, grey: true),
            ["val/images/val_1.JPEG"] = Jpeg(3),
            ["val/images/val_3.JPEG"] = Jpeg(4, grey: true),
            ["test/images/test_0.JPEG"] = "not looked at"u8.ToArray(),
        };
        return files;
    }

    /// <summary>A picture of soft colours, which survive JPEG.</summary>
    public static byte[] Jpeg(int seed, bool grey = false, int width = 64, int height = 64)
    {
        using var bitmap = new SKBitmap(
            new SKImageInfo(width, height, grey ? SKColorType.Gray8 : SKColorType.Rgba8888, SKAlphaType.Opaque));
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                byte red = (byte)(60 + 30 * seed);
                bitmap.SetPixel(x, y, grey ? new SKColor(red, red, red) : new SKColor(red, (byte)(2 * x), (byte)(255 - 2 * y)));
            }
        }

        using SKData data = bitmap.Encode(SKEncodedImageFormat.Jpeg, 90);
        return data.ToArray();
    }

    public static byte[] Zip(IEnumerable<KeyValuePair<string, byte[]>> files, string root = Root)
    {
        using var packed = new MemoryStream();
        using (var archive = new ZipArchive(packed, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, contents) in files)
            {
                using Stream entry = archive.CreateEntry(root + name).Open();
                entry.Write(contents);
            }
        }

        return packed.ToArray();
    }
}
