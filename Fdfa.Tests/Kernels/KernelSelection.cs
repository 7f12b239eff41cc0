using System.Reflection;
using Fdfa.Gpu.Translation;

namespace Fdfa.Tests.Kernels;

/// <summary>The kernels that are translated for the gates, of all that the library can launch.</summary>
/// <remarks>
/// Blocks with channels have most of the code, and two type arguments of theirs meet in a line or two at most: of their kernels as many are
/// translated as it takes for every pair of type arguments to meet. All others are translated, and FDFA_KERNELS=all translates these too.
/// </remarks>
internal static class KernelSelection
{
    private static readonly bool s_takesAll = Environment.GetEnvironmentVariable("FDFA_KERNELS") == "all";

    /// <summary>Kernels of one class with the same type arguments: what one calls of another is translated once.</summary>
    public static IEnumerable<IGrouping<string, MethodInfo>> Of(Type tiles)
    {
        var groups = KernelCatalogue.All(tiles).GroupBy(Name).ToList();
        return s_takesAll
            ? groups
            : groups.GroupBy(group => group.First().DeclaringType!.Name).SelectMany(kernels => kernels.Key == "ChannelBlockStep" ? Pairwise(kernels) : kernels);
    }

    /// <summary>Such as "DenseBlockStep&lt;ReLU, Adam, Sgd, FixedFeedbackRule&gt;".</summary>
    public static string Name(MethodInfo kernel) =>
        $"{kernel.DeclaringType!.Name}<{string.Join(", ", KernelCatalogue.Choices(kernel).Select(type => type.Name))}>";

    /// <summary>Every two type arguments of a kernel, with their places.</summary>
    public static IEnumerable<(int, Type, int, Type)> Pairs(MethodInfo kernel)
    {
        Type[] choices = [.. KernelCatalogue.Choices(kernel)];
        return from i in Enumerable.Range(0, choices.Length)
               from j in Enumerable.Range(i + 1, choices.Length - i - 1)
               select (i, choices[i], j, choices[j]);
    }

    // Greedy: the next one is that with most pairs that none before it has.
    private static IEnumerable<IGrouping<string, MethodInfo>> Pairwise(IEnumerable<IGrouping<string, MethodInfo>> kernels)
    {
        var left = kernels.ToList();
        var missing = left.SelectMany(group => Pairs(group.First())).ToHashSet();
        while (missing.Count > 0)
        {
            var next = left.MaxBy(group => Pairs(group.First()).Count(missing.Contains))!;
            missing.ExceptWith(Pairs(next.First()));
            left.Remove(next);
            yield return next;
        }
    }
}
