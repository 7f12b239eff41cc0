using ILGPU;

namespace Fdfa.Gpu.Kernels.Tiles;

/// <content>Where the operands of a tile come from, and how all threads of a group bring a stage of them to shared memory.</content>
/// <remarks>
/// Left is staged as [Depth × TileRows], Right as [Depth × TileColumns]. Steps beyond the depth, rows and columns beyond the range
/// are staged as zeros: they add nothing. Rows of memory start at multiples of 16 elements and are padded to them, so that four
/// neighbours are loaded at once; of what the padding holds nothing is kept.
/// </remarks>
public readonly partial struct SimtTiles<TShape, TBlock>
{
    private static int QuadsOfDepth => TShape.Depth / 4;

    private static ArrayView<float> LeftOf(ArrayView<float> stage) => stage.SubView(0, TShape.Depth * TileRows);

    private static ArrayView<float> RightOf(ArrayView<float> stage) => stage.SubView(TShape.Depth * TileRows, TShape.Depth * TileColumns);

    /// <summary>Left, where the steps of a row are neighbours: element (row, step) at begin + row · stride + step.</summary>
    private static void StageLeft(ArrayView<float> stage, ArrayView<float> source, int begin, int stride, int rows, int steps)
    {
        var target = LeftOf(stage);
        var quads = Float4.Of(source);
        for (var item = Group.IdxX; item < TileRows * QuadsOfDepth; item += Threads)
        {
            var row = item / QuadsOfDepth;
            var step = 4 * (item - (row * QuadsOfDepth));
            var values = default(Float4);
            if (row < rows && step < steps)
            {
                values = quads[(begin + (row * stride) + step) / 4];
            }

            Spread(target, (step * TileRows) + row, TileRows, values, steps - step);
        }
    }

    /// <summary>Right, where the columns of a step are neighbours.</summary>
    private static void PutRight(ArrayView<float> stage, int item, Float4 values) => Float4.Of(RightOf(stage))[item] = values;

    /// <summary>Four steps of one row or column.</summary>
    private static void Spread(ArrayView<float> target, int index, int width, Float4 values, int steps)
    {
        target[index] = values.X;
        target[index + width] = steps > 1 ? values.Y : 0f;
        target[index + (2 * width)] = steps > 2 ? values.Z : 0f;
        target[index + (3 * width)] = steps > 3 ? values.W : 0f;
    }

    /// <summary>Where a tile's operands come from.</summary>
    private interface ITileSource
    {
        /// <summary>Stages both operands, with all threads of the group.</summary>
        void Stage(ArrayView<float> stage, TilePlace place);
    }

    private struct ProductSource<TLeft> : ITileSource
        where TLeft : struct, ILeftOperand
    {
        public MatrixProduct Product;
        public TLeft Left;

        public readonly void Stage(ArrayView<float> stage, TilePlace place)
        {
            var depth = place.Stage * TShape.Depth;
            var steps = Product.Depth - depth;
            if (TLeft.IsGenerated)
            {
                Generate(LeftOf(stage), place.Row, depth);
            }
            else if (Product.LeftDepthStride == 1)
            {
                StageLeft(
                    stage, Product.Left, (place.Row * Product.LeftRowStride) + depth, Product.LeftRowStride,
                    Product.RowEnd - place.Row, steps);
            }
            else
            {
                Transpose(LeftOf(stage), place.Row, depth);
            }

            var quads = Float4.Of(Product.Right);
            for (var item = Group.IdxX; item < TShape.Depth * (TileColumns / 4); item += Threads)
            {
                var step = item / (TileColumns / 4);
                var column = place.Column + (4 * (item - (step * (TileColumns / 4))));
                var values = default(Float4);
                if (step < steps && column < Product.ColumnEnd)
                {
                    values = quads[(((depth + step) * Product.RightStride) + column) / 4];
                }

                PutRight(stage, item, values);
            }
        }

        // Four rows at a time. Rows beyond the range are generated and never drained; steps beyond the depth meet zeros of Right.
        private readonly void Generate(ArrayView<float> target, int row, int depth)
        {
            for (var item = Group.IdxX; item < TShape.Depth * (TileRows / 4); item += Threads)
            {
                var step = item / (TileRows / 4);
                var values = Left.Generate<float, uint, ScalarLanes>(row + (4 * (item - (step * (TileRows / 4)))), depth + step);
                Float4.Of(target)[item] = new Float4(values.First, values.Second, values.Third, values.Fourth);
            }
        }

        // Neighbouring threads take neighbouring rows, which a matrix read by its columns may begin anywhere.
        private readonly void Transpose(ArrayView<float> target, int row, int depth)
        {
            for (var item = Group.IdxX; item < TShape.Depth * TileRows; item += Threads)
            {
                var step = item / TileRows;
                var r = row + item - (step * TileRows);
                var value = 0f;
                if (depth + step < Product.Depth && r < Product.RowEnd)
                {
                    value = Product.Left[(r * Product.LeftRowStride) + ((depth + step) * Product.LeftDepthStride)];
                }

                target[item] = value;
            }
        }
    }

    private struct ConvolutionSource : ITileSource
    {
        public Convolution Convolution;

        public readonly void Stage(ArrayView<float> stage, TilePlace place)
        {
            var map = Convolution.Geometry;
            var depth = place.Stage * TShape.Depth;
            var steps = map.Count - depth;
            var stride = Convolution.FilterStride;
            StageLeft(stage, Convolution.Filters, (place.Row * stride) + depth, stride, Convolution.ChannelEnd - place.Row, steps);
            var offset = map.OffsetOf(place.Position);
            var quads = Float4.Of(map.Inputs);
            for (var item = Group.IdxX; item < TShape.Depth * (TileColumns / 4); item += Threads)
            {
                var step = item / (TileColumns / 4);
                var column = place.Column + (4 * (item - (step * (TileColumns / 4))));
                var values = default(Float4);
                if (step < steps && column < Convolution.ColumnEnd)
                {
                    values = quads[(map.Taps[depth + step] + offset + column) / 4];
                }

                PutRight(stage, item, values);
            }
        }
    }

    private struct CorrelationSource : ITileSource
    {
        public Correlation Correlation;
        public int StagesPerPosition;

        public readonly void Stage(ArrayView<float> stage, TilePlace place)
        {
            var map = Correlation.Geometry;
            var position = place.Stage / StagesPerPosition;
            var sample = (place.Stage - (position * StagesPerPosition)) * TShape.Depth;
            var steps = Correlation.ColumnEnd - sample;
            var stride = map.Positions * Correlation.DeltaStride;
            StageLeft(
                stage,
                Correlation.Deltas,
                (place.Row * stride) + (position * Correlation.DeltaStride) + sample,
                stride,
                Correlation.ChannelEnd - place.Row,
                steps);
            var target = RightOf(stage);
            var begin = map.OffsetOf(position) + sample;
            var quads = Float4.Of(map.Inputs);
            for (var item = Group.IdxX; item < TileColumns * QuadsOfDepth; item += Threads)
            {
                var tap = item / QuadsOfDepth;
                var step = 4 * (item - (tap * QuadsOfDepth));
                var values = default(Float4);
                if (step < steps && place.Column + tap < map.Count)
                {
                    values = quads[(map.Taps[place.Column + tap] + begin + step) / 4];
                }

                Spread(target, (step * TileColumns) + tap, TileColumns, values, steps - step);
            }
        }
    }

    private struct GradientEpilogue : IProductEpilogue
    {
        public ArrayView<float> Target;
        public int Stride;

        public readonly void Apply<TLane, TBits, TLanes>(int row, int column, TLane value)
            where TLane : unmanaged
            where TBits : unmanaged
            where TLanes : struct, ILanes<TLane, TBits> => TLanes.Store(Target, (row * Stride) + column, value);

        public readonly void Prefetch<TPrefetch>(int row, int column)
            where TPrefetch : struct, IPrefetch
        {
            // Only a tile program with a cache asks.
        }
    }
}
