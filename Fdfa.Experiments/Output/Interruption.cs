using System.Runtime.InteropServices;

namespace Fdfa.Experiments.Output;

/// <summary>The signals that ask this process to end: it finishes the step under way, and keeps what is done.</summary>
/// <remarks>
/// A second Ctrl-C or SIGTERM ends it at once. SIGHUP never does: whoever closes a terminal sends it twice, through the shell and through
/// the system. Started with it ignored, as nohup does, the process does not hear it at all.
/// </remarks>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _cancellation = new();
    private readonly PosixSignalRegistration[] _registrations;
    private int _requests;
    private bool _isHungUp;

    /// <summary>Begins to listen.</summary>
    public Interruption() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, Request),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, Request),
        PosixSignalRegistration.Create(PosixSignal.SIGHUP, HangUp),
    ];

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _cancellation.Token;

    /// <summary>What the process returns.</summary>
    /// <param name="exitCode">What the command came to.</param>
    public int ExitCodeOf(int exitCode) => exitCode == ExitCode.Cancelled && _isHungUp ? ExitCode.HungUp : exitCode;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }

        _cancellation.Dispose();
    }

    private void Request(PosixSignalContext signal)
    {
        signal.Cancel = Interlocked.Increment(ref _requests) == 1;
        if (signal.Cancel)
        {
            _cancellation.Cancel();
        }
        else
        {
            ProcessConsole.Leave(
                "fdfa: Interrupted twice, and ended at once; a run that had begun goes on from its last checkpoint "
                + "with 'fdfa train --resume'.");
        }
    }

    private void HangUp(PosixSignalContext signal)
    {
        signal.Cancel = true;
        _isHungUp |= !_cancellation.IsCancellationRequested;
        _cancellation.Cancel();
    }
}
