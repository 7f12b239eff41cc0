using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Reference;

public sealed class TopologyTests
{
    private static readonly ImageShape s_mnist = new(1, 28, 28);

    [Theory]
    [InlineData("784-10", new[] { 784, 10 })]
    [InlineData("784-800-800-800-10", new[] { 784, 800, 800, 800, 10 })]
    [InlineData("1-1", new[] { 1, 1 })]
    [InlineData("1000000-10", new[] { 1_000_000, 10 })]
    [InlineData("0784-010", new[] { 784, 10 })]
    public void Dense_topologies_are_read(string text, int[] sizes)
    {
        NetworkDescription network = Topology.Parse(text, ActivationFunction.Tanh);

        Assert.Equal(string.Join('-', sizes), network.Topology);
        Assert.Equal(sizes[..^1], network.Blocks.Select(block => block.Inputs));
        Assert.Equal(sizes[1..], network.Blocks.Select(block => block.Outputs));
        Assert.All(network.Blocks.SkipLast(1), block => Assert.Equal(ActivationFunction.Tanh, block.Activation));
        Assert.Equal(ActivationFunction.Identity, network.Blocks[^1].Activation);
    }

    [Theory]
    [InlineData("15C5-P2-40C5-P2-128-10")]
    [InlineData("15C5-10")]
    [InlineData("1C1-P1-1")]
    [InlineData("96C3-P3-256C3-384C3-P3-4096-4096-100")]
    [InlineData("64C11/4+2-P3/2-A6-10")]
    [InlineData("alexnet-10")]
    public void Convolutions_ask_for_the_shape_of_their_input(string text) =>
        Refused(text, "give channels, height and width too, such as 1x28x28");

    [Theory]
    [InlineData("", 1, 1)]
    [InlineData("-", 1, 1)]
    [InlineData("784", 1, 1)]
    [InlineData("784-", 2, 5)]
    [InlineData("-784-10", 1, 1)]
    [InlineData("784--10", 2, 5)]
    [InlineData("784-0-10", 2, 5)]
    [InlineData("784-10-000", 3, 8)]
    [InlineData("784-+5-10", 2, 5)]
    [InlineData(" 784-10", 1, 1)]
    [InlineData("784- 10", 2, 5)]
    [InlineData("784-10\n", 2, 5)]
    [InlineData("784-8e2-10", 2, 5)]
    [InlineData("784-8.5-10", 2, 5)]
    [InlineData("784-0x10-10", 2, 5)]
    [InlineData("784-٣-10", 2, 5)]
    [InlineData("784,800,10", 1, 1)]
    [InlineData("1000001-10", 1, 1)]
    [InlineData("784-2147483648-10", 2, 5)]
    [InlineData("784-99999999999999999999999999-10", 2, 5)]
    [InlineData("C5-10", 1, 1)]
    [InlineData("15C-10", 1, 1)]
    [InlineData("0C5-10", 1, 1)]
    [InlineData("15C0-10", 1, 1)]
    [InlineData("15C5C5-10", 1, 1)]
    [InlineData("15c5-10", 1, 1)]
    [InlineData("15C1000001-10", 1, 1)]
    [InlineData("15C5-P-10", 2, 6)]
    [InlineData("15C5-P0-10", 2, 6)]
    [InlineData("15C5-2P-10", 2, 6)]
    [InlineData("15C5-PP2-10", 2, 6)]
    [InlineData("15C5-10-P2", 3, 9)]
    [InlineData("10-15C5", 2, 4)]
    [InlineData("784-15C5-10", 2, 5)]
    [InlineData("784-P2-10", 2, 5)]
    [InlineData("P2-15C5-10", 1, 1)]
    [InlineData("15C5-P2-P2-10", 3, 9)]
    [InlineData("15C5-128-P2-10", 3, 10)]
    [InlineData("A6-10", 1, 1)]
    [InlineData("15C5-A6-A6-10", 3, 9)]
    [InlineData("15C5-A6-P2-10", 3, 9)]
    [InlineData("15C5-A-10", 2, 6)]
    [InlineData("15C5-A0-10", 2, 6)]
    [InlineData("15C5/-10", 1, 1)]
    [InlineData("15C5/0-10", 1, 1)]
    [InlineData("15C5+-10", 1, 1)]
    [InlineData("15C5+1/2-10", 1, 1)]
    [InlineData("15C5/2+2+2-10", 1, 1)]
    [InlineData("15C5/2/2-10", 1, 1)]
    [InlineData("15/2C5-10", 1, 1)]
    [InlineData("15C5+1000001-10", 1, 1)]
    [InlineData("15C5-P3/-10", 2, 6)]
    [InlineData("15C5-P3/0-10", 2, 6)]
    [InlineData("15C5-P3+1-10", 2, 6)]
    [InlineData("alexnet", 1, 1)]
    [InlineData("alexnet-", 2, 9)]
    [InlineData("alexnet-0", 2, 9)]
    [InlineData("alexnet-10-10", 2, 9)]
    [InlineData("AlexNet-10", 1, 1)]
    public void A_malformed_topology_is_refused_with_the_place_and_an_example(string text, int item, int character)
    {
        string message = Refused(text, $"item {item} (at character {character})", "expected");
        string example = text.StartsWith("alexnet", StringComparison.OrdinalIgnoreCase) ? "alexnet-10" : "784-800-800-10";
        Assert.EndsWith($", as in {example}.", message, StringComparison.Ordinal);
        Assert.DoesNotContain("give channels, height and width too", message, StringComparison.Ordinal);
    }

