using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Cpu.Reference.Randomness;
using Fdfa.Experiments.Data;
using Fdfa.Experiments.Runs;
using Fdfa.Experiments.Sweeps;
using Fdfa.Gpu.Checkpoints;
using Fdfa.Gpu.Exchange;
using Fdfa.Tests.CommandLine;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.Mutations;

/// <summary>Something that reads what others wrote. A new one is a new row of <see cref="All"/>.</summary>
/// <param name="Name">For people.</param>
/// <param name="Originals">Inputs that it takes.</param>
/// <param name="Read">Reads an input, for which it may use a folder; what earlier inputs left there, it replaces.</param>
/// <remarks>
/// Where a checksum or a container would stop nearly all damage at the door, the damage is done behind it, in a row of its own.
/// </remarks>
internal sealed record Parser(string Name, IReadOnlyList<byte[]> Originals, Action<byte[], TemporaryFolder> Read)
{
    private delegate void Save(string path, NetworkDescription network, NetworkParameters parameters);

    private const string CheckpointFile = "checkpoint.json";

    // Made once: encoding images takes longer than reading them.
    private static readonly Dictionary<string, byte[]> s_tinyImageNet = SmallTinyImageNet.Files();
    private static readonly byte[] s_image = SmallTinyImageNet.Jpeg(0);
    private static readonly Dictionary<string, byte[]> s_checkpoint = Checkpoint();
    private static readonly NetworkDescription s_dense = new([3, 4, 5, 2], ActivationFunction.Tanh);

    private static readonly NetworkDescription s_convolutional =
        Topology.Parse("3C3/2+1-P3/2-2C2-A2-5-2", inputShape: new ImageShape(3, 13, 13), batchNormalization: true);

