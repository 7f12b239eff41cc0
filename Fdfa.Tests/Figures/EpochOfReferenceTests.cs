using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Probes;
using Fdfa.Cpu.Reference.Randomness;
using Fdfa.Experiments.Data;
using Fdfa.Experiments.Figures;
using Fdfa.Tests.Training;

namespace Fdfa.Tests.Figures;

public sealed class EpochOfReferenceTests
{
    private const int Count = 40;
    private const ulong Seed = 5;

    private static readonly NetworkDescription s_network = Topology.Parse("6-8-3");

    private static EpochOfReference Epoch => new(s_network, Samples, Seed, CancellationToken.None);

    private static ReferenceSamples Samples
    {
        get
        {
            var (pixels, labels) = SomeSamples.Of(Count, 6, 3, seed: 2);
            return new ReferenceSamples(new ImageDataSet("made up", pixels, labels, 3, 2, 1, ["a", "b", "c"]));
        }
    }

    [Fact]
    public void Bytes_are_inputs_from_minus_one_to_one()
    {
        var samples = new ReferenceSamples(new ImageDataSet("made up", new byte[] { 0, 255, 51, 204 }, [1, 0], 2, 1, 1, ["a", "b"]));

        LabelledBatch batch = samples.Batch([1, 0]);

        Assert.Equal([-0.6, 0.6, -1, 1], batch.Inputs.Select(input => Math.Round(input, 12)));
        Assert.Equal([0, 1], batch.Labels);
        Assert.Equal([-1, 1, -1, 1, -1, 1], samples.Single(0, copies: 3).Inputs);
    }

    /// <summary>The loop of Figure 6 without noise is the reference's own step; with noise its variance is what was put in.</summary>
    [Fact]
    public void Without_noise_it_is_backpropagation()
    {
        TrainingOptions options = Options(LearningRule.Backpropagation);
        var network = new ReferenceNetwork(s_network, options, Initialiser.Create(s_network, options, Seed), Seed);
        ReferenceSamples samples = Samples;
        foreach (int[] indices in EpochOrder.Create(Count, Seed, epoch: 0).Chunk(options.BatchSize))
        {
            LabelledBatch batch = samples.Batch(indices);
            network.Step(batch.Inputs, batch.Labels, epoch: 0);
        }

        LabelledBatch all = samples.Batch([.. Enumerable.Range(0, Count)]);
        EpochOfReference.Outcome outcome = Epoch.TrainNoisily(options, deviation: 0, noiseSeed: 1);

        Assert.Equal(1, outcome.SignalShare);
        Assert.Equal(network.Evaluate(all.Inputs, all.Labels).Loss, outcome.Loss, 1e-12);
        Assert.InRange(Epoch.TrainNoisily(options, deviation: 1e-3, noiseSeed: 1).SignalShare, 0.9, 1 - 1e-9);
        Assert.InRange(Epoch.TrainNoisily(options, deviation: 100, noiseSeed: 1).SignalShare, 0, 1e-3);
        Assert.NotEqual(
            Epoch.TrainNoisily(options, deviation: 0.1, noiseSeed: 1).Loss, Epoch.TrainNoisily(options, deviation: 0.1, noiseSeed: 2).Loss);
    }

    /// <summary>What does not depend on perturbations has no variance; what depends on nothing else has little besides.</summary>
    [Fact]
    public void Only_perturbations_are_variance()
    {
        Assert.Equal(1, Epoch.TrainFeedback(Options(LearningRule.DirectFeedbackAlignment)).SignalShare, 1e-12);
        Assert.InRange(Epoch.TrainFeedback(Options(LearningRule.ForwardDirectFeedbackAlignment)).SignalShare, 0.5, 1 - 1e-6);
        double ofWeights = Epoch.TrainForwardGradient(Options(LearningRule.WeightPerturbedForwardGradient)).SignalShare;
        double ofActivations = Epoch.TrainForwardGradient(Options(LearningRule.ActivityPerturbedForwardGradient)).SignalShare;
        Assert.InRange(ofWeights, 0, ofActivations);
        Assert.InRange(ofActivations, 0, 0.9);
    }

    private static TrainingOptions Options(LearningRule rule) => Preset.Paper.OptionsFor(rule) with
    {
        BatchSize = 8,
        LearningRate = 1e-2,
        FeedbackRate = 1e-2,
        WeightNoise = WeightNoise.PerBatch,
        WeightInitialisation = Initialisation.KaimingUniform,
    };
}
