//! Utilities that read text and write text.

pub mod cat;
pub mod columns;
pub mod digest;
pub mod ends;
pub mod grep;
pub mod regex;
pub mod sed;
pub mod sort;
pub mod streams;
pub mod tr;

use super::cmd::Cmd;

/// The operands, or standard input if there are none.
pub(super) fn inputs(operands: &[String]) -> Vec<String> {
    if operands.is_empty() { vec!["-".to_owned()] } else { operands.to_vec() }
}

/// Lines without their line feeds; a last line without one counts.
pub(super) fn lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.split('\n').collect();
    if lines.last() == Some(&"") {
        lines.pop();
    }
    lines
}

/// The text of an input; `None` if it could not be read, which has been said.
pub(super) async fn text(cmd: &mut Cmd, path: &str) -> Option<String> {
    cmd.read(path).await.ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
