using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Tests.Data;
using Fdfa.Tests.Exchange;
using Fdfa.Tests.Training;

namespace Fdfa.Tests.Checkpoints;

public sealed class ModelFileTests : IDisposable
{
    private const string Convolutional = "5C3/2+1-P3/2-3C3-11-10";

    private static readonly ImageShape Image = new(3, 17, 17);
    private static readonly NetworkDescription Network = new([3, 4, 5, 2], ActivationFunction.Tanh);
    private static readonly NetworkDescription Plain = Topology.Parse(Convolutional, inputShape: Image);
    private static readonly NetworkDescription Normalized = Topology.Parse(Convolutional, inputShape: Image, batchNormalization: true);
    private static readonly TrainingOptions Options = OptionsOf("FDFA");
    private static readonly Dictionary<string, string> Words = new() { ["seed"] = "7", ["rule"] = "FDFA" };

    private readonly TemporaryFolder folder = new();

    private string Model => folder.File("model.safetensors");

    public void Dispose() => folder.Dispose();

    /// <summary>Dense networks with and without feedback, a large one, and all that a convolutional one can have.</summary>
    public static TheoryData<string, string, PerturbationSite, bool> Models()
    {
        var models = new TheoryData<string, string, PerturbationSite, bool>
        {
            { "3-4-5-2", "FDFA", PerturbationSite.BlockOutput, false },
            { "3-4-5-2", "BP", PerturbationSite.BlockOutput, false },
            { "130-257-10", "FDFA", PerturbationSite.BlockOutput, false },
        };
        foreach (var rule in LearningRule.All)
        {
            models.Add(Convolutional, rule.Name, PerturbationSite.BlockOutput, true);
            models.Add(Convolutional, rule.Name, PerturbationSite.BeforePool, false);
            models.Add(Convolutional, rule.Name, PerturbationSite.PreActivation, true);
        }

        return models;
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_saved_model_is_loaded_bit_by_bit_and_says_what_it_is(
        string topology, string rule, PerturbationSite site, bool batchNormalization)
    {
        var options = OptionsOf(rule, site);
        var network = Topology.Parse(topology, ActivationFunction.Tanh, topology == Convolutional ? Image : null, batchNormalization);
        var parameters = Save(network, options);
        var described = ModelFile.ReadNetwork(Model);
        Assert.Equal(network.ToString(), described.ToString());
        Assert.Equal(network.Blocks, described.Blocks);
        SameBits.Assert(parameters, ModelFile.Load(Model, described));
        Assert.Equal([Model], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void The_header_is_what_safetensors_prescribes()
    {
        Save(Network, Options);
        var bytes = File.ReadAllBytes(Model);
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
    public void A_convolutional_header_has_the_shapes_of_PyTorch()
    {
        var network = Topology.Parse("3C3+1-P2-4C2/2-5-2", inputShape: new ImageShape(1, 5, 6), batchNormalization: true);
        Save(network, OptionsOf("FDFA", PerturbationSite.BeforePool));
        using var stream = File.OpenRead(Model);
        var header = SafetensorsHeader.Read(Model, stream);
        Assert.Equal(
            [
                "topology: 3C3+1-P2-4C2/2-5-2",
                "activation: ReLU",
                "input_shape: 1x5x6",
                "batch_normalization: 1,2,3",
                "perturbation_site: BeforePool",
                "rule: FDFA",
                "seed: 7",
            ],
            header.Metadata.Select(word => $"{word.Key}: {word.Value}"));
        Assert.Equal(
            [
                "layers.0.weight 3,1,3,3", "norms.0.weight 3", "norms.0.bias 3", "norms.0.running_mean 3", "norms.0.running_var 3",
                "layers.1.weight 4,3,2,2", "norms.1.weight 4", "norms.1.bias 4", "norms.1.running_mean 4", "norms.1.running_var 4",
                "layers.2.weight 5,4", "norms.2.weight 5", "norms.2.bias 5", "norms.2.running_mean 5", "norms.2.running_var 5",
                "layers.3.weight 2,5", "layers.3.bias 2",
                "feedbacks.0.weight 2,3,5,6", "feedbacks.1.weight 2,4,1,1", "feedbacks.2.weight 2,5",
            ],
            header.Entries.Select(entry => $"{entry.Key} {string.Join(',', entry.Value.Shape)}"));
    }

    [Fact]
    public void Each_array_lies_under_its_own_name()
    {
        var parameters = Save(Normalized, Options);
        using var stream = File.OpenRead(Model);
        var header = SafetensorsHeader.Read(Model, stream);
        float First(string name)
        {
            var bytes = new byte[sizeof(float)];
            stream.Position = header.DataStart + header.Entries[name].Begin;
            stream.ReadExactly(bytes);
            return BinaryPrimitives.ReadSingleLittleEndian(bytes);
        }

        var block = parameters.Blocks[1];
        Assert.Equal(block.Weights[0], First("layers.1.weight"));
        Assert.Equal(block.Normalization!.Scale[0], First("norms.1.weight"));
        Assert.Equal(block.Normalization.Shift[0], First("norms.1.bias"));
        Assert.Equal(block.Normalization.RunningMean[0], First("norms.1.running_mean"));
        Assert.Equal(block.Normalization.RunningVariance[0], First("norms.1.running_var"));
        Assert.Equal(block.Feedback[0], First("feedbacks.1.weight"));
        Assert.Equal(parameters.Blocks[3].Biases[0], First("layers.3.bias"));
    }

    [Fact]
    public void Layerwise_feedback_has_the_shape_of_the_weights_it_stands_for()
    {
        Save(Plain, OptionsOf("FA", PerturbationSite.BeforePool));
        using var stream = File.OpenRead(Model);
        var entries = SafetensorsHeader.Read(Model, stream).Entries;
        Assert.All(
            [0, 1, 2], index => Assert.Equal(entries[$"layers.{index + 1}.weight"].Shape, entries[$"feedbacks.{index}.weight"].Shape));
        Assert.Equal([3L, 5, 3, 3], entries["feedbacks.0.weight"].Shape);
    }

    [Fact]
    public void Words_of_a_file_are_shown_on_one_line()
    {
        WriteHeader(new("topology", "784-10"), new("activation", "Tan\u2028h"));
        Refusal.Of<ModelFileException>(() => ModelFile.ReadNetwork(Model), "the activation 'Tan?h', which is none");
    }

    [Theory]
    [InlineData("784-20-10")]
    [InlineData("alexnet-7")]
    public void A_network_with_normalization_in_some_blocks_is_described_again(string topology)
    {
        var parsed = Topology.Parse(topology, ActivationFunction.Tanh, new ImageShape(3, 64, 64));
        var network = new NetworkDescription(
            [.. parsed.Blocks.Select((block, index) => block with { HasBatchNormalization = index == 0 })], ActivationFunction.Tanh,
            parsed.Topology);
        WriteHeader([.. ModelWords.Of(network, PerturbationSite.BlockOutput)]);
        var described = ModelFile.ReadNetwork(Model);
        Assert.Equal(network.ToString(), described.ToString());
        Assert.Equal(network.Blocks, described.Blocks);
    }

    [Fact]
    public void A_file_from_before_there_were_convolutions_is_of_a_dense_network_without_normalization()
    {
        // The words and tensors that files of version 0.1.0 have.
        var header = """{"__metadata__":{"topology":"2-1","activation":"ReLU","seed":"7"},"layers.0.weight":"""
            + """{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"layers.0.bias":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""";
        WriteFile(header.Length, [.. Encoding.UTF8.GetBytes(header), 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f]);
        var network = ModelFile.ReadNetwork(Model);
        Assert.Equal("2-1 (ReLU)", network.ToString());
        Assert.Equal([1, -2], ModelFile.Load(Model, network).Blocks[0].Weights);
        Assert.Equal([0.5], ModelFile.Load(Model, network).Blocks[0].Biases);
    }

    /// <summary>Also of files that say nothing about shapes and normalization, as those of dense networks.</summary>
    [Fact]
    public void Another_network_is_refused_by_name()
    {
        Save(Network, Options);
        Refused(new NetworkDescription([3, 4, 6, 2], ActivationFunction.Tanh), "the network 3-4-5-2, not 3-4-6-2");
        Refused(new NetworkDescription([3, 4, 5, 2]), "activation Tanh, not ReLU");
        Save(new NetworkDescription([3, 4, 2]), Options);
        Refused(Topology.Parse("3-4-2", batchNormalization: true), "no batch normalization, not batch normalization in block(s) 1;");
        Save(Plain, Options);
        Refused(Topology.Parse(Convolutional, inputShape: new ImageShape(3, 18, 18)), "inputs of 3x17x17, not inputs of 3x18x18;");
        Save(Normalized, Options);
        Refused(Plain, "batch normalization in block(s) 1,2,3, not no batch normalization;");
    }

    /// <summary>No word about the network, another order, and counts of batches.</summary>
    [Fact]
    public void A_file_of_PyTorch_is_loaded()
    {
        var parameters = Save(Normalized, Options);
        var bytes = File.ReadAllBytes(Model);
        var length = bytes.Length - 8 - (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        File.WriteAllBytes(Model, [.. bytes, 1, 2, 3, 4, 5, 6, 7, 8]);
        Rewrite(header =>
        {
            header.Remove("__metadata__");
            var first = header["layers.0.weight"]!.DeepClone();
            header.Remove("layers.0.weight");
            header["layers.0.weight"] = first;
            header["norms.1.num_batches_tracked"] = JsonNode.Parse(
                $$"""{"dtype":"I64","shape":[],"data_offsets":[{{length}},{{length + 8}}]}""");
        });
        SameBits.Assert(parameters, ModelFile.Load(Model, Normalized));
    }

    [Theory]
    [InlineData("""{"topology":null}""", "has no topology")]
    [InlineData("""{"topology":"3C99-2"}""", "topology '3C99-2' describes no network")]
    [InlineData("""{"topology":"3C\u00003-2"}""", "topology '3C?3-2' describes no network")]
    [InlineData("""{"activation":"Tan"}""", "the activation 'Tan'")]
    [InlineData("""{"activation":"2"}""", "the activation '2'")]
    [InlineData("""{"input_shape":null}""", "describes no network")]
    [InlineData("""{"input_shape":"17x17"}""", "the input shape '17x17'")]
    [InlineData("""{"input_shape":"-3x17x17"}""", "the input shape '-3x17x17'")]
    [InlineData("""{"input_shape":"0x17x17"}""", "describes no network")]
    [InlineData("""{"input_shape":"3x2147483647x2147483647"}""", "describes no network")]
    [InlineData("""{"batch_normalization":"0"}""", "normalization '0'")]
    [InlineData("""{"batch_normalization":"4"}""", "normalization '4'")]
    [InlineData("""{"batch_normalization":"1,"}""", "normalization '1,'")]
    public void Words_that_describe_no_network_are_refused(string changes, string expected)
    {
        Save(Normalized, OptionsOf("FDFA", PerturbationSite.BeforePool));
        Rewrite(header => Change(header["__metadata__"]!.AsObject(), changes));
        Refusal.Of<ModelFileException>(() => ModelFile.ReadNetwork(Model), expected);
    }

    [Theory]
    [InlineData("""{"__metadata__":{"perturbation_site":"BehindPool"}}""", "the perturbation site 'BehindPool'")]
    [InlineData("""{"__metadata__":{}}""", "'feedbacks.0.weight' has the shape [10, 5, 9, 9], where [10, 5, 4, 4] was expected")]
    [InlineData(
        """{"layers.0.weight":{"dtype":"F32","shape":[5,27],"data_offsets":[0,540]}}""",
        "'layers.0.weight' has the shape [5, 27], where [5, 3, 3, 3]")]
    [InlineData("""{"layers.0.bias":{"dtype":"F32","shape":[0],"data_offsets":[540,540]}}""", "'layers.0.bias' is not part")]
    [InlineData("""{"norms.0.running_var":null}""", "'norms.0.running_var' is missing")]
    [InlineData("""{"norms.0.weight":{"dtype":"F32","shape":[1],"data_offsets":[540,544]}}""", "'norms.0.weight' has the shape [1]")]
    [InlineData(
        """{"norms.3.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[0,0]}}""", "'norms.3.num_batches_tracked' is not part")]
    public void A_malformed_convolutional_header_names_the_first_tensor_that_differs(string changes, string expected)
    {
        Save(Normalized, OptionsOf("FDFA", PerturbationSite.BeforePool));
        Rewrite(header => Change(header, changes));
        Refused(Normalized, expected);
    }

    [Fact]
    public void The_metadata_can_be_read_alone()
    {
        Save(Network, Options);
        Assert.Equal("3-4-5-2", ModelFile.ReadMetadata(Model)["topology"]);
        Assert.Equal("7", ModelFile.ReadMetadata(Model)["seed"]);
    }

    [Fact]
    public void Parameters_of_another_network_are_not_saved()
    {
        var parameters = SomeWeights.Of(Network, Options);
        void Refuse(params BlockParameters[] blocks)
        {
            Assert.Throws<ShapeMismatchException>(() => ModelFile.Save(Model, Network, Options, new NetworkParameters(blocks), Words));
            Assert.Empty(Directory.GetFiles(folder.Path));
        }

        Refuse(parameters.Blocks[0], parameters.Blocks[1]);
        Refuse(parameters.Blocks[0], parameters.Blocks[1], parameters.Blocks[2] with { Weights = [1] });
        Refuse(parameters.Blocks[0] with { Feedback = [] }, parameters.Blocks[1], parameters.Blocks[2]);
        Refuse(parameters.Blocks[0], parameters.Blocks[1], parameters.Blocks[2] with { Feedback = [1] });
    }

    [Fact]
    public void A_file_that_cannot_be_written_or_read_is_one_sentence()
    {
        folder.Write("file", [1]);
        Refusal.Of<ModelFileException>(() =>
            ModelFile.Save(folder.File("file/model"), Network, Options, SomeWeights.Of(Network, Options), Words));
        Refused(Network);
        Refusal.Of<ModelFileException>(() => ModelFile.Load(folder.Path, Network));
    }

    [Theory]
    [InlineData("""{"layers.1.bias":null}""", "'layers.1.bias' is missing")]
    [InlineData("""{"feedbacks.0.weight":null}""", "'feedbacks.0.weight' is missing")]
    [InlineData("""{"layers.1.bias":{"dtype":"I32","shape":[5],"data_offsets":[144,164]}}""", "'layers.1.bias' has the type I32")]
    [InlineData("""{"layers.1.bias":{"dtype":"F64","shape":[5],"data_offsets":[144,164]}}""", "where 40 bytes were expected")]
    [InlineData("""{"layers.1.bias":{"dtype":"F32","shape":[4],"data_offsets":[144,164]}}""", "'layers.1.bias' has the shape [4]")]
    [InlineData("""{"layers.1.bias":{"dtype":"F32","shape":[5,1],"data_offsets":[144,164]}}""", "'layers.1.bias' has the shape [5, 1]")]
    [InlineData("""{"layers.0.weight":{"dtype":"F32","shape":[3,4],"data_offsets":[0,48]}}""", "'layers.0.weight' has the shape [3, 4]")]
    [InlineData("""{"layers.1.bias":{"dtype":"F32","shape":[5],"data_offsets":[144,160]}}""", "'layers.1.bias' lies at bytes 144 to 160")]
    [InlineData("""{"layers.1.bias":{"dtype":"F32","shape":[5],"data_offsets":[164,144]}}""", "'layers.1.bias' lies at bytes 164 to 144")]
    [InlineData("""{"layers.0.weight":{"dtype":"F32","shape":[4,3],"data_offsets":[-48,0]}}""", "'layers.0.weight' lies at bytes -48 to 0")]
    [InlineData(
        """{"layers.0.weight":{"dtype":"F32","shape":[4,3],"data_offsets":[9223372036854775800,9223372036854775807]}}""",
        "'layers.0.weight' lies at")]
    [InlineData("""{"layers.1.bias":{"dtype":"F32","shape":[5],"data_offsets":[140,160]}}""", "'layers.1.bias' begins at byte 140")]
    [InlineData(
        """{"feedbacks.1.weight":{"dtype":"F32","shape":[2,5],"data_offsets":[248,288]}}""", "'feedbacks.1.weight' begins at byte 248")]
    [InlineData("""{"layers.1.bias":{"dtype":"F32","shape":[5],"data_offsets":[144.5,164]}}""", "lacks a dtype")]
    [InlineData("""{"layers.1.bias":{"dtype":"F32","shape":[5],"data_offsets":[144,164,165]}}""", "lacks a dtype")]
    [InlineData("""{"layers.1.bias":{"dtype":"F32","shape":[5],"data_offsets":[144,1e300]}}""", "lacks a dtype")]
    [InlineData("""{"layers.1.bias":7}""", "lacks a dtype")]
    [InlineData("""{"layers.1.bias":{"dtype":7,"shape":[5],"data_offsets":[144,164]}}""", "lacks a dtype")]
    [InlineData("""{"layers.3.bias":{"dtype":"F32","shape":[0],"data_offsets":[284,284]}}""", "'layers.3.bias' is not part")]
    [InlineData("""{"feedbacks.2.weight":{"dtype":"F32","shape":[0],"data_offsets":[284,284]}}""", "'feedbacks.2.weight' is not part")]
    [InlineData("""{"__metadata__":{"seed":7}}""", "not the JSON")]
    [InlineData("""{"__metadata__":{"seed":null}}""", "not text")]
    [InlineData("""{"__metadata__":[]}""", "not the JSON")]
    public void A_malformed_header_names_the_first_tensor_that_differs(string changes, string expected)
    {
        Save(Network, Options);
        Rewrite(header => Change(header, changes));
        Refused(Network, expected);
    }

    public static TheoryData<string> MalformedJson() => new(
        "[]", "7", "{", "{}{}", """{"a":1,"a":1}""", """{"\ud800":{}}""", """{"__metadata__":{"a":"\ud800"}}""", "{\"\0\":1}",
        new string('[', 5000));

    [Theory]
    [MemberData(nameof(MalformedJson))]
    public void A_header_that_is_not_its_JSON_is_refused(string json)
    {
        WriteFile(json.Length, Encoding.UTF8.GetBytes(json));
        Refused(Network);
        WriteFile(4, [(byte)'{', 0xff, 0xfe, (byte)'}']);
        Refused(Network);
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
        Refused(Network, "header claims");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void Missing_and_further_bytes_are_refused()
    {
        Save(Network, Options);
        var bytes = File.ReadAllBytes(Model);
        for (var length = 0; length < bytes.Length; length += 3)
        {
            File.WriteAllBytes(Model, bytes[..length]);
            Refused(Network);
        }

        File.WriteAllBytes(Model, bytes[..^1]);
        Refused(Network, "'feedbacks.1.weight' ends at byte 284 of the data, which has 283");
        File.WriteAllBytes(Model, [.. bytes, 0]);
        Refused(Network, "284 bytes where 285 follow");
    }

    private NetworkParameters Save(NetworkDescription network, TrainingOptions options)
    {
        var parameters = SomeWeights.Of(network, options);
        ModelFile.Save(Model, network, options, parameters, Words);
        return parameters;
    }

    private void Refused(NetworkDescription network, params string[] words) =>
        Refusal.Of<ModelFileException>(() => ModelFile.Load(Model, network), [Model, .. words]);

    private void Rewrite(Action<JsonObject> change)
    {
        var bytes = File.ReadAllBytes(Model);
        var length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        var header = JsonNode.Parse(bytes.AsSpan(8, length))!.AsObject();
        change(header);
        var json = Encoding.UTF8.GetBytes(header.ToJsonString());
        WriteFile(json.Length, [.. json, .. bytes[(8 + length)..]]);
    }

    private static void Change(JsonObject header, string changes)
    {
        foreach (var (key, value) in JsonNode.Parse(changes)!.AsObject())
        {
            header.Remove(key);
            if (value is not null)
            {
                header[key] = value.DeepClone();
            }
        }
    }

    private void WriteHeader(params KeyValuePair<string, string>[] words) =>
        File.WriteAllBytes(Model, SafetensorsHeader.Write(Model, [], words));

    private void WriteFile(long headerLength, byte[] rest)
    {
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, headerLength);
        File.WriteAllBytes(Model, [.. length, .. rest]);
    }

    private static TrainingOptions OptionsOf(string rule, PerturbationSite site = PerturbationSite.BlockOutput) =>
        new() { Rule = LearningRule.Parse(rule), PerturbationSite = site };
}
