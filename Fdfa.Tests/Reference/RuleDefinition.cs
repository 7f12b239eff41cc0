using Fdfa.Cpu.Reference;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Losses;
using Fdfa.Cpu.Reference.Randomness;
using Fdfa.Cpu.Reference.Rules;

namespace Fdfa.Tests.Reference;

/// <summary>What a rule makes of a step, written a second time: on blocks of every kind, at every site, along K directions.</summary>
/// <remarks>
/// <code>
/// u_k⁽ˡ⁾, V_k   the noise's numbers, where the rule injects; d_k⁽ˡ⁾ the derivative along them
/// c_ks         e_s · d_ks⁽ᴸ⁾; behind a block with a head H e_s⁽ˡ⁾ · H d_ks⁽ˡ⁾
/// δ⁽ˡ⁾         e                                              output block
///              ⟨∂z⁽ˡ⁺¹⁾, M⟩, M = W⁽ˡ⁺¹⁾ or B⁽ˡ⁾                  BP; FA, L-FDFA
///              x B⁽ˡ⁾, x = e or −onehot/N                      DFA, DKP, FDFA; DRTP
///              (1/K) Σ_k c_ks u_ks⁽ˡ⁾                          FG-A, LG-FG-A, where the output is perturbed there too
/// ∂W, ∂b …     those of δ⁽ˡ⁾ at its site (<see cref="BlockDerivativeTests"/>);  (1/K) Σ_ks c_ks V_ks in FG-W
/// ∇B⁽ˡ⁾        B − (1/KN) Σ_ks d_ks⁽ᴸ⁾ ⊗ u_ks⁽ˡ⁾              FDFA (Eq. 10; the minus of Algorithm 1, line 22, would fail here)
///              B − (1/KN) Σ_ks t_ks ⊗ u_ks⁽ˡ⁾, t = W⁽ˡ⁺¹⁾ d⁽ˡ⁾   L-FDFA; a filter's weight as the mean over its positions
///              Σ_s e_s ⊗ v_s + decay B, v the values at the site  DKP
/// </code>
/// </remarks>
/// <param name="problem">With the parameters before the step.</param>
/// <param name="noise">The step's.</param>
/// <param name="step">
/// What the reference says of it: tangents and the errors of the block above, once they have been compared themselves.
/// </param>
/// <param name="feedback">B as hidden weights see it.</param>
internal sealed class RuleDefinition(SmallProblem problem, PerturbationNoise noise, StepResult step, IReadOnlyList<double[]> feedback)
{
    private readonly string _rule = problem.Options.Rule.Name;
    private readonly IReadOnlyList<ShiftedBlock> _blocks = problem.Definition().Run();
    private readonly double[] _error = Evaluate(problem, problem.Definition().Outputs).Error;

    private int LastBlock => problem.Network.Blocks.Count;

    private int Directions => problem.Options.Perturbations;

    /// <summary>Where errors arrive and activations are perturbed.</summary>
    private PerturbationSite Site => _rule is "BP" or "FA" or "L-FDFA" ? PerturbationSite.BlockOutput : problem.Options.PerturbationSite;

    /// <summary>The loss and e.</summary>
    public (double Loss, double[] Error) Loss => Evaluate(problem, _blocks[^1].Outputs);

    /// <summary>u_k⁽ˡ⁾ of each direction.</summary>
    public double[][] Perturbations(int l)
    {
        bool isInjected = l < LastBlock
            ? _rule is "FDFA" or "L-FDFA" or "FG-A" or "LG-FG-A"
            : _rule is "FG-A" or "LG-FG-A" && problem.Options.OutputGradient == OutputGradient.Perturbed;
        int values = problem.Network.Blocks[l - 1].SizeAt(Site);
        return [.. Enumerable.Range(0, isInjected ? Directions : 0).Select(k =>
            Enumerable.Range(0, problem.BatchSize * values).Select(i => noise.OfActivation(l, i / values, i % values, k)).ToArray())];
    }

    /// <summary>d_k⁽ˡ⁾ of each direction. What is injected up to a block with a head ends there.</summary>
    public double[][] Tangents(int l)
    {
        if (_rule == "FG-W")
        {
            return [.. Enumerable.Range(0, Directions).Select(k => Differences.Along(distance =>
                [.. Sharing().SelectMany(
                    samples => (problem.Definition() with { Inputs = samples.Inputs, Parameters = Moved(samples.First, k, distance) })
                        .Run()[l - 1].Outputs)]))];
        }

        int first = 1 + Enumerable.Range(1, l - 1).LastOrDefault(below => problem.Parameters.Blocks[below - 1].Head is not null);
        double[][][] perturbations = [.. Enumerable.Range(1, LastBlock).Select(Perturbations)];
        return [.. Enumerable.Range(0, perturbations[0].Length).Select(k => problem.Definition().Tangents(
            [.. perturbations.Select((u, index) => index + 1 >= first ? u.ElementAtOrDefault(k) : null)])[l - 1])];
    }

