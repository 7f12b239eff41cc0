namespace Fdfa.Cpu.Reference.Blocks;

/// <summary>Whose mean and variance batch normalization takes.</summary>
public enum NormalizationStatistics
{
    /// <summary>The batch's: training. Samples depend on each other, and so do their tangents and errors.</summary>
    Batch,

    /// <summary>The running ones, frozen: evaluation. A constant scale and shift of every channel.</summary>
    Running,
}
