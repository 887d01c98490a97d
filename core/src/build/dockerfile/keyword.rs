//! One instruction from its logical line, each keyword by its own grammar.

use super::flags::{self, Taken, near};
use super::instruction::{Command, Copy, Health, Instruction, Kind, Pair, Run, Text};
use super::lines::Logical;
use super::source::{Fault, Source, Span};
use super::words::{Word, json_list, split_at, split_plain};

/// Every keyword.
pub(crate) const KEYWORDS: [&str; 18] = [
    "FROM",
    "RUN",
    "CMD",
    "LABEL",
    "MAINTAINER",
    "EXPOSE",
    "ENV",
    "ADD",
    "COPY",
    "ENTRYPOINT",
    "VOLUME",
    "USER",
    "WORKDIR",
    "ARG",
    "ONBUILD",
    "STOPSIGNAL",
    "HEALTHCHECK",
    "SHELL",
];

/// A logical line being read.
pub(super) struct Line<'a> {
    pub(super) logical: &'a Logical,
    pub(super) source: &'a Source,
    pub(super) escape: char,
}

impl Line<'_> {
    fn span(&self, from: usize, to: usize) -> Span {
        self.logical.span(self.source, from, to)
    }

    fn text(&self, word: &Word) -> Text {
        Text { text: word.text.clone(), span: self.span(word.range.0, word.range.1) }
    }

    /// The rest of the line from this byte, its own blanks taken off.
    fn rest(&self, from: usize) -> Text {
        let whole = &self.logical.text;
        let rest = &whole[from..];
        let start = from + rest.len() - rest.trim_start().len();
        let end = whole.trim_end().len().max(start);
        Text { text: whole[start..end].to_owned(), span: self.span(start, end) }
    }
}

