using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.Checkpoints;

public sealed class ModelFileTests : IDisposable
{
    private static readonly NetworkDescription Network = new([3, 4, 5, 2], ActivationFunction.Tanh);
    private static readonly Dictionary<string, string> Words = new() { ["seed"] = "7", ["rule"] = "FDFA" };

    private readonly TemporaryFolder folder = new();

    private string Model => folder.File("model.safetensors");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_saved_model_is_loaded_bit_by_bit(bool withFeedback)
    {
        var parameters = Parameters(Network, withFeedback);
        ModelFile.Save(Model, Network, parameters, Words);
        var loaded = ModelFile.Load(Model, Network);
        for (var index = 0; index < Network.Blocks.Count; index++)
        {
            Assert.Equal(parameters.Blocks[index].Weights, loaded.Blocks[index].Weights);
            Assert.Equal(parameters.Blocks[index].Biases, loaded.Blocks[index].Biases);
            Assert.Equal(parameters.Blocks[index].Feedback, loaded.Blocks[index].Feedback);
        }

        Assert.Equal([Model], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_large_model_is_loaded_bit_by_bit()
    {
        var network = new NetworkDescription([130, 257, 10]);
        var parameters = Parameters(network, withFeedback: true);
        ModelFile.Save(Model, network, parameters, Words);
        Assert.Equal(parameters.Blocks[0].Weights, ModelFile.Load(Model, network).Blocks[0].Weights);
    }

    [Fact]
    public void The_header_is_what_safetensors_prescribes()
    {
        var bytes = Saved();
        var length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        Assert.Equal(0, length % 8);
        Assert.Equal(
            """
            {"__metadata__":{"topology":"3-4-5-2","activation":"Tanh","rule":"FDFA","seed":"7"},
            "layers.0.weight":{"dtype":"F32","shape":[4,3],"data_offsets":[0,48]},
            "layers.0.bias":{"dtype":"F32","shape":[4],"data_offsets":[48,64]},
            "layers.1.weight":{"dtype":"F32","shape":[5,4],"data_offsets":[64,144]},
            "layers.1.bias":{"dtype":"F32","shape":[5],"data_offsets":[144,164]},
            "layers.2.weight":{"dtype":"F32","shape":[2,5],"data_offsets":[164,204]},
            "layers.2.bias":{"dtype":"F32","shape":[2],"data_offsets":[204,212]},
            "feedbacks.0.weight":{"dtype":"F32","shape":[2,4],"data_offsets":[212,244]},
            "feedbacks.1.weight":{"dtype":"F32","shape":[2,5],"data_offsets":[244,284]}}
            """.ReplaceLineEndings(""),
            Encoding.UTF8.GetString(bytes, 8, length).TrimEnd());
        Assert.Equal(8 + length + 284, bytes.Length);
    }

    [Fact]
    public void The_metadata_can_be_read_alone()
    {
        Saved();
        Assert.Equal("3-4-5-2", ModelFile.ReadMetadata(Model)["topology"]);
        Assert.Equal("7", ModelFile.ReadMetadata(Model)["seed"]);
    }

    [Fact]
    public void A_file_of_PyTorch_without_metadata_and_in_another_order_is_loaded()
    {
        var bytes = Saved();
        Rewrite(bytes, header =>
        {
            header.Remove("__metadata__");
            var first = header["layers.0.weight"]!.DeepClone();
            header.Remove("layers.0.weight");
            header["layers.0.weight"] = first;
        });
        Assert.Equal(Parameters(Network, true).Blocks[0].Weights, ModelFile.Load(Model, Network).Blocks[0].Weights);
    }

    [Fact]
    public void Parameters_of_another_network_are_not_saved()
    {
        var parameters = Parameters(Network, withFeedback: true);
        void Refuse(params BlockParameters[] blocks)
        {
            Assert.Throws<ShapeMismatchException>(() => ModelFile.Save(Model, Network, new NetworkParameters(blocks), Words));
            Assert.Empty(Directory.GetFiles(folder.Path));
        }

        Refuse(parameters.Blocks[0], parameters.Blocks[1]);
        Refuse(parameters.Blocks[0], parameters.Blocks[1], parameters.Blocks[2] with { Weights = [1] });
        Refuse(parameters.Blocks[0] with { Feedback = [] }, parameters.Blocks[1], parameters.Blocks[2]);
        Refuse(parameters.Blocks[0], parameters.Blocks[1], parameters.Blocks[2] with { Feedback = [1] });
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_one_sentence()
    {
        folder.Write("file", [1]);
        AssertOneSentence(Assert.Throws<ModelFileException>(() =>
            ModelFile.Save(folder.File("file/model"), Network, Parameters(Network, false), Words)));
    }

    [Fact]
    public void A_file_that_is_not_there_is_one_sentence()
    {
        AssertOneSentence(Assert.Throws<ModelFileException>(() => ModelFile.Load(Model, Network)));
        AssertOneSentence(Assert.Throws<ModelFileException>(() => ModelFile.Load(folder.Path, Network)));
    }

    [Fact]
    public void Another_network_is_refused_by_name()
    {
        Saved();
        Assert.Contains("the network 3-4-5-2, not 3-4-6-2", Refusal(new NetworkDescription([3, 4, 6, 2], ActivationFunction.Tanh)), StringComparison.Ordinal);
        Assert.Contains("activation Tanh, not ReLU", Refusal(new NetworkDescription([3, 4, 5, 2])), StringComparison.Ordinal);
    }

    public static TheoryData<string, string, string> MalformedHeaders() => new()
    {
        { "missing", """{"layers.1.bias":null}""", "'layers.1.bias' is missing" },
        { "feedback in part", """{"feedbacks.0.weight":null}""", "'feedbacks.0.weight' is missing" },
        { "type", """{"layers.1.bias":{"dtype":"F64","shape":[5],"data_offsets":[144,164]}}""", "'layers.1.bias' has the type F64" },
        { "shape", """{"layers.1.bias":{"dtype":"F32","shape":[4],"data_offsets":[144,164]}}""", "'layers.1.bias' has the shape [4]" },
        { "rank", """{"layers.1.bias":{"dtype":"F32","shape":[5,1],"data_offsets":[144,164]}}""", "'layers.1.bias' has the shape [5, 1]" },
        { "transposed", """{"layers.0.weight":{"dtype":"F32","shape":[3,4],"data_offsets":[0,48]}}""", "'layers.0.weight' has the shape [3, 4]" },
        { "offsets too short", """{"layers.1.bias":{"dtype":"F32","shape":[5],"data_offsets":[144,160]}}""", "'layers.1.bias' lies at bytes 144 to 160" },
        { "offsets reversed", """{"layers.1.bias":{"dtype":"F32","shape":[5],"data_offsets":[164,144]}}""", "'layers.1.bias' lies at bytes 164 to 144" },
        { "offsets negative", """{"layers.0.weight":{"dtype":"F32","shape":[4,3],"data_offsets":[-48,0]}}""", "'layers.0.weight' lies at bytes -48 to 0" },
        { "offsets hostile", """{"layers.0.weight":{"dtype":"F32","shape":[4,3],"data_offsets":[9223372036854775800,9223372036854775807]}}""", "'layers.0.weight' lies at" },
        { "offsets overlap", """{"layers.1.bias":{"dtype":"F32","shape":[5],"data_offsets":[140,160]}}""", "'layers.1.bias' begins at byte 140" },
        { "offsets out of range", """{"feedbacks.1.weight":{"dtype":"F32","shape":[2,5],"data_offsets":[248,288]}}""", "'feedbacks.1.weight' begins at byte 248" },
        { "offsets fractional", """{"layers.1.bias":{"dtype":"F32","shape":[5],"data_offsets":[144.5,164]}}""", "lacks a dtype" },
        { "offsets three", """{"layers.1.bias":{"dtype":"F32","shape":[5],"data_offsets":[144,164,165]}}""", "lacks a dtype" },
        { "offsets huge", """{"layers.1.bias":{"dtype":"F32","shape":[5],"data_offsets":[144,1e300]}}""", "lacks a dtype" },
        { "not an object", """{"layers.1.bias":7}""", "lacks a dtype" },
        { "dtype not text", """{"layers.1.bias":{"dtype":7,"shape":[5],"data_offsets":[144,164]}}""", "lacks a dtype" },
        { "foreign tensor", """{"layers.3.bias":{"dtype":"F32","shape":[0],"data_offsets":[284,284]}}""", "'layers.3.bias' is not part" },
        { "output feedback", """{"feedbacks.2.weight":{"dtype":"F32","shape":[0],"data_offsets":[284,284]}}""", "'feedbacks.2.weight' is not part" },
        { "metadata number", """{"__metadata__":{"seed":7}}""", "not the JSON" },
        { "metadata null", """{"__metadata__":{"seed":null}}""", "not text" },
        { "metadata list", """{"__metadata__":[]}""", "not the JSON" },
    };

    [Theory]
    [MemberData(nameof(MalformedHeaders))]
    public void A_malformed_header_names_the_first_tensor_that_differs(string name, string changes, string expected)
    {
        Rewrite(Saved(), header =>
        {
            foreach (var (key, value) in JsonNode.Parse(changes)!.AsObject())
            {
                header.Remove(key);
                if (value is not null)
                {
                    header[key] = value.DeepClone();
                }
            }
        });
        Assert.True(Refusal(Network).Contains(expected, StringComparison.Ordinal), $"{name}: {Refusal(Network)}");
    }

    public static TheoryData<string> MalformedJson() => new(
        "[]", "7", "{", "{}{}", """{"a":1,"a":1}""", """{"\ud800":{}}""", """{"__metadata__":{"a":"\ud800"}}""", "{\"\0\":1}", new string('[', 5000));

    [Theory]
    [MemberData(nameof(MalformedJson))]
    public void A_header_that_is_not_its_JSON_is_refused(string json)
    {
        WriteFile(json.Length, Encoding.UTF8.GetBytes(json));
        Refusal(Network);
        WriteFile(4, [(byte)'{', 0xff, 0xfe, (byte)'}']);
        Refusal(Network);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1L << 32)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void A_hostile_header_length_allocates_nothing(long length)
    {
        WriteFile(length, "{}"u8.ToArray());
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("header claims", Refusal(Network), StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void Missing_and_further_bytes_are_refused()
    {
        var bytes = Saved();
        for (var length = 0; length < bytes.Length; length += 3)
        {
            File.WriteAllBytes(Model, bytes[..length]);
            Refusal(Network);
        }

        File.WriteAllBytes(Model, bytes[..^1]);
        Assert.Contains("'feedbacks.1.weight' ends at byte 284 of the data, which has 283", Refusal(Network), StringComparison.Ordinal);
        File.WriteAllBytes(Model, [.. bytes, 0]);
        Assert.Contains("284 bytes where 285 follow", Refusal(Network), StringComparison.Ordinal);
    }

    [Fact]
    public void Mutations_end_in_success_or_one_sentence()
    {
        var random = new Random(5);
        var valid = Saved();
        var headerEnd = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(valid);
        var refused = 0;
        for (var trial = 0; trial < 4000; trial++)
        {
            var bytes = (byte[])valid.Clone();
            for (var changes = random.Next(1, 5); changes > 0; changes--)
            {
                // Most changes go where they can do harm; digits and brackets keep the JSON plausible.
                var index = random.Next(8) == 0 ? random.Next(bytes.Length) : random.Next(headerEnd);
                bytes[index] = random.Next(2) == 0 ? (byte)random.Next(256) : "0123456789[]{},:\"-e. "u8[random.Next(21)];
            }

            File.WriteAllBytes(Model, random.Next(8) == 0 ? bytes[..random.Next(bytes.Length)] : bytes);
            if (Record.Exception(() => ModelFile.Load(Model, Network)) is { } failure)
            {
                AssertOneSentence(Assert.IsType<ModelFileException>(failure));
                refused++;
            }
        }

        Assert.InRange(refused, 1000, 4000);
    }

    private byte[] Saved()
    {
        ModelFile.Save(Model, Network, Parameters(Network, withFeedback: true), Words);
        return File.ReadAllBytes(Model);
    }

    private string Refusal(NetworkDescription network)
    {
        var failure = Assert.Throws<ModelFileException>(() => ModelFile.Load(Model, network));
        AssertOneSentence(failure);
        Assert.Contains(Model, failure.Message, StringComparison.Ordinal);
        return failure.Message;
    }

    private static void AssertOneSentence(ModelFileException failure)
    {
        Assert.DoesNotContain('\n', failure.Message);
        Assert.EndsWith(".", failure.Message, StringComparison.Ordinal);
    }

    private void Rewrite(byte[] bytes, Action<JsonObject> change)
    {
        var length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        var header = JsonNode.Parse(bytes.AsSpan(8, length))!.AsObject();
        change(header);
        var json = Encoding.UTF8.GetBytes(header.ToJsonString());
        WriteFile(json.Length, [.. json, .. bytes[(8 + length)..]]);
    }

    private void WriteFile(long headerLength, byte[] rest)
    {
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, headerLength);
        File.WriteAllBytes(Model, [.. length, .. rest]);
    }

    private static NetworkParameters Parameters(NetworkDescription network, bool withFeedback)
    {
        var random = new Random(11);
        double[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => (double)random.NextSingle() - 0.5f)];
        return new NetworkParameters([.. network.Blocks.Select((block, index) => new BlockParameters(
            [.. Draw(block.Outputs * block.Inputs).Select(value => (double)(float)value)],
            [.. Draw(block.Outputs).Select(value => (double)(float)value)],
            withFeedback && index < network.Blocks.Count - 1 ? [.. Draw(network.OutputSize * block.Outputs).Select(value => (double)(float)value)] : []))]);
    }
}
