using Fdfa.Cpu.Reference.Augmentation;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Tests.Reference;

public sealed class AugmentationTests
{
    private const ulong Seed = 0x123456789ABCDEF0;

    private static readonly ImageShape s_cifar = new(3, 32, 32);

    /// <summary>Golden values of the contract, computed by an independent program in another language.</summary>
    [Theory]
    [InlineData(32, 0UL, 0U, 0, 10, 0, 21, 27, true)]
    [InlineData(32, 0UL, 0U, 1, 2, 2, 23, 22, false)]
    [InlineData(32, 0UL, 0U, 2, 0, 4, 22, 20, true)]
    [InlineData(32, Seed, 7U, 63, 3, 0, 29, 32, false)]
    [InlineData(64, Seed, uint.MaxValue, 127, 2, 6, 53, 56, false)]
    [InlineData(32, ulong.MaxValue, 390U, 5, 4, 11, 26, 21, false)]
    public void Golden_values(
        int side, ulong seed, uint step, int sample, int top, int left, int height, int width, bool isFlipped) =>
        Assert.Equal(
            new ImageCrop(top, left, height, width, isFlipped),
            RandomCrop.Draw(ImageAugmentation.PublishedCode, new ImageShape(3, side, side), seed, step, sample));

    /// <summary>
    /// Nearly the whole area at a ratio far from 1 sticks out: of 300 samples all ten tries of 168 do, and 7 find the whole image; by the
    /// same independent program.
    /// </summary>
    [Fact]
    public void Where_every_try_fails_the_whole_image_is_taken()
    {
        var augmentation = new ImageAugmentation(224, SmallestArea: 0.9, SmallestRatio: 0.25, LargestRatio: 4);
        ImageCrop[] crops = [.. Enumerable.Range(0, 300).Select(sample => RandomCrop.Draw(augmentation, s_cifar, 5, 0, sample))];
        Assert.Equal(168 + 7, crops.Count(crop => crop with { IsFlipped = false } == ImageCrop.Whole(s_cifar)));
        Assert.All(new[] { 3, 6, 9, 10, 12, 14 }, sample => Assert.Equal(ImageCrop.Whole(s_cifar), crops[sample]));

        // These are the fifth, the seventh and the sixth try.
        Assert.Equal(new ImageCrop(1, 0, 29, 32, IsFlipped: true), crops[0]);
        Assert.Equal(new ImageCrop(1, 1, 30, 31, IsFlipped: false), crops[2]);
        Assert.Equal(new ImageCrop(0, 1, 32, 31, IsFlipped: true), crops[5]);
    }

    [Fact]
    public void Crops_lie_within_the_image_and_near_the_ranges()
    {
        foreach (ImageCrop crop in Crops(20_000))
        {
            Assert.InRange(crop.Top, 0, 32 - crop.Height);
            Assert.InRange(crop.Left, 0, 32 - crop.Width);

            // Half a pixel more or less in both directions.
            Assert.True((crop.Height + 0.5) * (crop.Width + 0.5) >= 0.08 * 1024);
            Assert.InRange((double)crop.Width / crop.Height, 0.75 * (1 - (1.0 / crop.Width)), 4.0 / 3 * (1 + (1.0 / crop.Height)));
        }
    }

    /// <summary>3.29 standard errors: 99.9 %.</summary>
    [Fact]
    public void Flips_and_corners_are_as_likely_as_they_should_be()
    {
        ImageCrop[] crops = Crops(20_000);
        Sample.AssertMean(0.5, [.. crops.Select(crop => crop.IsFlipped ? 1.0 : 0)], 3.29);
        Sample.AssertMean(0, [.. crops.Select(crop => crop.Top - ((32.0 - crop.Height) / 2))], 3.29);
        Sample.AssertMean(0, [.. crops.Select(crop => crop.Left - ((32.0 - crop.Width) / 2))], 3.29);
        Assert.All(crops.Where(crop => crop.Width == 31).GroupBy(crop => crop.Left), corner => Assert.InRange(corner.Key, 0, 1));

        // A crop and its flip, and its height and width, have nothing to do with each other.
        Sample.AssertMean(0, [.. crops.Select(crop => (crop.IsFlipped ? 1.0 : -1.0) * (crop.Width - 16))], 3.29);
        Sample.AssertMean(0, [.. crops.Select(crop => (double)(crop.Width - crop.Height))], 3.29);
    }

