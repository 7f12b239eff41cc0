using System.Globalization;
using System.Runtime.InteropServices;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Fdfa.Gpu.Devices;

/// <summary>
/// Why there is no device of a kind, and why one that is there is not used; each in a sentence that says what to install.
/// </summary>
/// <remarks>ILGPU finds no device and says nothing, whatever the cause: these ask the loader and the driver what it was.</remarks>
internal static unsafe class Drivers
{
    private const string CudaNeeds = "CUDA needs an NVIDIA GPU and its driver";
    private const string OpenClNeeds = "OpenCL needs a GPU whose driver offers OpenCL 2.0";

    // CUDA_ERROR_STUB_LIBRARY and CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, which ILGPU's list lacks.
    private const int StubLibrary = 34;
    private const int DriverMismatch = 803;

    private static readonly string s_cuda = OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so";
    private static readonly string s_openCl = OperatingSystem.IsWindows() ? "OpenCL.dll" : "libOpenCL.so";

    /// <summary>Why no CUDA device was found.</summary>
    public static string WhyNoCuda()
    {
        if (!NativeLibrary.TryLoad(s_cuda, out var library))
        {
            return WhyNoCuda(hasLibrary: false, initialisation: 0);
        }

        try
        {
            return WhyNoCuda(
                hasLibrary: true,
                NativeLibrary.TryGetExport(library, "cuInit", out var initialise) ? ((delegate* unmanaged<uint, int>)initialise)(0) : 0);
        }
        finally
        {
            NativeLibrary.Free(library);
        }
    }

    /// <summary>What CUDA's loader and driver said, in a sentence.</summary>
    /// <param name="hasLibrary">Whether the driver's library is there.</param>
    /// <param name="initialisation">What cuInit returned.</param>
    public static string WhyNoCuda(bool hasLibrary, int initialisation) => !hasLibrary
        ? $"{CudaNeeds}, and the loader finds no {s_cuda}; install NVIDIA's driver."
        : (CudaError)initialisation switch
        {
            CudaError.CUDA_SUCCESS => $"{CudaNeeds}; the driver is here but shows no GPU that can be used.",
            CudaError.CUDA_ERROR_NO_DEVICE => $"{CudaNeeds}; the driver is here but sees no GPU: "
                + "look at what 'nvidia-smi' lists, and whether CUDA_VISIBLE_DEVICES hides it.",
            (CudaError)DriverMismatch => $"{CudaNeeds}; {s_cuda} and the driver in the kernel are of different versions: "
                + "restart the machine, or install the driver again.",
            (CudaError)StubLibrary => $"{CudaNeeds}; the {s_cuda} that the loader finds is the toolkit's stub: "
                + "put the driver's own before it in LD_LIBRARY_PATH.",
            var error => string.Create(
                CultureInfo.InvariantCulture,
                $"{CudaNeeds}; the driver's start failed with {error} ({initialisation}): update or reinstall NVIDIA's driver."),
        };

    /// <summary>Why no OpenCL device was found, those that are refused aside.</summary>
    public static string WhyNoOpenCl()
    {
        var hasLoader = NativeLibrary.TryLoad(s_openCl, out var library);
        if (hasLoader)
        {
            NativeLibrary.Free(library);
        }

        // CL_PLATFORM_NOT_FOUND_KHR is an error too.
        var platforms = 0;
        var hasPlatforms = hasLoader && CLAPI.CurrentAPI.IsSupported
            && CLAPI.CurrentAPI.GetNumPlatforms(out platforms) == CLError.CL_SUCCESS && platforms > 0;
        return WhyNoOpenCl(hasLoader, hasPlatforms);
    }

    /// <summary>What OpenCL's loader said, in a sentence.</summary>
    /// <param name="hasLoader">Whether the loader's library is there.</param>
    /// <param name="hasPlatforms">Whether any driver is registered with it.</param>
    public static string WhyNoOpenCl(bool hasLoader, bool hasPlatforms) => (hasLoader, hasPlatforms) switch
    {
        (false, _) => OperatingSystem.IsWindows()
            ? $"{OpenClNeeds}, and there is no {s_openCl}; install the driver of the GPU's maker."
            : $"{OpenClNeeds}, and there is no {s_openCl}, without a version number behind it; install OpenCL's loader (Debian: "
                + "ocl-icd-opencl-dev).",
        (_, false) => $"{OpenClNeeds}; the loader is here but knows no driver: install the GPU's (Debian: "
            + "rocm-opencl-icd or mesa-opencl-icd for AMD, intel-opencl-icd for Intel).",
        _ => $"{OpenClNeeds}; the drivers here show none.",
    };

    /// <summary>Why a CUDA device is not used; null where it is.</summary>
    public static string? WhyRefused(CudaDevice device) =>
        device.InstructionSet is { } instructions && PTXCodeGenerator.SupportedInstructionSets.Contains(instructions)
            ? null
            : $"its driver, CUDA {device.DriverVersion}, is too old for it; install NVIDIA's current driver";

    /// <summary>Why an OpenCL device is not used; null where it is.</summary>
    public static string? WhyRefused(CLDevice device) => WhyRefused(device.DeviceType, device.CLStdVersion);

    /// <summary>Why an OpenCL device with these properties is not used; null where it is.</summary>
    /// <remarks>Not whether it has a generic address space: no kernel of ours needs one.</remarks>
    public static string? WhyRefused(CLDeviceType type, CLCVersion version) =>
        !type.HasFlag(CLDeviceType.CL_DEVICE_TYPE_GPU) ? "it is not a GPU; --device cpu uses the processor, without a driver between"
        : version < CLBackend.MinimumVersion
            ? $"its driver offers OpenCL C {version.Major}.{version.Minor}, and 2.0 is needed; install a newer driver of the GPU's maker"
        : null;

    /// <summary>The version of a device's driver.</summary>
    /// <remarks>CUDA's own version stays the same over many drivers; on Linux the driver's is in a file.</remarks>
    public static string VersionOf(Device device)
    {
        const string NvidiaVersion = "/proc/driver/nvidia/version";
        return device switch
        {
            CLDevice openCl =>
                $"{openCl.PlatformName}, {CLAPI.CurrentAPI.GetDeviceInfo(openCl.DeviceId, CLDeviceInfoType.CL_DRIVER_VERSION)}",
            CudaDevice cuda => $"CUDA {cuda.DriverVersion}"
                + $"{(File.Exists(NvidiaVersion) ? ", " + File.ReadLines(NvidiaVersion).FirstOrDefault() : string.Empty)}",
            _ => string.Empty,
        };
    }
}
