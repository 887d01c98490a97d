//! Dockerfiles: every word has a place in the file, what is read and written line by line reads the same, remarks and the graph of
//! stages come of anything that can be read, and an error names a line that is there.

#![no_main]

use drydock_core::build::dockerfile::{self, Dockerfile, Kind, Span, expand};
use drydock_core::build::lint::{self, Surroundings};
use drydock_core::build::{request::BuildRequest, stages};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;

/// Whether a place is one of the file, which has lines from 1 on.
fn is_in(file: &Dockerfile, span: Span) -> bool {
    let most = u32::try_from(file.source.len()).expect("a length that fits");
    (span.start.line, span.start.column) <= (span.end.line, span.end.column)
        && (1..=most + 1).contains(&span.start.line)
        && span.end.line <= most + 1
}

/// The instructions alone, each on a line.
fn printed(file: &Dockerfile) -> String {
    let head = if file.directives.escape == '`' { "# escape=`\n" } else { "" };
    file.instructions.iter().fold(head.to_owned(), |text, one| text + &one.text + "\n")
}

fuzz_target!(|bytes: &[u8]| {
    let file = match dockerfile::parse("Dockerfile", bytes) {
        Ok(file) => file,
        Err(error) => {
            let line = error.message().strip_prefix("Dockerfile:").and_then(|rest| rest.split(':').next());
            if let Some(line) = line {
                let line: usize = line.parse().expect("a number of a line");
                assert!((1..=bytes.iter().filter(|b| **b == b'\n').count() + 1).contains(&line), "{error}");
            }
            return;
        }
    };
    assert!(!file.instructions.is_empty());
    for one in &file.instructions {
        assert!(is_in(&file, one.span), "{one:?}");
        assert!(one.lines.0 >= 1 && one.lines.0 <= one.lines.1, "{one:?}");
        let _ = file.source.quote(one.span);
    }
    let documents = file.instructions.iter().any(|one| match &one.kind {
        Kind::Run(run) => !run.heredocs.is_empty(),
        Kind::Copy(copy) => !copy.heredocs.is_empty(),
        Kind::Onbuild { .. } => one.text.contains("<<"),
        _ => false,
    });
    // A text that ends with what continues a line goes on when it is printed.
    let continued = file.instructions.iter().any(|one| one.text.trim_end().ends_with(file.directives.escape));
    if !documents && !continued {
        let again = dockerfile::parse("Dockerfile", printed(&file).as_bytes());
        let again = again.unwrap_or_else(|e| panic!("{e}\n{}", printed(&file)));
        let texts = |file: &Dockerfile| file.instructions.iter().map(|one| one.text.clone()).collect::<Vec<_>>();
        assert_eq!(texts(&again), texts(&file));
    }
    for one in &file.instructions {
        let value = |name: &str| (name.len() % 2 == 0).then(|| name.to_owned());
        let _ = expand::word(&one.text, file.directives.escape, &value);
        let _ = expand::document(&one.text, file.directives.escape, &value);
    }
    let around = Surroundings {
        arguments: BTreeMap::from([("A".to_owned(), "1".to_owned())]),
        platform: "linux/amd64".to_owned(),
        ..Default::default()
    };
    for remark in lint::check(&file, &around) {
        assert!(is_in(&file, remark.span), "{remark:?}");
        let _ = file.source.quote(remark.span);
    }
    if let Ok(graph) = stages::graph(&file, &BuildRequest::default(), "linux/amd64") {
        assert!(graph.target < graph.stages.len());
        // Every stage comes after those that it needs, and once.
        for (at, stage) in graph.order.iter().enumerate() {
            assert!(graph.stages[*stage].needs.iter().all(|need| graph.order[..at].contains(need)));
            assert!(!graph.order[..at].contains(stage));
        }
    }
});
