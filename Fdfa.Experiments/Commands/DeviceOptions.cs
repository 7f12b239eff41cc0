using System.CommandLine;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Devices;

namespace Fdfa.Experiments.Commands;

/// <summary>The options that say where a run computes: <c>--device</c> and <c>--layer-parallel</c>.</summary>
internal sealed class DeviceOptions
{
    private readonly Option<bool> _layerParallel = OptionText.CreateSwitch(
        "--layer-parallel",
        "Place consecutive blocks of every network on different devices, instead of sharing out the seeds; "
        + "--device says which, several or all.");

    private readonly Option<bool> _unchecked = OptionText.CreateUncheckedDevice();

    /// <summary><c>--device</c>.</summary>
    public Option<string> Device { get; } = CommonOptions.Devices();

    /// <summary>Both, for a command to have.</summary>
    public IReadOnlyList<Option> All => [Device, _unchecked, _layerParallel];

    /// <summary>Whether any of them is on the command line.</summary>
    public bool IsGiven(ParseResult arguments) => All.Any(arguments.IsGiven);

    /// <summary>Refuses what shares out blocks where many runs share the devices.</summary>
    /// <exception cref="InvalidOptionException"><c>--layer-parallel</c> is given.</exception>
    public void RequireSeedsSharedOut(ParseResult arguments)
    {
        if (arguments.GetValue(_layerParallel))
        {
            throw new InvalidOptionException(
                $"The runs of a sweep share their seeds out among devices, not their blocks; leave out {_layerParallel.Name}.");
        }
    }

    /// <summary>What they ask for. Whether the devices are here, only opening them can tell.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="network">What is to be shared out, with <c>--layer-parallel</c>.</param>
    /// <param name="seeds">What is to be shared out, without.</param>
    /// <exception cref="InvalidOptionException">No such devices, or not as many as can be used.</exception>
    public DeviceRequest Read(ParseResult arguments, NetworkDescription network, int seeds)
    {
        bool isLayerParallel = arguments.GetValue(_layerParallel);
        int most = isLayerParallel ? network.Blocks.Count : seeds;
        string selector = arguments.Devices(Device, most, isLayerParallel ? "block" : "seed");
        return isLayerParallel && arguments.Text(Device) != "all" && !selector.Contains(',', StringComparison.Ordinal)
            ? throw new InvalidOptionException(
                $"The option --layer-parallel places blocks on several devices, but --device is {selector}; "
                + "give --device all, or a list such as cuda:0,cuda:1.")
            : new DeviceRequest(selector, most, isLayerParallel);
    }
}

/// <summary>Devices that a run asks for.</summary>
/// <param name="Selector">The value of --device.</param>
/// <param name="Most">How many there is work for.</param>
/// <param name="IsLayerParallel">Whether blocks, not seeds, are shared out among them.</param>
internal sealed record DeviceRequest(string Selector, int Most, bool IsLayerParallel)
{
    /// <summary>The devices that a run had.</summary>
    public static DeviceRequest As(RunConfiguration configuration) => new(
        configuration.DeviceSelector,
        configuration.IsLayerParallel ? configuration.ToRequest().Network.Blocks.Count : configuration.Seeds.Count,
        configuration.IsLayerParallel);

    /// <summary>Opens them.</summary>
    /// <exception cref="FdfaException">They are not here.</exception>
    public DeviceSet Open()
    {
        DeviceSet devices = DeviceSet.Open(Selector, Most, IsLayerParallel);
        if (!IsLayerParallel || devices.Devices.Count > 1)
        {
            return devices;
        }

        string reason = Most == 1 ? "the network has one block" : $"there is one device here, {devices.Devices[0].Info.Selector}";
        devices.Dispose();
        throw new InvalidOptionException($"The option --layer-parallel needs two devices and two blocks, but {reason}; leave it out.");
    }
}
