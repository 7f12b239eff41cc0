using System.Text;
using Spectre.Console;

namespace Fdfa.Experiments.Output;

/// <summary>The console of this process: a terminal, or a plain text file when redirected.</summary>
internal static class ProcessConsole
{
    /// <summary>Wide enough for every table, so that a redirected one is never wrapped.</summary>
    public const int RedirectedWidth = 160;

    /// <summary>Creates the console for standard output.</summary>
    public static IAnsiConsole Create()
    {
        if (!Console.IsOutputRedirected)
        {
            return AnsiConsole.Console;
        }

        // Console.Out would begin a UTF-8 stream with no mark but encode by the locale, which in a container is often ASCII.
        var writer = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };
        return CreatePlain(writer, RedirectedWidth);
    }

    /// <summary>A console that writes text only: no colours, no cursor movements, a fixed width.</summary>
    public static IAnsiConsole CreatePlain(TextWriter writer, int width)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
            // Nothing in the environment (GITHUB_ACTIONS, for one) may turn the escape codes on again.
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
        });
        console.Profile.Width = width;
        console.Profile.Capabilities.Unicode = true;
        return console;
    }
}
