using System.Text.Json.Nodes;
using Fdfa.Experiments.Data;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.CommandLine;

/// <summary>Files that hold other samples of the same name, and as many, than those that a run was trained on.</summary>
public sealed class OtherDataTests : IDisposable
{
    private const string Sweep = "train --data cifar-10 --network 3072-10 --batch-size 2 --sweep lr=1e-3";
    private const string Table = "reproduce colour --quick --rules BP --no-batch-norm --seeds 1";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(Sweep)]
    [InlineData(Table)]
    public void A_stored_run_is_not_taken_for_one_on_other_data(string commandLine)
    {
        WriteData(firstByte: 1);
        Assert.True(Trains(commandLine, out string first));
        string[] before = Runs();
        WriteData(firstByte: 2);

        Assert.True(Trains(commandLine, out string second));

        Assert.Single(before);
        Assert.Equal(2, Runs().Length);
        Assert.DoesNotContain("trained on other samples", first, StringComparison.Ordinal);
        Assert.Contains(
            $"The run stored in '{before[0]}' was trained on other samples of cifar-10, from {folder.File("data")}: "
            + $"it stays as it is, and the run is trained anew, in '{Runs().Except(before).Single()}'.",
            second,
            StringComparison.Ordinal);
        Assert.False(Trains(commandLine, out _));
        WriteData(firstByte: 1);
        Assert.False(Trains(commandLine, out _));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_run_from_before_the_data_were_part_of_the_key_is_found_where_they_are_the_same_or_not_noted(bool isNoted)
    {
        WriteData(firstByte: 1);
        Assert.True(Trains(Sweep, out _));
        string older = Runs()[0][..^9];
        Directory.Move(Runs()[0], older);
        if (!isNoted)
        {
            string file = Path.Combine(older, "config.json");
            JsonNode json = JsonNode.Parse(File.ReadAllText(file))!;
            Assert.True(json["data"]!.AsObject().Remove("sha256"));
            File.WriteAllText(file, json.ToJsonString());
        }

        Assert.False(Trains(Sweep, out _));
        WriteData(firstByte: 2);
        Assert.Equal(isNoted, Trains(Sweep, out _));
        Assert.Contains(older, Runs());
    }

    private string[] Runs() => [.. Directory.GetDirectories(folder.File("store")).Order(StringComparer.Ordinal)];

    private void WriteData(byte firstByte)
    {
        foreach (var (name, contents) in SmallCifar.Files(CifarDataSet.Cifar10))
        {
            // Within the first image, behind its label.
            contents[1] = firstByte;
            folder.Write($"data/{name}", contents);
        }
    }

    private bool Trains(string commandLine, out string output)
    {
        CommandLineRun run = ReproductionRun.Of(
            ColourDataTests.OfColour, CancellationToken.None,
            [
                .. commandLine.Split(' '), "--epochs", "1", "--data-dir", folder.File("data"), "--device", "cpu",
                "--output", folder.File("store"),
            ]);
        Assert.Equal(("", 0), (run.Error, run.ExitCode));
        output = run.Output;
        return output.Contains("epoch 1/1", StringComparison.Ordinal);
    }
}
