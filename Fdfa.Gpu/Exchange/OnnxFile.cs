using System.Globalization;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Checkpoints;

namespace Fdfa.Gpu.Exchange;

/// <summary>
/// A network as an ONNX file, for ONNX Runtime and whatever else reads that: what it computes in evaluation, nothing of the learning rule.
/// </summary>
/// <remarks>
/// The nodes are those of PyTorch's modules (<see cref="StateDict"/>), the tensors have PyTorch's names. The input is what the network
/// takes, not what a data set holds: floats, a pixel p of 0 to 255 being p·2/255 − 1; [batch, channels, rows, columns] where there are
/// convolutions, else [batch, values]. The output is [batch, classes], before any softmax. Opset 17: of older ones ONNX's own reference
/// evaluator normalizes by other statistics than ONNX Runtime.
/// </remarks>
public static class OnnxFile
{
    private const int IrVersion = 8;
    private const int OperatorSet = 17;
    private const string InputWords = StateDict.InputWords + "; channels, rows and columns as PyTorch has them.";

    // Batch normalization's ε, as PyTorch's modules and the kernels have it.
    private const float Epsilon = 1e-5f;

    // The format ends at 2 GB; a million of them are for all that is not a number.
    private const long MostBytes = int.MaxValue - 1_000_000;

    /// <summary>Writes a network, or leaves the file of that name as it was.</summary>
    /// <param name="path">The file to create or replace.</param>
    /// <param name="network">The network that the parameters belong to.</param>
    /// <param name="parameters">Rounded to single precision; feedback and heads stay out.</param>
    /// <param name="metadata">Words about the run, such as seed and rule; null for none.</param>
    /// <exception cref="ShapeMismatchException">The parameters are not those of the network.</exception>
    /// <exception cref="ModelFileException">The file cannot be written, or the network is too large for the format.</exception>
    public static void Save(
        string path, NetworkDescription network, NetworkParameters parameters, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(parameters);
        NetworkParameters weights = StateDict.WeightsOf(network, parameters);
        RequireRoom(network);
        IReadOnlyList<PyTorchModule> modules = PyTorchModule.Of(network);
        var graph = new OnnxGraph();
        for (var index = 0; index < modules.Count; index++)
        {
            Add(graph, index.ToString(CultureInfo.InvariantCulture), modules[index], weights);
        }

        int[] shape = network.InputShape is { } image ? [image.Channels, image.Height, image.Width] : [network.InputSize];
        ProtocolMessage model = Model(
            graph.Finish(shape, InputWords, network.OutputSize),
            [new("topology", network.Topology), .. metadata ?? new Dictionary<string, string>()]);
        ModelFile.WriteAtomically(path, model.WriteTo);
    }

    /// <summary>Refuses a network that is too large for the format.</summary>
    internal static void RequireRoom(NetworkDescription network)
    {
        long bytes = PyTorchModule.Of(network).SelectMany(module => module.Tensors).Sum(tensor => tensor.Bytes);
        if (bytes > MostBytes)
        {
            throw new ModelFileException(
                $"The network {network.Topology} takes {bytes} bytes, and an ONNX file can hold {MostBytes}; export it as safetensors.");
        }
    }

    /// <summary>
    /// ModelProto: ir_version = 1, producer_name = 2, producer_version = 3, graph = 7, opset_import = 8, metadata_props = 14.
    /// </summary>
    private static ProtocolMessage Model(ProtocolMessage graph, IEnumerable<KeyValuePair<string, string>> words) => new ProtocolMessage()
        .Add(1, IrVersion)
        .Add(2, "fdfa")
        .Add(3, typeof(OnnxFile).Assembly.GetName().Version!.ToString(3))
        .Add(7, graph)
        .Add(8, new ProtocolMessage().Add(1, "").Add(2, OperatorSet))
        .AddAll(14, words, (message, field, word) => message.Add(field, new ProtocolMessage().Add(1, word.Key).Add(2, word.Value)));

