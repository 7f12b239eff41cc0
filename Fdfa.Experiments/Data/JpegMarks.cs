using System.Buffers.Binary;

namespace Fdfa.Experiments.Data;

/// <summary>What the components of a JPEG image are.</summary>
internal enum JpegColours
{
    /// <summary>Brightness.</summary>
    Grey,

    /// <summary>Brightness, blueness and redness.</summary>
    YCbCr,

    /// <summary>Red, green and blue.</summary>
    Rgb,

    /// <summary>What cyan, magenta, yellow and black leave of the light.</summary>
    Cmyk,

    /// <summary>Brightness, blueness and redness of what cyan, magenta and yellow take of the light, and what black leaves of it.</summary>
    Ycck,
}

/// <summary>Reads the marks by which a JPEG image says what its components are.</summary>
internal static class JpegMarks
{
    private const byte Prefix = 0xff;
    private const byte StartOfScan = 0xda;
    private const byte Application0 = 0xe0;
    private const byte Application14 = 0xee;
    private const int JfifBytes = 14;
    private const int AdobeBytes = 12;
    private const int FirstComponent = 6;
    private const int ComponentBytes = 3;

    /// <summary>What the components are.</summary>
    /// <remarks>Where marks contradict each other, libjpeg's order of precedence holds: jdapimin.c, default_decompress_parms.</remarks>
    /// <param name="jpeg">An image that decodes.</param>
    /// <param name="components">1, 3 or 4.</param>
    public static JpegColours Read(ReadOnlySpan<byte> jpeg, int components)
    {
        if (components == 1)
        {
            return JpegColours.Grey;
        }

        var isJfif = false;
        int? transform = null;
        var isNamed = false;
        for (var at = 0; at + 3 < jpeg.Length && !(jpeg[at] == Prefix && jpeg[at + 1] == StartOfScan);)
        {
            if (jpeg[at] != Prefix || !HasLength(jpeg[at + 1]))
            {
                at++;
                continue;
            }

            int length = BinaryPrimitives.ReadUInt16BigEndian(jpeg[(at + 2)..]);
            ReadOnlySpan<byte> content = jpeg[(at + 4)..Math.Clamp(at + 2 + length, at + 4, jpeg.Length)];
            switch (jpeg[at + 1])
            {
                case Application0:
                    isJfif |= content.Length >= JfifBytes && content.StartsWith("JFIF\0"u8);
                    break;
                case Application14:
                    transform = content.Length >= AdobeBytes && content.StartsWith("Adobe"u8) ? content[AdobeBytes - 1] : transform;
                    break;
                case >= 0xc0 and <= 0xcf and not (0xc4 or 0xc8 or 0xcc):
                    isNamed = content.Length >= FirstComponent + 3 * ComponentBytes
                        && content[FirstComponent] == 'R'
                        && content[FirstComponent + ComponentBytes] == 'G'
                        && content[FirstComponent + 2 * ComponentBytes] == 'B';
                    break;
            }

            at += 2 + Math.Max(length, 2);
        }

        return (components, isJfif, transform) switch
        {
            (3, false, 0) => JpegColours.Rgb,
            (3, false, null) when isNamed => JpegColours.Rgb,
            (3, _, _) => JpegColours.YCbCr,
            (4, _, null or 0) => JpegColours.Cmyk,
            (4, _, _) => JpegColours.Ycck,
            _ => throw new ArgumentOutOfRangeException(nameof(components), components, "There are images of 1, 3 or 4 components."),
        };
    }

    /// <summary>Whether a mark is followed by its length: not a filling byte, nor one that is all by itself.</summary>
    private static bool HasLength(byte mark) => mark is not (0 or 1 or (>= 0xd0 and <= 0xd9) or Prefix);
}
