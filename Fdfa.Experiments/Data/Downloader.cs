using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Fdfa.Cpu.Reference.Description;
using Fdfa.Gpu.Checkpoints;

namespace Fdfa.Experiments.Data;

/// <summary>A file that no mirror gave, or that cannot be kept.</summary>
internal sealed class DownloadException(string message, Exception? cause = null) : FdfaException(message, cause);

/// <summary>One file to fetch.</summary>
/// <param name="Mirrors">Full addresses of the same bytes, in the order to try.</param>
/// <param name="Path">Its final name here.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Checksum">Of the whole file.</param>
internal sealed record DownloadRequest(IReadOnlyList<Uri> Mirrors, string Path, long Size, Checksum Checksum);

/// <summary>How far a file has come.</summary>
/// <param name="FileName">Without its folder.</param>
/// <param name="BytesDone">Bytes here, those of an earlier run included.</param>
/// <param name="BytesTotal">Bytes of the whole file.</param>
internal readonly record struct DownloadProgress(string FileName, long BytesDone, long BytesTotal);

/// <summary>Fetches a file: resumed where an earlier run stopped, checked, and only then under its final name.</summary>
/// <remarks>
/// Bytes collect in "name.part". Mirrors hold the same bytes and the checksum covers them all, so one mirror may go
/// on where another stopped. What is known to be wrong is thrown away; what is merely incomplete is kept, and what arrives
/// in place of it collects in "name.part.new" until it is whole and right.
/// </remarks>
/// <param name="client">Sends the requests; the caller owns it.</param>
/// <param name="patience">How long a mirror may stay silent once it has begun to send; null for 30 seconds.</param>
/// <param name="firstPatience">How long it may take to the first byte; null for 10 seconds.</param>
internal sealed class Downloader(HttpClient client, TimeSpan? patience = null, TimeSpan? firstPatience = null)
{
    private const int BufferSize = 1 << 17;

    private readonly TimeSpan _patience = patience ?? TimeSpan.FromSeconds(30);
    private readonly TimeSpan _firstPatience = firstPatience ?? TimeSpan.FromSeconds(10);

