using System.Globalization;

namespace Fdfa.Cpu.Reference.Description;

/// <summary>The shape of an image or of a feature map; flattened it is ordered channel, row, column, as PyTorch flattens.</summary>
/// <param name="Channels">1 for grey, 3 for colour, or a convolution's filters.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
public readonly record struct ImageShape(int Channels, int Height, int Width)
{
    /// <summary>Values of a channel.</summary>
    public int Positions => checked(Height * Width);

    /// <summary>Values of all channels.</summary>
    public int Size => checked(Channels * Positions);

    /// <summary>Where a value is in the flattened image.</summary>
    public int IndexOf(int channel, int row, int column) => (((channel * Height) + row) * Width) + column;

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Channels}x{Height}x{Width}");
}
