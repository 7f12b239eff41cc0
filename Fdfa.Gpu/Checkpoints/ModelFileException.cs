using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Gpu.Checkpoints;

/// <summary>A model file that cannot be written, or that does not hold the network it is read into.</summary>
public sealed class ModelFileException(string message, Exception? cause = null) : FdfaException(message, cause)
{
    /// <summary>The refusal of a file that is no model of any network.</summary>
    internal static ModelFileException Damaged(string path, string finding, Exception? cause = null) =>
        new($"The model file '{path}' is not usable: {finding}; save the model again or give another file.", cause);

    /// <summary>The refusal of a file of another format.</summary>
    internal static ModelFileException OfOtherFormat(string path, string format) =>
        new($"The model file '{path}' is {format}, where a safetensors file is expected; "
            + "write that in Python with safetensors.torch.save_file(model.state_dict(), 'weights.safetensors').");

    /// <summary>The refusal of a number with which nothing can be computed.</summary>
    internal static ModelFileException Unusable(string path, FileTensor tensor, long element, string finding) =>
        new($"The model file '{path}' is not usable: its tensor {QuotedText.Of(tensor.Name)} has {finding} at index "
            + $"{tensor.IndexInWords(element)}; give a file of finite weights, saved before its training diverged.");

    /// <summary>The refusal of a tensor that the network does not have like this.</summary>
    internal static ModelFileException Different(string path, string tensor, string finding) =>
        new($"The model file '{path}' does not fit the network: its tensor {QuotedText.Of(tensor)} {finding}; "
            + "load it with the network it was saved with.");

    /// <summary>The refusal of states that do not belong together.</summary>
    internal static ModelFileException OfOtherSteps(string one, long step, string other, long otherStep) =>
        new($"The states '{one}' and '{other}' were saved after different steps, {step} and {otherStep}; give states of one moment.");
}
