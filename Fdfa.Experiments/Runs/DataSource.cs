using System.Security.Cryptography;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;
using Fdfa.Experiments.Data;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;

namespace Fdfa.Experiments.Runs;

/// <summary>The one place where runs meet <see cref="Data"/>.</summary>
internal static class DataSource
{
    /// <summary>All data sets, the default first.</summary>
    public static IReadOnlyList<string> Names { get; } = [EmbeddedFashionMnist.Name, .. DataSetDescription.All.Select(set => set.Name)];

    /// <summary>A data set's name as it is spelled here.</summary>
    /// <exception cref="InvalidOptionException">There is no such data set.</exception>
    public static string CanonicalName(string name) =>
        Names.FirstOrDefault(known => known.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw InvalidOptionException.UnknownWord("data set", name, Names);

    /// <summary>Training and test samples of a whole data set, known without reading it.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    public static SampleCounts SamplesOf(string name) =>
        DataSetDescription.All.FirstOrDefault(set => set.Name == name) is { } described
            ? new SampleCounts(described.TrainingSamples, described.TestSamples)
            : new SampleCounts(EmbeddedFashionMnist.TrainingSamples, EmbeddedFashionMnist.TestSamples);

    /// <summary>The shape of a data set's images, known without reading them.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    public static ImageShape ShapeOf(string name) =>
        DataSetDescription.All.FirstOrDefault(set => set.Name == name)?.Shape ?? EmbeddedFashionMnist.Shape;

    /// <summary>
    /// The samples of a data set that can be read without a download: fewer than <see cref="SamplesOf"/> where a part is here, null where
    /// nothing is.
    /// </summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="directory">The option --data-dir.</param>
    /// <exception cref="DataFormatException">The data set is damaged.</exception>
    public static SampleCounts? CountHere(string name, string? directory) =>
        new DataSetCatalog(DataLocations.Discover(directory), downloader: null).CountHere(name);

    /// <summary>Loads what a run asks for.</summary>
    /// <param name="request">The run.</param>
    /// <param name="output">Where to tell of a download; null to say nothing.</param>
    /// <param name="cancellation">Ctrl-C.</param>
    /// <exception cref="FdfaException">The data cannot be had, or does not fit the request.</exception>
    public static LoadedData Load(RunRequest request, ConsoleOutput? output, CancellationToken cancellation)
    {
        if (request.DataName == EmbeddedFashionMnist.Name && request.DataDirectory is { } directory)
        {
            // Training on other data than the folder's would be a silent mistake.
            throw new InvalidOptionException(
                $"The data set {request.DataName} is part of fdfa and not read from '{directory}'; "
                + "name the folder's data set with --data, or leave out --data-dir.");
        }

        if (request.SkipsBadImages && request.DataName != TinyImageNetDataSet.TinyImageNet.Name)
        {
            throw new InvalidOptionException(
                $"The option --skip-bad-images means nothing to the data set {request.DataName}; "
                + $"leave it out, or choose a data set of image files: {TinyImageNetDataSet.TinyImageNet.Name}.");
        }

        using var client = new HttpClient();
        var catalog = new DataSetCatalog(DataLocations.Discover(request.DataDirectory), new Downloader(client));
        DataSetPair pair = LoadingDisplay.Run(output, progress => catalog
            .LoadAsync(request.DataName, progress, request.SkipsBadImages, cancellation)
            .GetAwaiter().GetResult());
        try
        {
            return Fit(pair, request, output);
        }
        catch
        {
            pair.Dispose();
            throw;
        }
    }

    /// <summary>Takes what a run asks for, if its network can work with it.</summary>
    private static LoadedData Fit(DataSetPair pair, RunRequest request, ConsoleOutput? output)
    {
        var samples = new SampleCounts(pair.Train.Count, pair.Test.Count);
        if (samples != SamplesOf(request.DataName))
        {
            output?.Line($"{PartOf(request.DataName, samples)}, from {pair.Source}");
        }

        if (pair.LeftOut > 0)
        {
            output?.Line($"{ConsoleOutput.Count(pair.LeftOut, "image")} left out (--skip-bad-images)");
        }

        if (request.Limit is { } limit && limit > pair.Train.Count)
        {
            throw new InvalidOptionException(
                $"The limit is {limit}, but {request.DataName} has {pair.Train.Count} training samples; "
                + "give --limit at most that, or leave it out.");
        }

        RequireFit(request, pair.Train);
        ImageDataSet given = request.Limit is { } count ? pair.Train.Take(count) : pair.Train;
        (ImageDataSet training, ImageDataSet? validation) = request.Validation is { } part ? SetAside(given, part) : (given, null);
        return new LoadedData(pair, training, validation, new DataDescription(
            request.DataName,
            request.DataDirectory,
            pair.Source,
            request.Limit,
            training.Count,
            pair.Test.Count,
            given.SampleSize,
            given.ClassCount)
        {
            SkipsBadImages = request.SkipsBadImages,
            Validation = request.Validation,
            ValidationSamples = validation?.Count ?? 0,
            Shape = given.Shape,
            Sha256 = Sha256Of(given, pair.Test),
        });
    }

    private static (ImageDataSet Training, ImageDataSet Validation) SetAside(ImageDataSet given, ValidationPart part)
    {
        try
        {
            var split = ValidationSplit.Of(given.Labels, part);
            return (given.Select(split.Training), given.Select(split.Validation));
        }
        catch (InvalidOptionException mistake)
        {
            throw new InvalidOptionException($"The value '{part}' of --validation does not fit the data: {mistake.Message}");
        }
    }

    /// <summary>The checksum of training and test samples and their labels.</summary>
    public static string Sha256Of(params ReadOnlySpan<ImageDataSet> sets)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ImageDataSet set in sets)
        {
            hash.AppendData(set.Samples.Span);
            hash.AppendData(set.Labels);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Refuses data that a run's network cannot work with.</summary>
    /// <exception cref="ShapeMismatchException">Its inputs or outputs are others.</exception>
    public static void RequireFit(RunRequest request, ImageDataSet data)
    {
        NetworkDescription network = request.Network;
        if (network.InputShape is { } shape)
        {
            // The shape comes from the data set, unless a config.json says otherwise.
            if (shape != Augmentation.InputOf(request.Options.Augmentation, data.Shape))
            {
                throw new ShapeMismatchException(
                    $"The network {network.Topology} takes images of {shape}, but {request.DataName} has images of {data.Shape}; "
                    + "train it again for these.");
            }

            if (network.OutputSize != data.ClassCount)
            {
                throw new ShapeMismatchException(
                    $"The network {network.Topology} has {network.OutputSize} outputs, "
                    + $"but {request.DataName} has {data.ClassCount} classes; give a --network that ends with {data.ClassCount}.");
            }
        }
        else if (network.InputSize != data.SampleSize || network.OutputSize != data.ClassCount)
        {
            throw new ShapeMismatchException(
                $"The network {network.Topology} takes {network.InputSize} inputs and has {network.OutputSize} outputs, "
                + $"but {request.DataName} has {data.SampleSize} values per sample and {data.ClassCount} classes; "
                + $"give a --network that begins with {data.SampleSize} and ends with {data.ClassCount}.");
        }
    }

    /// <summary>A data set that is here in part, and how much of it, as the beginning of a sentence.</summary>
    public static string PartOf(string name, SampleCounts samples)
    {
        SampleCounts whole = SamplesOf(name);
        return $"Only a part of {name} is here: {samples.Training} of {whole.Training} training and {samples.Test} of "
            + $"{whole.Test} test samples";
    }
}

/// <summary>Training and test data on this side of the device.</summary>
/// <param name="pair">All of it; from now on this one's.</param>
/// <param name="training">What of it is trained on.</param>
/// <param name="validation">What of it is set aside; null for nothing.</param>
/// <param name="description">What it is, for config.json.</param>
internal sealed class LoadedData(DataSetPair pair, ImageDataSet training, ImageDataSet? validation, DataDescription description)
    : IDisposable
{
    /// <summary>What it is, for config.json.</summary>
    public DataDescription Description { get; } = description;

    /// <summary>The samples to train on.</summary>
    public ImageDataSet Training { get; } = training;

    /// <summary>All its samples where that is a part of the data set; null where it is whole.</summary>
    public SampleCounts? Part
    {
        get
        {
            var samples = new SampleCounts(pair.Train.Count, pair.Test.Count);
            return samples == DataSource.SamplesOf(Description.Name) ? null : samples;
        }
    }

    /// <summary>Refuses a run whose network cannot work with these data.</summary>
    /// <exception cref="ShapeMismatchException">Its inputs or outputs are others.</exception>
    public void RequireFit(RunRequest request) => DataSource.RequireFit(request, Training);

    /// <summary>Whether a run was on these data; true where its configuration is from before that was noted.</summary>
    public bool IsDataOf(RunConfiguration run) => run.HasData(Description.Sha256)
        || (run.Data.GivenSamples <= pair.Train.Count
            && run.Data.Sha256 == DataSource.Sha256Of(pair.Train.Take(run.Data.GivenSamples), pair.Test));

    /// <summary>Uploads the training samples.</summary>
    public DeviceDataSet UploadTraining(ComputeDevice device) => Upload(device, Training);

    /// <summary>Uploads the test samples.</summary>
    public DeviceDataSet UploadTest(ComputeDevice device) => Upload(device, pair.Test);

    /// <summary>Uploads all.</summary>
    public UploadedData Upload(ComputeDevice device)
    {
        DeviceDataSet? uploaded = null;
        DeviceDataSet? test = null;
        try
        {
            uploaded = UploadTraining(device);
            test = UploadTest(device);
            return new UploadedData(uploaded, test, validation is null ? null : Upload(device, validation));
        }
        catch
        {
            uploaded?.Dispose();
            test?.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => pair.Dispose();

    private static DeviceDataSet Upload(ComputeDevice device, ImageDataSet data) =>
        new(device, data.Samples.Span, data.Labels, data.SampleSize, data.ClassCount, data.Shape);
}
