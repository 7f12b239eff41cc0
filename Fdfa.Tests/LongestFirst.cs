using Xunit.Abstractions;

[assembly: TestCollectionOrderer("Fdfa.Tests.LongestFirst", "Fdfa.Tests")]

namespace Fdfa.Tests;

/// <summary>Classes of many seconds before all others: one that came last would run alone, on one of the cores.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] s_longest =
    [
        nameof(Networks.NetworkAgreementTests), nameof(Kernels.OpenClGateTests), nameof(Kernels.PtxGateTests),
        nameof(CommandLine.ProcessTests),
        nameof(Training.TrainerTests), nameof(CommandLine.TrainingTests), nameof(CommandLine.ReproduceTests),
        nameof(CommandLine.ExchangeTests),
        nameof(Kernels.GeneratedCodeTests),
    ];

    /// <inheritdoc/>
    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) => testCollections.OrderBy(Rank);

    // A class without a collection of its own has one that is named for it.
    private static int Rank(ITestCollection collection)
    {
        int rank = Array.IndexOf(s_longest, collection.DisplayName[(collection.DisplayName.LastIndexOf('.') + 1)..]);
        return rank < 0 ? s_longest.Length : rank;
    }
}
