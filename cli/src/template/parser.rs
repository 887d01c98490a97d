//! Reads tokens into a tree.

use super::TemplateError;
use super::ast::{Command, Node, Operand, Pipe, Place, Term};
use super::functions;
use super::lexer::{self, Kind, Token};

/// Deepest nesting of blocks and parentheses together.
const DEEPEST: usize = 64;

/// What ended a block.
#[derive(PartialEq)]
enum Ending {
    End,
    Else,
    ElseIf,
    ElseWith,
    Input,
}

/// Conditions, each with what is done if it is the first that holds.
type Arms = Vec<(Pipe, Vec<Node>)>;

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    loops: usize,
    variables: Vec<String>,
    line: usize,
}

/// Reads a whole template.
pub(crate) fn parse(text: &str) -> Result<Vec<Node>, TemplateError> {
    let tokens = lexer::tokens(text)?;
    let mut parser = Parser { tokens, at: 0, depth: 0, loops: 0, variables: vec!["$".to_owned()], line: 1 };
    match parser.block()? {
        (body, Ending::Input) => Ok(body),
        (_, Ending::End) => parser.error("unexpected {{end}}"),
        (_, _) => parser.error("unexpected {{else}}"),
    }
}

impl Parser {
    fn error<T>(&self, why: impl Into<String>) -> Result<T, TemplateError> {
        Err(TemplateError { line: self.line, at: None, why: why.into() })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        if let Some(token) = &token {
            self.line = token.place.line;
            self.at += 1;
        }
        token
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, TemplateError>) -> Result<T, TemplateError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return self.error("too deeply nested");
        }
        let answer = read(self);
        self.depth -= 1;
        answer
    }

    /// Nodes up to `{{end}}`, `{{else…}}` or the end of the input. The keyword is consumed; what follows an `else if` is not.
    fn block(&mut self) -> Result<(Vec<Node>, Ending), TemplateError> {
        self.deeper(|parser| {
            let mut nodes = Vec::new();
            while let Some(token) = parser.next() {
                if token.kind == Kind::Text {
                    nodes.push(Node::Text(token.text));
                    continue;
                }
                let keyword = match parser.peek().map(|t| &t.kind) {
                    Some(Kind::Name(name)) => name.clone(),
                    _ => String::new(),
                };
                match keyword.as_str() {
                    "end" => {
                        parser.keyword_alone("end")?;
                        return Ok((nodes, Ending::End));
                    }
                    "else" => {
                        parser.next();
                        let ending = match parser.peek().map(|t| &t.kind) {
                            Some(Kind::Name(name)) if name == "if" => Ending::ElseIf,
                            Some(Kind::Name(name)) if name == "with" => Ending::ElseWith,
                            _ => {
                                parser.close("else")?;
                                return Ok((nodes, Ending::Else));
                            }
                        };
                        parser.next();
                        return Ok((nodes, ending));
                    }
                    _ => nodes.push(parser.node(&keyword)?),
                }
            }
            Ok((nodes, Ending::Input))
        })
    }

    fn node(&mut self, keyword: &str) -> Result<Node, TemplateError> {
        match keyword {
            "if" => {
                self.next();
                let (arms, otherwise) = self.arms("if", &Ending::ElseIf)?;
                Ok(Node::If { arms, otherwise })
            }
            "with" => {
                self.next();
                let (arms, otherwise) = self.arms("with", &Ending::ElseWith)?;
                Ok(Node::With { arms, otherwise })
            }
            "range" => {
                self.next();
                self.range()
            }
            "break" | "continue" => {
                self.keyword_alone(keyword)?;
                if self.loops == 0 {
                    return self.error(format!("{{{{{keyword}}}}} outside {{{{range}}}}"));
                }
                Ok(if keyword == "break" { Node::Break } else { Node::Continue })
            }
            "define" | "template" | "block" => self.error(format!("{{{{{keyword}}}}} is not supported here")),
            _ => {
                let pipe = self.pipe("command", 1)?;
                self.close("command")?;
                Ok(Node::Action(pipe))
            }
        }
    }

    fn keyword_alone(&mut self, keyword: &str) -> Result<(), TemplateError> {
        self.next();
        self.close(keyword)
    }

    fn close(&mut self, context: &str) -> Result<(), TemplateError> {
        match self.next() {
            Some(Token { kind: Kind::Close, .. }) => Ok(()),
            Some(token) => self.error(format!("unexpected <{}> in {context}", token.text)),
            None => self.error("unclosed action"),
        }
    }

    fn arms(&mut self, what: &str, again: &Ending) -> Result<(Arms, Vec<Node>), TemplateError> {
        let mark = self.variables.len();
        let mut arms = Vec::new();
        loop {
            let pipe = self.pipe(what, 1)?;
            self.close(what)?;
            let (body, ending) = self.block()?;
            arms.push((pipe, body));
            match ending {
                Ending::End => {
                    self.variables.truncate(mark);
                    return Ok((arms, Vec::new()));
                }
                Ending::Else => {
                    let (otherwise, ending) = self.block()?;
                    if ending != Ending::End {
                        return self.error(if ending == Ending::Input { "unexpected EOF" } else { "expected end; found {{else}}" });
                    }
                    self.variables.truncate(mark);
                    return Ok((arms, otherwise));
                }
                Ending::Input => return self.error("unexpected EOF"),
                other if other == *again => {}
                _ => return self.error(format!("unexpected {{{{else}}}} in {what}")),
            }
        }
    }

    fn range(&mut self) -> Result<Node, TemplateError> {
        let mark = self.variables.len();
        let over = self.pipe("range", 2)?;
        self.close("range")?;
        self.loops += 1;
        let (body, ending) = self.block()?;
        self.loops -= 1;
        let otherwise = match ending {
            Ending::End => Vec::new(),
            Ending::Else => match self.block()? {
                (otherwise, Ending::End) => otherwise,
                _ => return self.error("unexpected EOF"),
            },
            _ => return self.error("unexpected EOF"),
        };
        self.variables.truncate(mark);
        Ok(Node::Range { over, body, otherwise })
    }

    fn pipe(&mut self, context: &str, most_variables: usize) -> Result<Pipe, TemplateError> {
        self.deeper(|parser| {
            let (variables, declares) = parser.declaration(most_variables)?;
            let mut commands = Vec::new();
            loop {
                let command = parser.command(context)?;
                commands.push(command);
                match parser.peek().map(|t| &t.kind) {
                    Some(Kind::Pipe) => {
                        parser.next();
                    }
                    _ => break,
                }
            }
            if declares {
                parser.variables.extend(variables.iter().cloned());
            }
            Ok(Pipe { variables, declares, commands })
        })
    }

    /// `$x :=`, `$i, $x :=` or `$x =` at the start of a pipeline.
    fn declaration(&mut self, most: usize) -> Result<(Vec<String>, bool), TemplateError> {
        let mut names = Vec::new();
        let mut at = self.at;
        while let Some(Kind::Variable(name)) = self.tokens.get(at).map(|t| &t.kind) {
            names.push(name.clone());
            match self.tokens.get(at + 1).map(|t| &t.kind) {
                Some(Kind::Comma) if most > 1 => at += 2,
                Some(kind @ (Kind::Declare | Kind::Assign)) => {
                    let declares = *kind == Kind::Declare;
                    if names.len() > most {
                        return self.error("too many declarations in range");
                    }
                    if !declares && let Some(unknown) = names.iter().find(|n| !self.variables.contains(n)) {
                        return self.error(format!("undefined variable \"{unknown}\""));
                    }
                    self.at = at + 2;
                    return Ok((names, declares));
                }
                _ => break,
            }
        }
        Ok((Vec::new(), false))
    }

    fn command(&mut self, context: &str) -> Result<Command, TemplateError> {
        let mut operands = Vec::new();
        loop {
            match self.peek().map(|t| t.kind.clone()) {
                Some(Kind::Close | Kind::Right | Kind::Pipe) => break,
                None => return self.error("unclosed action"),
                Some(_) => {
                    let operand = self.operand(context)?;
                    operands.push(operand);
                }
            }
        }
        if operands.is_empty() {
            return self.error(format!("missing value for {context}"));
        }
        self.check_nil(&operands)?;
        Ok(Command { operands })
    }

    /// `nil` alone says nothing.
    fn check_nil(&self, operands: &[Operand]) -> Result<(), TemplateError> {
        match operands {
            [Operand { term: Term::Constant(serde_json::Value::Null), fields, place, .. }] if fields.is_empty() => {
                Err(TemplateError { line: place.line, at: Some((place.column, "nil".to_owned())), why: "nil is not a command".to_owned() })
            }
            _ => Ok(()),
        }
    }

    fn operand(&mut self, context: &str) -> Result<Operand, TemplateError> {
        let Some(token) = self.next() else { return self.error("unclosed action") };
        let mut text = token.text.clone();
        let mut fields = Vec::new();
        let term = match token.kind {
            Kind::Dot => Term::Dot,
            Kind::Field(name) => {
                fields.push(name);
                Term::Dot
            }
            Kind::Variable(name) => {
                if !self.variables.contains(&name) {
                    return self.error(format!("undefined variable \"{name}\""));
                }
                Term::Variable(name)
            }
            Kind::Name(name) => {
                if !functions::exists(&name) {
                    return self.error(format!("function \"{name}\" not defined"));
                }
                Term::Function(name)
            }
            Kind::Constant(value) => Term::Constant(value),
            Kind::Left => {
                let pipe = self.pipe("parenthesized pipeline", 1)?;
                match self.next() {
                    Some(Token { kind: Kind::Right, .. }) => {}
                    _ => return self.error("unclosed left paren"),
                }
                text = written(&pipe);
                Term::Paren(Box::new(pipe))
            }
            _ => return self.error(format!("unexpected <{}> in {context}", token.text)),
        };
        let (mut place, mut chained) = (token.place, None);
        while let Some(Token { kind: Kind::Field(name), glued: true, text: written, place: at }) = self.peek().cloned() {
            // Go says of a chain that it stands where its second link does.
            place = chained.map_or(at, |first: Place| first);
            chained = Some(place);
            text.push_str(&written);
            fields.push(name);
            self.next();
        }
        Ok(Operand { term, fields, text, place })
    }
}

/// A parenthesis as it is named in messages.
fn written(pipe: &Pipe) -> String {
    let commands: Vec<String> = pipe.commands.iter().map(Command::text).collect();
    format!("({})", commands.join(" | "))
}
