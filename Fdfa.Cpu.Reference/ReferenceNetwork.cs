using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Losses;
using Fdfa.Cpu.Reference.Optimizers;
using Fdfa.Cpu.Reference.Randomness;
using Fdfa.Cpu.Reference.Rules;

namespace Fdfa.Cpu.Reference;

/// <summary>A network that trains in double precision, step by step as the paper has it: what devices are compared with.</summary>
/// <remarks>
/// One step, for every rule (the rule decides what each line computes):
/// <code>
/// forward pass, tangents, loss and e
/// gradients of feedback; with FeedbackFirst direct feedback is updated here     (Algorithm 1, line 22)
/// gradients of weights, biases, γ and β; their update                           (lines 20 and 23)
/// otherwise the feedback is updated here
/// running statistics of batch normalization move towards the batch's
/// </code>
/// </remarks>
public sealed class ReferenceNetwork
{
    private readonly NetworkDescription _network;
    private readonly TrainingOptions _options;
    private readonly ulong _seed;
    private readonly IRule _rule;
    private readonly ILoss _loss;
    private readonly IReadOnlyList<BlockOptimizers> _optimizers;

    /// <summary>Takes a copy of the parameters, and fresh optimizers.</summary>
    /// <param name="network">The network.</param>
    /// <param name="options">Rule, rates, optimizers, loss. <see cref="TrainingOptions.BatchSize"/> is not consulted.</param>
    /// <param name="initial">Where training starts, as from <see cref="Initialiser.Create"/>.</param>
    /// <param name="seed">Decides the perturbations.</param>
    /// <exception cref="InvalidOptionException">An option is out of its range, or the rule is unknown.</exception>
    /// <exception cref="ShapeMismatchException">The parameters do not fit the network and the rule.</exception>
    public ReferenceNetwork(NetworkDescription network, TrainingOptions options, NetworkParameters initial, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(initial);
        options.Validate();
        initial.RequireFit(network, options.Rule, options.PerturbationSite);

        _network = network;
        _options = options;
        _seed = seed;
        _rule = RuleCatalogue.Find(options.Rule);
        _loss = LossCatalogue.Find(options.Loss);
        Parameters = new NetworkParameters([.. initial.Blocks.Select(block => new BlockParameters(
            [.. block.Weights], [.. block.Biases], [.. block.Feedback])
        {
            Head = block.Head is { } head ? new LocalHead([.. head.Weights], [.. head.Biases]) : null,
            Normalization = block.Normalization is { } numbers
                ? new Normalization([.. numbers.Scale], [.. numbers.Shift], [.. numbers.RunningMean], [.. numbers.RunningVariance])
                : null,
        })]);
        _optimizers = [.. Parameters.Blocks.Select(block => new BlockOptimizers(
            Optimizer.Of(options.WeightOptimizer).Create(block.Weights.Length, options),
            Optimizer.Of(options.WeightOptimizer).Create(block.Biases.Length, options),
            Optimizer.Of(options.FeedbackOptimizer).Create(block.Feedback.Length, options),
            Optimizer.Of(options.WeightOptimizer).Create(block.Head?.Weights.Length ?? 0, options),
            Optimizer.Of(options.WeightOptimizer).Create(block.Head?.Biases.Length ?? 0, options),
            Optimizer.Of(options.WeightOptimizer).Create(block.Normalization?.Scale.Length ?? 0, options),
            Optimizer.Of(options.WeightOptimizer).Create(block.Normalization?.Shift.Length ?? 0, options)))];
    }

    /// <summary>The current parameters themselves, not a copy: every step changes them.</summary>
    public NetworkParameters Parameters { get; }

    /// <summary>Steps done so far: the number of the next step, counted from 0.</summary>
    public uint StepCount { get; private set; }

