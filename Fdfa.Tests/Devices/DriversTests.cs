using Fdfa.Gpu.Devices;
using ILGPU.Backends.OpenCL;
using ILGPU.Runtime.OpenCL;

namespace Fdfa.Tests.Devices;

/// <summary>Why a device is missing or not used, and what to install.</summary>
[Collection(OnOpenCl.Name)]
public sealed class DriversTests
{
    [Theory]
    [InlineData(false, 0, "install NVIDIA's driver.")]
    [InlineData(true, 0, "shows no GPU that can be used.")]
    [InlineData(true, 100, "whether CUDA_VISIBLE_DEVICES hides it.")]
    [InlineData(true, 803, "restart the machine, or install the driver again.")]
    [InlineData(true, 34, "before it in LD_LIBRARY_PATH.")]
    [InlineData(true, 999, "CUDA_ERROR_UNKNOWN (999): update or reinstall NVIDIA's driver.")]
    public void Without_cuda_the_reason_says_what_to_do(bool hasLibrary, int initialisation, string expected) =>
        Assert.EndsWith(expected, AssertSentence(Drivers.WhyNoCuda(hasLibrary, initialisation)), StringComparison.Ordinal);

    [Theory]
    [InlineData(false, false, "install")]
    [InlineData(true, false, "knows no driver")]
    [InlineData(true, true, "show none")]
    public void Without_opencl_the_reason_says_what_to_do(bool hasLoader, bool hasPlatforms, string expected) =>
        Assert.Contains(expected, AssertSentence(Drivers.WhyNoOpenCl(hasLoader, hasPlatforms)), StringComparison.Ordinal);

    [Theory]
    [InlineData(CLDeviceType.CL_DEVICE_TYPE_CPU, 3, 0, "it is not a GPU")]
    [InlineData(CLDeviceType.CL_DEVICE_TYPE_GPU, 1, 2, "OpenCL C 1.2, and 2.0 is needed")]
    [InlineData(CLDeviceType.CL_DEVICE_TYPE_GPU, 3, 0, null)]
    [InlineData(CLDeviceType.CL_DEVICE_TYPE_GPU | CLDeviceType.CL_DEVICE_TYPE_DEFAULT, 2, 0, null)]
    public void An_opencl_device_is_refused_with_the_reason(CLDeviceType type, int major, int minor, string? expected)
    {
        string? reason = Drivers.WhyRefused(type, new CLCVersion(major, minor));

        if (expected is null)
        {
            Assert.Null(reason);
        }
        else
        {
            Assert.Contains(expected, reason, StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public void An_opencl_device_that_is_not_used_is_listed_with_the_reason_and_named_where_it_is_asked_for()
    {
        DeviceSurvey survey = ComputeDevice.Survey();
        RefusedDevice? refused = survey.Refused.FirstOrDefault(device => device.Kind == DeviceKind.OpenCl);
        Skip.If(
            refused is null || survey.Devices.Any(device => device.Kind == DeviceKind.OpenCl),
            "Needs an OpenCL driver that is not used, such as PoCL for the processor, and none that is.");

        var refusal = Assert.Throws<DeviceException>(() => ComputeDevice.Open("opencl"));

        Assert.Contains($"{refused!.Name} is here, but {refused.Reason}.", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>Numbered like all others, and named where they are listed.</summary>
    [SkippableFact]
    public void Opencl_devices_of_any_kind_are_numbered()
    {
        DeviceSurvey survey = ComputeDevice.Survey();
        RefusedDevice? refused = survey.Refused.FirstOrDefault(device => device.Selector is not null);
        Skip.If(refused is null, "Needs an OpenCL driver that is not used, such as PoCL for the processor.");

        using (ComputeDevice device = ComputeDevice.Open(refused!.Selector!))
        {
            Assert.Equal((refused.Selector, refused.Name), (device.Info.Selector, device.Info.Name));
        }

        var refusal = Assert.Throws<DeviceException>(() => ComputeDevice.Open("opencl-unsupported:99"));
        Assert.Contains(
            "There is no device 'opencl-unsupported:99' here; the last OpenCL device of any kind is opencl-unsupported:", refusal.Message,
            StringComparison.Ordinal);
    }

    private static string AssertSentence(string reason)
    {
        Assert.EndsWith(".", reason, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', reason);
        return reason;
    }
}