/// Reads the instruction that begins at this byte; `trigger` if it stands after ONBUILD.
pub(super) fn instruction(line: &Line<'_>, from: usize, trigger: bool) -> Result<Instruction, Fault> {
    let whole = &line.logical.text;
    let word = split_plain(&whole[from..], from).into_iter().next().unwrap_or_default();
    let keyword = line.text(&word);
    let upper = keyword.text.to_ascii_uppercase();
    let Some(known) = KEYWORDS.iter().find(|k| **k == upper).copied() else {
        return Err(unknown(line, &keyword, &upper));
    };
    if trigger && ["ONBUILD", "FROM", "MAINTAINER"].contains(&known) {
        let message = if known == "ONBUILD" {
            "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed".to_owned()
        } else {
            format!("{known} isn't allowed as an ONBUILD trigger")
        };
        return Err(Fault::new(keyword.span, message).help("write the instruction in the Dockerfile of the image that builds on this one"));
    }
    let (flags, at) = flags::take(line.logical, line.source, word.range.1, line.escape);
    let mut made = Instruction {
        keyword,
        text: whole[from..].to_owned(),
        span: line.span(from, whole.len()),
        lines: line.logical.lines,
        kind: Kind::Shell(Vec::new()),
        trailing: None,
        broken_list: false,
        empty: line.logical.empty.clone(),
    };
    let mut taken = Taken::of(flags, known);
    let rest = line.rest(at);
    let start = at + (whole[at..].len() - whole[at..].trim_start().len());
    let words = || split_at(&whole[start..], line.escape, start);
    let missing = |what: &str, help: &str| Fault::new(made.keyword.span, format!("{known} requires {what}")).help(help.to_owned());
    made.kind = match known {
        "FROM" => {
            let platform = taken.one("platform")?;
            from_kind(line, &words(), platform, &made.keyword)?
        }
        "ARG" => {
            let words = words();
            if words.is_empty() {
                return Err(missing("at least one argument", "write ARG NAME or ARG NAME=DEFAULT"));
            }
            Kind::Arg(words.iter().map(|w| pair(line, w)).map(|p| named(p, "ARG")).collect::<Result<_, _>>()?)
        }
        "ENV" | "LABEL" => {
            let pairs = pairs(line, known, &words(), &made.keyword)?;
            if known == "ENV" { Kind::Env(pairs) } else { Kind::Label(pairs) }
        }
        "RUN" => {
            let (mounts, network, security) = (taken.each("mount")?, taken.one("network")?, taken.one("security")?);
            let heredocs = line.logical.heredocs.clone();
            if rest.text.is_empty() {
                return Err(missing("at least one argument", "write the command: RUN apt-get update"));
            }
            let command = command(&mut made, line, &rest, start);
            Kind::Run(Run { command, mounts, network, security, heredocs })
        }
        "CMD" => Kind::Cmd(command(&mut made, line, &rest, start)),
        "ENTRYPOINT" => {
            if rest.text.is_empty() {
                return Err(missing("at least one argument", "write ENTRYPOINT [\"program\", \"argument\"]"));
            }
            Kind::Entrypoint(command(&mut made, line, &rest, start))
        }
        "SHELL" => match json_list(&rest.text) {
            Some((list, _)) if !list.is_empty() => Kind::Shell(list),
            Some(_) => return Err(missing("at least one argument", "write SHELL [\"/bin/bash\", \"-c\"]")),
            None => {
                return Err(
                    Fault::new(rest.span, "SHELL requires the arguments to be in JSON form").help("write SHELL [\"/bin/bash\", \"-c\"]")
                );
            }
        },
        "EXPOSE" => Kind::Expose(some(line, &words(), || missing("at least one argument", "write EXPOSE 80 or EXPOSE 53/udp"))?),
        "VOLUME" => Kind::Volume(list_or_words(&mut made, line, &rest, &words(), start, |made| {
            Fault::new(made.keyword.span, "VOLUME requires at least one argument").help("write VOLUME /data")
        })?),
        "ADD" | "COPY" => {
            let copy = Copy {
                add: known == "ADD",
                from: if known == "COPY" { taken.one("from")? } else { None },
                chown: taken.one("chown")?,
                chmod: taken.one("chmod")?,
                link: taken.switch("link")?.unwrap_or(false),
                parents: if known == "COPY" { taken.switch("parents")?.unwrap_or(false) } else { false },
                excludes: taken.each("exclude")?,
                checksum: if known == "ADD" { taken.one("checksum")? } else { None },
                unpack: if known == "ADD" { taken.switch("unpack")? } else { None },
                ..Copy::default()
            };
            if known == "ADD" {
                // Of use for git contexts only, which are refused where they are fetched.
                taken.switch("keep-git-dir")?;
            }
            copy_kind(&mut made, line, &rest, &words(), start, copy)?
        }
        "USER" | "WORKDIR" | "STOPSIGNAL" | "MAINTAINER" => {
            if rest.text.is_empty() {
                let example = match known {
                    "USER" => "write USER NAME, or USER UID:GID",
                    "WORKDIR" => "write WORKDIR /path",
                    "STOPSIGNAL" => "write STOPSIGNAL SIGTERM",
                    _ => "write LABEL org.opencontainers.image.authors=NAME instead",
                };
                return Err(missing("exactly one argument", example));
            }
            match known {
                "USER" => Kind::User(rest.clone()),
                "WORKDIR" => Kind::Workdir(rest.clone()),
                "STOPSIGNAL" => Kind::Stopsignal(rest.clone()),
                _ => Kind::Maintainer(rest.clone()),
            }
        }
        "ONBUILD" => {
            if rest.text.is_empty() {
                return Err(missing("at least one argument", "write the instruction to run later: ONBUILD COPY . /src"));
            }
            let inner = instruction(line, start, true)?;
            Kind::Onbuild { text: trigger_text(line, start), inner: Box::new(inner) }
        }
        _ => {
            let mut health = Health {
                interval: taken.duration("interval")?,
                timeout: taken.duration("timeout")?,
                start_period: taken.duration("start-period")?,
                start_interval: taken.duration("start-interval")?,
                ..Health::default()
            };
            if let Some(retries) = taken.one("retries")? {
                health.retries = Some(retries.text.parse().map_err(|_| {
                    Fault::new(retries.span, format!("--retries={:?} is not a number", retries.text)).help("write --retries=3")
                })?);
            }
            healthcheck(&mut made, line, &rest, start, health)?
        }
    };
    if known != "ONBUILD" {
        taken.done()?;
    }
    Ok(made)
}

/// The trigger as the image keeps it: with its here-documents, as they are needed later.
fn trigger_text(line: &Line<'_>, start: usize) -> String {
    let mut text = line.logical.text[start..].to_owned();
    for doc in &line.logical.heredocs {
        text.push('\n');
        text.push_str(&doc.content);
        text.push_str(&doc.name);
    }
    text
}

