using Fdfa.Cpu.Reference.Augmentation;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Kernels.Augmentation;

namespace Fdfa.Tests.Kernels;

/// <summary>Augmented batches against the reference: crops exactly, inputs to 10⁻⁵.</summary>
public sealed class AugmentedGatherTests(CpuAccelerators devices) : IClassFixture<CpuAccelerators>
{
    private const double Tolerance = 1e-5;

    private static readonly ImageAugmentation s_published = ImageAugmentation.PublishedCode;

    /// <summary>Tile program, channels, side of an image, side of an input, batch.</summary>
    public static TheoryData<string, int, int, int, int> Cases()
    {
        var cases = new TheoryData<string, int, int, int, int>();
        foreach (var tiles in CpuAccelerators.TilePrograms)
        {
            cases.Add(tiles, 1, 1, 1, 1);
            cases.Add(tiles, 1, 1, 5, 3);
            cases.Add(tiles, 3, 8, 8, 17);
            cases.Add(tiles, 2, 9, 33, 16);
            cases.Add(tiles, 5, 7, 10, 5);
            cases.Add(tiles, 3, 20, 27, 18);
            cases.Add(tiles, 1, 64, 70, 2);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Batches_agree(string tiles, int channels, int imageSide, int side, int batch)
    {
        var augmentation = s_published with { Side = side };
        using var images = new AugmentedBatch(devices.Open(tiles), augmentation, new ImageShape(channels, imageSide, imageSide), batch);

        images.Gather(step: 11);
        images.AssertAgreement((seed, sample) => RandomCrop.Draw(augmentation, images.Image, seed, 11, sample), Tolerance);

        images.Gather(step: null);
        images.AssertAgreement((_, _) => ImageCrop.Whole(images.Image), Tolerance);
    }

    [Theory]
    [InlineData("simd")]
    [InlineData("simt")]
    public void A_batch_for_a_padded_convolution_has_a_border_and_is_not_sample_major(string tiles)
    {
        using var images = new AugmentedBatch(
            devices.Open(tiles), s_published with { Side = 21 }, new ImageShape(3, 16, 16), 5, isForConvolution: true);
        images.Gather(step: 0);
        images.AssertAgreement((seed, sample) => RandomCrop.Draw(images.Augmentation, images.Image, seed, 0, sample), Tolerance);
    }

    public static TheoryData<ImageAugmentation, int> CropCases() => new()
    {
        { s_published, 32 },
        { s_published, 64 },
        { s_published, 1 },
        { s_published, 5 },
        { s_published with { Side = 1024 }, 256 },
        { s_published with { Flips = false }, 28 },

        // Most tries fail.
        { s_published with { SmallestArea = 0.9, SmallestRatio = 0.25, LargestRatio = 4 }, 32 },

        // Every width and height is 2.5, or as good as 0.
        { new ImageAugmentation(224, 0.25, 0.25, 1, 1), 5 },
        { new ImageAugmentation(224, 1e-9, 1e-9), 5 },
    };

    /// <summary>8,000 crops a case: the kernel's whole numbers may differ from the reference's for one in a million.</summary>
    [Theory]
    [MemberData(nameof(CropCases))]
    public void Crops_are_the_references(ImageAugmentation augmentation, int imageSide)
    {
        using var images = new AugmentedBatch(
            devices.Open("simd"), augmentation with { Side = Math.Max(augmentation.Side, imageSide) },
            new ImageShape(1, imageSide, imageSide), 1000);
        foreach (uint step in new[] { 0u, 1u, 390u, uint.MaxValue })
        {
            images.Draw(step);
            images.AssertCrops((seed, sample) => RandomCrop.Draw(augmentation, images.Image, seed, step, sample));
        }
    }

    [Fact]
    public void The_layout_of_crops_has_a_row_for_each_number() =>
        Assert.Equal(
            Enumerable.Range(0, CropDraw.Rows), [CropDraw.Top, CropDraw.Height, CropDraw.FirstColumn, CropDraw.Width, CropDraw.ColumnStep]);
}
