using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Gpu.Checkpoints;

/// <summary>A model file that cannot be written, or that does not hold the network it is read into.</summary>
public sealed class ModelFileException(string message, Exception? cause = null) : FdfaException(message, cause)
{
    /// <summary>The refusal of a file that is no model of any network.</summary>
    internal static ModelFileException Damaged(string path, string finding, Exception? cause = null) =>
        new($"The model file '{path}' is not usable: {finding}; save the model again or give another file.", cause);

    /// <summary>The refusal of a tensor that the network does not have like this.</summary>
    internal static ModelFileException Different(string path, string tensor, string finding) =>
        new($"The model file '{path}' does not fit the network: its tensor {QuotedText.Of(tensor)} {finding}; load it with the network it was saved with.");

    /// <summary>The refusal of states that do not belong together.</summary>
    internal static ModelFileException OfOtherSteps(string one, long step, string other, long otherStep) =>
        new($"The states '{one}' and '{other}' were saved after different steps, {step} and {otherStep}; give states of one moment.");
}
