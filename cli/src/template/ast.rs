//! What a template consists of.

/// Where something stands in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// From 1.
    pub line: usize,
    /// Bytes from the start of the line.
    pub column: usize,
}

/// A piece of a template.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// Copied as it is.
    Text(String),
    /// `{{pipeline}}`
    Action(Pipe),
    /// `{{if a}}…{{else if b}}…{{else}}…{{end}}`
    If { arms: Vec<(Pipe, Vec<Node>)>, otherwise: Vec<Node> },
    /// `{{with a}}…{{else}}…{{end}}`
    With { arms: Vec<(Pipe, Vec<Node>)>, otherwise: Vec<Node> },
    /// `{{range a}}…{{else}}…{{end}}`
    Range { over: Pipe, body: Vec<Node>, otherwise: Vec<Node> },
    /// `{{break}}`
    Break,
    /// `{{continue}}`
    Continue,
}

/// `$x := a | b c | d`
#[derive(Debug, Clone)]
pub(crate) struct Pipe {
    /// Variables that take the value.
    pub variables: Vec<String>,
    /// They are new (`:=`), not changed (`=`).
    pub declares: bool,
    /// From left to right.
    pub commands: Vec<Command>,
}

/// An operand, or a function and its arguments.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    /// The first one is the function, if it is one.
    pub operands: Vec<Operand>,
}

impl Command {
    /// As it is named in messages.
    pub fn text(&self) -> String {
        self.operands.iter().map(|o| o.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// A term and the fields picked from it: `(index .x 0).Name`.
#[derive(Debug, Clone)]
pub(crate) struct Operand {
    /// What it begins with.
    pub term: Term,
    /// Fields, from left to right.
    pub fields: Vec<String>,
    /// As it was written.
    pub text: String,
    /// Where.
    pub place: Place,
}

/// The simplest things.
#[derive(Debug, Clone)]
pub(crate) enum Term {
    /// `.`, and what fields without anything before them are picked from.
    Dot,
    /// `$x`; `$` alone is the data of the whole template.
    Variable(String),
    /// A function by name.
    Function(String),
    /// A constant.
    Constant(serde_json::Value),
    /// `(…)`
    Paren(Box<Pipe>),
}
