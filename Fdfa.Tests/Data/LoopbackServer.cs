using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Fdfa.Tests.Data;

/// <summary>What a client asked for: a path, and the first byte of a range.</summary>
internal sealed record LoopbackRequest(string Path, long? RangeStart);

/// <summary>What the server answers.</summary>
internal sealed record LoopbackResponse(int Status, byte[] Body)
{
    /// <summary>Further header lines.</summary>
    public string Headers { get; init; } = "";

    /// <summary>Bytes that are sent of the body before the connection ends.</summary>
    public int? SendOnly { get; init; }

    /// <summary>Stays silent after the bytes that are sent, until the server ends.</summary>
    public bool Hangs { get; init; }

    /// <summary>Leaves out the Content-Length.</summary>
    public bool WithoutLength { get; init; }

    /// <summary>What a well-behaved server of a file answers.</summary>
    public static LoopbackResponse OfFile(byte[] file, LoopbackRequest request) => request.RangeStart switch
    {
        null => new LoopbackResponse(200, file),
        { } start when start >= file.Length => new LoopbackResponse(416, []),
        { } start =>
            new LoopbackResponse(206, file[(int)start..]) { Headers = $"Content-Range: bytes {start}-{file.Length - 1}/{file.Length}\r\n" },
    };
}

/// <summary>The least HTTP server that the downloader's tests need, on 127.0.0.1 alone.</summary>
internal sealed class LoopbackServer : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource end = new();
    private readonly Func<LoopbackRequest, LoopbackResponse> answer;

    public LoopbackServer(Func<LoopbackRequest, LoopbackResponse> answer)
    {
        this.answer = answer;
        listener.Start();
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");
        _ = Task.Run(AcceptAsync);
    }

    public Uri Address { get; }

    public List<LoopbackRequest> Requests { get; } = [];

    public void Dispose()
    {
        end.Cancel();
        listener.Stop();
        end.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await listener.AcceptTcpClientAsync(end.Token), end.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client, CancellationToken cancellation)
    {
        try
        {
            using var connection = client;
            await using var stream = client.GetStream();
            var request = await ReadRequestAsync(stream, cancellation);
            lock (Requests)
            {
                Requests.Add(request);
            }

            var response = answer(request);
            var length = response.WithoutLength ? "" : $"Content-Length: {response.Body.Length}\r\n";
            var head = $"HTTP/1.1 {response.Status} {(HttpStatusCode)response.Status}\r\nConnection: "
                + $"close\r\n{length}{response.Headers}\r\n";
            await stream.WriteAsync(Encoding.ASCII.GetBytes(head), cancellation);
            await stream.WriteAsync(response.Body.AsMemory(0, response.SendOnly ?? response.Body.Length), cancellation);
            if (response.Hangs)
            {
                await Task.Delay(Timeout.Infinite, cancellation);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or SocketException)
        {
            // The client left, or the test is over.
        }
    }

    private static async Task<LoopbackRequest> ReadRequestAsync(Stream stream, CancellationToken cancellation)
    {
        using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
        var path = (await reader.ReadLineAsync(cancellation))!.Split(' ')[1];
        long? start = null;
        while (await reader.ReadLineAsync(cancellation) is { Length: > 0 } line)
        {
            if (line.StartsWith("Range: bytes=", StringComparison.OrdinalIgnoreCase))
            {
                start = long.Parse(line["Range: bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture);
            }
        }

        return new LoopbackRequest(path, start);
    }
}
