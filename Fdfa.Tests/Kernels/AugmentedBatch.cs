using Fdfa.Cpu.Reference.Augmentation;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Augmentation;
using Fdfa.Gpu.Kernels.Blocks;
using Fdfa.Gpu.Kernels.Tiles;
using Fdfa.Gpu.Networks;
using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Tests.Kernels;

/// <summary>A batch of two replicas, each with an order of its own, gathered on a device from images of noise; and what it should hold.</summary>
internal sealed class AugmentedBatch : IDisposable
{
    private const int Images = 19;
    private const int Groups = 3;
    private const int OrderBegin = 2;

    // What no kernel writes: a place that is missed, or must not be touched, shows.
    private const float Untouched = -7;

    private static readonly ulong[] s_seeds = [5, 0x123456789ABCDEF0];

    private readonly int _batch;
    private readonly int _sampleCapacity;
    private readonly int _inputs;
    private readonly int _inputStride;
    private readonly byte[] _bytes;
    private readonly int[] _orders;
    private readonly DeviceBuffer<byte> _data;
    private readonly DeviceBuffer<byte> _labels;
    private readonly DeviceBuffer<int> _order;
    private readonly DeviceBuffer<uint> _seeds;
    private readonly DeviceBuffer<float>? _sampleMajor;
    private readonly DeviceBuffer<float> _featureMajor;
    private readonly DeviceBuffer<uint> _batchLabels;
    private readonly DeviceBuffer<uint> _crops;
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
        _data = Upload(device, _bytes);
        _labels = Upload(device, [.. Enumerable.Range(0, Images).Select(i => (byte)(3 * i))]);
        _orders = [.. Enumerable.Range(0, 2 * OrderStride).Select(i => ((i * 7) + 3) % Images)];
        _order = Upload(device, _orders);
        _seeds = Upload(device, [.. s_seeds.SelectMany(seed => new[] { (uint)seed, (uint)(seed >> 32) })]);

        // Batches of thousands are only drawn.
        var isGathered = batch < 1000;
        _sampleMajor = isForConvolution || !isGathered
            ? null
            : Upload(device, [.. Enumerable.Repeat(Untouched, s_seeds.Length * _sampleCapacity * _inputStride)]);
        _border = ImageBorder.Around(augmentation.Side, augmentation.Side, isForConvolution ? 2 : 0);
        _featureRows = (image.Channels * Square(augmentation.Side + (2 * _border.Size))) + 1;
        var features = isGathered ? _featureRows * _sampleCapacity : 0;
        _featureMajor = Upload(device, [.. Enumerable.Repeat(Untouched, s_seeds.Length * features)]);
        _batchLabels = new DeviceBuffer<uint>(device, s_seeds.Length * _sampleCapacity);
        _crops = new DeviceBuffer<uint>(device, CropDraw.Rows * _sampleCapacity * s_seeds.Length);
        _augmented = new AugmentedInputs(device, device.Tiles.Programs.First(), augmentation, image, _crops.View, _seeds.View, s_seeds.Length);
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
            Data = _data.View,
            Labels = _labels.View,
            Order = _order.View,
            SampleMajorTarget = _sampleMajor?.View ?? ArrayView<float>.Empty,
            FeatureMajorTarget = _featureMajor.View,
            FeatureRows = _featureRows,
            Border = _border,
            BatchLabels = _batchLabels.View,
        },
        Groups,
        step);

    public void Draw(uint step) => _augmented.Draw(_batch, _sampleCapacity, step);

    /// <summary>The crops that lie on the device are the expected ones of every seed and sample.</summary>
    public void AssertCrops(Func<ulong, int, ImageCrop> expected)
    {
        var crops = Download(_crops.View);
        ForEachSample((replica, sample) =>
        {
            uint At(int row) => crops[(((replica * CropDraw.Rows) + row) * _sampleCapacity) + sample];

            var crop = expected(s_seeds[replica], sample);
            var isFlipped = At(CropDraw.ColumnStep) != 1;
            Assert.Equal(isFlipped ? uint.MaxValue : 1, At(CropDraw.ColumnStep));
            var first = (int)At(CropDraw.FirstColumn);
            var actual = new ImageCrop(
                (int)At(CropDraw.Top), isFlipped ? Image.Width - 1 - first : first, (int)At(CropDraw.Height), (int)At(CropDraw.Width), isFlipped);
            Assert.True(crop == actual, $"Seed {s_seeds[replica]}, sample {sample}: {actual} instead of {crop}");
        });
    }

    /// <summary>Crops, inputs and labels are the expected ones, and nothing else has been written.</summary>
    public void AssertAgreement(Func<ulong, int, ImageCrop> expected, double tolerance)
    {
        AssertCrops(expected);
        var featureMajor = Download(_featureMajor.View);
        var sampleMajor = _sampleMajor is null ? null : Download(_sampleMajor.View);
        var labels = Download(_batchLabels.View);
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
                if (sampleMajor is not null)
                {
                    Assert.Equal(actual, sampleMajor[(((replica * _sampleCapacity) + sample) * _inputStride) + i]);
                }

                actual = Untouched;
            }

            // The border, and the constant input behind the last one, are not the kernel's.
            Assert.All(Enumerable.Range(0, _featureRows), row =>
                Assert.Equal(Untouched, featureMajor[(((replica * _featureRows) + row) * _sampleCapacity) + sample]));
            Assert.Equal(Untouched, sampleMajor?[(((replica * _sampleCapacity) + sample) * _inputStride) + _inputs] ?? Untouched);
        });
    }

    public void Dispose()
    {
        _crops.Dispose();
        _batchLabels.Dispose();
        _featureMajor.Dispose();
        _sampleMajor?.Dispose();
        _seeds.Dispose();
        _order.Dispose();
        _labels.Dispose();
        _data.Dispose();
    }

    // Channel, row and column of an input, in an image with its border.
    private int RowOf(int input)
    {
        var side = Augmentation.Side;
        var (place, column) = Math.DivRem(input, side);
        var (channel, row) = Math.DivRem(place, side);
        var bordered = side + (2 * _border.Size);
        return (((channel * bordered) + row + _border.Size) * bordered) + column + _border.Size;
    }

    private static int Square(int side) => side * side;

    private void ForEachSample(Action<int, int> action)
    {
        for (var replica = 0; replica < s_seeds.Length; replica++)
        {
            for (var sample = 0; sample < _batch; sample++)
            {
                action(replica, sample);
            }
        }
    }

    private static DeviceBuffer<T> Upload<T>(ComputeDevice device, T[] values)
        where T : unmanaged
    {
        var buffer = new DeviceBuffer<T>(device, values.Length);
        if (values.Length > 0)
        {
            buffer.View.SubView(0, values.Length).CopyFromCPU(values);
        }

        return buffer;
    }

    private static T[] Download<T>(ArrayView<T> view)
        where T : unmanaged
    {
        var values = new T[view.Length];
        view.CopyToCPU(values);
        return values;
    }
}
