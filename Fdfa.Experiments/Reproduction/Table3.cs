using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;

namespace Fdfa.Experiments.Reproduction;

/// <summary>Table 3: the paper's seven rules on AlexNet.</summary>
/// <remarks>
/// Runs: AlexNet with batch normalization behind its convolutions, with each rule, ten seeds, 100 epochs (Appendix A). The preset
/// published-code enlarges CIFAR100 to 224 pixels and augments it, for the rules that the authors' code has; all else, and a
/// quick look, has images at their own 32 and 64 pixels.
/// Reports: test accuracy after the last epoch, mean ± standard deviation over the seeds.
/// Agrees: where our mean is within <see cref="AccuracyTable.Agreement"/> of the paper's standard deviations, and the rules
/// stand in the paper's order: BP, FDFA, DKP, DFA, then far below FG-A, LG-FG-A, FG-W.
/// </remarks>
internal static class Table3
{
    /// <summary>What it runs and what the paper reports.</summary>
    public static AccuracyTable Table { get; } = new(
        "table3",
        "Table 3: AlexNet",
        [new("CIFAR100", "cifar-100"), new("Tiny ImageNet", "tiny-imagenet", IsQuick: false)],
        [
            TableSection.Parse(
                "AlexNet",
                (dataSet, _) => dataSet == "cifar-100" ? "alexnet-100" : "alexnet-200",
                """
                BP       60.43 ± 0.35   40.55 ± 0.31
                FG-W      3.43 ± 0.43    0.70 ± 0.09
                FG-A     15.84 ± 0.32    3.52 ± 0.32
                LG-FG-A  15.27 ± 0.29    2.90 ± 0.14
                DFA      35.75 ± 0.58   17.47 ± 0.34
                DKP      49.15 ± 0.34   25.36 ± 0.82
                FDFA     57.27 ± 0.11   36.47 ± 0.40
                """),
        ])
    {
        // Twenty steps at batch 128, of some two seconds each on two cores; forward gradients would show nothing in so few.
        Quick = new(
            Epochs: 1,
            Seeds: 1,
            Limit: 20 * 128,
            [LearningRule.Backpropagation, LearningRule.DirectFeedbackAlignment, LearningRule.ForwardDirectFeedbackAlignment],
            // At 224 pixels a step takes three times the operations, and more than three times the time.
            Augments: false),
        Remarks = request => [DescribeImages(request), .. IsQuickLook(request) ? new[] { Expectation } : []],
    };

    private const string Expectation =
        "So few steps show that every part works, and what a step takes: accuracies stay near chance, which is 1 % of CIFAR100's classes.";

    private static bool IsQuickLook(ReproductionRequest request) =>
        request.Quick && (request.Epochs, request.Limit) == (request.Table.Quick.Epochs, request.Table.Quick.Limit);

    private static string DescribeImages(ReproductionRequest request)
    {
        const string Native = "images at their own 32 and 64 pixels, with a first convolution to match";
        LearningRule[] augmented = [.. request.Rules.Where(request.Preset.AugmentsFor)];
        if (augmented.Length == 0)
        {
            return $"AlexNet takes {Native}.";
        }

        if (!request.Augments)
        {
            return $"AlexNet takes {Native} ({Augmentation.Without}), where the authors' code enlarges CIFAR100 to 224 pixels, "
                + "mirrors and crops: do not expect agreement there.";
        }

        string others = augmented.Length == request.Rules.Count ? "" : $" with {string.Join(", ", augmented.AsEnumerable())}";
        return $"AlexNet takes CIFAR100 enlarged to 224 pixels, mirrored and cropped at random in training{others}, "
            + $"as the authors' code does; else it takes {Native}.";
    }
}
