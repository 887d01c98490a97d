//! What an instruction says, after parsing and before any variable is known.

use super::heredoc::Heredoc;
use super::source::Span;
use std::time::Duration;

/// A word or text with its place. Variables in it are not expanded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// As it is written.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// A command: one line for the shell, or a list of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// For the shell.
    Shell(String),
    /// Executed as it is.
    Exec(Vec<String>),
}

/// `name=value`, or in ARG the name alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The name.
    pub name: Text,
    /// The value.
    pub value: Option<Text>,
    /// Written `name value`, as long ago.
    pub legacy: bool,
}

/// An option of an instruction: `--name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Without dashes.
    pub name: String,
    /// After `=`, if there was one.
    pub value: Option<String>,
    /// Where.
    pub span: Span,
}

/// What COPY and ADD say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copy {
    /// ADD: archives are extracted, URLs fetched.
    pub add: bool,
    /// `--from`
    pub from: Option<Text>,
    /// `--chown`
    pub chown: Option<Text>,
    /// `--chmod`
    pub chmod: Option<Text>,
    /// `--link`
    pub link: bool,
    /// `--parents`
    pub parents: bool,
    /// `--exclude`, each
    pub excludes: Vec<Text>,
    /// `--checksum`
    pub checksum: Option<Text>,
    /// `--unpack`
    pub unpack: Option<bool>,
    /// Files and directories, here-documents left out.
    pub sources: Vec<Text>,
    /// Files that are written in the Dockerfile itself.
    pub heredocs: Vec<Heredoc>,
    /// Where to.
    pub dest: Text,
}

/// What a HEALTHCHECK says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The command; `None` is `HEALTHCHECK NONE`.
    pub test: Option<Command>,
    /// `--interval`
    pub interval: Option<Duration>,
    /// `--timeout`
    pub timeout: Option<Duration>,
    /// `--start-period`
    pub start_period: Option<Duration>,
    /// `--start-interval`
    pub start_interval: Option<Duration>,
    /// `--retries`
    pub retries: Option<u32>,
}

/// What RUN says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The command.
    pub command: Command,
    /// `--mount`, each
    pub mounts: Vec<Text>,
    /// `--network`
    pub network: Option<Text>,
    /// `--security`
    pub security: Option<Text>,
    /// Its here-documents.
    pub heredocs: Vec<Heredoc>,
}

/// What an instruction does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the instruction of its name; the fields are the reference's")]
pub enum Kind {
    From { image: Text, platform: Option<Text>, name: Option<Text> },
    Arg(Vec<Pair>),
    Run(Run),
    Cmd(Command),
    Entrypoint(Command),
    Label(Vec<Pair>),
    Maintainer(Text),
    Expose(Vec<Text>),
    Env(Vec<Pair>),
    Copy(Copy),
    Volume(Vec<Text>),
    User(Text),
    Workdir(Text),
    Onbuild { text: String, inner: Box<Instruction> },
    Stopsignal(Text),
    Healthcheck(Health),
    Shell(Vec<String>),
}

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Its keyword as it is written.
    pub keyword: Text,
    /// The joined text, for progress and history.
    pub text: String,
    /// All of it, here-documents not counted.
    pub span: Span,
    /// First and last line, here-documents counted.
    pub lines: (u32, u32),
    /// What it does.
    pub kind: Kind,
    /// Text after a JSON list: what was meant as a comment, perhaps.
    pub trailing: Option<Span>,
    /// Text that begins with a bracket and is no JSON.
    pub broken_list: bool,
    /// Empty lines between its continued ones.
    pub empty: Vec<u32>,
}
