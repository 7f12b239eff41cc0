using SkiaSharp;

namespace Fdfa.Experiments.Plots;

/// <summary>The native library that draws; where it is missing or another's, that costs the pictures alone.</summary>
internal static class PlotLibrary
{
    private static readonly Lazy<string?> s_failure = new(Probe);

    private static readonly AsyncLocal<Watch?> s_watch = new();
    private static readonly AsyncLocal<string?> s_planted = new();

    /// <summary>For tests: why it is not here, in this flow of control.</summary>
    public static string? PlantedFailure
    {
        get => s_planted.Value;
        set => s_planted.Value = value;
    }

    /// <summary>Has whatever is not drawn from now on told to a watch.</summary>
    public static Watch Begin() => s_watch.Value = new Watch();

    /// <summary>Draws, or leaves it.</summary>
    /// <returns>Null where nothing can be drawn.</returns>
    public static T? Draw<T>(Func<T> draw)
        where T : class
    {
        if ((PlantedFailure ?? s_failure.Value) is not { } failure)
        {
            return draw();
        }

        s_watch.Value?.Failure = failure;
        return null;
    }

    private static string? Probe()
    {
        try
        {
            using var bitmap = new SKBitmap(1, 1);
            return null;
        }
        catch (Exception failure) when (failure is TypeInitializationException or DllNotFoundException or EntryPointNotFoundException
            or BadImageFormatException or InvalidOperationException)
        {
            return failure.GetBaseException().Message.ReplaceLineEndings(" ").Split(". ")[0].TrimEnd('.', ' ');
        }
    }

    /// <summary>Whether all was drawn.</summary>
    public sealed class Watch
    {
        /// <summary>Why something was not; null where all was.</summary>
        public string? Failure { get; set; }

        /// <summary>The same as a sentence.</summary>
        public string? Sentence => Failure is null ? null
            : $"No pictures were drawn, because the library that draws them, libSkiaSharp, cannot be loaded ({Failure}); "
                + "everything else is there. Put it beside fdfa, or publish fdfa with it inside.";
    }
}
