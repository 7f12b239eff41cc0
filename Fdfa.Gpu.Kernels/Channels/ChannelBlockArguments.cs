using System.Runtime.CompilerServices;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Channels;

/// <summary>
/// Everything the kernels of a block with channels read and write: a convolution, or a dense block with batch normalization. Each view
/// holds all replicas.
/// </summary>
/// <remarks>
/// C channels have P positions each in the map z, a⁽ˡ⁾, σ(a⁽ˡ⁾), and Q in the block's output, which is fewer where the map is pooled;
/// a dense block has P = Q = 1. A channel's rows lie one after the other: value (c, p) is row c · P + p.
/// Feature-major buffers are [rows × (1 + K) · SampleCapacity]: values, then the tangents of K directions side by side.
/// A group owns whole channels, and with them everything that batch normalization averages over: nobody waits for another group.
/// </remarks>
public struct ChannelBlockArguments
{
    /// <summary>
    /// Numbers per channel in <see cref="Offsets"/>, <see cref="Gradients"/> and <see cref="RunningStatistics"/>: a cache line.
    /// </summary>
    public const int ChannelStride = Padding.Unit;

    /// <summary>C.</summary>
    public int Channels;

    /// <summary>Channels that one group owns; a multiple of 4, in a dense block of 16.</summary>
    public int ChannelsPerGroup;

    /// <summary>What the filters see; its <see cref="TapGeometry.Inputs"/> are y⁽ˡ⁻¹⁾ and d⁽ˡ⁻¹⁾ of this step.</summary>
    public TapGeometry Geometry;

    /// <summary>Those of the step whose update is pending; only convolutions need them.</summary>
    public ArrayView<float> PendingInputs;

    /// <summary>1 in a dense block, whose weights' gradient is a product with <see cref="PendingUpdate.Inputs"/>.</summary>
    public int IsDense;

    /// <summary>1 where z is normalized.</summary>
    public int HasNormalization;

    /// <summary>1 where a forward pass takes the batch's statistics and moves the running ones; 0 in evaluation.</summary>
    public int IsTraining;

    /// <summary>The pool, and where outputs go.</summary>
    public OutputMap Output;

    /// <summary>Where perturbations are added and errors arrive.</summary>
    public ErrorSite Site;

    /// <summary>Samples that the buffers hold, a multiple of 16.</summary>
    public int SampleCapacity;

    /// <summary>Row stride of every feature-major buffer.</summary>
    public int FeatureStride;

    /// <summary>
    /// Row stride of <see cref="Deltas"/> and <see cref="SiteDeltas"/>: SampleCapacity, or K times that for rules that follow their
    /// perturbations.
    /// </summary>
    public int DeltaStride;

    /// <summary>W [C × FilterStride], with its optimizer's moments.</summary>
    public OptimizedParameters Weights;

    /// <summary>Row stride of W: taps + 1 rounded up to 16.</summary>
    public int FilterStride;

    /// <summary>b, or γ and β, of each channel [C × <see cref="ChannelStride"/>], with their optimizer's moments.</summary>
    public OptimizedParameters Offsets;

    /// <summary>∂b, or ∂γ and ∂β [C × <see cref="ChannelStride"/>].</summary>
    public ArrayView<float> Gradients;

    /// <summary>∂W [C × FilterStride] of a convolution. FG-W keeps V of one direction there.</summary>
    public ArrayView<float> FilterGradients;

    /// <summary>μ̄ and v̄ [C × <see cref="ChannelStride"/>].</summary>
    public ArrayView<float> RunningStatistics;

    /// <summary>What <see cref="ChannelStatistics"/> says, of the last batch [C × StatisticsStride].</summary>
    public ArrayView<float> Statistics;

    /// <summary>Row stride of <see cref="Statistics"/>.</summary>
    public int StatisticsStride;

