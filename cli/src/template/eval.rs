//! Fills a template in.

use super::TemplateError;
use super::ast::{Command, Node, Operand, Pipe, Place, Term};
use super::{functions, print};
use serde_json::Value;

/// What answers for fields that are functions: given the object, the name and the arguments. `None` if it has no such method.
pub type Methods<'a> = dyn Fn(&Value, &str, &[Value]) -> Option<Result<Value, String>> + 'a;

/// The most text a template may make.
const LONGEST: usize = 64 << 20;

/// Whether a loop goes on.
#[derive(PartialEq)]
enum Flow {
    On,
    Break,
    Continue,
}

struct Machine<'a> {
    methods: &'a Methods<'a>,
    variables: Vec<(String, Value)>,
    output: String,
}

/// A failed call: why, and at which words.
type Failed = (Place, String, String);

pub(crate) fn execute(body: &[Node], data: &Value, methods: &Methods<'_>) -> Result<String, TemplateError> {
    let mut machine = Machine { methods, variables: vec![("$".to_owned(), data.clone())], output: String::new() };
    match machine.walk(body, data) {
        Ok(_) => Ok(machine.output),
        Err((place, text, why)) => Err(TemplateError { line: place.line, at: Some((place.column, text)), why }),
    }
}

/// Go's notion of a value that counts as true in a condition.
pub(crate) fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64() != Some(0.0),
        Value::String(s) => !s.is_empty(),
        Value::Array(a) => !a.is_empty(),
        Value::Object(o) => print::is_structure(o) || !o.is_empty(),
    }
}

