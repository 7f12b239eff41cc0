using System.Text;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Exchange;
using Fdfa.Tests.Data;
using Fdfa.Tests.Training;

namespace Fdfa.Tests.Exchange;

public sealed class StateDictTests : IDisposable
{
    private static readonly NetworkDescription Network =
        Topology.Parse("3C3/2+1-P3/2-4C2-A2-5-2", inputShape: new ImageShape(3, 13, 13), batchNormalization: true);

    private readonly TemporaryFolder folder = new();

    private string File => folder.File("weights.safetensors");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(
        "alexnet-10", 32, "transforms.Compose([transforms.Resize((224, 224)), transforms.ToTensor(), transforms.Normalize([0.5], [0.5])])")]
    [InlineData("alexnet-10", 224, "transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.5], [0.5])])")]
    public void Inputs_are_made_of_images_as_the_data_set_makes_them(string topology, int side, string expected) =>
        Assert.Equal(
            expected,
            StateDict.PreprocessingCode(
                Topology.Parse(topology, ActivationFunction.ReLU, new ImageShape(3, 224, 224)), new ImageShape(3, side, side)));

    /// <summary>Written down from PyTorch's documentation: a state_dict's names count every module of an nn.Sequential.</summary>
    [Fact]
    public void Names_and_shapes_are_those_of_the_sequential_module()
    {
        StateDict.Save(File, Network, SomeWeights.Of(Network, new()));

        Assert.Equal(
            "nn.Sequential(nn.Conv2d(3, 3, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(3, stride=2), "
            + "nn.Conv2d(3, 4, 2, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), "
            + "nn.Flatten(), nn.Linear(16, 5, bias=False), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 2))",
            StateDict.ModuleCode(Network));
        using var stream = System.IO.File.OpenRead(File);
        var header = SafetensorsHeader.Read(File, stream);
        Assert.Equal("pt", header.Metadata["format"]);
        Assert.Equal(
            [
                "0.weight 3,3,3,3", "1.weight 3", "1.bias 3", "1.running_mean 3", "1.running_var 3",
                "4.weight 4,3,2,2", "5.weight 4", "5.bias 4", "5.running_mean 4", "5.running_var 4",
                "9.weight 5,16", "10.weight 5", "10.bias 5", "10.running_mean 5", "10.running_var 5",
                "12.weight 2,5", "12.bias 2",
            ],
            header.Entries.Select(entry => $"{entry.Key} {string.Join(',', entry.Value.Shape)}"));
    }

    [Fact]
    public void Weights_come_back_bit_by_bit_without_what_is_the_rules()
    {
        NetworkParameters parameters = SomeWeights.Of(Network, new() { Rule = LearningRule.LocalGreedyForwardGradient });
        StateDict.Save(File, Network, parameters);
        SameBits.Assert(
            new([.. parameters.Blocks.Select(block => block with { Feedback = [], Head = null })]), StateDict.Load(File, Network));
    }

    [Fact]
    public void A_model_of_a_run_is_read_as_well()
    {
        foreach (NetworkDescription network in (NetworkDescription[])[Network, new([3, 4, 2])])
        {
            NetworkParameters parameters = SomeWeights.Of(network);
            ModelFile.Save(
                File, network, new TrainingOptions { Rule = LearningRule.Backpropagation }, parameters, new Dictionary<string, string>());
            SameBits.Assert(parameters, StateDict.Load(File, network));
        }
    }

    /// <summary>
    /// As save_file of the Python package writes it: sorted, with counts of batches, no word about the network, and other numbers.
    /// </summary>
    [Theory]
    [InlineData("", "0", "2", "10")]
    [InlineData("", "1", "4", "9")]
    [InlineData("model.", "0", "3", "6")]
    [InlineData("model.layers.", "1", "20", "100")]
    public void Numbers_need_only_be_in_order_and_a_common_prefix_does_not_matter(string prefix, string first, string second, string third)
    {
        NetworkDescription network = Topology.Parse("1-2-1", batchNormalization: true);
        Write(
            [
                ($"{prefix}{first}.weight", "F32", [2, 1], [1, 2]),
                ($"{prefix}{second}.weight", "F32", [2], [3, 4]),
                ($"{prefix}{second}.bias", "F32", [2], [5, 6]),
                ($"{prefix}{second}.running_mean", "F32", [2], [7, 8]),
                ($"{prefix}{second}.running_var", "F32", [2], [9, 10]),
                ($"{prefix}{second}.num_batches_tracked", "I64", [], [11, 0]),
                ($"{prefix}{third}.weight", "F32", [1, 2], [12, 13]),
                ($"{prefix}{third}.bias", "F32", [1], [14]),
            ]);
        NetworkParameters read = StateDict.Load(File, network);
        Assert.Equal([1, 2], read.Blocks[0].Weights);
        Assert.Equal([3, 4], read.Blocks[0].Normalization!.Scale);
        Assert.Equal([5, 6], read.Blocks[0].Normalization!.Shift);
        Assert.Equal([7, 8], read.Blocks[0].Normalization!.RunningMean);
        Assert.Equal([9, 10], read.Blocks[0].Normalization!.RunningVariance);
        Assert.Equal([12, 13], read.Blocks[1].Weights);
        Assert.Equal([14], read.Blocks[1].Biases);
    }

    [Fact]
    public void A_bias_in_front_of_batch_normalization_is_taken_into_the_running_mean()
    {
        NetworkDescription network = Topology.Parse("3-2-1", batchNormalization: true);
        (string, string, int[], float[])[] tensors =
        [
            ("0.weight", "F32", [2, 3], [1, 2, 3, 4, 5, 6]),
            ("0.bias", "F32", [2], [0.5f, -4]),
            ("1.weight", "F32", [2], [3, 4]),
            ("1.bias", "F32", [2], [5, 6]),
            ("1.running_mean", "F32", [2], [7, 8]),
            ("1.running_var", "F32", [2], [9, 10]),
            ("3.weight", "F32", [1, 2], [12, 13]),
            ("3.bias", "F32", [1], [14]),
        ];
        Write(tensors);
        NetworkParameters read = StateDict.Load(File, network);
        Assert.Empty(read.Blocks[0].Biases);
        Assert.Equal([6.5, 12], read.Blocks[0].Normalization!.RunningMean);
        Assert.Equal([14], read.Blocks[1].Biases);

        tensors[1] = ("0.bias", "F32", [1], [0.5f]);
        Write(tensors);
        Refusal.Of<ModelFileException>(
            () => StateDict.Load(File, network), "its tensor '0.bias' has the shape [1], where [2] was expected");
    }

    [Fact]
    public void What_differs_first_is_named()
    {
        var weight = ("0.weight", "F32", new[] { 2, 3 }, new float[6]);
        var bias = ("0.bias", "F32", new[] { 2 }, new float[2]);
        AssertRefused("its tensor '0.weight' is missing, where [2, 3] was expected");
        AssertRefused("its tensor '0.bias' is missing, where [2] was expected", weight);
        AssertRefused(
            "its tensor '0.weight' has the shape [3, 2], where [2, 3] was expected", ("0.weight", "F32", [3, 2], new float[6]), bias);
        AssertRefused(
            "'0.weight' has the type I32, where F32 or F64 or F16 or BF16 was expected", ("0.weight", "I32", [2, 3], new float[6]), bias);
        AssertRefused("its tensor '1.weight' is not part of the network", weight, bias, ("1.weight", "F32", [2], new float[2]));
        AssertRefused("its tensor '0.running_mean' is not part of the network", weight, bias, ("0.running_mean", "F32", [2], new float[2]));
        AssertRefused(
            "its tensor 'fc.weight' is no tensor of an nn.Sequential's state_dict, where names such as 0.weight were expected",
            ("fc.weight", "F32", [2, 3], new float[6]));
        AssertRefused("its tensor 'weight' is no tensor", ("weight", "F32", [2, 3], new float[6]));
        AssertRefused(
            "its tensor 'features.0.weight' does not begin like others with 'classifier.'",
            ("features.0.weight", "F32", [2, 3], new float[6]), ("classifier.0.weight", "F32", [2], new float[2]));
    }

    [Fact]
    public void A_state_dict_of_another_network_is_refused()
    {
        StateDict.Save(File, Network, SomeWeights.Of(Network));
        Refusal.Of<ModelFileException>(
            () => StateDict.Load(File, new NetworkDescription([3, 2])), "holds the network 3C3/2+1-P3/2-4C2-A2-5-2, not 3-2");
    }

    [Theory]
    [InlineData("F32")]
    [InlineData("F64")]
    [InlineData("F16")]
    [InlineData("BF16")]
    public void Numbers_of_each_precision_are_read(string type)
    {
        Write([("0.weight", type, [2, 3], [1, -2, 0.5f, -0f, 96, -1.25f]), ("0.bias", "F32", [2], [7, 8])]);
        NetworkParameters read = StateDict.Load(File, new NetworkDescription([3, 2]));
        Assert.Equal([1, -2, 0.5, -0.0, 96, -1.25], read.Blocks[0].Weights);
        Assert.Equal([7, 8], read.Blocks[0].Biases);
    }

    [Theory]
    [InlineData("F32", float.NaN, "has NaN at index [1, 0]; give a file of finite weights, saved before its training diverged.")]
    [InlineData("F32", float.NegativeInfinity, "has -infinity at index [1, 0]")]
    [InlineData("F64", float.PositiveInfinity, "has infinity at index [1, 0]")]
    [InlineData("F16", float.NaN, "has NaN at index [1, 0]")]
    [InlineData("BF16", float.PositiveInfinity, "has infinity at index [1, 0]")]
    public void A_number_that_is_not_finite_is_named(string type, float value, string expected) =>
        AssertRefused($"'0.weight' {expected}", ("0.weight", type, [2, 3], [1, 2, 3, value, 5, float.NaN]), ("0.bias", "F32", [2], [0, 0]));

    [Fact]
    public void A_number_beyond_single_precision_and_a_negative_variance_are_named()
    {
        folder.Write("weights.safetensors", File64(1e300));
        var failure = Assert.Throws<ModelFileException>(() => StateDict.Load(File, new NetworkDescription([1, 1])));
        Assert.Contains("its tensor '0.weight' has 1E+300 at index [0, 0]", failure.Message, StringComparison.Ordinal);

        NetworkParameters parameters = SomeWeights.Of(Network);
        parameters.Blocks[0].Normalization!.RunningVariance[1] = -2;
        StateDict.Save(File, Network, parameters);
        failure = Assert.Throws<ModelFileException>(() => StateDict.Load(File, Network));
        Assert.Contains("its tensor '1.running_var' has -2, which is no variance, at index [1]", failure.Message, StringComparison.Ordinal);
    }

    public static TheoryData<byte[], string> OtherFormats => new()
    {
        { SmallTinyImageNet.Zip([new("weights/data.pkl", [1])], root: ""), "is a pickle of torch.save, where a safetensors file is" },
        { [0x80, 2, 0x8a, 10, .. new byte[40]], "is a pickle of torch.save, where" },
        { SmallTinyImageNet.Zip([new("weights.txt", [1])], root: ""), "is a zip archive, where" },
        { SmallDataSet.Gzip(new byte[9]), "is a gzip file, where" },
        { [0x93, .. "NUMPY"u8, .. new byte[40]], "is a NumPy array, where" },
        { [0x89, .. "HDF\r\n"u8, .. new byte[40]], "is an HDF5 file, where" },
        { [.. "GGUF"u8, .. new byte[40]], "is a GGUF file, where" },
    };

    [Theory]
    [MemberData(nameof(OtherFormats))]
    public void A_file_of_another_format_is_named_and_how_to_write_one(byte[] contents, string expected)
    {
        folder.Write("weights.safetensors", contents);
        var failure = Assert.Throws<ModelFileException>(() => StateDict.Load(File, Network));
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
        Assert.EndsWith(
            "write that in Python with safetensors.torch.save_file(model.state_dict(), 'weights.safetensors').",
            failure.Message,
            StringComparison.Ordinal);
    }

    private void AssertRefused(string expected, params (string Name, string Type, int[] Shape, float[] Values)[] tensors)
    {
        Write(tensors);
        Refusal.Of<ModelFileException>(() => StateDict.Load(File, new NetworkDescription([3, 2])), expected);
    }

    private static byte[] File64(double weight)
    {
        byte[] header =
        [
            .. """{"0.weight":{"dtype":"F64","shape":[1,1],"data_offsets":[0,8]},"""u8,
            .. """ "0.bias":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"""u8];
        return [.. BitConverter.GetBytes((long)header.Length), .. header, .. BitConverter.GetBytes(weight), 0, 0, 0, 0];
    }

    private static byte[] BytesOf(string type, float value) => type switch
    {
        "F64" => BitConverter.GetBytes((double)value),
        "F16" => BitConverter.GetBytes((Half)value),
        "BF16" => BitConverter.GetBytes(value)[2..],
        _ => BitConverter.GetBytes(value),
    };

    /// <summary>A file in the order of names, as Python's package sorts them.</summary>
    private void Write(IReadOnlyList<(string Name, string Type, int[] Shape, float[] Values)> tensors)
    {
        var data = new List<byte>();
        var entries = new List<string>();
        foreach (var (name, type, shape, values) in tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal))
        {
            byte[] bytes = [.. values.SelectMany(value => BytesOf(type, value))];
            entries.Add(
                $$"""  "{{name}}":{"dtype":"{{type}}","shape":[{{string.Join(',', shape)}}],"""
                + $$""" "data_offsets":[{{data.Count}},{{data.Count + bytes.Length}}]}""");
            data.AddRange(bytes);
        }

        byte[] header = Encoding.UTF8.GetBytes($"{{{string.Join(',', entries)}}}");
        folder.Write("weights.safetensors", [.. BitConverter.GetBytes((long)header.Length), .. header, .. data]);
    }
}
