using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Checkpoints;

namespace Fdfa.Gpu.Exchange;

/// <summary>A network's weights as PyTorch's state_dict of an nn.Sequential, in a safetensors file: what goes both ways.</summary>
/// <remarks>
/// <code>
/// 784-800-10 with batch normalization     nn.Sequential(nn.Linear(784, 800, bias=False), nn.BatchNorm1d(800), nn.ReLU(),
///                                         nn.Linear(800, 10))
/// its tensors                             0.weight [800, 784], 1.weight, 1.bias, 1.running_mean, 1.running_var [800],
///                                         3.weight [10, 800], 3.bias [10]
/// </code>
/// Nothing of the learning rule is in it: no feedback, no heads. In Python, <c>model.load_state_dict(safetensors.torch.load_file(path))</c>
/// reads it and <c>safetensors.torch.save_file(model.state_dict(), path)</c> writes it.
/// </remarks>
public static class StateDict
{
    /// <summary>
    /// How inputs are scaled, for a file's words: what a network makes of PyTorch's 0…1 says nothing of how well it was trained.
    /// </summary>
    internal const string InputWords = "A pixel p of 0 to 255 is p*2/255 - 1";

    /// <summary>The expression that makes such inputs of an image in Python, behind <c>from torchvision import transforms</c>.</summary>
    /// <param name="network">The network.</param>
    /// <param name="image">The shape of the images, where the network takes them in another size; else null.</param>
    public static string PreprocessingCode(NetworkDescription network, ImageShape? image = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        string resize = network.InputShape is { } input && image is { } given && (input.Height, input.Width) != (given.Height, given.Width)
            ? string.Create(CultureInfo.InvariantCulture, $"transforms.Resize(({input.Height}, {input.Width})), ")
            : "";
        string flatten = network.InputShape is null ? ", torch.flatten" : "";
        return $"transforms.Compose([{resize}transforms.ToTensor(), transforms.Normalize([0.5], [0.5]){flatten}])";
    }

    /// <summary>The expression that makes the module in Python; <c>nn</c> is <c>torch.nn</c>.</summary>
    /// <param name="network">The network.</param>
    public static string ModuleCode(NetworkDescription network)
    {
        ArgumentNullException.ThrowIfNull(network);
        return $"nn.Sequential({string.Join(", ", PyTorchModule.Of(network).Select(module => module.Code))})";
    }

    /// <summary>Writes the weights, or leaves the file of that name as it was.</summary>
    /// <param name="path">The file to create or replace.</param>
    /// <param name="network">The network that the parameters belong to.</param>
    /// <param name="parameters">Rounded to single precision; feedback and heads stay out.</param>
    /// <exception cref="ShapeMismatchException">The parameters are not those of the network.</exception>
    /// <exception cref="ModelFileException">The file cannot be written.</exception>
    public static void Save(string path, NetworkDescription network, NetworkParameters parameters)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(parameters);
        NetworkParameters weights = WeightsOf(network, parameters);

