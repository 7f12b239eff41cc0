using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;

namespace Fdfa.Tests.Training;

/// <summary>Random samples and labels that fit a network.</summary>
internal static class SomeSamples
{
    public static (byte[] Samples, byte[] Labels) Of(int count, int sampleSize, int classes, int seed = 7)
    {
        var random = new Random(seed);
        var samples = new byte[count * sampleSize];
        random.NextBytes(samples);
        return (samples, [.. Enumerable.Range(0, count).Select(_ => (byte)random.Next(classes))]);
    }

    public static DeviceDataSet On(ComputeDevice device, int count, NetworkDescription network, ImageShape? image = null, int seed = 7)
    {
        var sampleSize = image?.Size ?? network.InputSize;
        var (samples, labels) = Of(count, sampleSize, network.OutputSize, seed);
        return new DeviceDataSet(device, samples, labels, sampleSize, network.OutputSize, image);
    }

    /// <summary>Trains that many steps.</summary>
    public static void TrainSteps(this Trainer trainer, int steps)
    {
        for (var step = 0; step < steps; step++)
        {
            trainer.TrainStep();
        }
    }

    /// <summary>Saves the state of each seed in a file of its own.</summary>
    public static string[] SaveStates(IReadOnlyList<ulong> seeds, Action<int, Stream> save, Func<string, string> file) =>
        [.. seeds.Select((_, replica) =>
        {
            var path = file($"{Guid.NewGuid():N}.safetensors");
            using var stream = File.Create(path);
            save(replica, stream);
            return path;
        })];
}