fn unknown(line: &Line<'_>, keyword: &Text, upper: &str) -> Fault {
    let fault = Fault::new(keyword.span, format!("unknown instruction: {}", keyword.text.escape_debug()));
    if let Some(known) = KEYWORDS.iter().find(|k| near(k, upper)) {
        return fault.help(format!("did you mean {known}?"));
    }
    let words = line.logical.text.split_whitespace().count();
    if line.logical.lines.0 == 1 || words > 2 {
        return fault.help("a comment begins with #; an instruction begins with a word such as FROM, RUN or COPY");
    }
    fault.help("an instruction begins with a word such as FROM, RUN or COPY; a long command is continued by \\ at the end of its line")
}

fn from_kind(line: &Line<'_>, words: &[Word], platform: Option<Text>, keyword: &Text) -> Result<Kind, Fault> {
    let texts: Vec<Text> = words.iter().map(|w| line.text(w)).collect();
    let name = match texts.as_slice() {
        [_] => None,
        [_, word, name] if word.text.eq_ignore_ascii_case("as") => Some(name.clone()),
        [] => {
            return Err(
                Fault::new(keyword.span, "FROM requires either one or three arguments").help("write FROM IMAGE or FROM IMAGE AS NAME")
            );
        }
        [_, word, ..] => {
            let help = if word.text.starts_with('#') { "a comment has its own line" } else { "write FROM IMAGE or FROM IMAGE AS NAME" };
            return Err(Fault::new(word.span, "FROM requires either one or three arguments").help(help));
        }
    };
    if let Some(name) = &name {
        let lower = name.text.to_ascii_lowercase();
        let head = lower.starts_with(|c: char| c.is_ascii_lowercase());
        if !head || !lower.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
            return Err(Fault::new(
                name.span,
                format!("invalid name for build stage: {:?}, name can't start with a number or contain symbols", name.text),
            )
            .help("use letters, digits, -, _ and ., a letter first"));
        }
    }
    Ok(Kind::From { image: texts[0].clone(), platform, name })
}

fn pair(line: &Line<'_>, word: &Word) -> Pair {
    match word.text.split_once('=') {
        Some((name, value)) => {
            let cut = word.range.0 + name.len();
            Pair {
                name: Text { text: name.to_owned(), span: line.span(word.range.0, cut) },
                value: Some(Text { text: value.to_owned(), span: line.span(cut + 1, word.range.1) }),
                legacy: false,
            }
        }
        None => Pair { name: line.text(word), value: None, legacy: false },
    }
}

fn named(pair: Pair, keyword: &str) -> Result<Pair, Fault> {
    if pair.name.text.is_empty() {
        return Err(Fault::new(pair.name.span, format!("{keyword} names can not be blank")).help(format!("write {keyword} NAME=VALUE")));
    }
    Ok(pair)
}

fn pairs(line: &Line<'_>, known: &str, words: &[Word], keyword: &Text) -> Result<Vec<Pair>, Fault> {
    let Some(first) = words.first() else {
        return Err(Fault::new(keyword.span, format!("{known} requires at least one argument")).help(format!("write {known} NAME=VALUE")));
    };
    if !first.text.contains('=') {
        let value = line.rest(first.range.1);
        if value.text.is_empty() {
            return Err(Fault::new(line.text(first).span, format!("{known} must have two arguments"))
                .help(format!("write {known} {}=VALUE", first.text)));
        }
        return Ok(vec![Pair { name: line.text(first), value: Some(value), legacy: true }]);
    }
    words
        .iter()
        .map(|word| {
            let pair = pair(line, word);
            if pair.value.is_none() {
                let message = format!("Syntax error - can't find = in {:?}. Must be of the form: name=value", word.text);
                return Err(Fault::new(pair.name.span, message).help("put a value with blanks in quotes: NAME=\"two words\""));
            }
            named(pair, known)
        })
        .collect()
}

/// A list in JSON, or the line for the shell.
fn command(made: &mut Instruction, line: &Line<'_>, rest: &Text, start: usize) -> Command {
    match json_list(&rest.text) {
        Some((list, after)) => {
            note_trailing(made, line, rest, after, start);
            Command::Exec(list)
        }
        None => {
            made.broken_list = rest.text.starts_with('[');
            Command::Shell(rest.text.clone())
        }
    }
}

