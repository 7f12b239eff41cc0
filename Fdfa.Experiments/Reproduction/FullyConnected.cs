namespace Fdfa.Experiments.Reproduction;

/// <summary>
/// The paper's fully connected networks: blocks of 800 neurons for the 784 pixels of MNIST and its relatives, 1000 for CIFAR10's 3072.
/// </summary>
internal static class FullyConnected
{
    /// <summary>
    /// The network of so many layers for a data set. The output counts as a layer: two layers are one hidden block and the output.
    /// </summary>
    public static string Topology(int layers, string dataSet)
    {
        (string input, string hidden) = dataSet == "cifar-10" ? ("3072", "1000") : ("784", "800");
        return string.Join('-', [input, .. Enumerable.Repeat(hidden, layers - 1), "10"]);
    }
}
