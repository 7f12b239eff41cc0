using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;
using Fdfa.Tests.Kernels;

namespace Fdfa.Tests.Devices;

/// <summary>The same for convolutions, pools and batch normalization, with groups of one thread.</summary>
/// <remarks>
/// PoCL 3.1 repeats the code behind a barrier for every way around it, and would build a kernel of blocks with channels for minutes; a group
/// of one thread has no barriers. With 64 threads these kernels run under Oclgrind (<see cref="OpenClRaceTests"/>).
/// </remarks>
[Collection(OnOpenCl.Name)]
public sealed class OpenClChannelTests(OpenClDevice openCl)
{
    /// <summary>Rule, the number of a geometry, whether normalized.</summary>
    public static TheoryData<string, int, bool> Geometries()
    {
        var cases = new TheoryData<string, int, bool>();
        foreach (var rule in ChannelCases.Rules)
        {
            for (var geometry = 0; geometry < ChannelCases.Geometries.Count; geometry++)
            {
                cases.Add(rule, geometry, false);
                cases.Add(rule, geometry, true);
            }
        }

        return cases;
    }

    [SkippableTheory]
    [MemberData(nameof(Geometries))]
    public void A_step_of_every_geometry_agrees(string rule, int geometry, bool isNormalized) =>
        AssertAgreement(ChannelCases.Geometry(geometry, isNormalized), DenseCases.LargeStep(rule, 8), 1);

    /// <summary>Rule, site, whether normalized.</summary>
    public static TheoryData<string, PerturbationSite, bool> Sites() => ChannelAgreementTests.Sites();

    [SkippableTheory]
    [MemberData(nameof(Sites))]
    public void A_step_agrees_wherever_perturbation_and_error_arrive(string rule, PerturbationSite site, bool isNormalized) =>
        AssertAgreement(ChannelCases.Pooled(isNormalized), DenseCases.LargeStep(rule, 8) with { PerturbationSite = site }, 1);

    [SkippableTheory]
    [MemberData(nameof(ChannelCases.RuleNames), MemberType = typeof(ChannelCases))]
    public void Steps_of_a_convolutional_network_agree(string rule) =>
        AssertAgreement(ChannelCases.WithoutDense(isNormalized: true), DenseCases.WithAdam(rule, 16), 25);

    [SkippableTheory]
    [MemberData(nameof(ChannelCases.RuleNames), MemberType = typeof(ChannelCases))]
    public void Steps_of_a_dense_network_with_batch_normalization_agree(string rule)
    {
        AssertAgreement(ChannelCases.NormalizedDense, DenseCases.LargeStep(rule, 21), 1);
        AssertAgreement(ChannelCases.NormalizedDense, DenseCases.WithAdam(rule, 21), 25);
    }

    [SkippableTheory]
    [InlineData(ActivationFunction.Tanh)]
    [InlineData(ActivationFunction.ReLUOpenAtZero)]
    [InlineData(ActivationFunction.Identity)]
    public void A_step_with_every_activation_agrees(ActivationFunction activation) =>
        AssertAgreement(ChannelCases.Pooled(isNormalized: true, activation), DenseCases.LargeStep("FDFA", 8), 1);

    /// <summary>What an OpenCL driver of a processor is given: the tiles that read operands where they lie.</summary>
    [SkippableTheory]
    [MemberData(nameof(ChannelCases.RuleNames), MemberType = typeof(ChannelCases))]
    public void Steps_with_the_tiles_of_processors_agree(string rule)
    {
        var device = openCl.Open(TileProgram.Direct());
        DenseCases.AssertAgreement(device, new ReferenceTrajectory(new NetworkDescription([65, 65, 17, 3]), DenseCases.LargeStep(rule, 33), 1, 3));
        DenseCases.AssertAgreement(device, new ReferenceTrajectory(new NetworkDescription([65, 65, 17, 3]), DenseCases.WithAdam(rule, 64), 25, 3));
        DenseCases.AssertAgreement(device, new ReferenceTrajectory(ChannelCases.Pooled(isNormalized: true), DenseCases.LargeStep(rule, 8), 1, 3));
        DenseCases.AssertAgreement(device, new ReferenceTrajectory(ChannelCases.WithoutDense(isNormalized: true), DenseCases.WithAdam(rule, 16), 25, 3));
    }

    private void AssertAgreement(NetworkDescription network, TrainingOptions options, int steps) =>
        DenseCases.AssertAgreement(openCl.Open(TileProgram.SingleSimt()), new ReferenceTrajectory(network, options, steps, 3));
}
