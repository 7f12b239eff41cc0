namespace Fdfa.Experiments.Data;

/// <summary>A data set that can be found or downloaded. Its files are a matter of its format.</summary>
/// <param name="Name">As on the command line, and as the folder that holds it.</param>
/// <param name="Channels">1 for grey, 3 for colour.</param>
/// <param name="Side">Pixels of an image's side.</param>
/// <param name="ClassNames">One per label value.</param>
/// <param name="TrainingSamples">Of the whole data set.</param>
/// <param name="TestSamples">Of the whole data set.</param>
internal abstract record DataSetDescription(
    string Name, int Channels, int Side, IReadOnlyList<string> ClassNames, int TrainingSamples, int TestSamples)
{
    /// <summary>Every data set that comes in files.</summary>
    public static IReadOnlyList<DataSetDescription> All => [IdxDataSet.Mnist, IdxDataSet.FashionMnist, CifarDataSet.Cifar10, CifarDataSet.Cifar100];

    /// <summary>Finds its files in a folder; null where they are not.</summary>
    public abstract FoundDataSet? Find(string folder);

    /// <summary>What a folder lacks, for a sentence that begins "there is no".</summary>
    public abstract string Missing(string folder);

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
    public abstract DataSetPair Read(CancellationToken cancellation);
}
