using System.Text;

namespace Fdfa.Experiments.Reporting;

/// <summary>A table of text, for Markdown and for the HTML report.</summary>
/// <param name="Headings">One per column.</param>
/// <param name="Rows">Cells, as many as there are headings.</param>
/// <param name="TextColumns">How many columns from the left hold words; the others hold numbers, and are aligned right.</param>
internal sealed record ReportTable(IReadOnlyList<string> Headings, IReadOnlyList<IReadOnlyList<string>> Rows, int TextColumns)
{
    /// <summary>The table in Markdown.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        AddRow(Headings);
        AddRow(Headings.Select((_, column) => column < TextColumns ? "---" : "---:"));
        foreach (IReadOnlyList<string> row in Rows)
        {
            AddRow(row);
        }

        return text.ToString();

        void AddRow(IEnumerable<string> cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
    }
}
