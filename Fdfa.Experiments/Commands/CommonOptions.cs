using System.CommandLine;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Options;

namespace Fdfa.Experiments.Commands;

/// <summary>Options that several commands share, worded once.</summary>
internal static class CommonOptions
{
    /// <summary>The folder of a run.</summary>
    public static Argument<string> Run() => new("RUN")
    {
        Description = "The folder of a run, as 'fdfa train' named it at its end.",
        Arity = ArgumentArity.ExactlyOne,
    };

    /// <summary><c>--device</c>.</summary>
    public static Option<string> Device(string otherwise = "auto: CUDA, else an OpenCL GPU, else the CPU") => OptionText.Create(
        "--device", "device",
        "Where to compute: auto, cpu, cuda:N or opencl:N, as 'fdfa devices' lists them; "
        + $"cuda:N+tf32 for products of rounded numbers on tensor cores. [default: {otherwise}]");

    /// <summary><c>--device</c> of commands that can use several.</summary>
    public static Option<string> Devices() => OptionText.Create(
        "--device", "device",
        "Where to compute: auto, cpu, cuda:N or opencl:N, as 'fdfa devices' lists them; cuda:N+tf32 for products of rounded numbers on "
        + "tensor cores. Several with commas between, as in cuda:0,cuda:1, share the seeds out among them; "
        + "all is every device of the kind that auto takes. [default: auto: CUDA, else an OpenCL GPU, else the CPU]");

    /// <summary><c>--network</c>.</summary>
    /// <param name="otherwise">The default.</param>
    /// <param name="images">What the input of convolutions is.</param>
    public static Option<string> Network(string otherwise, string images) => OptionText.Create(
        "--network", "topology",
        $"Layer sizes from input to output, as in 784-800-10; or filters and pools on {images}, then layer sizes, "
        + $"as in 15C5-P2-40C5-P2-128-10; or AlexNet by its number of outputs, as in alexnet-10. [default: {otherwise}]");

    /// <summary><c>--activation</c>.</summary>
    public static Option<string> Activation() => OptionText.Create(
        "--activation", "name",
        $"Activation of the hidden blocks: {OptionWords.Activations.Listed}. relu-open is ReLU with derivative 1 at 0: "
        + "what the paper preset gives DFA, whose weights start at zero. [default: relu, but relu-open for DFA in paper]");

    /// <summary><c>--output</c>.</summary>
    public static Option<string> Output(string otherwise) => OptionText.Create(
        "--output", "folder", $"Folder for everything the run writes; new or empty. [default: {otherwise}]");

    /// <summary><c>--best</c>.</summary>
    public static Option<bool> Best() => OptionText.CreateSwitch(
        "--best", "Take the model of the seed's best validation epoch, which --keep best kept, instead of the last.");

    /// <summary><c>--force</c>.</summary>
    public static Option<bool> Force() => OptionText.CreateSwitch("--force", "Replace files that are there already.");

    /// <summary><c>--data-dir</c>.</summary>
    public static Option<string> DataDirectory() => OptionText.Create(
        "--data-dir", "folder",
        "Folder that holds the files of --data, or a folder of that name which does. [default: the environment variable FDFA_DATA, "
        + "this user's cache folder or /usr/share/datasets, else a download to the cache folder]");

    /// <summary>The rules' names, for help texts.</summary>
    public static string RuleNames { get; } = string.Join(", ", LearningRule.All.Select(rule => rule.Name));
}
