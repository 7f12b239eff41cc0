using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Fdfa.Cpu.Reference.Description;

/// <summary>How many of the training samples are set aside for validation: a share of them, or a count.</summary>
public sealed record ValidationPart
{
    /// <summary>One sample says next to nothing about accuracy.</summary>
    public const int FewestSamples = 2;

    private readonly double? _share;
    private readonly int _count;

    private ValidationPart(double? share, int count) => (_share, _count) = (share, count);

    /// <summary>A share of the training samples.</summary>
    /// <param name="share">Above 0 and below 1.</param>
    /// <exception cref="InvalidOptionException">The share is another.</exception>
    public static ValidationPart OfShare(double share) => share is > 0 and < 1
        ? new(share, 0)
        : throw new InvalidOptionException(string.Create(
            CultureInfo.InvariantCulture, $"The validation part is a share of {share}; give a number above 0 and below 1, such as 0.1."));

    /// <summary>A number of samples.</summary>
    /// <param name="count">At least <see cref="FewestSamples"/>.</param>
    /// <exception cref="InvalidOptionException">The number is below that.</exception>
    public static ValidationPart OfCount(int count) => count >= FewestSamples
        ? new(null, count)
        : throw new InvalidOptionException(string.Create(
            CultureInfo.InvariantCulture, $"The validation part has {count} sample(s); give a whole number of at least {FewestSamples}."));

    /// <summary>Reads a share, such as 0.1, or a count, such as 1000.</summary>
    /// <returns>Whether the text is either.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out ValidationPart? part)
    {
        part = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            ? count >= FewestSamples ? OfCount(count) : null
            : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double share) && share is > 0 and < 1
                ? OfShare(share)
                : null;
        return part is not null;
    }

    /// <summary>How many of so many training samples it is; a share is rounded to the nearest, half a sample up.</summary>
    public int SamplesOf(int trainingSamples) =>
        _share is { } share ? (int)Math.Round(share * trainingSamples, MidpointRounding.AwayFromZero) : _count;

    /// <summary>As <see cref="TryParse"/> reads it.</summary>
    public override string ToString() =>
        _share is { } share ? share.ToString("R", CultureInfo.InvariantCulture) : _count.ToString(CultureInfo.InvariantCulture);
}
