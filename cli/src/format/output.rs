//! `--format` for lists: tables with headers, JSON lines, and templates.

use crate::failure::{Failure, Outcome};
use crate::format::table;
use crate::session::Session;
use crate::template::{Methods, Template};
use serde_json::Value;

/// One line of a list: an object with Docker's field names.
pub type Row = Value;

/// Where a row has its labels, for [`label`].
pub const LABELS: &str = ".labels";

/// How a list is printed.
pub struct Style<'a> {
    /// What was given with `--format`; empty for the usual table.
    pub format: &'a str,
    /// The usual table: header and template of each column.
    pub columns: &'a [(&'a str, &'a str)],
    /// Print this field alone (`-q`).
    pub quiet: Option<&'a str>,
    /// Headers of further fields, for `table` templates.
    pub headers: &'a [(&'a str, &'a str)],
    /// What Go calls the type of a row, for messages.
    pub kind: &'a str,
    /// Fields that are functions.
    pub methods: &'a Methods<'a>,
}

/// The one field of most lists that is a function: `.Label NAME`, of the labels that a row has beside what is printed.
pub fn label(row: &Value, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
    let wanted = (name == "Label").then(|| arguments.first().and_then(Value::as_str))??;
    Some(Ok(row.get(LABELS).and_then(|labels| labels.get(wanted)).cloned().unwrap_or_else(|| Value::from(""))))
}

/// Prints rows.
pub fn print_rows(session: &mut Session<'_>, rows: &[Row], style: &Style<'_>) -> Outcome {
    let text = render(rows, style)?;
    for line in text.lines() {
        session.say(line)?;
    }
    Ok(0)
}

/// Rows as text.
pub fn render(rows: &[Row], style: &Style<'_>) -> Result<String, Failure> {
    let field = |row: &Row, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(quiet) = style.quiet
        && (style.format.is_empty() || style.format == "table")
    {
        return Ok(rows.iter().map(|r| field(r, quiet) + "\n").collect());
    }
    match style.format {
        "" | "table" => {
            let header = style.columns.iter().map(|(header, _)| *header).collect::<Vec<_>>().join("\t");
            let line = |row: &Row| style.columns.iter().map(|(_, name)| field(row, name)).collect::<Vec<_>>().join("\t");
            Ok(table::align(&std::iter::once(header).chain(rows.iter().map(line)).collect::<Vec<_>>()))
        }
        "json" => Ok(rows.iter().map(|r| html_safe(&sorted(r).to_string()) + "\n").collect()),
        format => by_template(rows, style, format),
    }
}

fn by_template(rows: &[Row], style: &Style<'_>, format: &str) -> Result<String, Failure> {
    let (with_header, body) = match format.strip_prefix("table") {
        Some(body) => (true, body.trim_start()),
        None => (false, format),
    };
    let body = body.replace("\\t", "\t").replace("\\n", "\n");
    let template = Template::parse(&body).map_err(|e| Failure::said(format!("failed to parse template: {e}")))?;
    let fill = |row: &Row| template.execute(row, style.methods).map_err(|e| Failure::said(unknown_field(&e.to_string(), style.kind)));
    let lines = rows.iter().map(fill).collect::<Result<Vec<_>, _>>()?;
    if !with_header {
        return Ok(lines.iter().map(|l| format!("{l}\n")).collect());
    }
    let names: serde_json::Map<String, Value> =
        style.columns.iter().chain(style.headers).map(|(header, name)| ((*name).to_owned(), Value::from(*header))).collect();
    let label = |_: &Value, name: &str, arguments: &[Value]| {
        (name == "Label").then(|| Ok(Value::from(arguments.first().and_then(Value::as_str).unwrap_or_default())))
    };
    let header = template.execute(&Value::Object(names), &label).map_err(|e| Failure::said(unknown_field(&e.to_string(), style.kind)))?;
    Ok(table::align(
        &std::iter::once(header).chain(lines).flat_map(|l| l.lines().map(str::to_owned).collect::<Vec<_>>()).collect::<Vec<_>>(),
    ))
}

/// Rows are structures to whoever writes a template, though they are maps here.
fn unknown_field(message: &str, kind: &str) -> String {
    match message.split_once("map has no entry for key \"") {
        Some((before, field)) => {
            format!("failed to execute template: {before}can't evaluate field {} in type {kind}", field.trim_end_matches('"'))
        }
        None => format!("failed to execute template: {message}"),
    }
}

/// JSON in which what has a meaning in HTML is escaped, as Go's encoder does unless told otherwise.
fn html_safe(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// JSON with sorted keys, as Go prints a map.
fn sorted(row: &Row) -> Value {
    match row {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().filter(|(k, _)| !k.starts_with('.')).map(|(k, v)| (k.clone(), v.clone())).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        other => other.clone(),
    }
}