    /// <summary>Everything that the optimizers of weights are given, the head's exact and local gradient among it.</summary>
    public BlockGradient Gradient(int l) =>
        (_rule == "FG-W" ? OfPerturbedWeights(l) : BlockGradient.FromDeltas(problem.Begin(), l, Delta(l), Site)) with
        {
            Head = HeadError(l) is { } error
                ? new LocalHead(Outer(error, _blocks[l - 1].Outputs), Outer(error, [.. Enumerable.Repeat(1.0, problem.BatchSize)]))
                : null,
        };

    /// <summary>∇B⁽ˡ⁾; null where feedback stays as it is.</summary>
    public double[]? FeedbackGradient(int l)
    {
        double[] b = problem.Parameters.Blocks[l - 1].Feedback;
        BlockTrace trace = step.Blocks[l - 1];
        double[] Averaged(Func<int, double[]> products) => [.. Enumerable.Range(0, Directions).Select(products)
            .Aggregate(
                (IEnumerable<double>)b,
                (rest, product) => rest.Zip(product, (value, sum) => value - (sum / (problem.BatchSize * Directions))))];
        return _rule switch
        {
            _ when l == LastBlock => null,
            "DKP" =>
                [.. b.Zip(
                    Outer(_error, _blocks[l - 1].ValuesAt(Site)), (value, product) => product + (problem.Options.FeedbackDecay * value))],
            "FDFA" => Averaged(k => Outer(step.Blocks[^1].Tangents[k], trace.Perturbations[k])),
            "L-FDFA" => Averaged(
                k => Outer(problem.Network.Blocks[l], problem.Parameters.Blocks[l].Weights, trace.Tangents[k], trace.Perturbations[k])),
            _ => null,
        };
    }

    /// <summary>δ⁽ˡ⁾, as large as the site where it arrives.</summary>
    private double[] Delta(int l) => _rule switch
    {
        _ when l == LastBlock && step.Blocks[^1].Perturbations.Count == 0 => _error,
        "BP" => Back(l, problem.Parameters.Blocks[l].Weights),
        "FA" or "L-FDFA" => Back(l, feedback[l - 1]),
        "DFA" or "DKP" or "FDFA" => Times(_error, feedback[l - 1]),
        "DRTP" => Times(
            [.. _error.Select(
                (_, i) => problem.Labels[i / problem.Network.OutputSize] == i % problem.Network.OutputSize ? -1.0 / problem.BatchSize : 0)],
            feedback[l - 1]),
        "FG-A" or "LG-FG-A" => Sum(step.Blocks[l - 1].Perturbations.Select((u, k) =>
        {
            double[] c = Slopes(l, k);
            return u.Select((value, i) => c[i / (u.Length / problem.BatchSize)] * value / Directions);
        })),
        _ => throw new NotSupportedException($"The definition of {_rule} is missing here."),
    };

    /// <summary>(1/K) Σ_ks c_ks V_ks, where V is what a distance of 1 along it adds.</summary>
    private BlockGradient OfPerturbedWeights(int l)
    {
        double[] Along(Func<BlockParameters, double[]?> select) =>
            Sum(Enumerable.Range(0, Directions).SelectMany(k => Sharing().Select(samples =>
            {
                double c = Slopes(LastBlock, k).Skip(samples.First).Take(samples.Inputs.Length / problem.Network.InputSize)
                    .Sum() / Directions;
                double[] still = select(Moved(samples.First, k, 0).Blocks[l - 1]) ?? [];
                return still.Zip(select(Moved(samples.First, k, 1).Blocks[l - 1]) ?? [], (from, to) => c * (to - from));
            })));
        bool isNormalized = problem.Network.Blocks[l - 1].HasBatchNormalization;
        return new BlockGradient(Along(block => block.Weights), Along(block => block.Biases), PreactivationDeltas: null)
        {
            Scale = isNormalized ? Along(block => block.Normalization?.Scale) : null,
            Shift = isNormalized ? Along(block => block.Normalization?.Shift) : null,
        };
    }

    /// <summary>The samples that share a V, from their first on.</summary>
    private IEnumerable<(int First, double[] Inputs)> Sharing() => problem.Options.WeightNoise == WeightNoise.PerBatch
        ? [(0, problem.Inputs)]
        : problem.Inputs.Chunk(problem.Network.InputSize).Select((inputs, sample) => (sample, inputs));

    /// <summary>
    /// W, b, γ and β moved along V_k, row by row: the row of W, and behind its last weight that of b, or those of γ and β.
    /// </summary>
    private NetworkParameters Moved(int sample, int k, double distance) => new([.. problem.Network.Blocks.Select((block, index) =>
    {
        BlockParameters numbers = problem.Parameters.Blocks[index];
        int columns = block.FanIn + (block.HasBatchNormalization ? 2 : 1);
        double[] Move(double[] values, int column, int width) => [.. values.Select((value, i) =>
            value + (distance * noise.OfWeight(index + 1, i / width, column + (i % width), columns, sample, k)))];
        return new BlockParameters(Move(numbers.Weights, 0, block.FanIn), Move(numbers.Biases, block.FanIn, 1), [])
        {
            Normalization = numbers.Normalization is { } norm
                ? norm with { Scale = Move(norm.Scale, block.FanIn, 1), Shift = Move(norm.Shift, block.FanIn + 1, 1) }
                : null,
        };
    })]);

