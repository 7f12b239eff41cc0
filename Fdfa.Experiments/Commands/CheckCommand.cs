using System.CommandLine;
using System.Globalization;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Measurement;
using Spectre.Console;

namespace Fdfa.Experiments.Commands;

/// <summary><c>fdfa check</c>: does every device of this machine compute what the reference computes?</summary>
internal sealed class CheckCommand : Command, IFdfaCommand
{
    private readonly Option<string> _device = CommonOptions.Device("every device of this machine");

    /// <summary>Creates the command.</summary>
    public CheckCommand()
        : base("check", "Compares the devices of this machine with the double-precision reference; exit code 1 when one disagrees.")
    {
        Options.Add(_device);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; } = ["fdfa check --device cpu"];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        string[] selectors = arguments.Text(_device) is null
            ? [.. ComputeDevice.Survey().Devices.Select(device => device.Selector)]
            : [arguments.Device(_device)];
        var everyDeviceAgrees = true;
        foreach (string selector in selectors)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                using ComputeDevice device = ComputeDevice.Open(selector);
                everyDeviceAgrees &= Write(output, device.Info, AgreementCheck.Run(device, cancellation));
            }
            catch (Exception failure) when (selectors.Length > 1 && (failure is DeviceException or KernelBuildException || DriverFailure.Is(failure)))
            {
                // One broken driver must not hide the other devices' results.
                output.Error(DriverFailure.Is(failure) ? $"{selector} failed: {DriverFailure.Describe(failure)}." : failure.Message);
                everyDeviceAgrees = false;
            }
        }

        return everyDeviceAgrees ? ExitCode.Success : ExitCode.Failure;
    }

    /// <summary>Writes one device's rows.</summary>
    /// <returns>Whether all agree; no rows prove nothing and do not.</returns>
    public static bool Write(ConsoleOutput output, DeviceInfo device, IReadOnlyList<AgreementRow> rows)
    {
        Table table = ConsoleOutput.CreateTable(
            $"{device.Selector}: {device.Name}",
            "Rule", "Case", ConsoleOutput.Number("Largest error"), ConsoleOutput.Number("Tolerance"), "Result");
        foreach (AgreementRow row in rows)
        {
            table.AddRow(
                new Text(row.Rule),
                new Text(row.Case),
                new Text(row.LargestError.ToString("0.0E+00", CultureInfo.InvariantCulture)),
                new Text(row.Tolerance.ToString("0.0E+00", CultureInfo.InvariantCulture)),
                row.Agrees ? new Text("agrees", new Style(Color.Green)) : new Text("DISAGREES", new Style(Color.Red, decoration: Decoration.Bold)));
        }

        output.Table(table);
        int failures = rows.Count(row => !row.Agrees);
        if (failures > 0 || rows.Count == 0)
        {
            output.Error($"{device.Selector} disagrees with the reference in {failures} of {ConsoleOutput.Count(rows.Count, "case")}.");
            return false;
        }

        return true;
    }
}
