using System.Globalization;

namespace Fdfa.Cpu.Reference.Description;

/// <summary>
/// AlexNet in the notation of <see cref="Topology"/> (Krizhevsky et al., 2012, with torchvision's layers; Appendix A: no dropout).
/// </summary>
/// <remarks>
/// Torchvision's geometry, for 224 pixels and every other size but two:
/// <code>
/// 64C11/4+2-P3/2-192C5+2-P3/2-384C3+1-256C3+1-256C3+1-P3/2-A6-4096-4096-classes
/// 224 pixels: 55 → 27 → 27 → 13 → 13 → 13 → 13 → 6 → average to 6x6 (there it changes nothing) → 9216
/// </code>
/// At 64 pixels it would leave 1x1, at 32 nothing at all. For these two the first convolution alone is changed:
/// <code>
/// 64 pixels   64C11/2+5-P3/2-…    32 → 15 → 15 → 7 → 7 → 7 → 7 → 3 → 2304
/// 32 pixels   64C11+5-P3/2-…      32 → 15 → 15 → 7 → 7 → 7 → 7 → 3 → 2304
/// </code>
/// Its stride is what loses most pixels, so that is what shrinks with the image; padding 5 makes an 11x11 filter keep the size of what its
/// stride leaves. Filters, kernels and pools stay torchvision's, so that every convolution has the parameters it has at 224 pixels, and
/// both sizes share one network behind the first block. There is no average: 6x6 out of 3x3 would only say every value four times, to
/// four times as many weights.
/// </remarks>
internal static class AlexNet
{
    /// <summary>How its topology begins; the number of classes follows.</summary>
    public const string Prefix = "alexnet-";

    /// <summary>Whether a network is AlexNet by its name.</summary>
    public static bool Is(NetworkDescription network)
    {
        ArgumentNullException.ThrowIfNull(network);
        return network.Topology.StartsWith(Prefix, StringComparison.Ordinal);
    }

    /// <summary>AlexNet as a topology of convolutions, pools and dense layers.</summary>
    public static string Topology(ImageShape input, int classes)
    {
        string first = (input.Height, input.Width) switch
        {
            (32, 32) => "64C11+5",
            (64, 64) => "64C11/2+5",
            _ => "64C11/4+2",
        };
        bool isNative = first != "64C11/4+2";
        string average = isNative ? "" : "-A6";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{first}-P3/2-192C5+2-P3/2-384C3+1-256C3+1-256C3+1-P3/2{average}-4096-4096-{classes}");
    }
}
