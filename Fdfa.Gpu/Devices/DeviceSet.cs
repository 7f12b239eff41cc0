using System.Globalization;

namespace Fdfa.Gpu.Devices;

/// <summary>Devices opened together for one run, each once.</summary>
public sealed class DeviceSet : IDisposable
{
    private readonly List<ComputeDevice> _devices = [];

    private DeviceSet(IEnumerable<string> selectors)
    {
        try
        {
            foreach (var selector in selectors)
            {
                _devices.Add(ComputeDevice.Open(selector));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>At least one.</summary>
    public IReadOnlyList<ComputeDevice> Devices => _devices;

    /// <summary>Whether blocks, not seeds, are shared out among them.</summary>
    public bool IsLayerParallel { get; init; }

    /// <summary>What was opened, for people.</summary>
    public string Names => string.Join(", ", _devices.GroupBy(device => device.Info.Name).Select(same => same.Count() == 1
        ? same.Key
        : string.Create(CultureInfo.InvariantCulture, $"{same.Count()} × {same.Key}")));

    /// <summary>Opens devices.</summary>
    /// <remarks>
    /// "all" are those of the kind that "auto" takes: the CPU beside a GPU would hold it up, and a GPU can be there twice, by CUDA and by
    /// OpenCL. They share the kernels' arithmetic too. Whoever wants to mix kinds names them.
    /// </remarks>
    /// <param name="selector">What <see cref="ComputeDevice.Open"/> takes, several of them with commas between, or "all".</param>
    /// <param name="most">How many there is work for; "all" opens no more.</param>
    /// <param name="isLayerParallel">Whether that work is blocks, not seeds.</param>
    /// <exception cref="DeviceException">One of them is not here, or was named twice, or there are more than have work.</exception>
    public static DeviceSet Open(string selector, int most, bool isLayerParallel = false)
    {
        ArgumentNullException.ThrowIfNull(selector);
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        const string All = "all";
        if (selector.Trim().ToLowerInvariant() is All or (All + ComputeDevice.Unchecked))
        {
            var suffix = selector.Trim()[All.Length..];
            var present = ComputeDevice.Survey().Devices;
            return new DeviceSet(present.Where(device => device.Kind == present[0].Kind).Take(most)
                .Select(device => device.Selector + suffix))
            { IsLayerParallel = isLayerParallel };
        }

        var selectors = selector.Split(',', StringSplitOptions.TrimEntries);
        return selectors.Distinct(StringComparer.OrdinalIgnoreCase).Count() < selectors.Length
            ? throw new DeviceException($"The devices '{selector}' have one twice; name each once.")
            : selectors.Length > most
            ? throw new DeviceException(string.Create(
                CultureInfo.InvariantCulture, $"The devices '{selector}' are more than there is work for, which is {most}; name fewer."))
            : new DeviceSet(selectors) { IsLayerParallel = isLayerParallel };
    }

    /// <inheritdoc/>
    public void Dispose() => _devices.ForEach(device => device.Dispose());
}
