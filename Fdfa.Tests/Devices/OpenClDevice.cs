using Fdfa.Gpu.Devices;

namespace Fdfa.Tests.Devices;

/// <summary>An OpenCL device with each tile program, opened once, where the environment says that there is one. Tests on it run one after the other.</summary>
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
}
