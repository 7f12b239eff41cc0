using ILGPU;

namespace Fdfa.Gpu.Kernels.Measurement;

/// <summary>Kernels that do nothing but multiply and add, or read and write: the ruler for every other kernel.</summary>
public static class PeakKernels
{
    /// <summary>Independent sums per thread in <see cref="MultiplyAdd"/>.</summary>
    public const int Accumulators = 8;

    /// <summary>Multiply-adds per sum and round.</summary>
    public const int Repetitions = 4;

    /// <summary>Each thread: rounds × <see cref="Repetitions"/> × <see cref="Accumulators"/> multiply-adds in registers. Writes one float per thread that never comes true.</summary>
    public static void MultiplyAdd(ArrayView<float> sink, int rounds)
    {
        var factor = 0.999f + (1e-9f * Group.IdxX);
        float a = factor, b = factor, c = factor, d = factor, e = factor, f = factor, g = factor, h = factor;
        for (var round = 0; round < rounds; round++)
        {
            // Four times over, because ILGPU unrolls nothing and a loop's own instructions would count against the peak.
            a = (a * factor) + factor;
            b = (b * factor) + factor;
            c = (c * factor) + factor;
            d = (d * factor) + factor;
            e = (e * factor) + factor;
            f = (f * factor) + factor;
            g = (g * factor) + factor;
            h = (h * factor) + factor;
            a = (a * factor) + factor;
            b = (b * factor) + factor;
            c = (c * factor) + factor;
            d = (d * factor) + factor;
            e = (e * factor) + factor;
            f = (f * factor) + factor;
            g = (g * factor) + factor;
            h = (h * factor) + factor;
            a = (a * factor) + factor;
            b = (b * factor) + factor;
            c = (c * factor) + factor;
            d = (d * factor) + factor;
            e = (e * factor) + factor;
            f = (f * factor) + factor;
            g = (g * factor) + factor;
            h = (h * factor) + factor;
            a = (a * factor) + factor;
            b = (b * factor) + factor;
            c = (c * factor) + factor;
            d = (d * factor) + factor;
            e = (e * factor) + factor;
            f = (f * factor) + factor;
            g = (g * factor) + factor;
            h = (h * factor) + factor;
        }

        var sum = a + b + c + d + e + f + g + h;
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
}
