using System.Globalization;
using System.Reflection;
using Fdfa.Cpu.Reference.Description;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Fdfa.Gpu.Devices;

/// <summary>The device asked for is not here, or failed.</summary>
public sealed class DeviceException(string message, Exception? cause = null) : FdfaException(message, cause);

/// <summary>A device opened for work. Owns the ILGPU context and accelerator; not safe for use from several threads.</summary>
public sealed class ComputeDevice : IDisposable
{
    /// <summary>Behind a CUDA device's name: products on its tensor cores.</summary>
    internal const string OnTensorCores = "+tf32";

    /// <summary>Behind any device's name: it is taken as it is, without a self-test.</summary>
    public const string Unchecked = "+unchecked";

    private readonly Context _context;
    private readonly Dictionary<MethodInfo, Delegate> _launchers = [];
    private readonly DeviceProbe? _probe;
    private HostPassage? _passage;

    private ComputeDevice(DeviceInfo info, Context context, Accelerator accelerator, TileTable? tiles = null)
    {
        Info = info;
        _context = context;
        Accelerator = accelerator;
        Tiles = tiles ?? TileTable.Of(accelerator, IsProcessor);
        _probe = ProbeOfNext;

        // The CPU runs the very .NET methods that the tests run, without a driver or another's compiler between: they are its self-test.
        IsProven = accelerator is CPUAccelerator && _probe?.Tiles is null;
    }

    /// <summary>What was opened.</summary>
    public DeviceInfo Info { get; private set; }

    /// <summary>Kernel launches since the device was opened.</summary>
    public long LaunchCount { get; private set; }

    /// <summary>Bytes allocated since the device was opened, those freed again included.</summary>
    internal long AllocatedBytes { get; private set; }

    /// <summary>Bytes allocated and not freed yet.</summary>
    internal long HeldBytes { get; private set; }

    /// <summary>How its memory gets to arrays.</summary>
    internal HostPassage Passage => _passage ??= new HostPassage(Accelerator);

    /// <summary>Called before each launch, to measure.</summary>
    internal Action? BeforeLaunch { get; set; }

    /// <summary>Ends work on the device at its next launch, or before its driver builds another kernel.</summary>
    internal CancellationToken Cancellation { get; set; }

    /// <summary>Kernels loaded since the device was opened.</summary>
    internal IReadOnlyCollection<MethodInfo> Kernels => _launchers.Keys;

    /// <summary>For tests: gets between the devices that this thread opens and their drivers.</summary>
    [field: ThreadStatic]
    internal static DeviceProbe? ProbeOfNext { get; set; }

    /// <summary>Device memory that nobody has taken; null where the driver does not tell.</summary>
    internal long? FreeBytes => Accelerator is CudaAccelerator cuda ? cuda.GetFreeMemory() : null;

    internal Accelerator Accelerator { get; }

    /// <summary>Whether kernels run on this machine's processor, whoever compiles them.</summary>
    internal bool IsProcessor => Accelerator is CPUAccelerator or CLAccelerator { DeviceType: CLDeviceType.CL_DEVICE_TYPE_CPU };

    /// <summary>Which tile program it runs a network with.</summary>
    internal TileTable Tiles { get; set; }

    /// <summary>Whether it need not show that it computes before it trains; see <see cref="Training.SelfTest"/>.</summary>
    internal bool IsProven { get; set; }

    /// <summary>Where results of self-tests are kept, if not in this user's cache folder.</summary>
    internal string? SelfTestFolder => _probe?.SelfTestFolder;

    /// <summary>This machine's processor, which is there in any case.</summary>
    public static DeviceInfo Processor => ProcessorInfo.Read();

