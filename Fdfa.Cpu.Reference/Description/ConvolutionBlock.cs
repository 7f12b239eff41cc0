using System.Globalization;

namespace Fdfa.Cpu.Reference.Description;

/// <summary>
/// A window of max pooling; it never reaches over the edge, and what is left of the last stride is dropped, as in PyTorch.
/// </summary>
/// <param name="Size">Side of the square window.</param>
/// <param name="Stride">From window to window; less than the size where windows overlap, as AlexNet's 3/2.</param>
public readonly record struct PoolWindow(int Size, int Stride);

/// <summary>
/// A convolutional block: y = pool(σ(W ∗ x + b)), with W [filters × channels × kernel × kernel] row-major and b [filters].
/// </summary>
/// <remarks>
/// <code>
/// map     = ⌊(input + 2·padding − kernel)/stride⌋ + 1        of height and width each
/// pooled  = ⌊(map − window)/window stride⌋ + 1
/// output  = the adaptive average's size, if there is one
/// </code>
/// </remarks>
/// <param name="Input">Shape of the input.</param>
/// <param name="Filters">Channels of the output.</param>
/// <param name="Kernel">Side of the square filters.</param>
/// <param name="Stride">From one position of the filters to the next.</param>
/// <param name="Padding">Zeros on every side of the input; fewer than the kernel's side.</param>
/// <param name="Activation">σ.</param>
/// <param name="HasBatchNormalization">Whether W ∗ x is normalized before σ, over batch and positions.</param>
/// <param name="Pool">Max pooling behind σ; null for none.</param>
/// <param name="AdaptivePool">Side of the square that each channel is averaged to behind max pooling; null for none.</param>
public sealed record ConvolutionBlock(
    ImageShape Input,
    int Filters,
    int Kernel,
    int Stride,
    int Padding,
    ActivationFunction Activation,
    bool HasBatchNormalization = false,
    PoolWindow? Pool = null,
    int? AdaptivePool = null) : Block(Activation, HasBatchNormalization)
{
    /// <summary>Shape of W ∗ x, of a⁽ˡ⁾ and of σ(a⁽ˡ⁾).</summary>
    public ImageShape Map => new(
        Filters, Steps(Input.Height + (2 * Padding), Kernel, Stride), Steps(Input.Width + (2 * Padding), Kernel, Stride));

    /// <summary>Shape behind max pooling.</summary>
    public ImageShape Pooled => Pool is { } pool
        ? new(Filters, Steps(Map.Height, pool.Size, pool.Stride), Steps(Map.Width, pool.Size, pool.Stride))
        : Map;

    /// <summary>Shape of the block's output.</summary>
    public ImageShape Output => AdaptivePool is { } side ? new(Filters, side, side) : Pooled;

    /// <inheritdoc/>
    public override int Inputs => Input.Size;

    /// <inheritdoc/>
    public override int Outputs => Output.Size;

    /// <inheritdoc/>
    public override int Preactivations => Map.Size;

    /// <inheritdoc/>
    public override int Channels => Filters;

    /// <inheritdoc/>
    public override int FanIn => checked(Input.Channels * Kernel * Kernel);

    internal override string Notation => string.Create(CultureInfo.InvariantCulture, $"{Filters}C{Kernel}")
        + (Stride == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"/{Stride}"))
        + (Padding == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"+{Padding}"))
        + (Pool is not { } pool ? "" : pool.Size == pool.Stride
            ? string.Create(CultureInfo.InvariantCulture, $"-P{pool.Size}")
            : string.Create(CultureInfo.InvariantCulture, $"-P{pool.Size}/{pool.Stride}"))
        + (AdaptivePool is not { } side ? "" : string.Create(CultureInfo.InvariantCulture, $"-A{side}"));

    internal override string? FindFault()
    {
        int smallest = Math.Min(Input.Channels, Math.Min(Input.Height, Input.Width));
        int largest = Math.Max(Input.Channels, Math.Max(Input.Height, Input.Width));
        if (smallest < 1 || largest > NetworkDescription.MaximumSize)
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"has an input of {Input}; give 1 to {NetworkDescription.MaximumSize} channels, rows and columns");
        }

        int[] sizes = [Filters, Kernel, Stride, Pool?.Size ?? 1, Pool?.Stride ?? 1, AdaptivePool ?? 1];
        if (sizes.Min() < 1 || sizes.Max() > NetworkDescription.MaximumSize)
        {
            return string.Create(
                CultureInfo.InvariantCulture, $"is {Notation}; give each of its sizes a number from 1 to {NetworkDescription.MaximumSize}");
        }

        if (Padding < 0 || Padding >= Kernel)
        {
            return string.Create(
                CultureInfo.InvariantCulture, $"has a padding of {Padding} around filters of {Kernel}x{Kernel}; give 0 to {Kernel - 1}");
        }

        ImageShape map = Map;
        if (map.Height < 1 || map.Width < 1)
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"has nothing left to compute: filters of {Kernel}x{Kernel} on an input of {Input.Height}x{Input.Width} with padding "
                + $"{Padding}; give smaller filters, less pooling before it, or larger images");
        }

        ImageShape pooled = Pooled;
        if (pooled.Height < 1 || pooled.Width < 1)
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"has nothing left to pool: windows of {Pool!.Value.Size}x{Pool.Value.Size} on a map of {map.Height}x{map.Width}; "
                + $"give smaller windows, less pooling before it, or larger images");
        }

        long count = Math.Max(
            Math.Max((long)Input.Height * Input.Width, 1) * Input.Channels,
            Math.Max((long)map.Height * map.Width, (long)(AdaptivePool ?? 1) * (AdaptivePool ?? 1)) * Filters);
        long weights = (long)Input.Channels * Kernel;
        return count > Array.MaxLength || weights > Array.MaxLength / Kernel
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"is {Notation} on {Input} and has more than {Array.MaxLength} values; give fewer filters or smaller images")
            : null;
    }

    private static int Steps(int length, int window, int stride) => length < window ? 0 : ((length - window) / stride) + 1;
}
