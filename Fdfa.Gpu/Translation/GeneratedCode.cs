using Fdfa.Gpu.Devices;

namespace Fdfa.Gpu.Translation;

/// <summary>A translated kernel, taken apart.</summary>
/// <param name="Blocks">Its blocks, in their order; the first is where it begins.</param>
/// <param name="SharedBytes">Memory that a group shares.</param>
internal sealed record GeneratedCode(IReadOnlyList<CodeBlock> Blocks, int SharedBytes)
{
    private IReadOnlyList<InnerLoop>? _innermostLoops;

    /// <summary>All statements.</summary>
    public IEnumerable<Statement> Statements => Blocks.SelectMany(block => block.Statements);

    /// <summary>The loops that hold no other loop.</summary>
    public IReadOnlyList<InnerLoop> InnermostLoops => _innermostLoops ??=
        [.. Loops.Innermost(Blocks).Select(loop => new InnerLoop([.. loop.SelectMany(block => block.Statements)]))];

    /// <summary>Reads PTX for <see cref="DeviceKind.Cuda"/>, OpenCL C for <see cref="DeviceKind.OpenCl"/>.</summary>
    public static GeneratedCode Read(DeviceKind target, string text) =>
        target == DeviceKind.Cuda ? PtxReader.Read(text) : OpenClReader.Read(text);
}
