using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Runs;

/// <summary>A run folder that cannot be written, or is not one.</summary>
internal sealed class RunFolderException(string message, Exception? cause = null) : FdfaException(message, cause);