    /// <summary>
    /// Areas up to a half are never refused, and so uniform: mean 0.3 of 0.1 … 0.5; rounding moves none of them to one side.
    /// </summary>
    [Fact]
    public void Areas_are_uniform()
    {
        var augmentation = new ImageAugmentation(256, SmallestArea: 0.1, LargestArea: 0.5);
        var image = new ImageShape(1, 256, 256);
        double[] areas = [.. Enumerable.Range(0, 20_000)
            .Select(sample => RandomCrop.Draw(augmentation, image, Seed, 0, sample))
            .Select(crop => crop.Height * crop.Width / 65536.0)];
        Sample.AssertMean(0.3, areas, 3.29);
        Assert.Equal(0.4 * 0.4 / 12, Sample.Variance(areas), 3e-4);
    }

    [Fact]
    public void Seeds_steps_and_samples_have_crops_of_their_own_that_come_again()
    {
        ImageCrop[] first = Crops(100);
        Assert.Equal(first, Crops(100));
        Assert.NotEqual(first, Crops(100, step: 4));
        Assert.NotEqual(first, Crops(100, seed: Seed + 1));
        Assert.True(first.Distinct().Count() > 90);
        Assert.All(Crops(100, augmentation: new ImageAugmentation(224, Flips: false)).Zip(first), both =>
            Assert.Equal(both.First, both.Second with { IsFlipped = false }));
    }

    [Fact]
    public void The_whole_image_at_its_own_size_is_the_image()
    {
        var shape = new ImageShape(2, 3, 3);
        byte[] image = [0, 51, 102, 153, 204, 255, 1, 2, 3, 10, 20, 30, 40, 50, 60, 70, 80, 90];
        Assert.Equal([.. image.Select(value => (value * 2.0 / 255) - 1)], BilinearResampling.Run(image, shape, ImageCrop.Whole(shape), 3));
        Assert.Equal(
            [-1, -0.6, -0.2, 0.2, 0.6, 1],
            BilinearResampling.Run(image, shape, ImageCrop.Whole(shape), 3)[..6].Select(value => Math.Round(value, 12)));
    }

    /// <summary>Of two pixels four: the outer ones stay, the inner ones lie a quarter of the way to the neighbour.</summary>
    [Fact]
    public void Twice_as_large()
    {
        var shape = new ImageShape(1, 2, 2);
        double[] bytes =
            [.. BilinearResampling.Run([0, 100, 200, 240], shape, ImageCrop.Whole(shape), 4).Select(value => (value + 1) * 255 / 2)];
        VectorAssert.Close([0, 25, 75, 100, 50, 71.25, 113.75, 135, 150, 163.75, 191.25, 205, 200, 210, 230, 240], bytes, 1e-14);
    }

    [Fact]
    public void A_flip_mirrors_before_it_crops()
    {
        var shape = new ImageShape(1, 3, 3);
        byte[] image = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        double[] Bytes(ImageCrop crop) =>
            [.. BilinearResampling.Run(image, shape, crop, 2).Select(value => Math.Round((value + 1) * 255 / 2, 9))];

        Assert.Equal([4, 5, 7, 8], Bytes(new ImageCrop(1, 0, 2, 2, IsFlipped: false)));
        Assert.Equal([6, 5, 9, 8], Bytes(new ImageCrop(1, 0, 2, 2, IsFlipped: true)));
        Assert.Equal([5, 4, 8, 7], Bytes(new ImageCrop(1, 1, 2, 2, IsFlipped: true)));
    }

    [Fact]
    public void Nothing_outside_the_crop_is_read()
    {
        var shape = new ImageShape(1, 6, 6);
        var crop = new ImageCrop(1, 2, 3, 2, IsFlipped: false);
        byte[] image = [.. Enumerable.Range(0, 36).Select(i => i / 6 is >= 1 and < 4 && i % 6 is >= 2 and < 4 ? (byte)0 : (byte)255)];
        Assert.All(BilinearResampling.Run(image, shape, crop, 11), value => Assert.Equal(-1, value));
    }

