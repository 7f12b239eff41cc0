// Stand-ins until branch `reference` is merged; the folder StandIns then goes.
using System.Text.Json;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Gpu.Checkpoints;

internal static class ModelFile
{
    public static void Save(
        string path, NetworkDescription network, NetworkParameters parameters, IReadOnlyDictionary<string, string> metadata) =>
        AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, new { network.Topology, metadata, parameters }));

    public static NetworkParameters Load(string path, NetworkDescription network)
    {
        ArgumentNullException.ThrowIfNull(network);
        using var stream = File.OpenRead(path);
        using var document = JsonDocument.Parse(stream);
        return document.RootElement.GetProperty("parameters").Deserialize<NetworkParameters>()!;
    }
}

internal static class AtomicFile
{
    public static void Write(string path, Action<Stream> write)
    {
        var temporary = path + ".tmp";
        using (var stream = new FileStream(temporary, FileMode.Create))
        {
            write(stream);
            stream.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }
}
