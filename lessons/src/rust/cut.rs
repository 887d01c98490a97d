//! Starter and solution, cut from one source that is compiled and tested as it stands.
//!
//! A part between `// -- solution` and `// -- end` is the solution's alone. A part between `// -- starter` and `// -- end` is the starter's: it
//! is written as remarks that begin with `//> `, and is code once they are gone. A solution may be followed by its starter without an end
//! between them. What stands elsewhere is both's. Anchors of the book (`// ANCHOR: NAME`, `// ANCHOR_END: NAME`) are in neither.

/// What is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// What a student begins with.
    Starter,
    /// What one may end with.
    Solution,
}

/// One of the two.
///
/// # Errors
/// A mark that stands where it means nothing, with its line.
pub fn cut(source: &str, what: Cut) -> Result<String, String> {
    let (mut part, mut done) = (None, String::with_capacity(source.len()));
    for (number, line) in source.lines().enumerate() {
        let wrong = |why: &str| Err(format!("line {}: {why}", number + 1));
        let (text, indent) = (line.trim_start(), line.len() - line.trim_start().len());
        match (text, part) {
            ("// -- solution", None) => part = Some(Cut::Solution),
            ("// -- starter", None | Some(Cut::Solution)) => part = Some(Cut::Starter),
            ("// -- end", Some(_)) => part = None,
            ("// -- solution" | "// -- starter" | "// -- end", _) => return wrong("this mark means nothing here"),
            _ if is_anchor(text) => {}
            (_, Some(Cut::Starter)) => {
                let Some(code) = text.strip_prefix("//>") else { return wrong("a starter's line begins with //>") };
                if what == Cut::Starter {
                    let code = code.strip_prefix(' ').unwrap_or(code);
                    done.push_str(&if code.is_empty() { "\n".to_owned() } else { format!("{:indent$}{code}\n", "") });
                }
            }
            (_, Some(Cut::Solution)) if what == Cut::Starter => {}
            _ if text.starts_with("//>") => return wrong("a starter's line stands outside of a starter"),
            _ => {
                done.push_str(line);
                done.push('\n');
            }
        }
    }
    // What stood alone between two empty lines has left both of them.
    while done.contains("\n\n\n") {
        done = done.replace("\n\n\n", "\n\n");
    }
    match part {
        Some(_) => Err("a part has no end".to_owned()),
        None => Ok(done.trim_end().to_owned() + "\n"),
    }
}

fn is_anchor(text: &str) -> bool {
    text.starts_with("// ANCHOR: ") || text.starts_with("// ANCHOR_END: ")
}

/// What stands between the marks of an anchor, without marks of any kind and without the indentation that all lines share. Of a solution
/// and its starter it is the solution.
///
/// # Errors
/// There is no such anchor, or it has no end.
pub fn anchor(source: &str, name: &str) -> Result<String, String> {
    let mut lines = Vec::new();
    let (mut inside, mut ended, mut starter) = (false, false, false);
    for line in source.lines() {
        let text = line.trim();
        match text {
            "// -- starter" => starter = true,
            "// -- solution" | "// -- end" => starter = false,
            _ if text.strip_prefix("// ANCHOR: ") == Some(name) => inside = true,
            _ if text.strip_prefix("// ANCHOR_END: ") == Some(name) => {
                ended = inside;
                inside = false;
            }
            _ if is_anchor(text) => {}
            _ if inside && !starter => lines.push(line),
            _ => {}
        }
    }
    if !ended {
        return Err(format!("there is no anchor '{name}', or it has no end"));
    }
    let shared = lines.iter().filter(|line| !line.trim().is_empty()).map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let text: Vec<&str> = lines.iter().map(|line| line.get(shared..).unwrap_or_default().trim_end()).collect();
    Ok(text.join("\n").trim_matches('\n').to_owned() + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
// one
fn f() -> u8 {
    // ANCHOR: body
    // -- solution
    4
    // -- starter
    //> // To do.
    //>
    //> 0
    // -- end
    // ANCHOR_END: body
}

// -- solution
fn g() {}
// -- end
";

    #[test]
    fn starter_and_solution_are_cut_from_one_source() {
        assert_eq!(cut(SOURCE, Cut::Solution).unwrap(), "// one\nfn f() -> u8 {\n    4\n}\n\nfn g() {}\n");
        assert_eq!(cut(SOURCE, Cut::Starter).unwrap(), "// one\nfn f() -> u8 {\n    // To do.\n\n    0\n}\n");
    }

    #[test]
    fn an_anchor_is_a_part_of_the_solution() {
        assert_eq!(anchor(SOURCE, "body").unwrap(), "4\n");
        assert!(anchor(SOURCE, "head").is_err());
        assert!(anchor("// ANCHOR: body\nx\n", "body").is_err(), "it has no end");
    }

    #[test]
    fn marks_in_the_wrong_place_are_mistakes_with_their_line() {
        for (source, wrong) in [
            ("// -- end\n", "line 1: this mark means nothing here"),
            ("// -- solution\n// -- solution\n", "line 2: this mark means nothing here"),
            ("// -- starter\nx\n", "line 2: a starter's line begins with //>"),
            ("//> x\n", "line 1: a starter's line stands outside of a starter"),
            ("// -- solution\n", "a part has no end"),
        ] {
            assert_eq!(cut(source, Cut::Solution), Err(wrong.to_owned()), "{source}");
        }
    }
}
