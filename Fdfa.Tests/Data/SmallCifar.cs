using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Fdfa.Experiments.Data;

namespace Fdfa.Tests.Data;

/// <summary>A few records of CIFAR-10 or CIFAR-100, in files or packed like the originals.</summary>
internal static class SmallCifar
{
    /// <summary>Records with these labels; pixel p of record r is r + p.</summary>
    /// <param name="coarse">What stands before each label: nothing, or the coarse label of CIFAR-100.</param>
    /// <param name="labels">One per record.</param>
    public static byte[] Records(byte[] coarse, params byte[] labels) =>
        [.. labels.SelectMany((label, record) => coarse.Append(label).Concat(Pixels(record)))];

    public static IEnumerable<byte> Pixels(int record) => Enumerable.Range(0, CifarFile.PixelBytes).Select(pixel => (byte)(record + pixel));

    /// <summary>The files of a data set, the training files in an order that is not theirs, as the original archive has them.</summary>
    public static List<(string Name, byte[] Contents)> Files(CifarDataSet set)
    {
        byte[] coarse = set == CifarDataSet.Cifar100 ? [19] : [];
        byte last = (byte)(set.ClassNames.Count - 1);
        return set == CifarDataSet.Cifar100
            ? [("train.bin", Records(coarse, last, 1, 2)), ("test.bin", Records(coarse, 3, last))]
            : [
                ("data_batch_2.bin", Records(coarse, 2)), ("test_batch.bin", Records(coarse, 3, last)),
                ("data_batch_1.bin", Records(coarse, last, 1))
            ];
    }

    public static byte[] Archive(CifarDataSet set, Func<string, string>? rename = null) =>
        Pack(Files(set).Select(file => ((rename ?? (name => name))($"{set.FolderName}/{file.Name}"), file.Contents)));

    public static byte[] Pack(IEnumerable<(string Name, byte[] Contents)> files)
    {
        using var plain = new MemoryStream();
        using (var archive = new TarWriter(plain, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (name, contents) in files)
            {
                archive.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(contents) });
            }
        }

        return SmallDataSet.Gzip(plain.ToArray());
    }

    /// <summary>Tar's headers with the checksums that they should have.</summary>
    public static byte[] WithTarChecksums(byte[] archive)
    {
        byte[] copy = [.. archive];
        for (var block = 0; block + 512 <= copy.Length; block += 512)
        {
            Span<byte> header = copy.AsSpan(block, 512);
            if (header[257..].StartsWith("ustar"u8))
            {
                Span<byte> checksum = header.Slice(148, 8);
                checksum.Fill((byte)' ');
                var sum = 0;
                foreach (byte each in header)
                {
                    sum += each;
                }

                Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(checksum);
            }
        }

        return copy;
    }

    public static byte[] Unpack(byte[] packed)
    {
        using var plain = new MemoryStream();
        using var gzip = new GZipStream(new MemoryStream(packed), CompressionMode.Decompress);
        gzip.CopyTo(plain);
        return plain.ToArray();
    }
}
