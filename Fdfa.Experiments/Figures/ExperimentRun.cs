using Fdfa.Cpu.Reference.Description;
using Fdfa.Experiments.Data;
using Fdfa.Experiments.Output;
using Fdfa.Experiments.Reproduction;
using Fdfa.Experiments.Runs;

namespace Fdfa.Experiments.Figures;

/// <summary>What experiments are given: the request, the data, and where to tell how far they are.</summary>
/// <param name="request">The request.</param>
/// <param name="output">Where to write.</param>
/// <param name="cancellation">Ctrl-C.</param>
internal sealed class ExperimentRun(ExperimentRequest request, ConsoleOutput output, CancellationToken cancellation)
{
    private readonly Dictionary<string, object> _measured = [];

    /// <summary>What was asked for.</summary>
    public ExperimentRequest Request { get; } = request;

    /// <summary>Ctrl-C.</summary>
    public CancellationToken Cancellation { get; } = cancellation;

    /// <summary>Where to write.</summary>
    public ConsoleOutput Output { get; } = output;

    /// <summary>Says how far it is, unless that is not wanted.</summary>
    public void Tell(string sentence)
    {
        if (!Request.Quiet)
        {
            Output.Line(sentence);
        }
    }

    /// <summary>Measures once, whichever experiment asks first.</summary>
    /// <param name="what">What is measured.</param>
    /// <param name="measure">Measures it.</param>
    public T Once<T>(string what, Func<T> measure)
        where T : class
    {
        if (!_measured.TryGetValue(what, out object? known))
        {
            known = measure();
            _measured.Add(what, known);
        }

        return (T)known;
    }

    /// <summary>Loads MNIST, or the embedded images for a quick look.</summary>
    /// <param name="topology">A network that takes it.</param>
    /// <exception cref="FdfaException">It is not here, or here in part.</exception>
    public LoadedData LoadImages(string topology)
    {
        string name = Request.Quick ? EmbeddedFashionMnist.Name : IdxDataSet.Mnist.Name;
        if (!Request.Quick)
        {
            SampleCounts? here = DataSource.CountHere(name, Request.DataDirectory);
            if (here is null && !Request.Download)
            {
                throw new InvalidOptionException(
                    $"The data set {name} is not "
                    + $"{(Request.DataDirectory is { } folder ? $"in '{folder}' (--data-dir)" : "on this machine")}; "
                    + "add --download to fetch it, name its folder with --data-dir, or take the embedded images with --quick.");
            }

            if (here is { } part && part != DataSource.SamplesOf(name))
            {
                throw new InvalidOptionException(
                    $"{DataSource.PartOf(name, part)}; name the folder of all of it with --data-dir, "
                    + "or take the embedded images with --quick.");
            }
        }

        TrainingOptions options = Preset.Paper.OptionsFor(LearningRule.Backpropagation);
        var run = new RunRequest(
            Topology.Parse(topology), options, Preset.Paper.Name, Epochs: 1, [0], name, Request.DataDirectory, Limit: null);
        return DataSource.Load(run, Request.Quiet ? null : Output, Cancellation);
    }

    /// <summary>A table at the scale of this request, with the published code's settings.</summary>
    /// <param name="table">The table.</param>
    /// <param name="dataSets">Their names; null for those of the table that are here.</param>
    /// <param name="epochs">Epochs of every run.</param>
    public ReproductionRequest RequestOf(AccuracyTable table, IReadOnlyList<string>? dataSets, int epochs) => new(
        table,
        LearningRule.OfThePaper,
        dataSets,
        Preset.PublishedCode,
        epochs,
        Request.Quick ? 1 : AccuracyTable.PaperSeeds,
        Request.Quick,
        Request.Download,
        Request.Device,
        Request.Output,
        Request.DataDirectory,
        Request.Quiet)
    {
        Limit = Request.Limit,
    };

    /// <summary>Trains those of a table's runs that are not stored yet.</summary>
    /// <exception cref="OperationCanceledException">Interrupted; what the interruption left has been said.</exception>
    public ReproductionResult Train(ReproductionRequest request)
    {
        ReproductionResult result = TableReproduction.Run(request, Output, Cancellation);
        if (result.Interruption is { } interruption)
        {
            Output.Error(interruption);
            throw new OperationCanceledException(Cancellation);
        }

        return result;
    }
}
