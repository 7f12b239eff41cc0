using System.Reflection;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Channels;
using Fdfa.Gpu.Translation;

namespace Fdfa.Tests.Kernels;

/// <summary>The kernels that are translated for the gates, of all that the library can launch.</summary>
/// <remarks>
/// Translating all of them takes hours. Every type argument is in a kernel that is translated; with another tile program than the first,
/// there is one whose weights are perturbed and one whose feedback is. With FDFA_EXHAUSTIVE=1 every two type arguments meet, and every
/// other tile program meets every rule.
/// </remarks>
internal static class KernelSelection
{
    private static readonly Type[] s_widestRules = [typeof(WeightPerturbedRule), typeof(ForwardDirectFeedbackRule)];

    /// <summary>Whether everything is asked for that is asked for now and then.</summary>
    public static bool IsExhaustive { get; } = Environment.GetEnvironmentVariable("FDFA_EXHAUSTIVE") == "1";

    /// <summary>Kernels of one class with the same type arguments: what one calls of another is translated once.</summary>
    public static IEnumerable<IGrouping<string, MethodInfo>> Of(Type tiles)
    {
        var groups = KernelCatalogue.All(tiles).GroupBy(Name).GroupBy(group => group.First().DeclaringType);
        return tiles == TileExpectation.All[0].Tiles.Type
            ? groups.SelectMany(kernels => KernelCatalogue.Choices(kernels.First().First()).Count() < 3 ? kernels : Covering(kernels))
            : groups.SelectMany(kernels => kernels.DistinctBy(group => RuleOf(group.First())))
                .Where(group => IsExhaustive || RuleOf(group.First()) is not { } rule || s_widestRules.Contains(rule));
    }

    /// <summary>What must be in a kernel that is translated: every two type arguments of another, or every one.</summary>
    public static IEnumerable<object> Covered(MethodInfo kernel) => IsExhaustive ? Pairs(kernel) : Values(kernel);

    /// <summary>
    /// Those of a class with these type arguments that are translated: the first block's kernel is that of others, and more.
    /// </summary>
    public static IEnumerable<MethodInfo> Translated(IEnumerable<MethodInfo> group) =>
        group.Any(kernel => kernel.Name == nameof(ChannelBlockStep.RunFirst))
            ? group.Where(kernel => kernel.Name == nameof(ChannelBlockStep.RunFirst))
            : group;

    /// <summary>The rule that a kernel is for; null where it is for any.</summary>
    public static Type? RuleOf(MethodInfo kernel) =>
        KernelCatalogue.Choices(kernel).FirstOrDefault(type => type.IsAssignableTo(typeof(IBlockRule)));

    /// <summary>Such as "DenseBlockStep&lt;ReLU, Adam, Sgd, FixedFeedbackRule&gt;".</summary>
    public static string Name(MethodInfo kernel) =>
        $"{kernel.DeclaringType!.Name}<{string.Join(", ", KernelCatalogue.Choices(kernel).Select(type => type.Name))}>";

    private static IEnumerable<object> Pairs(MethodInfo kernel)
    {
        Type[] choices = [.. KernelCatalogue.Choices(kernel)];
        return from i in Enumerable.Range(0, choices.Length)
               from j in Enumerable.Range(i + 1, choices.Length - i - 1)
               select (object)(i, choices[i], j, choices[j]);
    }

    private static IEnumerable<object> Values(MethodInfo kernel) =>
        KernelCatalogue.Choices(kernel).Index().Select(choice => (object)choice);

    // Greedy: the next one is that with most that none before it has.
    private static IEnumerable<IGrouping<string, MethodInfo>> Covering(IEnumerable<IGrouping<string, MethodInfo>> kernels)
    {
        var left = kernels.ToList();
        var missing = left.SelectMany(group => Covered(group.First())).ToHashSet();
        while (missing.Count > 0)
        {
            var next = left.MaxBy(group => Covered(group.First()).Count(missing.Contains))!;
            missing.ExceptWith(Covered(next.First()));
            left.Remove(next);
            yield return next;
        }
    }
}
