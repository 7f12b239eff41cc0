using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Data;

namespace Fdfa.Tests.Data;

public sealed class DataSetCatalogTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly SmallDataSet small = new("small", firstLabel: 0);

    private DataLocations Locations => new(null, null, folder.File("cache"), [folder.File("system")]);

    public void Dispose() => folder.Dispose();

    [Fact]
    public Task An_unknown_name_suggests_the_nearest() => Refusal.OfAsync<InvalidOptionException>(
        () => new DataSetCatalog(Locations, null).LoadAsync("mnits"), "did you mean 'mnist'", "embedded, mnist, fashion-mnist");

    /// <summary>Each place is looked into, and before all those that come earlier here.</summary>
    [Fact]
    public async Task Places_are_looked_into_in_their_order()
    {
        foreach (var place in (string[])["system/small", "cache/small", "variable", "variable/small", "data", "data/small"])
        {
            small.WriteTo(folder, place);
            var data = await LoadAsync(Locations with
            {
                DataFolder = place.StartsWith("data", StringComparison.Ordinal) ? folder.File("data") : null,
                VariableFolder = folder.File("variable"),
            });
            Assert.Equal((folder.File(place), 6, 3), (data.Source, data.Train.Count, data.Test.Count));
        }
    }

    [Theory]
    [InlineData(false, "-idx")]
    [InlineData(true, "-idx")]
    [InlineData(false, ".idx")]
    [InlineData(true, ".idx")]
    public async Task Each_spelling_is_found(bool gzip, string separator)
    {
        small.WriteTo(folder, "cache/small", gzip, name => name.Replace("-idx", separator, StringComparison.Ordinal));
        Assert.Equal(6, (await LoadAsync(Locations)).Train.Count);
    }

    [Fact]
    public Task A_named_folder_without_the_data_is_an_error_and_not_passed_over()
    {
        small.WriteTo(folder, "cache/small");
        small.WriteTo(folder, "data");
        File.Delete(folder.File($"data/{SmallDataSet.TestLabels}.gz"));
        return RefusedAsync(
            Locations with { DataFolder = folder.File("data") }, folder.File("data"), $"is there {SmallDataSet.TestLabels},");
    }

    [Fact]
    public Task A_relative_of_the_data_set_is_told_apart_by_its_labels()
    {
        new SmallDataSet("relative", firstLabel: 2).WriteTo(folder, "cache/small");
        return RefusedAsync(Locations, "labels 0 1 of small, but begins with 2 1");
    }

    [Fact]
    public Task Another_count_is_refused()
    {
        small.WriteTo(folder, "cache/small");
        folder.Write($"cache/small/{SmallDataSet.TestImages}.gz", SmallDataSet.Gzip(SmallDataSet.Images(2, 4)));
        folder.Write($"cache/small/{SmallDataSet.TestLabels}.gz", SmallDataSet.Gzip(SmallDataSet.Labels(0, 2)));
        return RefusedAsync(Locations, "should hold 3 images of 4×4 pixels, but holds 2 of 4×4");
    }

    [Fact]
    public Task Without_a_downloader_what_is_nowhere_is_missing() => RefusedAsync(Locations, "FDFA_DATA");

    [Fact]
    public async Task What_is_nowhere_is_downloaded_into_the_cache_once()
    {
        SmallDataSet? served = null;
        using var server = new LoopbackServer(request =>
            LoopbackResponse.OfFile(SmallDataSet.Gzip(served!.Plain[Path.GetFileNameWithoutExtension(request.Path)]), request));
        served = new SmallDataSet("small", 0, server.Address);
        using var client = new HttpClient();
        var catalog = new DataSetCatalog(Locations, new Downloader(client), [served.Description]);
        var heard = new Heard<LoadingProgress>();
        for (var run = 0; run < 2; run++)
        {
            Assert.Equal(folder.File("cache/small"), (await catalog.LoadAsync("small", heard)).Source);
            Assert.Equal(4, server.Requests.Count);
        }

        Assert.Equal($"small is not in '{folder.File("cache/small")}', '{folder.File("system")}'; downloading it", heard.Reports[0].What);

        // A run that was interrupted between two files goes on with those that lack.
        File.Delete(folder.File($"cache/small/{SmallDataSet.TestImages}.gz"));
        await catalog.LoadAsync("small");
        Assert.Equal(5, server.Requests.Count);
    }

    [Theory]
    [InlineData("nowhere", "(FDFA_DATA) does not exist, where the data set small or its subfolder 'small' was looked for; name")]
    [InlineData("file", "(FDFA_DATA) is a file, where the data set small")]
    [InlineData("part", "(FDFA_DATA) does not hold the data set small: neither there nor in its subfolder 'small' is there t10k-l")]
    [InlineData("deep", "is there t10k-labels-idx1-ubyte, with or without .gz; put the files there or name another folder.")]
    public async Task A_mistake_in_the_variable_is_said_before_a_download(string variable, string expected)
    {
        folder.Write("file", []);
        foreach (string part in (string[])["part", "deep/small"])
        {
            small.WriteTo(folder, part);
            File.Delete(folder.File($"{part}/{SmallDataSet.TestLabels}.gz"));
        }

        using var server = new LoopbackServer(_ => new LoopbackResponse(404, []));
        using var client = new HttpClient();
        var catalog = new DataSetCatalog(
            Locations with { VariableFolder = folder.File(variable) },
            new Downloader(client),
            [new SmallDataSet("small", 0, server.Address).Description]);
        await Refusal.OfAsync<DataFormatException>(() => catalog.LoadAsync("small"), $"The folder '{folder.File(variable)}' ", expected);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public void Locations_follow_the_environment()
    {
        var found = DataLocations.Discover("/data", name => name switch
        {
            "FDFA_DATA" => "/variable",
            "XDG_CACHE_HOME" => Path.GetFullPath("/cache"),
            _ => null,
        });
        Assert.Equal(
            ("/data", "/variable", Path.Combine(Path.GetFullPath("/cache"), "fdfa")),
            (found.DataFolder, found.VariableFolder, found.CacheFolder));

        var bare = DataLocations.Discover(null, name => name == "XDG_CACHE_HOME" ? "relative" : "");
        Assert.Null(bare.VariableFolder);
        Assert.True(Path.IsPathFullyQualified(bare.CacheFolder));
    }

    [SkippableFact]
    public async Task The_complete_MNIST_is_read()
    {
        var data = await new DataSetCatalog(Locations with { DataFolder = SharedData.Folder("mnist") }, null).LoadAsync("mnist");
        Assert.Equal((60000, 10000, 784, 10), (data.Train.Count, data.Test.Count, data.Train.SampleSize, data.Train.ClassCount));
        Assert.Equal((5, 7), (data.Train.Labels[0], data.Test.Labels[0]));
        Assert.Equal([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949], CountPerClass(data.Train));
        Assert.Equal([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009], CountPerClass(data.Test));

        // The first row of ink of the first five.
        Assert.Equal([3, 18, 18, 18, 126, 136, 175, 26, 166, 255, 247, 127], data.Train.Samples[(5 * 28 + 12)..(5 * 28 + 24)].ToArray());
    }

    internal static int[] CountPerClass(ImageDataSet data) =>
        [.. Enumerable.Range(0, data.ClassCount).Select(label => data.Labels.Count(each => each == label))];

    private Task<string> RefusedAsync(DataLocations locations, params string[] words) =>
        Refusal.OfAsync<DataFormatException>(() => LoadAsync(locations), words);

    private Task<DataSetPair> LoadAsync(DataLocations locations) =>
        new DataSetCatalog(locations, null, [small.Description]).LoadAsync("small");
}
