using System.CommandLine;
using Fdfa.Experiments.Output;
using Fdfa.Gpu.Devices;
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
        Write(output, ComputeDevice.Survey());
        return ExitCode.Success;
    }

    /// <summary>Writes a survey.</summary>
    public static void Write(ConsoleOutput output, DeviceSurvey survey)
    {
        Table devices = ConsoleOutput.CreateTable("Devices", "--device", "Kind", "Name", ConsoleOutput.Number("Memory"), "Details");
        foreach (DeviceInfo device in survey.Devices)
        {
            devices.AddRow(
                new Text(device.Selector),
                new Text(KindName(device.Kind)),
                new Text(device.Name),
                new Text(ConsoleOutput.Quantity(device.MemoryBytes, "B")),
                new Text(device.Details));
        }

        output.Table(devices);
        WriteReasons("Here, but not used", "Device", survey.Refused.Select(device => ($"{KindName(device.Kind)}: {device.Name}", device.Reason)));
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

    private static string KindName(DeviceKind kind) => kind switch
    {
        DeviceKind.Cuda => "CUDA",
        DeviceKind.OpenCl => "OpenCL",
        DeviceKind.Cpu => "CPU",
        _ => kind.ToString(),
    };
}
