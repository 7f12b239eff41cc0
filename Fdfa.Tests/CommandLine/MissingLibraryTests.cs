using Fdfa.Experiments;
using Fdfa.Experiments.Plots;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary>Native libraries that are not here: a sentence, and what needs them is all that is lost.</summary>
public sealed class MissingLibraryTests
{
    [Fact]
    public void Without_the_library_that_draws_a_run_has_everything_but_pictures()
    {
        using var folder = new TemporaryFolder();
        PlotLibrary.PlantedFailure = "no such file";
        try
        {
            CommandLineRun run = CommandLineRun.Of(["train", .. CommandLineRun.Tiny, "--quiet", "--output", folder.File("run")]);

            Assert.Equal(0, run.ExitCode);
            Assert.Equal(
                "fdfa: No pictures were drawn, because the library that draws them, libSkiaSharp, cannot be loaded (no such file); "
                + "everything else is there. Put it beside fdfa, or publish fdfa with it inside.", run.Error.TrimEnd());
            Assert.Equal(
                ["checkpoints", "config.json", "log.txt", "metrics.csv", "model-seed0.safetensors"],
                RunFolderTests.FileNames(folder.File("run")));
        }
        finally
        {
            PlotLibrary.PlantedFailure = null;
        }

        Assert.Equal("", CommandLineRun.Of("train", "--resume", folder.File("run"), "--epochs", "2", "--quiet").Error);
    }

    [Fact]
    public void Without_openssl_there_is_a_sentence_before_the_first_checksum()
    {
        var missing = Assert.Throws<MissingLibraryException>(() => OpenSsl.Require(_ => false));
        Assert.Contains("install it (Debian: libssl3)", missing.Message, StringComparison.Ordinal);
        OpenSsl.Require(name => name == "libssl.so.1.1");
    }
}
