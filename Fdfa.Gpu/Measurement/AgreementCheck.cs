using Fdfa.Gpu.Devices;

namespace Fdfa.Gpu.Measurement;

/// <summary>How far a device is from the reference for one rule and network.</summary>
/// <param name="Rule">The rule's name.</param>
/// <param name="Case">Network, batch size and number of steps.</param>
/// <param name="LargestError">The largest norm-wise relative error over parameters, activations and tangents.</param>
/// <param name="Tolerance">The bound it is held to.</param>
public sealed record AgreementRow(string Rule, string Case, double LargestError, double Tolerance)
{
    /// <summary>Whether the device agrees. NaN never does.</summary>
    public bool Agrees => LargestError <= Tolerance;
}

/// <summary>Agreement of a device with the double-precision reference.</summary>
public static class AgreementCheck
{
    /// <summary>Runs every rule for one step and for a short trajectory.</summary>
    public static IReadOnlyList<AgreementRow> Run(ComputeDevice device) => throw new NotImplementedException();
}
