using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Training;
using Fdfa.Tests.Networks;

namespace Fdfa.Tests.Devices;

/// <summary>The same for convolutions, pools and batch normalization, with groups of one thread.</summary>
/// <remarks>
/// PoCL 3.1 repeats the code behind a barrier for every way around it, and would build a kernel of blocks with channels for minutes; a group
/// of one thread has no barriers. With 64 threads these kernels run under Oclgrind (<see cref="OpenClRaceTests"/>).
/// </remarks>
[Collection(OnOpenCl.Name)]
public sealed class OpenClChannelTests(OpenClDevice openCl)
{
    /// <summary>Rule, topology, whether normalized.</summary>
    public static TheoryData<string, string, bool> Shapes()
    {
        var cases = new TheoryData<string, string, bool>();
        foreach (var rule in SmallNetworks.ChannelRules)
        {
            foreach (var shape in NetworkShape.WithConvolutions)
            {
                cases.Add(rule, shape.Topology, false);
                cases.Add(rule, shape.Topology, true);
            }
        }

        return cases;
    }

    [SkippableTheory]
    [MemberData(nameof(Shapes))]
    public void A_step_of_every_shape_agrees(string rule, string topology, bool isNormalized) => AssertAgreement(
        NetworkShape.WithConvolutions.Single(shape => shape.Topology == topology).Describe(isNormalized), StepOptions.LargeStep(rule, 8), 1);

    [SkippableTheory]
    [InlineData("FDFA", PerturbationSite.BeforePool, true)]
    [InlineData("FDFA", PerturbationSite.PreActivation, false)]
    [InlineData("DKP", PerturbationSite.PreActivation, true)]
    [InlineData("FG-A", PerturbationSite.BeforePool, false)]
    [InlineData("LG-FG-A", PerturbationSite.PreActivation, true)]
    public void A_step_agrees_wherever_perturbation_and_error_arrive(string rule, PerturbationSite site, bool isNormalized) =>
        AssertAgreement(SmallNetworks.Pooled(isNormalized), StepOptions.LargeStep(rule, 8) with { PerturbationSite = site }, 1);

    [SkippableTheory]
    [MemberData(nameof(SmallNetworks.ChannelRuleNames), MemberType = typeof(SmallNetworks))]
    public void Steps_of_a_convolutional_network_agree(string rule) =>
        AssertAgreement(SmallNetworks.WithoutDense(isNormalized: true), StepOptions.WithAdam(rule, 16), 25);

    [SkippableTheory]
    [MemberData(nameof(SmallNetworks.ChannelRuleNames), MemberType = typeof(SmallNetworks))]
    public void Steps_of_a_dense_network_with_batch_normalization_agree(string rule)
    {
        AssertAgreement(SmallNetworks.NormalizedDense, StepOptions.LargeStep(rule, 21), 1);
        AssertAgreement(SmallNetworks.NormalizedDense, StepOptions.WithAdam(rule, 21), 25);
    }

    [SkippableTheory]
    [InlineData(ActivationFunction.Tanh)]
    [InlineData(ActivationFunction.ReLUOpenAtZero)]
    [InlineData(ActivationFunction.Identity)]
    public void A_step_with_every_activation_agrees(ActivationFunction activation) =>
        AssertAgreement(SmallNetworks.Pooled(isNormalized: true, activation), StepOptions.LargeStep("FDFA", 8), 1);

    /// <summary>What an OpenCL driver of a processor is given: the tiles that read operands where they lie.</summary>
    [SkippableTheory]
    [MemberData(nameof(SmallNetworks.ChannelRuleNames), MemberType = typeof(SmallNetworks))]
    public void Steps_with_the_tiles_of_processors_agree(string rule)
    {
        var device = openCl.Open(TileProgram.Direct());
        Agreement.Check(device, new ReferenceTrajectory(new NetworkDescription([65, 65, 17, 3]), StepOptions.LargeStep(rule, 33), 1, 3));
        Agreement.Check(device, new ReferenceTrajectory(new NetworkDescription([65, 65, 17, 3]), StepOptions.WithAdam(rule, 64), 25, 3));
        Agreement.Check(device, new ReferenceTrajectory(SmallNetworks.Pooled(isNormalized: true), StepOptions.LargeStep(rule, 8), 1, 3));
        Agreement.Check(device, new ReferenceTrajectory(SmallNetworks.WithoutDense(isNormalized: true), StepOptions.WithAdam(rule, 16), 25, 3));
    }

    private void AssertAgreement(NetworkDescription network, TrainingOptions options, int steps) =>
        Agreement.Check(openCl.Open(TileProgram.SingleSimt()), new ReferenceTrajectory(network, options, steps, 3));
}
