using Fdfa.Experiments.Reproduction;

namespace Fdfa.Experiments.Figures;

/// <summary>The files of an experiment: its numbers, and its picture or table.</summary>
internal static class ExperimentFiles
{
    /// <summary>Writes the files, each whole or not at all.</summary>
    /// <param name="store">The folder.</param>
    /// <param name="experiment">The experiment.</param>
    /// <param name="quick">Whether it is a quick look, which must not replace the figure of a week's work.</param>
    /// <param name="result">What it came to.</param>
    /// <returns>The paths, without their common ending, and the endings.</returns>
    public static string Write(RunStore store, Experiment experiment, bool quick, ExperimentResult result)
    {
        string name = NameOf(experiment.Name, quick);
        store.Write(name + ".csv", result.Csv);
        result.Picture?.Write((ending, bytes) => store.Write(name + ending, bytes));
        if (result.Table is { } table)
        {
            IEnumerable<string> sentences = [.. result.Caption, .. result.Claims.Select(claim => claim.ToString())];
            store.Write(
                name + ".md",
                $"# {experiment.Title}\n\n{table.ToMarkdown()}\n{string.Concat(sentences.Select(sentence => $"- {sentence}\n"))}");
        }

        return $"{Path.Combine(store.Path, name)}{(result.Picture is null ? "" : ".png, .svg")}{(result.Table is null ? "" : ".md")} and "
            + ".csv";
    }

    /// <summary>The name of a file, without its ending.</summary>
    public static string NameOf(string name, bool quick) => quick ? name + "-quick" : name;
}
