using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Tiles;

namespace Fdfa.Gpu.Networks;

/// <summary>What an output with a loss leaves behind, all replicas: the network's, or a local head's.</summary>
internal sealed class LossBuffers : IDisposable
{
    public LossBuffers(ComputeDevice device, int classes, TrainingOptions options, int sampleCapacity, int replicas)
    {
        var rule = options.Rule;
        Error = new DeviceBuffer<float>(device, (long)classes * sampleCapacity * replicas);
        SampleMetrics = new DeviceBuffer<float>(device, 2L * sampleCapacity * replicas);
        if (rule.FollowsPerturbations)
        {
            Derivatives = new DeviceBuffer<float>(device, (long)options.Perturbations * sampleCapacity * replicas);
        }

        if (rule.Injection == Injection.Weights)
        {
            BatchDerivatives = new DeviceBuffer<float>(device, (long)Padding.RoundUp(options.Perturbations) * replicas);
        }

        if (rule.ErrorSignal == ErrorSignal.DirectTargets)
        {
            Targets = new DeviceBuffer<float>(device, (long)classes * sampleCapacity * replicas);
        }
    }

    /// <summary>e, feature-major.</summary>
    public DeviceBuffer<float> Error { get; }

    /// <summary>Loss and correctness per sample.</summary>
    public DeviceBuffer<float> SampleMetrics { get; }

    /// <summary>c per direction and sample, for rules that follow their perturbations.</summary>
    public DeviceBuffer<float>? Derivatives { get; }

    /// <summary>c per direction, for FG-W.</summary>
    public DeviceBuffer<float>? BatchDerivatives { get; }

    /// <summary>What DRTP projects in the place of e.</summary>
    public DeviceBuffer<float>? Targets { get; }

    public void Dispose()
    {
        foreach (var buffer in new[] { Error, SampleMetrics, Derivatives, BatchDerivatives, Targets })
        {
            buffer?.Dispose();
        }
    }
}
