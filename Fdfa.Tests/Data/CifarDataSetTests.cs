using System.Formats.Tar;
using Fdfa.Experiments.Data;
using Fdfa.Experiments.Runs;

namespace Fdfa.Tests.Data;

public sealed class CifarDataSetTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<string> Names => [CifarDataSet.Cifar10.Name, CifarDataSet.Cifar100.Name];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task The_folder_and_the_archive_give_the_same_samples_in_the_files_order(string name)
    {
        CifarDataSet set = SetOf(name);
        WriteFiles(set, $"files/{set.FolderName}");
        folder.Write($"packed/{set.Archive.Name}", SmallCifar.Archive(set));
        folder.Write(
            $"part/{set.Archive.Name.Replace(".tar", "-subset.tar", StringComparison.Ordinal)}",
            SmallCifar.Archive(set, entry => "./" + entry));
        foreach (string place in (string[])["files", $"files/{set.FolderName}", "packed", "part"])
        {
            DataSetPair data = await LoadAsync(set, place);

            byte last = (byte)(set.ClassNames.Count - 1);
            Assert.Equal([last, 1, 2], data.Train.Labels);
            Assert.Equal([3, last], data.Test.Labels);
            Assert.Equal((32, 32, 3, last + 1), (data.Train.Width, data.Train.Height, data.Train.Channels, data.Train.ClassCount));
            int records = set == CifarDataSet.Cifar100 ? 3 : 2;
            Assert.Equal(SmallCifar.Pixels(1), data.Train.Samples[3072..6144].ToArray());
            Assert.Equal(SmallCifar.Pixels(2 % records), data.Train.Samples[6144..].ToArray());
            Assert.StartsWith(folder.File(place), data.Source, StringComparison.Ordinal);
            Assert.Equal(new SampleCounts(3, 2), Catalog(set, place).CountHere(name));
        }
    }

    [Fact]
    public void Class_names_are_as_many_as_classes()
    {
        Assert.Equal(10, CifarDataSet.Cifar10.ClassNames.Distinct().Count());
        Assert.Equal(100, CifarDataSet.Cifar100.ClassNames.Distinct().Count());
        Assert.Equal(CifarDataSet.Cifar100.ClassNames.Order(StringComparer.Ordinal), CifarDataSet.Cifar100.ClassNames);
        Assert.Equal(new SampleCounts(50000, 10000), DataSource.SamplesOf("cifar-10"));
        Assert.Equal(new SampleCounts(50000, 10000), DataSource.SamplesOf("cifar-100"));
    }

    [Fact]
    public async Task An_archive_that_is_nowhere_is_downloaded_and_checked()
    {
        byte[] packed = SmallCifar.Archive(CifarDataSet.Cifar10);
        using var server = new LoopbackServer(request => LoopbackResponse.OfFile(packed, request));
        using var client = new HttpClient();
        CifarDataSet set = CifarDataSet.Cifar10 with
        {
            Archive = new RemoteFile(
                CifarDataSet.Cifar10.Archive.Name,
                packed.Length,
                Checksum.Sha256(Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(packed))),
                [new Uri(server.Address, "somewhere.tar.gz")]),
        };
        var catalog = new DataSetCatalog(new DataLocations(null, null, folder.File("cache"), []), new Downloader(client), [set]);
        for (var run = 0; run < 2; run++)
        {
            Assert.Equal(folder.File("cache/cifar-10/cifar-10-binary.tar.gz"), (await catalog.LoadAsync("cifar-10")).Source);
            Assert.Single(server.Requests);
        }
    }

    /// <summary>What a file may hold instead of records, and what is said of it.</summary>
    public static TheoryData<string, string, string, byte[], string> DamagedFiles()
    {
        byte[] whole = SmallCifar.Records([], 1, 2);
        const string File = "data_batch_2.bin";
        return new()
        {
            { "empty", "cifar-10", File, [], "should hold 1 to 10000 records of 3073 bytes, but holds 0 bytes" },
            { "cut short", "cifar-10", File, whole[..^1], "but holds 6145 bytes, the last record cut short" },
            { "CIFAR-100 instead", "cifar-10", File, SmallCifar.Records([1], 1, 2), "but holds 6148 bytes" },
            { "label 10", "cifar-10", File, SmallCifar.Records([], 1, 10), "should hold labels below 10, but record 1 has label 10" },
            { "label 255", "cifar-10", File, SmallCifar.Records([], 255), "record 0 has label 255" },
            { "coarse label 20", "cifar-100", "train.bin", SmallCifar.Records([20], 7), "labels below 20, but record 0 has label 20" },
            { "pickle", "cifar-10", File, [0x80, 2, (byte)'}', .. new byte[1000]], "but holds a pickle of Python's" },
        };
    }

    [Theory]
    [MemberData(nameof(DamagedFiles))]
    public async Task A_damaged_file_is_named_in_one_sentence(string name, string setName, string file, byte[] contents, string expected)
    {
        CifarDataSet set = SetOf(setName);
        WriteFiles(set, name);
        await RefusedAsync(set, name, folder.Write($"{name}/{file}", contents), expected);

        // The same within an archive.
        folder.Write($"packed/{set.Archive.Name}", SmallCifar.Pack(SmallCifar.Files(set).Select(one =>
            ($"{set.FolderName}/{one.Name}", one.Name == file ? contents : one.Contents))));
        await RefusedAsync(set, "packed", $"'{file}' in '", expected);
    }

    [Fact]
    public async Task More_records_than_the_original_s_are_refused_before_they_are_read()
    {
        WriteFiles(CifarDataSet.Cifar10, "data");
        using (FileStream file = File.OpenWrite(folder.File("data/data_batch_1.bin")))
        {
            // Sparse: a terabyte that takes no disk.
            file.SetLength(3073L << 28);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        await RefusedAsync(CifarDataSet.Cifar10, "data", "1 to 10000 records of 3073 bytes, but holds 824902156288 bytes;");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 << 20);
    }

    [Fact]
    public async Task Missing_files_are_named()
    {
        WriteFiles(CifarDataSet.Cifar10, "gap");
        folder.Write("gap/data_batch_4.bin", SmallCifar.Records([], 1));
        await RefusedAsync(CifarDataSet.Cifar10, "gap", "should hold the file data_batch_3.bin of cifar-10, but does not");
        Directory.CreateDirectory(folder.File("none"));
        await RefusedAsync(
            CifarDataSet.Cifar10, "none", folder.File("none"), "there cifar-10-binary.tar.gz, or its data_batch_1.bin and test_batch.bin;");
        folder.Write("none/cifar-100/cifar-100-python/train", []);
        await RefusedAsync(
            CifarDataSet.Cifar100, "none", "its train.bin and test.bin (cifar-100-python is the version for Python, which is not read);");
    }

    [Fact]
    public async Task An_archive_of_several_members_with_zeros_after_them_is_read()
    {
        byte[] plain = SmallCifar.Unpack(SmallCifar.Archive(CifarDataSet.Cifar10));
        folder.Write(
            "packed/cifar-10-binary.tar.gz", [.. SmallDataSet.Gzip(plain[..5000]), .. SmallDataSet.Gzip(plain[5000..]), .. new byte[1000]]);
        Assert.Equal([9, 1, 2], (await LoadAsync(CifarDataSet.Cifar10, "packed")).Train.Labels);
    }

    public static TheoryData<string, byte[], string> DamagedArchives()
    {
        CifarDataSet set = CifarDataSet.Cifar10;
        byte[] whole = SmallCifar.Archive(set);
        byte[] plain = SmallCifar.Unpack(whole);
        byte[] changed = [.. whole];
        changed[^6] ^= 1;
        return new TheoryData<string, byte[], string>
        {
            { "empty", [], "should" },
            { "not gzip", plain, "unpacking it failed" },
            { "cut within", whole[..(whole.Length / 2)], "" },
            { "size cut off", whole[..^3], "another ending" },
            { "checksum wrong", changed, "unpacking it failed" },
            { "Python's version", SmallCifar.Archive(set, name => name.Replace("-bin/", "-py/", StringComparison.Ordinal)),
                "is the version for Python" },
            { "tar cut short", SmallDataSet.Gzip(plain[..5000]), "test_batch.bin" },
            { "not tar", SmallDataSet.Gzip(new byte[700]), "" },
            { "zip", [0x50, 0x4b, 3, 4, .. new byte[100]], "unpacking it failed" },
            { "other folder", SmallCifar.Archive(set, name => "elsewhere/" + name), "should hold the file data_batch_1.bin" },
            { "out of the folder", SmallCifar.Archive(set, name => "../../" + name), "should hold the file data_batch_1.bin" },
            { "absolute", SmallCifar.Archive(set, name => "/" + name), "should hold the file data_batch_1.bin" },
            { "twice",
                SmallCifar.Pack(
                    SmallCifar.Files(set).Concat(SmallCifar.Files(set)).Select(file => ($"{set.FolderName}/{file.Name}", file.Contents))),
                "but holds it twice" },
            { "hostile file", SmallDataSet.Gzip(Claim('0', "cifar-10-batches-bin/data_batch_1.bin", 8L << 30)),
                "1 to 10000 records of 3073 bytes, but holds 8589934592 bytes" },
            { "hostile file of whole records", SmallDataSet.Gzip(Claim('0', "cifar-10-batches-bin/data_batch_1.bin", 30730000)),
                "should hold 10000 records, but ends within record 0" },
            { "hostile foreign file", SmallDataSet.Gzip(Claim('0', "readme.html", 8L << 30)), "unpacking it failed" },
            { "hostile notes", SmallDataSet.Gzip(Claim('x', "notes", 2000L << 20)), "unpacking it failed" },
            { "hostile name", SmallDataSet.Gzip(Claim('L', "name", 2000L << 20)), "unpacking it failed" },
        };
    }

    [Theory]
    [MemberData(nameof(DamagedArchives))]
    public async Task A_damaged_archive_ends_in_one_sentence_and_nothing_is_unpacked(string name, byte[] contents, string expected)
    {
        string path = folder.Write($"{name}/cifar-10-binary.tar.gz", contents);
        string[] before = Everything();
        long allocated = GC.GetAllocatedBytesForCurrentThread();

        await RefusedAsync(CifarDataSet.Cifar10, name, path, expected);
        Refusal.Of<DataFormatException>(() => Catalog(CifarDataSet.Cifar10, name).CountHere("cifar-10"), path);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, 64 << 20);
        Assert.Equal(before, Everything());
    }

    [SkippableFact]
    public async Task The_part_of_CIFAR_10_is_read()
    {
        var data = await new DataSetCatalog(new DataLocations(SharedData.Folder("cifar-10"), null, "", []), null).LoadAsync("cifar-10");
        Assert.Equal((10000, 10000, 3072, 10), (data.Train.Count, data.Test.Count, data.Train.SampleSize, data.Train.ClassCount));

        // The official order begins with a frog and a truck, and the test images with a cat.
        Assert.Equal([6, 9, 9, 4, 1], data.Train.Labels[..5]);
        Assert.Equal([3, 8, 8, 0, 6], data.Test.Labels[..5]);
        Assert.Equal([59, 43, 50], data.Train.Samples[..3].ToArray());
    }

    [SkippableFact]
    public async Task The_part_of_CIFAR_100_is_read()
    {
        var data = await new DataSetCatalog(new DataLocations(SharedData.Folder("cifar-100"), null, "", []), null).LoadAsync("cifar-100");
        Assert.Equal(Enumerable.Repeat(100, 100), DataSetCatalogTests.CountPerClass(data.Train));
        Assert.Equal(Enumerable.Repeat(20, 100), DataSetCatalogTests.CountPerClass(data.Test));
    }

    private static CifarDataSet SetOf(string name) => name == "cifar-10" ? CifarDataSet.Cifar10 : CifarDataSet.Cifar100;

    /// <summary>An entry that promises more than comes.</summary>
    private static byte[] Claim(char type, string name, long size)
    {
        using var stream = new MemoryStream();
        using (var archive = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
        {
            archive.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(new byte[1]) });
        }

        byte[] header = stream.ToArray()[..512];
        System.Text.Encoding.ASCII.GetBytes(Convert.ToString(size, 8).PadLeft(11, '0')).CopyTo(header, 124);
        header[156] = (byte)type;
        return SmallCifar.WithTarChecksums(header);
    }

    private void WriteFiles(CifarDataSet set, string subfolder)
    {
        foreach (var (name, contents) in SmallCifar.Files(set))
        {
            folder.Write($"{subfolder}/{name}", contents);
        }
    }

    private string[] Everything() =>
        [.. Directory.EnumerateFileSystemEntries(folder.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    private DataSetCatalog Catalog(CifarDataSet set, string place) =>
        new(new DataLocations(folder.File(place), null, folder.File("cache"), []), null, [set]);

    private Task<DataSetPair> LoadAsync(CifarDataSet set, string place) => Catalog(set, place).LoadAsync(set.Name);

    private Task<string> RefusedAsync(CifarDataSet set, string place, params string[] words) =>
        Refusal.OfAsync<DataFormatException>(() => LoadAsync(set, place), words);
}
