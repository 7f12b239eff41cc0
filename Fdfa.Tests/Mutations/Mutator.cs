using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Fdfa.Tests.Mutations;

/// <summary>Damages bytes as disks, editors and attackers do. The same number gives the same damage.</summary>
/// <param name="number">Which mutation.</param>
internal sealed class Mutator(int number)
{
    private const int MostDamages = 4;

    /// <summary>What overflows, is negative, or fits no type that a reader would expect.</summary>
    private static readonly string[] s_numbers =
    [
        "0", "-1", "-0", "1", "255", "256", "65536", "1000000", "1000001", "2147483647", "2147483648", "-2147483648", "4294967296",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "99999999999999999999999999", "0.5", "1e9", "1e-400",
        "1e999", "NaN", "٣",
    ];

    private static readonly long[] s_words =
    [
        0, 1, -1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x7ffffffff, long.MaxValue,
        long.MinValue, 0x0101010101010101,
    ];

    /// <summary>
    /// Ill-formed UTF-8, and well-formed characters that break a line, steer a terminal or end a text; JSON's ways to write them.
    /// </summary>
    private static readonly byte[][] s_texts =
    [
        [0xff], [0x80], [0xc0, 0x80], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xef, 0xbb, 0xbf], [0],
        [0x1b, (byte)'[', (byte)'2', (byte)'J'],
        .. new[]
        {
            "\n", "\r", "\v", "\t", "\u0085", "\u2028", "\u2029", "\u202e", "\ud83d\ude00", "\"", "'", "\\", "\\n", "\\u0000", "\\ud800",
            "\\u2028", "{", "}", "[", "]", ",", ":", "/", "../", "null", "-",
        }
            .Select(Encoding.UTF8.GetBytes),
    ];

    private readonly Random _random = new(number);

    /// <summary>A damaged copy.</summary>
    /// <param name="original">What is damaged.</param>
    /// <param name="other">Where pieces of another such input come from.</param>
    public byte[] Mutate(byte[] original, byte[] other)
    {
        byte[] bytes = original;
        for (int damage = _random.Next(MostDamages); damage >= 0; damage--)
        {
            bytes = Damage(bytes, other);
        }

        return bytes;
    }

    private byte[] Damage(byte[] bytes, byte[] other) => _random.Next(9) switch
    {
        0 => FlipBits(bytes),
        1 => bytes[.._random.Next(bytes.Length + 1)],
        2 => Splice(bytes, Piece(bytes), Place(bytes)),
        3 => Splice(bytes, Piece(other), Place(bytes)),
        4 => Splice(bytes, [], Stretch(bytes)),
        5 => OverwriteWord(bytes),
        6 or 7 => ReplaceNumber(bytes),
        _ => Splice(bytes, s_texts[_random.Next(s_texts.Length)], _random.Next(2) == 0 ? Place(bytes) : Stretch(bytes)),
    };

    private byte[] FlipBits(byte[] bytes)
    {
        byte[] copy = [.. bytes];
        for (int flips = copy.Length == 0 ? 0 : _random.Next(1, 9); flips > 0; flips--)
        {
            copy[Early(copy.Length)] ^= (byte)(1 << _random.Next(8));
        }

        return copy;
    }

    /// <summary>A number of 1 to 8 bytes, in either order, anywhere.</summary>
    private byte[] OverwriteWord(byte[] bytes)
    {
        byte[] copy = [.. bytes];
        Span<byte> word = stackalloc byte[sizeof(long)];
        int width = 1 << _random.Next(4);
        if (copy.Length < width)
        {
            return copy;
        }

        long value = s_words[_random.Next(s_words.Length)];
        if (_random.Next(2) == 0)
        {
            BinaryPrimitives.WriteInt64LittleEndian(word, value);
            word = word[..width];
        }
        else
        {
            BinaryPrimitives.WriteInt64BigEndian(word, value);
            word = word[^width..];
        }

        word.CopyTo(copy.AsSpan(Early(copy.Length - width + 1)));
        return copy;
    }

    /// <summary>One of the numbers that stand in a text.</summary>
    private byte[] ReplaceNumber(byte[] bytes)
    {
        int begin = bytes.AsSpan(Early(bytes.Length + 1)) is var rest && rest.IndexOfAnyInRange((byte)'0', (byte)'9') is var found and >= 0
            ? bytes.Length - rest.Length + found
            : bytes.AsSpan().IndexOfAnyInRange((byte)'0', (byte)'9');
        if (begin < 0)
        {
            return OverwriteWord(bytes);
        }

        int length = bytes.AsSpan(begin).IndexOfAnyExceptInRange((byte)'0', (byte)'9') is var digits and >= 0
            ? digits
            : bytes.Length - begin;
        string number = _random.Next(4) == 0
            ? _random.Next(100).ToString(CultureInfo.InvariantCulture)
            : s_numbers[_random.Next(s_numbers.Length)];
        return Splice(bytes, Encoding.UTF8.GetBytes(number), begin..(begin + length));
    }

    private byte[] Piece(byte[] source) => source[Stretch(source)];

    private Range Place(byte[] bytes)
    {
        int at = Early(bytes.Length + 1);
        return at..at;
    }

    private Range Stretch(byte[] bytes)
    {
        int begin = Early(bytes.Length + 1);
        return begin..(begin + _random.Next(Math.Min(bytes.Length - begin, 1 << _random.Next(12)) + 1));
    }

    /// <summary>An index, more often near the beginning, where headers are.</summary>
    private int Early(int length) => _random.Next(2) == 0 ? _random.Next(Math.Min(length, 64)) : _random.Next(length);

    private static byte[] Splice(byte[] bytes, byte[] piece, Range replaced)
    {
        var (begin, length) = replaced.GetOffsetAndLength(bytes.Length);
        return [.. bytes[..begin], .. piece, .. bytes[(begin + length)..]];
    }
}
