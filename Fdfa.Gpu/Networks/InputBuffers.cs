using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Gpu.Networks;

/// <summary>Gathered batches: one being prepared while one is computed and the last one still waits for its update.</summary>
internal sealed class InputBuffers
{
    private readonly ArrayView<float>[] _sampleMajor;
    private readonly ArrayView<float>[] _featureMajor;
    private readonly ArrayView<uint>[] _labels;

    /// <param name="memory">Where buffers come from.</param>
    /// <param name="first">The block that reads them.</param>
    /// <param name="sampleCapacity">Samples that a step can take.</param>
    public InputBuffers(BufferSet memory, Block first, int sampleCapacity)
    {
        Stride = Padding.RoundUp(first.Inputs + 1);
        Rows = first.Inputs;
        if (first is ConvolutionBlock convolution)
        {
            var image = convolution.Input;
            Border = ImageBorder.Around(image.Height, image.Width, convolution.Padding);
            Rows = checked(image.Channels * (image.Height + (2 * convolution.Padding)) * (image.Width + (2 * convolution.Padding)));
        }

        // The pending update of a dense block reads them sample-major, that of a convolution as the forward pass does.
        var isDense = first is DenseBlock;
        _sampleMajor = [.. Enumerable.Range(0, isDense ? 3 : 1)
            .Select(_ => isDense ? memory.AllocateSampleMajor(first.Inputs, sampleCapacity) : default)];
        _featureMajor =
            [.. Enumerable.Range(0, isDense ? 2 : 3).Select(_ => memory.AllocateFeatureMajor(Rows, sampleCapacity, sampleCapacity))];
        _labels = [.. Enumerable.Range(0, 2).Select(_ => memory.Allocate<uint>(sampleCapacity, BufferUse.Activations))];
    }

    /// <summary>Row stride of sample-major inputs.</summary>
    public int Stride { get; }

    /// <summary>Rows of feature-major inputs, with their border and without the constant input.</summary>
    public int Rows { get; }

    /// <summary>The zeros around each image.</summary>
    public ImageBorder Border { get; }

    public ArrayView<float> SampleMajor(long step) => Of(_sampleMajor, step);

    public ArrayView<float> FeatureMajor(long step) => Of(_featureMajor, step);

    public ArrayView<uint> Labels(long step) => Of(_labels, step);

    // Step −1 is asked for before the first one, and is not there: nothing is read from it.
    private static ArrayView<T> Of<T>(ArrayView<T>[] views, long step)
        where T : unmanaged => views[(step + views.Length) % views.Length];
}
