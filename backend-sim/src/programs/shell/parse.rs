//! Text to [`syntax`](super::syntax): brush-parser does the reading, this lowers its tree.

use super::syntax::*;
use super::word::{self, Quoting};
use brush_parser::ast;
use std::sync::Arc;

/// Why a text is not a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyntaxError {
    /// The text ends too early; more lines may complete it.
    Incomplete(String),
    /// It can never be one. The text is busybox's, after `syntax error: `.
    Wrong { message: String, line: usize },
    /// Valid for busybox, but not modelled here.
    NotModelled(&'static str),
}

/// The parser's settings: the POSIX grammar, without bash's arrays, `[[` and `((`.
pub(super) fn options() -> brush_parser::ParserOptions {
    brush_parser::ParserOptions { enable_extended_globbing: false, posix_mode: true, sh_mode: true, ..Default::default() }
}

/// Parses a whole program.
pub fn program(text: &str) -> Result<List, SyntaxError> {
    let options = options();
    let tokens = brush_parser::tokenize_str_with_options(text, &options.tokenizer_options()).map_err(|error| {
        let message = match &error {
            brush_parser::TokenizerError::UnterminatedHereDocuments(..) => "unexpected end of file",
            _ => "unterminated quoted string",
        };
        SyntaxError::Incomplete(message.to_owned())
    })?;
    let program = brush_parser::parse_tokens(&tokens, &options).map_err(|error| wrong(&error, &tokens))?;
    let mut items = Vec::new();
    for list in &program.complete_commands {
        items.extend(self::list(list)?.0);
    }
    Ok(List(items))
}

/// Words that only close or continue something.
const CLOSERS: [&str; 8] = ["fi", "done", "esac", "then", "do", "else", "elif", "}"];

/// What is wrong with tokens. The parser's own answer is where it got to; a lone closing word looks to it like the name of a
/// function, so the place is one token further than where the mistake is.
fn wrong(error: &brush_parser::ParseError, tokens: &[brush_parser::Token]) -> SyntaxError {
    let at = match error {
        brush_parser::ParseError::ParsingNear(at) => tokens.iter().position(|t| t.location().start.index == at.index),
        brush_parser::ParseError::ParsingAtEndOfInput => Some(tokens.len()),
        other @ brush_parser::ParseError::Tokenizing { .. } => return SyntaxError::Wrong { message: other.to_string(), line: 1 },
    };
    let unexpected = |i: usize| {
        let line = tokens.get(i).map_or(1, |t| t.location().start.line);
        SyntaxError::Wrong { message: format!("unexpected {}", quote(tokens.get(i).map_or("\n", |t| t.to_str()))), line }
    };
    let Some(at) = at else { return unexpected(tokens.len()) };
    let closer = at.checked_sub(1).filter(|&i| CLOSERS.contains(&tokens[i].to_str()));
    if let Some(i) = closer
        && brush_parser::parse_tokens(&tokens[..i], &options()).is_ok()
    {
        return unexpected(i);
    }
    if at == tokens.len() { SyntaxError::Incomplete("unexpected end of file".to_owned()) } else { unexpected(at) }
}

fn quote(token: &str) -> String {
    if token == "\n" { "newline".to_owned() } else { format!("\"{token}\"") }
}

fn list(list: &ast::CompoundList) -> Result<List, SyntaxError> {
    let items = list.0.iter().map(|ast::CompoundListItem(and_or, separator)| {
        let rest = and_or.additional.iter().map(|next| match next {
            ast::AndOr::And(p) => Ok((true, pipeline(p)?)),
            ast::AndOr::Or(p) => Ok((false, pipeline(p)?)),
        });
        let and_or = AndOr { first: pipeline(&and_or.first)?, rest: rest.collect::<Result<_, SyntaxError>>()? };
        Ok(Item { and_or, background: matches!(separator, ast::SeparatorOperator::Async) })
    });
    items.collect::<Result<_, _>>().map(List)
}

fn pipeline(pipeline: &ast::Pipeline) -> Result<Pipeline, SyntaxError> {
    if pipeline.timed.is_some() {
        return Err(SyntaxError::NotModelled("time before a pipeline"));
    }
    let commands = pipeline.seq.iter().map(|c| command(c).map(Arc::new)).collect::<Result<_, _>>()?;
    Ok(Pipeline { negate: pipeline.bang, commands })
}

fn command(command: &ast::Command) -> Result<Command, SyntaxError> {
    Ok(match command {
        ast::Command::Simple(simple) => Command::Simple(self::simple(simple)?),
        ast::Command::Compound(body, redirects) => Command::Compound(compound(body)?, redirect_list(redirects.as_ref())?),
        ast::Command::Function(ast::FunctionDefinition { fname, body }) => {
            let body = Command::Compound(compound(&body.0)?, redirect_list(body.1.as_ref())?);
            Command::Function(fname.value.clone(), Arc::new(body))
        }
        ast::Command::ExtendedTest(..) => return Err(SyntaxError::NotModelled("[[ with bash's own grammar")),
    })
}

