namespace Fdfa.Tests.Networks;

/// <summary>Something that cases differ in.</summary>
internal interface IFactor
{
    /// <summary>How many values it has.</summary>
    int Count { get; }

    /// <summary>Which factor of a case it is.</summary>
    int Place { get; set; }

    /// <summary>A case's value in words; null where it is the first one.</summary>
    string? Describe(int[] values);
}

/// <summary>The values of a factor; the first one is that of cases to which it means nothing.</summary>
internal sealed class Factor<T>(string name, IReadOnlyList<T> values) : IFactor
    where T : notnull
{
    public int Count => values.Count;

    public int Place { get; set; }

    /// <summary>A case's value.</summary>
    public T Of(int[] one) => values[one[Place]];

    /// <summary>Whether a case's value is still open, or is one of some kind.</summary>
    public bool MayBe(int[] one, Func<T, bool> kind) => CoveringDesign.IsOpen(one[Place]) || kind(Of(one));

    /// <summary>Whether a case has another value than the first one.</summary>
    public bool IsSet(int[] one) => one[Place] > 0;

    public string? Describe(int[] one) => IsSet(one) ? $"{name} {Of(one)}" : null;
}
