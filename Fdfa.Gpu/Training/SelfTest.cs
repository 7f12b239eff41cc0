using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;

namespace Fdfa.Gpu.Training;

/// <summary>
/// Whether a device computes: a dense and a convolutional step of FDFA, whose kernels hold most of the other rules' parts, beside the
/// reference.
/// </summary>
/// <remarks>
/// A driver's compiler can be wrong without a word (docs/mesa-lost-stores.md), and a training on such a device ends with numbers like any
/// other. Whoever opened the device takes its word for it where <see cref="ComputeDevice.IsProven"/> is set.
/// </remarks>
internal static class SelfTest
{
    private const double Tolerance = 1e-5;

    // Both operands of a product are rounded to ten bits.
    private const double TensorCoreTolerance = 1e-3;

    private static readonly NetworkDescription[] s_networks =
    [
        new([19, 37, 18, 5]),
        Topology.Parse("5C3/2+1-P3/2-3C3+1-11-5", inputShape: new ImageShape(2, 9, 9)),
    ];

    /// <summary>Refuses a device that does not compute with a tile program; tests it where nobody has.</summary>
    /// <exception cref="DeviceException">The device is wrong.</exception>
    public static void Require(ComputeDevice device, TileProgram tiles)
    {
        if (device.IsProven)
        {
            return;
        }

        // One that failed has another chance: what was wrong may have been mended where no version shows it.
        if (SelfTestResult.Find(device, tiles) is { Passed: true })
        {
            return;
        }

        var result = Run(device, tiles);
        result.Keep(device);
        if (!result.Passed)
        {
            throw new DeviceException(
                $"The device '{device.Info.Selector}' ({device.Info.Name}) does not compute what it should: "
                + $"{result.Worst} differ from the reference by {result.ErrorWords}, where {result.Tolerance:0.0E+00} is allowed. "
                + $"Update its driver ({device.Info.Driver}), use another device, or take it as it is with --unchecked-device.");
        }
    }

    /// <summary>Tests a device.</summary>
    public static SelfTestResult Run(ComputeDevice device, TileProgram tiles)
    {
        var table = device.Tiles;
        var wasProven = device.IsProven;
        device.Tiles = TileTable.Always(tiles);
        device.IsProven = true;
        try
        {
            var worst = s_networks.SelectMany(network => Errors(device, network))
                .Aggregate((one, other) => one.Error >= other.Error || double.IsNaN(one.Error) ? one : other);
            return SelfTestResult.Of(
                device.Info, tiles, worst.Error, tiles == TileProgram.TensorCores() ? TensorCoreTolerance : Tolerance, worst.Place);
        }
        finally
        {
            device.Tiles = table;
            device.IsProven = wasProven;
        }
    }

    private static IEnumerable<(double Error, string Place)> Errors(ComputeDevice device, NetworkDescription network)
    {
        // Where a new B is zero but for rounding, Adam's first step goes either way: the step uses the old B.
        var options = new TrainingOptions
        {
            BatchSize = 9,
            FeedbackInitialisation = Initialisation.KaimingUniform,
            FeedbackOrder = FeedbackOrder.Simultaneous,
        };
        var reference = new ReferenceTrajectory(network, options, 1, 0);
        return DeviceTrajectory.Compare(device, reference).Select(one => (
            reference.ErrorOf(one), $"{one.Quantity.ToString().ToLowerInvariant()} of {one.Place} of {network.Topology}"));
    }
}
