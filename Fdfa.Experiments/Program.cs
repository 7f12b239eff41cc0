using Fdfa.Experiments;
using Fdfa.Experiments.Output;

using var interruption = new Interruption();
return interruption.ExitCodeOf(FdfaCommandLine.Run(args, ProcessConsole.Create(), Console.Error, interruption.Token));
