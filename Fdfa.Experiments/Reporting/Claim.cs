namespace Fdfa.Experiments.Reporting;

/// <summary>Something that theory or the paper says, and whether it holds here.</summary>
/// <param name="Statement">What is said, with what counts as agreement.</param>
/// <param name="Holds">Whether it holds.</param>
/// <param name="Measured">The numbers that decide.</param>
internal sealed record Claim(string Statement, bool Holds, string Measured)
{
    /// <summary>"yes" or "no".</summary>
    public string Verdict => Holds ? "yes" : "no";

    /// <summary>One line, such as "agreement: yes. The power is 2 within 0.1: 2.003 ± 0.008".</summary>
    public override string ToString() => $"agreement: {Verdict}. {Statement}: {Measured}";
}
