using System.Diagnostics;
using System.Text.RegularExpressions;
using Fdfa.Experiments.Reporting;
using Fdfa.Tests.CommandLine;
using Fdfa.Tests.Data;

namespace Fdfa.Tests.Reporting;

/// <summary>The report as a file, and as a browser shows it.</summary>
public sealed partial class HtmlReportTests
{
    private const string Browser = "FDFA_CHROMIUM";

    private const string Picture = """<svg xmlns="http://www.w3.org/2000/svg" width="8" height="4"><rect width="8" height="4"/></svg>""";

    /// <summary>What <c>reproduce all</c> has, in its order.</summary>
    private static readonly string[] s_sections =
        ["table1", "table2", "table3", "fig3", "fig4", "fig5", "table4", "fig6", "fig7", "tableB5", "tableB6"];

    [Fact]
    public void Whatever_is_in_a_text_stays_text()
    {
        const string Hostile = "</li><script>alert(1)</script> \" ' & α < β";
        string html = new HtmlReport(
            Hostile,
            [(Hostile, Hostile)],
            [
                new ReportSection("fig0", Hostile)
                {
                    Paper = Hostile,
                    Svg = Picture,
                    Table = new ReportTable([Hostile, "n"], [[Hostile, Hostile]], 1),
                    Caption = [Hostile],
                    Claims = [new Claim(Hostile, false, Hostile)],
                    Problem = Hostile,
                },
            ]).ToHtml();

        Assert.DoesNotContain("alert(1)<", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<script>alert", html, StringComparison.Ordinal);
        Assert.Single(Regex.Matches(html, "<script>"));
        Assert.Contains(
            "alt=\"&lt;/li&gt;&lt;script&gt;alert(1)&lt;/script&gt; &quot; &#39; &amp; α &lt; β\"", html, StringComparison.Ordinal);
    }

    [Fact]
    public void It_needs_no_other_file_and_no_network()
    {
        string html = new HtmlReport("Title", [], [new ReportSection("fig0", "Figure 0") { Svg = Picture }]).ToHtml();

        Assert.DoesNotContain("http", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<link", html, StringComparison.Ordinal);
        Assert.All(
            Sources().Matches(html),
            source => Assert.StartsWith("data:image/svg+xml;base64,", source.Groups[1].Value, StringComparison.Ordinal));
        Assert.Single(Sources().Matches(html));
    }

    /// <summary>A picture that a browser cannot read is told from one that it can.</summary>
    [SkippableTheory]
    [InlineData(Picture, "loaded: 1")]
    [InlineData("<svg", "missing: Figure 0")]
    public void The_page_says_whether_its_pictures_can_be_seen(string picture, string expected)
    {
        using var temporary = new TemporaryFolder();
        File.WriteAllText(
            temporary.File("report.html"), new HtmlReport("Title", [], [new ReportSection("fig0", "Figure 0") { Svg = picture }]).ToHtml());

        Assert.Contains($"data-images=\"{expected}\"", Open(temporary.File("report.html")).Page, StringComparison.Ordinal);
    }

    /// <summary>The report of <c>fdfa reproduce all --quick</c>, opened as anybody would.</summary>
    [SkippableFact]
    public void A_browser_shows_every_table_and_figure_without_errors()
    {
        string folder = ReproducedFolder.Path;
        (string page, string errors) = Open(Path.Combine(folder, "report-quick.html"));

        // Errors of scripts and of what a page loads are in its console; the browser's own complaints about the machine are not.
        Assert.DoesNotContain("CONSOLE", errors, StringComparison.Ordinal);
        Assert.Equal(s_sections, Sections().Matches(page).Select(section => section.Groups[1].Value));
        Assert.DoesNotContain("class=\"problem\"", page, StringComparison.Ordinal);
        Assert.Contains("data-images=\"loaded: 5\"", page, StringComparison.Ordinal);
        foreach (string id in s_sections)
        {
            string section = page[page.IndexOf($"<section id=\"{id}\">", StringComparison.Ordinal)..];
            section = section[..section.IndexOf("</section>", StringComparison.Ordinal)];
            Assert.Equal(id.StartsWith("fig", StringComparison.Ordinal), section.Contains("<img", StringComparison.Ordinal));

            // Table 3's data sets do not come along.
            Assert.Equal(
                id.StartsWith("table", StringComparison.Ordinal) && id != "table3", section.Contains("<table>", StringComparison.Ordinal));
            Assert.Contains("<li", section, StringComparison.Ordinal);
        }
    }

    /// <summary>The page as the browser has it once everything is loaded, and what it wrote to standard error.</summary>
    private static (string Page, string Errors) Open(string file)
    {
        string? program = Environment.GetEnvironmentVariable(Browser);
        Skip.If(string.IsNullOrEmpty(program), $"Needs a browser: set {Browser} to the program, such as 'chromium', as .ci/run does.");
        using var profile = new TemporaryFolder();
        var start = new ProcessStartInfo(
            program!,
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--enable-logging=stderr",
                $"--user-data-dir={profile.Path}",
                "--dump-dom", new Uri(Path.GetFullPath(file)).AbsoluteUri,
            ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process browser = Process.Start(start)!;
        Task<string> errors = browser.StandardError.ReadToEndAsync();
        string page = browser.StandardOutput.ReadToEnd();
        browser.WaitForExit();
        Assert.True(browser.ExitCode == 0, errors.Result);
        return (page, errors.Result);
    }

    [GeneratedRegex("src=\"([^\"]*)\"")]
    private static partial Regex Sources();

    [GeneratedRegex("<section id=\"([^\"]*)\">")]
    private static partial Regex Sections();
}
