using System.Text.RegularExpressions;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Translation;

namespace Fdfa.Tests.Kernels;

/// <summary>What must be true of a kernel's generated code.</summary>
internal static partial class KernelGates
{
    /// <summary>What every device gives a group without being asked.</summary>
    private const int MostSharedBytes = 48 * 1024;

    private const int VectorBytes = 16;

    /// <summary>What OpenCL C has of itself, of all that kernels call.</summary>
    private static readonly HashSet<string> s_known =
    [
        "get_group_id", "get_num_groups", "get_local_id", "get_local_size", "barrier", "as_int", "as_uint", "as_float", "sqrt",
        "fabs", "fma", "if",
    ];

    /// <summary>What is wrong with a kernel; nothing where it may be launched.</summary>
    /// <param name="target">CUDA for PTX, OpenCL for OpenCL C.</param>
    /// <param name="text">The generated code.</param>
    /// <param name="promised">What its tile program says of it.</param>
    public static IReadOnlyList<string> Faults(DeviceKind target, string text, TileExpectation promised)
    {
        var code = GeneratedCode.Read(target, text);
        return [.. target == DeviceKind.Cuda ? PtxFaults(text) : OpenClFaults(text, code), .. TileFaults(code, promised)];
    }

    private static IEnumerable<string> PtxFaults(string text)
    {
        if (text.Contains(".local", StringComparison.Ordinal))
        {
            yield return "PTX uses .local: an array is not in registers";
        }

        if (text.Contains(".extern .func", StringComparison.Ordinal))
        {
            yield return "PTX calls an unresolved function";
        }

        if (UniformChoice().IsMatch(text))
        {
            yield return "PTX branches uniformly on a condition, in which threads can differ";
        }
    }

    private static IEnumerable<string> OpenClFaults(string text, GeneratedCode code)
    {
        if (text.Contains("__generic", StringComparison.Ordinal))
        {
            yield return "OpenCL C keeps a __generic pointer";
        }

        if (PrivateArray().IsMatch(text))
        {
            yield return "OpenCL C has a private array: it is not in registers";
        }

        if (Barrier().Matches(text).Any(barrier => !barrier.Value.Contains("CLK_LOCAL_MEM_FENCE", StringComparison.Ordinal)))
        {
            yield return "OpenCL C has a barrier that does not order shared memory";
        }

        foreach (var name in Call().Matches(text).Select(call => call.Groups[1].Value).Distinct().Where(name => !s_known.Contains(name)))
        {
            yield return $"OpenCL C calls {name}, which no device has";
        }

        foreach (var barrier in ThreadDivergence.DivergentBarriers(code.Blocks))
        {
            yield return $"OpenCL C has a barrier that only some threads of a group reach, at {barrier}";
        }

        foreach (var loop in FixedTurns.OfStructureStores(text, code.Blocks))
        {
            yield return $"OpenCL C stores structures in a loop of a known number of turns, of which Mesa keeps the last, at {loop}";
        }
    }

    private static IEnumerable<string> TileFaults(GeneratedCode code, TileExpectation promised)
    {
        if (code.SharedBytes > MostSharedBytes)
        {
            yield return $"{code.SharedBytes} shared bytes, and no device gives more than {MostSharedBytes} unasked";
        }

        if (code.SharedBytes != 0 && code.SharedBytes != promised.SharedBytes)
        {
            yield return $"{code.SharedBytes} shared bytes, and the tile program says {promised.SharedBytes}";
        }

        var products = code.InnermostLoops.Where(loop => loop.IsProduct).ToList();
        if (promised.IsStaged && code.SharedBytes > 0 && products.Count == 0)
        {
            yield return "shared memory, and no loop that multiplies what is staged there";
        }

        foreach (var loop in products)
        {
            if (loop.MultiplyAdds % promised.MultiplyAdds != 0)
            {
                yield return $"a loop over staged tiles with {loop.MultiplyAdds} multiply-adds, "
                    + $"and the tile program says {promised.MultiplyAdds}";
            }

            if (promised.LoadsVectors && loop.Sizes(StatementKind.LoadShared).Any(bytes => bytes < VectorBytes))
            {
                yield return "a loop over staged tiles that reads shared memory "
                    + $"{loop.Sizes(StatementKind.LoadShared).Min()} bytes at a time";
            }
        }

        if (promised.LoadsVectors && (products.Count > 0 || (!promised.IsStaged && code.SharedBytes > 0))
            && !code.Statements.Any(statement => statement is { Kind: StatementKind.LoadGlobal, Bytes: >= VectorBytes }))
        {
            yield return "staged tiles, and nothing of them is fetched 16 bytes at a time";
        }
    }

    // Whoever branches uniformly without a condition does no harm.
    [GeneratedRegex(@"@!?%p\d+\s+bra\.uni")]
    private static partial Regex UniformChoice();

    [GeneratedRegex(@"^\s*(?:private )?(?:struct )?\w+ var\d+\[\d+\];", RegexOptions.Multiline)]
    private static partial Regex PrivateArray();

    [GeneratedRegex(@"barrier\s*\([^)]*\)")]
    private static partial Regex Barrier();

    [GeneratedRegex(@"\b([A-Za-z_]\w*) \(")]
    private static partial Regex Call();
}
