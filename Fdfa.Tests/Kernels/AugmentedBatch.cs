using Fdfa.Cpu.Reference.Augmentation;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Augmentation;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Tiles;
using Fdfa.Gpu.Networks;
using Fdfa.Tests.Operations;
using ILGPU;

namespace Fdfa.Tests.Kernels;

/// <summary>
/// A batch of two replicas, each with an order of its own, gathered on a device from images of noise; and what it should hold.
/// </summary>
internal sealed class AugmentedBatch : IDisposable
{
    private const int Images = 19;
    private const int Groups = 3;
    private const int OrderBegin = 2;

    private static readonly ulong[] s_seeds = [5, 0x123456789ABCDEF0];

    private readonly int _batch;
    private readonly int _sampleCapacity;
    private readonly int _inputs;
    private readonly int _inputStride;
    private readonly byte[] _bytes;
    private readonly int[] _orders;
    private readonly OperationRun _run;
    private readonly ArrayView<byte> _data;
    private readonly ArrayView<byte> _labels;
    private readonly ArrayView<int> _order;
    private readonly ArrayView<float> _sampleMajor;
    private readonly ArrayView<float> _featureMajor;
    private readonly ArrayView<uint> _batchLabels;
    private readonly ArrayView<uint> _crops;
    private readonly ImageBorder _border;
    private readonly int _featureRows;
    private readonly AugmentedInputs _augmented;

    public AugmentedBatch(ComputeDevice device, ImageAugmentation augmentation, ImageShape image, int batch, bool isForConvolution = false)
    {
        Augmentation = augmentation;
        Image = image;
        _batch = batch;
        _sampleCapacity = Padding.RoundUp(batch);
        _inputs = augmentation.InputOf(image).Size;
        _inputStride = Padding.RoundUp(_inputs + 1);
        _bytes = [.. Enumerable.Range(0, Images * image.Size).Select(i => (byte)((uint)(i * 2654435761L) >> 24))];
        _run = new OperationRun(device);
        _data = _run.Upload(_bytes);
        _labels = _run.Upload<byte>([.. Enumerable.Range(0, Images).Select(i => (byte)(3 * i))]);
        _orders = [.. Enumerable.Range(0, 2 * OrderStride).Select(i => ((i * 7) + 3) % Images)];
        _order = _run.Upload(_orders);

        // Batches of thousands are only drawn.
        var isGathered = batch < 1000;
        _sampleMajor = isForConvolution || !isGathered
            ? ArrayView<float>.Empty
            : _run.Target(s_seeds.Length * _sampleCapacity * _inputStride);
        _border = ImageBorder.Around(augmentation.Side, augmentation.Side, isForConvolution ? 2 : 0);
        _featureRows = (image.Channels * _border.FullHeight * _border.FullWidth) + 1;
        var features = isGathered ? _featureRows * _sampleCapacity : 0;
        _featureMajor = _run.Target(s_seeds.Length * features);
        _batchLabels = _run.Upload(new uint[s_seeds.Length * _sampleCapacity]);
        _crops = _run.Upload(new uint[CropDraw.Rows * _sampleCapacity * s_seeds.Length]);
        var seeds = _run.Upload<uint>([.. s_seeds.SelectMany(seed => new[] { (uint)seed, (uint)(seed >> 32) })]);
        _augmented = new AugmentedInputs(device, device.Tiles.Programs.First(), augmentation, image, _crops, seeds, s_seeds.Length);
    }

    public ImageAugmentation Augmentation { get; }

    public ImageShape Image { get; }

    private int OrderStride => OrderBegin + _sampleCapacity;

    public void Gather(uint? step) => _augmented.Gather(
        new BatchGather
        {
            Samples = _batch,
            SampleCapacity = _sampleCapacity,
            Inputs = _inputs,
            InputStride = _inputStride,
            OrderBegin = OrderBegin,
            OrderStride = OrderStride,
            Data = _data,
            Labels = _labels,
            Order = _order,
            SampleMajorTarget = _sampleMajor,
            FeatureMajorTarget = _featureMajor,
            FeatureRows = _featureRows,
            Border = _border,
            BatchLabels = _batchLabels,
        },
        Groups,
        step);

