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
internal sealed class SweepOptions(IReadOnlyList<Option> sweepable)
{
    private const string DefaultOutput = "runs/sweep";

    private readonly Option<string[]> _axes = new("--sweep")
    {
        Description = "Train a run for each value of an option, named without its dashes: --sweep lr=1e-3,1e-4. Given again for another option, or with a JSON file "
            + $"of several, for each combination. A run that is finished in --output is not trained again. Runs keep no models. [default of --output: {DefaultOutput}]",
        HelpName = "option=values",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string> _script = OptionText.Create(
        "--slurm", "file", "Train nothing, and write a job array of Slurm with a job per run of --sweep; the same command without --slurm gathers the results.");

    private readonly Option<string> _point = OptionText.Create(
        "--sweep-point", "number", "Train one run of --sweep only, counted from 0: what the jobs of --slurm do.");

    private readonly Option<bool> _force = OptionText.CreateSwitch("--force", "With --slurm: replace a file that is there already.");

    /// <summary>All, for a command to have.</summary>
    public IEnumerable<Option> All => [_axes, _script, _point, _force];

    /// <summary>Whether a command line asks for a sweep.</summary>
    /// <exception cref="InvalidOptionException">It does not, but has an option that belongs to one.</exception>
    public bool IsGiven(ParseResult arguments)
    {
        if (arguments.IsGiven(_axes))
        {
            return true;
        }

        return new Option[] { _script, _point, _force }.FirstOrDefault(arguments.IsGiven) is { } lonely
            ? throw new InvalidOptionException($"The option {lonely.Name} belongs to a sweep; give --sweep too, or leave it out.")
            : false;
    }

    /// <summary>Trains the sweep that a command line asks for, or writes its script.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="general">What it says of the sweep as a whole: device, output folder, whether to be quiet, and to write for TensorBoard.</param>
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
        SweepAxis[] axes = [.. arguments.GetRequiredValue(_axes).SelectMany(SweepAxis.Read).Select(axis => axis with { Name = OptionOf(axis.Name).Name.TrimStart('-') })];
        string[] words = [.. FixedWords(arguments, axes, [general.Output, general.Quiet])];
        SweepGrid grid = SweepGrid.Span(axes, values => ReadPoint(arguments, [.. words, .. axes.Zip(values, WordsOf).SelectMany(word => word)], read));
        var request = new SweepRequest(grid, words, arguments.Text(general.Device) ?? "auto", arguments.Text(general.Output) ?? DefaultOutput, arguments.GetValue(general.Quiet))
        {
            WritesEvents = arguments.GetValue(general.TensorBoard),
            Point = arguments.WholeNumber(_point, minimum: 0, maximum: grid.Points.Count - 1),
        };
        if (arguments.Text(_script) is { } script)
        {
            using OutputFiles files = OutputFiles.Open(arguments.GetValue(_force), (script, _script));
            files.Write(script, Encoding.UTF8.GetBytes(SlurmScript.Of(request, SlurmScript.ThisProgram(), Environment.CurrentDirectory)));
            output.Line(
                $"A job array of {ConsoleOutput.Count(request.Grid.Points.Count, "run")} is in {script}; "
                + "send it off with sbatch, and gather the results with this command without --slurm.");
            return ExitCode.Success;
        }

        SweepResult result = SweepTraining.Run(request, output, cancellation);
        if (result.Interruption is not null)
        {
            output.Error(result.Interruption);
            return ExitCode.Cancelled;
        }

        return result.Entries.Any(entry => entry.Outcome.Refusal is not null) ? ExitCode.BadInput
            : result.Entries.Any(entry => entry.Outcome.Run?.Divergence is not null) ? ExitCode.Failure
            : ExitCode.Success;
    }

    private static RunRequest ReadPoint(ParseResult arguments, IReadOnlyList<string> words, Func<ParseResult, RunRequest> read)
    {
        ParseResult point = arguments.CommandResult.Command.Parse(words, OptionText.Parsing);
        ParseMistake.ThrowIfAny(point);
        RunRequest request = read(point);
        if (request.SkipsBadImages)
        {
            throw new InvalidOptionException("Which images are left out is known only when they are decoded, and a sweep wants to know its runs before; leave out --skip-bad-images.");
        }

        if (request.InitialWeights is not null)
        {
            throw new InvalidOptionException("A sweep's runs are told apart by what their command line says, and a file may come to hold other weights; leave out --initial-weights.");
        }

        Trainer.Plan(request.Network, request.Options, request.Seeds.Count);
        return request;
    }

    /// <summary>What is said of all points, but not where and how loudly.</summary>
    private IEnumerable<string> FixedWords(ParseResult arguments, SweepAxis[] axes, Option[] general)
    {
        foreach (OptionResult given in arguments.CommandResult.Children.OfType<OptionResult>().Where(given => !given.Implicit && !All.Concat(general).Contains(given.Option)))
        {
            if (axes.Any(axis => OptionOf(axis.Name) == given.Option))
            {
                throw new InvalidOptionException($"The option {given.Option.Name} is given beside a sweep of its values; leave one of them out.");
            }

            yield return given.Option.Name;
            foreach (Token token in given.Tokens)
            {
                yield return token.Value;
            }
        }
    }

    /// <summary>The words of a command line that set an option to a value.</summary>
    private IEnumerable<string> WordsOf(SweepAxis axis, string value)
    {
        Option option = OptionOf(axis.Name);
        if (option is Option<string>)
        {
            return [option.Name, value];
        }

        string opposite = "--no-" + axis.Name;
        return value.ToLowerInvariant() switch
        {
            "yes" or "true" => [option.Name],
            "no" or "false" => sweepable.Any(other => other.Name == opposite) ? [opposite] : [],
            _ => throw new InvalidOptionException($"The value '{value}' of {axis.Name} in --sweep is neither yes nor no."),
        };
    }

    private Option OptionOf(string name) =>
        sweepable.FirstOrDefault(option => option.Name == "--" + name || option.Aliases.Contains("--" + name))
        ?? throw InvalidOptionException.UnknownWord("sweepable option", name, [.. sweepable.Select(option => option.Name.TrimStart('-'))]);
}
