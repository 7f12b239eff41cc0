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
    public async Task A_file_arrives_under_its_name_and_progress_ends_at_its_size()
    {
        using var server = new LoopbackServer(request => LoopbackResponse.OfFile(File, request));
        var heard = new Heard<DownloadProgress>();
        await DownloadAsync(heard, server);
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

    [Fact]
    public async Task A_part_is_continued()
    {
        using var server = new LoopbackServer(request => LoopbackResponse.OfFile(File, request));
        WritePart(File[..1000]);
        await DownloadAsync(server);
        AssertArrived();
        Assert.Equal([1000], server.Requests.Select(request => request.RangeStart));
    }

    [Fact]
    public async Task A_whole_part_is_only_checked()
    {
        using var server = new LoopbackServer(request => LoopbackResponse.OfFile(File, request));
        WritePart(File);
        await DownloadAsync(server);
        AssertArrived();
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task A_part_that_is_too_long_is_thrown_away()
    {
        using var server = new LoopbackServer(request => LoopbackResponse.OfFile(File, request));
        WritePart([.. File, 1]);
        await DownloadAsync(server);
        AssertArrived();
        Assert.Equal([null], server.Requests.Select(request => request.RangeStart));
    }

    [Fact]
    public async Task A_wrong_part_is_noticed_and_replaced()
    {
        using var server = new LoopbackServer(request => LoopbackResponse.OfFile(File, request));
        WritePart(new byte[1000]);
        await DownloadAsync(server);
        AssertArrived();
        Assert.Equal([1000, null], server.Requests.Select(request => request.RangeStart));
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
            Assert.Contains(expected, await FailureAsync(server), StringComparison.Ordinal);
        }

        Assert.Equal([Part], Directory.GetFiles(Path.GetDirectoryName(Part)!));
        Assert.Equal(File[..1000], System.IO.File.ReadAllBytes(Part));
    }

    [Fact]
    public async Task What_is_kept_outlives_a_refused_range_that_no_whole_file_follows()
    {
        using var server = new LoopbackServer(request => new LoopbackResponse(request.RangeStart is null ? 503 : 416, []));
        WritePart(File[..1000]);
        Assert.Contains("answered 503", await FailureAsync(server), StringComparison.Ordinal);
        Assert.Equal(File[..1000], System.IO.File.ReadAllBytes(Part));
    }

    [Theory]
    [InlineData("Content-Range: bytes 999-{0}/{1}\r\n")]
    [InlineData("Content-Range: bytes 1000-{0}/77\r\n")]
    [InlineData("")]
    public async Task A_wrong_range_starts_the_file_again(string header)
    {
        var headers = header.Replace("{0}", $"{File.Length - 1}", StringComparison.Ordinal).Replace("{1}", $"{File.Length}", StringComparison.Ordinal);
        using var server = new LoopbackServer(request => request.RangeStart is null
            ? new LoopbackResponse(200, File)
            : new LoopbackResponse(206, File[1000..]) { Headers = headers });
        WritePart(File[..1000]);
        await DownloadAsync(server);
        AssertArrived();
        Assert.Equal([1000, null], server.Requests.Select(request => request.RangeStart));
    }

    [Fact]
    public async Task A_refused_range_starts_the_file_again()
    {
        using var server = new LoopbackServer(request => request.RangeStart is null ? new LoopbackResponse(200, File) : new LoopbackResponse(416, []));
        WritePart(File[..1000]);
        await DownloadAsync(server);
        AssertArrived();
    }

    [Fact]
    public async Task A_wrong_checksum_is_said_and_nothing_is_kept()
    {
        using var server = new LoopbackServer(_ => new LoopbackResponse(200, new byte[File.Length]));
        var message = await FailureAsync(server);
        Assert.Contains("SHA256", message, StringComparison.Ordinal);
        Assert.Contains("deleted", message, StringComparison.Ordinal);
        Assert.False(System.IO.File.Exists(Part));
        Assert.False(System.IO.File.Exists(Target));
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
        var message = await FailureAsync(server);
        Assert.Contains("ended after 150000 of 300000 bytes", message, StringComparison.Ordinal);
        Assert.Contains("run the same command again to continue", message, StringComparison.Ordinal);
        Assert.Equal(File[..150_000], System.IO.File.ReadAllBytes(Part));

        whole = true;
        await DownloadAsync(server);
        AssertArrived();
        Assert.Equal(150_000, server.Requests[^1].RangeStart);
    }

    [Fact]
    public async Task Another_mirror_goes_on_where_the_first_stopped()
    {
        using var first = new LoopbackServer(_ => new LoopbackResponse(200, File) { SendOnly = 150_000 });
        using var second = new LoopbackServer(request => LoopbackResponse.OfFile(File, request));
        await DownloadAsync(first, second);
        AssertArrived();
        Assert.Equal([150_000], second.Requests.Select(request => request.RangeStart));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(-10)]
    public async Task A_file_of_another_size_is_refused_before_it_is_fetched(int more)
    {
        using var server = new LoopbackServer(_ => new LoopbackResponse(200, new byte[File.Length + more]));
        Assert.Contains($"offers {File.Length + more} bytes", await FailureAsync(server), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_without_end_is_cut_off()
    {
        using var server = new LoopbackServer(_ => new LoopbackResponse(200, new byte[File.Length + 10]) { WithoutLength = true });
        Assert.Contains("more than the 300000 bytes", await FailureAsync(server), StringComparison.Ordinal);
        Assert.False(System.IO.File.Exists(Part));
    }

    [Fact]
    public async Task A_missing_file_is_fetched_from_the_next_mirror()
    {
        using var first = new LoopbackServer(_ => new LoopbackResponse(404, []));
        using var second = new LoopbackServer(request => LoopbackResponse.OfFile(File, request));
        await DownloadAsync(first, second);
        AssertArrived();
    }

    [Fact]
    public async Task A_file_missing_everywhere_names_each_address_its_status_and_the_way_by_hand()
    {
        using var first = new LoopbackServer(_ => new LoopbackResponse(404, []));
        using var second = new LoopbackServer(_ => new LoopbackResponse(503, []));
        var message = await FailureAsync(first, second);
        Assert.Contains($"{first.Address}file.gz answered 404", message, StringComparison.Ordinal);
        Assert.Contains($"{second.Address}file.gz answered 503", message, StringComparison.Ordinal);
        Assert.Contains(Path.GetDirectoryName(Target)!, message, StringComparison.Ordinal);
        Assert.Contains("--data-dir", message, StringComparison.Ordinal);
        Assert.Contains("FDFA_DATA", message, StringComparison.Ordinal);
        Assert.False(System.IO.File.Exists(Part));
    }

    [Fact]
    public async Task A_host_that_is_not_there_is_one_sentence_too()
    {
        LoopbackServer server;
        using (server = new LoopbackServer(_ => new LoopbackResponse(404, [])))
        {
        }

        Assert.Contains("cannot be reached", await FailureAsync(server), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_silent_server_is_given_up()
    {
        using var server = new LoopbackServer(_ => new LoopbackResponse(200, File) { SendOnly = 1000, Hangs = true });
        var failure = await Assert.ThrowsAsync<DownloadException>(() =>
            new Downloader(client, TimeSpan.FromSeconds(2)).DownloadAsync(Request([server])));
        Assert.Contains("stayed silent", failure.Message, StringComparison.Ordinal);
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
        Assert.Contains("cannot be written", await FailureAsync(server), StringComparison.Ordinal);
    }

    private static byte[] MakeFile()
    {
        var bytes = new byte[300_000];
        new Random(1).NextBytes(bytes);
        return bytes;
    }

    private Task DownloadAsync(params LoopbackServer[] mirrors) => new Downloader(client).DownloadAsync(Request(mirrors));

    private Task DownloadAsync(Heard<DownloadProgress> heard, params LoopbackServer[] mirrors) =>
        new Downloader(client).DownloadAsync(Request(mirrors), heard);

    private async Task<string> FailureAsync(params LoopbackServer[] mirrors) =>
        (await Assert.ThrowsAsync<DownloadException>(() => DownloadAsync(mirrors))).Message;

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
