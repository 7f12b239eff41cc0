using System.CommandLine;
using System.CommandLine.Parsing;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Commands;

/// <summary>What System.CommandLine could not parse, in this program's words: one sentence, with the nearest valid word.</summary>
internal static class ParseMistake
{
    /// <summary>Refuses a command line that was not understood.</summary>
    /// <exception cref="InvalidOptionException">An unknown command or option, or a missing or superfluous value.</exception>
    public static void ThrowIfAny(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        string commandLine = Name(command);

        // An unknown option can also be swallowed as the value of something else; that would hide the slip.
        foreach (SymbolResult child in parsed.CommandResult.Children)
        {
            if (child.Tokens.FirstOrDefault(token => token.Value.StartsWith("--", StringComparison.Ordinal)) is not { } swallowed)
            {
                continue;
            }

            throw child is OptionResult option
                ? new InvalidOptionException($"The option {option.Option.Name} needs a value, but '{swallowed.Value}' follows it.")
                : UnknownOption(command, commandLine, swallowed.Value);
        }

        if (parsed.UnmatchedTokens.Count > 0)
        {
            string word = parsed.UnmatchedTokens[0];
            if (word.StartsWith('-'))
            {
                throw UnknownOption(command, commandLine, word);
            }

            if (command.Subcommands.Count > 0)
            {
                string kind = command is ReproduceCommand ? "table or figure" : "command";
                throw InvalidOptionException.UnknownWord(kind, word, [.. command.Subcommands.Select(known => known.Name)]);
            }

            throw new InvalidOptionException($"'{commandLine}' has no place for '{word}'; see '{commandLine} --help'.");
        }

        foreach (SymbolResult child in parsed.CommandResult.Children)
        {
            if (child is OptionResult { Implicit: false } option)
            {
                if (option.IdentifierTokenCount > 1 && option.Option.Arity.MaximumNumberOfValues <= 1)
                {
                    throw new InvalidOptionException(
                        $"The option {option.Option.Name} is given {option.IdentifierTokenCount} times; give it once.");
                }

                if (option.Tokens is [] or [{ Value: "" }, ..] && option.Option.Arity.MinimumNumberOfValues > 0)
                {
                    throw new InvalidOptionException($"The option {option.Option.Name} needs a value; see '{commandLine} --help'.");
                }
            }
        }

        foreach (Argument argument in command.Arguments)
        {
            if (argument.Arity.MinimumNumberOfValues > 0
                && (parsed.GetResult(argument) is not { Tokens.Count: > 0 } given || given.Tokens.Any(word => word.Value.Length == 0)))
            {
                throw new InvalidOptionException($"'{commandLine}' needs a {argument.Name}; see '{commandLine} --help'.");
            }
        }

        if (parsed.Errors.Count > 0)
        {
            throw new InvalidOptionException(parsed.Errors[0].Message);
        }
    }

    private static string Name(Command command) => command is RootCommand
        ? "fdfa"
        : $"{Name(command.Parents.OfType<Command>().First())} {command.Name}";

    private static InvalidOptionException UnknownOption(Command command, string commandLine, string word)
    {
        // "--epochs=5" and "--epochs:5" are spelled in one word.
        string name = word.Split('=', ':')[0];
        if (command is RootCommand && NearestOfSubcommands(command, name) is var (owner, near))
        {
            return new InvalidOptionException($"Unknown option '{name}'; did you mean 'fdfa {owner} {near}'?");
        }

        string[] known =
            [.. command.Options.Concat(Ancestors(command).SelectMany(parent => parent.Options.Where(option => option.Recursive)))
                .Where(option => !option.Hidden)
                .Select(option => option.Name)
                .Distinct()];
        string guess = Nearest(name, known) is { } nearest ? $"; did you mean {nearest}?" : ".";
        return new InvalidOptionException($"Unknown option '{name}' of '{commandLine}'{guess} Known options: {string.Join(", ", known)}.");
    }

    /// <summary>The option that a word may mean. Dashes are no letters that they have in common.</summary>
    private static string? Nearest(string word, IEnumerable<string> options)
    {
        ILookup<string, string> names = options.ToLookup(option => option.TrimStart('-'));
        return NearestWord.Find(word.TrimStart('-'), names.Select(name => name.Key)) is { } nearest ? names[nearest].First() : null;
    }

    private static IEnumerable<Command> Ancestors(Command command) =>
        command.Parents.OfType<Command>().SelectMany(parent => Ancestors(parent).Prepend(parent));

    private static (string Command, string Option)? NearestOfSubcommands(Command root, string name)
    {
        var all = root.Subcommands
            .SelectMany(command => command.Options.Select(option => (command.Name, Option: option.Name)))
            .ToList();
        return Nearest(name, all.Select(pair => pair.Option)) is { } nearest
            ? all.First(pair => pair.Option == nearest)
            : null;
    }
}
