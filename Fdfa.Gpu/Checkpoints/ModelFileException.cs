using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Gpu.Checkpoints;

/// <summary>A model file that cannot be written, or that does not hold the network it is read into.</summary>
public sealed class ModelFileException(string message, Exception? cause = null) : FdfaException(message, cause);
