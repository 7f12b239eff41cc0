using Fdfa.Cpu.Reference.Randomness;

namespace Fdfa.Tests.Reference;

public sealed class Philox4x32Tests
{
    /// <summary>The known answers that Random123 ships for philox4x32 with 10 rounds.</summary>
    [Theory]
    [InlineData(new uint[] { 0, 0, 0, 0 }, new uint[] { 0, 0 }, new uint[] { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 })]
    [InlineData(
        new uint[] { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff }, new uint[] { 0xffffffff, 0xffffffff },
        new uint[] { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd })]
    [InlineData(
        new uint[] { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, new uint[] { 0xa4093822, 0x299f31d0 },
        new uint[] { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 })]
    public void Known_answers_of_Random123(uint[] counter, uint[] key, uint[] expected)
    {
        var (x0, x1, x2, x3) = Philox4x32.Generate(counter[0], counter[1], counter[2], counter[3], key[0], key[1]);
        Assert.Equal(expected, new[] { x0, x1, x2, x3 });
    }

    [Fact]
    public void A_stream_places_element_row_purpose_block_and_step_in_the_counter()
    {
        var stream = new RandomStream(0xa4093822_299f31d0, RandomPurpose.FeedbackInitialisation, Block: 5, Step: 9);
        var (x0, x1, x2, x3) = Philox4x32.Generate(3, 11, 0x0002_0005, 9, 0x299f31d0, 0xa4093822);
        Assert.Equal((x0, x1, x2, x3), stream.WordsAround(13, row: 11));
        Assert.Equal(
            new[] { x0, x1, x2, x3 },
            Enumerable.Range(12, 4).Select(element => stream.WordAt(element, row: 11)));
    }
}
