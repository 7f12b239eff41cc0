using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Channels;

/// <summary>What a rule wants of the site where perturbations are added: u, drawn and left behind, or the values there.</summary>
internal struct SiteWriter<TRule>
    where TRule : struct, IBlockRule
{
    public PerturbationNoise Noise;
    public uint Block;
    public int Samples;
    public int SampleCapacity;
    public int Directions;
    public ErrorSite Site;
    public int RowEnd;

    /// <summary>u feature-major, for rules that sum their perturbations.</summary>
    public ArrayView<float> Sums;
    public int SumStride;

    /// <summary>u or the values, sample-major, for rules that learn feedback.</summary>
    public ArrayView<float> Values;

    /// <summary>DKP's feedback learns from the values themselves.</summary>
    public readonly bool TakesValues => TRule.LearnsFeedback && !TRule.PerturbsActivations && Values.Length > 0;

    /// <summary>u of a direction at rows row … row + 3 of the site, left where the pending update finds it (=).</summary>
    public readonly LaneQuad<TLane> Draw<TLane, TBits, TLanes>(int row, int column, int direction)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        var samples = TLanes.AddBits(TLanes.Indices(), TLanes.BroadcastBits((uint)column));
        var u = Noise.Sample<TLane, TBits, TLanes>(
            PerturbationNoise.OfActivations + Block, TLanes.BroadcastBits((uint)row / 4), samples, direction);

        // A product over all directions passes over the rows of samples that are not there.
        u = new LaneQuad<TLane>(
            SampleMask.Keep<TLane, TBits, TLanes>(u.First, column, Samples),
            SampleMask.Keep<TLane, TBits, TLanes>(u.Second, column, Samples),
            SampleMask.Keep<TLane, TBits, TLanes>(u.Third, column, Samples),
            SampleMask.Keep<TLane, TBits, TLanes>(u.Fourth, column, Samples));
        var place = (direction * SampleCapacity) + column;
        if (TRule.LearnsFeedback)
        {
            Store<TLane, TBits, TLanes>(row, place, u);
        }

        if (TRule.SumsPerturbations)
        {
            FourRows.Store<TLane, TBits, TLanes>(Sums, (row * SumStride) + place, SumStride, RowEnd - row, u);
        }

        return u;
    }

    /// <summary>Writes rows row … row + 3 of the site to the columns of feedback that they have (=).</summary>
    public readonly void Store<TLane, TBits, TLanes>(int row, int place, LaneQuad<TLane> values)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        if (Site.HasWholeQuads)
        {
            SampleMajor.Store<TLane, TBits, TLanes>(
                Values, (place * Site.FeedbackStride) + Site.ColumnOf(row), Site.FeedbackStride, RowEnd - row,
                values.First, values.Second, values.Third, values.Fourth);
            return;
        }

        StoreOne<TLane, TBits, TLanes>(row, place, values.First);
        StoreOne<TLane, TBits, TLanes>(row + 1, place, values.Second);
        StoreOne<TLane, TBits, TLanes>(row + 2, place, values.Third);
        StoreOne<TLane, TBits, TLanes>(row + 3, place, values.Fourth);
    }

    private readonly void StoreOne<TLane, TBits, TLanes>(int row, int place, TLane value)
        where TLane : unmanaged
        where TBits : unmanaged
        where TLanes : struct, ILanes<TLane, TBits>
    {
        if (row < RowEnd)
        {
            TLanes.StoreStrided(Values, (place * Site.FeedbackStride) + Site.ColumnOf(row), Site.FeedbackStride, value);
        }
    }
}
