using System.Diagnostics;
using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;
using Fdfa.Tests.Data;
using Xunit.Abstractions;

namespace Fdfa.Tests.CommandLine;

/// <summary>Memory of a run does not grow with its steps and epochs.</summary>
/// <remarks>Managed memory is that of the process, so these tests run alone in it, and it is taken after a full collection.</remarks>
[Collection(Undisturbed.Name)]
public sealed class MemoryTests(ITestOutputHelper output) : IDisposable
{
    private const string Variable = "FDFA_SOAK";

    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    /// <summary>
    /// What a run keeps of each epoch shows in every sample: a row of metrics or the name of a checkpoint has a hundred bytes.
    /// </summary>
    /// <remarks>
    /// Code that runs for the first time leaves statics and pooled arrays behind, once each and mostly in the first epochs, which are left
    /// out; buffers of the runtime come and go. Hence the median of the growth from one sample to the next, and only a loose bound on
    /// what came together from the first quarter to the last.
    /// </remarks>
    [Fact]
    public void Epochs_keep_no_memory()
    {
        const int EpochsPerSample = 3;
        const int Left = 16;
        const int Samples = 40;
        const double BytesPerEpoch = 16;
        const double BytesTogether = 100_000;
        var memory = new List<Sample>();

        // .NET keeps the text of every number below 300 that was ever written, 32 bytes each: an epoch's, if no other test had it before.
        for (var number = 0; number < 300; number++)
        {
            _ = number.ToString(CultureInfo.InvariantCulture);
        }

        Train("784-8-10", limit: 64, epochs: EpochsPerSample * (Left + Samples), (device, display) => display.OnEpoch = epoch =>
        {
            if (epoch % EpochsPerSample == 0)
            {
                memory.Add(Sample.Take(device));
            }
        });

        memory.RemoveRange(0, Left);
        double[] growth =
            [.. memory.Skip(1).Zip(memory, (later, earlier) => (double)(later.Managed - earlier.Managed) / EpochsPerSample).Order()];
        double median = growth[growth.Length / 2];
        double together = Quarter(memory, 3, sample => sample.Managed) - Quarter(memory, 0, sample => sample.Managed);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{median:F1} bytes per epoch in the median, {together:F0} from the first quarter to the last"));
        Assert.Single(memory.Select(sample => sample.Device).Distinct());
        Assert.InRange(median, double.NegativeInfinity, BytesPerEpoch);
        Assert.InRange(together, double.NegativeInfinity, BytesTogether);
    }

    /// <summary>
    /// A network of the paper's size for as long as is asked for: the last quarter has the memory of the first, within 1 %.
    /// </summary>
    /// <remarks>
    /// The first minute is left out and not counted: tiered compilation, the thread pool and the first epochs take what they keep.
    /// Of managed memory only what came with the run counts, because the tests' own is several times that and would hide a change.
    /// Resident memory is told and not judged: it swings by a third with what the collector keeps for the garbage of the next epochs, tens
    /// of megabytes for each one's model, and the rest of it, native memory above all, still grows by some percent in the first five
    /// minutes.
    /// </remarks>
    [SkippableFact]
    public void Minutes_of_training_have_flat_memory()
    {
        string? minutes = Environment.GetEnvironmentVariable(Variable);
        Skip.If(minutes is null, $"Trains for as many minutes as {Variable} says, and one before; 30 are what is promised.");
        const int Samples = 100;
        TimeSpan left = TimeSpan.FromMinutes(1);
        TimeSpan measured = TimeSpan.FromMinutes(double.Parse(minutes, CultureInfo.InvariantCulture));
        var memory = new List<Sample>(Samples);
        long before = Sample.CollectAndCount();
        int epochs = 0;
        using var end = new CancellationTokenSource();

        Train("784-800-800-800-10", limit: null, epochs: int.MaxValue, (device, display) =>
        {
            var clock = Stopwatch.StartNew();
            display.OnEpoch = epoch => epochs = epoch;
            display.OnReport = () =>
            {
                if (memory.Count == Samples)
                {
                    end.Cancel();
                }
                else if (clock.Elapsed >= left + (measured * memory.Count / (Samples - 1)))
                {
                    memory.Add(Sample.Take(device));
                }
            };
        }, end.Token);

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{measured.TotalMinutes} minutes, {epochs} epochs; bytes in the mean of each quarter:"));
        double managed = LastToFirst("managed", sample => sample.Managed - before);
        double device = LastToFirst("device", sample => sample.Device);
        LastToFirst("resident", sample => sample.Resident);
        LastToFirst("resident beside the collector's", sample => sample.Resident - sample.Committed);
        Assert.InRange(managed, 0.99, 1.01);
        Assert.Equal(1, device);

        double LastToFirst(string name, Func<Sample, long> of)
        {
            double[] quarters = [.. Enumerable.Range(0, 4).Select(quarter => Quarter(memory, quarter, of))];
            double ratio = quarters[3] / quarters[0];
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name}: {quarters[0]:F0} {quarters[1]:F0} {quarters[2]:F0} {quarters[3]:F0}, "
                + $"last to first {100 * (ratio - 1):+0.000;-0.000} %"));
            return ratio;
        }
    }

    private void Train(
        string topology, int? limit, int epochs, Action<ComputeDevice, TrainingObserver> observe, CancellationToken cancellation = default)
    {
        NetworkDescription network = Topology.Parse(topology, ActivationFunction.Tanh);
        LearningRule rule = LearningRule.ForwardDirectFeedbackAlignment;
        var request = new RunRequest(
            network, Preset.Paper.OptionsOn(network, rule), Preset.Paper.Name, epochs, Seeds: [0], DataName: "embedded",
            DataDirectory: null, limit);
        TrainingObserver.Train(request, _temporary.File("run"), observe, cancellation);
    }

    private static double Quarter(List<Sample> samples, int quarter, Func<Sample, long> value) =>
        samples.Take((quarter * samples.Count / 4)..((quarter + 1) * samples.Count / 4)).Average(value);

    /// <summary>Bytes held at one instant.</summary>
    /// <param name="Managed">By objects that are alive.</param>
    /// <param name="Device">By buffers on the device.</param>
    /// <param name="Resident">By the process, of main memory.</param>
    /// <param name="Committed">By the collector, for objects alive and to come.</param>
    private readonly record struct Sample(long Managed, long Device, long Resident, long Committed)
    {
        public static Sample Take(ComputeDevice device) => new(
            CollectAndCount(), device.HeldBytes, Environment.WorkingSet, GC.GetGCMemoryInfo(GCKind.Any).TotalCommittedBytes);

        public static long CollectAndCount()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return GC.GetTotalMemory(forceFullCollection: true);
        }
    }
}

/// <summary>Tests beside which no other runs.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Undisturbed
{
    public const string Name = "undisturbed";
}