    public static IReadOnlyList<Parser> All { get; } =
    [
        new("IDX images", [SmallDataSet.Images(3, 4)], (input, folder) => IdxFile.ReadImages(folder.Write("images", input))),
        new(
            "IDX images in gzip",
            [SmallDataSet.Gzip(SmallDataSet.Images(3, 4))],
            (input, folder) => IdxFile.ReadImages(folder.Write("images", input))),
        new(
            "IDX images in several members of gzip",
            [[.. SmallDataSet.Gzip(SmallDataSet.Images(3, 4)[..9]), .. SmallDataSet.Gzip(SmallDataSet.Images(3, 4)[9..]), .. new byte[20]]],
            (input, folder) => IdxFile.ReadImages(folder.Write("images", input))),
        new(
            "IDX images behind gzip's checksum",
            [SmallDataSet.Images(3, 4)],
            (input, folder) => IdxFile.ReadImages(folder.Write("images", SmallDataSet.Gzip(input)))),
        new("IDX labels", [SmallDataSet.Labels(1, 2, 0)], (input, folder) => IdxFile.ReadLabels(folder.Write("labels", input), 3)),
        OfCifar(CifarDataSet.Cifar10),
        OfCifar(CifarDataSet.Cifar100),
        new("CIFAR's archive", [SmallCifar.Archive(CifarDataSet.Cifar100)], ReadCifarArchive),
        new(
            "CIFAR's archive behind gzip's and tar's checksums",
            [SmallCifar.Unpack(SmallCifar.Archive(CifarDataSet.Cifar100))],
            (input, folder) => ReadCifarArchive(SmallDataSet.Gzip(SmallCifar.WithTarChecksums(input)), folder)),
        new("Tiny ImageNet's archive", [SmallTinyImageNet.Zip(s_tinyImageNet)], ReadTinyImageNet),
        OfTinyImageNet("wnids.txt"),
        OfTinyImageNet("val/val_annotations.txt"),
        new(
            "names in Tiny ImageNet's archive",
            Texts($"train/{SmallTinyImageNet.Class(5)}/images/5.JPEG", "val/images/val_2.JPEG"),
            (input, folder) =>
                ReadTinyImageNet(SmallTinyImageNet.Zip(s_tinyImageNet.Append(new(Encoding.UTF8.GetString(input), s_image))), folder)),
        new("JPEG images", [s_image, SmallTinyImageNet.Jpeg(1, grey: true)], ReadImage),
        new(
            "JPEG images of other colours",
            [
                SmallJpeg.Of([200, 100, 50], "RGB"),
                SmallJpeg.Of([200, 100, 50], "", SmallJpeg.Jfif, SmallJpeg.Adobe(0)),
                SmallJpeg.Of([200, 100, 50, 128], "", SmallJpeg.Adobe(2)),
            ],
            ReadImage),
        new("images decoded before", [Decoded()], ReadDecoded),
        new("images decoded before behind their checksum", [Decoded()], (input, folder) => ReadDecoded(WithImageChecksum(input), folder)),
        new(
            "weights of other precisions",
            [Weights("F64", 8), Weights("F16", 2), Weights("BF16", 2)],
            (input, folder) => StateDict.Load(folder.Write("model.safetensors", input), new NetworkDescription([3, 2]))),
        new(
            "files of other formats",
            [
                SmallTinyImageNet.Zip([new("weights/data.pkl", [1])], root: ""),
                [0x80, 2, 0x8a, 10, .. new byte[9]],
                [0x89, .. "PNG"u8],
                [.. " <!doctype html>"u8],
            ],
            (input, folder) =>
            {
                using FileStream file = File.OpenRead(folder.Write("file", input));
                OtherFormat.Of(file);
                FileSignature.Of(input);
            }),
        OfSafetensors("a dense model", SaveModel, ModelFile.Load, s_dense),
        OfSafetensors("a convolutional model", SaveModel, ModelFile.Load, s_convolutional),
        OfSafetensors("a state_dict", StateDict.Save, StateDict.Load, s_convolutional),
        OfSafetensorsHeader("a dense model's header", SaveModel, ModelFile.Load, s_dense),
        OfSafetensorsHeader("a convolutional model's header", SaveModel, ModelFile.Load, s_convolutional),
        OfSafetensorsHeader("a state_dict's header", StateDict.Save, StateDict.Load, s_convolutional),
        new(
            "a model's words",
            Texts(
                "784-8-10\nTanh\n\n1\nBlockOutput", "3C3-P2-10\nReLU\n3x64x64\n1\nBeforePool",
                "alexnet-10\nReLU\n3x64x64\n1,2,3,4,5\nPreActivation"),
            ReadWords),
        new("checkpoint.json", [s_checkpoint[CheckpointFile]], ReadCheckpoint),
        new(
            "checkpoint.json behind its checksum",
            [s_checkpoint[CheckpointFile]],
            (input, folder) => ReadCheckpoint(WithChecksum(input), folder)),
        OfTopology("topologies of dense networks", null, "784-800-800-10", "1-1"),
        OfTopology("topologies of small networks", new ImageShape(1, 28, 28), "15C5-P2-40C5-P2-128-10", "784-10"),
        OfTopology("topologies of large networks", new ImageShape(3, 224, 224), "64C11/4+2-P3/2-192C5+2-P3/2-A6-4096-200", "alexnet-200"),
        new(
            "config.json",
            [Encoding.UTF8.GetBytes(SomeRun.Configuration.ToJson()), Encoding.UTF8.GetBytes(Convolutional().ToJson())],
            (input, folder) =>
            {
                folder.Write("config.json", input);
                RunFolder.ReadConfiguration(folder.Path).ToRequest().ToArguments();
            }),
        new(
            "metrics.csv",
            [
                Encoding.UTF8.GetBytes(
                    MetricsTable.ToCsv([new(0, 1, 1.5, 0.25, 1.25, 0.5, 1e-4, 1e-3, 0.125), new(1, 2, 0.5, 0.75, 0.25, 1, 1e-5, null, 2)])),
                Encoding.UTF8.GetBytes(
                    MetricsTable.ToCsv([new(0, 1, 1.5, 0.25, 1.25, 0.5, 1e-4, null, 2) { Validation = new(1.25, 0.5) }])),
            ],
            (input, folder) =>
            {
                folder.Write("metrics.csv", input);
                RunFolder.ReadMetrics(folder.Path);
            }),
        new(
            "the grid of a sweep",
            Texts("""{"lr": [1e-3, 0.5], "rule": ["FDFA", "\u0044FA"], "antithetic": true}""", "{}"),
            (input, folder) => SweepAxis.Read(folder.Write("grid.json", input))),
    ];

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static Parser OfCifar(CifarDataSet set) => new(
        $"files of {set.Name}",
        [.. SmallCifar.Files(set).Select(file => file.Contents)],
        (input, folder) =>
        {
            foreach (var (name, contents) in SmallCifar.Files(set))
            {
                folder.Write(name, name == set.TrainingFiles[0] ? input : contents);
            }

            Load(set, folder);
        });

