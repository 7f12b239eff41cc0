using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;

namespace Fdfa.Experiments.Figures;

/// <summary>A two-layer network whose derivatives keep their size at every width: what Propositions 5 and 6 assume.</summary>
/// <remarks>
/// They assume bounded derivatives ∂L/∂w, and their O(·) adds silently that these do not vanish either. With the usual weights of
/// order 1/√n₁ in the output block they would, and the variance would not grow with n₁ at all. Here four neurons at a time are
/// <code>
/// input weights     w    w   −w   −w        w Kaiming's
/// output weights    s   −s    s   −s        s: half of them 1, half −1
/// </code>
/// so that, whatever the sample and the width,
/// <list type="bullet">
/// <item>the outputs are 0, because pairs cancel, and e = 1/10 − onehot;</item>
/// <item>|∂L/∂y_i| = |e·s| = 1 for every hidden neuron, because the elements of s sum to 0;</item>
/// <item>one half of the neurons is active, because w·x and −w·x have opposite signs;</item>
/// <item>inputs that are repeated shrink w by Kaiming's bound, and no derivative with it: ∂y_i/∂w_ij is x_j or 0.</item>
/// </list>
/// Nothing is left to the luck of a draw of weights: only perturbations are random.
/// </remarks>
internal static class MirroredNetwork
{
    private const int Together = 4;

    /// <summary>Creates the parameters.</summary>
    /// <param name="network">Two dense blocks; the hidden one has a multiple of four neurons, the output an even number.</param>
    /// <param name="options">Says whether there is feedback, which becomes W⁽²⁾.</param>
    public static NetworkParameters Create(NetworkDescription network, TrainingOptions options)
    {
        int inputs = network.InputSize;
        int hidden = network.Blocks[0].Outputs;
        int outputs = network.OutputSize;
        if (hidden % Together != 0 || outputs % 2 != 0)
        {
            throw new ArgumentException(
                $"{hidden} hidden neurons are not a multiple of {Together}, or {outputs} outputs not an even number.", nameof(network));
        }

        NetworkParameters parameters = Initialiser.Create(
            network, options with { WeightInitialisation = Initialisation.KaimingUniform }, seed: 0);
        (double[] first, double[] second) = (parameters.Blocks[0].Weights, parameters.Blocks[1].Weights);
        for (var neuron = 0; neuron < hidden; neuron++)
        {
            int leader = neuron / Together * Together;
            int inputSign = neuron % Together < Together / 2 ? 1 : -1;
            int outputSign = neuron % 2 == 0 ? 1 : -1;
            for (var input = 0; input < inputs; input++)
            {
                first[(neuron * inputs) + input] = inputSign * first[(leader * inputs) + input];
            }

            // An order of the outputs: those in its first half have 1.
            int[] order = EpochOrder.Create(outputs, seed: 0, epoch: leader);
            for (var output = 0; output < outputs; output++)
            {
                second[(output * hidden) + neuron] = outputSign * (order[output] < outputs / 2 ? 1 : -1);
            }
        }

        if (parameters.Blocks[0].Feedback.Length > 0)
        {
            second.CopyTo(parameters.Blocks[0].Feedback, 0);
        }

        return parameters;
    }
}