    /// <summary>B [FeedbackRows × FeedbackStride], a column per value at the site; with its optimizer's moments.</summary>
    public OptimizedParameters Feedback;

    /// <summary>Rows of B: n_L.</summary>
    public int FeedbackRows;

    /// <summary>z, and z' or (where the map is pooled) the tangents of σ(a): feature-major [C · P × FeatureStride].</summary>
    public ArrayView<float> Map;

    /// <summary>g⁽ˡ⁾, then ∂z [C · P × DeltaStride]; zero where there is no sample.</summary>
    public ArrayView<float> Deltas;

    /// <summary>∂z once more, among zeros, where the block below goes on from it (<see cref="ChannelBackward"/>); else empty.</summary>
    public ArrayView<float> SpreadDeltas;

    /// <summary>Where ∂z is in <see cref="SpreadDeltas"/>.</summary>
    public ImageBorder Spread;

    /// <summary>
    /// The error where it arrives [C · values × DeltaStride]; the same memory as <see cref="Deltas"/> where that is as large. Rules that
    /// sum perturbations leave u_k there.
    /// </summary>
    public ArrayView<float> SiteDeltas;

    /// <summary>
    /// What feedback learns from, sample-major [K · SampleCapacity × FeedbackStride]: u of each direction, or the values at the site.
    /// </summary>
    public ArrayView<float> SiteValues;

    /// <summary>FG-W: V of γ, then of b or β, of each direction and sample [2C × K · SampleCapacity].</summary>
    public ArrayView<float> OffsetNoise;

    /// <summary>What is projected: e, or targets in its place; feature-major [n_L × SampleCapacity].</summary>
    public ArrayView<float> OutputError;

    /// <summary>c_{k,s}: [K · SampleCapacity].</summary>
    public ArrayView<float> DirectionalDerivatives;

    /// <summary>Σ_s c_{k,s}: [K, rounded up to 16].</summary>
    public ArrayView<float> BatchDerivatives;

    /// <summary>Per replica: low and high word of the seed.</summary>
    public ArrayView<uint> Seeds;

    /// <summary>1, 2, …, L.</summary>
    public int Block;

    /// <summary>1 where every sample has weight perturbations of its own.</summary>
    public int HasWeightNoisePerSample;

    /// <summary>The update that the previous step left pending, if any.</summary>
    public PendingUpdate Pending;

    /// <summary>The forward pass of this step, if any.</summary>
    public ForwardPass Forward;

    /// <summary>Numbers that a channel's statistics need with so many directions; the error's need as much as one.</summary>
    public static int StatisticsLength(int directions) => ChannelStatistics.Fixed + (2 * (directions > 1 ? directions : 1));

    /// <summary>
    /// The same of one replica alone; all but the pending feedback gradient and the seeds, which are sliced where they are used.
    /// </summary>
    public readonly ChannelBlockArguments OfReplica(int replica)
    {
        var one = this;
        one.Geometry.Inputs = Slice(Geometry.Inputs, replica);
        one.PendingInputs = Slice(PendingInputs, replica);
        one.Output.Features = Slice(Output.Features, replica);
        one.Output.BorderedFeatures = Slice(Output.BorderedFeatures, replica);
        one.Output.Choices = Slice(Output.Choices, replica);
        one.Output.Pooled = Slice(Output.Pooled, replica);
        one.Weights = Slice(Weights, replica);
        one.Offsets = Slice(Offsets, replica);
        one.Gradients = Slice(Gradients, replica);
        one.FilterGradients = Slice(FilterGradients, replica);
        one.RunningStatistics = Slice(RunningStatistics, replica);
        one.Statistics = Slice(Statistics, replica);
        one.Feedback = Slice(Feedback, replica);
        one.Map = Slice(Map, replica);
        one.Deltas = Slice(Deltas, replica);
        one.SpreadDeltas = Slice(SpreadDeltas, replica);
        one.SiteDeltas = Slice(SiteDeltas, replica);
        one.SiteValues = Slice(SiteValues, replica);
        one.OffsetNoise = Slice(OffsetNoise, replica);
        one.OutputError = Slice(OutputError, replica);
        one.DirectionalDerivatives = Slice(DirectionalDerivatives, replica);
        one.BatchDerivatives = Slice(BatchDerivatives, replica);
        one.Pending.Inputs = Slice(Pending.Inputs, replica);
        one.Forward.Outputs = Slice(Forward.Outputs, replica);
        return one;
    }

