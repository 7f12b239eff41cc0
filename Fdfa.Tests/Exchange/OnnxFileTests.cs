using System.Diagnostics;
using System.Globalization;
using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Data;
using Fdfa.Experiments.Runs;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Exchange;
using Fdfa.Tests.CommandLine;
using Fdfa.Tests.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Fdfa.Tests.Exchange;

/// <summary>What ONNX Runtime makes of exported networks, beside the reference in double precision.</summary>
public sealed class OnnxFileTests
{
    private const double Tolerance = 1e-5;

    /// <summary>The topology, the input's shape, the activation, and whether every hidden block is normalized.</summary>
    public static TheoryData<string, string, ActivationFunction, bool> Networks { get; } = new()
    {
        { "7-5", "", ActivationFunction.ReLU, false },
        { "784-100-30-10", "", ActivationFunction.ReLU, false },
        { "20-16-9-4", "", ActivationFunction.Tanh, true },
        { "20-16-4", "", ActivationFunction.ReLUOpenAtZero, true },
        { "20-16-4", "", ActivationFunction.Identity, false },
        { "20-16-9-4", "", ActivationFunction.LeakyReLU, false },
        { "20-16-9-4", "", ActivationFunction.GELU, true },
        { "5C3-P2-9-4", "1x8x8", ActivationFunction.SiLU, false },
        { "15C5-P2-40C5-P2-128-10", "1x28x28", ActivationFunction.ReLU, false },
        { "15C5-40C5-P2-128-10", "3x32x32", ActivationFunction.Tanh, true },
        { "5C3/2+1-P3/2-6C2-11-3", "2x17x20", ActivationFunction.ReLU, true },

        // Averages: that divide the map (12 to 6), that do not (13x10 to 4), to one value, and to more than there are.
        { "5C3+1-P2-A6-10", "3x24x24", ActivationFunction.ReLU, false },
        { "5C3-A4-10", "3x15x12", ActivationFunction.ReLU, true },
        { "5C3-A1-10", "3x9x9", ActivationFunction.ReLU, false },
        { "5C3-A7-10", "3x7x7", ActivationFunction.ReLU, false },
        { "alexnet-10", "3x64x64", ActivationFunction.ReLU, false },
    };

    [Theory]
    [MemberData(nameof(Networks))]
    public void Onnx_Runtime_agrees_with_the_reference(
        string topology, string input, ActivationFunction activation, bool batchNormalization)
    {
        using var folder = new TemporaryFolder();
        NetworkDescription network = Topology.Parse(topology, activation, Shape(input), batchNormalization);
        NetworkParameters parameters = SomeWeights.Of(network);
        OnnxFile.Save(folder.File("network.onnx"), network, parameters, new Dictionary<string, string> { ["seed"] = "7" });
        const int Batch = 3;
        var random = new Random(1);
        double[] inputs = [.. Enumerable.Range(0, Batch * network.InputSize).Select(_ => (double)(float)((2 * random.NextDouble()) - 1))];
        double[] expected = NetworkForward.Run(network, parameters, inputs, Batch, NormalizationStatistics.Running).Outputs;

        using var session = new InferenceSession(folder.File("network.onnx"));
        Assert.Equal(topology, session.ModelMetadata.CustomMetadataMap["topology"]);
        Assert.Equal("7", session.ModelMetadata.CustomMetadataMap["seed"]);
        Assert.Equal("fdfa", session.ModelMetadata.ProducerName);
        foreach (int samples in (int[])[0, 1, Batch])
        {
            float[] found = Run(session, network, [.. inputs.Take(samples * network.InputSize).Select(value => (float)value)], samples);

            Assert.Equal(samples * network.OutputSize, found.Length);
            for (var i = 0; i < found.Length; i++)
            {
                double error = Math.Abs(found[i] - expected[i]);
                Assert.True(
                    error <= Tolerance * Math.Max(1, Math.Abs(expected[i])),
                    $"Output {i} is {found[i]:R}, where the reference has {expected[i]:R}.");
            }
        }
    }

