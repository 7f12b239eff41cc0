using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Losses;
using Fdfa.Cpu.Reference.Optimizers;
using Fdfa.Cpu.Reference.Randomness;
using Fdfa.Cpu.Reference.Rules;

namespace Fdfa.Cpu.Reference.Probes;

/// <summary>A rule's gradient estimates g(W⁽ˡ⁾) at fixed parameters, draw after draw, and the true gradient beside them.</summary>
/// <remarks>
/// An estimate is what <see cref="ReferenceNetwork.Step"/> would give its optimizers; here nothing learns.
/// <para>
/// Rules with learned direct feedback (FDFA, DKP): with <see cref="FeedbackOrder.Simultaneous"/> they see B as it stands, and the
/// estimate does not depend on the draw. With <see cref="FeedbackOrder.FeedbackFirst"/> and <see cref="OptimizerKind.Sgd"/> they see
/// B ← (1 − α)B + α d⁽ᴸ⁾ ⊗ u⁽ˡ⁾ (Eq. 8; α is <see cref="TrainingOptions.FeedbackRate"/>), each draw from the same B: the estimator of
/// Proposition 2. Adam's moments are not part of the parameters, so that what FeedbackFirst would make of them is refused.
/// </para>
/// </remarks>
public sealed class GradientEstimator
{
    private static readonly Backpropagation s_backpropagation = new();

    private readonly NetworkDescription _network;
    private readonly TrainingOptions _options;
    private readonly NetworkParameters _parameters;
    private readonly ulong _seed;
    private readonly IRule _rule;
    private readonly ILoss _loss;

    /// <summary>Keeps the parameters themselves, not a copy: every estimate is at what they are then, and none changes them.</summary>
    /// <param name="network">The network.</param>
    /// <param name="options">Rule, loss, noise, feedback order and rate. The learning rate and the batch size are not consulted.</param>
    /// <param name="parameters">Weights, biases, feedback and heads, as from <see cref="ReferenceNetwork.Parameters"/>.</param>
    /// <param name="seed">Decides the perturbations.</param>
    /// <exception cref="InvalidOptionException">
    /// An option is out of its range, the rule is unknown, or feedback would be updated first with another optimizer than SGD.
    /// </exception>
    /// <exception cref="ShapeMismatchException">The parameters do not fit the network and the rule.</exception>
    public GradientEstimator(NetworkDescription network, TrainingOptions options, NetworkParameters parameters, ulong seed)
        : this(network, options, parameters, seed, rule: null)
    {
    }

    /// <summary>The same with a rule of the caller's in the place of the one that the options name.</summary>
    internal GradientEstimator(NetworkDescription network, TrainingOptions options, NetworkParameters parameters, ulong seed, IRule? rule)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(parameters);
        options.Validate();
        parameters.RequireFit(network, options.Rule, options.PerturbationSite);
        if (UpdatesFeedback(options) && options.FeedbackOptimizer != OptimizerKind.Sgd)
        {
            throw new InvalidOptionException(
                $"A probe does not know what {options.FeedbackOptimizer} remembers of earlier steps; give the feedback order "
                + $"{FeedbackOrder.Simultaneous} to probe the feedback as it stands, or the feedback optimizer {OptimizerKind.Sgd}.");
        }

        _network = network;
        _options = options;
        _parameters = parameters;
        _seed = seed;
        _rule = rule ?? RuleCatalogue.Find(options.Rule);
        _loss = LossCatalogue.Find(options.Loss);
    }

    /// <summary>Whether estimates of one batch differ from draw to draw: forward gradients, and FDFA that updates feedback first.</summary>
    public bool IsRandom =>
        _options.Rule.ErrorSignal is ErrorSignal.ForwardGradient or ErrorSignal.LocalForwardGradient
        || (_options.Rule.HasTangents && UpdatesFeedback(_options));

    /// <summary>The number of weights of each block at index l − 1: over how many weights a probe sums.</summary>
    internal IReadOnlyList<int> WeightCounts => [.. _network.Blocks.Select(block => block.Channels * block.FanIn)];

    /// <summary>One estimate.</summary>
    /// <param name="batch">Any size from 1.</param>
    /// <param name="draw">The number of the perturbations; equal numbers give equal estimates.</param>
    /// <returns>At index l − 1.</returns>
    /// <exception cref="ShapeMismatchException">The sizes do not fit, or a label is out of range.</exception>
    public IReadOnlyList<BlockGradient> Estimate(LabelledBatch batch, uint draw = 0)
    {
        TrainingStep step = Begin(batch, draw);

        // Also where only feedback should learn from them: that an estimate does not depend on them is for a probe to find.
        IReadOnlyList<TangentPass> tangents = _rule.InjectTangents(step);
        if (!UpdatesFeedback(_options))
        {
            return _rule.Gradients(step, tangents);
        }

        IReadOnlyList<double[]?> feedbackGradients = _rule.FeedbackGradients(step, tangents);
        var averaged = new NetworkParameters([.. _parameters.Blocks.Zip(feedbackGradients, (block, gradient) =>
        {
            double[] feedback = [.. block.Feedback];
            if (gradient is not null)
            {
                new Sgd().Update(feedback, gradient, _options.FeedbackRate);
            }

            return block with { Feedback = feedback };
        })]);
        return _rule.Gradients(step with { Parameters = averaged }, tangents);
    }

    /// <summary>∂L/∂W⁽ˡ⁾ and ∂L/∂b⁽ˡ⁾ of the network's loss, exactly, by backpropagation.</summary>
    /// <param name="batch">Any size from 1.</param>
    /// <returns>At index l − 1.</returns>
    /// <exception cref="ShapeMismatchException">The sizes do not fit, or a label is out of range.</exception>
    public IReadOnlyList<BlockGradient> TrueGradient(LabelledBatch batch) => s_backpropagation.Gradients(Begin(batch, draw: 0), []);

    private TrainingStep Begin(LabelledBatch batch, uint draw)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ForwardPass forward = NetworkForward.Run(_network, _parameters, batch.Inputs, batch.Size);
        var outputError = new double[forward.Outputs.Length];
        _loss.Evaluate(forward.Outputs, batch.Labels, outputError);
        var noise = new PerturbationNoise(_seed, draw, _options.Noise, _options.Antithetic);
        return new TrainingStep(_parameters, _options, _loss, forward, batch.Labels, outputError, noise);
    }

    private static bool UpdatesFeedback(TrainingOptions options) => options.Rule.LearnsFeedback && options.UpdatesFeedbackFirst;
}
