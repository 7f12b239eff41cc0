using Fdfa.Cpu.Reference;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Networks;

namespace Fdfa.Gpu.Training;

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
        var step = trainer.Network.LastStep;
        return Enumerable.Range(0, reference.Network.Blocks.Count).SelectMany(index =>
        {
            var name = $"block {index + 1} of seed {reference.Seeds[replica]}";
            var result = reference.LastResults[replica];
            var trace = result.Blocks[index];
            return CompareSignals(
                name, trainer.Network.Blocks[index], replica, step, trace, isOutput: index == reference.Network.Blocks.Count - 1,
                Cancellation(reference, result))
                .Concat(ParameterComparison.Of(name, expected.Blocks[index], actual.Blocks[index], trace));
        });
    }

    /// <summary>What runs through a block: activations and tangents forward, deltas back.</summary>
    private static IEnumerable<Discrepancy> CompareSignals(
        string name, BlockBuffers memory, int replica, long step, BlockTrace trace, bool isOutput, double cancellation)
    {
        var samples = trace.Pass.BatchSize;
        yield return Discrepancy.Between(Quantity.Activations, name, trace.Activations, memory.ReadOutputs(replica, -1, samples, step));
        for (var direction = 0; direction < trace.Tangents.Count; direction++)
        {
            yield return Discrepancy.Between(
                Quantity.Tangents, name, trace.Tangents[direction], memory.ReadOutputs(replica, direction, samples, step));
        }

        if (!isOutput && trace.Gradient.LinearDeltas is { } deltas)
        {
            yield return Discrepancy.Between(
                Quantity.Deltas, name, deltas, memory.ReadDeltas(replica, samples),
                beside: Array.ConvertAll(deltas, delta => cancellation * delta));
        }
    }

    /// <summary>
    /// Deltas that follow perturbations are sums of c u, and c = e · d is rounded like its terms, which may nearly cancel out: by how much,
    /// over samples and directions. 1 where there is nothing of the kind.
    /// </summary>
    private static double Cancellation(ReferenceTrajectory reference, StepResult step)
    {
        if (!reference.Options.Rule.FollowsPerturbations)
        {
            return 1;
        }

        var terms = step.Blocks[^1].Tangents
            .SelectMany(tangents => step.OutputError.Zip(tangents, (e, d) => e * d).Chunk(reference.Network.OutputSize)).ToList();
        var sums = terms.Sum(sample => Math.Pow(sample.Sum(), 2));
        return sums > 0 ? Math.Sqrt(terms.Sum(sample => Math.Pow(sample.Sum(Math.Abs), 2)) / sums) : 1;
    }
}
