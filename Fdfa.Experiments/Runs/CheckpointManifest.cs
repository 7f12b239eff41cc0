using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Fdfa.Gpu.Devices;

namespace Fdfa.Experiments.Runs;

/// <summary>A file of a checkpoint.</summary>
/// <param name="Name">Within the checkpoint's folder.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">Of its bytes, in hexadecimal digits.</param>
internal sealed record CheckpointFile(string Name, long Bytes, string Sha256);

/// <summary><c>checkpoint.json</c>: where a run stood, and what its other files must be.</summary>
/// <remarks>
/// The order of the samples follows from seed and epoch, and <see cref="StepInEpoch"/> says how far it is used up. The text ends with a
/// checksum of everything above it, so that no number in it changes unnoticed.
/// </remarks>
internal sealed record CheckpointManifest
{
    /// <summary>The layout of checkpoint.json that this program writes and reads.</summary>
    public const int CurrentSchemaVersion = 1;

    private const string ChecksumBegin = "  \"checksum\": \"";
    private const string ChecksumEnd = "\"\n}\n";

    /// <summary>The layout of this file.</summary>
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>Which run it is of: when that began.</summary>
    public required DateTimeOffset Run { get; init; }

    /// <summary>When it was written.</summary>
    public required DateTimeOffset WrittenAt { get; init; }

    /// <summary>Steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Whole epochs done.</summary>
    public required int Epoch { get; init; }

    /// <summary>Steps done beyond them.</summary>
    public required int StepInEpoch { get; init; }

    /// <summary>Training time of the epoch under way.</summary>
    public required double SecondsInEpoch { get; init; }

    /// <summary>One network each.</summary>
    public required IReadOnlyList<ulong> Seeds { get; init; }

    /// <summary>Where it was computed: the seeds were spread over them in this order.</summary>
    public required IReadOnlyList<DeviceInfo> Devices { get; init; }

    /// <summary>What computed it.</summary>
    public required RunVersions Versions { get; init; }

    /// <summary>The other files of the checkpoint.</summary>
    public IReadOnlyList<CheckpointFile> Files { get; init; } = [];

    /// <summary>The text of checkpoint.json.</summary>
    public string ToText()
    {
        const string End = "\n}";
        string above = JsonSerializer.Serialize(this, RunConfiguration.Json).ReplaceLineEndings("\n")[..^End.Length] + ",\n";
        return above + ChecksumBegin + Checksum(above) + ChecksumEnd;
    }

    /// <summary>Reads the text of a checkpoint.json.</summary>
    /// <exception cref="RunFolderException">It is damaged, or of a newer program.</exception>
    public static CheckpointManifest Parse(string text)
    {
        int end = text.LastIndexOf(ChecksumBegin, StringComparison.Ordinal);
        if (end < 0 || text[end..] != ChecksumBegin + Checksum(text[..end]) + ChecksumEnd)
        {
            throw new RunFolderException("its checkpoint.json is damaged");
        }

        try
        {
            CheckpointManifest manifest = JsonSerializer.Deserialize<CheckpointManifest>(text, RunConfiguration.Json)!;
            return manifest.SchemaVersion == CurrentSchemaVersion
                ? manifest
                : throw new RunFolderException(
                    $"its schemaVersion is {manifest.SchemaVersion}, and this fdfa reads {CurrentSchemaVersion}");
        }
        catch (JsonException malformed)
        {
            throw new RunFolderException("its checkpoint.json is not one that this fdfa reads", malformed);
        }
    }

    private static string Checksum(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
