using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Tests.Networks;

namespace Fdfa.Tests.Devices;

/// <summary>The same for convolutions, pools and batch normalization, with groups of one thread.</summary>
/// <remarks>
/// PoCL 3.1 repeats the code behind a barrier for every way around it, and would build a kernel of blocks with channels for minutes; a
/// group of one thread has no barriers. With 64 threads these kernels run under Oclgrind (<see cref="OpenClRaceTests"/>).
/// </remarks>
[Collection(OnOpenCl.Name)]
public sealed class OpenClChannelTests(OpenClDevice openCl)
{
    public static TheoryData<string> FewRules => OnOpenCl.Few(SmallNetworks.ChannelRules);

    /// <summary>Rule, where perturbation and error arrive, and whether blocks are normalized.</summary>
    public static TheoryData<string, PerturbationSite, bool> Sites()
    {
        var cases = new TheoryData<string, PerturbationSite, bool>();
        foreach (var (rule, site, isNormalized) in new[]
                 {
                     ("FDFA", PerturbationSite.BeforePool, true), ("FDFA", PerturbationSite.PreActivation, false),
                     ("DKP", PerturbationSite.PreActivation, true),
                     ("FG-A", PerturbationSite.BeforePool, false), ("LG-FG-A", PerturbationSite.PreActivation, true),
                 }.Where(one => OnOpenCl.IsTaken(one.Item1)))
        {
            cases.Add(rule, site, isNormalized);
        }

        return cases;
    }

    [SkippableTheory]
    [MemberData(nameof(FewRules))]
    public void A_step_of_every_shape_agrees(string rule)
    {
        foreach (var shape in NetworkShape.WithConvolutions)
        {
            AssertAgreement(shape.Describe(isNormalized: false), StepOptions.LargeStep(rule, 8), 1);
            AssertAgreement(shape.Describe(isNormalized: true), StepOptions.LargeStep(rule, 8), 1);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Sites))]
    public void A_step_agrees_wherever_perturbation_and_error_arrive(string rule, PerturbationSite site, bool isNormalized) =>
        AssertAgreement(SmallNetworks.Pooled(isNormalized), StepOptions.LargeStep(rule, 8) with { PerturbationSite = site }, 1);

    [SkippableTheory]
    [MemberData(nameof(FewRules))]
    public void Steps_with_batch_normalization_agree(string rule)
    {
        AssertAgreement(SmallNetworks.WithoutDense(isNormalized: true), StepOptions.WithAdam(rule, 16), 25);
        AssertAgreement(SmallNetworks.NormalizedDense, StepOptions.LargeStep(rule, 21), 1);
        AssertAgreement(SmallNetworks.NormalizedDense, StepOptions.WithAdam(rule, 21), 25);
    }

    [SkippableTheory]
    [MemberData(nameof(OnOpenCl.Activations), MemberType = typeof(OnOpenCl))]
    public void A_step_with_every_activation_agrees(ActivationFunction activation) =>
        AssertAgreement(SmallNetworks.Pooled(isNormalized: true, activation), StepOptions.LargeStep("FDFA", 8), 1);

    /// <summary>What an OpenCL driver of a processor is given: the tiles that read operands where they lie.</summary>
    [SkippableTheory]
    [MemberData(nameof(FewRules))]
    public void Steps_with_the_tiles_of_processors_agree(string rule)
    {
        var device = openCl.Open(TileProgram.Direct());
        Agreement.Check(device, new NetworkDescription([65, 65, 17, 3]), StepOptions.LargeStep(rule, 33), 1);
        Agreement.Check(device, new NetworkDescription([65, 65, 17, 3]), StepOptions.WithAdam(rule, 64), 25);
        Agreement.Check(device, SmallNetworks.Pooled(isNormalized: true), StepOptions.LargeStep(rule, 8), 1);
        Agreement.Check(device, SmallNetworks.WithoutDense(isNormalized: true), StepOptions.WithAdam(rule, 16), 25);
    }

    private void AssertAgreement(NetworkDescription network, TrainingOptions options, int steps) =>
        Agreement.Check(openCl.Open(TileProgram.SingleSimt()), network, options, steps);
}
