using System.Globalization;
using System.Net;
using System.Text;

namespace Fdfa.Experiments.Reporting;

/// <summary>The report as one HTML file that needs no other: pictures are inside it, and nothing is fetched.</summary>
/// <param name="title">Of the page.</param>
/// <param name="facts">What it was made with: names and values.</param>
/// <param name="sections">In the paper's order.</param>
internal sealed class HtmlReport(string title, IReadOnlyList<(string Name, string Value)> facts, IReadOnlyList<ReportSection> sections)
{
    /// <summary>For a screen of any width, light or dark, and for paper.</summary>
    private const string Style = """
        :root { color-scheme: light dark; --line: #8886; --soft: #8881; --yes: #00835c; --no: #c2410c; }
        @media (prefers-color-scheme: dark) { :root { --yes: #3ecf9b; --no: #ff9d66; } }
        body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem; }
        h1 { font-size: 1.6rem; line-height: 1.2; }
        h2 { font-size: 1.25rem; margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }
        dt { opacity: .7; }
        dd { margin: 0; overflow-wrap: anywhere; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0; }
        th, td { padding: .2rem .6rem; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--line); }
        th { background: var(--soft); }
        .number { text-align: right; }
        figure { margin: 1rem 0; }
        img { max-width: 100%; height: auto; background: white; }
        ul { padding-left: 1.2rem; }
        .notes { font-size: .9rem; }
        .yes b { color: var(--yes); }
        .no b, .problem { color: var(--no); }
        @media print { body { max-width: none; font-size: 10pt; } section { break-inside: avoid; } nav { display: none; } }
        """;

    /// <summary>Says in the page itself whether all its pictures can be seen, for whoever opens it without eyes.</summary>
    private const string Script = """
        addEventListener("load", () => {
          const images = [...document.images];
          const missing = images.filter(image => !image.complete || image.naturalWidth === 0 || image.clientWidth === 0);
          document.documentElement.dataset.images = missing.length
            ? "missing: " + missing.map(image => image.alt).join(", ")
            : "loaded: " + images.length;
        });
        """;

    /// <summary>The text of the file.</summary>
    public string ToHtml()
    {
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>{Text(title)}</title>
            <style>
            {Style}
            </style>
            </head>
            <body>
            <h1>{Text(title)}</h1>
            <dl>

            """);
        foreach ((string name, string value) in facts)
        {
            page.Append(CultureInfo.InvariantCulture, $"<dt>{Text(name)}</dt><dd>{Text(value)}</dd>\n");
        }

        page.Append("</dl>\n<nav><ul>\n");
        foreach (ReportSection section in sections)
        {
            page.Append(
                CultureInfo.InvariantCulture,
                $"<li><a href=\"#{Text(section.Id)}\">{Text(section.Title)}</a>{Text(Verdict(section))}</li>\n");
        }

        page.Append("</ul></nav>\n");
        foreach (ReportSection section in sections)
        {
            Append(page, section);
        }

        page.Append(CultureInfo.InvariantCulture, $"<script>\n{Script}\n</script>\n</body>\n</html>\n");
        return page.ToString();
    }

    private static string Verdict(ReportSection section) => section switch
    {
        { Problem: not null } => ": not here",
        { Claims.Count: > 0 } => string.Create(
            CultureInfo.InvariantCulture, $": {section.Claims.Count(claim => claim.Holds)} of {section.Claims.Count} statements agree"),
        _ => "",
    };

    private static void Append(StringBuilder page, ReportSection section)
    {
        page.Append(CultureInfo.InvariantCulture, $"<section id=\"{Text(section.Id)}\">\n<h2>{Text(section.Title)}</h2>\n");
        if (section.Paper.Length > 0)
        {
            page.Append(CultureInfo.InvariantCulture, $"<p>The paper: {Text(section.Paper)}</p>\n");
        }

        if (section.Problem is { } problem)
        {
            page.Append(CultureInfo.InvariantCulture, $"<p class=\"problem\">{Text(problem)}</p>\n");
        }

        if (section.Svg is { } svg)
        {
            // As an image and not inline: Skia gives the parts of every picture the same ids.
            string data = Convert.ToBase64String(Encoding.UTF8.GetBytes(svg));
            page.Append(
                CultureInfo.InvariantCulture,
                $"<figure><img alt=\"{Text(section.Title)}\" src=\"data:image/svg+xml;base64,{data}\"></figure>\n");
        }

        if (section.Table is { } table)
        {
            Append(page, table);
        }

        if (section.Claims.Count > 0)
        {
            page.Append("<ul>\n");
            foreach (Claim claim in section.Claims)
            {
                page.Append(
                    CultureInfo.InvariantCulture,
                    $"<li class=\"{claim.Verdict}\"><b>agreement: {claim.Verdict}.</b> {Text(claim.Statement)}: "
                    + $"{Text(claim.Measured)}</li>\n");
            }

            page.Append("</ul>\n");
        }

        if (section.Caption.Count > 0)
        {
            page.Append("<ul class=\"notes\">\n");
            foreach (string sentence in section.Caption)
            {
                page.Append(CultureInfo.InvariantCulture, $"<li>{Text(sentence)}</li>\n");
            }

            page.Append("</ul>\n");
        }

        page.Append("</section>\n");
    }

    private static void Append(StringBuilder page, ReportTable table)
    {
        page.Append("<div class=\"scroll\"><table>\n<thead>");
        AppendRow("th", table.Headings);
        page.Append("</thead>\n<tbody>\n");
        foreach (IReadOnlyList<string> row in table.Rows)
        {
            AppendRow("td", row);
        }

        page.Append("</tbody>\n</table></div>\n");

        void AppendRow(string element, IReadOnlyList<string> cells)
        {
            page.Append("<tr>");
            for (var column = 0; column < cells.Count; column++)
            {
                string kind = column < table.TextColumns ? "" : " class=\"number\"";
                page.Append(CultureInfo.InvariantCulture, $"<{element}{kind}>{Text(cells[column])}</{element}>");
            }

            page.Append("</tr>\n");
        }
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