    /// <summary>Looks for devices of every kind; never throws because one is missing.</summary>
    public static DeviceSurvey Survey()
    {
        var devices = new List<DeviceInfo>();
        var missing = new List<MissingDevice>();
        var refused = new List<RefusedDevice>();
        foreach (var kind in new[] { DeviceKind.Cuda, DeviceKind.OpenCl })
        {
            var found = Find(kind, refused, out var failure);
            devices.AddRange(found);
            if (found.Count == 0)
            {
                var reason = kind == DeviceKind.Cuda ? Drivers.WhyNoCuda() : Drivers.WhyNoOpenCl();
                missing.Add(new MissingDevice(kind, failure is null ? reason : $"{reason} ({failure})"));
            }
        }

        devices.Add(Processor);
        return new DeviceSurvey(devices, missing) { Refused = refused };
    }

    /// <summary>Opens a device.</summary>
    /// <remarks>
    /// A GPU shows that it computes before it trains: the first <see cref="Training.Trainer"/> on it takes a dense and a convolutional
    /// step, compares them with the double-precision reference, and refuses the device where they differ (<see cref="DeviceException"/>).
    /// That takes seconds, most of them in the driver's compiler, and once: what came of it is remembered in this user's cache folder, by
    /// device, driver, tile program and version of fdfa. "+unchecked" behind a name leaves it out.
    /// </remarks>
    /// <param name="selector">
    /// "auto" (CUDA, else an OpenCL GPU, else the CPU), "cpu", "cuda:0", "opencl:1"; "cuda:0+tf32" for products on its tensor cores, of
    /// operands rounded to TF32 (a relative error of up to 2⁻¹¹ each); "opencl-unsupported:0" for tests of kernels on OpenCL devices that
    /// are refused otherwise.
    /// </param>
    /// <exception cref="DeviceException">No such device; the message names those there are.</exception>
    public static ComputeDevice Open(string selector = "auto")
    {
        ArgumentNullException.ThrowIfNull(selector);
        var name = selector.Trim().ToLowerInvariant();
        if (!name.EndsWith(Unchecked, StringComparison.Ordinal))
        {
            return OpenNamed(selector, name);
        }

        var device = OpenNamed(selector, name[..^Unchecked.Length]);
        device.IsProven = true;
        device.Info = device.Info with { Selector = device.Info.Selector + Unchecked };
        return device;
    }

