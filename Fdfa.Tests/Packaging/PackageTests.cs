using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Fdfa.Tests.CommandLine;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.Packaging;

/// <summary>The packages as somebody meets them who has nothing else: a new project, a folder of packages, and the README.</summary>
public sealed class PackageTests : IDisposable
{
    private static readonly string[] s_libraries = ["Fdfa.Cpu.Reference", "Fdfa.Gpu.Kernels", "Fdfa.Gpu"];

    private static readonly string[] s_train = ["train", .. CommandLineRun.Tiny, "--quiet", "--output"];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [SkippableFact]
    public async Task The_sample_of_the_readme_runs_in_a_new_project_and_the_program_installs()
    {
        Skip.IfNot(
            Environment.GetEnvironmentVariable("FDFA_PACKAGES") == "1",
            "Packs, restores and builds, which takes a minute or two; set FDFA_PACKAGES=1 to run it, as .ci/run does.");
        Skip.If(SharedData.Repository is null, "There is nothing to pack: the tests run without the repository.");
        string repository = SharedData.Repository!;
        string packages = folder.File("packages");
        await DotnetAsync(repository, "pack", "Fdfa.sln", "-c", "Release", "--no-build", "-o", packages);
        string version = Path.GetFileName(
            Directory.GetFiles(packages, "Fdfa.Gpu.Kernels.*.nupkg").Single())["Fdfa.Gpu.Kernels.".Length..^".nupkg".Length];
        Assert.All(s_libraries, library => AssertPackage(packages, library, version));

        // Beside the machine's own sources, which have what the packages depend on.
        Write("nuget.config", """<configuration><packageSources><add key="packed" value="packages" /></packageSources></configuration>""");
        Write("sample/sample.csproj", $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <OutputType>Exe</OutputType>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Fdfa.Gpu" Version="{version}" />
              </ItemGroup>
            </Project>
            """);
        Write("sample/Program.cs", Sample(await File.ReadAllTextAsync(Path.Combine(repository, "README.md"))));
        string output = await DotnetAsync(folder.File("sample"), "run", "-c", "Release");
        double[] accuracies =
        [
            .. Regex.Matches(output, @"^Epoch \d+: test accuracy (0\.\d{3}|1\.000)\r?$", RegexOptions.Multiline)
                .Select(match => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)),
        ];
        Assert.Equal(10, accuracies.Length);
        Assert.True(accuracies[^1] > 0.9 && accuracies[^1] > accuracies[0], output);
        Assert.True(new FileInfo(folder.File("sample/network.onnx")).Length > 100_000);

        await DotnetAsync(folder.Path, "tool", "install", "fdfa", "--version", version, "--tool-path", "tools");
        string said = await RunAsync(Directory.GetFiles(folder.File("tools"), "fdfa*").Single(), folder.Path, "--version");
        Assert.StartsWith("fdfa ", said, StringComparison.Ordinal);
    }

    /// <summary>The program as one file, and with its native parts beside it, one of which is lost.</summary>
    [SkippableFact]
    public async Task The_program_runs_as_a_single_file_and_without_its_plotting_library_draws_nothing()
    {
        Skip.IfNot(
            Environment.GetEnvironmentVariable("FDFA_PACKAGES") == "1",
            "Publishes twice, which takes a minute; set FDFA_PACKAGES=1 to run it, as .ci/run does.");
        Skip.IfNot(OperatingSystem.IsLinux() && SharedData.Repository is not null, "Publishes the repository for Linux.");
        string alone = await PublishAsync("alone");
        Assert.Empty(Directory.GetFiles(folder.File("alone"), "*.so"));
        Assert.StartsWith("fdfa ", await RunAsync(alone, folder.Path, "--version"), StringComparison.Ordinal);
        await RunAsync(alone, folder.Path, [.. s_train, folder.File("drawn")]);
        Assert.True(File.Exists(folder.File("drawn/curves.png")));
        await RunAsync(alone, folder.Path, "train", "--sweep", "lr=1e-3,1e-4", "--limit", "64", "--slurm", "job.sh", "--output", "sweep");
        Assert.Contains($"\nexec {alone} train ", await File.ReadAllTextAsync(folder.File("job.sh")), StringComparison.Ordinal);

        string beside = await PublishAsync("beside", "-p:IncludeNativeLibrariesForSelfExtract=false");
        File.Delete(folder.File("beside/libSkiaSharp.so"));
        Assert.StartsWith("fdfa ", await RunAsync(beside, folder.Path, "--version"), StringComparison.Ordinal);
        Assert.Contains(
            "No pictures were drawn", await RunAsync(beside, folder.Path, [.. s_train, folder.File("undrawn")]), StringComparison.Ordinal);
        Assert.True(File.Exists(folder.File("undrawn/metrics.csv")));
        Assert.False(File.Exists(folder.File("undrawn/curves.png")));
    }

    /// <summary>With builds and a lock file of its own: a runtime's packages are not in the repository's.</summary>
    private async Task<string> PublishAsync(string name, params string[] more)
    {
        await DotnetAsync(
            SharedData.Repository!,
            [
                "publish", "Fdfa.Experiments", "-c", "Release", "-r", RuntimeInformation.RuntimeIdentifier,
                "--self-contained", "-p:PublishSingleFile=true", "-o", folder.File(name), .. more,
                "--artifacts-path", folder.File("artifacts"), "-p:RestorePackagesWithLockFile=false",
                $"-p:NuGetLockFilePath={folder.File("none.json")}", "-p:RunAnalyzers=false",
            ]);
        return folder.File($"{name}/fdfa");
    }

    /// <summary>The code that the README has for other programs.</summary>
    private static string Sample(string readme)
    {
        Match block = Regex.Match(
            readme, @"^## In your own program\s+```csharp\n(.+?)^```", RegexOptions.Multiline | RegexOptions.Singleline);
        Assert.True(block.Success, "README.md has no C# under 'In your own program'.");
        return block.Groups[1].Value;
    }

    private static void AssertPackage(string packages, string library, string version)
    {
        Assert.True(File.Exists(Path.Combine(packages, $"{library}.{version}.snupkg")), $"{library} has no symbols.");
        using ZipArchive package = ZipFile.OpenRead(Path.Combine(packages, $"{library}.{version}.nupkg"));
        string[] files = [.. package.Entries.Select(entry => entry.FullName)];
        Assert.Contains("README.md", files);
        Assert.Contains($"lib/net10.0/{library}.dll", files);
        Assert.Contains($"lib/net10.0/{library}.xml", files);
        using Stream stream = package.GetEntry($"{library}.nuspec")!.Open();
        XElement metadata = XDocument.Load(stream).Root!.Elements().Single(element => element.Name.LocalName == "metadata");
        string Value(string name) => metadata.Elements().Single(element => element.Name.LocalName == name).Value;
        Assert.Equal("MIT", Value("license"));
        Assert.Equal("README.md", Value("readme"));
        Assert.InRange(Value("description").Length, 50, 250);
    }

    private void Write(string name, string text) => folder.Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    private Task<string> DotnetAsync(string workingFolder, params string[] arguments) => RunAsync("dotnet", workingFolder, arguments);

    private async Task<string> RunAsync(string program, string workingFolder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = workingFolder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // A cache of its own: the machine's may have other packages of this version. And no server that outlives the test.
        start.Environment["NUGET_PACKAGES"] = folder.File("cache");
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        output += await error;
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}:\n{output}");
        return output;
    }
}
