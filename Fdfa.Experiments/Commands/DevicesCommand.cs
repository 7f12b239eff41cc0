using System.CommandLine;
using Fdfa.Experiments.Output;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;
using Spectre.Console;

namespace Fdfa.Experiments.Commands;

/// <summary><c>fdfa devices</c>: what <c>--device</c> can name here.</summary>
internal sealed class DevicesCommand : Command, IFdfaCommand
{
    /// <summary>Creates the command.</summary>
    public DevicesCommand()
        : base("devices", "Lists the devices of this machine, and why a kind of device is missing.")
    {
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; } = ["fdfa devices"];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        Write(output, ComputeDevice.Survey(), SelfTestResult.Of);
        return ExitCode.Success;
    }

    /// <summary>Writes a survey, and what is remembered of its devices' self-tests.</summary>
    public static void Write(ConsoleOutput output, DeviceSurvey survey, Func<DeviceInfo, IReadOnlyList<SelfTestResult>> remembered)
    {
        Table devices = ConsoleOutput.CreateTable(
            "Devices", "--device", "Kind", "Name", ConsoleOutput.Number("Memory"), "Details", "Self-test");
        foreach (DeviceInfo device in survey.Devices)
        {
            devices.AddRow(
                new Text(device.Selector),
                new Text(KindName(device.Kind)),
                new Text(device.Name),
                new Text(ConsoleOutput.Quantity(device.MemoryBytes, "B")),
                new Text(device.Details),
                SelfTest(device, remembered(device)));
        }

        output.Table(devices);
        WriteReasons("Here, but not used", "Device", survey.Refused.Select(device => (
            $"{KindName(device.Kind)}: {device.Name}",
            device.Selector is null ? device.Reason : $"{device.Reason} (for tests, --device {device.Selector} takes it all the same)")));
        WriteReasons("Not here", "Kind", survey.Missing.Select(kind => (KindName(kind.Kind), kind.Reason)));

        void WriteReasons(string heading, string what, IEnumerable<(string Name, string Reason)> rows)
        {
            if (!rows.Any())
            {
                return;
            }

            Table table = ConsoleOutput.CreateTable(heading, what, "Reason");
            foreach ((string name, string reason) in rows)
            {
                table.AddRow(new Text(name), new Text(reason));
            }

            output.Table(table);
        }
    }

    private static Text SelfTest(DeviceInfo device, IReadOnlyList<SelfTestResult> results) =>
        (device.Kind, results.FirstOrDefault(result => !result.Passed)) switch
        {
            (DeviceKind.Cpu, _) => new("not needed"),
            (_, { } failed) => new($"FAILED, {failed.ErrorWords}: {failed.Worst}", new Style(Color.Red, decoration: Decoration.Bold)),
            _ when results.MaxBy(result => result.LargestError) is { } worst => new($"passed, {worst.ErrorWords}"),
            _ => new("at first use"),
        };

    private static string KindName(DeviceKind kind) => kind switch
    {
        DeviceKind.Cuda => "CUDA",
        DeviceKind.OpenCl => "OpenCL",
        DeviceKind.Cpu => "CPU",
        _ => kind.ToString(),
    };
}
