//! Templates against what docker itself made of them.
//!
//! `docker/inspect.json` is a container as `docker inspect` showed it, `docker/templates.tsv` has a template a line and what
//! `docker inspect -f` answered to it (client 28.2.2, dockerd 20.10.24). Left out are the templates whose answers differ and are meant to:
//! addresses in memory, fields that the API leaves out where they are empty, and `define` and `template`.

use drydock::template::{Template, no_methods};
use serde_json::Value;

#[test]
fn templates_make_what_docker_makes_of_them() {
    let objects: Value = serde_json::from_str(include_str!("docker/inspect.json")).unwrap();
    let mut lines = 0;
    for line in include_str!("docker/templates.tsv").lines() {
        let (template, theirs) = line.split_once('\t').unwrap();
        let ours = match Template::parse(template) {
            Err(e) => format!("template parsing error: {e}"),
            Ok(read) => match read.execute(&objects[0], &no_methods) {
                Ok(text) => text,
                // Docker ends the line that the failed template may have begun.
                Err(e) => format!("\ntemplate parsing error: {e}"),
            },
        };
        assert_eq!(ours, theirs.replace("\\n", "\n"), "{template}");
        lines += 1;
    }
    assert!(lines > 70, "{lines}");
}
