using System.Reflection;
using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Backends.PTX;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>
/// A warp's product of 16 × 8 by 8 × 8 on tensor cores of compute capability 8.0 or later: PTX's mma.m16n8k8 of TF32 numbers, added up in
/// single precision.
/// </summary>
/// <remarks>
/// TF32 has single precision's exponent and ten bits of its fraction: rounding to it makes a relative error of at most 2⁻¹¹.
/// </remarks>
public static class TensorCore
{
    /// <summary>The nearest TF32 number's bits, ties away from zero; infinities and NaN as they are.</summary>
    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Round(float value)
    {
        const uint Infinity = 0x7F80_0000;
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (bits & Infinity) == Infinity ? bits : (bits + 0x1000) & 0xFFFF_E000;
    }

    /// <summary>
    /// c + Left · Right, of which every lane holds four numbers of Left, two of Right, and four of the sum; called by all lanes of a warp.
    /// </summary>
    /// <exception cref="NotSupportedException">Always, outside a CUDA device.</exception>
    [IntrinsicImplementation]
    public static Float4 MultiplyAdd(uint a0, uint a1, uint a2, uint a3, uint b0, uint b1, float c0, float c1, float c2, float c3) =>
        throw new NotSupportedException("Tensor cores are CUDA's.");

    /// <summary>Teaches a context's translator of PTX both functions.</summary>
    public static Context.Builder EnableTensorCores(this Context.Builder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        Register(builder, nameof(Round), nameof(WriteRound));
        Register(builder, nameof(MultiplyAdd), nameof(WriteMultiplyAdd));
        return builder;
    }

    private static void Register(Context.Builder builder, string function, string handler) => builder.GetIntrinsicManager().RegisterMethod(
        typeof(TensorCore).GetMethod(function)!,
        new PTXIntrinsic(
            typeof(TensorCore).GetMethod(handler, BindingFlags.NonPublic | BindingFlags.Static)!,
            IntrinsicImplementationMode.GenerateCode));

    private static void WriteRound(PTXBackend backend, PTXCodeGenerator generator, Value call)
    {
        var value = generator.LoadPrimitive(call[0]);
        var result = generator.AllocateHardware(call);
        using var command = generator.BeginCommand("cvt.rna.tf32.f32");
        command.AppendArgument(result);
        command.AppendArgument(value);
    }

    private static void WriteMultiplyAdd(PTXBackend backend, PTXCodeGenerator generator, Value call)
    {
        // Here a constant is no operand: all must be registers.
        var operands = Enumerable.Range(0, 10).Select(index =>
            (PTXRegisterAllocator.PrimitiveRegister)generator.EnsureHardwareRegister(generator.LoadPrimitive(call[index]))).ToArray();
        var result = (PTXRegisterAllocator.CompoundRegister)generator.Allocate(call);
        using var command = generator.BeginCommand("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32");
        command.AppendVectorArgument([.. result.Children.Cast<PTXRegisterAllocator.PrimitiveRegister>()]);
        command.AppendVectorArgument(operands[..4]);
        command.AppendVectorArgument(operands[4..6]);
        command.AppendVectorArgument(operands[6..]);
    }
}
