using Fdfa.Gpu.Kernels.Mathematics;
using ILGPU;

namespace Fdfa.Gpu.Kernels.Blocks;

/// <summary>The previous step, as far as its update is still to be applied.</summary>
public struct PendingUpdate
{
    /// <summary>Samples of that step; 0 when nothing is pending.</summary>
    public int Samples;

    /// <summary>K of that step.</summary>
    public int Directions;

    /// <summary>1 where the block was perturbed: rules that sum perturbations then find u of each direction where deltas are.</summary>
    public int IsPerturbed;

    /// <summary>Noise of that step.</summary>
    public PerturbationNoise Noise;

    /// <summary>1 where B is updated before the weights see it (Algorithm 1), 0 where both use the old B.</summary>
    public int FeedbackFirst;

    /// <summary>y⁽ˡ⁻¹⁾ of that step, sample-major.</summary>
    public ArrayView<float> Inputs;

    /// <summary>The weight optimizer's numbers.</summary>
    public OptimizerStep WeightStep;

    /// <summary>The feedback optimizer's numbers.</summary>
    public OptimizerStep FeedbackStep;

    /// <summary>What B follows.</summary>
    public FeedbackGradient FeedbackGradient;
}
