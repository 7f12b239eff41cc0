using System.Globalization;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Runs;

namespace Fdfa.Experiments.Sweeps;

/// <summary>A sweep as a job array of Slurm: a job per point, each of which can be sent again.</summary>
internal static class SlurmScript
{
    /// <summary>The text of the script.</summary>
    /// <param name="request">The sweep.</param>
    /// <param name="program">What starts fdfa.</param>
    /// <param name="folder">Where relative paths begin.</param>
    /// <param name="gridFile">The file with the grid: in words it may be longer than a command line.</param>
    public static string Of(SweepRequest request, IReadOnlyList<string> program, string folder, string gridFile)
    {
        string start = string.Join(' ', program.Select(ShellWord.Quote));
        string sweep = string.Join(' ', request.ToArguments(gridFile).Select(ShellWord.Quote));
        string points = ConsoleOutput.Count(request.Grid.Points.Count, "point");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"""
            #!/bin/bash
            # Trains {points} of a sweep, a job each; send them off with sbatch. A job whose point is
            # finished ends at once: after failures, send the same script again. When all have ended, gather the results with
            #   fdfa {sweep} --gather
            # Add what your cluster asks for: partition, time, memory, --gres=gpu:1. Many clusters take no more than 1001 jobs at once.
            #SBATCH --job-name=fdfa-sweep
            #SBATCH --array=0-{request.Grid.Points.Count - 1}
            set -euo pipefail
            cd {ShellWord.Quote(folder)}
            exec {start} {sweep} --quiet --sweep-point "$SLURM_ARRAY_TASK_ID"

            """).ReplaceLineEndings("\n");
    }

    // In a single file an assembly has no place of its own.
    private const string DotNet = "dotnet";

    /// <summary>What started this process: the program, or dotnet with it.</summary>
    public static IReadOnlyList<string> ThisProgram()
    {
        string process = Environment.ProcessPath ?? DotNet;
        return Path.GetFileNameWithoutExtension(process) == DotNet
            ? [DotNet, Path.Combine(AppContext.BaseDirectory, typeof(SlurmScript).Assembly.GetName().Name + ".dll")]
            : [process];
    }
}
