using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Data;

/// <summary>A data file that is missing, damaged or not what its name promises.</summary>
internal sealed class DataFormatException(string message, Exception? cause = null) : FdfaException(message, cause);
