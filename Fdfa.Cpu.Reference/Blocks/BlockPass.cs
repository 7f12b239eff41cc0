using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Cpu.Reference.Blocks;

/// <summary>A batch on its way through one block: everything that was computed, and the way of tangents and errors along it.</summary>
/// <remarks>
/// <code>
/// forward    z = W y⁽ˡ⁻¹⁾ + b    a⁽ˡ⁾ = BN(z)      s = σ(a⁽ˡ⁾)              y⁽ˡ⁾ = pool(s)
/// tangent    z' = W d⁽ˡ⁻¹⁾       a' = BN'(z')      s' = a' ⊙ σ'(a⁽ˡ⁾)       d⁽ˡ⁾ = pool'(s')        + perturbations, each at its site
/// backward   ∂z = BN'ᵀ(g)        g = ∂s ⊙ σ'(a⁽ˡ⁾)  ∂s = pool'ᵀ(δ⁽ˡ⁾)      δ⁽ˡ⁾, or the error where it arrives
/// </code>
/// </remarks>
/// <param name="Block">What the block is.</param>
/// <param name="BatchSize">N.</param>
/// <param name="Inputs">y⁽ˡ⁻¹⁾, [N × n_{l-1}].</param>
/// <param name="LinearOutputs">z, [N × values of a⁽ˡ⁾].</param>
/// <param name="Normalized">The batch behind normalization; null where the block has none, and a⁽ˡ⁾ is z.</param>
/// <param name="Preactivations">a⁽ˡ⁾.</param>
/// <param name="Activated">s = σ(a⁽ˡ⁾), before pooling.</param>
/// <param name="PoolChoices">Which values max pooling took, as indices into s; null without.</param>
/// <param name="Outputs">y⁽ˡ⁾, [N × n_l].</param>
public sealed record BlockPass(
    Block Block,
    int BatchSize,
    double[] Inputs,
    double[] LinearOutputs,
    NormalizedBatch? Normalized,
    double[] Preactivations,
    double[] Activated,
    int[]? PoolChoices,
    double[] Outputs)
{
    /// <summary>The forward pass.</summary>
    /// <param name="block">What the block is.</param>
    /// <param name="parameters">Its numbers.</param>
    /// <param name="inputs">y⁽ˡ⁻¹⁾.</param>
    /// <param name="batchSize">N.</param>
    /// <param name="statistics">Whose mean and variance batch normalization takes.</param>
    public static BlockPass Run(Block block, BlockParameters parameters, double[] inputs, int batchSize, NormalizationStatistics statistics)
    {
        ArgumentNullException.ThrowIfNull(block);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(inputs);
        double[] z = LinearMap.Run(block, inputs, parameters.Weights, batchSize);
        LinearMap.AddBiases(block, z, parameters.Biases);
        NormalizedBatch? normalized = parameters.Normalization is { } numbers
            ? BatchNormalization.Normalize(block, numbers, z, statistics)
            : null;
        double[] a = normalized is null ? z : BatchNormalization.Forward(block, parameters.Normalization!, normalized);
        double[] s = Array.ConvertAll(a, new Converter<double, double>(Activation.Of(block.Activation).Value));
        int[]? choices = block is ConvolutionBlock { Pool: not null } pooling ? MaxPool.Choose(pooling, s, batchSize) : null;
        return new BlockPass(block, batchSize, inputs, z, normalized, a, s, choices, Pool(block, choices, s, batchSize));
    }

    /// <summary>The values where perturbations are added and the feedback error arrives.</summary>
    public double[] ValuesAt(PerturbationSite site) => site switch
    {
        PerturbationSite.BlockOutput => Outputs,
        PerturbationSite.BeforePool => Activated,
        PerturbationSite.PreActivation => Preactivations,
        _ => throw InvalidOptionException.UnknownValue("perturbation site", site),
    };

    /// <summary>The tangent pass: d⁽ˡ⁾ from d⁽ˡ⁻¹⁾ and what is added on the way.</summary>
    /// <param name="parameters">The block's numbers, as in the forward pass.</param>
    /// <param name="inputTangents">d⁽ˡ⁻¹⁾, [N × n_{l-1}].</param>
    /// <param name="perturbation">What is added.</param>
    /// <returns>d⁽ˡ⁾, [N × n_l].</returns>
    /// <exception cref="ShapeMismatchException">A perturbation does not fit its site.</exception>
    public double[] Tangents(BlockParameters parameters, double[] inputTangents, BlockPerturbation perturbation)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(inputTangents);
        ArgumentNullException.ThrowIfNull(perturbation);
        double[] tangents = LinearMap.Run(Block, inputTangents, parameters.Weights, BatchSize);
        Add(tangents, perturbation.AtLinear);
        if (Normalized is not null)
        {
            tangents = BatchNormalization.Tangent(Block, parameters.Normalization!, Normalized, tangents);
        }

        Add(tangents, perturbation.AtPreactivation);
        tangents = TimesSlope(tangents);
        Add(tangents, perturbation.BeforePool);
        tangents = Pool(Block, PoolChoices, tangents, BatchSize);
        Add(tangents, perturbation.AtOutput);
        return tangents;
    }

    /// <summary>The way back from the block's output to a site within it.</summary>
    /// <param name="site">Where to.</param>
    /// <param name="deltas">δ⁽ˡ⁾, [N × n_l].</param>
    /// <returns>The derivative by the values at the site.</returns>
    public double[] BackTo(PerturbationSite site, double[] deltas) => site switch
    {
        PerturbationSite.BlockOutput => deltas,
        PerturbationSite.BeforePool => Unpool(deltas),
        PerturbationSite.PreActivation => TimesSlope(Unpool(deltas)),
        _ => throw InvalidOptionException.UnknownValue("perturbation site", site),
    };

    /// <summary>The way back from the site where an error arrives to the linear map.</summary>
    /// <param name="parameters">The block's numbers, as in the forward pass.</param>
    /// <param name="deltas">The error, as large as the site.</param>
    /// <param name="from">The site.</param>
    /// <exception cref="ShapeMismatchException">The error does not fit the site.</exception>
    public BlockDeltas Backward(BlockParameters parameters, double[] deltas, PerturbationSite from)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(deltas);
        Shape.Require("errors", deltas.Length, BatchSize, Block.SizeAt(from));
        double[] g = from switch
        {
            PerturbationSite.BlockOutput => TimesSlope(Unpool(deltas)),
            PerturbationSite.BeforePool => TimesSlope(deltas),
            PerturbationSite.PreActivation => deltas,
            _ => throw InvalidOptionException.UnknownValue("perturbation site", from),
        };
        return Normalized is null
            ? new BlockDeltas(g, g, null, null)
            : new BlockDeltas(
                g,
                BatchNormalization.Backward(Block, parameters.Normalization!, Normalized, g),
                BatchNormalization.ScaleGradient(Block, Normalized, g),
                BatchNormalization.ShiftGradient(Block, g));
    }

    /// <summary>v ⊙ σ'(a⁽ˡ⁾): from a derivative at the output of σ to one at its input, and the other way for a tangent.</summary>
    private double[] TimesSlope(double[] values)
    {
        Shape.Require("values", values.Length, BatchSize, Block.Preactivations);
        Func<double, double> slope = Activation.Of(Block.Activation).Slope;
        var product = new double[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            product[i] = values[i] * slope(Preactivations[i]);
        }

        return product;
    }

    /// <summary>Max pooling, then the adaptive average, where the block has them; for values and tangents alike.</summary>
    private static double[] Pool(Block block, int[]? choices, double[] values, int batchSize)
    {
        double[] pooled = choices is null ? values : MaxPool.Run(choices, values);
        return block is ConvolutionBlock { AdaptivePool: not null } averaging
            ? AdaptiveAveragePool.Run(averaging, pooled, batchSize)
            : pooled;
    }

    /// <summary>The transpose of <see cref="Pool"/>.</summary>
    private double[] Unpool(double[] deltas)
    {
        Shape.Require("errors", deltas.Length, BatchSize, Block.Outputs);
        double[] spread = Block is ConvolutionBlock { AdaptivePool: not null } averaging
            ? AdaptiveAveragePool.Transposed(averaging, deltas, BatchSize)
            : deltas;
        return PoolChoices is null ? spread : MaxPool.Transposed(PoolChoices, spread, Activated.Length);
    }

    private static void Add(double[] values, double[]? perturbations)
    {
        if (perturbations is not null)
        {
            Shape.Require("perturbations", perturbations.Length, values.Length, 1);
            for (var i = 0; i < values.Length; i++)
            {
                values[i] += perturbations[i];
            }
        }
    }
}

/// <summary>An error on its way back within a block.</summary>
/// <param name="Preactivations">g⁽ˡ⁾, the derivative by a⁽ˡ⁾.</param>
/// <param name="Linear">The derivative by z; g⁽ˡ⁾ itself where there is no batch normalization.</param>
/// <param name="Scale">∂γ; null without batch normalization.</param>
/// <param name="Shift">∂β; null without batch normalization.</param>
public sealed record BlockDeltas(double[] Preactivations, double[] Linear, double[]? Scale, double[]? Shift);
