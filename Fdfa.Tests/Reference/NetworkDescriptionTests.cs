using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Reference;

public sealed class NetworkDescriptionTests
{
    /// <summary>
    /// Dense networks: Table B.5, exact where the paper's "636K" is known to be 636,010.
    /// Convolutional ones counted by hand: weights and biases of 15·25 + 15, 40·375 + 40, 640·128 + 128 and 1290 on 28x28; with 3 channels
    /// and 1000 values flattened on 32x32; without the first pool 4000 values flattened. Torchvision's AlexNet has 61,100,840 with 1000
    /// classes; batch normalization has γ and β in the place of b, one more number for each of its 64 + 192 + 384 + 256 + 256 filters.
    /// </summary>
    [Theory]
    [InlineData("784-800-10", 0, 0, 636_010, 810)]
    [InlineData("784-800-800-10", 0, 0, 1_276_810, 1_610)]
    [InlineData("784-800-800-800-10", 0, 0, 1_917_610, 2_410)]
    [InlineData("3072-1000-10", 0, 0, 3_083_010, 1_010)]
    [InlineData("3072-1000-1000-10", 0, 0, 4_084_010, 2_010)]
    [InlineData("3072-1000-1000-1000-10", 0, 0, 5_085_010, 3_010)]
    [InlineData("15C5-P2-40C5-P2-128-10", 1, 28, 98_768, (15 * 144) + (40 * 16) + 138)]
    [InlineData("15C5-P2-40C5-P2-128-10", 3, 32, 145_598, (15 * 196) + (40 * 25) + 138)]
    [InlineData("15C5-40C5-P2-128-10", 1, 28, 390 + 15_040 + 512_128 + 1_290, (15 * 576) + (40 * 100) + 138)]
    [InlineData(
        "64C11/4+2-P3/2-192C5+2-P3/2-384C3+1-256C3+1-256C3+1-P3/2-A6-4096-4096-1000", 3, 224, 61_100_840,
        46_656 + 32_448 + 64_896 + 43_264 + 9_216 + 9_192)]
    [InlineData("alexnet-1000", 3, 224, 61_100_840 + 1_152, 46_656 + 32_448 + 64_896 + 43_264 + 9_216 + 9_192)]
    [InlineData("alexnet-200", 3, 224, 61_100_840 + 1_152 - (800 * 4_097), 46_656 + 32_448 + 64_896 + 43_264 + 9_216 + 8_392)]
    [InlineData("alexnet-1000", 3, 64, 61_100_840 + 1_152 - ((9_216 - 2_304) * 4_096), 14_400 + 9_408 + 18_816 + 12_544 + 2_304 + 9_192)]
    [InlineData("alexnet-1000", 3, 32, 61_100_840 + 1_152 - ((9_216 - 2_304) * 4_096), 14_400 + 9_408 + 18_816 + 12_544 + 2_304 + 9_192)]
    public void Parameters_and_neurons_are_known(string topology, int channels, int side, long parameters, long neurons)
    {
        NetworkDescription network = Topology.Parse(topology, inputShape: channels == 0 ? null : new ImageShape(channels, side, side));
        Assert.Equal(parameters, network.ParameterCount);
        Assert.Equal(neurons, network.NeuronCount);
    }

    [Fact]
    public void AlexNet_is_torchvisions_at_every_other_size_too()
    {
        var shape = new ImageShape(3, 96, 72);
        NetworkDescription network = Topology.Parse("alexnet-7", inputShape: shape);
        ConvolutionBlock[] maps = [.. network.Blocks.OfType<ConvolutionBlock>()];
        Assert.Equal([new(64, 23, 17), new(192, 11, 8), new(384, 5, 3), new(256, 5, 3), new(256, 5, 3)], maps.Select(block => block.Map));
        Assert.Equal(new ImageShape(256, 2, 1), maps[^1].Pooled);
        Assert.Equal(new ImageShape(256, 6, 6), maps[^1].Output);
        Assert.Equal([true, true, true, true, true, false, false, false], network.Blocks.Select(block => block.HasBatchNormalization));
        Assert.Equal("alexnet-7", network.Topology);
        Assert.True(Topology.Parse("alexnet-7", inputShape: shape, batchNormalization: true).Blocks[5].HasBatchNormalization);
    }

    [Fact]
    public void Blocks_that_do_not_fit_each_other_are_refused()
    {
        var first = new DenseBlock(4, 5, ActivationFunction.ReLU);
        var last = new DenseBlock(5, 2, ActivationFunction.Identity);
        Assert.Equal("4-5-2", new NetworkDescription([first, last]).Topology);
        void Refuse(string expected, params Block[] blocks) =>
            Refusal.Of<TopologyException>(() => new NetworkDescription(blocks), expected);
        Refuse("0 blocks");
        Refuse("block 2 takes 6 inputs, but block 1 gives 5", first, new DenseBlock(6, 2, ActivationFunction.Identity));
        Refuse("block 1 has the activation Tanh", first with { Activation = ActivationFunction.Tanh }, last);
        Refuse("block 1 is the output", first);
        Refuse("block 2 is the output", first, last with { HasBatchNormalization = true });
        Refuse("block 1 is the output", new ConvolutionBlock(new(1, 4, 4), 2, 3, 1, 0, ActivationFunction.Identity));
        Refuse("block 1 has no outputs", new DenseBlock(4, 0, ActivationFunction.ReLU), last);
        Refuse("give each of its sizes", new ConvolutionBlock(new(1, 4, 4), 2, 3, 0, 0, ActivationFunction.ReLU), last);
    }

    [Fact]
    public void The_largest_network_is_counted_without_overflow()
    {
        var network = new NetworkDescription([.. Enumerable.Repeat(1_000_000, 257)]);
        Assert.Equal(256L * 1_000_001 * 1_000_000, network.ParameterCount);
    }

    [Theory]
    [InlineData(new int[0])]
    [InlineData(new[] { 784 })]
    [InlineData(new[] { 784, 0, 10 })]
    [InlineData(new[] { 784, -5, 10 })]
    [InlineData(new[] { 784, 1_000_001 })]
    public void Sizes_outside_the_limits_are_refused(int[] sizes) =>
        Assert.Throws<TopologyException>(() => new NetworkDescription(sizes));

    [Fact]
    public void More_than_256_blocks_are_refused() =>
        Assert.Throws<TopologyException>(() => new NetworkDescription([.. Enumerable.Repeat(3, 258)]));

    [Fact]
    public void An_activation_without_a_name_is_refused() =>
        Assert.Throws<InvalidOptionException>(() => new NetworkDescription([784, 10], (ActivationFunction)99));

    [Fact]
    public void A_list_that_changes_later_changes_nothing()
    {
        var sizes = new List<int> { 784, 800, 10 };
        var network = new NetworkDescription(sizes);
        sizes[1] = 5;
        Assert.Equal(800, network.Blocks[0].Outputs);
    }
}
