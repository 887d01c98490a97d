//! Logs.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, equal, fail, holds};
use crate::world::World;
use drydock_core::engine::{LogLine, LogsRequest};
use drydock_core::io::Stream;
use std::time::Duration;

/// A container that wrote five lines, a moment apart, the last one without an end.
fn five(w: &World<'_>) -> Checked<String> {
    let id = w.start(&["sh", "-c", "for i in 1 2 3 4; do echo line$i; sleep 0.02; done; printf line5"], |_| {})?;
    w.wait(&id)?;
    Ok(id)
}

fn texts(lines: &[LogLine]) -> Vec<String> {
    lines.iter().map(|l| String::from_utf8_lossy(&l.bytes).into_owned()).collect()
}

fn asked(w: &World<'_>, id: &str, request: LogsRequest) -> Checked<Vec<String>> {
    Ok(texts(&w.logs(id, &request)?))
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-LOG-1", "The log keeps what the container wrote, with the stream of each line.", cite::LOGS, |w| {
        let id = w.start(&["sh", "-c", "echo o; sleep 0.05; echo e >&2"], |_| {})?;
        w.wait(&id)?;
        let lines: Vec<_> = w.logs(&id, &LogsRequest::default())?.into_iter().map(|l| (l.stream, l.bytes)).collect();
        equal("log", lines, vec![(Stream::Stdout, b"o\n".to_vec()), (Stream::Stderr, b"e\n".to_vec())])
    }),
    Clause::docker("CTR-LOG-2", "A tail of n is the last n lines; of zero none.", cite::LOGS, |w| {
        let id = five(w)?;
        equal("two", asked(w, &id, LogsRequest { tail: Some(2), ..Default::default() })?, vec!["line4\n", "line5"])?;
        equal("zero", asked(w, &id, LogsRequest { tail: Some(0), ..Default::default() })?, Vec::<String>::new())?;
        equal("many", asked(w, &id, LogsRequest { tail: Some(99), ..Default::default() })?.len(), 5)
    }),
    Clause::docker("CTR-LOG-3", "since and until take lines from and up to a moment, that moment included.", cite::LOGS, |w| {
        let id = five(w)?;
        let third = w.logs(&id, &LogsRequest::default())?[2].time;
        equal("since", asked(w, &id, LogsRequest { since: Some(third), ..Default::default() })?, vec!["line3\n", "line4\n", "line5"])?;
        equal("until", asked(w, &id, LogsRequest { until: Some(third), ..Default::default() })?, vec!["line1\n", "line2\n", "line3\n"])
    }),
    Clause::docker("CTR-LOG-4", "Each line has the time it was written, between start and end, never going back.", cite::LOGS, |w| {
        let id = five(w)?;
        let state = w.record(&id)?.state;
        let times: Vec<_> = w.logs(&id, &LogsRequest::default())?.iter().map(|l| l.time).collect();
        holds("they never go back", times.windows(2).all(|p| p[0] <= p[1]))?;
        // The engine writes the start down when the program runs already, so the first line may be a little earlier.
        holds("they are of this run", times.iter().all(|t| t.after(Duration::from_millis(250)) >= state.started && *t <= state.finished))
    }),
    Clause::docker("CTR-LOG-5", "Following gives lines as they come, and ends with the container.", cite::LOGS, |w| {
        let id = w.start(&["sh", "-c", "for i in 1 2 3; do echo line$i; sleep 0.1; done"], |_| {})?;
        equal("followed", asked(w, &id, LogsRequest { follow: true, ..Default::default() })?, vec!["line1\n", "line2\n", "line3\n"])
    }),
    Clause::law("CTR-LOG-6", "Following ends when its reader has had enough, and the container goes on.", "Drydock, Engine::logs", |w| {
        let id = w.start(&["sh", "-c", "while :; do echo line; sleep 0.05; done"], |_| {})?;
        let mut seen = 0;
        w.engine().logs(&id, &LogsRequest { follow: true, ..Default::default() }, &mut |_| {
            seen += 1;
            seen < 3
        })?;
        equal("lines", seen, 3)?;
        equal("status", w.status(&id)?, drydock_core::container::Status::Running)
    }),
    Clause::docker("CTR-LOG-7", "The log goes on over a second run.", cite::LOGS, |w| {
        let id = w.create(&["echo", "run"], |_| {})?;
        for _ in 0..2 {
            w.engine().start(&id)?;
            w.wait(&id)?;
        }
        equal("log", w.log_text(&id)?, "run\nrun\n")
    }),
    Clause::docker(
        "CTR-LOG-8",
        "A line longer than the log's own pieces comes back whole.",
        "Docker manual, JSON File logging driver",
        |w| {
            let id = w.start(&["sh", "-c", "head -c 40000 /dev/zero | tr '\\0' x; echo"], |_| {})?;
            w.wait(&id)?;
            let text = w.log_text(&id)?;
            equal("length", text.len(), 40001)?;
            holds("it is one line of x", text.trim_end_matches('\n').bytes().all(|b| b == b'x'))
        },
    ),
    Clause::docker("CTR-LOG-9", "A terminal's log is one stream, as the terminal showed it.", cite::LOGS, |w| {
        let id = w.start(&["sh", "-c", "echo o; echo e >&2"], |c| c.tty = true)?;
        w.wait(&id)?;
        equal("log", w.log_text(&id)?, "o\r\ne\r\n")
    }),
    Clause::docker("CTR-LOG-10", "A container that never ran has an empty log.", cite::LOGS, |w| {
        let id = w.create(&["true"], |_| {})?;
        match w.logs(&id, &LogsRequest::default())?.len() {
            0 => Ok(()),
            n => fail(format_args!("{n} lines")),
        }
    }),
];
