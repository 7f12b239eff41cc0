namespace Fdfa.Gpu.Exchange;

/// <summary>The nodes and tensors of an ONNX graph: one node behind the other, each reading what the last one wrote.</summary>
/// <remarks>The messages of onnx.proto (IR version 8), with the numbers of the fields that are written.</remarks>
internal sealed class OnnxGraph
{
    private const string Input = "input";
    private const string Output = "output";
    private const int FloatType = 1;
    private const int IntegerType = 7;

    private readonly List<ProtocolMessage> _nodes = [];
    private readonly List<ProtocolMessage> _tensors = [];

    /// <summary>What the last node wrote, at first the input: what the next one reads.</summary>
    public string Last { get; private set; } = Input;

    /// <summary>Adds a tensor of the network's.</summary>
    /// <remarks>TensorProto: dims = 1, data_type = 2, name = 8, raw_data = 9.</remarks>
    public void AddTensor(string name, IEnumerable<int> shape, double[] values) => _tensors.Add(new ProtocolMessage()
        .AddAll(1, shape, (message, field, side) => message.Add(field, side))
        .Add(2, FloatType)
        .Add(8, name)
        .AddBytes(9, values));

    /// <summary>Adds a list of whole numbers: int64_data = 7.</summary>
    public void AddIntegers(string name, IReadOnlyList<int> values) => _tensors.Add(new ProtocolMessage()
        .Add(1, values.Count)
        .Add(2, IntegerType)
        .AddAll(7, values, (message, field, value) => message.Add(field, value))
        .Add(8, name));

    /// <summary>Adds a node behind the last one.</summary>
    /// <remarks>NodeProto: input = 1, output = 2, name = 3, op_type = 4, attribute = 5.</remarks>
    /// <param name="operation">ONNX's name of what it computes.</param>
    /// <param name="name">Its own.</param>
    /// <param name="tensors">What it reads besides.</param>
    /// <param name="attributes">Its constants.</param>
    public void AddNode(string operation, string name, IEnumerable<string> tensors, IEnumerable<ProtocolMessage>? attributes = null)
    {
        string[] read = [Last, .. tensors];
        Last = $"{name}.output";
        _nodes.Add(new ProtocolMessage()
            .AddAll(1, read, (message, field, tensor) => message.Add(field, tensor))
            .Add(2, Last)
            .Add(3, name)
            .Add(4, operation)
            .AddAll(5, attributes ?? [], (message, field, attribute) => message.Add(field, attribute)));
    }

    /// <summary>The graph, when all is added.</summary>
    /// <remarks>GraphProto: node = 1, name = 2, initializer = 5, input = 11, output = 12. An Identity gives the output its name.</remarks>
    /// <param name="inputShape">Of a sample.</param>
    /// <param name="inputWords">What the input must be, for people.</param>
    /// <param name="outputs">n_L.</param>
    public ProtocolMessage Finish(IEnumerable<int> inputShape, string inputWords, int outputs)
    {
        _nodes.Add(new ProtocolMessage().Add(1, Last).Add(2, Output).Add(3, Output).Add(4, "Identity"));
        return new ProtocolMessage()
            .AddAll(1, _nodes, (message, field, node) => message.Add(field, node))
            .Add(2, "network")
            .AddAll(5, _tensors, (message, field, tensor) => message.Add(field, tensor))
            .Add(11, Value(Input, inputShape, inputWords))
            .Add(12, Value(Output, [outputs], "One number per class before any softmax."));
    }

    /// <summary>A constant that is a number: AttributeProto, name = 1, i = 3, type = 20.</summary>
    public static ProtocolMessage Integer(string name, int value) => new ProtocolMessage().Add(1, name).Add(3, value).Add(20, 2);

    /// <summary>A constant that is a real number: f = 2.</summary>
    public static ProtocolMessage Real(string name, float value) => new ProtocolMessage().Add(1, name).Add(2, value).Add(20, 1);

    /// <summary>A constant that is a list of numbers: ints = 8.</summary>
    public static ProtocolMessage Integers(string name, params IEnumerable<int> values) =>
        new ProtocolMessage().Add(1, name).AddAll(8, values, (message, field, value) => message.Add(field, value)).Add(20, 7);

    /// <summary>
    /// ValueInfoProto: name = 1, type = 2, doc_string = 3. TypeProto: tensor_type = 1. Its Tensor: elem_type = 1, shape = 2.
    /// TensorShapeProto: dim = 1. Its Dimension: dim_value = 1, dim_param = 2.
    /// </summary>
    private static ProtocolMessage Value(string name, IEnumerable<int> shape, string words)
    {
        ProtocolMessage sides = new ProtocolMessage()
            .Add(1, new ProtocolMessage().Add(2, "batch"))
            .AddAll(1, shape, (message, field, side) => message.Add(field, new ProtocolMessage().Add(1, side)));
        return new ProtocolMessage()
            .Add(1, name)
            .Add(2, new ProtocolMessage().Add(1, new ProtocolMessage().Add(1, FloatType).Add(2, sides)))
            .Add(3, words);
    }
}