fn note_trailing(made: &mut Instruction, line: &Line<'_>, rest: &Text, after: &str, start: usize) {
    if !after.is_empty() {
        let end = start + rest.text.len();
        made.trailing = Some(line.span(end - after.len(), end));
    }
}

fn some(line: &Line<'_>, words: &[Word], missing: impl Fn() -> Fault) -> Result<Vec<Text>, Fault> {
    if words.is_empty() { Err(missing()) } else { Ok(words.iter().map(|w| line.text(w)).collect()) }
}

fn list_or_words(
    made: &mut Instruction,
    line: &Line<'_>,
    rest: &Text,
    words: &[Word],
    start: usize,
    missing: impl Fn(&Instruction) -> Fault,
) -> Result<Vec<Text>, Fault> {
    match json_list(&rest.text) {
        Some((list, after)) => {
            note_trailing(made, line, rest, after, start);
            if list.is_empty() {
                return Err(missing(made));
            }
            Ok(list.into_iter().map(|text| Text { text, span: rest.span }).collect())
        }
        None => {
            made.broken_list = rest.text.starts_with('[');
            some(line, words, || missing(made))
        }
    }
}

fn copy_kind(made: &mut Instruction, line: &Line<'_>, rest: &Text, words: &[Word], start: usize, mut copy: Copy) -> Result<Kind, Fault> {
    let keyword = if copy.add { "ADD" } else { "COPY" };
    let missing = |made: &Instruction| {
        Fault::new(made.keyword.span, format!("{keyword} requires at least two arguments"))
            .help(format!("write {keyword} SOURCE DESTINATION"))
    };
    let mut all = list_or_words(made, line, rest, words, start, missing)?;
    let Some(dest) = all.pop() else { return Err(missing(made)) };
    let docs = &line.logical.heredocs;
    for text in all {
        match docs.iter().find(|d| d.span.start <= text.span.start && text.span.end <= d.span.end) {
            Some(doc) if doc.span.start == text.span.start => copy.heredocs.push(doc.clone()),
            // The name that blanks keep apart from its `<<`.
            Some(_) => {}
            None => copy.sources.push(text),
        }
    }
    if docs.iter().any(|d| d.span.start <= dest.span.start && dest.span.end <= d.span.end)
        || (copy.sources.is_empty() && copy.heredocs.is_empty())
    {
        return Err(Fault::new(
            dest.span,
            format!("{keyword} requires at least two arguments, but only one was provided. Destination could not be determined"),
        )
        .help(format!("write {keyword} SOURCE DESTINATION")));
    }
    copy.dest = dest;
    Ok(Kind::Copy(copy))
}

fn healthcheck(made: &mut Instruction, line: &Line<'_>, rest: &Text, start: usize, mut health: Health) -> Result<Kind, Fault> {
    let word = split_plain(&rest.text, start).into_iter().next();
    let Some(word) = word else {
        return Err(Fault::new(made.keyword.span, "HEALTHCHECK requires at least one argument")
            .help("write HEALTHCHECK CMD program argument, or HEALTHCHECK NONE"));
    };
    let after = line.rest(word.range.1);
    let begin = word.range.1 + (line.logical.text[word.range.1..].len() - line.logical.text[word.range.1..].trim_start().len());
    match word.text.to_ascii_uppercase().as_str() {
        "NONE" if after.text.is_empty() => Ok(Kind::Healthcheck(health)),
        "NONE" => Err(Fault::new(after.span, "HEALTHCHECK NONE takes no arguments").help("leave them out")),
        "CMD" if after.text.is_empty() => {
            Err(Fault::new(line.text(&word).span, "Missing command after HEALTHCHECK CMD").help("write HEALTHCHECK CMD program argument"))
        }
        "CMD" => {
            health.test = Some(command(made, line, &after, begin));
            Ok(Kind::Healthcheck(health))
        }
        _ => Err(Fault::new(line.text(&word).span, format!("Unknown type {:?} in HEALTHCHECK (try CMD)", word.text))
            .help("write CMD before the command; options stand before CMD")),
    }
}
