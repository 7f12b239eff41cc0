using System.CommandLine;
using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;
using Spectre.Console;

namespace Fdfa.Experiments.Commands;

/// <summary><c>fdfa evaluate RUN</c>: the models of a run on its test set.</summary>
internal sealed class EvaluateCommand : Command, IFdfaCommand
{
    private readonly Argument<string> _run = CommonOptions.Run();
    private readonly Option<bool> _best = CommonOptions.Best();
    private readonly DeviceOptions _device = new();
    private readonly Option<string> _dataDirectory = OptionText.Create(
        "--data-dir", "folder", "Where the files of the data set lie. [default: as in the run]");

    /// <summary>Creates the command.</summary>
    public EvaluateCommand()
        : base("evaluate", "Evaluates the models of a run on its test set, beside what the run recorded.")
    {
        Arguments.Add(_run);
        Options.Add(_best);
        foreach (Option option in _device.All)
        {
            Options.Add(option);
        }

        Options.Add(_dataDirectory);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; } = ["fdfa evaluate runs/20260131-120000-FDFA-784-256-128-10 --device cpu"];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        string path = arguments.GetRequiredValue(_run);
        RunConfiguration configuration = RunFolder.ReadConfiguration(path);
        RunRequest request = configuration.ToRequest() with { Limit = null, Validation = null };
        DeviceRequest placement = _device.Read(arguments, request.Network, request.Seeds.Count);
        if (arguments.Text(_dataDirectory) is { } directory)
        {
            request = request with { DataDirectory = directory };
        }

        bool isBest = arguments.GetValue(_best);
        NetworkParameters[] models = [.. request.Seeds.Select(seed => RunFolder.ReadModel(path, seed, request.Network, isBest))];
        IReadOnlyList<MetricsRow> recorded = RunFolder.ReadMetrics(path);
        if (isBest)
        {
            var history = ValidationHistory.Of(recorded, request.Seeds.Count);
            recorded = [.. recorded.Where(row => row.Epoch == history.BestEpochOf(row.Seed))];
        }

        using LoadedData data = DataSource.Load(request, output, cancellation);
        using DeviceSet devices = placement.Open();
        Evaluate(output, request, data, devices, models, recorded, cancellation);
        foreach (string reason in Differences(path, isBest, configuration, data, recorded))
        {
            output.Line(reason);
        }

        return ExitCode.Success;
    }

    /// <summary>Why what was recorded may differ from what is evaluated, as sentences.</summary>
    private static IEnumerable<string> Differences(
        string path, bool isBest, RunConfiguration configuration, LoadedData data, IReadOnlyList<MetricsRow> recorded)
    {
        ulong seed = configuration.Seeds[0];
        IReadOnlyDictionary<string, string> words = ModelFile.ReadMetadata(RunFolder.ModelPath(path, seed, isBest));
        int epoch = recorded.Where(row => row.Seed == seed).Select(row => row.Epoch).DefaultIfEmpty().Max();
        if (words.GetValueOrDefault(TrainingRun.EpochsWord) is { } epochs && words.GetValueOrDefault(TrainingRun.StepsWord) is { } steps
            && (epochs, steps) != (ConsoleOutput.Plain(epoch), "0"))
        {
            yield return $"The models are as of epoch {epochs} and {steps} steps of the next, because the run did not end there; "
                + $"what is recorded is as of epoch {epoch}.";
        }

        if (!data.IsDataOf(configuration))
        {
            yield return $"The data are not those of the run: these are from {data.Description.Source}, "
                + $"what is recorded is of others, from {configuration.Data.Source}.";
        }
    }

    /// <summary>Evaluates models on a test set, beside what was recorded, and writes the table.</summary>
    /// <param name="output">Where to write.</param>
    /// <param name="request">What the models were trained as.</param>
    /// <param name="data">The data.</param>
    /// <param name="devices">Where to compute.</param>
    /// <param name="models">One per seed.</param>
    /// <param name="recorded">The metrics of the run, if any.</param>
    /// <param name="cancellation">Ctrl-C.</param>
    public static void Evaluate(
        ConsoleOutput output,
        RunRequest request,
        LoadedData data,
        DeviceSet devices,
        IReadOnlyList<NetworkParameters> models,
        IReadOnlyList<MetricsRow> recorded,
        CancellationToken cancellation)
    {
        // The trainer wants training data, but nothing is trained here; the test set saves an upload.
        using var trainer = new SpreadTrainer(
            devices.Devices, request.Network, request.Options, request.Seeds, Upload, devices.IsLayerParallel);
        for (var replica = 0; replica < models.Count; replica++)
        {
            trainer.SetParameters(replica, models[replica]);
        }

        cancellation.ThrowIfCancellationRequested();
        Write(output, request, trainer.Evaluate(), recorded, data.Description.TestSamples);

        UploadedData Upload(ComputeDevice device)
        {
            DeviceDataSet test = data.UploadTest(device);
            return new UploadedData(test, test);
        }
    }

    private static void Write(
        ConsoleOutput output,
        RunRequest request,
        IReadOnlyList<Evaluation> evaluations,
        IReadOnlyList<MetricsRow> recorded,
        int testSamples)
    {
        Table table = ConsoleOutput.CreateTable(
            $"{request.Options.Rule.Name} {request.Network.Topology} on {testSamples} test samples of {request.DataName}",
            ConsoleOutput.Number("Seed"),
            ConsoleOutput.Number("Test loss"),
            ConsoleOutput.Number("Test accuracy"),
            ConsoleOutput.Number("Recorded loss"),
            ConsoleOutput.Number("Recorded accuracy"),
            ConsoleOutput.Number("Epoch"));
        for (var replica = 0; replica < evaluations.Count; replica++)
        {
            MetricsRow? last = recorded.Where(row => row.Seed == request.Seeds[replica]).MaxBy(row => row.Epoch);
            table.AddRow(
                new Text(request.Seeds[replica].ToString(CultureInfo.InvariantCulture)),
                new Text(ConsoleOutput.Loss(evaluations[replica].Loss)),
                new Text(ConsoleOutput.Percent(evaluations[replica].Accuracy)),
                new Text(last is null ? "" : ConsoleOutput.Loss(last.TestLoss)),
                new Text(last is null ? "" : ConsoleOutput.Percent(last.TestAccuracy)),
                new Text(last is null ? "" : last.Epoch.ToString(CultureInfo.InvariantCulture)));
        }

        if (evaluations.Count > 1)
        {
            table.AddRow(
                new Text("mean"),
                new Text(ConsoleOutput.Loss(evaluations.Average(seed => seed.Loss))),
                new Text(ConsoleOutput.Percent(evaluations.Average(seed => seed.Accuracy))));
        }

        output.Table(table);
    }
}