fn simple(simple: &ast::SimpleCommand) -> Result<Simple, SyntaxError> {
    let mut out = Simple::default();
    let before = simple.prefix.iter().flat_map(|p| &p.0);
    let after = simple.suffix.iter().flat_map(|s| &s.0);
    for item in before {
        match item {
            ast::CommandPrefixOrSuffixItem::IoRedirect(r) => out.redirects.push(redirect(r)?),
            ast::CommandPrefixOrSuffixItem::AssignmentWord(assignment, _) => out.assignments.push(self::assignment(assignment)?),
            ast::CommandPrefixOrSuffixItem::Word(w) => out.words.push(word::parse(&w.value, Quoting::None)?),
            ast::CommandPrefixOrSuffixItem::ProcessSubstitution(..) => return Err(PROCESS_SUBSTITUTION),
        }
    }
    if let Some(w) = &simple.word_or_name {
        out.line = w.loc.as_ref().map_or(0, |span| span.start.line);
        out.words.push(word::parse(&w.value, Quoting::None)?);
    }
    for item in after {
        match item {
            ast::CommandPrefixOrSuffixItem::IoRedirect(r) => out.redirects.push(redirect(r)?),
            ast::CommandPrefixOrSuffixItem::Word(w) | ast::CommandPrefixOrSuffixItem::AssignmentWord(_, w) => {
                out.words.push(word::parse(&w.value, Quoting::None)?);
            }
            ast::CommandPrefixOrSuffixItem::ProcessSubstitution(..) => return Err(PROCESS_SUBSTITUTION),
        }
    }
    Ok(out)
}

const PROCESS_SUBSTITUTION: SyntaxError = SyntaxError::NotModelled("process substitution");

fn assignment(assignment: &ast::Assignment) -> Result<(String, Word), SyntaxError> {
    match (&assignment.name, &assignment.value, assignment.append) {
        (ast::AssignmentName::VariableName(name), ast::AssignmentValue::Scalar(value), false) => {
            Ok((name.clone(), word::parse(&value.value, Quoting::Assignment)?))
        }
        _ => Err(SyntaxError::NotModelled("arrays and +=")),
    }
}

fn redirect_list(list: Option<&ast::RedirectList>) -> Result<Vec<Redirect>, SyntaxError> {
    list.map_or(Ok(Vec::new()), |list| list.0.iter().map(redirect).collect())
}

fn redirect(redirect: &ast::IoRedirect) -> Result<Redirect, SyntaxError> {
    use ast::{IoFileRedirectKind as Kind, IoFileRedirectTarget as To};
    Ok(match redirect {
        ast::IoRedirect::File(fd, kind, to) => {
            let word = match to {
                To::Filename(w) | To::Duplicate(w) => word::parse(&w.value, Quoting::None)?,
                To::Fd(n) => vec![Piece::Text(n.to_string())],
                To::ProcessSubstitution(..) => return Err(PROCESS_SUBSTITUTION),
            };
            let (default, to) = match kind {
                Kind::Read => (0, Target::Read(word)),
                Kind::Write => (1, Target::Write(word)),
                Kind::Clobber => (1, Target::Clobber(word)),
                Kind::Append => (1, Target::Append(word)),
                Kind::ReadAndWrite => (0, Target::ReadWrite(word)),
                Kind::DuplicateInput => (0, Target::Duplicate(word)),
                Kind::DuplicateOutput => (1, Target::Duplicate(word)),
            };
            Redirect { fd: fd.unwrap_or(default), to }
        }
        ast::IoRedirect::HereDocument(fd, here) => {
            let body = if here.requires_expansion {
                word::parse(&here.doc.value, Quoting::Here)?
            } else {
                vec![Piece::Quoted(here.doc.value.clone())]
            };
            Redirect { fd: fd.unwrap_or(0), to: Target::Here(body) }
        }
        ast::IoRedirect::HereString(..) | ast::IoRedirect::OutputAndError(..) => {
            return Err(SyntaxError::NotModelled("bash's own redirections"));
        }
    })
}

