using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Networks;
using Fdfa.Gpu.Training;
using ILGPU;
using ILGPU.Runtime;

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
        for (var index = 0; index < reference.Network.Blocks.Count; index++)
        {
            var trace = reference.LastResults[replica].Blocks[index];
            var memory = trainer.Network.Blocks[index];
            var samples = trace.Activations.Length / memory.Block.Outputs;
            var name = $"block {index + 1} of seed {reference.Seeds[replica]}";
            yield return Discrepancy.Between(Quantity.Activations, name, trace.Activations, Features(memory, replica, samples, 0));
            for (var direction = 0; direction < trace.Tangents.Count; direction++)
            {
                yield return Discrepancy.Between(
                    Quantity.Tangents, name, trace.Tangents[direction], Features(memory, replica, samples, (direction + 1) * memory.SampleCapacity));
            }

            if (index < reference.Network.Blocks.Count - 1 && trace.PreactivationDeltas is { } deltas)
            {
                yield return Discrepancy.Between(Quantity.Deltas, name, deltas, Deltas(memory, replica, samples));
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

    private static double[] Features(DenseBlockBuffers memory, int replica, int samples, int offset) => Transposed(
        memory.OutputFeatures, replica, (memory.Block.Outputs + 1) * memory.OutputFeatureStride, memory.Block.Outputs, memory.OutputFeatureStride, offset, samples);

    private static double[] Deltas(DenseBlockBuffers memory, int replica, int samples) => Transposed(
        memory.Deltas, replica, memory.Block.Outputs * memory.DeltaStride, memory.Block.Outputs, memory.DeltaStride, 0, samples);

    private static double[] Transposed(ArrayView<float> view, int replica, int length, int rows, int stride, int offset, int samples)
    {
        var values = new float[length];
        view.SubView((long)replica * length, length).CopyToCPU(values);
        var result = new double[samples * rows];
        for (var sample = 0; sample < samples; sample++)
        {
            for (var row = 0; row < rows; row++)
            {
                result[(sample * rows) + row] = values[(row * stride) + offset + sample];
            }
        }

        return result;
    }
}
