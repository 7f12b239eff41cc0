using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;

namespace Fdfa.Gpu.Measurement;

/// <summary>The same steps on a device, compared with the reference.</summary>
internal static class DeviceTrajectory
{
    /// <summary>Trains on the device and compares what the last step computed, and the parameters after it.</summary>
    public static IReadOnlyList<Discrepancy> Compare(ComputeDevice device, ReferenceTrajectory reference)
    {
        using var data = new DeviceDataSet(
            device, reference.Samples, reference.Labels, reference.Network.InputSize, reference.Network.OutputSize);
        using var trainer = new Trainer(device, reference.Network, reference.Options, data, reference.Seeds);
        for (var step = 0; step < reference.Steps; step++)
        {
            trainer.TrainStep();
        }

        var discrepancies = Enumerable.Range(0, reference.Seeds.Count).SelectMany(replica => Compare(trainer, reference, replica)).ToList();

        // Evaluation comes last: it overwrites the activations.
        discrepancies.AddRange(trainer.Evaluate(data).Select((evaluation, replica) =>
            Discrepancy.Between(Quantity.Loss, $"seed {reference.Seeds[replica]}", [reference.Loss(replica)], [evaluation.Loss])));
        return discrepancies;
    }

    private static IEnumerable<Discrepancy> Compare(Trainer trainer, ReferenceTrajectory reference, int replica)
    {
        var parameters = trainer.GetParameters(replica);
        var step = trainer.Network.LastStep;
        for (var index = 0; index < reference.Network.Blocks.Count; index++)
        {
            var trace = reference.LastResults[replica].Blocks[index];
            var memory = trainer.Network.Blocks[index];
            var samples = trace.Activations.Length / memory.Block.Outputs;
            var name = $"block {index + 1} of seed {reference.Seeds[replica]}";
            yield return Discrepancy.Between(Quantity.Activations, name, trace.Activations, memory.ReadOutputs(replica, -1, samples, step));
            for (var direction = 0; direction < trace.Tangents.Count; direction++)
            {
                yield return Discrepancy.Between(
                    Quantity.Tangents, name, trace.Tangents[direction], memory.ReadOutputs(replica, direction, samples, step));
            }

            if (index < reference.Network.Blocks.Count - 1 && trace.Gradient.LinearDeltas is { } deltas)
            {
                yield return Discrepancy.Between(Quantity.Deltas, name, deltas, memory.ReadDeltas(replica, samples));
            }

            var expected = reference.Parameters(replica).Blocks[index];
            var actual = parameters.Blocks[index];
            yield return Discrepancy.Between(Quantity.Weights, name, expected.Weights, actual.Weights, trace.WeightGradient);
            yield return Discrepancy.Between(Quantity.Biases, name, expected.Biases, actual.Biases, trace.BiasGradient);
            yield return Discrepancy.Between(Quantity.Feedback, name, expected.Feedback, actual.Feedback, trace.FeedbackGradient);
            if (expected.Head is { } head)
            {
                yield return Discrepancy.Between(
                    Quantity.Weights, $"the head of {name}", head.Weights, actual.Head?.Weights, trace.Gradient.Head?.Weights);
                yield return Discrepancy.Between(
                    Quantity.Biases, $"the head of {name}", head.Biases, actual.Head?.Biases, trace.Gradient.Head?.Biases);
            }
        }
    }
}
