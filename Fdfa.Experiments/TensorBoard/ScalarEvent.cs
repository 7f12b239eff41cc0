using Google.Protobuf;

namespace Fdfa.Experiments.TensorBoard;

/// <summary>Numbers at a step, as TensorBoard draws them.</summary>
/// <param name="Step">Where on the axis.</param>
/// <param name="Scalars">Their names, a slash behind what goes together, and values.</param>
internal sealed record ScalarEvent(long Step, IReadOnlyList<(string Tag, double Value)> Scalars)
{
    // tensorflow/core/util/event.proto and framework/summary.proto: the numbers of the fields.
    private const int EventWallTime = 1;
    private const int EventStep = 2;
    private const int EventFileVersion = 3;
    private const int EventSummary = 5;
    private const int SummaryValue = 1;
    private const int ValueTag = 1;
    private const int ValueSimpleValue = 2;

    /// <summary>What a file of events begins with.</summary>
    /// <param name="time">Now.</param>
    public static byte[] FileVersion(DateTimeOffset time) => Message(stream =>
    {
        WriteTime(stream, time);
        stream.WriteTag(EventFileVersion, WireFormat.WireType.LengthDelimited);
        stream.WriteString("brain.Event:2");
    });

    /// <summary>The message of the event.</summary>
    /// <param name="time">Now.</param>
    public byte[] ToMessage(DateTimeOffset time) => Message(stream =>
    {
        WriteTime(stream, time);
        stream.WriteTag(EventStep, WireFormat.WireType.Varint);
        stream.WriteInt64(Step);
        WriteMessage(stream, EventSummary, summary =>
        {
            foreach ((string tag, double value) in Scalars)
            {
                WriteMessage(summary, SummaryValue, scalar =>
                {
                    scalar.WriteTag(ValueTag, WireFormat.WireType.LengthDelimited);
                    scalar.WriteString(tag);
                    scalar.WriteTag(ValueSimpleValue, WireFormat.WireType.Fixed32);
                    scalar.WriteFloat((float)value);
                });
            }
        });
    });

    private static void WriteTime(CodedOutputStream stream, DateTimeOffset time)
    {
        stream.WriteTag(EventWallTime, WireFormat.WireType.Fixed64);
        stream.WriteDouble(time.ToUnixTimeMilliseconds() / 1000.0);
    }

    private static void WriteMessage(CodedOutputStream stream, int field, Action<CodedOutputStream> write)
    {
        stream.WriteTag(field, WireFormat.WireType.LengthDelimited);
        stream.WriteBytes(ByteString.CopyFrom(Message(write)));
    }

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using var bytes = new MemoryStream();
        using (var stream = new CodedOutputStream(bytes, leaveOpen: true))
        {
            write(stream);
        }

        return bytes.ToArray();
    }
}
