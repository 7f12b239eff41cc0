using System.Security.Cryptography;
using Fdfa.Experiments.Data;

namespace Fdfa.Tests.Data;

public sealed class DownloaderTests : IDisposable
{
    private static readonly byte[] File = MakeFile();

    private readonly TemporaryFolder folder = new();
    private readonly HttpClient client = new();

    private string Target => folder.File("cache/set/file.gz");

    private string Part => $"{Target}.part";

    public void Dispose()
    {
        client.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task Progress_goes_from_nothing_to_the_size_of_the_file()
    {
        using var server = new LoopbackServer(request => LoopbackResponse.OfFile(File, request));
        var heard = new Heard<DownloadProgress>();
        await new Downloader(client).DownloadAsync(Request([server]), heard);
        AssertArrived();
        Assert.Equal(new DownloadProgress("file.gz", File.Length, File.Length), heard.Reports[^1]);
        Assert.Equal(new DownloadProgress("file.gz", 0, File.Length), heard.Reports[0]);
        Assert.Equal(heard.Reports.Select(report => report.BytesDone).Order(), heard.Reports.Select(report => report.BytesDone));
    }

    [Fact]
    public async Task An_MD5_is_checked_as_well()
    {
        using var server = new LoopbackServer(request => LoopbackResponse.OfFile(File, request));
#pragma warning disable CA5351 // Published checksums of Fashion-MNIST are MD5.
        var request = Request([server]) with { Checksum = Checksum.Md5(Convert.ToHexString(MD5.HashData(File))) };
#pragma warning restore CA5351
        await new Downloader(client).DownloadAsync(request);
        AssertArrived();
    }

    /// <summary>Of what an earlier run left, and from which byte the file is asked for then.</summary>
    [Theory]
    [InlineData(0, false, "the first")]
    [InlineData(1000, false, "1000")]
    [InlineData(300_000, false, "")]
    [InlineData(300_001, false, "the first")]
    [InlineData(1000, true, "1000, the first")]
    public async Task A_part_is_continued_where_it_can_be(int length, bool isForeign, string expected)
    {
        using var server = new LoopbackServer(request => LoopbackResponse.OfFile(File, request));
        WritePart(isForeign ? new byte[length] : [.. File.Append((byte)1).Take(length)]);
        await DownloadAsync(server);
        AssertArrived();
        Assert.Equal(
            expected, string.Join(", ", server.Requests.Select(request => request.RangeStart is { } start ? $"{start}" : "the first")));
    }

    [Fact]
    public async Task A_server_that_ignores_the_range_starts_the_file_again()
    {
        using var server = new LoopbackServer(_ => new LoopbackResponse(200, File));
        WritePart(new byte[1000]);
        await DownloadAsync(server);
        AssertArrived();
        Assert.Single(server.Requests);
    }

    public static TheoryData<string, byte[], int?> WorthlessAnswers => new()
    {
        { "ended after 12 of 300000 bytes", "<html></html>"u8.ToArray()[..12], null },
        { "ended after 2000 of 300000 bytes", File, 2000 },
        { "sent a file whose SHA256", new byte[File.Length], null },
        { "sent more than the 300000 bytes", new byte[File.Length + 1], null },
    };

    [Theory]
    [MemberData(nameof(WorthlessAnswers))]
    public async Task What_is_kept_outlives_a_server_that_ignores_the_range_and_sends_no_whole_file(
        string expected, byte[] body, int? sendOnly)
    {
        using (var server = new LoopbackServer(_ => new LoopbackResponse(200, body) { WithoutLength = true, SendOnly = sendOnly }))
        {
            WritePart(File[..1000]);
            await RefusedAsync([server], expected);
        }

        Assert.Equal([Part], Directory.GetFiles(Path.GetDirectoryName(Part)!));
        Assert.Equal(File[..1000], System.IO.File.ReadAllBytes(Part));
    }

    [Fact]
    public async Task What_is_kept_outlives_a_refused_range_that_no_whole_file_follows()
    {
        using var server = new LoopbackServer(request => new LoopbackResponse(request.RangeStart is null ? 503 : 416, []));
        WritePart(File[..1000]);
        await RefusedAsync([server], "answered 503");
        Assert.Equal(File[..1000], System.IO.File.ReadAllBytes(Part));
    }

    [Theory]
    [InlineData(206, "Content-Range: bytes 999-299999/300000\r\n")]
    [InlineData(206, "Content-Range: bytes 1000-299999/77\r\n")]
    [InlineData(206, "")]
    [InlineData(416, "")]
    public async Task A_wrong_or_refused_range_starts_the_file_again(int status, string headers)
    {
        using var server = new LoopbackServer(request => request.RangeStart is null
            ? new LoopbackResponse(200, File)
            : new LoopbackResponse(status, status == 206 ? File[1000..] : []) { Headers = headers });
        WritePart(File[..1000]);
        await DownloadAsync(server);
        AssertArrived();
        Assert.Equal([1000, null], server.Requests.Select(request => request.RangeStart));
    }

    [Fact]
    public async Task A_file_that_is_not_the_one_is_refused_and_nothing_is_kept()
    {
        foreach (var (response, words) in new (LoopbackResponse, string[])[]
        {
            (new(200, new byte[File.Length]), ["SHA256", "deleted"]),
            (new(200, new byte[File.Length + 10]), ["offers 300010 bytes"]),
            (new(200, new byte[File.Length - 10]), ["offers 299990 bytes"]),
            (new(200, new byte[File.Length + 10]) { WithoutLength = true }, ["more than the 300000 bytes"]),
        })
        {
            using var server = new LoopbackServer(_ => response);
            await RefusedAsync([server], words);
            Assert.False(System.IO.File.Exists(Part));
            Assert.False(System.IO.File.Exists(Target));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_file_cut_short_is_kept_as_a_part_and_continued_later(bool withoutLength)
    {
        var whole = false;
        using var server = new LoopbackServer(request => whole
            ? LoopbackResponse.OfFile(File, request)
            : new LoopbackResponse(200, File) { SendOnly = 150_000, WithoutLength = withoutLength });
        await RefusedAsync([server], "ended after 150000 of 300000 bytes", "run the same command again to continue");
        Assert.Equal(File[..150_000], System.IO.File.ReadAllBytes(Part));

        whole = true;
        await DownloadAsync(server);
        AssertArrived();
        Assert.Equal(150_000, server.Requests[^1].RangeStart);
    }

    [Theory]
    [InlineData(200, 150_000L)]
    [InlineData(404, null)]
    public async Task Another_mirror_goes_on_where_the_first_stopped(int status, long? expected)
    {
        using var first = new LoopbackServer(
            _ => new LoopbackResponse(status, status == 200 ? File : []) { SendOnly = status == 200 ? 150_000 : 0 });
        using var second = new LoopbackServer(request => LoopbackResponse.OfFile(File, request));
        await DownloadAsync(first, second);
        AssertArrived();
        Assert.Equal([expected], second.Requests.Select(request => request.RangeStart));
    }

    [Fact]
    public async Task A_file_missing_everywhere_names_each_address_its_status_and_the_way_by_hand()
    {
        using var first = new LoopbackServer(_ => new LoopbackResponse(404, []));
        using var second = new LoopbackServer(_ => new LoopbackResponse(503, []));
        await RefusedAsync(
            [first, second],
            $"{first.Address}file.gz answered 404", $"{second.Address}file.gz answered 503", Path.GetDirectoryName(Target)!,
            "--data-dir", "FDFA_DATA");
        Assert.False(System.IO.File.Exists(Part));
    }

    [Fact]
    public async Task A_host_that_is_not_there_is_one_sentence_too()
    {
        LoopbackServer server;
        using (server = new LoopbackServer(_ => new LoopbackResponse(404, [])))
        {
        }

        await RefusedAsync([server], "cannot be reached");
    }

    [Fact]
    public async Task A_silent_server_is_given_up()
    {
        using var server = new LoopbackServer(_ => new LoopbackResponse(200, File) { SendOnly = 1000, Hangs = true });
        await Refusal.OfAsync<DownloadException>(
            () => new Downloader(client, TimeSpan.FromSeconds(2)).DownloadAsync(Request([server])), "stayed silent");
        Assert.Equal(1000, new FileInfo(Part).Length);
    }

    [Fact]
    public async Task A_server_that_does_not_begin_to_send_is_given_up_sooner()
    {
        using var first = new LoopbackServer(_ => new LoopbackResponse(200, File) { SendOnly = 0, Hangs = true });
        using var second = new LoopbackServer(request => LoopbackResponse.OfFile(File, request));
        var downloader = new Downloader(client, patience: TimeSpan.FromDays(1), firstPatience: TimeSpan.FromMilliseconds(300));
        await downloader.DownloadAsync(Request([first, second]));
        AssertArrived();
    }

    [Fact]
    public async Task A_cancelled_download_keeps_its_part()
    {
        using var server = new LoopbackServer(_ => new LoopbackResponse(200, File) { SendOnly = 1000, Hangs = true });
        using var cancellation = new CancellationTokenSource();
        var heard = new Heard<DownloadProgress> { OnReport = report => _ = report.BytesDone >= 1000 ? cancellation.CancelAsync() : null };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            new Downloader(client).DownloadAsync(Request([server]), heard, cancellation.Token));
        Assert.Equal(1000, new FileInfo(Part).Length);
        Assert.False(System.IO.File.Exists(Target));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_one_sentence()
    {
        using var server = new LoopbackServer(request => LoopbackResponse.OfFile(File, request));
        folder.Write("cache", [1]);
        await RefusedAsync([server], "cannot be written");
    }

    private static byte[] MakeFile()
    {
        var bytes = new byte[300_000];
        new Random(1).NextBytes(bytes);
        return bytes;
    }

    private Task DownloadAsync(params LoopbackServer[] mirrors) => new Downloader(client).DownloadAsync(Request(mirrors));

    private Task<string> RefusedAsync(LoopbackServer[] mirrors, params string[] words) =>
        Refusal.OfAsync<DownloadException>(() => DownloadAsync(mirrors), words);

    private DownloadRequest Request(IEnumerable<LoopbackServer> mirrors) => new(
        [.. mirrors.Select(mirror => new Uri(mirror.Address, "file.gz"))],
        Target,
        File.Length,
        Checksum.Sha256(Convert.ToHexString(SHA256.HashData(File))));

    private void WritePart(byte[] bytes) => folder.Write("cache/set/file.gz.part", bytes);

    private void AssertArrived()
    {
        Assert.Equal(File, System.IO.File.ReadAllBytes(Target));
        Assert.Equal([Target], Directory.GetFiles(Path.GetDirectoryName(Target)!));
    }
}
