namespace Fdfa.Experiments.Output;

/// <summary>What the process returns.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Success = 0;

    /// <summary>A check failed, or training diverged.</summary>
    public const int Failure = 1;

    /// <summary>An option, a file or a device that cannot be worked with.</summary>
    public const int BadInput = 2;

    /// <summary>A device or its driver failed in the middle of work, or a disk is full.</summary>
    public const int MachineFailed = 3;

    /// <summary>A bug in fdfa (EX_SOFTWARE of sysexits.h).</summary>
    public const int Bug = 70;

    /// <summary>Ended because its terminal was closed (128 + SIGHUP).</summary>
    public const int HungUp = 129;

    /// <summary>Ended by Ctrl-C (128 + SIGINT), or by a request of the system.</summary>
    public const int Cancelled = 130;
}
