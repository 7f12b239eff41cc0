using System.Security.Cryptography;

namespace Fdfa.Experiments.Data;

/// <summary>What a downloaded file must hash to.</summary>
/// <param name="Algorithm">The algorithm of the published value.</param>
/// <param name="Hex">The published value, in hexadecimal digits.</param>
internal sealed record Checksum(HashAlgorithmName Algorithm, string Hex)
{
    /// <summary>A SHA-256 value.</summary>
    /// <param name="hex">64 digits.</param>
    public static Checksum Sha256(string hex) => new(HashAlgorithmName.SHA256, hex);

    /// <summary>An MD5 value, where nothing stronger is published; it guards against damage.</summary>
    /// <param name="hex">32 digits.</param>
    public static Checksum Md5(string hex) => new(HashAlgorithmName.MD5, hex);
}
