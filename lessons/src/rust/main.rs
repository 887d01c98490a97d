//! Asks your code what the judge wants to know. There is nothing to change here: `drydock learn check` writes this file anew.
//!
//! A question is lines, and ends with a line of one dot. So is an answer, with `= ` before each of its lines. Whatever else you print is
//! shown to you.

mod lab;
mod words;

use std::io::{self, BufRead as _, Write as _};

fn main() -> io::Result<()> {
    let mut question = String::new();
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line != "." {
            question.push_str(&line);
            question.push('\n');
            continue;
        }
        let answer = words::answer(&question);
        let mut out = io::stdout().lock();
        for line in answer.lines() {
            writeln!(out, "= {line}")?;
        }
        writeln!(out, "= .")?;
        out.flush()?;
        question.clear();
    }
    Ok(())
}
