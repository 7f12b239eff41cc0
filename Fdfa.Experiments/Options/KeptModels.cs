namespace Fdfa.Experiments.Options;

/// <summary>The models that a run keeps of each seed.</summary>
internal enum KeptModels
{
    /// <summary>As of the last epoch.</summary>
    Last,

    /// <summary>That, and as of the seed's epoch with the highest validation accuracy, the first of several.</summary>
    Best,
}
