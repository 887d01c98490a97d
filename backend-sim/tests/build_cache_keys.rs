//! Keys of the build cache change exactly when they should: of random Dockerfiles and contexts, one thing is changed, and what is done
//! again is each step from the first that sees the change on, and no step before it. What no step sees changes nothing.
//!
//! Each program writes down all it sees, so that whatever changes for it changes the layers that the next steps stand on.

mod common;

use drydock_core::build::progress::Silent;
use drydock_core::build::request::{BuildRequest, Surface};
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
    Run(u8),
    Env(usize, u8),
    Arg(usize),
    Workdir,
    User(bool),
    /// What no program can see.
    Label(u8),
    Cmd(u8),
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
    lines: Vec<Line>,
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
    /// A file that nothing copies.
    Other,
    /// An instruction, by its number.
    Line(usize),
}

impl Inputs {
    fn dockerfile(&self) -> String {
        let mut text = "FROM busybox\n".to_owned();
        for (number, line) in self.lines.iter().enumerate() {
            text += &match line {
                Line::Copy(file) => format!("COPY f{file} /copied{number}\n"),
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
            ignore: Some(Vec::new()),
            arguments,
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
            Change::Line(at) => match &mut other.lines[at] {
                Line::Copy(file) => *file = (*file + 1) % FEW,
                Line::Run(word) | Line::Env(_, word) | Line::Label(word) | Line::Cmd(word) => *word += 1,
                Line::User(root) => *root = !*root,
                // Another place is another step; another argument may be one that is declared already.
                Line::Arg(_) | Line::Workdir => {}
            },
        }
        other
    }

    /// How many steps come before the first that sees a change, by the reference's words alone; `None` if none sees it.
    fn first_to_see(&self, change: Change) -> Option<usize> {
        let mut steps = 0;
        let mut declared = [false; FEW];
        // Whether something that programs see is another one at this point.
        let (mut env_differs, mut user_differs) = ([false; FEW], false);
        let other = self.changed(change);
        for (at, (line, changed)) in self.lines.iter().zip(&other.lines).enumerate() {
            let here = matches!(change, Change::Line(n) if n == at);
            let sees = match (line, changed) {
                (Line::Copy(file), Line::Copy(now)) => {
                    let (before, after) = (&self.files[*file], &other.files[*now]);
                    file != now || before.content != after.content || before.mode != after.mode
                }
                (Line::Run(_), _) => {
                    let argument = matches!(change, Change::Argument(name) if declared[name]);
                    here || argument || env_differs.iter().any(|d| *d) || user_differs
                }
                (Line::Env(name, value), Line::Env(_, now)) => {
                    env_differs[*name] = value != now;
                    false
                }
                (Line::Arg(name), _) => {
                    declared[*name] = true;
                    false
                }
                (Line::User(root), Line::User(now)) => {
                    user_differs = root != now;
                    false
                }
                // A directory that is made is its user's.
                (Line::Workdir, _) => user_differs,
                _ => false,
            };
            if sees {
                return Some(steps);
            }
            steps += usize::from(matches!(line, Line::Copy(_) | Line::Run(_) | Line::Workdir));
        }
        None
    }
}

fn line() -> impl Strategy<Value = Line> {
    prop_oneof![
        3 => (0..FEW).prop_map(Line::Copy),
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
    (prop::collection::vec(line(), 3..14), prop::collection::vec(0..9u8, FEW), prop::collection::vec(0..9u8, FEW)).prop_map(
        |(lines, contents, arguments)| {
            // Each file has other bytes than the others.
            let file = |(number, content): (usize, u8)| File { content: content + 20 * number as u8, mode: 0o644, mtime: 1_000_000 };
            Inputs { lines, files: contents.into_iter().enumerate().map(file).collect(), arguments, proxy: 0, other: 0 }
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
        6 => (0..14usize).prop_map(Change::Line),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_step_is_done_again_exactly_when_it_or_what_it_stands_on_has_changed(inputs in inputs(), change in change()) {
        let change = match change {
            Change::Line(at) => Change::Line(at % inputs.lines.len()),
            other => other,
        };
        let host = common::host();
        let engine = host.engine().expect("the engine opens");
        let (cached, all) = inputs.build(&*engine);
        prop_assert!(cached <= all);
        prop_assert_eq!(inputs.build(&*engine), (all, all), "the same again: {}", inputs.dockerfile());
        let other = inputs.changed(change);
        let want = inputs.first_to_see(change).unwrap_or(all);
        prop_assert_eq!(other.build(&*engine), (want, all), "{:?} of\n{}", change, inputs.dockerfile());
        // And what was there before is there still.
        prop_assert_eq!(inputs.build(&*engine), (all, all), "the first once more: {}", inputs.dockerfile());
    }
}
