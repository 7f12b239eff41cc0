using Fdfa.Gpu.Devices;

namespace Fdfa.Tests.Devices;

/// <summary>
/// A driver that is in the process leaves .NET's exceptions alone. Fails where PoCL is installed and keeps its handler of SIGFPE.
/// </summary>
public sealed class OpenClSignalsTests
{
    [Theory]
    [InlineData(0)]
    public void A_division_by_zero_is_an_exception_after_a_look_for_devices(int zero)
    {
        ComputeDevice.Survey();

        Assert.Throws<DivideByZeroException>(() => 1 / zero);
    }
}
