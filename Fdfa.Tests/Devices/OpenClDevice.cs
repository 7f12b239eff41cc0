using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Tests.Kernels;

namespace Fdfa.Tests.Devices;

/// <summary>
/// An OpenCL device with each tile program, opened once, where the environment says that there is one. Tests on it run one after the other.
/// </summary>
public sealed class OpenClDevice : IDisposable
{
    private readonly Dictionary<TileProgram, ComputeDevice> _devices = [];

    internal ComputeDevice Open(TileProgram tiles)
    {
        Skip.IfNot(
            Environment.GetEnvironmentVariable("FDFA_OPENCL") == "1",
            "Needs an OpenCL device of any kind; .ci/run installs PoCL and sets FDFA_OPENCL=1.");
        if (!_devices.TryGetValue(tiles, out var device))
        {
            device = ComputeDevice.OpenUnsupportedOpenCl(tiles) ?? throw new InvalidOperationException("There is no OpenCL device.");
            _devices.Add(tiles, device);
        }

        return device;
    }

    public void Dispose()
    {
        foreach (var device in _devices.Values)
        {
            device.Dispose();
        }
    }
}

[CollectionDefinition(Name)]
public sealed class OnOpenCl : ICollectionFixture<OpenClDevice>
{
    public const string Name = "OpenCL device";

    /// <summary>
    /// Of rules, FDFA, whose kernels hold most of the others' parts; all with FDFA_EXHAUSTIVE=1: a driver takes some ten seconds to build a
    /// kernel, and a simulator as long to run it.
    /// </summary>
    public static TheoryData<string> Few(IEnumerable<string> rules) => [.. rules.Where(IsTaken)];

    /// <summary>Whether a rule is one of the few.</summary>
    public static bool IsTaken(string rule) => KernelSelection.IsExhaustive || rule == "FDFA";

    /// <summary>Of activations, one whose slope is a number of its own; the others with FDFA_EXHAUSTIVE=1.</summary>
    public static TheoryData<ActivationFunction> Activations =>
        [.. new[] { ActivationFunction.Tanh, ActivationFunction.ReLUOpenAtZero, ActivationFunction.Identity }
            .Where(activation => KernelSelection.IsExhaustive || activation == ActivationFunction.Tanh)];
}
