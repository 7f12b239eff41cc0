using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Reference;

public sealed class NetworkDescriptionTests
{
    /// <summary>Table B.5; exact where the paper's "636K" is known to be 636,010.</summary>
    [Theory]
    [InlineData("784-800-10", 636_010, 810)]
    [InlineData("784-800-800-10", 1_276_810, 1_610)]
    [InlineData("784-800-800-800-10", 1_917_610, 2_410)]
    [InlineData("3072-1000-10", 3_083_010, 1_010)]
    [InlineData("3072-1000-1000-10", 4_084_010, 2_010)]
    [InlineData("3072-1000-1000-1000-10", 5_085_010, 3_010)]
    public void Parameters_and_neurons_are_those_of_table_B5(string topology, long parameters, long neurons)
    {
        NetworkDescription network = Topology.Parse(topology);
        Assert.Equal(parameters, network.ParameterCount);
        Assert.Equal(neurons, network.NeuronCount);
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