    /// <summary>ONNX's own evaluator, which says what operators mean: .ci/rusticl has one, and names it in FDFA_ONNX_PYTHON.</summary>
    [SkippableTheory]
    [MemberData(nameof(Networks))]
    public void Onnx_s_reference_evaluator_agrees_with_the_reference(
        string topology, string input, ActivationFunction activation, bool batchNormalization)
    {
        string? python = Environment.GetEnvironmentVariable("FDFA_ONNX_PYTHON");
        Skip.If(
            string.IsNullOrEmpty(python),
            "Needs Python's onnx 1.13 or later; set FDFA_ONNX_PYTHON to a Python that has it, as .ci/rusticl does.");
        Skip.If(topology.StartsWith("alexnet", StringComparison.Ordinal), "ONNX's evaluator takes minutes for it.");
        using var folder = new TemporaryFolder();
        NetworkDescription network = Topology.Parse(topology, activation, Shape(input), batchNormalization);
        NetworkParameters parameters = SomeWeights.Of(network);
        OnnxFile.Save(folder.File("network.onnx"), network, parameters);
        const int Batch = 3;
        var random = new Random(1);
        double[] inputs = [.. Enumerable.Range(0, Batch * network.InputSize).Select(_ => (double)(float)((2 * random.NextDouble()) - 1))];
        double[] expected = NetworkForward.Run(network, parameters, inputs, Batch, NormalizationStatistics.Running).Outputs;
        int[] shape = network.InputShape is { } image ? [Batch, image.Channels, image.Height, image.Width] : [Batch, network.InputSize];
        string inputFile = folder.File("input.txt");
        string dimensions = string.Join(',', shape);
        File.WriteAllText(
            inputFile, string.Join(' ', inputs.Select(value => ((float)value).ToString("R", CultureInfo.InvariantCulture))));
        File.WriteAllText(folder.File("evaluate.py"), $"""
            import numpy, onnx, onnx.checker, onnx.reference
            model = onnx.load(r"{folder.File("network.onnx")}")
            onnx.checker.check_model(model, full_check=True)
            values = numpy.fromstring(open(r"{inputFile}").read(), dtype=numpy.float32, sep=" ").reshape({dimensions})
            print(*[repr(float(value)) for value in onnx.reference.ReferenceEvaluator(model).run(None, dict(input=values))[0].ravel()])
            """);

        using Process process = Process.Start(new ProcessStartInfo(python!, ["-W", "ignore", folder.File("evaluate.py")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string[] found = process.StandardOutput.ReadToEnd().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        process.WaitForExit();

        Assert.True(process.ExitCode == 0, error.Result);
        Assert.Equal(expected.Length, found.Length);
        Assert.All(found.Zip(expected), pair => Assert.InRange(
            Math.Abs(double.Parse(pair.First, CultureInfo.InvariantCulture) - pair.Second), 0,
            Tolerance * Math.Max(1, Math.Abs(pair.Second))));
    }

    [Fact]
    public void An_exported_run_classifies_as_the_run_recorded()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("run");
        Assert.Equal(
            0,
            CommandLineRun.Of(
                [
                    "train", "--network", "784-16-10", "--limit", "2000", "--epochs", "1", "--learning-rate", "1e-2", "--seeds", "2",
                    "--device", "cpu", "--quiet", "--output", path
                ]).ExitCode);

        CommandLineRun export = CommandLineRun.Of("export", path, "--onnx", folder.File("network.onnx"), "--seed", "1");

        Assert.Equal(0, export.ExitCode);
        Assert.Contains(
            "Its input is float[batch, 784], a pixel p of 0 to 255 being p*2/255 - 1; its output float[batch, 10]", export.Output,
            StringComparison.Ordinal);
        using DataSetPair data = EmbeddedFashionMnist.Load();
        float[] inputs = [.. data.Test.Samples.ToArray().Select(pixel => (pixel * 2f / 255f) - 1f)];
        using var session = new InferenceSession(folder.File("network.onnx"));
        float[] outputs = Run(session, RunFolder.ReadConfiguration(path).ToRequest().Network, inputs, data.Test.Count);
        int correct = outputs.Chunk(10).Zip(data.Test.Labels)
            .Count(sample => Array.IndexOf(sample.First, sample.First.Max()) == sample.Second);
        MetricsRow recorded = RunFolder.ReadMetrics(path).Single(row => row.Seed == 1);
        Assert.InRange(recorded.TestAccuracy, 0.4, 1);
        Assert.Equal(recorded.TestAccuracy, (double)correct / data.Test.Count, 1e-3);
    }

    [Fact]
    public void A_network_beyond_what_the_format_can_hold_is_refused()
    {
        NetworkDescription network = new([30_000, 30_000, 1]);
        var parameters = new NetworkParameters([new([], [], []), new([], [], [])]);
        Assert.Throws<ShapeMismatchException>(() => OnnxFile.Save("never", network, parameters, new Dictionary<string, string>()));
        Refusal.Of<ModelFileException>(() => OnnxFile.RequireRoom(network), "export it as safetensors");
    }

    private static float[] Run(InferenceSession session, NetworkDescription network, float[] inputs, int samples)
    {
        int[] shape = network.InputShape is { } image ? [samples, image.Channels, image.Height, image.Width] : [samples, network.InputSize];
        using var results = session.Run([NamedOnnxValue.CreateFromTensor("input", new DenseTensor<float>(inputs, shape))]);
        return [.. results.Single(result => result.Name == "output").AsEnumerable<float>()];
    }

    private static ImageShape? Shape(string text) =>
        text.Split('x') is [var channels, var height, var width] ? new(Number(channels), Number(height), Number(width)) : null;

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
