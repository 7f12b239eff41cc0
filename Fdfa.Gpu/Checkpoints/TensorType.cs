using System.Buffers.Binary;

namespace Fdfa.Gpu.Checkpoints;

/// <summary>How a safetensors file holds numbers, little-endian.</summary>
/// <param name="Name">In the file's header.</param>
/// <param name="Bytes">Of a number.</param>
/// <param name="Read">Reads a number.</param>
internal sealed record TensorType(string Name, int Bytes, TensorType.Reader Read)
{
    /// <summary>Reads a number from the beginning of some bytes.</summary>
    public delegate double Reader(ReadOnlySpan<byte> bytes);

    /// <summary>Single precision: what is written, and what devices take as it is.</summary>
    public static TensorType Single { get; } = new("F32", sizeof(float), bytes => BinaryPrimitives.ReadSingleLittleEndian(bytes));

    /// <summary>Those that weights can have in files from elsewhere.</summary>
    public static IReadOnlyList<TensorType> All { get; } =
    [
        Single,
        new("F64", sizeof(double), BinaryPrimitives.ReadDoubleLittleEndian),
        new("F16", sizeof(short), bytes => (double)BinaryPrimitives.ReadHalfLittleEndian(bytes)),

        // The upper half of single precision.
        new("BF16", sizeof(short), bytes => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadInt16LittleEndian(bytes) << 16)),
    ];
}
