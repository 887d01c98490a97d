//! The book's page of what is known to differ from Docker, printed from the registers that tests hold to.

use crate::clauses;
use crate::divergence::Divergence;
use std::fmt::Write as _;

/// What was asked of Docker's own client on Drydock's socket and answered otherwise: remarks, commands, what they say.
const SERVED: &str = include_str!("../docker-cli/divergences");
/// What Drydock says otherwise as a client.
const CLIENT: &str = include_str!("../client-of-docker/commands");

const HEAD: &str = "\
# What differs from Docker

What is known to differ is written down where it is tested, and what is written down there must differ: an entry that no longer does is
an error. This page is printed from those registers: `tests/divergences.toml`, `tests/docker-cli/divergences` and
`tests/client-of-docker/commands`. It was Debian's dockerd 20.10 and Docker's client 28 that were asked.
";

/// The targets of the suite that are reached through Docker's API, and what to say of them.
const TARGETS: [(&str, &str, &str); 3] = [
    (
        "dockerd",
        "dockerd, judged by Drydock's suite",
        "Clauses that hold on Drydock and not on Debian's dockerd. What needs BuildKit is left out there: without a session an engine builds with\nthe classic builder.",
    ),
    ("served", "Drydock through its own socket", "Clauses that hold when the engine is asked directly, and not through Docker's API."),
    ("served-sim", "A simulated host through a socket", "The same for `drydock --host sim serve`, besides those above."),
];

/// The page.
pub fn page(register: &[Divergence]) -> String {
    let mut page = HEAD.to_owned();
    for (target, title, about) in TARGETS {
        let _ = write!(page, "\n## {title}\n\n{about}\n");
        for entry in register.iter().filter(|d| d.target == target) {
            let _ = write!(page, "\n{}{}\n\n", entry.reason, if entry.sometimes { " It does not always show." } else { "" });
            for id in entry.ids() {
                let sentence = clauses::find(id).map_or("", |c| c.sentence);
                let _ = writeln!(page, "- `{id}`: {sentence}");
            }
        }
    }
    page.push_str("\n## Docker's client on Drydock's socket\n\nCommands of Docker's own client that say something else than on dockerd, or end otherwise.\n\n");
    for (remark, command) in remarked(SERVED, "# ", "$ ") {
        let _ = writeln!(page, "- `{command}`: {remark}");
    }
    page.push_str("\n## Drydock as a client of dockerd\n\nLines that `drydock --host unix://…` and Docker's own client answer otherwise on one and the same engine.\n");
    let mut last = "";
    for (remark, command) in remarked(CLIENT, "#! ", "") {
        let (where_, reason) = remark.split_once(' ').unwrap_or(("", remark));
        if reason != last {
            let place = if where_ == "stderr" { "On standard error" } else { "Output and exit code" };
            let _ = write!(page, "\n{place}: {reason}.\n\n");
        }
        last = reason;
        let _ = writeln!(page, "- `{command}`");
    }
    page
}

/// The lines that stand behind a remark, and the remark.
fn remarked<'a>(text: &'a str, mark: &'a str, command: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    text.lines()
        .zip(text.lines().skip(1))
        .filter_map(move |(first, second)| Some((first.strip_prefix(mark)?, second.strip_prefix(command)?)))
}
