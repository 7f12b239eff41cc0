using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;
using Fdfa.Experiments.Sweeps;
using Fdfa.Gpu.Training;

namespace Fdfa.Experiments.Commands;

/// <summary><c>train --sweep</c> and what belongs to it: many runs of one command line.</summary>
/// <param name="sweepable">The options of <c>train</c> that decide what a run is.</param>
/// <param name="rule">The one of them that names the rule.</param>
/// <param name="seed">The one that names the seed, which no sweep compares.</param>
/// <param name="training">Those of them that mean nothing to some rules.</param>
internal sealed class SweepOptions(
    IReadOnlyList<Option> sweepable, Option<string> rule, Option<string> seed, IReadOnlyList<(TrainingOption Row, Option Option)> training)
{
    private const string DefaultOutput = "runs/sweep";

    private readonly Option<string[]> _axes = new("--sweep")
    {
        Description = "Train a run for each value of an option, named without its dashes: --sweep lr=1e-3,1e-4. "
            + "Given again for another option, or with a JSON file of several, for each combination. "
            + $"A run that is finished in --output is not trained again. Runs keep no models. [default of --output: {DefaultOutput}]",
        HelpName = "option=values",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string> _script = OptionText.Create(
        "--slurm", "file",
        "Train nothing, and write a job array of Slurm with a job per run of --sweep, its grid beside it; "
        + "--gather makes the table of the results.");

    private readonly Option<string> _point = OptionText.Create(
        "--sweep-point", "number", "Train one run of --sweep only, counted from 0: what the jobs of --slurm do.");

    private readonly Option<bool> _gather = OptionText.CreateSwitch(
        "--gather", "Train nothing, and make the table of --sweep from the runs that are in --output; says which are missing.");

    private readonly Option<bool> _force = OptionText.CreateSwitch("--force", "With --slurm: replace a file that is there already.");

    /// <summary>All, for a command to have.</summary>
    public IEnumerable<Option> All => [_axes, _script, _point, _gather, _force];

    /// <summary>Whether a command line asks for a sweep.</summary>
    /// <exception cref="InvalidOptionException">It does not, but has an option that belongs to one.</exception>
    public bool IsGiven(ParseResult arguments)
    {
        if (arguments.IsGiven(_axes))
        {
            return true;
        }

        return new Option[] { _script, _point, _gather, _force }.FirstOrDefault(arguments.IsGiven) is { } lonely
            ? throw new InvalidOptionException($"The option {lonely.Name} belongs to a sweep; give --sweep too, or leave it out.")
            : false;
    }

    /// <summary>Trains the sweep that a command line asks for, or writes its script.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="general">
    /// What it says of the sweep as a whole: device, output folder, whether to be quiet, and to write for TensorBoard.
    /// </param>
    /// <param name="read">The run of a command line without a sweep.</param>
    /// <param name="output">Where to write.</param>
    /// <param name="cancellation">Ctrl-C.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public int Run(
        ParseResult arguments,
        (Option<string> Device, Option<string> Output, Option<bool> Quiet, Option<bool> TensorBoard) general,
        Func<ParseResult, RunRequest> read,
        ConsoleOutput output,
        CancellationToken cancellation)
    {
        SweepAxis[] axes = [.. arguments.GetRequiredValue(_axes).SelectMany(SweepAxis.Read)
            .Select(axis => axis with { Name = OptionOf(axis.Name).Name.TrimStart('-') })];
        if (axes.FirstOrDefault(axis => OptionOf(axis.Name) == seed) is { } seeds)
        {
            throw new InvalidOptionException(
                "A result must not depend on the seed, so a sweep does not look for the best one; give --seeds "
                + $"{ConsoleOutput.Plain(seeds.Values.Count)}, which trains every point with as many, and leave seed out of --sweep.");
        }

        if (new Option[] { _script, _point, _gather }.Where(arguments.IsGiven).ToArray() is [var one, var other, ..])
        {
            throw new InvalidOptionException($"The options {one.Name} and {other.Name} exclude each other; leave one of them out.");
        }

        Setting[] settings = [.. FixedSettings(arguments, axes, [general.Output, general.Quiet])];
        SweepGrid grid = SweepGrid.Span(axes, values => ReadPoint(arguments, settings, [.. axes.Zip(values, SettingOf)], read));
        RequireConcern(grid);
        var request = new SweepRequest(
            grid, [.. settings.SelectMany(setting => setting.Words)], arguments.Text(general.Device) ?? "auto",
            arguments.Text(general.Output) ?? DefaultOutput, arguments.GetValue(general.Quiet))
        {
            WritesEvents = arguments.GetValue(general.TensorBoard),
            Gathers = arguments.GetValue(_gather),
            Point = arguments.WholeNumber(_point, minimum: 0, maximum: grid.Points.Count - 1),
        };
        if (arguments.Text(_script) is { } script)
        {
            string gridFile = Path.ChangeExtension(script, ".grid.json");
            using OutputFiles files = OutputFiles.Open(arguments.GetValue(_force), (script, _script), (gridFile, _script));
            files.Write(gridFile, Encoding.UTF8.GetBytes(SweepAxis.ToJson(axes)));
            files.Write(
                script, Encoding.UTF8.GetBytes(SlurmScript.Of(request, SlurmScript.ThisProgram(), Environment.CurrentDirectory, gridFile)));
            foreach (string remark in grid.Remarks)
            {
                output.Line(remark);
            }

            output.Line(
                $"A job array of {ConsoleOutput.Count(grid.Points.Count, "run")} is in {script}, its grid in {gridFile}; "
                + "send it off with sbatch, and gather the results with this command and --gather in the place of --slurm.");
            return ExitCode.Success;
        }

        SweepResult result = SweepTraining.Run(request, output, cancellation);
        if (result.Interruption is not null)
        {
            output.Error(result.Interruption);
            return ExitCode.Cancelled;
        }

        if (result.Missing is not null)
        {
            output.Error(result.Missing);
            return ExitCode.Failure;
        }

        return result.Entries.Any(entry => entry.Outcome.Refusal is not null) ? ExitCode.BadInput
            : result.Entries.Any(entry => entry.Outcome.Run?.Divergence is not null) ? ExitCode.Failure
            : ExitCode.Success;
    }

    /// <summary>An option of a point, its value in the grid, and the words of a command line that set it.</summary>
    private sealed record Setting(Option Option, string? Value, params IReadOnlyList<string> Words);

    private SweepPoint ReadPoint(ParseResult arguments, Setting[] given, Setting[] axes, Func<ParseResult, RunRequest> read)
    {
        string? name = given.Concat(axes).Where(setting => setting.Option == rule).Select(setting => setting.Words[^1]).FirstOrDefault();
        LearningRule pointRule = LearningRule.Parse(name ?? TrainCommand.DefaultRule);
        Option[] meaningless = [.. training.Where(pair => !pair.Row.Concerns(pointRule)).Select(pair => pair.Option)];
        Setting[] all = [.. given, .. axes];
        RunRequest request = ReadRun(
            arguments, [.. all.Where(setting => !meaningless.Contains(setting.Option)).SelectMany(setting => setting.Words)], read);
        return new SweepPoint(
            [.. axes.Select(axis => meaningless.Contains(axis.Option) ? null : axis.Value)],
            [.. all.Select(setting => setting.Option).Where(meaningless.Contains).Select(option => option.Name.TrimStart('-'))],
            request);
    }

    /// <summary>Refuses an option that means something to no point, as it would be refused without a sweep.</summary>
    private void RequireConcern(SweepGrid grid)
    {
        foreach ((TrainingOption row, Option option) in training)
        {
            if (grid.Points.All(point => point.LeftOut.Contains(option.Name.TrimStart('-'))))
            {
                row.RequireConcern(grid.Points[0].Request.Options.Rule);
            }
        }
    }

    private static RunRequest ReadRun(ParseResult arguments, IReadOnlyList<string> words, Func<ParseResult, RunRequest> read)
    {
        ParseResult point = arguments.CommandResult.Command.Parse(words, OptionText.Parsing);
        ParseMistake.ThrowIfAny(point);
        RunRequest request = read(point);
        if (request.SkipsBadImages)
        {
            throw new InvalidOptionException(
                "Which images are left out is known only when they are decoded, and a sweep wants to know its runs before; "
                + "leave out --skip-bad-images.");
        }

        if (request.InitialWeights is not null)
        {
            throw new InvalidOptionException(
                "A sweep's runs are told apart by what their command line says, and a file may come to hold other weights; "
                + "leave out --initial-weights.");
        }

        if (request.Keep == KeptModels.Best)
        {
            throw new InvalidOptionException(
                "Runs of a sweep keep no models; leave out --keep, and give it when you train the best one again.");
        }

        Trainer.Plan(request.Network, request.Options, request.Seeds.Count);
        return request;
    }

    /// <summary>What is said of all points, but not where and how loudly.</summary>
    private IEnumerable<Setting> FixedSettings(ParseResult arguments, SweepAxis[] axes, Option[] general)
    {
        foreach (OptionResult given in arguments.CommandResult.Children.OfType<OptionResult>()
            .Where(given => !given.Implicit && !All.Concat(general).Contains(given.Option)))
        {
            if (axes.Any(axis => OptionOf(axis.Name) == given.Option))
            {
                throw new InvalidOptionException(
                    $"The option {given.Option.Name} is given beside a sweep of its values; leave one of them out.");
            }

            yield return new Setting(given.Option, Value: null, [given.Option.Name, .. given.Tokens.Select(token => token.Value)]);
        }
    }

    private Setting SettingOf(SweepAxis axis, string value)
    {
        Option option = OptionOf(axis.Name);
        if (option is Option<string>)
        {
            return new Setting(option, value, option.Name, value);
        }

        string opposite = "--no-" + axis.Name;
        return value.ToLowerInvariant() switch
        {
            "yes" or "true" => new Setting(option, value, option.Name),
            "no" or "false" => new Setting(option, value, sweepable.Any(other => other.Name == opposite) ? [opposite] : []),
            _ => throw new InvalidOptionException($"The value '{value}' of {axis.Name} in --sweep is neither yes nor no."),
        };
    }

    private Option OptionOf(string name) =>
        sweepable.FirstOrDefault(option => option.Name == "--" + name || option.Aliases.Contains("--" + name))
        ?? throw InvalidOptionException.UnknownWord("sweepable option", name, [.. sweepable.Select(option => option.Name.TrimStart('-'))]);
}
