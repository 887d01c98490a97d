//! Words taken apart: brush-parser's pieces lowered to [`Piece`].

use super::parse::{self, SyntaxError};
use super::syntax::{Op, Parameter, Piece, Word};
use brush_parser::word::{self as brush, ParameterExpr, ParameterTestType, SpecialParameter, SubstringMatchKind, TildeExpr, WordPiece};
use std::sync::Arc;

/// Where a word stands, which decides what its characters mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// A plain word.
    None,
    /// The value of an assignment: a tilde counts after each colon too.
    Assignment,
    /// The body of a here-document: quotes are plain text.
    Here,
    /// Inside double quotes.
    Double,
}

/// Parses one word.
pub fn parse(text: &str, quoting: Quoting) -> Result<Word, SyntaxError> {
    // Most words are plain, and a loop parses its words once for each command substitution: skip the grammar for them.
    if quoting != Quoting::Double && !text.contains(['\\', '\'', '"', '$', '`', '~']) {
        return Ok(if text.is_empty() { Vec::new() } else { vec![Piece::Text(text.to_owned())] });
    }
    let mut options = parse::options();
    options.sh_mode = false; // busybox has ${x:1:2} and ${x/a/b}
    options.tilde_expansion_at_word_start = matches!(quoting, Quoting::None | Quoting::Assignment);
    options.tilde_expansion_after_colon = quoting == Quoting::Assignment;
    let parsed = match quoting {
        Quoting::Here => brush::parse_heredoc(text, &options),
        Quoting::Double => brush::parse(&format!("\"{text}\""), &options),
        Quoting::None | Quoting::Assignment => brush::parse(text, &options),
    };
    let pieces = parsed.map_err(|_| SyntaxError::Wrong { message: "bad substitution".to_owned(), line: 1 })?;
    lower(&pieces, quoting == Quoting::Here)
}

fn lower(pieces: &[brush::WordPieceWithSource], quoted: bool) -> Result<Word, SyntaxError> {
    let mut word = Vec::new();
    for piece in pieces {
        let piece = match &piece.piece {
            WordPiece::Text(text) if quoted => Piece::Quoted(text.replace("\\\n", "")),
            WordPiece::Text(text) => Piece::Text(text.clone()),
            WordPiece::SingleQuotedText(text) => Piece::Quoted(text.clone()),
            WordPiece::AnsiCQuotedText(text) => Piece::Quoted(ansi_c(text)),
            WordPiece::DoubleQuotedSequence(inner) => Piece::Double(lower(inner, true)?),
            WordPiece::GettextDoubleQuotedSequence(_) => return Err(SyntaxError::NotModelled("$\"…\"")),
            WordPiece::TildeExpansion(TildeExpr::Home) => Piece::Tilde(None),
            WordPiece::TildeExpansion(TildeExpr::UserHome(user)) => Piece::Tilde(Some(user.clone())),
            WordPiece::TildeExpansion(_) => return Err(SyntaxError::NotModelled("~+ and ~-")),
            WordPiece::EscapeSequence(text) => match text.strip_prefix('\\') {
                Some("\n") => continue,
                Some(rest) => Piece::Quoted(rest.to_owned()),
                None => Piece::Quoted(text.clone()),
            },
            WordPiece::ParameterExpansion(expression) => parameter(expression, quoted)?,
            WordPiece::CommandSubstitution(text) => Piece::Command(Arc::new(parse::program(text)?)),
            WordPiece::BackquotedCommandSubstitution(text) => Piece::Command(Arc::new(parse::program(&unescape_backquoted(text))?)),
            WordPiece::ArithmeticExpression(expression) => Piece::Arithmetic(parse(&expression.value, Quoting::Double)?),
        };
        word.push(piece);
    }
    Ok(word)
}

/// Inside backquotes a backslash escapes only `$`, a backquote and itself (POSIX 2.6.3); brush-parser has undone the backquotes.
fn unescape_backquoted(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(&next @ ('\\' | '$'))) => {
                out.push(next);
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out
}

fn ansi_c(text: &str) -> String {
    String::from_utf8_lossy(&crate::programs::escape::unescape(text, crate::programs::escape::Octal::Plain).0).into_owned()
}

