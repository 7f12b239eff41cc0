using Fdfa.Gpu.Devices;

namespace Fdfa.Tests.Devices;

/// <summary>One OpenCL device, opened once, where the environment says that there is one.</summary>
public sealed class OpenClDevice : IDisposable
{
    private ComputeDevice? _device;

    public ComputeDevice Open()
    {
        Skip.IfNot(
            Environment.GetEnvironmentVariable("FDFA_OPENCL") == "1",
            "Needs an OpenCL device of any kind; .ci/run installs PoCL and sets FDFA_OPENCL=1.");
        return _device ??= ComputeDevice.Open(UnsupportedOpenCl.Selector);
    }

    public void Dispose() => _device?.Dispose();
}
