using System.CommandLine;
using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Output;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Measurement;

namespace Fdfa.Experiments.Commands;

/// <summary><c>fdfa check</c>: does every device of this machine compute what the reference computes?</summary>
internal sealed class CheckCommand : Command, IFdfaCommand
{
    private readonly Option<string> _device = CommonOptions.Device("every device of this machine");

    private readonly Option<string> _rules = OptionText.Create(
        "--rule", "names", $"Learning rules to check, with commas between: {CommonOptions.RuleNames}. [default: all]");

    private readonly Option<bool> _quick = OptionText.CreateSwitch(
        "--quick", "One step of a dense and of a convolutional network per rule: for devices whose drivers take long to build kernels.");

    /// <summary>Creates the command.</summary>
    public CheckCommand()
        : base("check", "Compares the devices of this machine with the double-precision reference; exit code 1 when one disagrees.")
    {
        Options.Add(_device);
        Options.Add(_rules);
        Options.Add(_quick);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; } = ["fdfa check --device cpu", "fdfa check --rule FDFA,BP --quick"];

    /// <inheritdoc/>
    public int Run(ParseResult arguments, ConsoleOutput output, CancellationToken cancellation)
    {
        string[] selectors = arguments.Text(_device) is null
            ? [.. ComputeDevice.Survey().Devices.Select(device => device.Selector)]
            : [arguments.Device(_device)];
        IReadOnlyList<LearningRule>? rules = arguments.List(_rules, LearningRule.Parse);
        var everyDeviceAgrees = true;
        foreach (string selector in selectors)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                using ComputeDevice device = ComputeDevice.Open(selector);
                everyDeviceAgrees &= Write(
                    output, device.Info, AgreementCheck.Run(device, rules, arguments.GetValue(_quick), cancellation));
            }
            catch (Exception failure)
                when (selectors.Length > 1 && (failure is DeviceException or KernelBuildException || DriverFailure.Is(failure)))
            {
                // One broken driver must not hide the other devices' results.
                output.Error(DriverFailure.Is(failure) ? $"{selector} failed: {DriverFailure.Describe(failure)}." : failure.Message);
                everyDeviceAgrees = false;
            }
        }

        return everyDeviceAgrees ? ExitCode.Success : ExitCode.Failure;
    }

    /// <summary>Writes one device's rows, each as soon as it is computed: some drivers take minutes for one.</summary>
    /// <returns>Whether all agree; no rows prove nothing and do not.</returns>
    /// <exception cref="OperationCanceledException">Interrupted; what was computed is written, and how far it got.</exception>
    public static bool Write(ConsoleOutput output, DeviceInfo device, IEnumerable<AgreementRow> rows)
    {
        output.Line($"{device.Selector}: {device.Name}");
        output.Line($"{"Largest error",13}  {"Tolerance",9}  {"Result",-9}  {"Rule",-7}  Case");
        var count = 0;
        var failures = 0;
        try
        {
            foreach (AgreementRow row in rows)
            {
                count++;
                failures += row.Agrees ? 0 : 1;
                output.Line(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{row.LargestError,13:0.0E+00}  {row.Tolerance,9:0.0E+00}  {(row.Agrees ? "agrees" : "DISAGREES"),-9}  "
                    + $"{row.Rule,-7}  {row.Case}"));
            }
        }
        catch (OperationCanceledException)
        {
            output.Line($"Interrupted after {ConsoleOutput.Count(count, "case")}, of which {failures} disagree.");
            throw;
        }

        if (failures > 0 || count == 0)
        {
            output.Error($"{device.Selector} disagrees with the reference in {failures} of {ConsoleOutput.Count(count, "case")}.");
            return false;
        }

        return true;
    }
}
