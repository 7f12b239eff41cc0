using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Measurement;
using Fdfa.Gpu.Training;

namespace Fdfa.Tests.Kernels;

/// <summary>Convolutions, pools and batch normalization on devices against the double-precision reference: one step of every rule, geometry, site and tile program.</summary>
[Collection(OnCpuAccelerators.Name)]
public sealed class ChannelAgreementTests(CpuAccelerators devices)
{
    private static readonly int[] s_batches = [1, 3, 8];

    /// <summary>Rule, the number of a geometry, whether normalized, batch.</summary>
    public static TheoryData<string, int, bool, int> Geometries()
    {
        var cases = new TheoryData<string, int, bool, int>();
        foreach (var rule in ChannelCases.Rules)
        {
            for (var geometry = 0; geometry < ChannelCases.Geometries.Count; geometry++)
            {
                foreach (var isNormalized in new[] { false, true })
                {
                    // The rules whose kernels hold the others' parts see every batch size, but on the largest images, which take most of the
                    // time; the others see one size after the other.
                    int[] batches = rule is "BP" or "FDFA" && geometry != ChannelCases.LargestGeometry ? s_batches : [s_batches[(geometry + (isNormalized ? 1 : 0)) % s_batches.Length]];
                    foreach (var batch in batches)
                    {
                        cases.Add(rule, geometry, isNormalized, batch);
                    }
                }
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Geometries))]
    public void A_step_of_every_geometry_agrees(string rule, int geometry, bool isNormalized, int batch)
    {
        var network = ChannelCases.Geometry(geometry, isNormalized);
        DenseCases.AssertAgreement(devices, network, DenseCases.Averaging(rule, batch), 1);
        DenseCases.AssertAgreement(
            devices, network, DenseCases.WithAdam(rule, batch) with { PerturbationSite = PerturbationSite.BeforePool }, 1, "simd");
    }

    /// <summary>Rule, site, whether normalized.</summary>
    public static TheoryData<string, PerturbationSite, bool> Sites()
    {
        var cases = new TheoryData<string, PerturbationSite, bool>();
        foreach (var rule in ChannelCases.RulesWithSites)
        {
            foreach (var site in Enum.GetValues<PerturbationSite>())
            {
                cases.Add(rule, site, false);
                cases.Add(rule, site, true);
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Sites))]
    public void A_step_agrees_wherever_perturbation_and_error_arrive(string rule, PerturbationSite site, bool isNormalized)
    {
        var network = ChannelCases.Pooled(isNormalized);
        DenseCases.AssertAgreement(devices, network, DenseCases.LargeStep(rule, 8) with { PerturbationSite = site }, 1);
        DenseCases.AssertAgreement(devices, network, ChannelCases.WithOldFeedback(rule, 8) with { PerturbationSite = site }, 1, "simd");
    }

    /// <summary>Rule, the name of what it does besides its defaults, activation.</summary>
    public static TheoryData<string, string, ActivationFunction> Variants()
    {
        var cases = new TheoryData<string, string, ActivationFunction>();
        foreach (var rule in ChannelCases.Rules)
        {
            foreach (var (name, _) in ChannelCases.Variants(rule))
            {
                cases.Add(rule, name, ActivationFunction.ReLU);
            }

            cases.Add(rule, ChannelCases.Defaults, ActivationFunction.Tanh);
            cases.Add(rule, ChannelCases.Defaults, ActivationFunction.ReLUOpenAtZero);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_step_of_a_variant_agrees(string rule, string variant, ActivationFunction activation)
    {
        var options = ChannelCases.Vary(rule, variant)(DenseCases.LargeStep(rule, 8));
        DenseCases.AssertAgreement(devices, ChannelCases.Pooled(isNormalized: true, activation), options, 1);
        DenseCases.AssertAgreement(devices, ChannelCases.Pooled(isNormalized: false, activation), options, 1, "simd");
    }

    [Theory]
    [MemberData(nameof(ChannelCases.RuleNames), MemberType = typeof(ChannelCases))]
    public void A_step_of_a_dense_network_with_batch_normalization_agrees(string rule)
    {
        DenseCases.AssertAgreement(devices, ChannelCases.NormalizedDense, DenseCases.LargeStep(rule, 21), 1);
        DenseCases.AssertAgreement(devices, ChannelCases.NormalizedDense, ChannelCases.WithOldFeedback(rule, 64), 1, "simd", "simt");
    }

    [Theory]
    [MemberData(nameof(ChannelCases.RuleNamesWithSites), MemberType = typeof(ChannelCases))]
    public void A_step_of_a_plain_dense_network_with_errors_at_its_preactivations_agrees(string rule)
    {
        var network = new NetworkDescription([17, 65, 18, 3], ActivationFunction.Tanh);
        DenseCases.AssertAgreement(devices, network, DenseCases.LargeStep(rule, 9) with { PerturbationSite = PerturbationSite.PreActivation }, 1);
        DenseCases.AssertAgreement(
            devices, network, ChannelCases.WithOldFeedback(rule, 65) with { PerturbationSite = PerturbationSite.PreActivation }, 1, "simd", "simt");
    }

    /// <summary>The shape that GPUs run, 64 threads: slow here, where each thread is one of the system's, so one tiny case.</summary>
    [Theory]
    [MemberData(nameof(ChannelCases.RuleNames), MemberType = typeof(ChannelCases))]
    public void The_tile_shape_of_GPUs_agrees(string rule)
    {
        using var device = ComputeDevice.OpenCpu(TileProgram.Simt(), 1);
        var reference = new ReferenceTrajectory(ChannelCases.Tiny, DenseCases.LargeStep(rule, 3), 1, 3);
        Assert.All(DeviceTrajectory.Compare(device, reference), one => Assert.InRange(one.RelativeError, 0, AgreementCheck.OneStepTolerance));
    }
}
