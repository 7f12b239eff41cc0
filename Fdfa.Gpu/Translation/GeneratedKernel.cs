using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Networks;

namespace Fdfa.Gpu.Translation;

/// <summary>A kernel as a GPU's driver gets it, and what can be counted there.</summary>
/// <param name="Name">Such as "DenseBlockStep.Run".</param>
/// <param name="Tiles">The tile program, for people.</param>
/// <param name="Code">PTX or OpenCL C.</param>
/// <param name="Instructions">Instructions of PTX, statements of OpenCL C.</param>
/// <param name="SharedBytes">Memory that a group shares.</param>
/// <param name="Busiest">
/// Of the loops that multiply what the group has staged the one with most arithmetic; where there is none, of all that hold no other loop;
/// null where no loop computes.
/// </param>
public sealed record GeneratedKernel(string Name, string Tiles, string Code, int Instructions, int SharedBytes, InnerLoop? Busiest)
{
    /// <summary>The kernels of a training step, translated without a device.</summary>
    /// <param name="network">What to train, with one seed.</param>
    /// <param name="options">How.</param>
    /// <param name="target">CUDA for PTX, OpenCL for OpenCL C.</param>
    /// <param name="multiprocessors">Those of the GPU: how large tiles are depends on how many it takes to fill it.</param>
    /// <param name="isOnTensorCores">On CUDA: with products on tensor cores.</param>
    /// <exception cref="InvalidOptionException">There are no kernels for it.</exception>
    public static IReadOnlyList<GeneratedKernel> Of(
        NetworkDescription network, TrainingOptions options, DeviceKind target, int multiprocessors, bool isOnTensorCores = false)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfEqual((int)target, (int)DeviceKind.Cpu);
        ArgumentOutOfRangeException.ThrowIfLessThan(multiprocessors, 1);
        var tiles = isOnTensorCores
            ? TileProgram.TensorCores()
            : TileTable.Gpu(multiprocessors).For(TileProblem.Of(network, options, replicas: 1));
        using var translator = new KernelTranslator(target);
        return [.. KernelChoice.LaunchedBy(tiles.Type, network, options)
            .Select(kernel => Read(KernelCatalogue.Name(kernel), tiles.Name, translator.Translate(kernel), target))];
    }

    private static GeneratedKernel Read(string name, string tiles, string text, DeviceKind target)
    {
        var code = GeneratedCode.Read(target, text);
        var busy = code.InnermostLoops.Where(loop => loop.Operations > 0).ToList();
        var product = busy.Where(loop => loop.IsProduct).MaxBy(loop => loop.Operations);
        return new GeneratedKernel(
            name, tiles, text, code.Statements.Count(), code.SharedBytes, product ?? busy.MaxBy(loop => loop.Operations));
    }
}