fn name(parameter: &brush::Parameter) -> Result<String, SyntaxError> {
    Ok(match parameter {
        brush::Parameter::Positional(n) => n.to_string(),
        brush::Parameter::Named(name) => name.clone(),
        brush::Parameter::Special(special) => match special {
            SpecialParameter::AllPositionalParameters { concatenate: true } => "*",
            SpecialParameter::AllPositionalParameters { concatenate: false } => "@",
            SpecialParameter::PositionalParameterCount => "#",
            SpecialParameter::LastExitStatus => "?",
            SpecialParameter::CurrentOptionFlags => "-",
            SpecialParameter::ProcessId => "$",
            SpecialParameter::LastBackgroundProcessId => "!",
            SpecialParameter::ShellName => "0",
        }
        .to_owned(),
        brush::Parameter::NamedWithIndex { .. } | brush::Parameter::NamedWithAllIndices { .. } => return Err(BAD),
    })
}

const BAD: SyntaxError = SyntaxError::NotModelled("bash's own parameter expansions");

fn parameter(expression: &ParameterExpr, quoted: bool) -> Result<Piece, SyntaxError> {
    use ParameterExpr as E;
    // Within double quotes the word of an expansion is read as double-quoted text; a pattern's own quotes count everywhere.
    let text = |text: &Option<String>| parse(text.as_deref().unwrap_or(""), if quoted { Quoting::Double } else { Quoting::None });
    let pattern = |text: &Option<String>| parse(text.as_deref().unwrap_or(""), Quoting::None);
    let colon = |test: &ParameterTestType| matches!(test, ParameterTestType::UnsetOrNull);
    let strip = |prefix, longest, pattern_text: &Option<String>| {
        Ok::<_, SyntaxError>(Op::Strip { prefix, longest, pattern: pattern(pattern_text)? })
    };
    let (parameter, indirect, op) = match expression {
        E::Parameter { parameter, indirect } => (parameter, indirect, Op::Value),
        E::ParameterLength { parameter, indirect } => (parameter, indirect, Op::Length),
        E::UseDefaultValues { parameter, indirect, test_type, default_value } => {
            (parameter, indirect, Op::Default { colon: colon(test_type), word: text(default_value)? })
        }
        E::AssignDefaultValues { parameter, indirect, test_type, default_value } => {
            (parameter, indirect, Op::Assign { colon: colon(test_type), word: text(default_value)? })
        }
        E::IndicateErrorIfNullOrUnset { parameter, indirect, test_type, error_message } => {
            let word = error_message.as_ref().map(|_| text(error_message)).transpose()?;
            (parameter, indirect, Op::Error { colon: colon(test_type), word })
        }
        E::UseAlternativeValue { parameter, indirect, test_type, alternative_value } => {
            (parameter, indirect, Op::Alternative { colon: colon(test_type), word: text(alternative_value)? })
        }
        E::RemoveSmallestSuffixPattern { parameter, indirect, pattern } => (parameter, indirect, strip(false, false, pattern)?),
        E::RemoveLargestSuffixPattern { parameter, indirect, pattern } => (parameter, indirect, strip(false, true, pattern)?),
        E::RemoveSmallestPrefixPattern { parameter, indirect, pattern } => (parameter, indirect, strip(true, false, pattern)?),
        E::RemoveLargestPrefixPattern { parameter, indirect, pattern } => (parameter, indirect, strip(true, true, pattern)?),
        E::Substring { parameter, indirect, offset, length } => {
            let length = length.as_ref().map(|l| parse(&l.value, Quoting::Double)).transpose()?;
            (parameter, indirect, Op::Slice { offset: parse(&offset.value, Quoting::Double)?, length })
        }
        E::ReplaceSubstring { parameter, indirect, pattern: p, replacement, match_kind } => {
            let all = match match_kind {
                SubstringMatchKind::FirstOccurrence => false,
                SubstringMatchKind::Anywhere => true,
                SubstringMatchKind::Prefix | SubstringMatchKind::Suffix => return Err(BAD),
            };
            (parameter, indirect, Op::Replace { all, pattern: pattern(&Some(p.clone()))?, with: text(replacement)? })
        }
        _ => return Err(BAD),
    };
    if *indirect {
        return Err(BAD);
    }
    Ok(Piece::Parameter(Box::new(Parameter { name: name(parameter)?, op })))
}
