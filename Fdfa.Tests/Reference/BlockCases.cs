using Fdfa.Cpu.Reference.Blocks;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Losses;
using Fdfa.Cpu.Reference.Randomness;
using Fdfa.Cpu.Reference.Rules;

namespace Fdfa.Tests.Reference;

/// <summary>Small odd geometries for blocks of every kind: shared by the tests of their derivatives.</summary>
internal static class BlockCases
{
    /// <summary>Topology, channels, height, width, batch size, activation, batch normalization, whether its statistics are frozen.</summary>
    public static TheoryData<string, int, int, int, int, ActivationFunction, bool, bool> All
    {
        get
        {
            var cases = new TheoryData<string, int, int, int, int, ActivationFunction, bool, bool>();
            foreach (var (hasNormalization, frozen) in new[] { (false, false), (true, false), (true, true) })
            {
                void Add(string topology, int channels, int height, int width, int batchSize, ActivationFunction activation = ActivationFunction.Tanh) =>
                    cases.Add(topology, channels, height, width, batchSize, activation, hasNormalization, frozen);

                Add("3C3-P2-4", 1, 7, 7, 1);
                Add("3C3-P2-4", 1, 7, 7, 3, ActivationFunction.ReLU);
                Add("5C1-P2-3C1/2-3", 5, 5, 7, 3);
                Add("2C5/2+1-P3/2-3C3+1-5-3", 3, 13, 11, 3);
                Add("2C5/2+1-P3/2-3C3+1-5-3", 3, 13, 11, 8, ActivationFunction.ReLU);
                Add("2C11/4+2-P3/2-3C3+1-3", 1, 33, 29, 1);
                Add("3C11+2-2C1/4-3", 3, 10, 12, 3);
                Add("5C3+1-P2-A3-4-3", 3, 9, 8, 3);
                Add("2C3+1-A4-3", 1, 3, 3, 3);
                Add("3C5+2-P2-5C3-P2-6-3", 1, 12, 12, 8);
                Add("3C5+2-P3/2-5C3+1-P3/2-6-3", 5, 12, 9, 3, ActivationFunction.ReLU);
                Add("6-9-7-4", 0, 0, 0, 5);
                Add("6-9-7-4", 0, 0, 0, 8, ActivationFunction.ReLU);
            }

            // Without normalization alone: with it, a channel of a single value in a batch is a constant.
            cases.Add("1C1-2", 1, 1, 1, 1, ActivationFunction.Tanh, false, false);
            cases.Add("2C5-P2-4-3", 1, 6, 6, 1, ActivationFunction.Tanh, false, false);
            return cases;
        }
    }

    /// <summary>The problem of a case; the rule decides about feedback, the site is in the options.</summary>
    public static SmallProblem Problem(
        string topology, int channels, int height, int width, int batchSize, ActivationFunction activation, bool hasNormalization, TrainingOptions options) =>
        new(topology, activation, options, batchSize, seed: 3, channels == 0 ? null : new ImageShape(channels, height, width), hasNormalization);

    /// <summary>A step up to its output error, with whichever statistics.</summary>
    public static TrainingStep Begin(SmallProblem problem, bool frozen = false, uint draw = 0)
    {
        ForwardPass forward = NetworkForward.Run(
            problem.Network, problem.Parameters, problem.Inputs, problem.BatchSize,
            frozen ? NormalizationStatistics.Running : NormalizationStatistics.Batch);
        var error = new double[forward.Outputs.Length];
        ILoss loss = LossCatalogue.Find(problem.Options.Loss);
        loss.Evaluate(forward.Outputs, problem.Labels, error);
        return new TrainingStep(problem.Parameters, problem.Options, loss, forward, problem.Labels, error, new PerturbationNoise(11, draw));
    }

    /// <summary>The loss by the definition.</summary>
    public static double LossOf(SmallProblem problem, bool frozen)
    {
        double[] outputs = ShiftedNetwork.Outputs(
            problem.Network, problem.Parameters, problem.Inputs, problem.BatchSize,
            new double[]?[problem.Network.Blocks.Count], 0, frozen: frozen);
        return LossCatalogue.Find(problem.Options.Loss).Evaluate(outputs, problem.Labels, new double[outputs.Length]);
    }
}