fn compound(compound: &ast::CompoundCommand) -> Result<Compound, SyntaxError> {
    Ok(match compound {
        ast::CompoundCommand::BraceGroup(group) => Compound::Group(list(&group.list)?),
        ast::CompoundCommand::Subshell(sub) => Compound::Subshell(Arc::new(list(&sub.list)?)),
        ast::CompoundCommand::ForClause(clause) => {
            let words = clause.values.as_ref().map(|words| words.iter().map(|w| word::parse(&w.value, Quoting::None)).collect());
            Compound::For { name: clause.variable_name.clone(), words: words.transpose()?, body: list(&clause.body.list)? }
        }
        ast::CompoundCommand::CaseClause(clause) => {
            let arms = clause.cases.iter().map(|case| {
                let patterns = case.patterns.iter().map(|p| word::parse(&p.value, Quoting::None)).collect::<Result<_, _>>()?;
                Ok((patterns, case.cmd.as_ref().map_or(Ok(List::default()), list)?))
            });
            Compound::Case { word: word::parse(&clause.value.value, Quoting::None)?, arms: arms.collect::<Result<_, SyntaxError>>()? }
        }
        ast::CompoundCommand::IfClause(clause) => {
            let mut arms = vec![(list(&clause.condition)?, list(&clause.then)?)];
            let mut otherwise = None;
            for next in clause.elses.iter().flatten() {
                match &next.condition {
                    Some(condition) => arms.push((list(condition)?, list(&next.body)?)),
                    None => otherwise = Some(list(&next.body)?),
                }
            }
            Compound::If { arms, otherwise }
        }
        ast::CompoundCommand::WhileClause(ast::WhileOrUntilClauseCommand(condition, body, _)) => {
            Compound::While { until: false, condition: list(condition)?, body: list(&body.list)? }
        }
        ast::CompoundCommand::UntilClause(ast::WhileOrUntilClauseCommand(condition, body, _)) => {
            Compound::While { until: true, condition: list(condition)?, body: list(&body.list)? }
        }
        ast::CompoundCommand::Arithmetic(_) | ast::CompoundCommand::ArithmeticForClause(_) | ast::CompoundCommand::Coprocess(_) => {
            return Err(SyntaxError::NotModelled("bash's own compound commands"));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Command {
        let list = program(text).expect(text);
        assert_eq!(list.0.len(), 1, "{text}");
        (*list.0[0].and_or.first.commands[0]).clone()
    }

    fn simple(text: &str) -> Simple {
        match one(text) {
            Command::Simple(simple) => simple,
            other => panic!("{text} is {other:?}"),
        }
    }

    #[test]
    fn simple_commands_keep_assignments_words_and_redirections_apart() {
        let s = simple("A=1 B=~/x echo a=b 'q r' 2>&1 >f <<E\nbody $x\nE\n");
        assert_eq!(s.assignments.len(), 2);
        assert_eq!(s.assignments[1].1, [Piece::Tilde(None), Piece::Text("/x".to_owned())]);
        assert_eq!(s.words.len(), 3);
        assert_eq!(s.words[2], [Piece::Quoted("q r".to_owned())]);
        assert_eq!(s.redirects.len(), 3);
        assert_eq!(s.redirects[0], Redirect { fd: 2, to: Target::Duplicate(vec![Piece::Text("1".to_owned())]) });
        assert!(matches!(&s.redirects[2].to, Target::Here(body) if body.len() == 3), "{:?}", s.redirects[2]);
    }

    #[test]
    fn words_are_taken_apart() {
        let word = |text: &str| simple(&format!("echo {text}")).words.remove(1);
        assert_eq!(word(r"a\ b"), [Piece::Text("a".to_owned()), Piece::Quoted(" ".to_owned()), Piece::Text("b".to_owned())]);
        assert!(matches!(&word("\"a $(b 'c') d\"")[..], [Piece::Double(inner)] if inner.len() == 3));
        assert!(matches!(&word("${x:-a b}")[..], [Piece::Parameter(p)] if matches!(&p.op, Op::Default { colon: true, .. })));
        assert!(matches!(&word("$((1 + $x))")[..], [Piece::Arithmetic(_)]));
        assert!(matches!(&word("`echo \\`echo x\\``")[..], [Piece::Command(_)]));
        assert!(matches!(&word("${#x}")[..], [Piece::Parameter(p)] if p.op == Op::Length));
        assert!(matches!(&word("$#")[..], [Piece::Parameter(p)] if p.name == "#"));
        assert_eq!(word("\"\""), [Piece::Double(vec![])]);
    }

    #[test]
    fn what_is_incomplete_is_told_from_what_is_wrong() {
        for text in ["if true; then", "echo 'a", "echo \"a", "a &&", "a |", "f() {", "case x in", "cat <<E\nbody\n", "echo $(", "( a"] {
            assert!(matches!(program(text), Err(SyntaxError::Incomplete(_))), "{text}: {:?}", program(text));
        }
        for text in ["a )", "fi", "a ;; b", "| a"] {
            assert!(matches!(program(text), Err(SyntaxError::Wrong { .. })), "{text}: {:?}", program(text));
        }
        assert_eq!(program(""), Ok(List::default()));
        assert_eq!(program("# only a comment\n"), Ok(List::default()));
    }

    #[test]
    fn compound_commands_nest() {
        for text in [
            "if a; then b; elif c; then d; else e; fi",
            "for i in 1 2; do echo $i; done",
            "for i; do :; done",
            "while a; do b; done > f",
            "until a; do break; done",
            "case $x in a|b) c;; (*) d;; esac",
            "f() { a; }",
            "{ a; b; } | c",
            "( a; b )",
            "! a | b",
            "a & b",
            "a && b || c",
        ] {
            assert!(program(text).is_ok(), "{text}: {:?}", program(text));
        }
    }
}