    public void Draw(uint step) => _augmented.Draw(_batch, _sampleCapacity, step);

    /// <summary>The crops that lie on the device are the expected ones of every seed and sample.</summary>
    public void AssertCrops(Func<ulong, int, ImageCrop> expected)
    {
        var crops = OperationRun.Download(_crops);
        ForEachSample((replica, sample) =>
        {
            uint At(int row) => crops[(((replica * CropDraw.Rows) + row) * _sampleCapacity) + sample];

            var crop = expected(s_seeds[replica], sample);
            var isFlipped = At(CropDraw.ColumnStep) != 1;
            Assert.Equal(isFlipped ? uint.MaxValue : 1, At(CropDraw.ColumnStep));
            var first = (int)At(CropDraw.FirstColumn);
            var actual = new ImageCrop(
                (int)At(CropDraw.Top), isFlipped ? Image.Width - 1 - first : first, (int)At(CropDraw.Height),
                (int)At(CropDraw.Width), isFlipped);
            Assert.True(crop == actual, $"Seed {s_seeds[replica]}, sample {sample}: {actual} instead of {crop}");
        });
    }

    /// <summary>Crops, inputs and labels are the expected ones, and nothing else has been written.</summary>
    public void AssertAgreement(Func<ulong, int, ImageCrop> expected, double tolerance)
    {
        AssertCrops(expected);
        var featureMajor = OperationRun.Download(_featureMajor);
        float[] sampleMajor = _sampleMajor.Length > 0 ? OperationRun.Download(_sampleMajor) : [];
        var labels = OperationRun.Download(_batchLabels);
        ForEachSample((replica, sample) =>
        {
            var index = _orders[(replica * OrderStride) + OrderBegin + sample];
            Assert.Equal(3u * (uint)index, labels[(replica * _sampleCapacity) + sample]);
            var inputs = BilinearResampling.Run(
                _bytes.AsSpan(index * Image.Size, Image.Size), Image, expected(s_seeds[replica], sample), Augmentation.Side);
            for (var i = 0; i < inputs.Length; i++)
            {
                ref var actual = ref featureMajor[(((replica * _featureRows) + RowOf(i)) * _sampleCapacity) + sample];
                Assert.True(
                    Math.Abs(actual - inputs[i]) <= tolerance,
                    $"Seed {s_seeds[replica]}, sample {sample}, input {i}: {actual:R} instead of {inputs[i]:R}");
                if (sampleMajor.Length > 0)
                {
                    Assert.Equal(actual, sampleMajor[(((replica * _sampleCapacity) + sample) * _inputStride) + i]);
                }

                actual = OperationRun.Untouched;
            }

            // The border, and the constant input behind the last one, are not the kernel's.
            Assert.All(Enumerable.Range(0, _featureRows), row =>
                Assert.Equal(OperationRun.Untouched, featureMajor[(((replica * _featureRows) + row) * _sampleCapacity) + sample]));
            Assert.True(sampleMajor.Length == 0
                || sampleMajor[(((replica * _sampleCapacity) + sample) * _inputStride) + _inputs] == OperationRun.Untouched);
        });
    }

    public void Dispose() => _run.Dispose();

    // Channel, row and column of an input, in an image with its border.
    private int RowOf(int input)
    {
        var side = Augmentation.Side;
        var (place, column) = Math.DivRem(input, side);
        var (channel, row) = Math.DivRem(place, side);
        var bordered = side + (2 * _border.Size);
        return (((channel * bordered) + row + _border.Size) * bordered) + column + _border.Size;
    }

    private void ForEachSample(Action<int, int> action) => OperationRun.ForEach(0, s_seeds.Length, _batch, action);
}
