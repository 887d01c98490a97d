//! Keys of the build cache change exactly when they should: of random Dockerfiles and contexts, one thing is changed, and what is done
//! again is each step from the first that sees the change on, and no step before it. What no step sees changes nothing.
//!
//! Each program writes down all it sees, so that whatever changes for it changes the layers that the next steps stand on.

mod common;

use drydock_core::build::progress::Silent;
use drydock_core::build::request::{BuildRequest, Secret, Surface};
use drydock_core::container::NetworkMode;
use drydock_core::engine::Engine;
use drydock_core::image::tar::{Entry, Kind, Writer};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Files of the context, names of variables, names of arguments: so many of each.
const FEW: usize = 3;

/// One instruction. Numbers choose among a few names, so that instructions meet.
#[derive(Clone, Debug)]
enum Line {
    Copy(usize),
    /// A copy with flags: whom it belongs to, its mode, whether it is a layer of its own.
    CopyAs {
        file: usize,
        owner: u8,
        mode: bool,
        link: bool,
    },
    /// A copy of the whole directory but what .dockerignore leaves out.
    CopyAll,
    /// A copy of what the stage before has made.
    CopyFrom,
    Run(u8),
    /// A program with a file of the context mounted.
    Bind(usize),
    /// A program with a secret mounted, or with memory, or a cache, by what is different of it.
    Mount(Mounted, u8),
    Env(usize, u8),
    Arg(usize),
    Workdir,
    User(bool),
    /// What no program can see.
    Label(u8),
    Cmd(u8),
}

#[derive(Clone, Copy, Debug)]
enum Mounted {
    Secret,
    Tmpfs,
    Cache,
}

#[derive(Clone, Debug)]
struct File {
    content: u8,
    mode: u32,
    mtime: i64,
}

/// All that goes into a build.
#[derive(Clone, Debug)]
struct Inputs {
    /// Of a first stage, whose directory /made the second may copy.
    first: Vec<u8>,
    lines: Vec<Line>,
    /// A word of .dockerignore's that stands for no file.
    ignored: u8,
    /// The content of the secret.
    secret: u8,
    files: Vec<File>,
    arguments: Vec<u8>,
    proxy: u8,
    other: u8,
}

/// What is changed of it.
#[derive(Clone, Copy, Debug)]
enum Change {
    Content(usize),
    Mode(usize),
    Mtime(usize),
    Argument(usize),
    Proxy,
    /// A file that .dockerignore leaves out.
    Other,
    /// .dockerignore itself: a line that leaves out nothing that is there.
    Ignore,
    /// What the secret says.
    Secret,
    /// What the first stage does.
    First(usize),
    /// An instruction, by its number.
    Line(usize),
}

impl Inputs {
    fn dockerfile(&self) -> String {
        let mut text = "FROM busybox AS first\nRUN mkdir /made\n".to_owned();
        for (number, word) in self.first.iter().enumerate() {
            text += &format!("RUN echo {word} >/made/{number}\n");
        }
        text += "FROM busybox\n";
        for (number, line) in self.lines.iter().enumerate() {
            text += &match line {
                Line::Copy(file) => format!("COPY f{file} /copied{number}\n"),
                Line::CopyAs { file, owner, mode, link } => {
                    let mode = if *mode { " --chmod=640" } else { "" };
                    format!("COPY --chown={owner}{mode}{} f{file} /as{number}\n", if *link { " --link" } else { "" })
                }
                Line::CopyAll => format!("COPY . /all{number}\n"),
                Line::CopyFrom => format!("COPY --from=first /made /from{number}\n"),
                Line::Bind(file) => {
                    format!(
                        "RUN --mount=type=bind,source=f{file},target=/mnt/f cat /mnt/f >/tmp/bound{number}; env >>/tmp/bound{number}; id -u >>/tmp/bound{number}\n"
                    )
                }
                Line::Mount(Mounted::Secret, mode) => {
                    format!(
                        "RUN --mount=type=secret,id=s,mode=040{mode} echo {number} >/tmp/secret{number}; env >>/tmp/secret{number}; id -u >>/tmp/secret{number}\n"
                    )
                }
                Line::Mount(Mounted::Tmpfs, size) => {
                    format!(
                        "RUN --mount=type=tmpfs,target=/mnt,size={}m echo {number} >/tmp/tmpfs{number}; env >>/tmp/tmpfs{number}; id -u >>/tmp/tmpfs{number}\n",
                        8 + size
                    )
                }
                Line::Mount(Mounted::Cache, id) => {
                    format!(
                        "RUN --mount=type=cache,target=/mnt,id=c{id} echo {number} >/tmp/cache{number}; env >>/tmp/cache{number}; id -u >>/tmp/cache{number}\n"
                    )
                }
                Line::Run(word) => format!("RUN echo {word} >/tmp/ran{number}; env >>/tmp/ran{number}; id -u >>/tmp/ran{number}\n"),
                Line::Env(name, value) => format!("ENV E{name}={value}\n"),
                Line::Arg(name) => format!("ARG A{name}\n"),
                Line::Workdir => format!("WORKDIR /made{number}\n"),
                Line::User(root) => format!("USER {}\n", if *root { "root" } else { "1000" }),
                Line::Label(value) => format!("LABEL l={value}\n"),
                Line::Cmd(value) => format!("CMD echo {value}\n"),
            };
        }
        text
    }

