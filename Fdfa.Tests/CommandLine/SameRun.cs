using Fdfa.Experiments.Runs;

namespace Fdfa.Tests.CommandLine;

/// <summary>Runs whose numbers are equal to the last bit.</summary>
internal static class SameRun
{
    /// <summary>Compares the metrics and each seed's model.</summary>
    public static void Assert(string expected, string actual)
    {
        Xunit.Assert.Equal(Numbers(expected), Numbers(actual));
        string[] models = Directory.GetFiles(expected, "model-seed*.safetensors");
        Xunit.Assert.NotEmpty(models);
        Xunit.Assert.All(
            models,
            model => Xunit.Assert.Equal(File.ReadAllBytes(model), File.ReadAllBytes(Path.Combine(actual, Path.GetFileName(model)))));
    }

    /// <summary>The metrics but for how long they took.</summary>
    public static IEnumerable<MetricsRow> Numbers(string run) => RunFolder.ReadMetrics(run).Select(row => row with { Seconds = 0 });
}
