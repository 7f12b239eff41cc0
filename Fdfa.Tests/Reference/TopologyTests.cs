using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Reference;

public sealed class TopologyTests
{
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
    public void Convolutions_are_understood_and_refused(string text) =>
        Assert.Contains("convolutions are not supported yet", Refusal(text), StringComparison.Ordinal);

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
    public void A_malformed_topology_is_refused_with_the_place_and_an_example(string text, int item, int character)
    {
        string message = Refusal(text);

        Assert.Contains($"item {item} (at character {character})", message, StringComparison.Ordinal);
        Assert.Contains("expected", message, StringComparison.Ordinal);
        Assert.Contains("784-800-800-10", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
        Assert.DoesNotContain("convolutions are not supported yet", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refusal_reads_as_one_sentence() => Assert.Equal(
        "In the topology '784-80x-10', item 2 (at character 5) is '80x'; expected a number from 1 to 1000000, "
        + "a convolution such as 15C5 or a pooling such as P2, as in 784-800-800-10.",
        Refusal("784-80x-10"));

    [Fact]
    public void Up_to_256_blocks_are_read()
    {
        Assert.Equal(256, Topology.Parse(string.Join('-', Enumerable.Repeat("3", 257))).Blocks.Count);
        Assert.Contains("258 items", Refusal(string.Join('-', Enumerable.Repeat("3", 258))), StringComparison.Ordinal);
    }

    [Fact]
    public void Hostile_lengths_give_short_messages()
    {
        Assert.InRange(Refusal(new string('-', 5_000_000)).Length, 1, 400);
        Assert.InRange(Refusal(new string('9', 5_000_000)).Length, 1, 400);
        Assert.InRange(Refusal("784-" + new string('\u0007', 5_000_000)).Length, 1, 400);
    }

    [Fact]
    public void Random_garbage_is_read_or_refused_and_nothing_else()
    {
        string[] sound = ["-", "-", "-", "784", "10", "1", "0", "15C5", "P2"];
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
                NetworkDescription network = Topology.Parse(text);
                Assert.Equal(network.Blocks, Topology.Parse(network.Topology).Blocks);
                read++;
            }
            catch (TopologyException refusal)
            {
                Assert.DoesNotContain(refusal.Message, char.IsControl);
            }
        }

        Assert.True(read > 100, $"Only {read} texts were topologies: the generator is too wild to test anything.");
    }

    private static string Refusal(string text) => Assert.Throws<TopologyException>(() => Topology.Parse(text)).Message;
}
