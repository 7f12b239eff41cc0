using Fdfa.Gpu.Devices;

namespace Fdfa.Tests.Devices;

public sealed class ComputeDeviceTests
{
    [Fact]
    public void A_survey_has_the_processor_and_a_reason_for_each_kind_that_is_missing()
    {
        var survey = ComputeDevice.Survey();
        Assert.Contains(survey.Devices, device => device.Selector == "cpu");
        Assert.Equal(
            Enum.GetValues<DeviceKind>().Order(),
            survey.Devices.Select(device => device.Kind).Concat(survey.Missing.Select(kind => kind.Kind)).Distinct().Order());
        Assert.All(survey.Missing, kind => Assert.Contains("needs", kind.Reason, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("tpu")]
    [InlineData("cuda:99")]
    [InlineData("opencl:-1")]
    [InlineData("")]
    public void An_unknown_device_is_named_with_those_there_are(string selector)
    {
        var failure = Assert.Throws<DeviceException>(() => ComputeDevice.Open(selector));
        Assert.Contains($"'{selector}'", failure.Message, StringComparison.Ordinal);
        Assert.Contains("cpu", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(800, 2)]
    [InlineData(1, 2)]
    [InlineData(17, 4)]
    [InlineData(4096, 3)]
    public void Rows_are_shared_out_in_whole_cache_lines_and_evenly(int outputs, int processors)
    {
        var rows = TileProgram.Simd(processors).RowsPerGroup(outputs);
        Assert.Equal(0, rows % 16);
        var groups = (outputs + rows - 1) / rows;
        var longest = (groups + processors - 1) / processors * rows;

        // No processor has more than one cache line's rows over an equal share.
        Assert.InRange(longest, 1, (outputs / processors) + 32);
    }
}