    private static void ReadCifarArchive(byte[] input, TemporaryFolder folder)
    {
        folder.Write(CifarDataSet.Cifar100.Archive.Name, input);
        Load(CifarDataSet.Cifar100, folder);
    }

    private static Parser OfTinyImageNet(string list) => new(
        $"{list} of Tiny ImageNet",
        [s_tinyImageNet[list]],
        (input, folder) =>
            ReadTinyImageNet(SmallTinyImageNet.Zip(new Dictionary<string, byte[]>(s_tinyImageNet) { [list] = input }), folder));

    private static void ReadTinyImageNet(byte[] input, TemporaryFolder folder)
    {
        folder.Write(TinyImageNetDataSet.TinyImageNet.Archive.Name, input);
        Load(TinyImageNetDataSet.TinyImageNet, folder);
    }

    private static void Load(DataSetDescription set, TemporaryFolder folder)
    {
        FoundDataSet found = set.Find(folder.Path)!;
        found.Count();
        using DataSetPair data = found.Read(
            new DataSetReading(folder.File("cache"), SkipsBadImages: false, Progress: null, CancellationToken.None));
    }

    private static void ReadImage(byte[] input, TemporaryFolder folder)
    {
        try
        {
            JpegImage.Decode(input, 64, new byte[3 * 64 * 64]);
        }
        catch (BadImageException failure)
        {
            // As who reads a data set says it.
            throw new DataFormatException($"The image {failure.Message}.", failure);
        }
    }

    private static void ReadDecoded(byte[] input, TemporaryFolder folder)
    {
        using DecodedImages? images = DecodedImages.TryOpen(folder.Write("decoded", input), new byte[DecodedImages.IdentityBytes], 12);
    }

    private static byte[] WithImageChecksum(byte[] input)
    {
        const int Header = 64;
        const int Place = 56;
        byte[] copy = [.. input];
        if (copy.Length >= Header)
        {
            uint checksum = Crc32C.Append(Crc32C.Append(0, copy.AsSpan(Header)), copy.AsSpan(0, Place));
            BinaryPrimitives.WriteUInt32LittleEndian(copy.AsSpan(Place), checksum);
        }

        return copy;
    }

    private static byte[] Weights(string type, int bytes)
    {
        byte[] header = Encoding.UTF8.GetBytes(
            $$"""{"0.weight":{"dtype":"{{type}}","shape":[2,3],"data_offsets":[0,{{6 * bytes}}]},"""
            + $$""" "0.bias":{"dtype":"{{type}}","shape":[2],"data_offsets":[{{6 * bytes}},{{8 * bytes}}]} }""");
        return [.. BitConverter.GetBytes((long)header.Length), .. header, .. Enumerable.Range(0, 8 * bytes).Select(value => (byte)value)];
    }

    private static Parser OfSafetensors(
        string name, Save save, Func<string, NetworkDescription, NetworkParameters> load, NetworkDescription network) =>
        new(name, [Model(save, network)], (input, folder) => load(folder.Write("model.safetensors", input), network));

    private static Parser OfSafetensorsHeader(
        string name, Save save, Func<string, NetworkDescription, NetworkParameters> load, NetworkDescription network)
    {
        byte[] model = Model(save, network);
        int end = sizeof(long) + (int)BinaryPrimitives.ReadInt64LittleEndian(model);
        return new(name, [model[sizeof(long)..end]], (input, folder) =>
        {
            var length = new byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(length, input.Length);
            load(folder.Write("model.safetensors", [.. length, .. input, .. model[end..]]), network);
        });
    }

