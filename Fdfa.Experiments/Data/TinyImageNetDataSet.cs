using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Fdfa.Cpu.Reference.Description;

namespace Fdfa.Experiments.Data;

/// <summary>Tiny ImageNet 200 (Stanford's CS231N): the official zip archive, or the folder that it unpacks to.</summary>
/// <remarks>
/// wnids.txt gives the classes their order. The archive's own test images have no labels: val/ is the test set. A part of
/// the images in the same layout is read as well; whoever reads it hears how much there is.
/// </remarks>
/// <param name="ClassCount">Lines of wnids.txt.</param>
/// <param name="Archive">As the authors distribute it.</param>
internal sealed record TinyImageNetDataSet(int ClassCount, RemoteFile Archive)
    : DataSetDescription("tiny-imagenet", Channels: 3, Side: 64, TrainingSamples: 100000, TestSamples: 10000)
{
    private const string Root = "tiny-imagenet-200";
    private const string ClassList = "wnids.txt";
    private const string Annotations = "val/val_annotations.txt";
    private const string TestFolder = "val/images/";

    /// <summary>Raise it where decoding comes to give other pixels: files of decoded images are made anew then.</summary>
    private const int DecoderVersion = 2;

    private const int MostImageBytes = 1 << 20;
    private const int MostTextBytes = 1 << 24;
    private const int BatchSize = 512;

    /// <summary>The data set.</summary>
    public static TinyImageNetDataSet TinyImageNet { get; } = new(
        200,
        new RemoteFile(
            "tiny-imagenet-200.zip",
            248100043,
            Checksum.Md5("90528d7ca1a48142e341f4ef8d21d0de"),
            [new Uri("http://cs231n.stanford.edu/tiny-imagenet-200.zip")]));

    private int SampleSize => Channels * Side * Side;

    /// <inheritdoc/>
    public override FoundDataSet? Find(string folder)
    {
        string[] folders = [folder, Path.Combine(folder, Root)];
        string[] archives = [Path.Combine(folder, Archive.Name), Path.Combine(folder, Root + "-subset.zip")];
        return (folders.FirstOrDefault(each => File.Exists(Path.Combine(each, ClassList)))
            ?? archives.FirstOrDefault(File.Exists)) is { } place
            ? new Found(this, place)
            : null;
    }

    /// <inheritdoc/>
    public override string Missing(string folder) => $"{Archive.Name}, or its {ClassList} with train and val beside it";

    /// <inheritdoc/>
    public override bool HasPart(string folder) =>
        Directory.Exists(Path.Combine(folder, Root)) || File.Exists(Path.Combine(folder, Annotations));

    /// <inheritdoc/>
    public override IReadOnlyList<RemoteFile> Downloads(string folder) => [Archive];

    /// <param name="Name">Of its file.</param>
    /// <param name="Label">Its class.</param>
    private readonly record struct LabelledImage(string Name, byte Label);

    private sealed record Listing(IReadOnlyList<string> Classes, IReadOnlyList<LabelledImage> Training, IReadOnlyList<LabelledImage> Test);

    private sealed class Found(TinyImageNetDataSet set, string place) : FoundDataSet(place)
    {
        public override SampleCounts Count()
        {
            using ImageFiles files = ImageFiles.Open(Place, Root);
            Listing listing = List(files);
            return new SampleCounts(listing.Training.Count, listing.Test.Count);
        }

        public override DataSetPair Read(DataSetReading reading)
        {
            using ImageFiles files = ImageFiles.Open(Place, Root);
            Listing listing = List(files);
            byte[] identity = Identify(listing, files, reading.SkipsBadImages);
            string cache = Path.Combine(reading.CacheFolder, $"decoded-{Convert.ToHexStringLower(identity.AsSpan(0, 8))}.bin");
            DecodedImages? images = DecodedImages.TryOpen(cache, identity, set.SampleSize);
            if (images is null)
            {
                string what = File.Exists(cache) ? $"Decoding {set.Name} again, because '{cache}' is damaged" : $"Decoding {set.Name}";
                Decode(listing, files, cache, identity, reading, what);
                images = DecodedImages.TryOpen(cache, identity, set.SampleSize)
                    ?? throw new DataFormatException(
                        $"The decoded images in '{cache}' cannot be read back; delete the file and run the same command again.");
            }

            return new DataSetPair(
                new ImageDataSet(
                    set.Name, images.TrainingSamples, images.TrainingLabels, set.Side, set.Side, set.Channels, listing.Classes),
                new ImageDataSet(set.Name, images.TestSamples, images.TestLabels, set.Side, set.Side, set.Channels, listing.Classes))
            {
                Source = Place,
                LeftOut = images.LeftOut,
                Owner = images,
            };
        }

        private Listing List(ImageFiles files)
        {
            string[] classes = ReadLines(files, ClassList);
            if (classes.Length != set.ClassCount || classes.Distinct().Count() != classes.Length)
            {
                throw Malformed($"{set.ClassCount} different classes in {ClassList}", $"{classes.Distinct().Count()}");
            }

            Dictionary<string, byte> labels = classes.Select((name, index) => (name, index))
                .ToDictionary(pair => pair.name, pair => (byte)pair.index);
            return new Listing(classes, ListTraining(files, labels), ListTest(files, labels));
        }

        /// <summary>
        /// The first image of each class, then the second: however many are taken from the beginning, no class is missing.
        /// </summary>
        private List<LabelledImage> ListTraining(ImageFiles files, Dictionary<string, byte> labels)
        {
            var ofClass = new List<string>[set.ClassCount];
            foreach (string name in files.Stamps.Keys)
            {
                if (name.Split('/') is ["train", var folder, "images", var file] && IsJpeg(file) && !IsAppleDouble(files, name, file))
                {
                    byte label = labels.TryGetValue(folder, out byte known)
                        ? known
                        : throw Malformed($"the classes of {ClassList} in train", QuotedText.Of(folder));
                    (ofClass[label] ??= []).Add(name);
                }
            }

            var images = ofClass
                .SelectMany(
                    (names, label) => (names ?? []).OrderBy(name => name.Length).ThenBy(name => name, StringComparer.Ordinal)
                        .Select((name, index) => (index, new LabelledImage(name, (byte)label))))
                .OrderBy(pair => pair.index)
                .Select(pair => pair.Item2)
                .ToList();
            return images.Count > 0 ? images : throw Malformed("images such as train/n01443537/images/n01443537_0.JPEG", "none");
        }

        /// <summary>Rows without an image are those of a part.</summary>
        private List<LabelledImage> ListTest(ImageFiles files, Dictionary<string, byte> labels)
        {
            var images = new List<LabelledImage>();
            var seen = new HashSet<string>();
            foreach (string line in ReadLines(files, Annotations))
            {
                string[] cells = line.Split('\t');
                if (cells.Length < 2 || !labels.TryGetValue(cells[1], out byte label) || !seen.Add(cells[0]))
                {
                    throw Malformed(
                        $"a new image and a class of {ClassList} in each line of {Annotations}", QuotedText.Of(line.Replace('\t', ' ')));
                }

                if (files.Stamps.ContainsKey(TestFolder + cells[0]))
                {
                    images.Add(new LabelledImage(TestFolder + cells[0], label));
                }
            }

            return images.Count > 0 ? images : throw Malformed($"images in {TestFolder} that {Annotations} names", "none");
        }

        private string[] ReadLines(ImageFiles files, string name)
        {
            if (!files.Stamps.ContainsKey(name))
            {
                throw Malformed($"a file {name}", "none");
            }

            // A mark at the beginning tells the encoding, and belongs to no line.
            using var text = new StreamReader(new MemoryStream(files.Read(name, MostTextBytes)));
            return text.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        }

        private byte[] Identify(Listing listing, ImageFiles files, bool skipsBadImages)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            Add(string.Create(CultureInfo.InvariantCulture, $"decoder {DecoderVersion}, {set.Side} pixels, skip {skipsBadImages}"));
            foreach (IReadOnlyList<LabelledImage> images in (IReadOnlyList<LabelledImage>[])[listing.Training, listing.Test])
            {
                Add(string.Create(CultureInfo.InvariantCulture, $"{images.Count} images"));
                foreach (LabelledImage image in images)
                {
                    Add(string.Create(CultureInfo.InvariantCulture, $"{image.Name} {image.Label} {files.Stamps[image.Name]}"));
                }
            }

            return hash.GetHashAndReset();

            void Add(string line) => hash.AppendData(Encoding.UTF8.GetBytes(line + "\n"));
        }

        private void Decode(Listing listing, ImageFiles files, string cache, byte[] identity, DataSetReading reading, string what)
        {
            try
            {
                DeleteUnfinished(reading.CacheFolder);
                DecodedImages.Write(cache, identity, set.SampleSize, append =>
                {
                    int total = listing.Training.Count + listing.Test.Count;
                    byte[] training = Decode(listing.Training, files, append, reading, what, 0, total);
                    byte[] test = Decode(listing.Test, files, append, reading, what, listing.Training.Count, total);
                    return training.Length > 0 && test.Length > 0
                        ? (training, test, total - training.Length - test.Length)
                        : throw Malformed("images that decode, for training and for testing", "none of one kind");
                });
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                throw new DataFormatException(
                    $"The decoded images of {set.Name} cannot be kept in '{reading.CacheFolder}' ({failure.Message}); "
                    + "make room there, or name another cache folder with the environment variable XDG_CACHE_HOME.",
                    failure);
            }
        }

        /// <summary>
        /// Reads a batch in order, since an archive is read by one at a time, and decodes it on all cores: memory is a batch's.
        /// </summary>
        /// <returns>The labels of the images that decoded.</returns>
        private byte[] Decode(
            IReadOnlyList<LabelledImage> images,
            ImageFiles files,
            DecodedImages.Append append,
            DataSetReading reading,
            string what,
            int done,
            int total)
        {
            var labels = new List<byte>(images.Count);
            var pixels = new byte[Math.Min(BatchSize, images.Count) * set.SampleSize];
            foreach (LabelledImage[] batch in images.Chunk(BatchSize))
            {
                reading.Cancellation.ThrowIfCancellationRequested();
                byte[][] contents = [.. batch.Select(image => ReadImage(files, image))];
                var failures = new BadImageException?[batch.Length];
                Parallel.For(0, batch.Length, index =>
                {
                    try
                    {
                        JpegImage.Decode(contents[index], set.Side, pixels.AsSpan(index * set.SampleSize, set.SampleSize));
                    }
                    catch (BadImageException failure)
                    {
                        failures[index] = failure;
                    }
                });
                for (var index = 0; index < batch.Length; index++)
                {
                    if (failures[index] is null)
                    {
                        append(pixels.AsSpan(index * set.SampleSize, set.SampleSize));
                        labels.Add(batch[index].Label);
                    }
                    else if (!reading.SkipsBadImages)
                    {
                        throw new DataFormatException(
                            $"The image {QuotedText.Of(batch[index].Name)} in '{Place}' {failures[index]!.Message}; "
                            + "get the data set again, or leave such images out with --skip-bad-images.",
                            failures[index]);
                    }
                }

                done += batch.Length;
                reading.Progress?.Report(new LoadingProgress(what, done, total, "image"));
            }

            return [.. labels];
        }

        private byte[] ReadImage(ImageFiles files, LabelledImage image)
        {
            try
            {
                return files.Read(image.Name, MostImageBytes);
            }
            catch (DataFormatException failure)
            {
                throw new DataFormatException($"In '{Place}', {failure.Message}", failure);
            }
        }

        /// <summary>
        /// A decoding that was killed leaves its file behind, which may be a gigabyte; one under way has just written to its own.
        /// </summary>
        private static void DeleteUnfinished(string folder)
        {
            if (!Directory.Exists(folder))
            {
                return;
            }

            foreach (string file in Directory.EnumerateFiles(folder, ".decoded-*.tmp")
                .Where(file => File.GetLastWriteTimeUtc(file) < DateTime.UtcNow.AddHours(-1)))
            {
                File.Delete(file);
            }
        }

        private DataFormatException Malformed(string expected, string found) =>
            new($"'{Place}' should have the layout of {set.Archive.Name} with {expected}, but has {found}; get {set.Archive.Name} again.");

        private static bool IsAppleDouble(ImageFiles files, string name, string file) =>
            file.StartsWith("._", StringComparison.Ordinal)
            && FileSignature.Of(files.Read(name, MostImageBytes)) == FileSignature.AppleDouble;

        private static bool IsJpeg(string file) =>
            file.EndsWith(".JPEG", StringComparison.OrdinalIgnoreCase) || file.EndsWith(".jpg", StringComparison.OrdinalIgnoreCase);
    }
}
