using System.Reflection;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Measurement;
using Fdfa.Gpu.Kernels.Tiles;
using Fdfa.Gpu.Networks;
using Fdfa.Gpu.Training;
using Fdfa.Gpu.Translation;

namespace Fdfa.Tests.Kernels;

/// <summary>No kernel can be launched that the gates have not seen.</summary>
public sealed class KernelCatalogueTests
{
    private static readonly Type s_tiles = TileProgram.Simt().Type;
    private static readonly IReadOnlyList<MethodInfo> s_catalogue = KernelCatalogue.All(s_tiles);

    public static TheoryData<string, string> RulesOnNetworks()
    {
        var cases = new TheoryData<string, string>();
        foreach (var rule in LearningRule.All)
        {
            foreach (var topology in new[] { "16-5-4-3", "2C3-P2-3C1-3" })
            {
                if (DeviceSupport.HasKernels(Network(topology), rule))
                {
                    cases.Add(rule.Name, topology);
                }
            }
        }

        return cases;
    }

    [Fact]
    public void Every_kernel_of_the_library_is_in_the_catalogue()
    {
        var kernels = typeof(ITileProgram).Assembly.GetExportedTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Where(method => method.DeclaringType == typeof(PeakKernels) || method.Name.StartsWith("Run", StringComparison.Ordinal));

        Assert.Equal(Names(kernels), Names(s_catalogue.Select(Definition)));
    }

    [Fact]
    public void Every_type_that_a_kernel_can_be_given_is_in_the_catalogue()
    {
        foreach (var kernels in s_catalogue.Where(kernel => kernel.IsGenericMethod).GroupBy(Definition))
        {
            var parameters = kernels.Key.GetGenericArguments();
            for (var place = 1; place < parameters.Length; place++)
            {
                var contract = parameters[place].GetGenericParameterConstraints().Single(constraint => constraint.IsInterface);
                var known = contract.Assembly.GetExportedTypes().Where(type => type.IsValueType && contract.IsAssignableFrom(type))
                    .Select(type => type.Name);

                // L-FDFA has kernels for dense networks only.
                var expected = kernels.Key.DeclaringType!.Name == "ChannelBlockStep"
                    ? known.Where(name => name != "ForwardLayerwiseFeedbackRule")
                    : known;
                Assert.Equal(expected.Order(), kernels.Select(kernel => kernel.GetGenericArguments()[place].Name).Distinct().Order());
            }
        }
    }

    /// <summary>Each is translated itself, or every type argument of it, or every two, are in one that is.</summary>
    [Fact]
    public void Every_kernel_in_the_catalogue_has_a_gate()
    {
        var gated = KernelSelection.Of(s_tiles).SelectMany(group => group).ToList();
        foreach (var kernel in s_catalogue.Except(gated))
        {
            Assert.NotEmpty(KernelSelection.Covered(kernel));
            var others = gated.Where(other => Definition(other) == Definition(kernel)).SelectMany(KernelSelection.Covered);
            Assert.Subset(others.ToHashSet(), KernelSelection.Covered(kernel).ToHashSet());
        }
    }

    /// <summary>Tile programs differ in what is around a kernel's mathematics: of each, every kernel has a gate.</summary>
    [Fact]
    public void Every_kernel_of_every_tile_program_has_a_gate()
    {
        foreach (var promised in TileExpectation.All)
        {
            var gated = KernelSelection.Of(promised.Tiles.Type).SelectMany(group => group).Select(WithRule).ToHashSet();
            Assert.All(KernelCatalogue.All(promised.Tiles.Type), kernel => Assert.Contains(WithRule(kernel), gated));
        }

        static (MethodInfo, Type?) WithRule(MethodInfo kernel) =>
            (Definition(kernel), KernelSelection.IsExhaustive ? KernelSelection.RuleOf(kernel) : null);
    }

    [Fact]
    public void Every_tile_program_of_GPUs_says_what_its_code_is_like() => Assert.Equal(
        TileTable.Gpu(132).Programs.Append(TileProgram.Direct()).Append(TileProgram.TensorCores()).Select(tiles => tiles.Name)
            .Distinct().Order(),
        TileExpectation.All.Select(row => row.Tiles.Name).Order());

    /// <summary>What <c>fdfa kernels</c> lists is what training loads, and all of that is in the catalogue.</summary>
    [Theory]
    [MemberData(nameof(RulesOnNetworks))]
    public void Training_loads_the_kernels_that_are_listed(string rule, string topology)
    {
        using var device = ComputeDevice.OpenCpu(TileProgram.SimdNative(1), 1);
        var tiles = TileProgram.SimdNative(1).Type;
        var network = Network(topology);
        var options = new TrainingOptions { BatchSize = 2 }.WithRule(LearningRule.Parse(rule));
        using var data = new DeviceDataSet(device, new byte[4 * network.InputSize], [0, 1, 2, 0], network.InputSize, network.OutputSize);
        using var trainer = new Trainer(device, network, options, data, [0]);
        trainer.TrainStep();
        trainer.TrainStep();
        trainer.Evaluate(data);

        Assert.Equal(Names(KernelChoice.LaunchedBy(tiles, network, options)), Names(device.Kernels));
        Assert.Subset(KernelCatalogue.All(tiles).ToHashSet(), device.Kernels.ToHashSet());
    }

    private static NetworkDescription Network(string topology) =>
        Topology.Parse(topology, inputShape: topology.Contains('C', StringComparison.Ordinal) ? new ImageShape(1, 8, 8) : null);

    private static MethodInfo Definition(MethodInfo kernel) => kernel.IsGenericMethod ? kernel.GetGenericMethodDefinition() : kernel;

    private static IEnumerable<string> Names(IEnumerable<MethodInfo> kernels) => kernels
        .Select(kernel => $"{KernelCatalogue.Name(kernel)}<{string.Join(", ", kernel.GetGenericArguments().Select(type => type.Name))}>")
        .Distinct().Order();
}
