using Fdfa.Experiments.Data;
using Fdfa.Experiments.Reproduction;
using Fdfa.Experiments.Runs;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary>The colour data sets from end to end, in small.</summary>
public sealed class ColourDataTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("cifar-10", "3072-8-10")]
    [InlineData("CIFAR-100", "3072-8-100")]
    public void A_network_trains_on_CIFAR_and_the_run_says_that_it_is_a_part(string name, string network)
    {
        CifarDataSet set = name == "cifar-10" ? CifarDataSet.Cifar10 : CifarDataSet.Cifar100;
        folder.Write($"data/{set.Name}/{set.Archive.Name}", SmallCifar.Archive(set));

        CommandLineRun run = CommandLineRun.Of(
            "train", "--data", name, "--data-dir", folder.File("data"), "--network", network, "--epochs", "1", "--batch-size", "2",
            "--device", "cpu", "--output", folder.File("run"));

        run.AssertDone(
            $"Only a part of {set.Name} is here: 3 of 50000 training and 2 of 10000 test samples, from {folder.File($"data/{set.Name}")}");
        RunRequest repeated = RunFolder.ReadConfiguration(folder.File("run")).ToRequest();
        Assert.Equal(new SampleCounts(3, 2), repeated.Part);
        Assert.NotEqual(RunKey.Of(repeated with { Part = null }), RunKey.Of(repeated));

        CommandLineRun.Of("evaluate", folder.File("run"), "--device", "cpu").AssertDone();
    }

    [Fact]
    public async Task A_network_trains_on_Tiny_ImageNet_without_its_bad_images()
    {
        // The command line's cache is this user's, unless XDG_CACHE_HOME says otherwise: only a process of its own can be told.
        Dictionary<string, byte[]> files = SmallTinyImageNet.Files();
        files["val/images/val_0.JPEG"] = [1, 2, 3];
        folder.Write("data/tiny-imagenet-200.zip", SmallTinyImageNet.Zip(files));
        (await TrainOnImagesAsync("run")).AssertRefused(
            "The image 'val/images/val_0.JPEG' in",
            "does not decode; get the data set again, or leave such images out with --skip-bad-images.");
        (await TrainOnImagesAsync("run", "--skip-bad-images")).AssertDone(
            "Decoding tiny-imagenet (6 images)",
            "1 image left out (--skip-bad-images)",
            "Only a part of tiny-imagenet is here: 3 of 100000 training and 2 of 10000 test samples");
        RunConfiguration configuration = RunFolder.ReadConfiguration(folder.File("run"));
        Assert.Contains(" --skip-bad-images", configuration.Repeat, StringComparison.Ordinal);
        Assert.True(configuration.ToRequest().SkipsBadImages);
    }

    [Fact]
    public async Task Grey_is_the_same_grey_in_a_JPEG_of_red_green_and_blue()
    {
        string? grey = (await TrainOnAsync("grey", SmallJpeg.Of([200]))).Sha256;
        Assert.Equal(grey, (await TrainOnAsync("rgb", SmallJpeg.Of([200, 200, 200], "", SmallJpeg.Adobe(0)))).Sha256);
    }

    [Fact]
    public async Task Kept_images_that_were_damaged_are_decoded_again()
    {
        string? before = (await TrainOnAsync("before", SmallTinyImageNet.Jpeg(3))).Sha256;
        string kept = Directory.GetFiles(folder.File("cache/fdfa/tiny-imagenet")).Single();
        byte[] bytes = await File.ReadAllBytesAsync(kept);
        new Random(1).NextBytes(bytes.AsSpan(1000, 20000));
        await File.WriteAllBytesAsync(kept, bytes);

        string? after = (await TrainOnAsync(
            "after", SmallTinyImageNet.Jpeg(3), $"Decoding tiny-imagenet again, because '{kept}' is damaged (5 images)")).Sha256;

        Assert.Equal(before, after);
    }

    /// <summary>Trains on images that are all the same.</summary>
    private async Task<DataDescription> TrainOnAsync(string run, byte[] image, params string[] words)
    {
        Dictionary<string, byte[]> files = SmallTinyImageNet.Files();
        foreach (string name in files.Keys.Where(name => name.EndsWith(".JPEG", StringComparison.Ordinal)))
        {
            files[name] = image;
        }

        folder.Write("data/tiny-imagenet-200.zip", SmallTinyImageNet.Zip(files));
        (await TrainOnImagesAsync(run)).AssertDone(words);
        return RunFolder.ReadConfiguration(folder.File(run)).Data;
    }

    private Task<CommandLineRun> TrainOnImagesAsync(string run, params string[] options) => FdfaProcess.EndOfAsync(FdfaProcess.Start(
        folder: null,
        [
            "train", "--data", "tiny-imagenet", "--data-dir", folder.File("data"), "--network", "12288-8-200",
            "--epochs", "1", "--batch-size", "2", "--device", "cpu", "--output", folder.File(run), .. options,
        ],
        folder.File("cache")));

    [Fact]
    public void A_network_that_does_not_fit_is_told_what_would()
    {
        folder.Write("data/cifar-100-binary.tar.gz", SmallCifar.Archive(CifarDataSet.Cifar100));

        CommandLineRun run = CommandLineRun.Of(
            "train", "--data", "cifar-100", "--data-dir", folder.File("data"), "--network", "3072-8-10", "--quiet", "--output",
            folder.File("run"));

        run.AssertRefused("give a --network that begins with 3072 and ends with 100.");
        Assert.False(Directory.Exists(folder.File("run")));
    }

    [Fact]
    public void A_table_takes_a_part_only_quickly_and_says_so()
    {
        folder.Write("data/cifar-10-binary.tar.gz", SmallCifar.Archive(CifarDataSet.Cifar10));
        string[] arguments =
        [
            "--rules", "BP", "--no-batch-norm", "--data-dir", folder.File("data"), "--epochs", "1", "--seeds", "1", "--device", "cpu",
            "--output", folder.File("store")
        ];

        CommandLineRun slow = ReproductionRun.Of(OfColour, CancellationToken.None, ["reproduce", "colour", .. arguments]);

        slow.AssertRefusedAs(
            "fdfa: Only a part of cifar-10 is here: 3 of 50000 training and 2 of 10000 test samples; "
            + "name the folder of all of it with --data-dir, add --quick to take the part, or choose others with --data.");

        for (var run = 0; run < 2; run++)
        {
            CommandLineRun quick = ReproductionRun.Of(OfColour, CancellationToken.None, ["reproduce", "colour", "--quick", .. arguments])
                .AssertDone("beside the paper's figures for all of it: do not expect agreement.");
            Assert.Equal(run == 0, quick.Output.Contains("epoch 1/1", StringComparison.Ordinal));
        }
    }

    internal static AccuracyTable OfColour { get; } = new(
        "colour", "Table 0: colours", [new("CIFAR10", "cifar-10")],
        [TableSection.Parse("1 layer", (_, _) => "3072-10", "BP 56.00 ± 0.10")]);
}
