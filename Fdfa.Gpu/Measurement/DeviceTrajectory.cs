using Fdfa.Cpu.Reference;
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
        var expected = reference.Parameters(replica);
        var actual = trainer.GetParameters(replica);
        return Enumerable.Range(0, reference.Network.Blocks.Count).SelectMany(index =>
        {
            var name = $"block {index + 1} of seed {reference.Seeds[replica]}";
            var trace = reference.LastResults[replica].Blocks[index];
            return CompareSignals(name, trainer.Network.Blocks[index], replica, trace, isOutput: index == reference.Network.Blocks.Count - 1)
                .Concat(ParameterComparison.Of(name, expected.Blocks[index], actual.Blocks[index], trace));
        });
    }

    /// <summary>What runs through a block: activations and tangents forward, deltas back.</summary>
    private static IEnumerable<Discrepancy> CompareSignals(string name, DenseBlockBuffers memory, int replica, BlockTrace trace, bool isOutput)
    {
        var samples = trace.Pass.BatchSize;
        yield return Discrepancy.Between(Quantity.Activations, name, trace.Activations, Features(memory, replica, samples, 0));
        for (var direction = 0; direction < trace.Tangents.Count; direction++)
        {
            yield return Discrepancy.Between(
                Quantity.Tangents, name, trace.Tangents[direction], Features(memory, replica, samples, (direction + 1) * memory.SampleCapacity));
        }

        if (!isOutput && trace.PreactivationDeltas is { } deltas)
        {
            yield return Discrepancy.Between(Quantity.Deltas, name, deltas, Deltas(memory, replica, samples));
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
