//! The shell's own syntax tree: what brush-parser reads, reduced to the POSIX shell, with every word taken apart once, so that
//! a loop's body is not parsed anew each time round.

use std::sync::Arc;

/// Commands in sequence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List(pub Vec<Item>);

/// One member of a [`List`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What runs.
    pub and_or: AndOr,
    /// Ended by `&`.
    pub background: bool,
}

/// Pipelines joined by `&&` and `||`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AndOr {
    /// The first, always run.
    pub first: Pipeline,
    /// The others: run if the status so far is zero (`true`) or is not (`false`).
    pub rest: Vec<(bool, Pipeline)>,
}

/// Commands joined by `|`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// Preceded by `!`.
    pub negate: bool,
    /// From left to right, at least one.
    pub commands: Vec<Arc<Command>>,
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Assignments, redirections and words.
    Simple(Simple),
    /// A compound command with its redirections.
    Compound(Compound, Vec<Redirect>),
    /// `name() body`
    Function(String, Arc<Command>),
}

/// A simple command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simple {
    /// Line of its first word; 0 if it is not known.
    pub line: usize,
    /// `NAME=word` before the first word.
    pub assignments: Vec<(String, Word)>,
    /// Redirections, in order.
    pub redirects: Vec<Redirect>,
    /// The program and its arguments.
    pub words: Vec<Word>,
}

/// A compound command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compound {
    /// `{ list; }`
    Group(List),
    /// `( list )`
    Subshell(Arc<List>),
    /// `for name in words; do body; done`; without `in`, over the positional parameters.
    For { name: String, words: Option<Vec<Word>>, body: List },
    /// `case word in patterns) list;; esac`
    Case { word: Word, arms: Vec<(Vec<Word>, List)> },
    /// `if …; then …; elif …; then …; else …; fi`
    If { arms: Vec<(List, List)>, otherwise: Option<List> },
    /// `while …; do …; done`, or `until`.
    While { until: bool, condition: List, body: List },
}

/// One redirection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// The descriptor that changes.
    pub fd: i32,
    /// To what.
    pub to: Target,
}

/// Where a redirection leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `< file`
    Read(Word),
    /// `> file`
    Write(Word),
    /// `>| file`: also where `set -C` forbids it
    Clobber(Word),
    /// `>> file`
    Append(Word),
    /// `<> file`
    ReadWrite(Word),
    /// `>&n`, `<&n`, `>&-`
    Duplicate(Word),
    /// A here-document's body.
    Here(Word),
}

/// A word: pieces that are expanded and joined.
pub type Word = Vec<Piece>;

/// A piece of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Unquoted text; pattern characters are active.
    Text(String),
    /// Quoted text, taken as it is. Empty text still makes a field.
    Quoted(String),
    /// Double quotes: expanded, never split.
    Double(Word),
    /// `~` or `~user`
    Tilde(Option<String>),
    /// `$name`, `${name…}`
    Parameter(Box<Parameter>),
    /// `$(list)` and backquotes
    Command(Arc<List>),
    /// `$((expression))`
    Arithmetic(Word),
}

/// A parameter expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The name: a variable, a number, or one of `@ * # ? - $ !`.
    pub name: String,
    /// What is done with the value.
    pub op: Op,
}

/// What a parameter expansion does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// `$x`
    Value,
    /// `${#x}`
    Length,
    /// `${x-word}`; `colon` also for an empty value.
    Default { colon: bool, word: Word },
    /// `${x=word}`
    Assign { colon: bool, word: Word },
    /// `${x?word}`
    Error { colon: bool, word: Option<Word> },
    /// `${x+word}`
    Alternative { colon: bool, word: Word },
    /// `${x#pattern}` and its kin.
    Strip { prefix: bool, longest: bool, pattern: Word },
    /// `${x:offset:length}`
    Slice { offset: Word, length: Option<Word> },
    /// `${x/pattern/with}`, `${x//pattern/with}`
    Replace { all: bool, pattern: Word, with: Word },
}
