using System.Globalization;

namespace Fdfa.Cpu.Reference.Description;

/// <summary>The paper's notation of a network, read from text.</summary>
/// <remarks>
/// <code>
/// topology    = item "-" item { "-" item }        the last item is a number: the outputs
///             | "alexnet-" number                 the number of outputs
/// item        = number | convolution | pooling | average
/// convolution = number "C" number [ "/" number ] [ "+" number ]     filters, kernel, stride (1) and padding (0), as in 15C5 or 64C11/4+2
/// pooling     = "P" number [ "/" number ]                           window and stride (the window's size), as in P2 or P3/2
/// average     = "A" number                                          adaptive average pooling to this side, as in A6
/// number      = ASCII digits, 1 to 1000000 (a padding may be 0)
/// </code>
/// A dense topology starts with the input size (784-800-800-10, Table 1); a convolutional one takes its input
/// from the data (15C5-P2-40C5-P2-128-10, Table 2). Convolutions come before numbers, a pooling behind a convolution, an average behind
/// either.
/// <para>
/// The published code's small network is 15C5-40C5-P2-128-10. What <c>alexnet</c> stands for at which image size is said in
/// <see cref="AlexNet"/>: its convolutions always have batch normalization (Appendix A).
/// </para>
/// </remarks>
public static class Topology
{
    private const int MaximumItems = NetworkDescription.MaximumBlocks + 1;

    private const string AlexNetName = "alexnet";
    private const string AlexNetExample = "alexnet-10";

    private static readonly string s_anyItem = string.Create(
        CultureInfo.InvariantCulture,
        $"expected a number from 1 to {NetworkDescription.MaximumSize}, a convolution such as 15C5 or a pooling such as P2");

    /// <summary>What an item can be.</summary>
    private abstract record Item;

    private sealed record Number(int Size) : Item;

    private sealed record Convolution(int Filters, int Kernel, int Stride, int Padding) : Item;

    private sealed record Pooling(PoolWindow Window) : Item;

    private sealed record Average(int Side) : Item;

    /// <summary>Reads a topology.</summary>
    /// <param name="text">As in "784-800-800-10"; no blanks.</param>
    /// <param name="hiddenActivation">σ of the hidden blocks.</param>
    /// <param name="inputShape">
    /// The shape of an input sample, which convolutions need; a dense topology states its input size itself.
    /// </param>
    /// <param name="batchNormalization">Whether every hidden block is normalized over its batch.</param>
    /// <exception cref="TopologyException">
    /// The text is malformed, exceeds the limits of <see cref="NetworkDescription"/>, has convolutions where the input's shape is not
    /// given, or leaves a block nothing to compute.
    /// </exception>
    public static NetworkDescription Parse(
        string text,
        ActivationFunction hiddenActivation = ActivationFunction.ReLU,
        ImageShape? inputShape = null,
        bool batchNormalization = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!text.StartsWith(AlexNet.Prefix, StringComparison.Ordinal))
        {
            return Describe(text, ReadItems(text), hiddenActivation, inputShape, batchNormalization, batchNormalization, name: null);
        }

        if (ReadSize(text.AsSpan(AlexNet.Prefix.Length), "number of classes", out int classes) is { } fault)
        {
            throw Malformed(text, text[AlexNet.Prefix.Length..], 2, AlexNet.Prefix.Length, fault, AlexNetExample);
        }

