using System.Text;
using Fdfa.Experiments.Data;
using SkiaSharp;

namespace Fdfa.Tests.Data;

public sealed class TinyImageNetTests : IDisposable
{
    private const string Archive = "data/tiny-imagenet-200.zip";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(Archive)]
    [InlineData("data/tiny-imagenet-200-subset.zip")]
    [InlineData("data")]
    [InlineData("data/tiny-imagenet-200")]
    public async Task The_archive_and_the_folder_give_the_same_samples(string place)
    {
        if (place.EndsWith(".zip", StringComparison.Ordinal))
        {
            folder.Write(place, SmallTinyImageNet.Zip(SmallTinyImageNet.Files()));
        }
        else
        {
            foreach (var (name, contents) in SmallTinyImageNet.Files())
            {
                folder.Write($"{place}/{name}", contents);
            }
        }

        using DataSetPair data = await LoadAsync();

        // One of each class first, then the next; 9 before 10.
        Assert.Equal([0, 199, 0], data.Train.Labels);
        Assert.Equal([198, 196], data.Test.Labels);
        Assert.Equal((64, 64, 3, 200), (data.Train.Width, data.Train.Height, data.Train.Channels, data.Train.ClassCount));
        Assert.Equal("n00000199", data.Train.ClassNames[0]);
        Assert.Equal(folder.File(place), data.Source);
        int[] reds = [90, 120, 60];
        for (var sample = 0; sample < 3; sample++)
        {
            ReadOnlySpan<byte> pixels = data.Train.Samples.Span.Slice(sample * 12288, 12288);
            for (var pixel = 0; pixel < 4096; pixel++)
            {
                bool grey = sample == 1;
                Assert.InRange(pixels[pixel], reds[sample] - 8, reds[sample] + 8);
                Assert.InRange(pixels[4096 + pixel], (grey ? 120 : 2 * (pixel % 64)) - 8, (grey ? 120 : 2 * (pixel % 64)) + 8);
                Assert.InRange(pixels[8192 + pixel], (grey ? 120 : 255 - 2 * (pixel / 64)) - 8, (grey ? 120 : 255 - 2 * (pixel / 64)) + 8);
            }
        }

        Assert.Equal(new SampleCounts(3, 2), Catalog.CountHere("tiny-imagenet"));
    }

    [Fact]
    public async Task Images_are_decoded_once_and_again_when_they_or_the_kept_file_change()
    {
        Dictionary<string, byte[]> files = SmallTinyImageNet.Files();
        folder.Write(Archive, SmallTinyImageNet.Zip(files));
        var heard = new Heard<LoadingProgress>();
        byte[] first = await SamplesAsync(heard);
        Assert.Equal(
            [new LoadingProgress("Decoding tiny-imagenet", 3, 5, "image"), new LoadingProgress("Decoding tiny-imagenet", 5, 5, "image")],
            heard.Reports);
        string kept = Directory.GetFiles(folder.File("cache/tiny-imagenet")).Single();

        Assert.Equal(first, await SamplesAsync(heard));
        Assert.Equal(2, heard.Reports.Count);

        // Cut short, foreign, of another layout or with one wrong bit, be it in a pixel, a label or a count: made anew.
        byte[] whole = File.ReadAllBytes(kept);
        byte[][] damages =
        [
            [], whole[..30], whole[..^1], [.. whole, 0], [.. "FDFAIMG0"u8, .. whole[8..]], [.. whole[..8], 77, .. whole[9..]],
            [.. whole[..40], 255, 255, 255, 127, .. whole[44..]], Flipped(whole, 52), Flipped(whole, 30000),
            Flipped(whole, whole.Length - 1),
        ];
        foreach (byte[] damaged in damages)
        {
            heard.Reports.Clear();
            File.WriteAllBytes(kept, damaged);
            Assert.Equal(first, await SamplesAsync(heard));
            Assert.Equal(2, heard.Reports.Count);
            Assert.Equal($"Decoding tiny-imagenet again, because '{kept}' is damaged", heard.Reports[0].What);
            Assert.Equal(whole, File.ReadAllBytes(kept));
        }

        heard.Reports.Clear();
        files["val/images/val_1.JPEG"] = SmallTinyImageNet.Jpeg(5);
        folder.Write(Archive, SmallTinyImageNet.Zip(files));
        await SamplesAsync(heard);
        Assert.Equal(2, heard.Reports.Count);
        Assert.Equal(2, Directory.GetFiles(folder.File("cache/tiny-imagenet")).Length);
    }

    [Fact]
    public async Task A_decoding_that_was_killed_leaves_nothing_for_ever()
    {
        folder.Write(Archive, SmallTinyImageNet.Zip(SmallTinyImageNet.Files()));
        string old = folder.Write("cache/tiny-imagenet/.decoded-00.bin.0.tmp", [1]);
        string young = folder.Write("cache/tiny-imagenet/.decoded-01.bin.1.tmp", [1]);
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddHours(-2));

        (await LoadAsync()).Dispose();

        Assert.False(File.Exists(old));
        Assert.True(File.Exists(young));
    }

    public static TheoryData<string, byte[], string> BadImages()
    {
        byte[] whole = SmallTinyImageNet.Jpeg(1);
        return new TheoryData<string, byte[], string>
        {
            { "empty", [], "does not decode" },
            { "ten bytes", whole[..10], "does not decode" },
            { "half", whole[..(whole.Length / 2)], "does not decode" },
            { "without its end", whole[..^2], "does not decode" },
            { "text", "This is no image."u8.ToArray(), "does not decode" },
            { "PNG", [0x89, .. "PNG\r\n"u8, 0x1a, 10, .. new byte[50]], "is a PNG image, where a JPEG image is expected" },
            { "two components", SmallJpeg.Of([1, 2]), "has 2 components of 8 bits, where 1, 3 or 4 of 8 are expected" },
            { "too wide", SmallTinyImageNet.Jpeg(1, width: 65), "has 65×64 pixels, where 64×64 are expected" },
            { "too small", SmallTinyImageNet.Jpeg(1, width: 8, height: 8), "has 8×8 pixels, where 64×64 are expected" },
            { "hostile", Resized(whole, 65500, 65500), "has 65500×65500 pixels, where 64×64 are expected" },
        };
    }

    [Theory]
    [MemberData(nameof(BadImages))]
    public async Task A_bad_image_is_named_and_left_out_only_when_asked(string kind, byte[] image, string expected)
    {
        Dictionary<string, byte[]> files = SmallTinyImageNet.Files();
        files["train/n00000199/images/n00000199_10.JPEG"] = image;
        folder.Write(Archive, SmallTinyImageNet.Zip(files));

        long allocated = GC.GetAllocatedBytesForCurrentThread();
        await RefusedAsync(
            $"The image 'train/n00000199/images/n00000199_10.JPEG' in '{folder.File(Archive)}' {expected}; "
            + "get the data set again, or leave such images out with --skip-bad-images.");
        Assert.True(kind.Length > 0);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, 32 << 20);
        Assert.Empty(Directory.GetFiles(folder.File("cache/tiny-imagenet")));

        using (DataSetPair data = await Catalog.LoadAsync("tiny-imagenet", skipsBadImages: true))
        {
            Assert.Equal([0, 199], data.Train.Labels);
            Assert.Equal(1, data.LeftOut);
        }

        // What was left out once is not left out for those who did not ask.
        await RefusedAsync();
    }

    /// <summary>An image of one colour, and that colour by libjpeg's rules: jdapimin.c, default_decompress_parms.</summary>
    public static TheoryData<string, byte[], byte[]> Colours() => new()
    {
        { "Adobe's RGB", SmallJpeg.Of([200, 100, 50], "", SmallJpeg.Adobe(0)), [200, 100, 50] },
        { "Adobe's YCbCr", SmallJpeg.Of([100, 128, 200], "", SmallJpeg.Adobe(1)), [201, 49, 100] },
        { "JFIF before Adobe", SmallJpeg.Of([100, 128, 200], "", SmallJpeg.Jfif, SmallJpeg.Adobe(0)), [201, 49, 100] },
        { "named RGB", SmallJpeg.Of([200, 100, 50], "RGB"), [200, 100, 50] },
        { "JFIF before names", SmallJpeg.Of([100, 128, 200], "RGB", SmallJpeg.Jfif), [201, 49, 100] },
        { "nothing said", SmallJpeg.Of([100, 128, 200]), [201, 49, 100] },
        { "Adobe's CMYK", SmallJpeg.Of([200, 100, 50, 128], "", SmallJpeg.Adobe(0)), [100, 50, 25] },
        { "CMYK, nothing said", SmallJpeg.Of([200, 100, 50, 128]), [100, 50, 25] },
        { "YCCK", SmallJpeg.Of([100, 128, 200, 128], "", SmallJpeg.Adobe(2)), [27, 103, 78] },
        { "a mark cut short", SmallJpeg.Of([100, 128, 200], "", [0xff, 0xee, 0, 7, .. "Adobe"u8]), [201, 49, 100] },
    };

    [Theory]
    [MemberData(nameof(Colours))]
    public void Components_are_the_colours_that_libjpeg_takes_them_for(string kind, byte[] image, byte[] expected)
    {
        var planes = new byte[12288];
        JpegImage.Decode(image, 64, planes);
        Assert.All(planes.Chunk(4096).Zip(expected), plane =>
            Assert.True(plane.First.All(pixel => Math.Abs(pixel - plane.Second) <= 1), $"{kind}: {plane.First[0]}, not {plane.Second}"));
    }

    [Fact]
    public async Task What_other_systems_write_into_a_data_set_does_not_matter()
    {
        Dictionary<string, byte[]> files = SmallTinyImageNet.Files();
        files["train/n00000199/images/._n00000199_9.JPEG"] = [0, 5, 0x16, 7, 0, 2, 0, 0, .. "Mac OS X"u8];
        files["wnids.txt"] = [.. Encoding.UTF8.Preamble, .. files["wnids.txt"]];
        string annotations = Encoding.UTF8.GetString(files["val/val_annotations.txt"]);
        files["val/val_annotations.txt"] = [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes(annotations)];
        folder.Write(Archive, SmallTinyImageNet.Zip(files));

        using DataSetPair data = await LoadAsync();

        Assert.Equal([0, 199, 0], data.Train.Labels);
        Assert.Equal([198, 196], data.Test.Labels);
        Assert.Equal("n00000199", data.Train.ClassNames[0]);
    }

    public static TheoryData<string, string, string?, string> BadLayouts => new()
    {
        { "no classes", "wnids.txt", null, "but has none; get tiny-imagenet-200.zip again." },
        { "few classes", "wnids.txt", "n00000000\nn00000001\n", "200 different classes in wnids.txt, but has 2;" },
        { "no annotations", "val/val_annotations.txt", null, "a file val/val_annotations.txt, but has none" },
        { "annotation of an unknown class", "val/val_annotations.txt", "val_1.JPEG\tn99999999\t0\t0\t0\t0\n",
            "but has 'val_1.JPEG n99999999 0 0 0 0'" },
        { "annotation without a class", "val/val_annotations.txt", "val_1.JPEG\n", "but has 'val_1.JPEG'" },
        { "annotation twice", "val/val_annotations.txt", "val_1.JPEG\tn00000001\nval_1.JPEG\tn00000002\n",
            "but has 'val_1.JPEG n00000002'" },
        { "annotation out of the folder", "val/val_annotations.txt", "../../../secret\tn00000001\n",
            "images in val/images/ that val/val_annotations.txt names, but has none" },
        { "unknown class in train", "train/n77777777/images/n77777777_0.JPEG", "x", "but has 'n77777777'" },
    };

    [Theory]
    [MemberData(nameof(BadLayouts))]
    public async Task Another_layout_is_refused(string kind, string file, string? text, string expected)
    {
        Dictionary<string, byte[]> files = SmallTinyImageNet.Files();
        files.Remove(file);
        if (text is not null)
        {
            files.Add(file, Encoding.UTF8.GetBytes(text));
        }

        Assert.True(kind.Length > 0);
        folder.Write(Archive, SmallTinyImageNet.Zip(files));
        await RefusedAsync(folder.File(Archive), expected);
    }

    [Fact]
    public async Task A_damaged_archive_is_one_sentence()
    {
        byte[] whole = SmallTinyImageNet.Zip(SmallTinyImageNet.Files());
        byte[] flipped = [.. whole];
        int inside = whole.AsSpan().IndexOf(Encoding.ASCII.GetBytes("n00000199_10.JPEG")) + 200;
        flipped[inside] ^= 0x10;
        (byte[] Bytes, string Expected)[] cases =
        [
            ([], "should be a whole zip archive"),
            (whole[..^30], "should be a whole zip archive"),
            (whole[..(whole.Length / 2)], "should be a whole zip archive"),
            ([.. new byte[5000]], "should be a whole zip archive"),
            (flipped, "is damaged in its archive"),
            (SmallTinyImageNet.Zip([]), "a file wnids.txt, but has none"),
            (SmallTinyImageNet.Zip(SmallTinyImageNet.Files(), root: ""), "a file wnids.txt, but has none"),
            (SmallTinyImageNet.Zip(SmallTinyImageNet.Files(), root: "../../"), "a file wnids.txt, but has none"),
            (SmallTinyImageNet.Zip(SmallTinyImageNet.Files().Concat(SmallTinyImageNet.Files())), "but holds it twice"),
            (
                SmallTinyImageNet.Zip([.. SmallTinyImageNet.Files(), new("train/n00000000/images/n00000000_9.JPEG", new byte[3 << 20])]),
                "should have at most 1048576 bytes, but has 3145728"),
        ];
        foreach (var (bytes, expected) in cases)
        {
            folder.Write(Archive, bytes);
            await RefusedAsync(folder.File(Archive), expected);
        }

        Assert.Equal(["cache", "data"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order());
    }

    [SkippableFact]
    public async Task The_part_of_Tiny_ImageNet_decodes_as_libjpeg_decodes_it()
    {
        string shared = SharedData.Folder("tiny-imagenet");
        using DataSetPair data = await new DataSetCatalog(new DataLocations(shared, null, folder.File("cache"), []), null)
            .LoadAsync("tiny-imagenet");
        Assert.Equal((10000, 2000, 200), (data.Train.Count, data.Test.Count, data.Train.ClassCount));
        Assert.Equal(Enumerable.Repeat(50, 200), DataSetCatalogTests.CountPerClass(data.Train));

        using ImageFiles files = ImageFiles.Open(Path.Combine(shared, "tiny-imagenet-200-subset.zip"), "tiny-imagenet-200");
        long sum = 0;
        for (var image = 0; image < 500; image++)
        {
            using SKBitmap expected = SKBitmap.Decode(files.Read($"val/images/val_{image}.JPEG", 1 << 20));
            for (var pixel = 0; pixel < 4096; pixel++)
            {
                SKColor colour = expected.GetPixel(pixel % 64, pixel / 64);
                byte[] channels = [colour.Red, colour.Green, colour.Blue];
                for (var channel = 0; channel < 3; channel++)
                {
                    int difference = Math.Abs(data.Test.Samples.Span[image * 12288 + channel * 4096 + pixel] - channels[channel]);
                    Assert.InRange(difference, 0, 8);
                    sum += difference;
                }
            }
        }

        // Different inverse cosine transforms round differently.
        Assert.InRange(sum / (500 * 12288.0), 0, 0.5);
    }

    [Fact]
    public void A_file_that_an_archive_only_claims_to_be_large_takes_no_memory()
    {
        Dictionary<string, byte[]> files = SmallTinyImageNet.Files();
        byte[] zip = SmallTinyImageNet.Zip(files);
        var claimed = 1 << 24;
        byte[] length = BitConverter.GetBytes(files["wnids.txt"].Length);
        for (int at; (at = zip.AsSpan().IndexOf(length)) >= 0;)
        {
            BitConverter.GetBytes(claimed).CopyTo(zip, at);
        }

        folder.Write(Archive, zip);
        long before = GC.GetAllocatedBytesForCurrentThread();

        Refusal.Of<DataFormatException>(() => Catalog.CountHere("tiny-imagenet"), "'wnids.txt' is damaged in its archive");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, claimed / 8);
    }

    [Fact]
    public void Names_in_an_archive_are_shown_on_one_line()
    {
        KeyValuePair<string, byte[]> file = new("train/n1\n2/images/\u2028.JPEG", []);
        folder.Write(Archive, SmallTinyImageNet.Zip(SmallTinyImageNet.Files().Append(file)));
        Refusal.Of<DataFormatException>(() => Catalog.CountHere("tiny-imagenet"), "but has 'n1?2'");

        folder.Write(Archive, SmallTinyImageNet.Zip(SmallTinyImageNet.Files().Append(file).Append(file)));
        Refusal.Of<DataFormatException>(() => Catalog.CountHere("tiny-imagenet"), "n1?2/images/?.JPEG' once");
    }

    private static byte[] Flipped(byte[] bytes, int index)
    {
        byte[] copy = [.. bytes];
        copy[index] ^= 1;
        return copy;
    }

    private static byte[] Resized(byte[] jpeg, int width, int height)
    {
        byte[] copy = [.. jpeg];
        int frame = copy.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xff, 0xc0]);
        (copy[frame + 5], copy[frame + 6], copy[frame + 7], copy[frame + 8]) =
            ((byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width);
        return copy;
    }

    private DataSetCatalog Catalog => new(new DataLocations(folder.File("data"), null, folder.File("cache"), []), null);

    private Task<DataSetPair> LoadAsync() => Catalog.LoadAsync("tiny-imagenet");

    private async Task<byte[]> SamplesAsync(Heard<LoadingProgress> heard)
    {
        using DataSetPair data = await Catalog.LoadAsync("tiny-imagenet", heard);
        return [.. data.Train.Samples.Span, .. data.Test.Samples.Span, .. data.Train.Labels, .. data.Test.Labels];
    }

    private Task<string> RefusedAsync(params string[] words) => Refusal.OfAsync<DataFormatException>(LoadAsync, words);
}
