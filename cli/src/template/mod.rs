//! The templates of `--format`: Go's text/template language as far as Docker's users write it.
//!
//! Why not a crate: `gtmpl` is the only one for this language; its last release is from 2021, it has no `else if` chains, `break` or Docker's
//! functions, and its messages are not the ones that Docker's users search for. Handlebars-like engines have another syntax.
//!
//! Data is JSON. An object whose keys begin with capital letters stands for a Go structure, in which a field that does not exist is an error;
//! any other object is a map, in which it is `<no value>`. Everything works on text in memory; nesting and output are bounded, so a hostile
//! template can waste neither the stack nor the memory of whoever runs it.

mod ast;
mod eval;
mod functions;
mod lexer;
mod parser;
mod print;

pub use eval::Methods;
use serde_json::Value;
use std::fmt;

/// A template that has been read.
#[derive(Debug, Clone)]
pub struct Template {
    body: Vec<ast::Node>,
}

/// What is wrong with a template, as Go words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    line: usize,
    /// Byte in the line and the words in question, for errors of execution.
    at: Option<(usize, String)>,
    why: String,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            None => write!(f, "template: :{}: {}", self.line, self.why),
            Some((column, words)) => write!(f, "template: :{}:{column}: executing \"\" at <{words}>: {}", self.line, self.why),
        }
    }
}

impl std::error::Error for TemplateError {}

impl Template {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        parser::parse(text).map(|body| Self { body })
    }

    /// Fills it in with data. `methods` answers for fields that are functions, such as `.Label "k"`.
    pub fn execute(&self, data: &Value, methods: &Methods<'_>) -> Result<String, TemplateError> {
        eval::execute(&self.body, data, methods)
    }
}

/// [`Methods`] of data that has none.
pub fn no_methods(_: &Value, _: &str, _: &[Value]) -> Option<Result<Value, String>> {
    None
}

#[cfg(test)]
mod tests;
