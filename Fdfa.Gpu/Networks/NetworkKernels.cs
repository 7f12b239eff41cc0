using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Channels;
using Fdfa.Gpu.Kernels.Dense;
using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Networks;

/// <summary>The kernels of a network, compiled for a device when they are first launched.</summary>
internal sealed class NetworkKernels
{
    private readonly Lazy<Action<AcceleratorStream, KernelConfig, DenseBlockArguments>> _dense;
    private readonly Lazy<Action<AcceleratorStream, KernelConfig, DenseBlockArguments, BatchGather>> _firstDense;
    private readonly Lazy<Action<AcceleratorStream, KernelConfig, DeltaProjection, int>> _denseBackward;
    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ChannelBlockArguments>> _channels;
    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ChannelBlockArguments, BatchGather>> _firstChannels;
    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ChannelBlockArguments, ChannelLink>> _channelBackward;

    public NetworkKernels(ComputeDevice device, TileProgram tiles, ActivationFunction activation, TrainingOptions options)
    {
        var choice = new KernelChoice(tiles.Type, activation, options);
        _dense = new(() => device.Load<DenseBlockArguments>(choice.Dense));
        _firstDense = new(() => device.Load<DenseBlockArguments, BatchGather>(choice.FirstDense));
        _denseBackward = new(() => device.Load<DeltaProjection, int>(choice.DenseBackward));
        _channels = new(() => device.Load<ChannelBlockArguments>(choice.Channels));
        _firstChannels = new(() => device.Load<ChannelBlockArguments, BatchGather>(choice.FirstChannels));
        _channelBackward = new(() => device.Load<ChannelBlockArguments, ChannelLink>(choice.ChannelBackward));
        Output = device.Load<DenseBlockArguments, LossArguments>(choice.Output);
        Gather = device.Load<BatchGather>(choice.Gather);
    }

    public Action<AcceleratorStream, KernelConfig, DenseBlockArguments> Dense => _dense.Value;

    public Action<AcceleratorStream, KernelConfig, DenseBlockArguments, BatchGather> FirstDense => _firstDense.Value;

    public Action<AcceleratorStream, KernelConfig, DeltaProjection, int> DenseBackward => _denseBackward.Value;

    public Action<AcceleratorStream, KernelConfig, ChannelBlockArguments> Channels => _channels.Value;

    public Action<AcceleratorStream, KernelConfig, ChannelBlockArguments, BatchGather> FirstChannels => _firstChannels.Value;

    public Action<AcceleratorStream, KernelConfig, ChannelBlockArguments, ChannelLink> ChannelBackward => _channelBackward.Value;

    public Action<AcceleratorStream, KernelConfig, DenseBlockArguments, LossArguments> Output { get; }

    public Action<AcceleratorStream, KernelConfig, BatchGather> Gather { get; }
}
