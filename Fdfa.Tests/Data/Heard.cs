namespace Fdfa.Tests.Data;

/// <summary>Progress as it is reported; Progress&lt;T&gt; would hand it to another thread, later.</summary>
internal sealed class Heard<T> : IProgress<T>
{
    public List<T> Reports { get; } = [];

    public Action<T> OnReport { get; init; } = _ => { };

    public void Report(T value)
    {
        Reports.Add(value);
        OnReport(value);
    }
}
