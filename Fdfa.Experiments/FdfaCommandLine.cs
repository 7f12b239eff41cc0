using System.CommandLine;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Commands;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Plots;
using Fdfa.Experiments.Reproduction;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;
using Spectre.Console;

namespace Fdfa.Experiments;

/// <summary>The whole command line: arguments in, exit code out, every mistake as one sentence.</summary>
internal static class FdfaCommandLine
{
    /// <summary>Runs one command.</summary>
    /// <param name="arguments">What stood after "fdfa".</param>
    /// <param name="console">Standard output.</param>
    /// <param name="error">Standard error.</param>
    /// <param name="cancellation">Ctrl-C.</param>
    /// <param name="tables">What <c>reproduce</c> can train; null for the paper's tables. Tests give it a small one.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static int Run(
        string[] arguments,
        IAnsiConsole console,
        TextWriter error,
        CancellationToken cancellation,
        IReadOnlyList<AccuracyTable>? tables = null)
    {
        ConsoleOutput output = new(console, error, verbose: false);
        PlotLibrary.Watch pictures = PlotLibrary.Begin();
        try
        {
            var root = new FirstLookCommand(tables ?? AccuracyTable.All);
            HelpPage.Install(root, console.Profile.Width);
            ParseResult parsed = root.Parse(arguments, OptionText.Parsing);
            output = new(console, error, parsed.GetValue(root.Verbose));
            if (parsed.Action is HelpPage or VersionLine)
            {
                var text = new InvocationConfiguration { Output = output.Raw, Error = error, EnableDefaultExceptionHandler = false };
                return parsed.Invoke(text);
            }

            ParseMistake.ThrowIfAny(parsed);
            OpenSsl.Require();
            return ((IFdfaCommand)parsed.CommandResult.Command).Run(parsed, output, cancellation);
        }
        catch (DivergenceException divergence)
        {
            output.Error(divergence.Message);
            return ExitCode.Failure;
        }
        catch (DeviceLostException lost)
        {
            output.Error(lost.Message);
            return ExitCode.MachineFailed;
        }
        catch (Exception failure) when (DriverFailure.Is(failure))
        {
            // Outside of a run, which would say more.
            output.Error(
                $"The device failed, and nothing on it can be read any more: {DriverFailure.Describe(failure)}; "
                + "give the command again, or another --device.");
            return ExitCode.MachineFailed;
        }
        catch (Exception failure) when (DiskFull.CauseOf(failure) is { } cause)
        {
            output.Error(failure is FdfaException
                ? failure.Message
                : $"A disk is full: {cause.Message.TrimEnd('.')}; make room there, then give the command again.");
            return ExitCode.MachineFailed;
        }
        catch (FdfaException mistake)
        {
            output.Error(mistake.Message);
            return ExitCode.BadInput;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            output.Error("Interrupted.");
            return ExitCode.Cancelled;
        }
        catch (OutOfMemoryException)
        {
            // Counted in advance where it is large; what is left is a machine that others fill too, or a file of gigabytes.
            output.Error(
                "This machine has too little free memory for that; make a layer or the batch smaller, or train fewer seeds at once.");
            return ExitCode.BadInput;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            output.Error($"A file could not be read or written: {failure.Message}");
            return ExitCode.BadInput;
        }
#pragma warning disable CA1031 // The last line of defence: a stack trace helps nobody who did not write this program.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            output.Error(
                $"{failure.GetType().Name}: {failure.Message.TrimEnd('.')}; this is a bug in fdfa"
                + (output.Verbose ? "." : " (--verbose shows where, and so does log.txt if the run had begun)."));
            if (output.Verbose)
            {
                output.ErrorDetails(failure);
            }

            return ExitCode.Bug;
        }
        finally
        {
            if (pictures.Sentence is { } sentence)
            {
                output.Error(sentence);
            }
        }
    }
}
