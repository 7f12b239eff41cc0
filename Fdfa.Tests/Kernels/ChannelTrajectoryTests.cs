using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Kernels;

/// <summary>The same over many steps, with partial batches among them. On devices of their own, so that they run beside the others.</summary>
public sealed class ChannelTrajectoryTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    /// <summary>Every third batch is a partial one; the last of these is full and follows one.</summary>
    private const int Steps = 25;

    /// <summary>The same for the SIMT program, to which a step costs a hundred times what it costs the others.</summary>
    private const int FewSteps = 7;

    [Theory]
    [MemberData(nameof(ChannelCases.RuleNames), MemberType = typeof(ChannelCases))]
    public void Steps_agree(string rule)
    {
        foreach (var isNormalized in new[] { false, true })
        {
            DenseCases.AssertAgreement(devices, ChannelCases.Pooled(isNormalized), DenseCases.Averaging(rule, 16), Steps, DenseCases.SimdPrograms);
            DenseCases.AssertAgreement(devices, ChannelCases.WithoutDense(isNormalized), DenseCases.WithAdam(rule, 16), Steps, "simd");
        }

        DenseCases.AssertAgreement(devices, ChannelCases.WithoutDense(isNormalized: true), DenseCases.WithAdam(rule, 16), FewSteps, "simt");
    }

    [Theory]
    [MemberData(nameof(ChannelCases.RuleNames), MemberType = typeof(ChannelCases))]
    public void Steps_of_a_dense_network_with_batch_normalization_agree(string rule)
    {
        DenseCases.AssertAgreement(devices, ChannelCases.NormalizedDense, DenseCases.Averaging(rule, 21), Steps, DenseCases.SimdPrograms);
        DenseCases.AssertAgreement(devices, ChannelCases.NormalizedDense, DenseCases.WithAdam(rule, 21), Steps, "simd");
        DenseCases.AssertAgreement(devices, ChannelCases.NormalizedDense, DenseCases.WithAdam(rule, 21), FewSteps, "simt");
    }

    /// <summary>Rule and site.</summary>
    public static TheoryData<string, PerturbationSite> Sites()
    {
        var cases = new TheoryData<string, PerturbationSite>();
        foreach (var rule in ChannelCases.RulesWithSites)
        {
            cases.Add(rule, PerturbationSite.BeforePool);
            cases.Add(rule, PerturbationSite.PreActivation);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Sites))]
    public void Steps_agree_wherever_perturbation_and_error_arrive(string rule, PerturbationSite site) => DenseCases.AssertAgreement(
        devices, ChannelCases.Pooled(isNormalized: true), DenseCases.WithAdam(rule, 16) with { PerturbationSite = site }, Steps, "simd");

    /// <summary>Rule, and the name of what it does besides its defaults.</summary>
    public static TheoryData<string, string> Variants()
    {
        var cases = new TheoryData<string, string>();
        foreach (var rule in ChannelCases.Rules)
        {
            foreach (var (name, _) in ChannelCases.Variants(rule))
            {
                cases.Add(rule, name);
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Steps_of_a_variant_agree(string rule, string variant) => DenseCases.AssertAgreement(
        devices, ChannelCases.Pooled(isNormalized: true), ChannelCases.Vary(rule, variant)(DenseCases.Averaging(rule, 16)), Steps, "simd");
}
