using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Tiles;
using Fdfa.Gpu.Training;
using Fdfa.Tests.Networks;
using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Tests.Kernels;

/// <summary>
/// Tensor cores without any: the instruction is played by the same product of rounded numbers, and which lane holds what is held against
/// the PTX ISA.
/// </summary>
public sealed class TensorCoreTests
{
    // Rounding makes relative errors of up to 2⁻¹¹ in both operands: norm-wise they stay below this, and above what single precision
    // leaves.
    private const double Tolerance = 1e-3;

    [Theory]
    [InlineData("BP")]
    [InlineData("FDFA")]
    [InlineData("FG-W")]
    [InlineData("L-FDFA")]
    public void A_step_on_tensor_cores_agrees_to_the_error_that_is_stated(string rule)
    {
        using var device = ComputeDevice.OpenCpu(TileProgram.Simt<OneWarp, WarpBlock<PlayedProduct, PlayedOperand, PlayedOperand>>(), 1);
        var reference = new ReferenceTrajectory(new NetworkDescription([18, 35, 17, 3]), StepOptions.LargeStep(rule, 33), 1, 3);

        var errors = DeviceTrajectory.Compare(device, reference).Select(one => one.RelativeError).ToList();

        Assert.All(errors, error => Assert.InRange(error, 0, Tolerance));
        Assert.InRange(errors.Max(), 1e-5, Tolerance);
    }

    [Theory]
    [InlineData(1f, 1f)]
    [InlineData(1.0004883f, 1.0009766f)]
    [InlineData(-1.0004883f, -1.0009766f)]
    [InlineData(1.0004882f, 1f)]
    [InlineData(3.4028235e38f, float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity, float.NegativeInfinity)]
    [InlineData(float.NaN, float.NaN)]
    public void Numbers_are_rounded_to_ten_bits(float value, float expected) =>
        Assert.Equal(expected, BitConverter.UInt32BitsToSingle(TensorCore.Round(value)));

    /// <summary>
    /// PTX ISA, matrix fragments of mma.m16n8k8 with .tf32: A is a0…a3, row g or g + 8 (i odd), column t or t + 4 (i ≥ 2); B is b0, b1, row
    /// t + 4i, column g, for g = lane / 4, t = lane mod 4.
    /// </summary>
    [Fact]
    public void Lanes_hold_what_the_instruction_wants_of_them()
    {
        const int Stride = 16;
        using var device = ComputeDevice.OpenCpu(TileProgram.Simt(), 1);
        using var buffer = new DeviceBuffer<float>(device, 16 * Stride);

        // Each number says where it stands, and is TF32 already.
        buffer.View.CopyFromCPU(Enumerable.Range(0, 16 * Stride).Select(place => (float)place).ToArray());
        for (var lane = 0; lane < 32; lane++)
        {
            var (g, t) = (lane / 4, lane % 4);
            var left = TensorCoreProduct.LoadLeft(buffer.View, 0, Stride, lane);
            var right = TensorCoreProduct.LoadRight(buffer.View, 0, Stride, lane);

            // Left's element (r, k) lies at r + k · stride, Right's (k, c) at c + k · stride.
            Assert.Equal(
                [g + (t * Stride), g + 8 + (t * Stride), g + ((t + 4) * Stride), g + 8 + ((t + 4) * Stride)],
                new[] { left.A0, left.A1, left.A2, left.A3 }.Select(bits => (int)BitConverter.UInt32BitsToSingle(bits)));
            Assert.Equal(
                [g + (t * Stride), g + ((t + 4) * Stride)],
                new[] { right.B0, right.B1 }.Select(bits => (int)BitConverter.UInt32BitsToSingle(bits)));
        }
    }

    [SkippableTheory]
    [InlineData("cpu+tf32", "The device 'cpu' (")]
    [InlineData("auto+TF32", "has no tensor cores that kernels can use; give a CUDA device, or leave '+tf32' out.")]
    [InlineData("cuda:7+tf32", "There is no device 'cuda:7+tf32' here")]
    [InlineData("cpu+tf3", "There is no device 'cpu+tf3' here")]
    public void A_device_without_tensor_cores_is_refused_in_a_sentence(string selector, string expected)
    {
        Skip.If(ComputeDevice.Survey().Devices[0].Kind == DeviceKind.Cuda, "There is a CUDA device here.");

        Assert.Contains(expected, Assert.Throws<DeviceException>(() => ComputeDevice.Open(selector)).Message, StringComparison.Ordinal);
    }

    private readonly struct OneWarp : ITileShape
    {
        public static int Rows => 4;

        public static int Columns => 8;

        public static int Slices => 1;

        public static int Depth => 8;
    }

    private struct PlayedOperand
    {
        public int Index;
        public int Stride;
    }

    /// <summary>A lane computes its four sums by itself, from what all lanes' fragments come from.</summary>
    private readonly struct PlayedProduct : IWarpProduct<PlayedOperand, PlayedOperand>
    {
        public static PlayedOperand LoadLeft(ArrayView<float> stage, int index, int stride, int lane) =>
            new() { Index = index, Stride = stride };

        public static PlayedOperand LoadRight(ArrayView<float> stage, int index, int stride, int lane) =>
            new() { Index = index, Stride = stride };

        public static Float4 MultiplyAdd(ArrayView<float> stage, PlayedOperand left, PlayedOperand right, int lane, Float4 sum)
        {
            var row = left.Index + (lane / 4);
            var column = right.Index + (2 * (lane % 4));
            return new(
                sum.X + Dot(stage, row, column, left.Stride, right.Stride),
                sum.Y + Dot(stage, row, column + 1, left.Stride, right.Stride),
                sum.Z + Dot(stage, row + 8, column, left.Stride, right.Stride),
                sum.W + Dot(stage, row + 8, column + 1, left.Stride, right.Stride));
        }

        private static float Dot(ArrayView<float> stage, int row, int column, int leftStride, int rightStride)
        {
            var sum = 0f;
            for (var step = 0; step < 8; step++)
            {
                sum += Rounded(stage[row + (step * leftStride)]) * Rounded(stage[column + (step * rightStride)]);
            }

            return sum;
        }

        private static float Rounded(float value) => BitConverter.UInt32BitsToSingle(TensorCore.Round(value));
    }
}
