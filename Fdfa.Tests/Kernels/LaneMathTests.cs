using System.Numerics;
using System.Runtime.Intrinsics;
using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using DeviceNoise = Fdfa.Gpu.Kernels.Mathematics.PerturbationNoise;
using ReferenceNoise = Fdfa.Cpu.Reference.Randomness.PerturbationNoise;

namespace Fdfa.Tests.Kernels;

/// <summary>Single-precision functions against the framework's double-precision ones, over the whole range that kernels use.</summary>
public sealed class LaneMathTests
{
    private const double Tolerance = 1.0 / (1 << 22);

    [Fact]
    public void Logarithm_of_uniforms_is_accurate()
    {
        for (var i = 1; i <= 1 << 24; i += 97)
        {
            var x = i / (float)(1 << 24);
            AssertClose(Math.Log(x), LaneMath.Log<float, uint, ScalarLanes>(x), x);
        }
    }

    [Fact]
    public void Logarithm_of_sums_is_accurate()
    {
        for (var x = 1f; x < 2000; x *= 1.0007f)
        {
            AssertClose(Math.Log(x), LaneMath.Log<float, uint, ScalarLanes>(x), x);
        }
    }

    [Fact]
    public void Exponential_is_accurate_and_keeps_NaN()
    {
        for (var x = 0f; x > -87f; x -= 0.0137f)
        {
            AssertClose(Math.Exp(x), LaneMath.ExpOfNonPositive<float, uint, ScalarLanes>(x), x);
        }

        Assert.True(LaneMath.ExpOfNonPositive<float, uint, ScalarLanes>(float.NegativeInfinity) is >= 0 and < 1e-37f);
        Assert.True(float.IsNaN(LaneMath.ExpOfNonPositive<float, uint, ScalarLanes>(float.NaN)));
    }

    [Fact]
    public void Tanh_is_accurate_on_both_sides_of_zero()
    {
        for (var x = 1e-6f; x < 12f; x *= 1.003f)
        {
            AssertClose(Math.Tanh(x), LaneMath.Tanh<float, uint, ScalarLanes>(x), x);
            AssertClose(Math.Tanh(-x), LaneMath.Tanh<float, uint, ScalarLanes>(-x), -x);
        }

        Assert.Equal(0f, LaneMath.Tanh<float, uint, ScalarLanes>(0f));
        Assert.True(float.IsNaN(LaneMath.Tanh<float, uint, ScalarLanes>(float.NaN)));
    }

    [Fact]
    public void Cosine_and_sine_are_accurate_all_around()
    {
        for (var turns = 0u; turns < 1u << 24; turns += 1009)
        {
            var pair = LaneMath.CosineAndSineOfTurns<float, uint, ScalarLanes>(turns);
            var angle = 2 * Math.PI * turns / (1 << 24);
            Assert.Equal(Math.Cos(angle), pair.First, Tolerance);
            Assert.Equal(Math.Sin(angle), pair.Second, Tolerance);
        }
    }

    [Fact]
    public void Perturbations_are_the_references()
    {
        var noise = new DeviceNoise { SeedLow = 0x89AB_CDEF, SeedHigh = 0x0123_4567, Step = 7 };
        for (var sample = 0; sample < 64; sample++)
        {
            for (var quad = 0; quad < 50; quad++)
            {
                var u = noise.Sample<float, uint, ScalarLanes>(2, (uint)quad, (uint)sample, 0);
                float[] actual = [u.First, u.Second, u.Third, u.Fourth];
                for (var i = 0; i < 4; i++)
                {
                    var expected = new ReferenceNoise(0x0123_4567_89AB_CDEF, 7).OfActivation(2, sample, (4 * quad) + i);
                    Assert.Equal(expected, actual[i], 4 * Tolerance);
                }
            }
        }
    }

    [SkippableFact]
    public void Vectors_give_the_bits_of_scalars_up_to_fused_rounding()
    {
        Skip.IfNot(Vector512.IsHardwareAccelerated, "This processor has no 512-bit vectors.");
        var noise = new DeviceNoise { SeedLow = 1, SeedHigh = 2, Step = 3 };
        var samples = Vector512<uint>.Indices;
        var wide = noise.Sample<Vector512<float>, Vector512<uint>, Vector512Lanes>(4, Vector512.Create(5u), samples, 0);
        var native = noise.Sample<Vector<float>, Vector<uint>, NativeLanes>(4, new Vector<uint>(5), Vector<uint>.Indices, 0);
        for (var lane = 0; lane < Vector<float>.Count; lane++)
        {
            Assert.Equal(wide.First[lane], native.First[lane]);
            Assert.Equal(wide.Fourth[lane], native.Fourth[lane]);
            var scalar = noise.Sample<float, uint, ScalarLanes>(4, 5, (uint)lane, 0);
            Assert.Equal(scalar.Second, wide.Second[lane], 1e-6f);
        }
    }

    private static void AssertClose(double expected, float actual, float x) => Assert.True(
        Math.Abs(actual - expected) <= Tolerance * Math.Max(Math.Abs(expected), 1e-30),
        $"f({x:R}) is {actual:R} instead of {expected:R}");
}
