//! Parser directives: `# syntax=`, `# escape=`, `# check=`, only on the first lines.

use super::source::{Fault, Position, Source, Span};

/// What the directives of a file say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directives {
    /// The frontend that was asked for; Drydock has one only, and notes that.
    pub syntax: Option<String>,
    /// The character that escapes and continues lines.
    pub escape: char,
    /// `skip=…;error=…` of the remarks.
    pub check: Option<String>,
    /// Where each stands.
    pub spans: Vec<(String, Span)>,
}

impl Default for Directives {
    fn default() -> Self {
        Self { syntax: None, escape: '\\', check: None, spans: Vec::new() }
    }
}

/// Reads the directives: lines `# name=value` before anything else. The first line that is none ends them.
///
/// # Errors
/// A directive twice, or an escape character that is neither a backslash nor a backtick.
pub fn read(source: &Source) -> Result<Directives, Fault> {
    let mut all = Directives::default();
    // A script may have a line for the kernel before them.
    let first = if source.line(1).starts_with("#!") { 2 } else { 1 };
    for number in first..=source.len() as u32 {
        let line = source.line(number);
        let Some((name, value)) = directive(line) else { break };
        let span =
            Span { start: Position { line: number, column: 1 }, end: Position { line: number, column: line.chars().count() as u32 + 1 } };
        let name = name.to_ascii_lowercase();
        if !["syntax", "escape", "check"].contains(&name.as_str()) {
            break;
        }
        if all.spans.iter().any(|(known, _)| *known == name) {
            return Err(Fault::new(span, format!("only one {name} parser directive can be used")).help("remove one of them"));
        }
        match name.as_str() {
            "syntax" => all.syntax = Some(value.to_owned()),
            "check" => all.check = Some(value.to_owned()),
            _ => {
                all.escape = match value {
                    "\\" => '\\',
                    "`" => '`',
                    _ => {
                        return Err(Fault::new(span, format!("invalid ESCAPE '{}': must be either \\ or `", value.escape_debug()))
                            .help("write # escape=` or leave it out"));
                    }
                }
            }
        }
        all.spans.push((name, span));
    }
    Ok(all)
}

/// `# name = value`
fn directive(line: &str) -> Option<(&str, &str)> {
    let rest = line.trim().strip_prefix('#')?.trim_start();
    let (name, value) = rest.split_once('=')?;
    let name = name.trim_end();
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(|b| b.is_ascii_alphanumeric());
    let value = value.trim();
    (is_name && !value.is_empty()).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Directives, String> {
        let source = Source::read("D", text.as_bytes()).map_err(|e| e.to_string())?;
        read(&source).map_err(|f| f.message)
    }

    #[test]
    fn directives_stand_first_and_once() {
        let all = of("# syntax=docker/dockerfile:1\n#escape = `\n# check=skip=all\nFROM a").unwrap();
        assert_eq!((all.syntax.as_deref(), all.escape, all.check.as_deref()), (Some("docker/dockerfile:1"), '`', Some("skip=all")));
        assert_eq!(of("# a comment\n# escape=`\n").unwrap().escape, '\\');
        assert_eq!(of("\n# escape=`\n").unwrap().escape, '\\');
        assert_eq!(of("# unknown=1\n# escape=`\n").unwrap().escape, '\\');
        assert!(of("# escape=`\n# ESCAPE=`\n").unwrap_err().contains("only one escape"));
        assert!(of("# escape=x").unwrap_err().contains("must be either"));
    }
}
