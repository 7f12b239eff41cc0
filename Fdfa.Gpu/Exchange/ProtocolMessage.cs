using System.Buffers.Binary;
using Google.Protobuf;

namespace Fdfa.Gpu.Exchange;

/// <summary>A message of protocol buffers, field by field: numbers and values in the order in which they are added.</summary>
/// <remarks>
/// Sizes stand before what they are of, so they are counted as fields are added; arrays become bytes one at a time, as they are written.
/// </remarks>
internal sealed class ProtocolMessage
{
    private readonly List<Action<CodedOutputStream>> _fields = [];
    private int _size;

    /// <summary>Adds an integer or an enumeration's value.</summary>
    public ProtocolMessage Add(int field, long value) => Add(
        field, WireFormat.WireType.Varint, CodedOutputStream.ComputeInt64Size(value), stream => stream.WriteInt64(value));

    /// <summary>Adds a number in single precision.</summary>
    public ProtocolMessage Add(int field, float value) =>
        Add(field, WireFormat.WireType.Fixed32, sizeof(float), stream => stream.WriteFloat(value));

    /// <summary>Adds a text.</summary>
    public ProtocolMessage Add(int field, string value) => Add(
        field, WireFormat.WireType.LengthDelimited, CodedOutputStream.ComputeStringSize(value), stream => stream.WriteString(value));

    /// <summary>Adds numbers as the bytes of little-endian single precision.</summary>
    public ProtocolMessage AddBytes(int field, double[] values)
    {
        int length = checked(values.Length * sizeof(float));
        return Add(field, WireFormat.WireType.LengthDelimited, checked(CodedOutputStream.ComputeLengthSize(length) + length), stream =>
        {
            var bytes = new byte[length];
            for (var i = 0; i < values.Length; i++)
            {
                BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), (float)values[i]);
            }

            stream.WriteBytes(UnsafeByteOperations.UnsafeWrap(bytes));
        });
    }

    /// <summary>Adds a message that is complete.</summary>
    public ProtocolMessage Add(int field, ProtocolMessage message)
    {
        int length = message._size;
        return Add(field, WireFormat.WireType.LengthDelimited, checked(CodedOutputStream.ComputeLengthSize(length) + length), stream =>
        {
            stream.WriteLength(length);
            message.WriteFields(stream);
        });
    }

    /// <summary>Adds several values of one field.</summary>
    public ProtocolMessage AddAll<T>(int field, IEnumerable<T> values, Func<ProtocolMessage, int, T, ProtocolMessage> add) =>
        values.Aggregate(this, (message, value) => add(message, field, value));

    /// <summary>Writes the message as the whole of a stream.</summary>
    public void WriteTo(Stream stream)
    {
        using var coded = new CodedOutputStream(stream, leaveOpen: true);
        WriteFields(coded);
    }

    private ProtocolMessage Add(int field, WireFormat.WireType type, int size, Action<CodedOutputStream> write)
    {
        _size = checked(_size + CodedOutputStream.ComputeTagSize(field) + size);
        _fields.Add(stream =>
        {
            stream.WriteTag(field, type);
            write(stream);
        });
        return this;
    }

    private void WriteFields(CodedOutputStream stream) => _fields.ForEach(write => write(stream));
}
