using System.IO.Compression;
using Fdfa.Experiments.Data;

namespace Fdfa.Tests.Data;

public sealed class EmbeddedFashionMnistTests
{
    private const string Resource = "embedded-fashion-mnist.bin.br";

    [Fact]
    public async Task It_is_balanced_and_always_there()
    {
        var data = await new DataSetCatalog(new DataLocations(null, null, "", []), null).LoadAsync("embedded");
        Assert.Equal(Enumerable.Repeat(1000, 10), DataSetCatalogTests.CountPerClass(data.Train));
        Assert.Equal(Enumerable.Repeat(200, 10), DataSetCatalogTests.CountPerClass(data.Test));
        Assert.Equal((28, 28, 1, "Ankle boot"), (data.Train.Width, data.Train.Height, data.Train.Channels, data.Train.ClassNames[9]));
        Assert.Equal([9, 0, 0, 3, 0, 2, 7, 2], data.Train.Labels[..8]);
        Assert.Equal([9, 2, 1, 1, 6, 1, 4, 6], data.Test.Labels[..8]);
    }

    [Fact]
    public void Its_notice_travels_with_it()
    {
        Assert.Contains("Copyright (c) 2017 Zalando SE", EmbeddedFashionMnist.ReadNotice(), StringComparison.Ordinal);
        Assert.Contains("Permission is hereby granted", EmbeddedFashionMnist.ReadNotice(), StringComparison.Ordinal);
    }

    // The contents are compared, not the compressed bytes: another release of Brotli may pack them otherwise.
    [SkippableFact]
    public async Task It_is_what_its_builder_makes_of_the_complete_set()
    {
        var contents = EmbeddedFashionMnistBuilder.Build(await LoadCompleteAsync());
        await using var packed = typeof(EmbeddedFashionMnist).Assembly.GetManifestResourceStream(Resource);
        await using var unpacked = new BrotliStream(packed!, CompressionMode.Decompress);
        using var shipped = new MemoryStream();
        await unpacked.CopyToAsync(shipped);
        Assert.True(contents.AsSpan().SequenceEqual(shipped.ToArray()));
    }

    /// <summary>Makes the resource again, for whoever changes the builder: FDFA_REBUILD_EMBEDDED=1 dotnet test.</summary>
    [SkippableFact]
    public async Task It_is_rebuilt_when_asked()
    {
        Skip.If(
            Environment.GetEnvironmentVariable("FDFA_REBUILD_EMBEDDED") != "1" || SharedData.Repository is null,
            "Set FDFA_REBUILD_EMBEDDED=1 to write the embedded data again, which takes a minute.");
        var contents = EmbeddedFashionMnistBuilder.Build(await LoadCompleteAsync());
        var path = Path.Combine(SharedData.Repository!, "Fdfa.Experiments", "Data", Resource);
        await File.WriteAllBytesAsync(path, EmbeddedFashionMnistBuilder.Compress(contents));
    }

    private static Task<DataSetPair> LoadCompleteAsync()
    {
        Skip.IfNot(Directory.Exists(SharedData.Debian), "Debian's package dataset-fashion-mnist is not installed.");
        var locations = new DataLocations(SharedData.Debian, null, "", []);
        return new DataSetCatalog(locations, null).LoadAsync("fashion-mnist");
    }
}
