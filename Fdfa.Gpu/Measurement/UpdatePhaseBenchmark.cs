using System.Diagnostics;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Networks;
using Fdfa.Gpu.Training;

namespace Fdfa.Gpu.Measurement;

/// <summary>The update phase of a training step: all that is left to do once e is there.</summary>
/// <param name="Rule">The rule's name.</param>
/// <param name="Blocks">L.</param>
/// <param name="Seconds">Median time on one device, a launch after the other.</param>
/// <param name="Launches">Launches in it.</param>
/// <param name="PathLaunches">The longest chain of launches that wait for one another.</param>
/// <param name="PathSeconds">The longest such chain in time, from the median time of each launch by itself.</param>
public sealed record UpdatePhase(string Rule, int Blocks, double Seconds, int Launches, int PathLaunches, double PathSeconds);

/// <summary>Times update phases.</summary>
public static class UpdatePhaseBenchmark
{
    /// <summary>Until the runtime has compiled the kernels anew with all optimisations.</summary>
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(0.5);

    /// <summary>Times update phases on synthetic data, as a whole and launch by launch.</summary>
    /// <param name="device">Where.</param>
    /// <param name="network">A dense network without batch normalization.</param>
    /// <param name="options">A rule without local heads, batch size and optimizers.</param>
    /// <param name="runs">How many of each kind, at least 1.</param>
    /// <param name="cancellation">Ends the measurement early.</param>
    /// <exception cref="DeviceException">The network needs more memory than there is.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static UpdatePhase Run(
        ComputeDevice device, NetworkDescription network, TrainingOptions options, int runs = 15, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(runs, 1);
        NetworkMemory.RequireFit([device], network, options, replicas: 1);
        var graph = LaunchGraph.Of(options.Rule, network.Blocks.Count);
        using var data = StepBenchmark.Noise(device, network, options.BatchSize);
        using var trainer = new Trainer(device, network, options, data, [0]);
        var phase = new Phase(device, trainer, network.Blocks.Count);
        var whole = new List<double>();
        var single = Enumerable.Range(0, graph.Count).Select(_ => new List<double>()).ToArray();
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < WarmUp;)
        {
            cancellation.ThrowIfCancellationRequested();
            phase.Time(eachLaunch: false);
        }

        for (var run = 0; run < runs; run++)
        {
            cancellation.ThrowIfCancellationRequested();
            whole.Add(phase.Time(eachLaunch: false).Sum());
            var launches = phase.Time(eachLaunch: true);
            for (var launch = 0; launch < graph.Count; launch++)
            {
                single[launch].Add(launches[launch]);
            }
        }

        return new UpdatePhase(
            options.Rule.Name,
            network.Blocks.Count,
            Median(whole),
            graph.Count,
            (int)graph.LongestPath(_ => 1),
            graph.LongestPath(launch => Median(single[launch])));
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>
    /// A step whose launches are watched: those after its forward pass, and those of the update, which would otherwise wait for the next
    /// step.
    /// </summary>
    private sealed class Phase(ComputeDevice device, Trainer trainer, int forwardLaunches)
    {
        private readonly List<long> _marks = [];
        private int _launches;
        private bool _eachLaunch;

        /// <summary>The seconds of each launch, or of all together.</summary>
        public IReadOnlyList<double> Time(bool eachLaunch)
        {
            // An epoch's first step has a launch more, which gathers its batch.
            if (trainer.Step % trainer.StepsPerEpoch == 0)
            {
                trainer.TrainStep();
            }

            trainer.Network.Flush();
            _marks.Clear();
            (_launches, _eachLaunch) = (0, eachLaunch);
            device.BeforeLaunch = Watch;
            try
            {
                trainer.TrainStep();
                trainer.Network.Flush();
                Mark();
            }
            finally
            {
                device.BeforeLaunch = null;
            }

            return [.. _marks.Zip(_marks.Skip(1), (begin, end) => Stopwatch.GetElapsedTime(begin, end).TotalSeconds)];
        }

        private void Watch()
        {
            if (_launches == forwardLaunches || (_launches > forwardLaunches && _eachLaunch))
            {
                Mark();
            }

            _launches++;
        }

        private void Mark()
        {
            device.Accelerator.Synchronize();
            _marks.Add(Stopwatch.GetTimestamp());
        }
    }
}
