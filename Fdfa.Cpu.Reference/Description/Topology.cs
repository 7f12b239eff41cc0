using System.Globalization;

namespace Fdfa.Cpu.Reference.Description;

/// <summary>The paper's notation of a network, read from text.</summary>
/// <remarks>
/// <code>
/// topology    = item "-" item { "-" item }        the last item is a number: the outputs
/// item        = number | convolution | pooling
/// convolution = number "C" number                 channels and kernel size, as in 15C5
/// pooling     = "P" number                        window size, as in P2
/// number      = ASCII digits, 1 to 1000000
/// </code>
/// A dense topology starts with the input size (784-800-800-10, Table 1); a convolutional one takes its input
/// from the data (15C5-P2-40C5-P2-128-10, Table 2).
/// </remarks>
public static class Topology
{
    private const int MaximumItems = NetworkDescription.MaximumBlocks + 1;

    private static readonly string s_anyItem = string.Create(
        CultureInfo.InvariantCulture,
        $"expected a number from 1 to {NetworkDescription.MaximumSize}, a convolution such as 15C5 or a pooling such as P2");

    /// <summary>Reads a topology.</summary>
    /// <param name="text">As in "784-800-800-10"; no blanks.</param>
    /// <param name="hiddenActivation">σ of the hidden blocks.</param>
    /// <exception cref="TopologyException">
    /// The text is malformed, exceeds the limits of <see cref="NetworkDescription"/>, or has convolutions.
    /// </exception>
    public static NetworkDescription Parse(string text, ActivationFunction hiddenActivation = ActivationFunction.ReLU)
    {
        ArgumentNullException.ThrowIfNull(text);

        // Counted before anything is split, so that a hostile megabyte of hyphens costs no memory.
        int itemCount = text.AsSpan().Count('-') + 1;
        if (itemCount > MaximumItems)
        {
            throw new TopologyException(
                $"The topology {QuotedText.Of(text)} has {itemCount} items; expected at most {MaximumItems}, "
                + "as in 784-800-800-10.");
        }

        var sizes = new List<int>();
        var position = 0;
        var itemNumber = 0;
        var lastItemIsNumber = false;
        foreach (string item in text.Split('-'))
        {
            itemNumber++;
            string? fault = FindFault(item);
            if (fault is not null)
            {
                throw Malformed(text, item, itemNumber, position, fault);
            }

            lastItemIsNumber = IsNumber(item);
            if (lastItemIsNumber)
            {
                sizes.Add(int.Parse(item, NumberStyles.None, CultureInfo.InvariantCulture));
            }
            else if (itemNumber == itemCount)
            {
                throw Malformed(text, item, itemNumber, position, "expected a number as the last item, the output size");
            }

            position += item.Length + 1;
        }

        if (itemCount < 2)
        {
            throw Malformed(text, text, 1, 0, "expected at least two items, an input and an output size");
        }

        if (sizes.Count < itemCount)
        {
            throw new TopologyException(
                $"The topology {QuotedText.Of(text)} is well formed, but convolutions are not supported yet; "
                + "give a dense topology, such as 784-800-800-10.");
        }

        return new NetworkDescription(sizes, hiddenActivation);
    }

    /// <summary>What is wrong with an item by itself, or null.</summary>
    private static string? FindFault(ReadOnlySpan<char> item)
    {
        if (item.IsEmpty)
        {
            return s_anyItem;
        }

        if (item[0] == 'P')
        {
            return IsNumber(item[1..]) ? FindSizeFault(item[1..], "window size") : s_anyItem;
        }

        int channelEnd = item.IndexOf('C');
        if (channelEnd < 0)
        {
            return IsNumber(item) ? FindSizeFault(item, "size") : s_anyItem;
        }

        ReadOnlySpan<char> channels = item[..channelEnd];
        ReadOnlySpan<char> kernel = item[(channelEnd + 1)..];
        return IsNumber(channels) && IsNumber(kernel)
            ? FindSizeFault(channels, "number of channels") ?? FindSizeFault(kernel, "kernel size")
            : s_anyItem;
    }

    private static string? FindSizeFault(ReadOnlySpan<char> digits, string what) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int size)
        && size is >= 1 and <= NetworkDescription.MaximumSize
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"expected a {what} from 1 to {NetworkDescription.MaximumSize}");

    private static bool IsNumber(ReadOnlySpan<char> text) =>
        !text.IsEmpty && !text.ContainsAnyExceptInRange('0', '9');

    private static TopologyException Malformed(string text, string item, int itemNumber, int position, string expectation)
    {
        string which = item.Length == 0 ? "is empty" : $"is {QuotedText.Of(item)}";
        return new TopologyException(string.Create(
            CultureInfo.InvariantCulture,
            $"In the topology {QuotedText.Of(text)}, item {itemNumber} (at character {position + 1}) {which}; {expectation}, as in 784-800-800-10."));
    }
}
