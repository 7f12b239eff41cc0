using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Measurement;

namespace Fdfa.Tests.Kernels;

/// <summary>The same over many steps, and what a rule does besides its defaults. On devices of their own, so that they run beside the others.</summary>
public sealed class DenseTrajectoryTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    [Theory]
    [MemberData(nameof(DenseCases.All), MemberType = typeof(DenseCases))]
    public void Fifty_steps_agree(string rule, ActivationFunction activation, int size, int batch)
    {
        int[] sizes = size > 100 ? [3, size, 3] : [size, size, size, 3];
        var network = new NetworkDescription(sizes, activation);

        // Fifty steps of 800 neurons take the SIMT program a second: every batch size for the rules whose kernels hold all of the
        // others' parts, one for each other rule.
        string[] programs = size <= 100 || batch == 5 || rule is "BP" or "FDFA" ? [] : DenseCases.SimdPrograms;
        DenseCases.AssertAgreement(devices, network, DenseCases.Averaging(rule, batch), 50, programs);
        DenseCases.AssertAgreement(devices, network, DenseCases.WithAdam(rule, batch), 50, programs);
    }

    /// <summary>Rule, the name of what it does besides its defaults, size, batch.</summary>
    public static TheoryData<string, string, int, int> VariantCases()
    {
        var cases = new TheoryData<string, string, int, int>();
        foreach (var rule in LearningRule.All)
        {
            foreach (var (name, _) in AgreementCheck.Variants(rule))
            {
                cases.Add(rule.Name, name, 3, 1);
                cases.Add(rule.Name, name, 17, 5);
                cases.Add(rule.Name, name, 18, 64);
                cases.Add(rule.Name, name, 65, 21);
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(VariantCases))]
    public void Variants_of_a_rule_agree(string rule, string variant, int size, int batch)
    {
        var vary = AgreementCheck.Variants(LearningRule.Parse(rule)).Single(one => one.Name == variant).Vary;
        var network = new NetworkDescription([size, size, size, 3]);
        DenseCases.AssertAgreement(devices, network, vary(DenseCases.LargeStep(rule, batch)), 1);

        // 12 steps end in a partial batch, 10 in a full one that follows one.
        DenseCases.AssertAgreement(devices, network, vary(DenseCases.WithAdam(rule, batch)), 12);
        DenseCases.AssertAgreement(devices, network, vary(DenseCases.Averaging(rule, batch)), 10);
    }
}
