using System.Reflection;
using Fdfa.Gpu.Measurement;
using Fdfa.Gpu.Networks;

namespace Fdfa.Gpu.Translation;

/// <summary>Every kernel that the library can launch on a GPU, from the places that choose them.</summary>
internal static class KernelCatalogue
{
    /// <summary>Each kernel once, with each combination of type arguments that some network, rule and options give it.</summary>
    /// <param name="tiles">The tile program.</param>
    public static IReadOnlyList<MethodInfo> All(Type tiles) =>
        [.. PeakRates.Kernels, .. AugmentedInputs.Kernels(tiles), .. KernelChoice.All(tiles)];

    /// <summary>A kernel's name without its type arguments, such as "DenseBlockStep.Run".</summary>
    public static string Name(MethodInfo kernel) => $"{kernel.DeclaringType!.Name}.{kernel.Name}";

    /// <summary>The type arguments that make a kernel another, the tile program left out.</summary>
    public static IEnumerable<Type> Choices(MethodInfo kernel) => kernel.GetGenericArguments().Skip(1);
}
