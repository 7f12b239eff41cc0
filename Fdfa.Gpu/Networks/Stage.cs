using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using ILGPU;

namespace Fdfa.Gpu.Networks;

/// <summary>
/// Consecutive blocks on one device, with what they share there; and copies of what they read that another device writes.
/// </summary>
/// <remarks>
/// One stage holds a whole network and copies nothing. Between stages cross, of a block at their boundary, its outputs and tangents
/// (upward, with the labels), and of the network's output what the rule sends straight to all blocks: e, or d⁽ᴸ⁾ and e, or c. Parameters,
/// feedback and optimizer state stay where they are. A backward chain also crosses, link by link. Where the weights of a link lie, there it
/// is computed: BP's above the boundary, from where δ of the block below comes down; FA's fixed feedback lies there in their place.
/// L-FDFA's feedback learns from perturbations of the block below and stays with it: ∂z of the block above comes down, with the tangents
/// that arrive there.
/// </remarks>
internal sealed class Stage : IDisposable
{
    private readonly List<Crossing> _crossings = [];
    private readonly Crossing?[] _fromBelow = new Crossing?[2];
    private Crossing? _fromOutput;
    private Crossing? _fromAbove;
    private Crossing? _link;

    /// <param name="memory">Where what belongs to none of its blocks lies.</param>
    /// <param name="placement">Which blocks those are.</param>
    /// <param name="share">The stage's share of them.</param>
    /// <param name="network">The network.</param>
    /// <param name="options">How it is trained.</param>
    /// <param name="sampleCapacity">Samples that a step can take.</param>
    public Stage(BufferSet memory, Placement placement, int share, NetworkDescription network, TrainingOptions options, int sampleCapacity)
    {
        Memory = memory;
        Begin = placement.BeginOf(share);
        End = placement.EndOf(share);
        Loss = new LossBuffers(memory, network.OutputSize, options, sampleCapacity);
        HeadMetrics = memory.Allocate(2);
        Seeds = memory.Allocate<uint>(2, BufferUse.Activations);
    }

    /// <summary>Its first block, from 0.</summary>
    public int Begin { get; }

    /// <summary>The block behind its last.</summary>
    public int End { get; }

    /// <summary>Where what belongs to none of its blocks lies.</summary>
    public BufferSet Memory { get; }

    /// <summary>Where it lies; nobody asks where a network is only counted.</summary>
    public ComputeDevice Device => Memory.Device!;

    /// <summary>The tile program there; nobody asks either.</summary>
    public TileProgram Tiles => Memory.Tiles!;

    /// <summary>What the network's output leaves behind, or a copy.</summary>
    public LossBuffers Loss { get; }

    /// <summary>Where heads' metrics go: nobody reads them.</summary>
    public ArrayView<float> HeadMetrics { get; }

    /// <summary>Per replica: low and high word of the seed.</summary>
    public ArrayView<uint> Seeds { get; }

    /// <summary>Labels of even and odd steps.</summary>
    public ArrayView<uint>[] Labels { get; private set; } = [default, default];

    /// <summary>y⁽ᴸ⁾ and d⁽ᴸ⁾, feature-major, for rules whose feedback learns from them.</summary>
    public ArrayView<float> OutputFeatures { get; private set; }

    /// <summary>
    /// Of the block below the first, copies of <see cref="BlockBuffers.FeaturesForNext"/> of even and odd steps; empty in the first stage.
    /// </summary>
    public ArrayView<float>[] FeaturesBelow { get; } = [default, default];

    /// <summary>Of that block, copies of <see cref="BlockBuffers.Outputs"/>.</summary>
    public ArrayView<float>[] OutputsBelow { get; } = [default, default];

    /// <summary>What a link into that block leaves here: ∂z where it is dense, δ where it has channels.</summary>
    public ArrayView<float> DeltasBelow { get; private set; }

    /// <summary>L-FDFA: of the block above the last, a copy of ∂z.</summary>
    public ArrayView<float> DeltasAbove { get; private set; }

    /// <summary>L-FDFA: of that block, a copy of the tangents that arrive there.</summary>
    public ArrayView<float> ArrivingTangentsAbove { get; private set; }

    /// <summary>Samples of the step whose update waits; 0 where none does.</summary>
    public int PendingSamples { get; set; }