    /// <summary>The replica's part of a view of all, which may be empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ArrayView<float> Slice(ArrayView<float> view, int replica)
    {
        var length = view.Length / Grid.DimY;
        return length > 0 ? view.SubView(replica * length, length) : view;
    }

    private static OptimizedParameters Slice(OptimizedParameters parameters, int replica) => new()
    {
        Values = Slice(parameters.Values, replica),
        FirstMoments = Slice(parameters.FirstMoments, replica),
        SecondMoments = Slice(parameters.SecondMoments, replica),
    };
}

/// <summary>Where a block's outputs come from, and where they go.</summary>
public struct OutputMap
{
    /// <summary>Side of the max pool's windows; 0 where the map is not pooled.</summary>
    public int WindowSize;

    /// <summary>From window to window.</summary>
    public int WindowStride;

    /// <summary>Rows of windows.</summary>
    public int PooledHeight;

    /// <summary>Windows in a row.</summary>
    public int PooledWidth;

    /// <summary>The value that each window took, as its number within the window: [C · windows × SampleCapacity].</summary>
    public ArrayView<float> Choices;

    /// <summary>
    /// What the windows took, where it is averaged before it leaves the block: [C · windows × FeatureStride]; else empty.
    /// </summary>
    public ArrayView<float> Pooled;

    /// <summary>Rows of a channel's output.</summary>
    public int Height;

    /// <summary>Columns of a channel's output.</summary>
    public int Width;

    /// <summary>Q.</summary>
    public readonly int Positions => Height * Width;

    /// <summary>Whether an average follows the windows.</summary>
    public readonly bool IsAveraged => Pooled.Length > 0;

    /// <summary>
    /// y⁽ˡ⁾ and d⁽ˡ⁾, feature-major [C · Q + 1 × FeatureStride], for a dense block or one without padding to read; empty where none does.
    /// </summary>
    public ArrayView<float> Features;

    /// <summary>The same with rows of zeros around every channel, for a convolution with padding; empty where there is none.</summary>
    public ArrayView<float> BorderedFeatures;

    /// <summary>Those rows of zeros.</summary>
    public ImageBorder Border;

    /// <summary>Row stride of <see cref="ForwardPass.Outputs"/>.</summary>
    public int SampleMajorStride;
}

/// <summary>Where in a block perturbations are added and errors arrive (the reference's PerturbationSite).</summary>
public struct ErrorSite
{
    /// <summary>1 where it is a⁽ˡ⁾, before the activation function.</summary>
    public int IsPreactivation;

    /// <summary>1 where it is the output of a pool.</summary>
    public int IsPooled;

    /// <summary>Values of a channel there: P or Q.</summary>
    public int Positions;

    /// <summary>Columns of B per channel: the values, rounded up to 16; in a dense block 1.</summary>
    public int ChannelStride;

    /// <summary>Row stride of B and of <see cref="ChannelBlockArguments.SiteValues"/>.</summary>
    public int FeedbackStride;

    /// <summary>Whether four neighbouring values are neighbouring columns of B.</summary>
    public readonly bool HasWholeQuads => ChannelStride == 1 || Positions % 4 == 0;

    /// <summary>The column of B of a value at the site.</summary>
    public readonly int ColumnOf(int row)
    {
        var channel = row / Positions;
        return (channel * ChannelStride) + row - (channel * Positions);
    }
}
