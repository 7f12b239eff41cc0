using Fdfa.Gpu.Kernels.Mathematics;
using Fdfa.Gpu.Kernels.Tiles;
using ILGPU;

namespace Fdfa.Tests.Operations;

/// <summary>A kernel for each elementwise function.</summary>
internal static class MathematicsKernels
{
    public static void Activate<TTiles, TActivation>(ActivationArguments arguments)
        where TTiles : struct, ITileProgram
        where TActivation : struct, IActivation =>
        TTiles.ForEach(0, arguments.Rows, arguments.Columns, new ActivationBody<TActivation> { Arguments = arguments });

    public static void Update<TTiles, TOptimizer>(OptimizerArguments arguments)
        where TTiles : struct, ITileProgram
        where TOptimizer : struct, IOptimizer =>
        TTiles.ForEach(0, arguments.Rows, arguments.Columns, new OptimizerBody<TOptimizer> { Arguments = arguments });

    public static void Lose<TTiles, TLoss>(LossArguments arguments)
        where TTiles : struct, ITileProgram
        where TLoss : struct, ILoss => TTiles.ForEach(0, 1, arguments.Columns, new LossBody<TLoss> { Arguments = arguments });

    public static void Draw<TTiles>(NoiseArguments arguments)
        where TTiles : struct, ITileProgram => TTiles.ForEach(0, arguments.Rows, arguments.Columns, new NoiseBody { Arguments = arguments });

    public struct ActivationArguments
    {
        public int Rows;
        public int Columns;
        public ArrayView<float> Preactivations;
        public ArrayView<float> Factors;
        public ArrayView<float> Values;
        public ArrayView<float> Products;
    }

    public struct OptimizerArguments
    {
        public int Rows;
        public int Columns;
        public OptimizerStep Step;
        public OptimizedParameters Parameters;
        public ArrayView<float> Gradients;
    }

    public struct LossArguments
    {
        public int Columns;
        public LossTile Tile;
        public ArrayView<uint> Labels;
        public ArrayView<float> Losses;
    }

    public struct NoiseArguments
    {
        public int Rows;
        public int Columns;
        public PerturbationNoise Noise;
        public uint Stream;
        public int Direction;
        public ArrayView<float> Target;
    }

    private struct ActivationBody<TActivation> : IElementwise
        where TActivation : struct, IActivation
    {
        public ActivationArguments Arguments;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            for (var r = row; r < row + 4 && r < Arguments.Rows; r++)
            {
                var index = (r * Arguments.Columns) + column;
                var y = TActivation.Value<TLane, TBits, TLanes>(TLanes.Load(Arguments.Preactivations, index));
                TLanes.Store(Arguments.Values, index, y);
                TLanes.Store(
                    Arguments.Products, index, TActivation.TimesDerivative<TLane, TBits, TLanes>(y, TLanes.Load(Arguments.Factors, index)));
            }
        }
    }

    private struct OptimizerBody<TOptimizer> : IElementwise
        where TOptimizer : struct, IOptimizer
    {
        public OptimizerArguments Arguments;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            for (var r = row; r < row + 4 && r < Arguments.Rows; r++)
            {
                var index = (r * Arguments.Columns) + column;
                TOptimizer.Update<TLane, TBits, TLanes>(Arguments.Step, Arguments.Parameters, index, TLanes.Load(Arguments.Gradients, index));
            }
        }
    }

    private struct LossBody<TLoss> : IElementwise
        where TLoss : struct, ILoss
    {
        public LossArguments Arguments;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits> => TLanes.Store(
                Arguments.Losses,
                column,
                TLoss.Apply<TLane, TBits, TLanes>(Arguments.Tile, column, TLanes.LoadBits(Arguments.Labels, column)));
    }

    private struct NoiseBody : IElementwise
    {
        public NoiseArguments Arguments;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits>
        {
            var samples = TLanes.AddBits(TLanes.Indices(), TLanes.BroadcastBits((uint)column));
            var u = Arguments.Noise.Sample<TLane, TBits, TLanes>(
                Arguments.Stream, TLanes.BroadcastBits((uint)row / 4), samples, Arguments.Direction);
            FourRows.Store<TLane, TBits, TLanes>(
                Arguments.Target, (row * Arguments.Columns) + column, Arguments.Columns, Arguments.Rows - row, u);
        }
    }
}
