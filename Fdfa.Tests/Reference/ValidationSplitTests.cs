using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;

namespace Fdfa.Tests.Reference;

public sealed class ValidationSplitTests
{
    /// <summary>Golden values of the contract, computed by an independent program in another language.</summary>
    [Theory]
    [InlineData("4", false, 1, 6, 10, 19)]
    [InlineData("0.5", false, 1, 2, 3, 4, 6, 9, 10, 15, 17, 19)]
    [InlineData("4", true, 1, 6, 15, 19)]
    [InlineData("0.8", true, 0, 1, 2, 3, 4, 6, 8, 9, 10, 11, 12, 14, 15, 16, 17, 19)]
    public void Golden_values(string part, bool hasLonelyClass, params int[] expected)
    {
        byte[] labels = [.. Enumerable.Range(0, 20).Select(index => (byte)(hasLonelyClass && index == 7 ? 200 : index * index % 3))];

        Assert.Equal(expected, Split(labels, part).Validation);
    }

    [Theory]
    [InlineData("0.1", 103)]
    [InlineData("0.0245", 25)]
    [InlineData("777", 777)]
    [InlineData("2", 2)]
    [InlineData("1024", 1024)]
    public void Both_parts_are_all_samples_and_each_class_gives_its_share_to_within_a_sample(string part, int count)
    {
        // Three large classes and a small one, mixed.
        byte[] labels =
            [.. Enumerable.Range(0, 1029)
                .Select(index => (byte)(index * 7 % 1029 < 95 ? 3 : index % 12 < 4 ? 0 : index % 12 < 8 ? 1 : 255))];

        ValidationSplit split = Split(labels, part);

        Assert.Equal(count, split.Validation.Count);
        Assert.Equal(Enumerable.Range(0, labels.Length), split.Training.Concat(split.Validation).Order());
        Assert.Equal(split.Validation.Order(), split.Validation);
        Assert.Equal(split.Training.Order(), split.Training);
        Assert.All(labels.Distinct(), label =>
        {
            double share = (double)count * labels.Count(other => other == label) / labels.Length;
            Assert.InRange(split.Validation.Count(index => labels[index] == label), Math.Floor(share), Math.Ceiling(share));
            Assert.Contains(split.Training, index => labels[index] == label);
        });
        Assert.Equal(split.Validation, Split(labels, part).Validation);
    }

    [Theory]
    [InlineData(
        "0.05",
        "A validation part of 0.05 makes 1 of 20 training samples, but it needs at least 2 and must leave a sample of each class: "
        + "at most 18.")]
    [InlineData("19", "A validation part of 19 makes 19 of 20 training samples")]
    [InlineData("0.95", "A validation part of 0.95 makes 19 of 20")]
    public void What_leaves_too_little_is_refused(string part, string expected) => Refusal.Of<InvalidOptionException>(
        () => Split([.. Enumerable.Range(0, 20).Select(index => (byte)(index % 2))], part), expected);

    [Theory]
    [InlineData("0.1", true)]
    [InlineData("1e-3", true)]
    [InlineData("2", true)]
    [InlineData("1", false)]
    [InlineData("0", false)]
    [InlineData("0.0", false)]
    [InlineData("1.0", false)]
    [InlineData("-0.1", false)]
    [InlineData("1.5", false)]
    [InlineData("1e3", false)]
    [InlineData("NaN", false)]
    [InlineData("0,1", false)]
    [InlineData("10%", false)]
    [InlineData("", false)]
    public void A_part_is_a_share_or_a_count(string text, bool isOne)
    {
        Assert.Equal(isOne, ValidationPart.TryParse(text, out ValidationPart? part));
        Assert.True(!isOne || (ValidationPart.TryParse(part!.ToString(), out ValidationPart? again) && again == part));
    }

    [Fact]
    public void A_part_that_no_text_can_be_is_refused()
    {
        Refusal.Of<InvalidOptionException>(() => ValidationPart.OfShare(double.NaN), "a share of NaN; give a number above 0 and below 1");
        Refusal.Of<InvalidOptionException>(() => ValidationPart.OfCount(1), "has 1 sample(s); give a whole number of at least 2.");
    }

    private static ValidationSplit Split(byte[] labels, string part)
    {
        Assert.True(ValidationPart.TryParse(part, out ValidationPart? parsed));
        return ValidationSplit.Of(labels, parsed!);
    }
}
