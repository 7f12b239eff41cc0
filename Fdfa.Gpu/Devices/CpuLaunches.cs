using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace Fdfa.Gpu.Devices;

/// <summary>Launches a kernel on the CPU accelerator without allocating.</summary>
/// <remarks>
/// ILGPU 1.5.3's launchers make an object per launch, a task that holds the grid and a copy of the arguments: garbage of half
/// a kilobyte each. Here each grid has two tasks, made once, that take turns. One is too few: the accelerator's threads take a
/// task only if it is not the one that they did last. Two are enough: a launch returns when every thread is done with its task.
/// A task keeps its last arguments, and with them the objects behind their views, as long as the launcher lives; memory that
/// is disposed of is freed all the same. The kernel is the .NET method itself, as in ILGPU's own launchers, so nothing is
/// compiled. For kernels without dynamic shared memory.
/// </remarks>
internal sealed class CpuLaunches<TArguments>
{
    private readonly Dictionary<(Index3D Grid, Index3D Group), GridTask> _next = [];
    private readonly CPUKernelExecutionHandler _kernel;
    private readonly Action<CPUAcceleratorTask> _launch;

    /// <summary>Prepares the launches of one kernel.</summary>
    /// <param name="processor">Where the kernel runs.</param>
    /// <param name="kernel">Runs the kernel for one thread.</param>
    public CpuLaunches(CPUAccelerator processor, Action<TArguments> kernel)
    {
        _kernel = (task, _) => kernel(((GridTask)task).Arguments!);
        var launch =
            typeof(CPUAccelerator).GetMethod("Launch", BindingFlags.NonPublic | BindingFlags.Instance, [typeof(CPUAcceleratorTask)])
                ?? throw new InvalidOperationException(
                    "This version of ILGPU launches the CPU accelerator's tasks elsewhere; see CpuLaunches.");
        _launch = launch.CreateDelegate<Action<CPUAcceleratorTask>>(processor);
    }

    /// <summary>Runs the kernel on a grid; returns when it is done.</summary>
    public void Launch(AcceleratorStream stream, KernelConfig configuration, TArguments arguments)
    {
        var grid = configuration.ToDimensions();
        if (!_next.TryGetValue(grid, out var task))
        {
            task = new GridTask(_kernel, configuration);
            task.Other = new GridTask(_kernel, configuration) { Other = task };
        }

        _next[grid] = task.Other!;
        task.Arguments = arguments;
        _launch(task);
    }

    private sealed class GridTask(CPUKernelExecutionHandler kernel, KernelConfig configuration)
        : CPUAcceleratorTask(kernel, configuration, new RuntimeKernelConfig(configuration, default(SharedMemorySpecification)))
    {
        public TArguments? Arguments { get; set; }

        public GridTask? Other { get; set; }
    }
}
