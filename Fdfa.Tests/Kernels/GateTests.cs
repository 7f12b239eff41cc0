using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Translation;

namespace Fdfa.Tests.Kernels;

/// <summary>The gates on every kernel's generated code, without a device.</summary>
/// <param name="target">CUDA for PTX, OpenCL for OpenCL C.</param>
/// <param name="translator">One for all kernels.</param>
public abstract class GateTests(DeviceKind target, GateTests.Translator translator)
{
    /// <summary>Tile program, and kernels.</summary>
    public static TheoryData<string, string> Kernels(DeviceKind target)
    {
        var cases = new TheoryData<string, string>();
        foreach (var promised in TileExpectation.All.Where(row => row.Only is null || row.Only == target))
        {
            foreach (var group in KernelSelection.Of(promised.Tiles.Type))
            {
                cases.Add(promised.Tiles.Name, group.Key);
            }
        }

        return cases;
    }

    public abstract void The_code_of_a_kernel_passes_every_gate(string tiles, string kernels);

    protected void AssertGates(string tiles, string kernels)
    {
        var promised = TileExpectation.All.Single(row => row.Tiles.Name == tiles);
        var group = KernelCatalogue.All(promised.Tiles.Type).Where(kernel => KernelSelection.Name(kernel) == kernels);
        foreach (var kernel in KernelSelection.Translated(group))
        {
            var faults = KernelGates.Faults(target, translator.Kernels.Translate(kernel), promised);
            Assert.True(faults.Count == 0, $"{KernelCatalogue.Name(kernel)}: {string.Join("; ", faults)}.");
        }
    }

    /// <summary>Kept from kernel to kernel: what they share is translated once.</summary>
    public abstract class Translator(DeviceKind target) : IDisposable
    {
        internal KernelTranslator Kernels { get; } = new(target);

        public void Dispose()
        {
            Kernels.Dispose();
            GC.SuppressFinalize(this);
        }
    }
}

/// <summary>As for CUDA.</summary>
public sealed class PtxGateTests(PtxGateTests.Ptx translator) : GateTests(DeviceKind.Cuda, translator), IClassFixture<PtxGateTests.Ptx>
{
    [Theory]
    [MemberData(nameof(Kernels), DeviceKind.Cuda)]
    public override void The_code_of_a_kernel_passes_every_gate(string tiles, string kernels) => AssertGates(tiles, kernels);

    public sealed class Ptx() : Translator(DeviceKind.Cuda);
}

/// <summary>As for OpenCL devices.</summary>
public sealed class OpenClGateTests(OpenClGateTests.OpenCl translator)
    : GateTests(DeviceKind.OpenCl, translator), IClassFixture<OpenClGateTests.OpenCl>
{
    [Theory]
    [MemberData(nameof(Kernels), DeviceKind.OpenCl)]
    public override void The_code_of_a_kernel_passes_every_gate(string tiles, string kernels) => AssertGates(tiles, kernels);

    public sealed class OpenCl() : Translator(DeviceKind.OpenCl);
}
