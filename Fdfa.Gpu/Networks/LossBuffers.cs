using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Networks;

/// <summary>What an output with a loss leaves behind, all replicas: the network's, or a local head's.</summary>
internal sealed class LossBuffers
{
    public LossBuffers(BufferSet memory, int classes, TrainingOptions options, int sampleCapacity)
    {
        var rule = options.Rule;
        Error = memory.Allocate((long)classes * sampleCapacity);
        SampleMetrics = memory.Allocate(2L * sampleCapacity);
        Derivatives = memory.Allocate(rule.FollowsPerturbations ? (long)options.Perturbations * sampleCapacity : 0);
        BatchDerivatives = memory.Allocate(rule.Injection == Injection.Weights ? Padding.RoundUp(options.Perturbations) : 0);
        Targets = memory.Allocate(rule.ErrorSignal == ErrorSignal.DirectTargets ? (long)classes * sampleCapacity : 0);
    }

    /// <summary>e, feature-major.</summary>
    public ArrayView<float> Error { get; }

    /// <summary>Loss and correctness per sample.</summary>
    public ArrayView<float> SampleMetrics { get; }

    /// <summary>c per direction and sample, for rules that follow their perturbations; else empty.</summary>
    public ArrayView<float> Derivatives { get; }

    /// <summary>c per direction, for FG-W; else empty.</summary>
    public ArrayView<float> BatchDerivatives { get; }

    /// <summary>What DRTP projects in the place of e; else empty.</summary>
    public ArrayView<float> Targets { get; }
}
