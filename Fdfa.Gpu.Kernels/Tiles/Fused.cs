using System.Reflection;
using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <summary>The fused multiply-add, which ILGPU lacks: one rounding, and one instruction where two would halve a device's speed.</summary>
/// <remarks>
/// CUDA's own compiler fuses a multiplication and an addition that it finds; an OpenCL compiler must not where they are two statements, as
/// they are in all that ILGPU writes.
/// </remarks>
public static class Fused
{
    /// <summary>a · b + c, rounded once.</summary>
    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MultiplyAdd(float a, float b, float c) => MathF.FusedMultiplyAdd(a, b, c);

    /// <summary>Teaches a context's translators the function; a kernel that calls it does not load otherwise.</summary>
    public static Context.Builder EnableFusedMath(this Context.Builder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var manager = builder.GetIntrinsicManager();
        var function = ((Func<float, float, float, float>)MultiplyAdd).Method;
        manager.RegisterMethod(function, new PTXIntrinsic(Handler(nameof(WritePtx)), IntrinsicImplementationMode.GenerateCode));
        manager.RegisterMethod(function, new CLIntrinsic(Handler(nameof(WriteOpenCl)), IntrinsicImplementationMode.GenerateCode));
        return builder;
    }

    private static MethodInfo Handler(string name) => typeof(Fused).GetMethod(name, BindingFlags.NonPublic | BindingFlags.Static)!;

    private static void WritePtx(PTXBackend backend, PTXCodeGenerator generator, Value call)
    {
        var a = generator.LoadPrimitive(call[0]);
        var b = generator.LoadPrimitive(call[1]);
        var c = generator.LoadPrimitive(call[2]);
        var result = generator.AllocateHardware(call);
        using var command = generator.BeginCommand("fma.rn.f32");
        command.AppendArgument(result);
        command.AppendArgument(a);
        command.AppendArgument(b);
        command.AppendArgument(c);
    }

    private static void WriteOpenCl(CLBackend backend, CLCodeGenerator generator, Value call)
    {
        var a = generator.Load(call[0]);
        var b = generator.Load(call[1]);
        var c = generator.Load(call[2]);
        var result = generator.Allocate(call);
        using var statement = generator.BeginStatement(result);
        statement.AppendCast(ArithmeticBasicValueType.Float32);
        statement.AppendCommand("fma");
        statement.BeginArguments();
        statement.AppendArgument(a);
        statement.AppendArgument(b);
        statement.AppendArgument(c);
        statement.EndArguments();
    }
}
