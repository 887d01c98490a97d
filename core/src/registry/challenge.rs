//! `WWW-Authenticate`: what a registry wants to see (RFC 9110 section 11.6.1; distribution-spec, token authentication).

use crate::error::{Error, Result};

/// The longest header that is read, in bytes.
const LONGEST: usize = 8 << 10;
/// The most challenges in one header, and parameters in one challenge.
const MOST: usize = 16;

/// One challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// `basic` or `bearer`, in lower case.
    pub scheme: String,
    /// Its parameters, names in lower case.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// A parameter's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn bad(what: &str) -> Error {
    Error::invalid(format!("invalid WWW-Authenticate header: {what}"))
}

/// Reads the challenges of one header.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`] where it is not what the grammar allows, or too long.
pub fn parse(text: &str) -> Result<Vec<Challenge>> {
    if text.len() > LONGEST {
        return Err(bad("it is too long"));
    }
    let mut reader = Reader { rest: text };
    let mut all: Vec<Challenge> = Vec::new();
    loop {
        reader.separators();
        if reader.rest.is_empty() {
            return Ok(all);
        }
        let word = reader.token().ok_or_else(|| bad("a word is missing"))?;
        let blank = reader.blanks();
        if reader.rest.starts_with('=') && !all.is_empty() {
            reader.rest = reader.rest.get(1..).unwrap_or_default();
            let value = reader.value()?;
            let parameters = &mut all.last_mut().ok_or_else(|| bad("no scheme"))?.parameters;
            let name = word.to_ascii_lowercase();
            if parameters.len() >= MOST || parameters.iter().any(|(known, _)| *known == name) {
                return Err(bad("a parameter comes twice, or there are too many"));
            }
            parameters.push((name, value));
        } else if reader.rest.is_empty() || reader.rest.starts_with(',') || blank {
            if all.len() >= MOST {
                return Err(bad("too many challenges"));
            }
            all.push(Challenge { scheme: word.to_ascii_lowercase(), parameters: Vec::new() });
            reader.token68();
        } else {
            return Err(bad("a sign that has no place there"));
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn separators(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', ',']);
    }

    fn blanks(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        self.rest.len() < before
    }

    fn token(&mut self) -> Option<&'a str> {
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let end = self.rest.find(|c| !is_token(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(word).filter(|w| !w.is_empty())
    }

    /// What some schemes have instead of parameters, `Negotiate YII=`: passed over.
    fn token68(&mut self) {
        let is_one = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        let end = self.rest.find(|c| !is_one(c)).unwrap_or(self.rest.len());
        let after = self.rest.get(end..).unwrap_or_default();
        let rest = after.trim_start_matches('=');
        let padded = rest.len() < after.len();
        if end > 0 && (rest.is_empty() || rest.starts_with(',')) && (padded || !after.starts_with('=')) {
            self.rest = rest;
        }
    }

    fn value(&mut self) -> Result<String> {
        self.blanks();
        let Some(quoted) = self.rest.strip_prefix('"') else {
            return self.token().map(str::to_owned).ok_or_else(|| bad("a value is missing"));
        };
        let mut value = String::new();
        let mut signs = quoted.char_indices();
        while let Some((at, sign)) = signs.next() {
            match sign {
                '"' => {
                    self.rest = quoted.get(at + 1..).unwrap_or_default();
                    return Ok(value);
                }
                '\\' => value.push(signs.next().map(|(_, c)| c).ok_or_else(|| bad("a quote is open"))?),
                c if c.is_control() && c != '\t' => return Err(bad("a control character")),
                c => value.push(c),
            }
        }
        Err(bad("a quote is open"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> String {
        let one = |c: Challenge| {
            let parameters: Vec<String> = c.parameters.iter().map(|(k, v)| format!("{k}={v}")).collect();
            format!("{}({})", c.scheme, parameters.join(";"))
        };
        parse(text).map_or_else(|e| e.message().to_owned(), |all| all.into_iter().map(one).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn challenges_as_registries_write_them() {
        for (text, meaning) in [
            (
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#,
                "bearer(realm=https://auth.docker.io/token;service=registry.docker.io;scope=repository:a/b:pull,push)",
            ),
            (r#"Basic realm="Registry Realm""#, "basic(realm=Registry Realm)"),
            (r#"BASIC realm = x , charset=UTF-8"#, "basic(realm=x;charset=UTF-8)"),
            (r#"Bearer realm="a\"b", Basic realm=c"#, "bearer(realm=a\"b) basic(realm=c)"),
            ("Negotiate, Basic realm=x", "negotiate() basic(realm=x)"),
            ("Negotiate YII==, Basic realm=x", "negotiate() basic(realm=x)"),
            ("", ""),
        ] {
            assert_eq!(read(text), meaning, "{text}");
        }
    }

    #[test]
    fn what_is_refused() {
        for bad in ["Bearer realm=\"open", "Bearer a=b, realm=", "=x", "Bearer realm=a,realm=b", "Bearer a=\"\u{7}\"", &"a,".repeat(100)] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
        assert!(parse(&"x".repeat(LONGEST + 1)).is_err());
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_always_ends(text in "[a-zA-Z=\", \\\\é/]{0,80}") {
            let _ = parse(&text);
        }
    }
}
