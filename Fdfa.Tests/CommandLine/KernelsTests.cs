using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary><c>kernels</c>: what it prints and writes. No device takes part.</summary>
public sealed class KernelsTests
{
    [SkippableTheory]
    [InlineData("ptx", ".visible .entry Kernel_Run")]
    [InlineData("ptx+tf32", "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32")]
    [InlineData("opencl", "kernel void Kernel_Run")]
    public void The_kernels_of_a_step_are_counted_and_written(string target, string code)
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("kernels.txt");

        CommandLineRun run = CommandLineRun.Of(
            "kernels", "--rule", "FDFA", "--network", "784-800-800-10", "--target", target, "--output", file)
            .AssertDone();
        Assert.Contains(code, File.ReadAllText(file), StringComparison.Ordinal);
        Snapshot.Match(run.Output.Replace(file, "kernels.txt", StringComparison.Ordinal), $"kernels-{target}");
    }
}