    /// <summary>c_ks, [N]: the derivative of each sample's part of the loss that trains block l, along what reaches it.</summary>
    private double[] Slopes(int l, int k)
    {
        double[] error = HeadError(l) ?? _error;
        double[] tangents = problem.Parameters.Blocks[l - 1].Head is { } head
            ? [.. step.Blocks[l - 1].Tangents[k].Chunk(problem.Network.Blocks[l - 1].Outputs).SelectMany(d => Read(head.Weights, d))]
            : step.Blocks[^1].Tangents[k];
        return [.. error.Zip(tangents, (e, d) => e * d).Chunk(problem.Network.OutputSize).Select(sample => sample.Sum())];
    }

    /// <summary>e⁽ˡ⁾ of z = H y⁽ˡ⁾ + c; null where there is no head.</summary>
    private double[]? HeadError(int l)
    {
        if (problem.Parameters.Blocks[l - 1].Head is not { } head)
        {
            return null;
        }

        double[] z = [.. _blocks[l - 1].Outputs.Chunk(problem.Network.Blocks[l - 1].Outputs)
            .SelectMany(y => Read(head.Weights, y).Zip(head.Biases, (product, c) => product + c))];
        return Evaluate(problem, z).Error;
    }

    private static (double Loss, double[] Error) Evaluate(SmallProblem problem, double[] outputs)
    {
        var error = new double[outputs.Length];
        return (LossCatalogue.Find(problem.Options.Loss).Evaluate(outputs, problem.Labels, error), error);
    }

    private static double[] Sum(IEnumerable<IEnumerable<double>> vectors) =>
        [.. vectors.Aggregate((sum, vector) => sum.Zip(vector, (a, b) => a + b))];

    private static IEnumerable<double> Read(double[] matrix, double[] x) =>
        matrix.Chunk(x.Length).Select(row => row.Zip(x, (w, value) => w * value).Sum());

    /// <summary>⟨∂z⁽ˡ⁺¹⁾, M e_i⟩ for each unit input e_i of block l + 1.</summary>
    private double[] Back(int l, double[] matrix)
    {
        Block above = problem.Network.Blocks[l];
        double[][] columns = [.. Enumerable.Range(0, above.Inputs).Select(i => ShiftedBlock.Linear(above, matrix, Unit(above.Inputs, i)))];
        return [.. step.Blocks[l].Gradient.LinearDeltas!.Chunk(above.Preactivations)
            .SelectMany(g => columns.Select(column => g.Zip(column, (error, z) => error * z).Sum()))];
    }

    /// <summary>x B, sample by sample.</summary>
    private double[] Times(double[] x, double[] b)
    {
        int columns = b.Length / problem.Network.OutputSize;
        return [.. x.Chunk(problem.Network.OutputSize).SelectMany(row =>
            Enumerable.Range(0, columns).Select(i => row.Select((value, o) => value * b[(o * columns) + i]).Sum()))];
    }

    /// <summary>Σ_s x_s ⊗ y_s.</summary>
    private double[] Outer(double[] x, double[] y)
    {
        var (rows, columns) = (x.Length / problem.BatchSize, y.Length / problem.BatchSize);
        return [.. Enumerable.Range(0, rows * columns).Select(at => Enumerable.Range(0, problem.BatchSize)
            .Sum(s => x[(s * rows) + (at / columns)] * y[(s * columns) + (at % columns)]))];
    }

    /// <summary>
    /// Σ_s t_s ⊗ u_s with t = W d, weight by weight of the block above, and as the mean over the positions where a weight sees its input.
    /// </summary>
    private static double[] Outer(Block above, double[] weights, double[] d, double[] u)
    {
        double[][] t = [.. d.Chunk(above.Inputs).Select(sample => ShiftedBlock.Linear(above, weights, sample))];
        return [.. weights.Select((_, w) =>
        {
            double[] Seen(double[] sample) => ShiftedBlock.Linear(above, Unit(weights.Length, w), sample);

            // A weight that sees nothing but padding has no position, and a sum of nothing.
            double uses = Math.Max(1, Seen([.. Enumerable.Repeat(1.0, above.Inputs)]).Sum());
            return t.Zip(u.Chunk(above.Inputs), (tangent, sample) => tangent.Zip(Seen(sample), (a, b) => a * b).Sum()).Sum() / uses;
        })];
    }

    private static double[] Unit(int length, int index) => [.. Enumerable.Range(0, length).Select(i => i == index ? 1.0 : 0)];
}