        // The word by which other readers know whose tensors these are.
        IEnumerable<KeyValuePair<string, string>> words =
            [new("format", "pt"), new("input", InputWords), .. ModelWords.Of(network, PerturbationSite.BlockOutput)];
        ModelFile.Write(path, [.. PyTorchModule.Of(network).SelectMany(module => module.Tensors)], words, weights);
    }

    /// <summary>Reads weights that PyTorch, <see cref="Save"/> or <see cref="ModelFile"/> wrote; feedback and heads stay out.</summary>
    /// <remarks>
    /// The modules are matched in the order of their numbers, whatever these are: those without tensors (a Flatten, a Dropout) may stand
    /// anywhere. What all names begin with, such as a LightningModule's "model.", does not matter. A bias in front of batch normalization,
    /// which PyTorch's modules have unless they are told otherwise, is taken into the running mean:
    /// γ (W x + b − μ̄) r + β = γ (W x − (μ̄ − b)) r + β. Numbers of half, bfloat16 and double precision are rounded to single.
    /// </remarks>
    /// <param name="path">A safetensors file.</param>
    /// <param name="network">The network that the file must hold, tensor by tensor.</param>
    /// <exception cref="ModelFileException">
    /// The file cannot be read, is damaged, holds another network (the message names the first tensor that differs), or a number that is
    /// not finite.
    /// </exception>
    public static NetworkParameters Load(string path, NetworkDescription network)
    {
        ArgumentNullException.ThrowIfNull(network);
        return ModelFile.Read(path, stream =>
        {
            var header = SafetensorsHeader.Read(path, stream);
            if (header.Entries.Keys.Any(ModelTensor.IsOurs))
            {
                return WeightsOf(network, ModelFile.Load(path, network));
            }

            ModelWords.Require(path, network, header.Metadata);
            IReadOnlyList<PyTorchModule> modules = Renamed(
                path, [.. PyTorchModule.Of(network).Where(module => module.Tensors.Count > 0)], header);
            IEnumerable<string> counts = modules
                .Where(module => module.Kind == ModuleKind.Normalization)
                .Select(module => $"{PyTorchModule.ModuleOf(module.Tensors[0].Name)}.{ModelTensor.IgnoredLeaf}");
            NetworkParameters read = ModelFile.ReadTensors(
                path, stream, header, network,
                [.. modules.SelectMany(module => module.Tensors), .. NormalizedBiases(modules, header)], counts);
            return new NetworkParameters([.. read.Blocks.Select(WithoutNormalizedBias)]);
        });
    }

    /// <summary>The biases in front of batch normalization that a file has.</summary>
    private static IEnumerable<ModelTensor> NormalizedBiases(IReadOnlyList<PyTorchModule> modules, SafetensorsHeader header) => modules
        .Where(module => module.Kind != ModuleKind.Normalization && module.Block.HasBatchNormalization)
        .Select(module => module.Tensors[0])
        .Select(weight => new ModelTensor(
            $"{PyTorchModule.ModuleOf(weight.Name)}.bias",
            ModelPart.Biases,
            weight.Block,
            [weight.Shape[0]],
            block => block.Biases,
            (block, values) => block with { Biases = values }))
        .Where(bias => header.Entries.ContainsKey(bias.Name));

    private static BlockParameters WithoutNormalizedBias(BlockParameters block) => block is { Normalization: { } norm, Biases.Length: > 0 }
        ? block with
        {
            Biases = [],
            Normalization = norm with { RunningMean = [.. norm.RunningMean.Zip(block.Biases, (mean, bias) => mean - bias)] },
        }
        : block;

    /// <summary>The modules with the names that they have in a file.</summary>
    private static IReadOnlyList<PyTorchModule> Renamed(string path, IReadOnlyList<PyTorchModule> expected, SafetensorsHeader header)
    {
        string first = expected[0].Tensors[0].Name;
        var numbers = new SortedSet<int>();
        string? prefix = null;
        foreach (string name in header.Entries.Keys)
        {
            string module = PyTorchModule.ModuleOf(name);
            string before = module[..(module.LastIndexOf('.') + 1)];
            if (!int.TryParse(module[before.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            {
                throw ModelFileException.Different(
                    path, name, $"is no tensor of an nn.Sequential's state_dict, where names such as {first} were expected");
            }

            prefix ??= before;
            if (before != prefix)
            {
                throw ModelFileException.Different(
                    path, name,
                    $"does not begin like others with '{QuotedText.WithoutQuotes(prefix)}', "
                    + "where the state_dict of one nn.Sequential was expected");
            }

            numbers.Add(number);
        }

        // Those that are not there keep their own names, under which they are missed.
        IEnumerable<int?> found = numbers.Select(number => (int?)number).Concat(Enumerable.Repeat<int?>(null, expected.Count));
        return [.. expected.Zip(found, (module, number) => module with
        {
            Tensors = [.. module.Tensors.Select(tensor => tensor with
            {
                Name = number is null
                    ? prefix + tensor.Name
                    : string.Create(CultureInfo.InvariantCulture, $"{prefix}{number}.{PyTorchModule.LeafOf(tensor.Name)}"),
            })],
        })];
    }

    /// <summary>Parameters without what is a learning rule's.</summary>
    /// <exception cref="ShapeMismatchException">They are not those of the network.</exception>
    internal static NetworkParameters WeightsOf(NetworkDescription network, NetworkParameters parameters)
    {
        var weights = new NetworkParameters([.. parameters.Blocks.Select(block => block with { Feedback = [], Head = null })]);
        weights.RequireFit(network, LearningRule.Backpropagation);
        return weights;
    }
}
