using System.CommandLine;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;

namespace Fdfa.Experiments.Commands;

/// <summary><c>train --resume</c> and what belongs to it: a run that goes on where it stopped.</summary>
internal sealed class ResumeOptions
{
    private readonly Option<string> _run = OptionText.Create(
        "--resume", "run",
        "Go on with the run in this folder where it stopped, bit for bit as if it never had. Its config.json decides everything; "
        + "besides, only --device, --any-device, --data-dir, --quiet, --tensorboard and a larger --epochs can be given.");

    private readonly Option<bool> _anyDevice = OptionText.CreateSwitch(
        "--any-device", "With --resume: go on on another kind of device than before, though the last bits of the numbers will differ.");

    /// <summary>All, for a command to have.</summary>
    public IEnumerable<Option> All => [_run, _anyDevice];

    /// <summary>Whether a command line asks to resume a run.</summary>
    /// <exception cref="InvalidOptionException">It does not, but has an option that belongs to it.</exception>
    public bool IsGiven(ParseResult arguments)
    {
        if (arguments.IsGiven(_run))
        {
            return true;
        }

        return arguments.GetValue(_anyDevice)
            ? throw new InvalidOptionException(
                $"The option {_anyDevice.Name} belongs to {_run.Name}; give that too, or leave it out: "
                + "a new run goes to the device that --device names.")
            : false;
    }

    /// <summary>Goes on with the run that a command line names.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="general">
    /// What it may say besides: device, folder of the data, epochs, whether to be quiet, and to write for TensorBoard.
    /// </param>
    /// <param name="output">Where to write.</param>
    /// <param name="cancellation">Ctrl-C.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public int Run(
        ParseResult arguments,
        (DeviceOptions Device, Option<string> DataDirectory, Option<string> Epochs, Option<bool> Quiet, Option<bool> TensorBoard) general,
        ConsoleOutput output,
        CancellationToken cancellation)
    {
        RequireNoOthers(
            arguments,
            [_run, _anyDevice, .. general.Device.All, general.DataDirectory, general.Epochs, general.Quiet, general.TensorBoard]);
        string path = arguments.Text(_run)!;
        bool quiet = arguments.GetValue(general.Quiet);
        RunConfiguration configuration = RunFolder.ReadConfiguration(path);
        RequireTrained(configuration, path);
        configuration = WithEpochs(configuration, arguments.WholeNumber(general.Epochs));
        if (!configuration.WritesEvents && (arguments.GetValue(general.TensorBoard) || Directory.Exists(RunEvents.PathIn(path))))
        {
            configuration = configuration.WithEvents();
        }

        RunRequest request = configuration.ToRequest();
        DeviceRequest placement = general.Device.IsGiven(arguments)
            ? general.Device.Read(arguments, request.Network, request.Seeds.Count)
            : DeviceRequest.As(configuration);
        if (RunFolder.IsFinished(path, configuration))
        {
            string events = arguments.GetValue(general.TensorBoard) ? WriteEvents(path, configuration, output.Verbose) : "";
            string nothing = events.Length > 0 ? "nothing to train" : "nothing to do";
            int epoch = MetricsTable.LastEpoch(RunFolder.ReadMetrics(path)).First().Epoch;
            string why = epoch < configuration.Epochs
                ? $"its --patience {configuration.Patience} ended it after epoch {ConsoleOutput.Plain(epoch)}"
                : $"more --epochs than its {configuration.Epochs} would go on with it";
            output.Line($"The run in {path} is finished, {nothing}; {why}.{events}");
            return ExitCode.Success;
        }

        using RunFolder folder = RunFolder.Reopen(path, output.Verbose);
        Checkpoint? checkpoint = folder.FindCheckpoint(configuration);
        if (arguments.Text(general.DataDirectory) is { } directory)
        {
            request = request with { DataDirectory = directory };
        }

        using LoadedData data = DataSource.Load(request, quiet ? null : output, cancellation);
        configuration.RequireSameData(data.Description);
        using DeviceSet devices = placement.Open();
        if (!arguments.GetValue(_anyDevice))
        {
            RequireSameBits(checkpoint?.Manifest.Devices ?? configuration.Devices, [.. devices.Devices.Select(device => device.Info)]);
        }

        if (!quiet)
        {
            ConfigurationTable.Write(output, configuration);
            output.Line(checkpoint is { Manifest: var at }
                ? $"Goes on after {ConsoleOutput.Count(at.Epoch, "epoch")} and {ConsoleOutput.Count(at.StepInEpoch, "step")}, "
                    + $"from {checkpoint.Path}"
                : "Begins at the beginning: it was stopped before its first checkpoint");
        }

        using var run = new TrainingRun(configuration, data, devices.Devices, folder, checkpoint, devices.IsLayerParallel);
        if (checkpoint is null && InitialWeights.Load(ref request) is { } initial)
        {
            run.StartFrom(initial);
        }

        return TrainCommand.Execute(run, folder, quiet, output, cancellation);
    }

    private static void RequireNoOthers(ParseResult arguments, IEnumerable<Option> possible)
    {
        if (arguments.CommandResult.Command.Options.Except(possible).FirstOrDefault(arguments.IsGiven) is { } decided)
        {
            throw new InvalidOptionException(
                $"The option {decided.Name} cannot be given with --resume, because the run's config.json decides it; "
                + "leave it out, or train anew without --resume.");
        }
    }

    private static void RequireTrained(RunConfiguration configuration, string path)
    {
        if (configuration.Epochs == 0)
        {
            throw new RunFolderException(
                $"The run in '{path}' is imported weights, which no rule has trained: there is nothing to go on with. "
                + $"To train them: {ImportCommand.Training(configuration, path)}");
        }
    }

    /// <returns>A sentence about it.</returns>
    private static string WriteEvents(string path, RunConfiguration configuration, bool verbose)
    {
        using RunFolder folder = RunFolder.Reopen(path, verbose);
        RunEvents.Write(path, configuration, RunFolder.ReadMetrics(path));
        folder.WriteConfiguration(configuration);
        return $" Its epochs are in {RunEvents.PathIn(path)} for TensorBoard.";
    }

    private static RunConfiguration WithEpochs(RunConfiguration configuration, int? epochs) => epochs switch
    {
        null => configuration,
        { } fewer when fewer < configuration.Epochs => throw new InvalidOptionException(
            $"The run has {ConsoleOutput.Count(configuration.Epochs, "epoch")}, and --epochs {fewer} would cut it short; "
            + "give more than that, or leave --epochs out."),
        { } more => WithMore(configuration, more),
    };

    private static RunConfiguration WithMore(RunConfiguration configuration, int epochs)
    {
        configuration.Options.RequireRateIn(epochs);
        return configuration.WithEpochs(epochs);
    }

    private void RequireSameBits(IReadOnlyList<DeviceInfo> before, IReadOnlyList<DeviceInfo> now)
    {
        if (!Checkpoint.HasSameBits(before, now))
        {
            throw new InvalidOptionException(
                $"The run was on {Names(before)}, and numbers of {Names(now)} differ in their last bits; "
                + $"give a --device of the former kind, or {_anyDevice.Name} to go on all the same.");
        }

        static string Names(IReadOnlyList<DeviceInfo> devices) =>
            string.Join(" and ", devices.Select(device => $"{device.Selector} ({device.Name})"));
    }
}