    /// <summary>
    /// The Pillow library's definition, which is what torchvision calls for images: a triangle around each place, its weights divided by
    /// their sum.
    /// </summary>
    [Theory]
    [InlineData(1, 4)]
    [InlineData(5, 5)]
    [InlineData(5, 12)]
    [InlineData(13, 29)]
    [InlineData(32, 224)]
    public void Enlarging_is_a_normalised_triangle(int length, int side)
    {
        var shape = new ImageShape(1, length, length);
        byte[] image = [.. Enumerable.Range(0, length * length).Select(i => (byte)((37 * i * i) + (11 * i)))];
        double Weight(int index, int pixel) => Math.Max(0, 1 - Math.Abs(pixel + 0.5 - ((index + 0.5) * length / side)));
        double[] weights = [.. from index in Enumerable.Range(0, side)
                               let sum = Enumerable.Range(0, length).Sum(pixel => Weight(index, pixel))
                               from pixel in Enumerable.Range(0, length)
                               select Weight(index, pixel) / sum];
        double[] Across(int row, int column) =>
            [.. Enumerable.Range(0, length).Select(pixel => weights[(column * length) + pixel] * image[(row * length) + pixel])];
        double[][] rows =
            [.. Enumerable.Range(0, length).Select(row => Enumerable.Range(0, side).Select(column => Across(row, column).Sum()).ToArray())];
        double[] expected = [.. from i in Enumerable.Range(0, side)
                                from j in Enumerable.Range(0, side)
                                select (Enumerable.Range(0, length).Sum(row => weights[(i * length) + row] * rows[row][j]) * 2 / 255) - 1];

        VectorAssert.Close(expected, BilinearResampling.Run(image, shape, ImageCrop.Whole(shape), side), 1e-13);
    }

    [Fact]
    public void The_published_code_makes_inputs_of_AlexNets_size() =>
        Assert.Equal(new ImageShape(3, 224, 224), ImageAugmentation.PublishedCode.InputOf(s_cifar));

    [Fact]
    public void What_cannot_be_augmented_is_refused()
    {
        Refused<ShapeMismatchException>(new(224), new ImageShape(3, 32, 31), "3x32x31", "square");
        Refused<ShapeMismatchException>(new(31), s_cifar, "31", "at least 32");
        Refused<ShapeMismatchException>(new(400), new ImageShape(3, 300, 300), "at most 256");
        Refused<InvalidOptionException>(new(0), s_cifar, "is 0", "1 to 1024");
        Refused<InvalidOptionException>(new(1025), s_cifar, "1025");
        Refused<InvalidOptionException>(new(224, SmallestArea: 0), s_cifar, "area of 0");
        Refused<InvalidOptionException>(new(224, SmallestArea: 0.5, LargestArea: 0.4), s_cifar, "0.5", "0.4");
        Refused<InvalidOptionException>(new(224, LargestArea: 1.5), s_cifar, "1.5", "at most 1");
        Refused<InvalidOptionException>(new(224, SmallestArea: double.NaN), s_cifar, "NaN");
        Refused<InvalidOptionException>(new(224, SmallestRatio: 0.2), s_cifar, "0.2", "1/4");
        Refused<InvalidOptionException>(new(224, SmallestRatio: 1.1), s_cifar, "1.1");
        Refused<InvalidOptionException>(new(224, LargestRatio: 5), s_cifar, "5", "to 4");
    }

    private static ImageCrop[] Crops(int samples, uint step = 3, ulong seed = Seed, ImageAugmentation? augmentation = null) =>
        [.. Enumerable.Range(0, samples)
            .Select(sample => RandomCrop.Draw(augmentation ?? ImageAugmentation.PublishedCode, s_cifar, seed, step, sample))];

    private static void Refused<TException>(ImageAugmentation augmentation, ImageShape image, params string[] words)
        where TException : FdfaException => Refusal.Of<TException>(() => augmentation.InputOf(image), words);
}