    private static void ReadWords(byte[] input, TemporaryFolder folder)
    {
        string[] words = ["topology", "activation", "input_shape", "batch_normalization", "perturbation_site"];
        byte[] header = SafetensorsHeader.Write(
            "", [], words.Zip(Encoding.UTF8.GetString(input).Split('\n'), KeyValuePair.Create).Where(word => word.Value.Length > 0));
        ModelFile.ReadNetwork(folder.Write("model.safetensors", header));
    }

    private static Parser OfTopology(string name, ImageShape? input, params string[] topologies) =>
        new(name, Texts(topologies), (text, _) => Topology.Parse(Encoding.UTF8.GetString(text), inputShape: input));

    private static byte[][] Texts(params string[] texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];

    private static void ReadCheckpoint(byte[] input, TemporaryFolder folder)
    {
        foreach (var (name, contents) in s_checkpoint)
        {
            folder.Write($"checkpoints/step-000000000007/{name}", name == CheckpointFile ? input : contents);
        }

        using var checkpoints = new RunCheckpoints(folder.Path);
        checkpoints.Newest(SomeRun.Configuration, _ => { });
    }

    /// <summary>The files of a checkpoint of a run that never took place.</summary>
    private static Dictionary<string, byte[]> Checkpoint()
    {
        using var folder = new TemporaryFolder();
        RunConfiguration run = SomeRun.Configuration;
        var manifest = new CheckpointManifest
        {
            Run = run.StartedAt,
            WrittenAt = run.StartedAt,
            Step = 7,
            Epoch = 1,
            StepInEpoch = 2,
            SecondsInEpoch = 0.5,
            Seeds = run.Seeds,
            Devices = run.Devices,
            Versions = run.Versions,
        };
        using var checkpoints = new RunCheckpoints(folder.Path);
        checkpoints.Write(manifest, [], (index, stream) => stream.WriteByte((byte)index));
        return Directory.GetFiles(folder.File("checkpoints/step-000000000007"))
            .ToDictionary(file => Path.GetFileName(file)!, File.ReadAllBytes);
    }

    private static byte[] WithChecksum(byte[] input)
    {
        const string Mark = "  \"checksum\": \"";
        string text = Encoding.UTF8.GetString(input);
        string above = text.LastIndexOf(Mark, StringComparison.Ordinal) is var end and >= 0 ? text[..end] : text;
        return Encoding.UTF8.GetBytes($"{above}{Mark}{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(above)))}\"\n}}\n");
    }

    private static RunConfiguration Convolutional()
    {
        RunRequest request = SomeRun.Request with
        {
            Network = Topology.Parse("15C5-P2-10", inputShape: new ImageShape(3, 64, 64), batchNormalization: true),
            Options = SomeRun.Request.Options with { Augmentation = new ImageAugmentation(64) },
        };
        return SomeRun.Configuration with
        {
            Network = request.Network.Topology,
            BatchNormalization = true,
            Options = request.Options,
            Data = SomeRun.Configuration.Data with { Shape = new ImageShape(3, 32, 32) },
        };
    }

    private static void SaveModel(string path, NetworkDescription network, NetworkParameters parameters) =>
        ModelFile.Save(path, network, new TrainingOptions(), parameters, new Dictionary<string, string> { ["seed"] = "1" });

    private static byte[] Model(Save save, NetworkDescription network)
    {
        using var folder = new TemporaryFolder();
        save(folder.File("model"), network, Initialiser.Create(network, new TrainingOptions(), 1));
        return File.ReadAllBytes(folder.File("model"));
    }

    private static byte[] Decoded()
    {
        using var folder = new TemporaryFolder();
        DecodedImages.Write(folder.File("decoded"), new byte[DecodedImages.IdentityBytes], 12, append =>
        {
            append(new byte[36]);
            return ([1, 2], [3], 0);
        });
        return File.ReadAllBytes(folder.File("decoded"));
    }
}
