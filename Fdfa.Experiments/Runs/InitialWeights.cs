using System.Security.Cryptography;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Exchange;

namespace Fdfa.Experiments.Runs;

/// <summary>The weights that a run starts from instead of those that its seeds draw.</summary>
internal static class InitialWeights
{
    /// <summary>Reads them, and notes in the request which they are.</summary>
    /// <param name="request">The run; from now on with the file's full path and its checksum.</param>
    /// <returns>Null where they are drawn.</returns>
    /// <exception cref="ModelFileException">The file cannot be read, or holds another network.</exception>
    /// <exception cref="RunFolderException">The file is not the one that the run began with.</exception>
    public static NetworkParameters? Load(ref RunRequest request)
    {
        if (request.InitialWeights is not { } path)
        {
            return null;
        }

        NetworkParameters weights = StateDict.Load(path, request.Network);
        string sha256 = Sha256Of(path);
        if (request.InitialWeightsSha256 is { } before && before != sha256)
        {
            throw new RunFolderException(
                $"The initial weights '{path}' are not those that the run began with: the file has changed. "
                + "Put the former file there, or train anew from this one.");
        }

        request = request with { InitialWeights = Path.GetFullPath(path), InitialWeightsSha256 = sha256 };
        return weights;
    }

    private static string Sha256Of(string path)
    {
        using FileStream file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}