    /// <summary>Fetches one file.</summary>
    /// <param name="request">What, from where and to where.</param>
    /// <param name="progress">Hears of every piece that arrives.</param>
    /// <param name="cancellation">Stops; what has arrived stays for the next run.</param>
    /// <exception cref="DownloadException">No mirror gave the file, or its folder cannot be written.</exception>
    public async Task DownloadAsync(
        DownloadRequest request, IProgress<DownloadProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        var partPath = $"{request.Path}.part";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(request.Path))!);
            await FetchAsync(request, partPath, progress, cancellation).ConfigureAwait(false);
            AtomicFile.MoveIntoPlace(partPath, request.Path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DownloadException(
                $"The download '{request.Path}' cannot be written ({exception.Message}); "
                + $"make its folder writable, or name one that holds the data with --data-dir or {DataLocations.Variable}.",
                exception);
        }
    }

    private async Task FetchAsync(
        DownloadRequest request, string partPath, IProgress<DownloadProgress>? progress, CancellationToken cancellation)
    {
        var failures = new List<string>();
        long kept;

        // Not shared: two runs that write one file would both have to start again.
        await using (var part = new FileStream(partPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None))
        {
            foreach (var mirror in request.Mirrors)
            {
                if (await TryMirrorAsync(mirror, request, part, progress, cancellation).ConfigureAwait(false) is not { } failure)
                {
                    return;
                }

                failures.Add($"{mirror} {failure}");
            }

            kept = part.Length;
        }

        if (kept == 0)
        {
            File.Delete(partPath);
        }

        var name = Path.GetFileName(request.Path);
        var advice = kept == 0
            ? $"put {name} by hand into '{Path.GetDirectoryName(request.Path)}', "
                + $"or name a folder that holds it with --data-dir or {DataLocations.Variable}"
            : $"run the same command again to continue after the {kept} of {request.Size} bytes kept in '{partPath}', "
                + $"or name a folder that holds {name} with --data-dir or {DataLocations.Variable}";
        throw new DownloadException($"The file {name} cannot be downloaded: {string.Join("; ", failures)}; {advice}.");
    }

    /// <summary>
    /// Returns null when the part is whole and right, or else what is wrong, as the end of a sentence that the address begins.
    /// </summary>
    private async Task<string?> TryMirrorAsync(
        Uri mirror, DownloadRequest request, FileStream part, IProgress<DownloadProgress>? progress, CancellationToken cancellation)
    {
        if (part.Length > request.Size)
        {
            part.SetLength(0);
        }

        var kept = part.Length;
        var outcome = kept == request.Size
            ? await VerifyAsync(request, part, cancellation).ConfigureAwait(false)
            : await TransferAsync(mirror, request, part, kept, progress, cancellation).ConfigureAwait(false);

        // A clean start is worth one try where the part of an earlier run may be to blame.
        return outcome.StartAgain && kept > 0
            ? (await TransferAsync(mirror, request, part, 0, progress, cancellation).ConfigureAwait(false)).Failure
            : outcome.Failure;
    }

    /// <summary>
    /// Fetches the file from some byte on; from the first beside a part that there is, until what arrives has proved right.
    /// </summary>
    private async Task<Outcome> TransferAsync(
        Uri mirror,
        DownloadRequest request,
        FileStream part,
        long offset,
        IProgress<DownloadProgress>? progress,
        CancellationToken cancellation)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        silence.CancelAfter(_firstPatience);
        var patience = _firstPatience;
        try
        {
            using var message = new HttpRequestMessage(HttpMethod.Get, mirror);
            if (offset > 0)
            {
                message.Headers.Range = new RangeHeaderValue(offset, null);
            }

            using var response = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, silence.Token)
                .ConfigureAwait(false);
            if (Refusal(response, request, offset) is { } refusal)
            {
                return refusal;
            }

            await using var body = await response.Content.ReadAsStreamAsync(silence.Token).ConfigureAwait(false);

            // The server may begin at the first byte, whatever range was asked for.
            if (response.StatusCode == HttpStatusCode.PartialContent || part.Length == 0)
            {
                return await CopyAsync(body, request, part, progress, Listen, cancellation).ConfigureAwait(false);
            }

            await using var beside = new FileStream(
                $"{part.Name}.new", FileMode.Create, FileAccess.ReadWrite, FileShare.None, BufferSize, FileOptions.DeleteOnClose);
            var outcome = await CopyAsync(body, request, beside, progress, Listen, cancellation).ConfigureAwait(false);
            if (outcome == Outcome.Complete)
            {
                (beside.Position, part.Position) = (0, 0);
                await beside.CopyToAsync(part, cancellation).ConfigureAwait(false);
            }

            return outcome;
        }
        catch (HttpRequestException exception)
        {
            return new Outcome($"cannot be reached ({exception.Message})");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new Outcome($"stayed silent for {patience.TotalSeconds:0.#} seconds");
        }

        async Task<int> Listen(Stream body, Memory<byte> buffer)
        {
            var read = await body.ReadAsync(buffer, silence.Token).ConfigureAwait(false);
            patience = _patience;
            silence.CancelAfter(patience);
            return read;
        }
    }

    private static Outcome? Refusal(HttpResponseMessage response, DownloadRequest request, long offset)
    {
        var content = response.Content.Headers;
        switch (response.StatusCode)
        {
            case HttpStatusCode.OK:
                return content.ContentLength is { } length && length != request.Size
                    ? new Outcome($"offers {length} bytes where {request.Size} were expected")
                    : null;
            case HttpStatusCode.PartialContent:
                return offset > 0 && content.ContentRange is { From: { } from } range && from == offset
                    && (range.Length ?? request.Size) == request.Size
                    ? null
                    : new Outcome($"sent another range than the one from byte {offset}", StartAgain: true);
            case HttpStatusCode.RequestedRangeNotSatisfiable:
                return new Outcome($"refused the range from byte {offset} (416)", StartAgain: true);
            default:
                return new Outcome($"answered {(int)response.StatusCode} ({response.ReasonPhrase})");
        }
    }

    /// <summary>Appends what arrives to a file, and makes sure that it is right when it is whole.</summary>
    private static async Task<Outcome> CopyAsync(
        Stream body,
        DownloadRequest request,
        FileStream file,
        IProgress<DownloadProgress>? progress,
        Func<Stream, Memory<byte>, Task<int>> listen,
        CancellationToken cancellation)
    {
        var name = Path.GetFileName(request.Path);
        var buffer = new byte[BufferSize];
        var begin = file.Length;
        file.Position = begin;
        progress?.Report(new DownloadProgress(name, begin, request.Size));
        while (true)
        {
            int read;
            try
            {
                read = await listen(body, buffer).ConfigureAwait(false);
            }
            catch (IOException exception)
            {
                return Ended(file, request, $" ({exception.Message})");
            }

            if (read == 0)
            {
                return file.Length == request.Size
                    ? await VerifyAsync(request, file, cancellation).ConfigureAwait(false)
                    : Ended(file, request, "");
            }

            if (file.Length + read > request.Size)
            {
                file.SetLength(begin);
                return new Outcome($"sent more than the {request.Size} bytes that were expected", StartAgain: true);
            }

            await file.WriteAsync(buffer.AsMemory(0, read), cancellation).ConfigureAwait(false);
            progress?.Report(new DownloadProgress(name, file.Length, request.Size));
        }
    }

    private static Outcome Ended(FileStream file, DownloadRequest request, string reason) =>
        new($"ended after {file.Length} of {request.Size} bytes{reason}");

    /// <summary>Compares a whole file with its checksum; a wrong one is emptied.</summary>
    private static async Task<Outcome> VerifyAsync(DownloadRequest request, FileStream file, CancellationToken cancellation)
    {
        var found = await HashAsync(file, request.Checksum.Algorithm, cancellation).ConfigureAwait(false);
        if (found.Equals(request.Checksum.Hex, StringComparison.OrdinalIgnoreCase))
        {
            return Outcome.Complete;
        }

        file.SetLength(0);
        return new Outcome(
            $"sent a file whose {request.Checksum.Algorithm} is {found} where {request.Checksum.Hex} was expected, so it was deleted",
            StartAgain: true);
    }

    private static async Task<string> HashAsync(FileStream part, HashAlgorithmName algorithm, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(algorithm);
        var buffer = new byte[BufferSize];
        part.Position = 0;
        int read;
        while ((read = await part.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0)
        {
            hash.AppendData(buffer, 0, read);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>How a transfer ended.</summary>
    /// <param name="Failure">Null when the part has all its bytes.</param>
    /// <param name="StartAgain">True when what an earlier run kept may be to blame.</param>
    private sealed record Outcome(string? Failure, bool StartAgain = false)
    {
        public static Outcome Complete { get; } = new((string?)null);
    }
}