    fn context(&self) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new());
        let mut add = |name: String, file: &File| {
            let entry = Entry { mode: file.mode, mtime: (file.mtime, 0), ..Entry::new(name, Kind::File) };
            writer.append(&entry, format!("content {}", file.content).as_bytes()).expect("a vector takes it");
        };
        for (number, file) in self.files.iter().enumerate() {
            add(format!("f{number}"), file);
        }
        add("other".to_owned(), &File { content: self.other, mode: 0o644, mtime: 0 });
        writer.finish().expect("a vector takes it")
    }

    /// Builds it; answers how many steps were in the cache, and of how many.
    fn build(&self, engine: &dyn Engine) -> (usize, usize) {
        let mut arguments: BTreeMap<String, String> =
            self.arguments.iter().enumerate().map(|(name, value)| (format!("A{name}"), value.to_string())).collect();
        // One of those that need no ARG, and count for nothing (Dockerfile reference, "Predefined ARGs").
        arguments.insert("HTTP_PROXY".to_owned(), format!("http://proxy{}", self.proxy));
        let request = BuildRequest {
            dockerfile: Some(self.dockerfile().into_bytes()),
            file: "Dockerfile".to_owned(),
            ignore: Some(format!("other\nnothing{}\n", self.ignored).into_bytes()),
            arguments,
            secrets: BTreeMap::from([("s".to_owned(), Secret { content: format!("secret {}", self.secret).into_bytes() })]),
            network: Some(NetworkMode::None),
            ..BuildRequest::default()
        };
        let built = engine.build(&request, Surface::plain(&mut self.context().as_slice(), &Silent));
        built.unwrap_or_else(|e| panic!("it does not build: {e}\n{}", self.dockerfile())).cached
    }

    fn changed(&self, change: Change) -> Self {
        let mut other = self.clone();
        match change {
            Change::Content(file) => other.files[file].content += 1,
            Change::Mode(file) => other.files[file].mode ^= 0o011,
            Change::Mtime(file) => other.files[file].mtime += 1,
            Change::Argument(name) => other.arguments[name] += 1,
            Change::Proxy => other.proxy += 1,
            Change::Other => other.other += 1,
            Change::Ignore => other.ignored += 1,
            Change::Secret => other.secret += 1,
            Change::First(at) => other.first[at] += 1,
            Change::Line(at) => match &mut other.lines[at] {
                Line::Copy(file) => *file = (*file + 1) % FEW,
                Line::CopyAs { owner, .. } => *owner += 1,
                Line::Bind(file) => *file = (*file + 1) % FEW,
                // Modes, sizes, names: of another mount.
                Line::Mount(_, what) => *what = (*what + 1) % 8,
                Line::CopyAll | Line::CopyFrom => {}
                Line::Run(word) | Line::Env(_, word) | Line::Label(word) | Line::Cmd(word) => *word += 1,
                Line::User(root) => *root = !*root,
                // Another place is another step; another argument may be one that is declared already.
                Line::Arg(_) | Line::Workdir => {}
            },
        }
        other
    }

    /// How many steps are in the cache after a change, at least and at most, by the reference's words alone. They are the same number
    /// unless the step that sees the change may make the same layer as before.
    fn cached_after(&self, change: Change) -> (usize, usize) {
        let (mut all, mut cached) = (0, 0);
        let first_differs = matches!(change, Change::First(_));
        if self.lines.iter().any(|line| matches!(line, Line::CopyFrom)) {
            all = 1 + self.first.len();
            cached = if let Change::First(at) = change { 1 + at } else { all };
        }
        let mut declared = [false; FEW];
        // Whether something that programs see is another one at this point.
        let (mut env_differs, mut user_differs) = ([false; FEW], false);
        let other = self.changed(change);
        // Whether a layer below is another one; whether the step that saw the change may yet have made the same.
        let (mut below_differs, mut maybe_same) = (false, false);
        for (at, (line, changed)) in self.lines.iter().zip(&other.lines).enumerate() {
            let here = matches!(change, Change::Line(n) if n == at);
            let file_differs = |file: usize, now: usize| {
                let (before, after) = (&self.files[file], &other.files[now]);
                (file != now || before.content != after.content, before.mode != after.mode)
            };
            let argument = matches!(change, Change::Argument(name) if declared[name]);
            let surroundings = argument || env_differs.iter().any(|d| *d) || user_differs;
            // Whether it sees the change, and whether what it makes then is surely another layer.
            let (sees, surely) = match (line, changed) {
                (Line::Copy(file), Line::Copy(now)) => {
                    let (content, mode) = file_differs(*file, *now);
                    (content || mode, true)
                }
                (Line::CopyAs { file, owner, mode: sets_mode, .. }, Line::CopyAs { owner: now, .. }) => {
                    let (content, mode) = file_differs(*file, *file);
                    (content || mode || owner != now, content || owner != now || !sets_mode)
                }
                (Line::CopyAll, _) => (matches!(change, Change::Content(_) | Change::Mode(_)), true),
                (Line::CopyFrom, _) => (first_differs, true),
                (Line::Bind(file), Line::Bind(now)) => {
                    let (content, mode) = file_differs(*file, *now);
                    (content || mode || surroundings, content || surroundings)
                }
                (Line::Mount(..), _) => (here || surroundings, surroundings),
                (Line::Run(_), _) => (here || surroundings, true),
                (Line::Env(name, value), Line::Env(_, now)) => {
                    env_differs[*name] = value != now;
                    continue;
                }
                (Line::Arg(name), _) => {
                    declared[*name] = true;
                    continue;
                }
                (Line::User(root), Line::User(now)) => {
                    user_differs = root != now;
                    continue;
                }
                // A directory that is made is its user's.
                (Line::Workdir, _) => (user_differs, true),
                _ => continue,
            };
            all += 1;
            // A layer of its own stands on nothing.
            let alone = matches!(line, Line::CopyAs { link: true, .. });
            if sees || (below_differs && !alone) {
                maybe_same |= sees && !below_differs && !surely;
                below_differs = true;
            } else {
                cached += 1;
            }
        }
        (cached, if maybe_same { all - 1 } else { cached })
    }
}

