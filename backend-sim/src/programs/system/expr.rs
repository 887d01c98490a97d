//! `expr`

use crate::programs::cmd::{Cmd, Exit};
use crate::programs::text::regex::{BadPattern, Grammar, compile};

/// Why an expression has no value.
#[derive(Debug, PartialEq, Eq)]
enum Bad {
    Wrong(&'static str),
    NotModelled(&'static str),
}

type Value = Result<String, Bad>;

/// `expr expression`; status 1 for a null or zero value, 2 for a wrong expression.
pub async fn expr(cmd: &mut Cmd) -> Exit {
    let args = cmd.args.clone();
    let mut parser = Parser { words: &args, at: 0 };
    let value = match parser.level(0) {
        Ok(_) if parser.at < args.len() || args.is_empty() => Err(Bad::Wrong("syntax error")),
        value => value,
    };
    match value {
        Ok(value) => {
            cmd.line(&value).await?;
            Ok(i32::from(value.is_empty() || value == "0"))
        }
        Err(Bad::Wrong(message)) => {
            cmd.fail(message).await;
            Ok(2)
        }
        Err(Bad::NotModelled(what)) => Err(cmd.not_modelled(what).await),
    }
}

struct Parser<'a> {
    words: &'a [String],
    at: usize,
}

/// Operators from the weakest to the strongest.
const LEVELS: [&[&str]; 5] = [&["|"], &["&"], &["<", "<=", "=", "==", "!=", ">=", ">"], &["+", "-"], &["*", "/", "%"]];

impl Parser<'_> {
    fn next(&mut self) -> Result<&str, Bad> {
        self.at += 1;
        self.words.get(self.at - 1).map(String::as_str).ok_or(Bad::Wrong("syntax error"))
    }

    fn level(&mut self, level: usize) -> Value {
        let Some(operators) = LEVELS.get(level) else { return self.matching() };
        let mut left = self.level(level + 1)?;
        while let Some(op) = self.words.get(self.at).filter(|w| operators.contains(&w.as_str())) {
            let op = op.clone();
            self.at += 1;
            let right = self.level(level + 1)?;
            left = binary(&left, &op, &right)?;
        }
        Ok(left)
    }

    fn matching(&mut self) -> Value {
        let mut left = self.primary()?;
        while self.words.get(self.at).is_some_and(|w| w == ":") {
            self.at += 1;
            let pattern = self.primary()?;
            left = matched(&left, &pattern)?;
        }
        Ok(left)
    }

    fn primary(&mut self) -> Value {
        match self.next()?.to_owned().as_str() {
            "(" => {
                let value = self.level(0)?;
                if self.next()? == ")" { Ok(value) } else { Err(Bad::Wrong("syntax error")) }
            }
            "length" => Ok(self.primary()?.chars().count().to_string()),
            "match" => {
                let (text, pattern) = (self.primary()?, self.primary()?);
                matched(&text, &pattern)
            }
            "index" => {
                let (text, set) = (self.primary()?, self.primary()?);
                Ok(text.chars().position(|c| set.contains(c)).map_or(0, |i| i + 1).to_string())
            }
            "substr" => {
                let (text, from, length) = (self.primary()?, self.primary()?, self.primary()?);
                let (Ok(from), Ok(length)) = (from.parse::<usize>(), length.parse::<usize>()) else { return Ok(String::new()) };
                Ok(if from == 0 { String::new() } else { text.chars().skip(from - 1).take(length).collect() })
            }
            "+" => Ok(self.next()?.to_owned()),
            word => Ok(word.to_owned()),
        }
    }
}

fn binary(left: &str, op: &str, right: &str) -> Value {
    let null = |text: &str| text.is_empty() || text == "0";
    let numbers = left.parse::<i64>().ok().zip(right.parse::<i64>().ok());
    let truth = |yes: bool| Ok(i32::from(yes).to_string());
    match op {
        "|" => return Ok(if null(left) { right.to_owned() } else { left.to_owned() }),
        "&" => return Ok(if null(left) || null(right) { "0".to_owned() } else { left.to_owned() }),
        "<" | "<=" | "=" | "==" | "!=" | ">=" | ">" => {
            let order = numbers.map_or_else(|| left.cmp(right), |(l, r)| l.cmp(&r));
            return truth(match op {
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                "=" | "==" => order.is_eq(),
                "!=" => order.is_ne(),
                ">=" => order.is_ge(),
                _ => order.is_gt(),
            });
        }
        _ => {}
    }
    let Some((left, right)) = numbers else { return Err(Bad::Wrong("non-numeric argument")) };
    if right == 0 && matches!(op, "/" | "%") {
        return Err(Bad::Wrong("division by zero"));
    }
    Ok(match op {
        "+" => left.wrapping_add(right),
        "-" => left.wrapping_sub(right),
        "*" => left.wrapping_mul(right),
        "/" => left.wrapping_div(right),
        _ => left.wrapping_rem(right),
    }
    .to_string())
}

/// `text : pattern`: the first group, or how many characters match; the pattern is anchored at the start.
fn matched(text: &str, pattern: &str) -> Value {
    let groups = pattern.contains(r"\(");
    let regex = compile(&format!("^{}", pattern.trim_start_matches('^')), Grammar::Basic, false).map_err(|error| match error {
        BadPattern::Wrong(_) => Bad::Wrong("syntax error"),
        BadPattern::NotModelled(what) => Bad::NotModelled(what),
    })?;
    Ok(match (regex.captures(text), groups) {
        (Some(captures), true) => captures.get(1).map_or(String::new(), |m| m.as_str().to_owned()),
        (Some(captures), false) => captures.get(0).map_or(0, |m| m.as_str().chars().count()).to_string(),
        (None, true) => String::new(),
        (None, false) => "0".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_have_precedence() {
        let run = |text: &str| {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            Parser { words: &words, at: 0 }.level(0)
        };
        assert_eq!(run("1 + 2 * 3"), Ok("7".to_owned()));
        assert_eq!(run("( 1 + 2 ) * 3"), Ok("9".to_owned()));
        assert_eq!(run("10 > 9"), Ok("1".to_owned()));
        assert_eq!(run("abc < abd"), Ok("1".to_owned()));
        assert_eq!(run(r"abc : a\(.*\)"), Ok("bc".to_owned()));
        assert_eq!(run("abc : ab"), Ok("2".to_owned()));
        assert_eq!(run("length abc"), Ok("3".to_owned()));
        assert_eq!(run("1 + a"), Err(Bad::Wrong("non-numeric argument")));
        assert_eq!(run("1 / 0"), Err(Bad::Wrong("division by zero")));
    }
}
