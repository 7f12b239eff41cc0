using System.Reflection;
using Fdfa.Cpu.Reference.Augmentation;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Devices;
using Fdfa.Gpu.Kernels.Augmentation;
using Fdfa.Gpu.Kernels.Blocks;
using ILGPU;
using ILGPU.Runtime;

namespace Fdfa.Gpu.Networks;

/// <summary>Gathers batches of augmented images: a launch that draws their crops, and one that resamples them.</summary>
internal sealed class AugmentedInputs
{
    private readonly ComputeDevice _device;
    private readonly TileProgram _tiles;
    private readonly ImageAugmentation _augmentation;
    private readonly ImageShape _image;
    private readonly int _replicas;
    private readonly ArrayView<uint> _crops;
    private readonly ArrayView<uint> _seeds;
    private readonly Action<AcceleratorStream, KernelConfig, CropDraw> _draw;
    private readonly Action<AcceleratorStream, KernelConfig, AugmentedGather> _gather;

    /// <summary>Loads the kernels.</summary>
    /// <param name="device">Where to.</param>
    /// <param name="tiles">The tile program there.</param>
    /// <param name="augmentation">How images become inputs.</param>
    /// <param name="image">The shape of the data's images.</param>
    /// <param name="crops">Room for the crops of a batch, as <see cref="CropDraw"/> lays them out.</param>
    /// <param name="seeds">Two words per replica.</param>
    /// <param name="replicas">How many.</param>
    /// <exception cref="InvalidOptionException">The augmentation's numbers are out of their range.</exception>
    /// <exception cref="ShapeMismatchException">It cannot augment such images.</exception>
    public AugmentedInputs(
        ComputeDevice device,
        TileProgram tiles,
        ImageAugmentation augmentation,
        ImageShape image,
        ArrayView<uint> crops,
        ArrayView<uint> seeds,
        int replicas)
    {
        Shape = augmentation.InputOf(image);
        _device = device;
        _tiles = tiles;
        _augmentation = augmentation;
        _image = image;
        _replicas = replicas;
        _crops = crops;
        _seeds = seeds;
        _draw = device.Load<CropDraw>(DrawKernel(tiles.Type));
        _gather = device.Load<AugmentedGather>(GatherKernel(tiles.Type));
    }

    /// <summary>The kernels of augmentation.</summary>
    public static IEnumerable<MethodInfo> Kernels(Type tiles) => [DrawKernel(tiles), GatherKernel(tiles)];

    /// <summary>The inputs' shape.</summary>
    public ImageShape Shape { get; }

    /// <summary>Gathers a batch.</summary>
    /// <param name="batch">The batch and where it goes.</param>
    /// <param name="groups">Groups that share the features.</param>
    /// <param name="step">Counter of the draws; <see langword="null"/> in evaluation, which sees whole images.</param>
    public void Gather(in BatchGather batch, int groups, uint? step)
    {
        Draw(batch.Samples, batch.SampleCapacity, step);
        _gather(_device.Accelerator.DefaultStream, _device.Launch(_tiles, groups, _replicas), new AugmentedGather
        {
            Batch = batch,
            Channels = _image.Channels,
            ImageSide = _image.Height,
            Side = Shape.Height,
            Crops = _crops,
        });
    }

    /// <summary>The first half of <see cref="Gather"/>, for tests: the crops.</summary>
    /// <param name="samples">Samples of the batch.</param>
    /// <param name="sampleCapacity">Samples that a batch can have, a multiple of 16.</param>
    /// <param name="step">Counter of the draws; <see langword="null"/> in evaluation.</param>
    public void Draw(int samples, int sampleCapacity, uint? step) =>
        _draw(_device.Accelerator.DefaultStream, _device.Launch(_tiles, 1, _replicas), new CropDraw
        {
            Samples = samples,
            SampleCapacity = sampleCapacity,
            ImageSide = _image.Height,
            Tries = step is null ? 0 : RandomCrop.Tries,
            Flips = step is not null && _augmentation.Flips ? 1 : 0,
            Step = step ?? 0,
            SmallestArea = Fixed(_augmentation.SmallestArea),
            AreaRange = Fixed(_augmentation.LargestArea - _augmentation.SmallestArea),
            SmallestLogRatio = Fixed(Math.Log(_augmentation.SmallestRatio)),
            LogRatioRange = Fixed(Math.Log(_augmentation.LargestRatio) - Math.Log(_augmentation.SmallestRatio)),
            Seeds = _seeds,
            Crops = _crops,
        });

    private static MethodInfo DrawKernel(Type tiles) => typeof(CropDraw).GetMethod(nameof(CropDraw.Run))!.MakeGenericMethod(tiles);

    private static MethodInfo GatherKernel(Type tiles) =>
        typeof(AugmentedGather).GetMethod(nameof(AugmentedGather.Run))!.MakeGenericMethod(tiles);

    private static long Fixed(double value) => (long)Math.Round(value * (1L << CropDraw.FractionBits));
}