    /// <summary>Table 2's network: 28 → 24 → 12 → 8 → 4, and 640 values flattened. The published code's has no first pool.</summary>
    [Fact]
    public void A_convolutional_topology_is_read()
    {
        NetworkDescription network = Topology.Parse("15C5-P2-40C5-P2-128-10", ActivationFunction.Tanh, s_mnist);
        Assert.Equal(
            [
                new ConvolutionBlock(s_mnist, 15, 5, 1, 0, ActivationFunction.Tanh, Pool: new(2, 2)),
                new ConvolutionBlock(new(15, 12, 12), 40, 5, 1, 0, ActivationFunction.Tanh, Pool: new(2, 2)),
                new DenseBlock(640, 128, ActivationFunction.Tanh),
                new DenseBlock(128, 10, ActivationFunction.Identity),
            ],
            network.Blocks);
        Assert.Equal("15C5-P2-40C5-P2-128-10", network.Topology);
        Assert.Equal("15C5-P2-40C5-P2-128-10 (Tanh, input 1x28x28)", network.ToString());
        Assert.Equal(s_mnist, network.InputShape);
        Assert.Equal(new ImageShape(15, 24, 24), ((ConvolutionBlock)network.Blocks[0]).Map);

        NetworkDescription published = Topology.Parse("15C5-40C5-P2-128-10", inputShape: s_mnist, batchNormalization: true);
        Assert.Equal([15 * 24 * 24, 40 * 10 * 10, 128, 10], published.Blocks.Select(block => block.Outputs));
        Assert.Equal([true, true, true, false], published.Blocks.Select(block => block.HasBatchNormalization));
        Assert.True(published.HasBatchNormalization);
    }

    [Theory]
    [InlineData("64C11/4+2-P3/2-A6-10", "64C11/4+2-P3/2-A6-10")]
    [InlineData("064C11/1+0-P3/3-A06-010", "64C11-P3-A6-10")]
    [InlineData("3C2+1-P2/3-10", "3C2+1-P2/3-10")]
    public void A_topology_is_written_as_it_is_read(string text, string expected)
    {
        NetworkDescription network = Topology.Parse(text, inputShape: new ImageShape(3, 64, 60));
        Assert.Equal(expected, network.Topology);
        Assert.Equal(network.Blocks, Topology.Parse(expected, inputShape: new ImageShape(3, 64, 60)).Blocks);
    }