    /// <summary>Trains one step.</summary>
    /// <param name="inputs">y⁽⁰⁾, [N × n₀] row-major.</param>
    /// <param name="labels">[N], each 0 … n_L − 1; N ≥ 1 is taken from here.</param>
    /// <param name="epoch">Decides both rates, counted from 0.</param>
    /// <exception cref="ShapeMismatchException">The sizes do not fit, or a label is out of range.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The epoch is negative.</exception>
    public StepResult Step(double[] inputs, int[] labels, int epoch)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);

        ForwardPass forward = NetworkForward.Run(_network, Parameters, inputs, labels.Length);
        var outputError = new double[forward.Outputs.Length];
        double loss = _loss.Evaluate(forward.Outputs, labels, outputError);
        var noise = new PerturbationNoise(_seed, StepCount, _options.Noise, _options.Antithetic);
        var step = new TrainingStep(Parameters, _options, _loss, forward, labels, outputError, noise);
        IReadOnlyList<TangentPass> tangents = _rule.InjectTangents(step);

        IReadOnlyList<double[]?> feedbackGradients = _rule.FeedbackGradients(step, tangents);
        if (_options.UpdatesFeedbackFirst)
        {
            UpdateFeedback(feedbackGradients, epoch);
        }

        // All gradients exist before the first weight moves: backpropagation reads the next block's weights.
        IReadOnlyList<BlockGradient> gradients = _rule.Gradients(step, tangents);
        UpdateWeights(gradients, epoch);
        if (!_options.UpdatesFeedbackFirst)
        {
            UpdateFeedback(feedbackGradients, epoch);
        }

        IReadOnlyList<BlockTrace> traces = [.. Enumerable.Range(0, _network.Blocks.Count).Select(index => new BlockTrace
        {
            Pass = forward.Blocks[index],
            Tangents = [.. tangents.Select(pass => pass.Tangents[index])],
            Perturbations = [.. tangents.Select(pass => pass.Perturbations[index]).OfType<double[]>()],
            Gradient = gradients[index],
            FeedbackGradient = feedbackGradients[index],
        })];
        UpdateRunningStatistics(forward);
        StepCount++;
        return new StepResult(loss, LabelledOutputs.CountCorrect(forward.Outputs, labels), outputError, traces);
    }

    /// <summary>Evaluates with the current parameters and running statistics; nothing changes.</summary>
    /// <param name="inputs">y⁽⁰⁾, [N × n₀] row-major.</param>
    /// <param name="labels">[N], each 0 … n_L − 1; N ≥ 1 is taken from here.</param>
    /// <exception cref="ShapeMismatchException">The sizes do not fit, or a label is out of range.</exception>
    public EvaluationResult Evaluate(double[] inputs, int[] labels)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(labels);
        ForwardPass forward = NetworkForward.Run(_network, Parameters, inputs, labels.Length, NormalizationStatistics.Running);
        double loss = _loss.Evaluate(forward.Outputs, labels, new double[forward.Outputs.Length]);
        return new EvaluationResult(loss, LabelledOutputs.CountCorrect(forward.Outputs, labels));
    }

    private void UpdateWeights(IReadOnlyList<BlockGradient> gradients, int epoch)
    {
        double rate = _options.LearningRateAt(epoch);
        for (var i = 0; i < gradients.Count; i++)
        {
            _optimizers[i].Weights.Update(Parameters.Blocks[i].Weights, gradients[i].Weights, rate);
            _optimizers[i].Biases.Update(Parameters.Blocks[i].Biases, gradients[i].Biases, rate);
            if (gradients[i].Head is { } gradient && Parameters.Blocks[i].Head is { } head)
            {
                _optimizers[i].HeadWeights.Update(head.Weights, gradient.Weights, rate);
                _optimizers[i].HeadBiases.Update(head.Biases, gradient.Biases, rate);
            }

            if (gradients[i] is { Scale: { } scale, Shift: { } shift } && Parameters.Blocks[i].Normalization is { } numbers)
            {
                _optimizers[i].Scale.Update(numbers.Scale, scale, rate);
                _optimizers[i].Shift.Update(numbers.Shift, shift, rate);
            }
        }
    }

    private void UpdateFeedback(IReadOnlyList<double[]?> gradients, int epoch)
    {
        double rate = _options.FeedbackRateAt(epoch);
        for (var i = 0; i < gradients.Count; i++)
        {
            if (gradients[i] is { } gradient)
            {
                _optimizers[i].Feedback.Update(Parameters.Blocks[i].Feedback, gradient, rate);
            }
        }
    }

    private void UpdateRunningStatistics(ForwardPass forward)
    {
        foreach (var (pass, numbers) in forward.Blocks.Zip(Parameters.Blocks))
        {
            if (pass.Normalized is not null)
            {
                BatchNormalization.UpdateRunningStatistics(pass.Block, numbers.Normalization!, pass.Normalized);
            }
        }
    }

    private sealed record BlockOptimizers(
        IOptimizer Weights,
        IOptimizer Biases,
        IOptimizer Feedback,
        IOptimizer HeadWeights,
        IOptimizer HeadBiases,
        IOptimizer Scale,
        IOptimizer Shift);
}
