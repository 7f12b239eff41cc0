using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Tiles;
using Fdfa.Tests.Kernels;
using ILGPU;

namespace Fdfa.Tests.Operations;

/// <summary>A batch of two replicas, each in an order of its own, gathered by several groups on every tile program.</summary>
public sealed class BatchGatherTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    private const int Samples = 300;
    private const int Groups = 3;
    private const int Begin = 5;
    private const int Replicas = 2;

    /// <summary>Channels, side of an image, zeros around it, batch.</summary>
    public static TheoryData<string, int, int, int, int> Cases()
    {
        var cases = new TheoryData<string, int, int, int, int>();
        foreach (var tiles in CpuAccelerators.TilePrograms)
        {
            cases.Add(tiles, 1, 1, 0, 1);
            cases.Add(tiles, 1, 5, 0, 17);
            cases.Add(tiles, 3, 4, 2, 16);
            cases.Add(tiles, 2, 7, 1, 33);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Bytes_become_inputs(string tiles, int channels, int side, int zeros, int batch)
    {
        using var run = new OperationRun(devices.Open(tiles));
        var (capacity, inputs, border) = (Padding.RoundUp(batch), channels * side * side, ImageBorder.Around(side, side, zeros));
        var (inputStride, orderStride) = (Padding.RoundUp(inputs + 1), Begin + capacity);
        var featureRows = (channels * border.FullHeight * border.FullWidth) + 1;
        var random = new Random(2);
        var (bytes, labels) = (new byte[Samples * inputs], new byte[Samples]);
        random.NextBytes(bytes);
        random.NextBytes(labels);
        int[] order = [.. Enumerable.Range(0, Replicas * orderStride).Select(_ => random.Next(Samples))];
        var featureMajor = run.Target(Replicas * featureRows * capacity);
        var sampleMajor = zeros > 0 ? ArrayView<float>.Empty : run.Target(Replicas * capacity * inputStride);
        var batchLabels = run.Upload(new uint[Replicas * capacity]);

        var gather = new BatchGather
        {
            Samples = batch,
            SampleCapacity = capacity,
            Inputs = inputs,
            InputStride = inputStride,
            OrderBegin = Begin,
            OrderStride = orderStride,
            Data = run.Upload(bytes),
            Labels = run.Upload(labels),
            Order = run.Upload(order),
            SampleMajorTarget = sampleMajor,
            FeatureMajorTarget = featureMajor,
            FeatureRows = featureRows,
            Border = border,
            BatchLabels = batchLabels,
        };
        run.Launch(new Gathering { Gather = gather }, Groups, Replicas);

        var expected = Array.ConvertAll(OperationRun.Filled((int)featureMajor.Length), value => (double)value);
        var rows = Array.ConvertAll(OperationRun.Filled((int)sampleMajor.Length), value => (double)value);
        for (var replica = 0; replica < Replicas; replica++)
        {
            // Columns beyond the batch hold samples too.
            for (var sample = 0; sample < capacity; sample++)
            {
                var index = order[(replica * orderStride) + Begin + sample];
                Assert.Equal(labels[index], OperationRun.Download(batchLabels)[(replica * capacity) + sample]);
                for (var input = 0; input < inputs; input++)
                {
                    var (channel, y, x) = (input / (side * side), input / side % side, input % side);
                    var row = (((channel * border.FullHeight) + y + zeros) * border.FullWidth) + x + zeros;
                    var value = (bytes[(index * inputs) + input] * 2.0 / 255.0) - 1.0;
                    expected[(((replica * featureRows) + row) * capacity) + sample] = value;
                    if (zeros == 0)
                    {
                        rows[(((replica * capacity) + sample) * inputStride) + input] = value;
                    }
                }
            }
        }

        OperationRun.AssertClose(expected, featureMajor, 1e-6);
        if (zeros == 0)
        {
            OperationRun.AssertClose(rows, sampleMajor, 1e-6);
        }
    }
    private struct Gathering : IOperation
    {
        public BatchGather Gather;

        public readonly void Run<TTiles>()
            where TTiles : struct, ITileProgram => BatchGather.Run<TTiles>(Gather);
    }
}