    [Theory]
    [InlineData("15C29-10", "block 1 has nothing left to compute: filters of 29x29 on an input of 28x28")]
    [InlineData("15C5-P25-10", "block 1 has nothing left to pool: windows of 25x25 on a map of 24x24")]
    [InlineData("15C5-P2-40C5-P2-40C5-10-10", "block 3 has nothing left to compute: filters of 5x5 on an input of 4x4")]
    [InlineData("15C5-P2-40C5-P2-40C3-P3-40C1-10-10", "block 3 has nothing left to pool: windows of 3x3 on a map of 2x2")]
    [InlineData("15C5+5-10", "block 1 has a padding of 5")]
    [InlineData("1000000C1-10", "block 1 is 1000000C1-A1000000 on")]
    [InlineData("alexnet-10", "block 2 has nothing left to pool: windows of 3x3 on a map of 2x2")]
    public void A_block_with_nothing_left_is_named(string text, string expected)
    {
        string sized = text == "1000000C1-10" ? "1000000C1-A1000000-10" : text;
        Refusal.Of<TopologyException>(() => Topology.Parse(sized, inputShape: s_mnist), expected, "; give ");
    }

    [Theory]
    [InlineData(0, 28, 28)]
    [InlineData(1, -1, 28)]
    [InlineData(1, 28, 1_000_001)]
    [InlineData(1_000_000, 1_000_000, 1_000_000)]
    public void A_shape_outside_the_limits_is_refused(int channels, int height, int width) =>
        Refusal.Of<TopologyException>(() => Topology.Parse("15C5-10", inputShape: new ImageShape(channels, height, width)), "block 1");

    [Fact]
    public void A_refusal_reads_as_one_sentence() => Assert.Equal(
        "In the topology '784-80x-10', item 2 (at character 5) is '80x'; expected a number from 1 to 1000000, "
        + "a convolution such as 15C5 or a pooling such as P2, as in 784-800-800-10.",
        Refused("784-80x-10"));

    [Fact]
    public void Up_to_256_blocks_are_read()
    {
        Assert.Equal(256, Topology.Parse(string.Join('-', Enumerable.Repeat("3", 257))).Blocks.Count);
        Refused(string.Join('-', Enumerable.Repeat("3", 258)), "258 items");
    }

    [Fact]
    public void Hostile_lengths_give_short_messages()
    {
        Assert.InRange(Refused(new string('-', 5_000_000)).Length, 1, 400);
        Assert.InRange(Refused(new string('9', 5_000_000)).Length, 1, 400);
        Assert.InRange(Refused("784-" + new string('\u0007', 5_000_000)).Length, 1, 400);
    }

    [Fact]
    public void Random_garbage_is_read_or_refused_and_nothing_else()
    {
        string[] sound = ["-", "-", "-", "784", "10", "1", "0", "15C5", "P2", "3C3/2+1", "P3/2", "A2"];
        string[] wild = [.. sound, "C", "P", "c", " ", "\t", "\n", "\0", "+", ".", "e", "2147483648", "٣", "𝟙", "\uD800", "\u202E", "x"];
        var random = new Random(20240607);
        var read = 0;
        for (var attempt = 0; attempt < 50_000; attempt++)
        {
            string[] pieces = random.Next(2) == 0 ? sound : wild;
            string text = string.Concat(Enumerable.Range(0, random.Next(8)).Select(_ => pieces == wild && random.Next(4) == 0
                ? ((char)random.Next(char.MaxValue + 1)).ToString()
                : pieces[random.Next(pieces.Length)]));
            try
            {
                NetworkDescription network = Topology.Parse(text, inputShape: s_mnist);
                Assert.Equal(network.Blocks, Topology.Parse(network.Topology, inputShape: s_mnist).Blocks);
                read++;
            }
            catch (TopologyException refusal)
            {
                Assert.DoesNotContain(refusal.Message, char.IsControl);
            }
        }

        Assert.True(read > 100, $"Only {read} texts were topologies: the generator is too wild to test anything.");
    }

    private static string Refused(string text, params string[] words) => Refusal.Of<TopologyException>(() => Topology.Parse(text), words);
}
