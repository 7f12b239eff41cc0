using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Kernels;

/// <summary>Convolutions, pools and batch normalization on devices against the double-precision reference: every rule, odd geometries, both kinds of tile program.</summary>
[Collection(OnCpuAccelerators.Name)]
public sealed class ChannelAgreementTests(CpuAccelerators devices)
{
    /// <summary>Topology and image: channels 1, 3, 5; kernels 1, 3, 5, 11; strides 1, 2, 4; paddings 0 to 2; pools 2/2 and 3/2.</summary>
    private static readonly (string Topology, ImageShape Image)[] s_geometries =
    [
        ("5C3-P2-4", new ImageShape(1, 9, 7)),
        ("3C5/2+2-P3/2-5C3+1-4", new ImageShape(3, 17, 15)),
        ("6C11/4+2-P3/2-5C3+1-7C1-P2-3", new ImageShape(3, 43, 37)),
        ("1C1-5C3/2-3", new ImageShape(5, 6, 8)),
        ("4C3-9-19-4", new ImageShape(3, 7, 6)),
        ("3C3-P2-A2-5C3+1-A3-4", new ImageShape(2, 13, 12)),
    ];

    private static readonly int[] s_batches = [1, 3, 8];

    /// <summary>Rule, topology, image, whether normalized, batch.</summary>
    public static TheoryData<string, int, bool, int> All()
    {
        var cases = new TheoryData<string, int, bool, int>();
        foreach (var rule in Rules())
        {
            for (var geometry = 0; geometry < s_geometries.Length; geometry++)
            {
                foreach (var batch in s_batches)
                {
                    cases.Add(rule, geometry, false, batch);
                    cases.Add(rule, geometry, true, batch);
                }
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(All))]
    public void One_step_agrees(string rule, int geometry, bool isNormalized, int batch)
    {
        var network = Network(geometry, isNormalized);
        DenseCases.AssertAgreement(devices, network, DenseCases.Averaging(rule, batch), 1);
        DenseCases.AssertAgreement(
            devices, network, DenseCases.WithAdam(rule, batch) with { PerturbationSite = PerturbationSite.BeforePool }, 1, "simd");
    }

    private static NetworkDescription Network(int geometry, bool isNormalized) => Topology.Parse(
        s_geometries[geometry].Topology, ActivationFunction.ReLU, s_geometries[geometry].Image, isNormalized);

    // L-FDFA has kernels for dense networks only.
    private static IEnumerable<string> Rules() => LearningRule.All.Select(rule => rule.Name).Where(rule => rule != "L-FDFA");
}
