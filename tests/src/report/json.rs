//! The report for machines: one JSON object with `summary` and `clauses`.

use super::Report;

/// Writes the report with a line end.
pub fn render(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
    text.push('\n');
    text
}
