using System.Reflection;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Translation;

namespace Fdfa.Tests.Kernels;

/// <summary>The kernels that are translated for the gates, of all that the library can launch.</summary>
/// <remarks>
/// What a kernel's lines do depends on its type arguments one or two at a time. Where there are more, as many of its kernels are translated as it
/// takes for every two type arguments to meet; with another tile program than the first, as many as there are rules. FDFA_KERNELS=all translates
/// every one of every tile program, in many times the time.
/// </remarks>
internal static class KernelSelection
{
    private static readonly bool s_takesAll = Environment.GetEnvironmentVariable("FDFA_KERNELS") == "all";

    /// <summary>Kernels of one class with the same type arguments: what one calls of another is translated once.</summary>
    public static IEnumerable<IGrouping<string, MethodInfo>> Of(Type tiles) => KernelCatalogue.All(tiles)
        .GroupBy(Name)
        .GroupBy(group => group.First().DeclaringType)
        .SelectMany(kernels => s_takesAll ? kernels
            : tiles != TileExpectation.All[0].Tiles.Type ? kernels.DistinctBy(group => RuleOf(group.First()))
            : KernelCatalogue.Choices(kernels.First().First()).Count() < 3 ? kernels
            : Pairwise(kernels));

    /// <summary>The rule that a kernel is for; null where it is for any.</summary>
    public static Type? RuleOf(MethodInfo kernel) => KernelCatalogue.Choices(kernel).FirstOrDefault(type => type.IsAssignableTo(typeof(IBlockRule)));

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
