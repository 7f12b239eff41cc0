using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Measurement;

/// <summary>Kernels that do nothing but multiply and add, read and write, or draw: the ruler for every other kernel.</summary>
public static class PeakKernels
{
    /// <summary>Independent sums per thread in <see cref="MultiplyAdd"/>.</summary>
    public const int Accumulators = 8;

    /// <summary>Multiply-adds per sum and round.</summary>
    public const int Repetitions = 4;

    /// <summary>
    /// Each thread: rounds × <see cref="Repetitions"/> × <see cref="Accumulators"/> multiply-adds in registers. Writes one float per thread
    /// that never comes true.
    /// </summary>
    public static void MultiplyAdd(ArrayView<float> sink, int rounds)
    {
        var factor = 0.999f + (1e-9f * Group.IdxX);
        var addend = new Float4(factor, factor, factor, factor);
        var a = addend;
        var b = addend;
        for (var round = 0; round < rounds; round++)
        {
            // Four times over, because ILGPU unrolls nothing and a loop's own instructions would count against the peak.
            a = a.MultiplyAdd(factor, addend);
            b = b.MultiplyAdd(factor, addend);
            a = a.MultiplyAdd(factor, addend);
            b = b.MultiplyAdd(factor, addend);
            a = a.MultiplyAdd(factor, addend);
            b = b.MultiplyAdd(factor, addend);
            a = a.MultiplyAdd(factor, addend);
            b = b.MultiplyAdd(factor, addend);
        }

        var sum = a.X + a.Y + a.Z + a.W + b.X + b.Y + b.Z + b.W;
        if (sum < 0f)
        {
            sink[Group.IdxX] = sum;
        }
    }

    /// <summary>Adds one to every element (+=): reads and writes each float once.</summary>
    public static void Sweep(ArrayView<float> values)
    {
        var stride = (long)Grid.DimX * Group.DimX;
        for (var index = ((long)Grid.IdxX * Group.DimX) + Group.IdxX; index < values.Length; index += stride)
        {
            values[index] += 1f;
        }
    }

    /// <summary>Each thread: four normal perturbations per round. Writes one float per thread that never comes true.</summary>
    public static void Draw(ArrayView<float> sink, int rounds)
    {
        var sum = 0f;
        var noise = new PerturbationNoise { Step = (uint)Grid.IdxX };
        for (var round = 0; round < rounds; round++)
        {
            var values = noise.Sample<float, uint, ScalarLanes>(PerturbationNoise.OfWeights, (uint)round, (uint)Group.IdxX, 0);
            sum += values.First + values.Second + values.Third + values.Fourth;
        }

        if (sum > 1e30f)
        {
            sink[Group.IdxX] = sum;
        }
    }
}