    /// <summary>The configuration of a launch of groups by replicas; counts it.</summary>
    public KernelConfig Launch(int groups) => Device.Launch(Tiles, groups, Memory.Replicas);

    /// <summary>The first stage needs no copy of the labels.</summary>
    public void HoldInputs(InputBuffers inputs) => Labels = [inputs.Labels(0), inputs.Labels(1)];

    /// <summary>The last stage needs none of the output.</summary>
    public void HoldOutput(BlockBuffers output) => OutputFeatures = output.Features(0);

    /// <summary>Makes room for what crosses the boundary to the stage below, in both directions.</summary>
    /// <param name="below">That stage, joined to its own below.</param>
    /// <param name="top">Its last block.</param>
    /// <param name="bottom">The first block of this one.</param>
    /// <param name="rule">The rule.</param>
    public void Join(Stage below, BlockBuffers top, BlockBuffers bottom, LearningRule rule)
    {
        for (var parity = 0; parity < 2; parity++)
        {
            var crossing = Open(below.Device, Device);
            FeaturesBelow[parity] = Copied(top.FeaturesForNext(parity), Memory, crossing);
            OutputsBelow[parity] = Copied(top.Outputs[parity], Memory, crossing);
            Labels[parity] = Copied(below.Labels[parity], Memory, crossing);
            _fromBelow[parity] = crossing;
        }

        if (rule is { HasBackwardChain: true, LearnsFeedback: true })
        {
            below._fromAbove = Open(Device, below.Device);
            below.DeltasAbove = Copied(bottom.Deltas, below.Memory, below._fromAbove);
            below.ArrivingTangentsAbove = Copied(
                (bottom as DenseBlockBuffers)?.ArrivingTangents ?? default, below.Memory, below._fromAbove);
        }
        else if (rule.HasBackwardChain)
        {
            var arriving = (top as ChannelBlockBuffers)?.SiteDeltas ?? top.Deltas;
            DeltasBelow = Memory.Allocate(arriving.Length / Memory.Replicas);
            _link = Open(Device, below.Device);
            _link.Add(DeltasBelow, arriving);
        }
    }

    /// <summary>Makes room for what the output sends straight to all blocks.</summary>
    /// <param name="last">The stage with the output.</param>
    /// <param name="rule">The rule; one with fixed layerwise feedback, or none, sends nothing.</param>
    public void Listen(Stage last, LearningRule rule)
    {
        if (rule is { HasBackwardChain: true, LearnsFeedback: false })
        {
            return;
        }

        _fromOutput = Open(last.Device, Device);
        _fromOutput.Add(last.Loss.Derivatives, Loss.Derivatives);
        _fromOutput.Add(last.Loss.BatchDerivatives, Loss.BatchDerivatives);
        _fromOutput.Add(last.Loss.Targets, Loss.Targets);
        if (rule.HasFeedback && Loss.Targets.Length == 0)
        {
            _fromOutput.Add(last.Loss.Error, Loss.Error);
        }

        if (rule.FeedbackUpdate == FeedbackUpdate.ForwardGradient)
        {
            OutputFeatures = Copied(last.OutputFeatures, Memory, _fromOutput);
        }
    }

    /// <summary>Fetches the outputs of the block below, and the labels, of a step.</summary>
    public void FetchBelow(long step) => _fromBelow[step & 1]?.Run();

    /// <summary>Fetches what the output sends.</summary>
    public void FetchOutput() => _fromOutput?.Run();

    /// <summary>L-FDFA: fetches what the block above sends.</summary>
    public void FetchAbove() => _fromAbove?.Run();

    /// <summary>Sends what a link left here to the block below.</summary>
    public void SendLink() => _link?.Run();

    /// <inheritdoc/>
    public void Dispose()
    {
        _crossings.ForEach(crossing => crossing.Dispose());
        Memory.Dispose();
    }

    private Crossing Open(ComputeDevice from, ComputeDevice to)
    {
        var crossing = new Crossing(from, to);
        _crossings.Add(crossing);
        return crossing;
    }

    private static ArrayView<T> Copied<T>(ArrayView<T> source, BufferSet memory, Crossing crossing)
        where T : unmanaged
    {
        var copy = memory.Allocate<T>(source.Length / memory.Replicas, BufferUse.Activations);
        crossing.Add(source, copy);
        return copy;
    }
}
