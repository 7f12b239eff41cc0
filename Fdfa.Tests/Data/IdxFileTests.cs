using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Data;

namespace Fdfa.Tests.Data;

public sealed class IdxFileTests : IDisposable
{
    private static readonly string[] Classes = ["a", "b", "c"];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static readonly byte[] s_emptyMember = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private static readonly Dictionary<string, Func<byte[], byte[]>> s_packings = new()
    {
        ["plain"] = bytes => bytes,
        ["gzip"] = SmallDataSet.Gzip,
        ["members"] = bytes => [.. SmallDataSet.Gzip(bytes[..9]), .. s_emptyMember, .. SmallDataSet.Gzip(bytes[9..])],
        ["zeros"] = bytes => [.. SmallDataSet.Gzip(bytes), .. new byte[600]],
        ["empty member and zeros"] = bytes => [.. SmallDataSet.Gzip(bytes), .. s_emptyMember, .. new byte[9]],
        ["notes"] = bytes => SmallDataSet.Gzip(bytes) is var packed
            ? [.. packed[..3], 0x1f, .. packed[4..10], 2, 0, 1, 2, .. "name\0comment\0"u8, 1, 2, .. packed[10..]]
            : [],
    };

    public static TheoryData<string> Packings => [.. s_packings.Keys];

    [Theory]
    [MemberData(nameof(Packings))]
    public void A_written_data_set_is_read_back(string packing)
    {
        var images = folder.Write("images", s_packings[packing](SmallDataSet.Images(3, 4)));
        var labels = folder.Write("labels", s_packings[packing](SmallDataSet.Labels(2, 0, 1)));
        var data = IdxFile.ReadDataSet("set", images, labels, Classes);
        Assert.Equal(
            ("set", 3, 16, 4, 4, 1, 3), (data.Name, data.Count, data.SampleSize, data.Width, data.Height, data.Channels, data.ClassCount));
        Assert.Equal([2, 0, 1], data.Labels);
        Assert.Equal(SmallDataSet.Images(3, 4)[16..], data.Samples.ToArray());
    }

    [Fact]
    public void The_first_samples_can_be_taken()
    {
        var data = new ImageDataSet("set", new byte[] { 1, 2, 3, 4, 5, 6 }, [0, 1, 2], 2, 1, 1, Classes);
        Assert.Equal([1, 2, 3, 4], data.Take(2).Samples.ToArray());
        Assert.Equal([0, 1], data.Take(2).Labels);
        Assert.Same(data, data.Take(3));
        Assert.Same(data, data.Take(int.MaxValue));
        Assert.Throws<InvalidOptionException>(() => data.Take(0));
        Assert.Throws<ShapeMismatchException>(() => new ImageDataSet("set", new byte[1], [0, 1], 2, 1, 1, Classes));
    }

    public static TheoryData<string, byte[], string> MalformedImages()
    {
        var whole = SmallDataSet.Images(3, 4);
        var packed = SmallDataSet.Gzip(whole);
        byte[] damaged = [.. packed];
        damaged[^6] ^= 1;
        return new TheoryData<string, byte[], string>
        {
            { "empty", [], "the end of the file" },
            { "header cut", whole[..10], "the end of the file" },
            { "payload cut", whole[..^1], "but holds 47" },
            { "trailing byte", [.. whole, 0], "further bytes" },
            { "labels instead", SmallDataSet.Labels(1, 2), "0x00000801" },
            { "foreign magic", [0x50, 0x4b, .. whole[2..]], "0x504B0803" },
            { "no images", Header(0, 4, 4), "a count of 0" },
            { "negative count", Header(-1, 4, 4), "a count of -1" },
            { "negative rows", Header(3, -4, 4), "4096 rows, but holds -4" },
            { "no columns", Header(3, 4, 0), "4096 columns, but holds 0" },
            { "absurd rows", Header(3, 1 << 20, 4), "4096 rows, but holds 1048576" },
            { "absurd total", Header(int.MaxValue, 4096, 4096), "header that claims" },
            { "hostile total", Header(1, 4096, 4096), "but holds 0" },
            { "gzip header cut", packed[..5], "the end of the file" },
            { "gzip cut", packed[..^20], "holds" },
            { "gzip checksum cut", packed[..^8], "another ending" },
            { "gzip size cut", packed[..^1], "another ending" },
            { "gzip damaged", damaged, "unpacking it failed" },
            { "gzip foreign", [0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9], "unpacking it failed" },
            { "gzip trailing", [.. packed, 1, 2, 3], "another ending" },
            { "gzip zeros and more", [.. packed, 0, 0, 1], "another ending" },
            { "gzip second member cut", [.. SmallDataSet.Gzip(whole[..9]), .. SmallDataSet.Gzip(whole[9..])[..^1]], "another ending" },
            { "gzip second header cut", [.. packed, 0x1f, 0x8b, 8], "unpacking it failed" },
            { "gzip notes cut", [.. packed[..3], 0x08, .. packed[4..10], .. "name"u8], "unpacking it failed" },
            { "gzip unknown notes", [.. packed[..3], 0x20, .. packed[4..]], "unpacking it failed" },
            { "web page", "<!DOCTYPE html><title>Log in</title>"u8.ToArray(), "an IDX file, but holds a web page" },
            { "zip", [.. "PK"u8, 3, 4, .. new byte[40]], "an IDX file, but holds a zip archive" },
            { "gzip hostile total", SmallDataSet.Gzip(Header(2000, 1024, 1024)), "but holds 0" },
            { "gzip trailing payload", SmallDataSet.Gzip([.. whole, 0]), "further bytes" },
        };
    }

    [Theory]
    [MemberData(nameof(MalformedImages))]
    public void Malformed_images_end_in_one_sentence(string name, byte[] bytes, string expected)
    {
        var path = folder.Write(name, bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Refusal.Of<DataFormatException>(() => IdxFile.ReadImages(path), path, expected);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
    }

    [Fact]
    public void A_label_out_of_range_names_its_index_and_value()
    {
        var path = folder.Write("labels", SmallDataSet.Labels(0, 2, 1, 3, 7));
        Refusal.Of<DataFormatException>(() => IdxFile.ReadLabels(path, 3), "label 3 at index 3");
        Assert.Equal(5, IdxFile.ReadLabels(path, 256).Length);
    }

    [Fact]
    public void Files_that_do_not_belong_together_or_cannot_be_read_are_refused()
    {
        var images = folder.Write("images", SmallDataSet.Images(3, 4));
        var labels = folder.Write("labels", SmallDataSet.Labels(0, 1));
        Refusal.Of<DataFormatException>(() => IdxFile.ReadDataSet("set", images, labels, Classes), "2 label(s)", "3 image(s)");
        Refusal.Of<DataFormatException>(() => IdxFile.ReadImages(folder.File("absent")));
        Refusal.Of<DataFormatException>(() => IdxFile.ReadImages(folder.Path));
    }

    private static byte[] Header(int count, int rows, int columns)
    {
        using var stream = new MemoryStream();
        IdxFile.WriteImages(stream, new IdxImages([], count, rows, columns));
        return stream.ToArray();
    }
}
