//! Logs.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, contains, equal, fail, holds};
use crate::world::World;
use drydock_core::container::RestartPolicy;
use drydock_core::container::log::LogConfig;
use drydock_core::engine::{LogLine, LogsRequest};
use drydock_core::io::Stream;
use drydock_core::time::Timestamp;
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

const ROTATED: &str = "Docker manual, JSON File logging driver, Options";

fn options(given: &[(&str, &str)]) -> LogConfig {
    LogConfig { driver: String::new(), options: given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect() }
}

/// A container that has counted to a number, a line each, with these options of its log.
fn counted(w: &World<'_>, to: u32, given: &[(&str, &str)]) -> Checked<String> {
    let script = format!("i=0; while [ $i -lt {to} ]; do echo line $i; i=$((i+1)); done");
    let id = w.start(&["sh", "-c", &script], |c| c.log = options(given))?;
    w.wait(&id)?;
    Ok(id)
}

/// The numbers in the lines of such a container.
fn numbers(w: &World<'_>, id: &str, request: LogsRequest) -> Checked<Vec<u32>> {
    let number = |text: &String| text.trim_end().strip_prefix("line ").and_then(|n| n.parse().ok());
    let lines = asked(w, id, request)?;
    let found: Vec<u32> = lines.iter().filter_map(number).collect();
    if found.len() == lines.len() {
        Ok(found)
    } else {
        fail(format_args!("not only numbers: {:?}", lines.iter().find(|l| number(l).is_none())))
    }
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
    Clause::docker(
        "CTR-LOG-11",
        "A log bounded in size and files keeps the newest lines, whole and in order, over as many files.",
        ROTATED,
        |w| {
            let id = counted(w, 1000, &[("max-size", "10k"), ("max-file", "3")])?;
            let numbers = numbers(w, &id, LogsRequest::default())?;
            equal("last", numbers.last().copied(), Some(999))?;
            holds("they follow each other", numbers.windows(2).all(|p| p[1] == p[0] + 1))?;
            holds(format_args!("{} lines are two to three files", numbers.len()), (200..500).contains(&numbers.len()))
        },
    ),
    Clause::docker("CTR-LOG-12", "Full files may be compressed, and are read all the same.", ROTATED, |w| {
        let id = counted(w, 1000, &[("max-size", "10k"), ("max-file", "3"), ("compress", "true")])?;
        let numbers = numbers(w, &id, LogsRequest::default())?;
        equal("last", numbers.last().copied(), Some(999))?;
        holds("they follow each other", numbers.windows(2).all(|p| p[1] == p[0] + 1))?;
        holds(format_args!("{} lines are two to three files", numbers.len()), (200..500).contains(&numbers.len()))
    }),
    Clause::docker("CTR-LOG-13", "A tail reaches back over several files, compressed ones too.", ROTATED, |w| {
        for options in [&[("max-size", "10k"), ("max-file", "4")][..], &[("max-size", "10k"), ("max-file", "4"), ("compress", "true")]] {
            let id = counted(w, 1000, options)?;
            for tail in [1, 150, 300] {
                let found = numbers(w, &id, LogsRequest { tail: Some(tail), ..Default::default() })?;
                let first = 1000 - u32::try_from(tail).unwrap_or(0);
                equal("tail", found, (first..1000).collect::<Vec<_>>())?;
            }
        }
        Ok(())
    }),
    Clause::docker("CTR-LOG-14", "A log bounded to one file begins anew when that is full.", ROTATED, |w| {
        let id = counted(w, 1000, &[("max-size", "10k")])?;
        let numbers = numbers(w, &id, LogsRequest::default())?;
        equal("last", numbers.last().copied(), Some(999))?;
        holds(format_args!("{} lines are at most one file", numbers.len()), !numbers.is_empty() && numbers.len() < 200)
    }),
    Clause::law(
        "CTR-LOG-15",
        "Following loses and repeats no line while files are rotated and compressed under the reader.",
        "Drydock manual, Health, restarts and logs",
        |w| {
            let script = "i=0; while [ $i -lt 600 ]; do echo line $i; i=$((i+1)); [ $((i%20)) = 0 ] && sleep 0.02; done; true";
            let id =
                w.start(&["sh", "-c", script], |c| c.log = options(&[("max-size", "2k"), ("max-file", "20"), ("compress", "true")]))?;
            let found = numbers(w, &id, LogsRequest { follow: true, ..Default::default() })?;
            equal("lines", found, (0..600).collect::<Vec<_>>())
        },
    ),
    Clause::docker(
        "CTR-LOG-16",
        "With the driver none nothing is kept and reading is refused; whoever is attached sees everything.",
        "Docker manual, Configure logging drivers",
        |w| {
            let none = || LogConfig { driver: "none".to_owned(), ..LogConfig::default() };
            w.run_with(&["echo", "shown"], |c| c.log = none())?.prints("shown")?.done()?;
            let id = w.start(&["echo", "hidden"], |c| c.log = none())?;
            w.wait(&id)?;
            let Err(error) = w.engine().logs(&id, &LogsRequest::default(), &mut |_| true) else { return fail("it was not refused") };
            contains("message", &error.to_string(), "configured logging driver does not support reading")
        },
    ),
    Clause::docker("CTR-LOG-17", "The driver local keeps lines that can be read.", "Docker manual, Local file logging driver", |w| {
        let local = LogConfig { driver: "local".to_owned(), ..LogConfig::default() };
        let id = w.start(&["sh", "-c", "echo o; sleep 0.05; echo e >&2"], |c| c.log = local)?;
        w.wait(&id)?;
        let lines: Vec<_> = w.logs(&id, &LogsRequest::default())?.into_iter().map(|l| (l.stream, l.bytes)).collect();
        equal("log", lines, vec![(Stream::Stdout, b"o\n".to_vec()), (Stream::Stderr, b"e\n".to_vec())])
    }),
    Clause::docker(
        "CTR-LOG-18",
        "Labels, variables and a tag that are named stand beside every line; what is not there is left out.",
        "Docker manual, JSON File logging driver",
        |w| {
            let id = w.start(&["echo", "x"], |c| {
                c.name = Some("tagged".to_owned());
                c.labels = [("a", "1"), ("b", "2")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
                c.env = vec!["FOO=bar".to_owned()];
                c.log = options(&[("labels", "a,zz"), ("env", "FOO"), ("tag", "{{.Name}}/{{.ImageName}}")]);
            })?;
            w.wait(&id)?;
            let Some(line) = w.logs(&id, &LogsRequest::default())?.into_iter().next() else { return fail("no line") };
            let wanted = [("FOO", "bar"), ("a", "1"), ("tag", "tagged/busybox")].map(|(k, v)| (k.to_owned(), v.to_owned()));
            equal("attributes", line.attributes, wanted.into())
        },
    ),
    Clause::docker(
        "CTR-LOG-19",
        "A driver that does not exist and options that make no sense are refused.",
        "Docker manual, Configure logging drivers",
        |w| {
            /// A driver, its options, and what is said about them.
            type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
            let cases: [Case<'_>; 6] = [
                ("nope", &[], "error looking up logging plugin nope: plugin \"nope\" not found"),
                ("", &[("nope", "1")], "unknown log opt 'nope' for json-file log driver"),
                ("", &[("max-size", "10k"), ("max-file", "0")], "failed to initialize logging driver: max-file cannot be less than 1"),
                ("", &[("max-size", "lots")], "failed to initialize logging driver: invalid size: 'lots'"),
                ("", &[("max-size", "1m"), ("compress", "yes")], "strconv.ParseBool: parsing \"yes\": invalid syntax"),
                (
                    "",
                    &[("max-size", "1m"), ("compress", "true")],
                    "compress cannot be true when max-file is less than 2 or max-size is not set",
                ),
            ];
            for (driver, given, words) in cases {
                let error = w.refused(&["true"], |c| c.log = LogConfig { driver: driver.to_owned(), ..options(given) })?;
                contains("message", &error.to_string(), words)?;
            }
            Ok(())
        },
    ),
    Clause::docker(
        "CTR-LOG-20",
        "A line that is exactly as long as a piece of the log, or one shorter, comes back as it was.",
        "Docker manual, JSON File logging driver",
        |w| {
            let id =
                w.start(&["sh", "-c", "head -c 16384 /dev/zero | tr '\\0' x; echo; head -c 16383 /dev/zero | tr '\\0' y; echo"], |_| {})?;
            w.wait(&id)?;
            equal("log", w.log_text(&id)?, format!("{}\n{}\n", "x".repeat(16384), "y".repeat(16383)))?;
            let pieces: Vec<usize> = w.logs(&id, &LogsRequest::default())?.iter().map(|l| l.bytes.len()).collect();
            equal("pieces", pieces, vec![16384, 1, 16384])
        },
    ),
    Clause::docker(
        "CTR-LOG-21",
        "Following one that was never started ends at once, and so does following one that has ended.",
        cite::LOGS,
        |w| {
            let id = w.create(&["echo", "x"], |_| {})?;
            let follow = || LogsRequest { follow: true, ..Default::default() };
            equal("created", w.logs(&id, &follow())?.len(), 0)?;
            w.engine().start(&id)?;
            w.wait(&id)?;
            equal("ended", asked(w, &id, follow())?, vec!["x\n"])
        },
    ),
    Clause::docker("CTR-LOG-22", "Following with a tail begins so many lines back and goes on.", cite::LOGS, |w| {
        let id = w.ready("for i in 1 2 3; do echo line$i; done; echo ready; sleep 0.4; echo later", |_| {})?;
        equal(
            "followed",
            asked(w, &id, LogsRequest { follow: true, tail: Some(2), ..Default::default() })?,
            vec!["line3\n", "ready\n", "later\n"],
        )
    }),
    Clause::law(
        "CTR-LOG-23",
        "Following goes on while the container is restarted, and ends with its last run.",
        "Drydock manual, Health, restarts and logs",
        |w| {
            let id = w.start(&["sh", "-c", "echo run; exit 1"], |c| c.restart = RestartPolicy::OnFailure(Some(2)))?;
            equal("followed", asked(w, &id, LogsRequest { follow: true, ..Default::default() })?, vec!["run\n", "run\n", "run\n"])
        },
    ),
    Clause::docker(
        "CTR-LOG-24",
        "A moment in the future as since, and one before the first line as until, leave nothing.",
        cite::LOGS,
        |w| {
            let id = five(w)?;
            let later = w.now().after(Duration::from_secs(3600));
            equal("since", asked(w, &id, LogsRequest { since: Some(later), ..Default::default() })?.len(), 0)?;
            equal("until", asked(w, &id, LogsRequest { until: Some(Timestamp(1)), ..Default::default() })?.len(), 0)
        },
    ),
    Clause::docker(
        "CTR-LOG-25",
        "Labels and variables that a pattern fits stand beside every line too; what is no pattern is refused.",
        "Docker manual, JSON File logging driver",
        |w| {
            let id = w.start(&["echo", "x"], |c| {
                c.labels = [("app.a", "1"), ("app.b", "2"), ("other", "3")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
                c.env = vec!["FOO_A=bar".to_owned(), "BAR=no".to_owned()];
                c.log = options(&[("labels-regex", "^app\\."), ("env-regex", "^FOO")]);
            })?;
            w.wait(&id)?;
            let Some(line) = w.logs(&id, &LogsRequest::default())?.into_iter().next() else { return fail("no line") };
            let wanted = [("FOO_A", "bar"), ("app.a", "1"), ("app.b", "2")].map(|(k, v)| (k.to_owned(), v.to_owned()));
            equal("attributes", line.attributes, wanted.into())?;
            let error = w.refused(&["true"], |c| c.log = options(&[("labels-regex", "(")]))?;
            contains("message", &error.to_string(), "failed to initialize logging driver: error parsing regexp")
        },
    ),
    Clause::law(
        "CTR-LOG-26",
        "Whoever reads a log that is rotated faster is told where lines may be missing, and no line is missing elsewhere.",
        "Drydock book, The life of a container, What is promised",
        |w| {
            let script =
                "echo line 0; until [ -e /go ]; do sleep 0.02; done; i=1; while [ $i -lt 1500 ]; do echo line $i; i=$((i+1)); done";
            let id = w.start(&["sh", "-c", script], |c| c.log = options(&[("max-size", "10k"), ("max-file", "3")]))?;
            let (mut read, mut away) = (Vec::new(), Ok(()));
            w.engine().logs(&id, &LogsRequest { follow: true, ..Default::default() }, &mut |line| {
                let first = read.is_empty();
                read.push((line.stream, String::from_utf8_lossy(&line.bytes).into_owned()));
                if first {
                    // The rest is written while nobody reads on.
                    away = w.exec(&id, &["touch", "/go"]).and_then(|done| done.exits(0)).and_then(|_| w.wait(&id)).map(drop);
                }
                away.is_ok()
            })?;
            away?;
            let (mut next, mut told) = (0, false);
            for (stream, text) in read {
                match text.trim_end().strip_prefix("line ").and_then(|n| n.parse::<u32>().ok()) {
                    Some(number) => {
                        holds(format_args!("line {number} is not before {next}"), number >= next)?;
                        holds(format_args!("what is missing before line {number} is told"), number == next || told)?;
                        (next, told) = (number + 1, false);
                    }
                    None => {
                        equal("stream", stream, Stream::Stderr)?;
                        contains("mark", &text, "may be missing here")?;
                        told = true;
                    }
                }
            }
            equal("last", next, 1500)
        },
    ),
];