    private static ComputeDevice OpenNamed(string selector, string name)
    {
        var isOnTensorCores = name.EndsWith(OnTensorCores, StringComparison.Ordinal);
        var wanted = (isOnTensorCores ? name[..^OnTensorCores.Length] : name) switch
        {
            "cuda" => "cuda:0",
            "opencl" => "opencl:0",
            UnsupportedOpenCl.Selector => UnsupportedOpenCl.SelectorOf(0),
            var other => other,
        };
        if (wanted == "cpu" && !isOnTensorCores)
        {
            // Without asking the GPUs' drivers.
            return OpenProcessor();
        }

        if (wanted.Split(':') is [UnsupportedOpenCl.Selector, var number]
            && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
        {
            var device = OpenUnsupportedOpenCl(tiles: null, index, out var count) ?? throw new DeviceException(count == 0
                ? $"There is no OpenCL device of any kind here; install a driver, such as Debian's pocl-opencl-icd. {Drivers.WhyNoOpenCl()}"
                : $"There is no device '{selector}' here; the last OpenCL device of any kind is "
                    + $"{UnsupportedOpenCl.SelectorOf(count - 1)}.");
            device.IsProven = false;
            return device;
        }

        var survey = Survey();
        var info = wanted == "auto"
            ? survey.Devices[0]
            : survey.Devices.FirstOrDefault(device => device.Selector == wanted);
        if (info is null)
        {
            var reasons = survey.Missing.Where(kind => IsOf(kind.Kind)).Select(kind => kind.Reason)
                .Concat(survey.Refused.Where(device => IsOf(device.Kind)).Select(device => $"{device.Name} is here, but {device.Reason}."));
            throw new DeviceException(string.Join(' ',
                [
                    $"There is no device '{selector}' here; "
                    + $"use one of auto, {string.Join(", ", survey.Devices.Select(device => device.Selector))}.",
                    .. reasons,
                ]));
        }

        bool IsOf(DeviceKind kind) => wanted.StartsWith(Prefix(kind), StringComparison.Ordinal);

        if (isOnTensorCores && info.Kind != DeviceKind.Cuda)
        {
            throw new DeviceException(
                $"The device '{info.Selector}' ({info.Name}) has no tensor cores that kernels can use; "
                + $"give a CUDA device, or leave '{OnTensorCores}' out.");
        }

        try
        {
            return info.Kind switch
            {
                DeviceKind.Cuda when isOnTensorCores => OpenTensorCores(info, CreateContext(DeviceKind.Cuda)),
                DeviceKind.Cuda => OpenGpu(info, CreateContext(DeviceKind.Cuda)),
                DeviceKind.OpenCl => OpenGpu(info, CreateContext(DeviceKind.OpenCl)),
                _ => OpenProcessor(),
            };
        }
        catch (Exception failure) when (failure is not FdfaException)
        {
            throw new DeviceException(
                $"The device '{info.Selector}' ({info.Name}) was found but could not be opened: {DriverFailure.Describe(failure)}.",
                failure);
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// A driver that failed may fail here again; that says nothing new, and it must not hide the failure that ended the work.
    /// </remarks>
    public void Dispose()
    {
        try
        {
            _passage?.Dispose();
            Accelerator.Dispose();
            _context.Dispose();
        }
        catch (AcceleratorException)
        {
        }
    }

    /// <summary>How far ILGPU may optimize: the level belongs to the context.</summary>
    /// <remarks>O2 emits uniform branches on divergent conditions on CUDA (ILGPU issue 846), hence O1 there.</remarks>
    internal static OptimizationLevel OptimizationFor(DeviceKind kind) =>
        kind == DeviceKind.OpenCl ? OptimizationLevel.O2 : OptimizationLevel.O1;

    /// <summary>Opens the CPU accelerator with a tile program of the caller's choice.</summary>
    internal static ComputeDevice OpenCpu(TileProgram tiles, int processors)
    {
        // A device of 256 threads per multiprocessor starts only those that a launch needs: small ones wake them all, every time.
        var device = new CPUDevice(16, 16, processors);
        var context = Context.Create(builder => builder.CPU(device).EnableKernels(OptimizationFor(DeviceKind.Cpu)));
        var accelerator = context.GetCPUDevice(0).CreateCPUAccelerator(context, CPUAcceleratorMode.Parallel);
        return new ComputeDevice(Processor, context, accelerator, TileTable.Always(tiles));
    }

    /// <summary>
    /// Opens the first OpenCL device, whatever it is, with a tile program of the caller's choice, whose work the caller checks.
    /// </summary>
    /// <returns>Null where there is none.</returns>
    internal static ComputeDevice? OpenUnsupportedOpenCl(TileProgram? tiles)
    {
        var device = OpenUnsupportedOpenCl(tiles, 0, out _);
        device?.IsProven = true;
        return device;
    }

    private static ComputeDevice? OpenUnsupportedOpenCl(TileProgram? tiles, int index, out int count)
    {
        OpenClSignals.LeaveToDotNet();
        var context = Context.Create(builder => builder.OpenCL(UnsupportedOpenCl.Accept).EnableKernels(OptimizationFor(DeviceKind.OpenCl)));
        count = context.GetCLDevices().Count;
        var device = index < count ? context.GetCLDevice(index) : null;
        if (device is null)
        {
            context.Dispose();
            return null;
        }

        var info = new DeviceInfo(
            UnsupportedOpenCl.SelectorOf(index), DeviceKind.OpenCl, device.Name, device.MemorySize, "unsupported, for tests")
        {
            Driver = Drivers.VersionOf(device),
        };
        return new ComputeDevice(info, context, device.CreateCLAccelerator(context), tiles is null ? null : TileTable.Always(tiles));
    }

    /// <summary>Builds a kernel of one parameter for this device, once: drivers take seconds for some.</summary>
    internal Action<AcceleratorStream, KernelConfig, T> Load<T>(MethodInfo kernel)
        where T : struct =>
        Load<Action<AcceleratorStream, KernelConfig, T>>(
            kernel, processor => new CpuLaunches<T>(processor, kernel.CreateDelegate<Action<T>>()).Launch);

    /// <summary>Builds a kernel of two parameters for this device, once.</summary>
    internal Action<AcceleratorStream, KernelConfig, T1, T2> Load<T1, T2>(MethodInfo kernel)
        where T1 : struct
        where T2 : struct =>
        Load<Action<AcceleratorStream, KernelConfig, T1, T2>>(kernel, processor =>
        {
            var method = kernel.CreateDelegate<Action<T1, T2>>();
            var launches = new CpuLaunches<(T1 First, T2 Second)>(processor, both => method(both.First, both.Second));
            return (stream, configuration, first, second) => launches.Launch(stream, configuration, (first, second));
        });

    /// <summary>Allocates memory, zero at first; counts it.</summary>
    internal MemoryBuffer1D<T, Stride1D.Dense> Allocate<T>(long length)
        where T : unmanaged
    {
        try
        {
            // Zeroed here: OpenCL's drivers may take memory only when it is first used.
            var memory = Accelerator.Allocate1D<T>(length);
            memory.MemSetToZero();
            AllocatedBytes += memory.LengthInBytes;
            HeldBytes += memory.LengthInBytes;
            _probe?.OnAllocated?.Invoke(memory);
            return memory;
        }
        catch (Exception failure) when (failure is OutOfMemoryException or AcceleratorException)
        {
            throw new DeviceException(string.Create(
                CultureInfo.InvariantCulture,
                $"{Info.Name} has no room for another {(double)length * Interop.SizeOf<T>() / 1e6:0.0} MB "
                + $"({DriverFailure.Describe(failure)}): {DescribeMemory()}; "
                + $"make a layer or the batch smaller, or train fewer seeds at once."),
                failure);
        }
    }

    /// <summary>Frees memory; a driver that failed before, and again here, has nothing left to free.</summary>
    internal void Free(MemoryBuffer memory)
    {
        try
        {
            HeldBytes -= memory.LengthInBytes;
            _probe?.OnDriverCall?.Invoke();
            memory.Dispose();
        }
        catch (AcceleratorException)
        {
        }
    }

    /// <summary>The launch configuration of a grid of groups by replicas; counts the launch.</summary>
    internal KernelConfig Launch(TileProgram tiles, int groups, int replicas)
    {
        Cancellation.ThrowIfCancellationRequested();
        BeforeLaunch?.Invoke();
        _probe?.OnDriverCall?.Invoke();
        LaunchCount++;
        return new KernelConfig(new Index3D(groups, replicas, 1), new Index3D(tiles.GroupSize, 1, 1));
    }

    private TLauncher Load<TLauncher>(MethodInfo kernel, Func<CPUAccelerator, TLauncher> onProcessor)
        where TLauncher : Delegate
    {
        if (!_launchers.TryGetValue(kernel, out var launcher))
        {
            launcher = Build(kernel, onProcessor);
            _launchers.Add(kernel, launcher);
        }

        return (TLauncher)launcher;
    }

    private TLauncher Build<TLauncher>(MethodInfo kernel, Func<CPUAccelerator, TLauncher> onProcessor)
        where TLauncher : Delegate
    {
        Cancellation.ThrowIfCancellationRequested();
        CompiledKernel? compiled = null;
        try
        {
            if (Accelerator is CPUAccelerator processor)
            {
                return onProcessor(processor);
            }

            compiled = Accelerator.GetBackend().Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel), default);
            OpenClBarriers.OrderSharedMemory(compiled);
            _probe?.OnCompiled?.Invoke(compiled);
            return Accelerator.LoadKernel(compiled).CreateLauncherDelegate<TLauncher>();
        }
        catch (Exception failure) when (failure is not FdfaException)
        {
            throw new KernelBuildException(kernel, Info, KernelBuild.Log(Accelerator, compiled, failure), failure);
        }
    }

    /// <summary>What memory there is, as far as anybody knows.</summary>
    private string DescribeMemory()
    {
        const double Gigabyte = 1e9;
        var all = Info.Kind == DeviceKind.Cpu ? "this process may use" : "it has";
        var free = FreeBytes is { } bytes
            ? string.Create(CultureInfo.InvariantCulture, $", {bytes / Gigabyte:0.0} GB of it free")
            : string.Empty;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{all} {Info.MemoryBytes / Gigabyte:0.0} GB{free}, and fdfa holds {HeldBytes / Gigabyte:0.0} GB");
    }

    private static ComputeDevice OpenProcessor() =>
        OpenCpu(ProbeOfNext?.Tiles ?? TileProgram.Simd(Environment.ProcessorCount), Environment.ProcessorCount);

    private static ComputeDevice OpenGpu(DeviceInfo info, Context context) =>
        new(
            info,
            context,
            info.Kind == DeviceKind.Cuda ? context.CreateCudaAccelerator(IndexOf(info)) : context.CreateCLAccelerator(IndexOf(info)));

    private static ComputeDevice OpenTensorCores(DeviceInfo info, Context context)
    {
        var accelerator = context.CreateCudaAccelerator(IndexOf(info));
        if (accelerator.Architecture >= CudaArchitecture.SM_80)
        {
            return new ComputeDevice(
                info with { Selector = info.Selector + OnTensorCores, Details = $"{info.Details}, TF32" }, context, accelerator,
                TileTable.Always(TileProgram.TensorCores()));
        }

        var architecture = accelerator.Architecture;
        accelerator.Dispose();
        context.Dispose();
        throw new DeviceException(
            $"The device '{info.Selector}' ({info.Name}) is {architecture}, and tensor cores take TF32 from SM_80 on; "
            + $"leave '{OnTensorCores}' out.");
    }

    private static int IndexOf(DeviceInfo info) =>
        int.Parse(info.Selector.AsSpan(info.Selector.IndexOf(':', StringComparison.Ordinal) + 1), CultureInfo.InvariantCulture);

    private static Context CreateContext(DeviceKind kind, Action<RefusedDevice>? refuse = null) => Context.Create(builder =>
    {
        OpenClSignals.LeaveToDotNet();
        var index = -1;
        _ = (kind == DeviceKind.Cuda
            ? builder.Cuda((CudaDevice device) => IsUsable(device.Name, Drivers.WhyRefused(device)))
            : builder.OpenCL(device => IsUsable(device.Name, Drivers.WhyRefused(device)) && UnsupportedOpenCl.Accept(device)))
            .EnableKernels(OptimizationFor(kind));

        bool IsUsable(string name, string? reason)
        {
            index++;
            if (reason is not null)
            {
                refuse?.Invoke(
                    new RefusedDevice(kind, name, reason)
                    {
                        Selector = kind == DeviceKind.OpenCl ? UnsupportedOpenCl.SelectorOf(index) : null,
                    });
            }

            return reason is null;
        }
    });

    private static List<DeviceInfo> Find(DeviceKind kind, List<RefusedDevice> refused, out string? failed)
    {
        var found = new List<DeviceInfo>();
        failed = null;
        try
        {
            using var context = CreateContext(kind, refused.Add);
            var index = 0;
            foreach (var device in context.Devices.Where(device => device.AcceleratorType != AcceleratorType.CPU))
            {
                found.Add(new DeviceInfo(
                    string.Create(CultureInfo.InvariantCulture, $"{Prefix(kind)}{index++}"),
                    kind,
                    device.Name,
                    device.MemorySize,
                    $"{device.NumMultiprocessors} multiprocessors")
                {
                    Driver = Drivers.VersionOf(device),
                });
            }
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            failed = failure.GetBaseException().Message;
        }

        return found;
    }

    private static string Prefix(DeviceKind kind) => kind == DeviceKind.Cuda ? "cuda:" : "opencl:";
}