fn line() -> impl Strategy<Value = Line> {
    prop_oneof![
        3 => (0..FEW).prop_map(Line::Copy),
        2 => ((0..FEW), 0..9u8, any::<bool>(), any::<bool>()).prop_map(|(file, owner, mode, link)| Line::CopyAs { file, owner, mode, link }),
        1 => Just(Line::CopyAll),
        1 => Just(Line::CopyFrom),
        1 => (0..FEW).prop_map(Line::Bind),
        2 => (prop_oneof![Just(Mounted::Secret), Just(Mounted::Tmpfs), Just(Mounted::Cache)], 0..8u8)
            .prop_map(|(mounted, what)| Line::Mount(mounted, what)),
        3 => (0..9u8).prop_map(Line::Run),
        2 => ((0..FEW), 0..9u8).prop_map(|(name, value)| Line::Env(name, value)),
        2 => (0..FEW).prop_map(Line::Arg),
        1 => Just(Line::Workdir),
        1 => any::<bool>().prop_map(Line::User),
        1 => (0..9u8).prop_map(Line::Label),
        1 => (0..9u8).prop_map(Line::Cmd),
    ]
}

fn inputs() -> impl Strategy<Value = Inputs> {
    let few = || prop::collection::vec(0..9u8, FEW);
    (prop::collection::vec(0..9u8, 1..3), prop::collection::vec(line(), 3..14), few(), few()).prop_map(
        |(first, lines, contents, arguments)| {
            // Each file has other bytes than the others.
            let file = |(number, content): (usize, u8)| File { content: content + 20 * number as u8, mode: 0o644, mtime: 1_000_000 };
            let files = contents.into_iter().enumerate().map(file).collect();
            Inputs { first, lines, ignored: 0, secret: 0, files, arguments, proxy: 0, other: 0 }
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        2 => (0..FEW).prop_map(Change::Content),
        2 => (0..FEW).prop_map(Change::Mode),
        2 => (0..FEW).prop_map(Change::Mtime),
        4 => (0..FEW).prop_map(Change::Argument),
        1 => Just(Change::Proxy),
        1 => Just(Change::Other),
        1 => Just(Change::Ignore),
        1 => Just(Change::Secret),
        1 => (0..3usize).prop_map(Change::First),
        6 => (0..14usize).prop_map(Change::Line),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_step_is_done_again_exactly_when_it_or_what_it_stands_on_has_changed(inputs in inputs(), change in change()) {
        let change = match change {
            Change::Line(at) => Change::Line(at % inputs.lines.len()),
            Change::First(at) => Change::First(at % inputs.first.len()),
            other => other,
        };
        let host = common::host();
        let engine = host.engine().expect("the engine opens");
        let (cached, all) = inputs.build(&*engine);
        prop_assert!(cached <= all);
        prop_assert_eq!(inputs.build(&*engine), (all, all), "the same again: {}", inputs.dockerfile());
        let other = inputs.changed(change);
        let (least, most) = inputs.cached_after(change);
        let (cached, steps) = other.build(&*engine);
        prop_assert!((least..=most).contains(&cached), "{change:?}: {cached} cached, not {least} to {most}, of\n{}", inputs.dockerfile());
        prop_assert_eq!(steps, all);
        // And what was there before is there still.
        prop_assert_eq!(inputs.build(&*engine), (all, all), "the first once more: {}", inputs.dockerfile());
    }
}
