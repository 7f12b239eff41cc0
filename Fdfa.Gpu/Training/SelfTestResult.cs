using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Tiles;

namespace Fdfa.Gpu.Training;

/// <summary>What a device's self-test came to; kept in a file each, so that processes do not meet there.</summary>
/// <param name="Device">Selector and name.</param>
/// <param name="Driver">The version of its driver.</param>
/// <param name="Fdfa">The version of fdfa, and of its kernels.</param>
/// <param name="Tiles">The tile program.</param>
/// <param name="LargestError">The largest norm-wise relative error; null where it is not a number.</param>
/// <param name="Tolerance">What is allowed.</param>
/// <param name="Worst">Where it is.</param>
public sealed record SelfTestResult(
    string Device, string Driver, string Fdfa, string Tiles, double? LargestError, double Tolerance, string Worst)
{
    private const string FolderName = "self-tests";

    private static readonly string s_fdfa =
        $"{typeof(SelfTestResult).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion}, "
        + $"{typeof(ITileProgram).Module.ModuleVersionId}";

    /// <summary>Whether the device may be used. Not a number never passes.</summary>
    public bool Passed => LargestError <= Tolerance;

    /// <summary>The number, for people.</summary>
    public string ErrorWords => LargestError?.ToString("0.0E+00", CultureInfo.InvariantCulture) ?? "not a number";

    /// <summary>What this version of fdfa remembers of a device with its present driver, a result per tile program.</summary>
    public static IReadOnlyList<SelfTestResult> Of(DeviceInfo device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return Directory.Exists(DefaultFolder)
            ? [.. Directory.EnumerateFiles(DefaultFolder, "*.json").Select(Read).OfType<SelfTestResult>()
                .Where(result => result.IsOf(device))]
            : [];
    }

    /// <summary>A result to keep.</summary>
    internal static SelfTestResult Of(DeviceInfo device, TileProgram tiles, double largestError, double tolerance, string worst) =>
        new(NameOf(device), device.Driver, s_fdfa, tiles.Name, double.IsFinite(largestError) ? largestError : null, tolerance, worst);

    /// <summary>What is remembered of a device with a tile program; null for nothing.</summary>
    internal static SelfTestResult? Find(ComputeDevice device, TileProgram tiles) =>
        Read(PathOf(device, tiles.Name)) is { } result && result.IsOf(device.Info) && result.Tiles == tiles.Name ? result : null;

    /// <summary>Remembers it where that is possible; elsewhere the test is made again next time.</summary>
    internal void Keep(ComputeDevice device)
    {
        try
        {
            AtomicFile.Write(PathOf(device, Tiles), stream => JsonSerializer.Serialize(stream, this));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static string DefaultFolder => Path.Combine(UserCache.Folder(), FolderName);

    private static string NameOf(DeviceInfo device) => $"{device.Selector}, {device.Name}";

    private bool IsOf(DeviceInfo device) => Device == NameOf(device) && Driver == device.Driver && Fdfa == s_fdfa;

    private static SelfTestResult? Read(string path)
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<SelfTestResult>(File.ReadAllBytes(path)) : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    private static string PathOf(ComputeDevice device, string tiles)
    {
        // FNV-1a: names of devices and drivers hold anything, and the file says again what it is of.
        var hash = Encoding.UTF8.GetBytes($"{NameOf(device.Info)}|{device.Info.Driver}|{s_fdfa}|{tiles}")
            .Aggregate(14695981039346656037UL, (sum, letter) => unchecked((sum ^ letter) * 1099511628211UL));
        return Path.Combine(device.SelfTestFolder ?? DefaultFolder, $"{hash:x16}.json");
    }
}
