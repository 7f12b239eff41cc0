using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Data;

/// <summary>A data set that can be found or downloaded. Its files are a matter of its format.</summary>
/// <param name="Name">As on the command line, and as the folder that holds it.</param>
/// <param name="Channels">1 for grey, 3 for colour.</param>
/// <param name="Side">Pixels of an image's side.</param>
/// <param name="TrainingSamples">Of the whole data set.</param>
/// <param name="TestSamples">Of the whole data set.</param>
internal abstract record DataSetDescription(
    string Name, int Channels, int Side, int TrainingSamples, int TestSamples)
{
    /// <summary>Every data set that comes in files.</summary>
    public static IReadOnlyList<DataSetDescription> All =>
        [IdxDataSet.Mnist, IdxDataSet.FashionMnist, CifarDataSet.Cifar10, CifarDataSet.Cifar100, TinyImageNetDataSet.TinyImageNet];

    /// <summary>The shape of an image.</summary>
    public ImageShape Shape => new(Channels, Side, Side);

    /// <summary>Finds its files in a folder; null where they are not.</summary>
    public abstract FoundDataSet? Find(string folder);

    /// <summary>What a folder lacks, for a sentence that begins "there is no".</summary>
    public abstract string Missing(string folder);

    /// <summary>Whether a folder has some of its files, as where a copy did not end.</summary>
    public abstract bool HasPart(string folder);

    /// <summary>What to download into a folder that lacks it.</summary>
    public abstract IReadOnlyList<RemoteFile> Downloads(string folder);
}

/// <summary>A file as its authors distribute it.</summary>
/// <param name="Name">Its name here.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Checksum">Of the whole file.</param>
/// <param name="Mirrors">Full addresses on the official hosts, in the order to try.</param>
internal sealed record RemoteFile(string Name, long Size, Checksum Checksum, IReadOnlyList<Uri> Mirrors);

/// <summary>How many samples there are.</summary>
internal readonly record struct SampleCounts(int Training, int Test);

/// <summary>How far loading has come.</summary>
/// <param name="What">Such as "Decoding tiny-imagenet".</param>
/// <param name="Done">Of the total.</param>
/// <param name="Total">Bytes or other units.</param>
/// <param name="Unit">"B", or a noun in the singular.</param>
internal readonly record struct LoadingProgress(string What, long Done, long Total, string Unit);

/// <summary>How a data set is read.</summary>
/// <param name="CacheFolder">Takes what is worth keeping from one reading to the next.</param>
/// <param name="SkipsBadImages">Whether an image that does not decode is left out.</param>
/// <param name="Progress">Hears of reading that takes long.</param>
/// <param name="Cancellation">Stops.</param>
internal sealed record DataSetReading(
    string CacheFolder, bool SkipsBadImages, IProgress<LoadingProgress>? Progress, CancellationToken Cancellation);

/// <summary>A data set's files, found but not read yet.</summary>
/// <param name="place">The folder or the archive.</param>
internal abstract class FoundDataSet(string place)
{
    /// <summary>The folder or the archive.</summary>
    public string Place { get; } = place;

    /// <summary>How many samples there are, without reading their pixels.</summary>
    /// <exception cref="DataFormatException">The files are damaged.</exception>
    public abstract SampleCounts Count();

    /// <summary>Reads all samples.</summary>
    /// <exception cref="DataFormatException">The files are damaged.</exception>
    public abstract DataSetPair Read(DataSetReading reading);
}
