//! The contract, as the book prints it: every clause of the suite with its id and where it stands, so that a page cannot say what is not checked.

use drydock::book::render::text;
use drydock_conformance::{Area, Clause, Level, clauses};
use std::fmt::Write as _;

/// Where a chapter has all clauses.
const WHOLE: &str = "<!-- contract -->";
/// Where a chapter has how many there are.
const NUMBERS: &str = "<!-- contract in numbers -->";

/// A chapter with the contract where it has a mark for it.
pub(super) fn put(chapter: &str) -> String {
    let mut chapter = chapter.to_owned();
    for (mark, print) in [(WHOLE, whole as fn() -> String), (NUMBERS, numbers)] {
        if chapter.contains(mark) {
            chapter = chapter.replace(mark, &print());
        }
    }
    chapter
}

fn of(area: Area) -> Vec<&'static Clause> {
    clauses::all().into_iter().filter(|clause| clause.id.starts_with(area.prefix())).collect()
}

/// HTML without an empty line, which would end it in Markdown.
fn whole() -> String {
    let mut html = String::new();
    for area in Area::ALL {
        let clauses = of(area);
        let _ = write!(html, "<h2 id=\"contract-{area}\">{area}: {} clauses</h2><dl class=\"drydock-contract\">", clauses.len());
        for clause in clauses {
            let should = if clause.level == Level::Should { " (should)" } else { "" };
            let seen = clause.seen.map(|engine| format!(" Seen on {}.", text(engine))).unwrap_or_default();
            let _ = write!(
                html,
                "<dt><code id=\"{0}\">{0}</code>{should}</dt><dd>{1} <cite>{2}</cite>{seen}</dd>",
                text(clause.id),
                text(clause.sentence),
                text(clause.cites)
            );
        }
        html.push_str("</dl>");
    }
    html
}

fn numbers() -> String {
    let mut table = "| area | clauses | of them seen on Docker's engine first |\n| --- | ---: | ---: |\n".to_owned();
    for area in Area::ALL {
        let clauses = of(area);
        let seen = clauses.iter().filter(|clause| clause.seen.is_some()).count();
        let _ = writeln!(table, "| [{area}](contract.html#contract-{area}) | {} | {seen} |", clauses.len());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clause_is_printed_once_and_counted() {
        let page = put("# T\n\n<!-- contract -->\n");
        assert!(page.starts_with("# T\n\n<h2") && page.matches('\n').count() == 3, "it is one line");
        for clause in clauses::all() {
            assert_eq!(page.matches(&format!("<code id=\"{0}\">{0}</code>", clause.id)).count(), 1, "{}", clause.id);
        }
        let table = put("<!-- contract in numbers -->");
        let counts = table.lines().skip(2).map(|row| row.split('|').nth(2).and_then(|n| n.trim().parse::<usize>().ok()).expect("a number"));
        assert_eq!(counts.sum::<usize>(), clauses::all().len());
        assert_eq!(put("no mark\n"), "no mark\n");
    }
}
