using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Fdfa.Experiments.Runs;

/// <summary>The log of a run: to log.txt where that can be written, and to standard error when asked for. It never fails.</summary>
internal sealed class RunLog : IDisposable
{
    private readonly ILoggerFactory _factory;

    /// <summary>Begins to log.</summary>
    /// <param name="path">The file; lines are added to it.</param>
    /// <param name="verbose">Whether to log to standard error too. Without it a mistake is told once, as one sentence.</param>
    public RunLog(string path, bool verbose)
    {
        _factory = LoggerFactory.Create(builder =>
        {
            builder.SetMinimumLevel(LogLevel.Debug);
#pragma warning disable CA2000 // The factory owns its providers.
            builder.AddProvider(new FileLogProvider(path));
#pragma warning restore CA2000
            if (verbose)
            {
                builder.AddConsole(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
                builder.AddSimpleConsole(format =>
                {
                    format.SingleLine = true;
                    format.TimestampFormat = "HH:mm:ss ";
                    format.ColorBehavior = Console.IsErrorRedirected ? LoggerColorBehavior.Disabled : LoggerColorBehavior.Default;
                });
            }
        });
        Logger = _factory.CreateLogger("fdfa");
    }

    /// <summary>Where to log.</summary>
    public ILogger Logger { get; }

    /// <inheritdoc/>
    public void Dispose() => _factory.Dispose();

    private sealed class FileLogProvider(string path) : ILoggerProvider
    {
        private readonly Lock _lock = new();

        public ILogger CreateLogger(string categoryName) => new FileLogger(this);

        public void Dispose()
        {
        }

        private void Write(LogLevel level, string message, Exception? exception)
        {
            string details = exception is null ? "" : exception + "\n";
            string text = string.Create(
                CultureInfo.InvariantCulture, $"{DateTimeOffset.Now:yyyy-MM-ddTHH:mm:ss.fffzzz} {level,-11} {message}\n{details}");
            lock (_lock)
            {
                try
                {
                    // Opened each time, so that it begins again after somebody has removed the file.
                    File.AppendAllText(path, text);
                }
                catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
                {
                    // A full disk: no line of a log is worth a run.
                }
            }
        }

        private sealed class FileLogger(FileLogProvider provider) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

            public void Log<TState>(
                LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
                provider.Write(logLevel, formatter(state, exception), exception);
        }
    }
}