        string expanded = AlexNet.Topology(inputShape ?? default, classes);
        string name = string.Create(CultureInfo.InvariantCulture, $"{AlexNet.Prefix}{classes}");
        return Describe(name, ReadItems(expanded), hiddenActivation, inputShape, batchNormalization, inConvolutions: true, name);
    }

    private static List<Item> ReadItems(string text)
    {
        // Counted before anything is split, so that a hostile megabyte of hyphens costs no memory.
        int itemCount = text.AsSpan().Count('-') + 1;
        if (itemCount > MaximumItems)
        {
            throw new TopologyException(
                $"The topology {QuotedText.Of(text)} has {itemCount} items; expected at most {MaximumItems}, "
                + "as in 784-800-800-10.");
        }

        var items = new List<Item>();
        var position = 0;
        foreach (string word in text.Split('-'))
        {
            string? fault = ReadItem(word, out Item? item);
            fault ??= FindPlaceFault(items.LastOrDefault(), item!, isLast: items.Count == itemCount - 1);
            if (fault is not null && items.Count == 0 && word.StartsWith(AlexNetName, StringComparison.OrdinalIgnoreCase))
            {
                throw Malformed(text, word, 1, 0, $"expected {AlexNetName} in small letters, then its number of classes", AlexNetExample);
            }

            if (fault is not null)
            {
                throw Malformed(text, word, items.Count + 1, position, fault);
            }

            items.Add(item!);
            position += word.Length + 1;
        }

        return itemCount < 2
            ? throw Malformed(text, text, 1, 0, "expected at least two items, an input and an output size")
            : items;
    }

    private static NetworkDescription Describe(
        string text,
        List<Item> items,
        ActivationFunction activation,
        ImageShape? inputShape,
        bool inDense,
        bool inConvolutions,
        string? name)
    {
        if (items[0] is not Number && inputShape is null)
        {
            throw new TopologyException(
                $"The topology {QuotedText.Of(text)} has convolutions, which take their input's shape from images, and there is none; "
                + "give channels, height and width too, such as 1x28x28, or a dense topology, such as 784-800-800-10.");
        }

        var blocks = new List<Block>();
        ImageShape shape = inputShape ?? default;
        int size = items[0] is Number first ? first.Size : 0;
        for (int at = items[0] is Number ? 1 : 0; at < items.Count; at++)
        {
            Block block;
            if (items[at] is Convolution convolution)
            {
                var map = new ConvolutionBlock(
                    shape, convolution.Filters, convolution.Kernel, convolution.Stride, convolution.Padding, activation, inConvolutions);
                if (items[at + 1] is Pooling pooling)
                {
                    map = map with { Pool = pooling.Window };
                    at++;
                }

                if (items[at + 1] is Average average)
                {
                    map = map with { AdaptivePool = average.Side };
                    at++;
                }

                // What follows has no size if this one has none: it is refused below, by the block's number.
                if (map.FindFault() is not null)
                {
                    return new NetworkDescription([.. blocks, map], activation, name ?? text);
                }

                shape = map.Output;
                size = map.Outputs;
                block = map;
            }
            else
            {
                int outputs = ((Number)items[at]).Size;
                bool isOutput = at == items.Count - 1;
                block = new DenseBlock(size, outputs, isOutput ? ActivationFunction.Identity : activation, inDense && !isOutput);
                size = outputs;
            }

            blocks.Add(block);
        }

        return new NetworkDescription(blocks, activation, name);
    }

    /// <summary>What is wrong with an item where it stands, or null.</summary>
    private static string? FindPlaceFault(Item? before, Item item, bool isLast) => (before, item) switch
    {
        (_, not Number) when isLast => "expected a number as the last item, the output size",
        (Number, Convolution) => "expected a number, because convolutions come before dense layers",
        (not Convolution, Pooling) => "expected a pooling only behind a convolution",
        (not (Convolution or Pooling), Average) => "expected an average only behind a convolution or its pooling",
        _ => null,
    };

    /// <summary>Reads an item by itself; returns what is wrong with it, or null.</summary>
    private static string? ReadItem(ReadOnlySpan<char> word, out Item? item)
    {
        item = null;
        if (word.IsEmpty)
        {
            return s_anyItem;
        }

        if (word[0] == 'A')
        {
            string? fault = IsNumber(word[1..]) ? ReadSize(word[1..], "size", out _) : s_anyItem;
            item = fault is null ? new Average(ToNumber(word[1..])) : null;
            return fault;
        }

        if (word[0] == 'P')
        {
            ReadOnlySpan<char> stride = CutBehind(ref word, '/', out bool hasStride);
            ReadOnlySpan<char> window = word[1..];
            if (!IsNumber(window) || (hasStride && !IsNumber(stride)))
            {
                return s_anyItem;
            }

            string? fault = ReadSize(window, "window size", out int size);
            int step = size;
            fault ??= hasStride ? ReadSize(stride, "stride", out step) : null;
            item = fault is null ? new Pooling(new PoolWindow(size, step)) : null;
            return fault;
        }

        if (word.Contains('C'))
        {
            return ReadConvolution(word, out item);
        }

        if (!IsNumber(word))
        {
            return s_anyItem;
        }

        string? sizeFault = ReadSize(word, "size", out int neurons);
        item = sizeFault is null ? new Number(neurons) : null;
        return sizeFault;
    }

    private static string? ReadConvolution(ReadOnlySpan<char> word, out Item? item)
    {
        item = null;
        ReadOnlySpan<char> padding = CutBehind(ref word, '+', out bool hasPadding);
        ReadOnlySpan<char> stride = CutBehind(ref word, '/', out bool hasStride);
        ReadOnlySpan<char> kernel = CutBehind(ref word, 'C', out _);
        if (!IsNumber(word) || !IsNumber(kernel) || (hasStride && !IsNumber(stride)) || (hasPadding && !IsNumber(padding)))
        {
            return s_anyItem;
        }

        var step = 1;
        var zeros = 0;
        string? fault = ReadSize(word, "number of channels", out int filters);
        fault ??= ReadSize(kernel, "kernel size", out int side);
        fault ??= hasStride ? ReadSize(stride, "stride", out step) : null;
        fault ??= hasPadding && padding.ContainsAnyExcept('0') ? ReadSize(padding, "padding", out zeros) : null;
        item = fault is null ? new Convolution(filters, ToNumber(kernel), step, zeros) : null;
        return fault;
    }

    /// <summary>Cuts a word at the first such letter, and returns what stood behind it.</summary>
    private static ReadOnlySpan<char> CutBehind(ref ReadOnlySpan<char> word, char letter, out bool found)
    {
        int at = word.IndexOf(letter);
        found = at >= 0;
        ReadOnlySpan<char> behind = found ? word[(at + 1)..] : default;
        word = found ? word[..at] : word;
        return behind;
    }

    /// <summary>Reads digits as a size; returns what is wrong with it, or null.</summary>
    private static string? ReadSize(ReadOnlySpan<char> digits, string what, out int size) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out size)
        && size is >= 1 and <= NetworkDescription.MaximumSize
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"expected a {what} from 1 to {NetworkDescription.MaximumSize}");

    private static int ToNumber(ReadOnlySpan<char> digits) => int.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);

    private static bool IsNumber(ReadOnlySpan<char> text) =>
        !text.IsEmpty && !text.ContainsAnyExceptInRange('0', '9');

    private static TopologyException Malformed(
        string text, string item, int itemNumber, int position, string expectation, string example = "784-800-800-10")
    {
        string which = item.Length == 0 ? "is empty" : $"is {QuotedText.Of(item)}";
        return new TopologyException(string.Create(
            CultureInfo.InvariantCulture,
            $"In the topology {QuotedText.Of(text)}, item {itemNumber} (at character {position + 1}) {which}; "
            + $"{expectation}, as in {example}."));
    }
}
