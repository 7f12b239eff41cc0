using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;

namespace Fdfa.Experiments.Commands;

/// <summary>System.CommandLine's help with examples at its end.</summary>
internal sealed class HelpPage : SynchronousCommandLineAction
{
    private const int NarrowestReadable = 60;
    private const int WidestReadable = 110;

    private readonly HelpAction _page;

    private HelpPage(int width) => _page = new HelpAction { MaxWidth = Math.Clamp(width, NarrowestReadable, WidestReadable) };

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <summary>Sets what <c>--help</c> and <c>--version</c> do, for a root command and all beneath it.</summary>
    public static void Install(RootCommand root, int width)
    {
        foreach (Option option in root.Options)
        {
            switch (option)
            {
                case HelpOption:
                    option.Description = "Shows this page.";
                    option.Action = new HelpPage(width);
                    break;
                case VersionOption:
                    option.Description = "Shows the versions of fdfa, .NET and ILGPU.";
                    option.Action = new VersionLine();
                    break;
                default:
                    break;
            }
        }
    }

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        _page.Invoke(parseResult);
        if (parseResult.CommandResult.Command is IFdfaCommand { Examples: { Count: > 0 } examples })
        {
            TextWriter page = parseResult.InvocationConfiguration.Output;
            page.WriteLine(examples.Count == 1 ? "Example:" : "Examples:");
            foreach (string example in examples)
            {
                page.WriteLine("  " + example);
            }
        }

        return ExitCode.Success;
    }
}

/// <summary>One line with what a bug report needs.</summary>
internal sealed class VersionLine : SynchronousCommandLineAction
{
    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        RunVersions versions = RunVersions.Current;
        parseResult.InvocationConfiguration.Output.WriteLine($"fdfa {versions.Fdfa} (.NET {versions.DotNet}, ILGPU {versions.Ilgpu})");
        return ExitCode.Success;
    }
}
