using System.Runtime.InteropServices;
using Fdfa.Experiments;
using Fdfa.Experiments.Output;

using var cancellation = new CancellationTokenSource();

// The first signal lets the step under way finish; a second one ends the process as usual.
void FinishStep(PosixSignalContext signal)
{
    signal.Cancel = !cancellation.IsCancellationRequested;
    cancellation.Cancel();
}

using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, FinishStep);
using var termination = PosixSignalRegistration.Create(PosixSignal.SIGTERM, FinishStep);
return FdfaCommandLine.Run(args, ProcessConsole.Create(), Console.Error, cancellation.Token);