impl Machine<'_> {
    fn walk(&mut self, nodes: &[Node], dot: &Value) -> Result<Flow, Failed> {
        for node in nodes {
            let flow = match node {
                Node::Text(text) => {
                    self.output.push_str(text);
                    Flow::On
                }
                Node::Action(pipe) => {
                    let value = self.pipe(pipe, dot)?;
                    if pipe.variables.is_empty() {
                        let text = if value.is_null() { print::missing(last_field(pipe)) } else { print::plain(&value) };
                        self.output.push_str(&text);
                    }
                    Flow::On
                }
                Node::If { arms, otherwise } => self.choose(arms, otherwise, dot, false)?,
                Node::With { arms, otherwise } => self.choose(arms, otherwise, dot, true)?,
                Node::Range { over, body, otherwise } => self.range(over, body, otherwise, dot)?,
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
            };
            if self.output.len() > LONGEST {
                let place = Place { line: 1, column: 0 };
                return Err((place, String::new(), "the output is too long".to_owned()));
            }
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn choose(&mut self, arms: &[(Pipe, Vec<Node>)], otherwise: &[Node], dot: &Value, with: bool) -> Result<Flow, Failed> {
        let mark = self.variables.len();
        for (pipe, body) in arms {
            let value = self.pipe(pipe, dot)?;
            if truth(&value) {
                let flow = self.walk(body, if with { &value } else { dot });
                self.variables.truncate(mark);
                return flow;
            }
        }
        let flow = self.walk(otherwise, dot);
        self.variables.truncate(mark);
        flow
    }

    fn range(&mut self, over: &Pipe, body: &[Node], otherwise: &[Node], dot: &Value) -> Result<Flow, Failed> {
        let mark = self.variables.len();
        let silent = Pipe { variables: Vec::new(), declares: false, commands: over.commands.clone() };
        let value = self.pipe(&silent, dot)?;
        let items: Vec<(Value, Value)> = match value {
            Value::Array(items) => items.into_iter().enumerate().map(|(i, v)| (Value::from(i), v)).collect(),
            Value::Object(map) => {
                let mut entries: Vec<(String, Value)> = map.into_iter().collect();
                entries.sort_by(|a, b| a.0.cmp(&b.0));
                entries.into_iter().map(|(k, v)| (Value::String(k), v)).collect()
            }
            Value::Number(n) => (0..n.as_u64().unwrap_or(0).min(1_000_000)).map(|i| (Value::from(i), Value::from(i))).collect(),
            Value::Null => Vec::new(),
            other => {
                let (place, text) = words(over);
                return Err((place, text, format!("range can't iterate over {}", print::plain(&other))));
            }
        };
        if items.is_empty() {
            let flow = self.walk(otherwise, dot)?;
            self.variables.truncate(mark);
            return Ok(flow);
        }
        for (key, item) in items {
            match over.variables.as_slice() {
                [one] => self.assign(one, item.clone(), over.declares),
                [first, second] => {
                    self.assign(first, key, over.declares);
                    self.assign(second, item.clone(), over.declares);
                }
                _ => {}
            }
            let flow = self.walk(body, &item)?;
            self.variables.truncate(mark);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(Flow::On)
    }

    fn assign(&mut self, name: &str, value: Value, declares: bool) {
        if !declares && let Some(slot) = self.variables.iter_mut().rev().find(|(n, _)| n == name) {
            slot.1 = value;
        } else {
            self.variables.push((name.to_owned(), value));
        }
    }

    fn pipe(&mut self, pipe: &Pipe, dot: &Value) -> Result<Value, Failed> {
        let mut last = None;
        for command in &pipe.commands {
            last = Some(self.command(command, dot, last.take())?);
        }
        let value = last.unwrap_or(Value::Null);
        for name in &pipe.variables {
            self.assign(name, value.clone(), pipe.declares);
        }
        Ok(value)
    }

    fn command(&mut self, command: &Command, dot: &Value, last: Option<Value>) -> Result<Value, Failed> {
        let Some((first, others)) = command.operands.split_first() else { return Ok(Value::Null) };
        let failed = |why: String| (first.place, first.text.clone(), why);
        let called = |name: &str, why: String| (first.place, command.text(), calling(name, why));
        if let Term::Function(name) = &first.term {
            if name == "and" || name == "or" {
                let value = self.shortcut(name == "and", others, dot, last).map_err(|e| e.unwrap_or_else(|| failed(missing(name))))?;
                return self.pick(value, first, dot, &[]);
            }
            let mut arguments = self.operands(others, dot)?;
            arguments.extend(last);
            let value = functions::call(name, &arguments).map_err(|why| called(name, why))?;
            return self.pick(value, first, dot, &[]);
        }
        let mut arguments = self.operands(others, dot)?;
        arguments.extend(last);
        if first.fields.is_empty() && !arguments.is_empty() {
            return Err(failed(format!("can't give argument to non-function {}", first.text)));
        }
        let value = self.term(&first.term, dot)?;
        self.pick(value, first, dot, &arguments)
    }

    /// `and` and `or` evaluate only as many arguments as they need.
    fn shortcut(&mut self, all: bool, operands: &[Operand], dot: &Value, last: Option<Value>) -> Result<Value, Option<Failed>> {
        let mut answer = None;
        for operand in operands {
            let value = self.operand(operand, dot).map_err(Some)?;
            let decided = truth(&value) != all;
            answer = Some(value);
            if decided {
                return answer.ok_or(None);
            }
        }
        last.or(answer).ok_or(None)
    }

    fn operands(&mut self, operands: &[Operand], dot: &Value) -> Result<Vec<Value>, Failed> {
        operands.iter().map(|o| self.operand(o, dot)).collect()
    }

    fn operand(&mut self, operand: &Operand, dot: &Value) -> Result<Value, Failed> {
        let value = match &operand.term {
            Term::Function(name) => {
                functions::call(name, &[]).map_err(|why| (operand.place, operand.text.clone(), format!("error calling {name}: {why}")))?
            }
            term => self.term(term, dot)?,
        };
        self.pick(value, operand, dot, &[])
    }

    fn term(&mut self, term: &Term, dot: &Value) -> Result<Value, Failed> {
        Ok(match term {
            Term::Dot => dot.clone(),
            Term::Variable(name) => self.variables.iter().rev().find(|(n, _)| n == name).map_or(Value::Null, |(_, value)| value.clone()),
            Term::Constant(value) => value.clone(),
            Term::Paren(pipe) => self.pipe(pipe, dot)?,
            Term::Function(_) => Value::Null,
        })
    }

    /// Picks the fields of an operand; `arguments` are for the last one, which then must be a method.
    fn pick(&self, mut value: Value, operand: &Operand, _dot: &Value, arguments: &[Value]) -> Result<Value, Failed> {
        let failed = |why: String| (operand.place, operand.text.clone(), why);
        let last = operand.fields.len().saturating_sub(1);
        for (i, field) in operand.fields.iter().enumerate() {
            let given = if i == last { arguments } else { &[] };
            if let Some(answer) = (self.methods)(&value, field, given) {
                value = answer.map_err(|why| failed(format!("error calling {field}: {why}")))?;
                continue;
            }
            if !given.is_empty() {
                return Err(failed(format!("{field} is not a method but has arguments")));
            }
            value = match value {
                Value::Object(map) => match map.get(field) {
                    Some(found) => found.clone(),
                    None if print::is_structure(&map) => return Err(failed(format!("map has no entry for key \"{field}\""))),
                    None => Value::Null,
                },
                Value::Null => return Err(failed(format!("nil pointer evaluating interface {{}}.{field}"))),
                // What a field of JSON holds is an interface to Go.
                _ => return Err(failed(format!("can't evaluate field {field} in type interface {{}}"))),
            };
        }
        Ok(value)
    }
}

/// How a function's error is told: a wrong call is the template's, anything else the function's.
fn calling(name: &str, why: String) -> String {
    if why.starts_with("wrong number of args") { why } else { format!("error calling {name}: {why}") }
}

fn missing(name: &str) -> String {
    format!("wrong number of args for {name}: want at least 1 got 0")
}

/// The field that a pipeline ends with, if it is nothing but an operand.
fn last_field(pipe: &Pipe) -> Option<&str> {
    match pipe.commands.as_slice() {
        [command] => match command.operands.as_slice() {
            [operand] => operand.fields.last().map(String::as_str),
            _ => None,
        },
        _ => None,
    }
}

fn words(pipe: &Pipe) -> (Place, String) {
    pipe.commands
        .first()
        .and_then(|c| c.operands.first())
        .map_or((Place { line: 1, column: 0 }, String::new()), |o| (o.place, o.text.clone()))
}