    private static void Add(OnnxGraph graph, string name, PyTorchModule module, NetworkParameters parameters)
    {
        foreach (ModelTensor tensor in module.Tensors)
        {
            graph.AddTensor(tensor.Name, tensor.Shape, tensor.ValuesOf(parameters.Blocks[tensor.Block]));
        }

        string[] tensors = [.. module.Tensors.Select(tensor => tensor.Name)];
        switch (module.Kind)
        {
            case ModuleKind.Convolution:
                var convolution = (ConvolutionBlock)module.Block;
                graph.AddNode("Conv", name, tensors,
                [
                    OnnxGraph.Integers("kernel_shape", Square(convolution.Kernel)),
                    OnnxGraph.Integers("strides", Square(convolution.Stride)),
                    OnnxGraph.Integers("pads", Enumerable.Repeat(convolution.Padding, 4)),
                ]);
                break;
            case ModuleKind.Flatten:
                graph.AddNode("Flatten", name, tensors);
                break;
            case ModuleKind.Linear:
                graph.AddNode("Gemm", name, tensors, [OnnxGraph.Integer("transB", 1)]);
                break;
            case ModuleKind.Normalization:
                graph.AddNode("BatchNormalization", name, tensors, [OnnxGraph.Real("epsilon", Epsilon)]);
                break;
            case ModuleKind.Activation:
                AddActivation(graph, name, module.Block.Activation);
                break;
            case ModuleKind.MaxPool:
                PoolWindow pool = ((ConvolutionBlock)module.Block).Pool!.Value;
                graph.AddNode("MaxPool", name, tensors, Window(pool.Size, pool.Size, pool.Stride, pool.Stride));
                break;
            case ModuleKind.AveragePool:
                AddAverage(graph, name, (ConvolutionBlock)module.Block);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(module), module.Kind, "There is no such module.");
        }
    }

    internal static void AddActivation(OnnxGraph graph, string name, ActivationFunction activation)
    {
        string a = graph.Last;
        switch (activation)
        {
            case ActivationFunction.Identity:
                graph.AddNode("Identity", name, []);
                break;
            case ActivationFunction.ReLU or ActivationFunction.ReLUOpenAtZero:
                graph.AddNode("Relu", name, []);
                break;
            case ActivationFunction.Tanh:
                graph.AddNode("Tanh", name, []);
                break;
            case ActivationFunction.LeakyReLU:
                graph.AddNode("LeakyRelu", name, [], [OnnxGraph.Real("alpha", 0.01f)]);
                break;
            case ActivationFunction.GELU:
                // The operator Gelu is of a later set than the one that evaluators have agreed on: a (1 + erf(a / √2)) / 2.
                AddConstantNode("Mul", "scaled", Math.Sqrt(0.5));
                graph.AddNode("Erf", $"{name}.erf", []);
                AddConstantNode("Add", "above_zero", 1);
                AddConstantNode("Mul", "cumulative", 0.5);
                graph.AddNode("Mul", name, [a]);
                break;
            case ActivationFunction.SiLU:
                graph.AddNode("Sigmoid", $"{name}.sigmoid", []);
                graph.AddNode("Mul", name, [a]);
                break;
            default:
                throw InvalidOptionException.UnknownValue("activation", activation);
        }

        void AddConstantNode(string operation, string step, double constant)
        {
            graph.AddTensor($"{name}.{step}.constant", [1], [constant]);
            graph.AddNode(operation, $"{name}.{step}", [$"{name}.{step}.constant"]);
        }
    }

    /// <summary>
    /// Adaptive average pooling, which ONNX has only where the output's side divides the map's. Elsewhere windows differ, and the average
    /// is a product with a matrix on the right, which has a window's shares of the map in each column. (One matrix per axis would be
    /// smaller, but ONNX Runtime then refuses a batch of no samples.)
    /// </summary>
    private static void AddAverage(OnnxGraph graph, string name, ConvolutionBlock block)
    {
        ImageShape map = block.Pooled;
        int side = block.Output.Height;
        if (map.Height % side == 0 && map.Width % side == 0)
        {
            graph.AddNode("AveragePool", name, [], Window(map.Height / side, map.Width / side, map.Height / side, map.Width / side));
            return;
        }

        double[] rows = Averages(map.Height, side);
        double[] columns = Averages(map.Width, side);
        graph.AddTensor($"{name}.windows", [map.Height * map.Width, side * side],
        [
            .. from place in Enumerable.Range(0, map.Height * map.Width)
               from window in Enumerable.Range(0, side * side)
               select rows[(window / side * map.Height) + (place / map.Width)] * columns[(window % side * map.Width) + (place % map.Width)],
        ]);
        AddReshape(graph, $"{name}.flat", map.Channels, map.Height * map.Width);
        graph.AddNode("MatMul", $"{name}.of_windows", [$"{name}.windows"]);
        AddReshape(graph, name, map.Channels, side, side);
    }

    /// <summary>Another shape for what a sample has; 0 stands for as many samples as there are.</summary>
    private static void AddReshape(OnnxGraph graph, string name, params IEnumerable<int> shape)
    {
        graph.AddIntegers($"{name}.shape", [0, .. shape]);
        graph.AddNode("Reshape", name, [$"{name}.shape"]);
    }

    /// <summary>[side × length]: window o covers ⌊o·length/side⌋ to ⌈(o + 1)·length/side⌉ − 1, with equal shares.</summary>
    private static double[] Averages(int length, int side)
    {
        var shares = new double[side * length];
        for (var window = 0; window < side; window++)
        {
            var begin = (int)((long)window * length / side);
            var end = (int)((((long)(window + 1) * length) + side - 1) / side);
            shares.AsSpan((window * length) + begin, end - begin).Fill(1.0 / (end - begin));
        }

        return shares;
    }

    private static ProtocolMessage[] Window(int height, int width, int strideDown, int strideRight) =>
        [OnnxGraph.Integers("kernel_shape", height, width), OnnxGraph.Integers("strides", strideDown, strideRight)];

    private static int[] Square(int side) => [side, side];
}
