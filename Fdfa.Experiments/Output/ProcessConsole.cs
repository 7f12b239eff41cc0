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
            Console.SetOut(new StandardOutput(Console.Out, isTerminal: true));
            return AnsiConsole.Console;
        }

        // Console.Out would begin a UTF-8 stream with no mark but encode by the locale, which in a container is often ASCII.
        var writer = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false))
        {
            AutoFlush = true,
        };
        return CreatePlain(new StandardOutput(writer, isTerminal: false), RedirectedWidth);
    }

    /// <summary>Says a last word while others may be drawing, and shows the cursor that a progress bar hides.</summary>
    public static void Leave(string sentence)
    {
        if (!Console.IsOutputRedirected)
        {
            const string NewLineAndCursor = "\n\u001b[?25h";
            Console.Out.Write(NewLineAndCursor);
        }

        try
        {
            Console.Error.WriteLine(sentence);
        }
        catch (IOException)
        {
            // Nobody listens.
        }
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
