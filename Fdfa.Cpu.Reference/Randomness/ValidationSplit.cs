using System.Globalization;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Randomness;

/// <summary>Training samples dealt out to training and validation, stratified by class.</summary>
/// <remarks>
/// It is the same for the same labels, whatever a run's seed or rule.
/// <code>
/// v samples of N are set aside, N_c of them in class c:
///   v_c = ⌊v·N_c / N⌋, and the rest of v goes to the classes with the largest remainders, the lower class first, a sample each;
///   no class gives its last sample, and what it cannot give the others give in the same order.
/// Of class c the v_c samples with the smallest words are set aside, the earlier of equal ones first:
///   the word of sample i is element i of row 0 of the stream with purpose ValidationSplit, seed 0, block 0, step 0.
/// </code>
/// So v_c is within one sample of v·N_c / N, unless other classes are too small to give theirs. Both parts keep the order of the samples.
/// </remarks>
public sealed class ValidationSplit
{
    private const ulong Seed = 0;
    private const int Classes = byte.MaxValue + 1;

    private ValidationSplit(int[] training, int[] validation) => (Training, Validation) = (training, validation);

    /// <summary>Indices of the samples to train on, ascending.</summary>
    public IReadOnlyList<int> Training { get; }

    /// <summary>Indices of the samples that are set aside, ascending.</summary>
    public IReadOnlyList<int> Validation { get; }

    /// <summary>Deals out samples.</summary>
    /// <param name="labels">The class of each training sample, [N].</param>
    /// <param name="part">How many to set aside.</param>
    /// <exception cref="InvalidOptionException">That is fewer than two, or leaves some class without a sample to train on.</exception>
    public static ValidationSplit Of(ReadOnlySpan<byte> labels, ValidationPart part)
    {
        ArgumentNullException.ThrowIfNull(part);
        var counts = new int[Classes];
        foreach (byte label in labels)
        {
            counts[label]++;
        }

        int asked = part.SamplesOf(labels.Length);
        int most = labels.Length - counts.Count(count => count > 0);
        if (asked < ValidationPart.FewestSamples || asked > most)
        {
            throw new InvalidOptionException(string.Create(
                CultureInfo.InvariantCulture,
                $"A validation part of {part} makes {asked} of {labels.Length} training samples, "
                + $"but it needs at least {ValidationPart.FewestSamples} and must leave a sample of each class: at most {most}."));
        }

        int[] quotas = Quotas(counts, asked, labels.Length);
        var isSetAside = new bool[labels.Length];
        for (var label = 0; label < Classes; label++)
        {
            foreach (int index in Smallest(labels, (byte)label, counts[label], quotas[label]))
            {
                isSetAside[index] = true;
            }
        }

        ILookup<bool, int> parts = Enumerable.Range(0, labels.Length).ToLookup(index => isSetAside[index]);
        return new([.. parts[false]], [.. parts[true]]);
    }

    /// <summary>v_c of every class.</summary>
    private static int[] Quotas(int[] counts, int asked, int samples)
    {
        int[] quotas = [.. counts.Select(count => (int)((long)asked * count / samples))];
        int[] byRemainder = [.. Enumerable.Range(0, Classes).OrderByDescending(label => (long)asked * counts[label] % samples)];
        for (int left = asked - quotas.Sum(); left > 0;)
        {
            foreach (int label in byRemainder.Where(label => quotas[label] < counts[label] - 1).Take(left).ToList())
            {
                quotas[label]++;
                left--;
            }
        }

        return quotas;
    }

    private static IEnumerable<int> Smallest(ReadOnlySpan<byte> labels, byte label, int count, int quota)
    {
        var stream = new RandomStream(Seed, RandomPurpose.ValidationSplit, Block: 0, Step: 0);
        var members = new List<(uint Word, int Index)>(count);
        for (var index = 0; quota > 0 && index < labels.Length; index++)
        {
            if (labels[index] == label)
            {
                members.Add((stream.WordAt(index, row: 0), index));
            }
        }

        return members.Order().Take(quota).Select(member => member.Index);
    }
}
