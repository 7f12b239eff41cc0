using System.Buffers;
using JpegLibrary;

namespace Fdfa.Tests.Data;

/// <summary>JPEG images of 64×64 pixels and one colour, with marks that say, or contradict, what their components are.</summary>
internal static class SmallJpeg
{
    public static byte[] Jfif { get; } = [0xff, 0xe0, 0, 16, .. "JFIF\0"u8, 1, 1, 0, 0, 1, 0, 1, 0, 0];

    public static byte[] Adobe(byte transform) => [0xff, 0xee, 0, 14, .. "Adobe"u8, 0, 100, 0, 0, 0, 0, transform];

    /// <param name="values">Of each component.</param>
    /// <param name="names">Of each component, a character; numbers from 1 on where it is empty.</param>
    /// <param name="marks">Between the image's beginning and what decodes it.</param>
    public static byte[] Of(byte[] values, string names = "", params IEnumerable<byte[]> marks)
    {
        var encoder = new JpegEncoder();
        encoder.SetQuantizationTable(JpegStandardQuantizationTable.GetLuminanceTable(JpegElementPrecision.Precision8Bit, 0));
        encoder.SetHuffmanTable(true, 0, JpegStandardHuffmanEncodingTable.GetLuminanceDCTable());
        encoder.SetHuffmanTable(false, 0, JpegStandardHuffmanEncodingTable.GetLuminanceACTable());
        for (var component = 0; component < values.Length; component++)
        {
            encoder.AddComponent((byte)(names.Length > 0 ? names[component] : component + 1), 0, 0, 0, 1, 1);
        }

        var image = new ArrayBufferWriter<byte>();
        encoder.SetInputReader(new OneColour(values));
        encoder.SetOutput(image);
        encoder.Encode();
        return [.. image.WrittenSpan[..2], .. marks.SelectMany(mark => mark), .. image.WrittenSpan[2..]];
    }

    private sealed class OneColour(byte[] values) : JpegBlockInputReader
    {
        public override int Width => 64;

        public override int Height => 64;

        public override void ReadBlock(ref short block, int componentIndex, int x, int y) =>
            System.Runtime.InteropServices.MemoryMarshal.CreateSpan(ref block, 64).Fill(values[componentIndex]);
    }
}
