//! What a registry says when it says no (distribution-spec "Error Codes"), as one line.

use super::limits;
use super::transport::{Method, Response};
use super::url::Url;
use crate::error::{Error, ErrorKind};
use serde::Deserialize;
use std::io::Read as _;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The status.
    pub status: u16,
    /// The first error's code: `MANIFEST_UNKNOWN`. Empty if the body is not the specification's.
    pub code: String,
    /// The first error's message, or what the body says, one line.
    pub message: String,
    asked: String,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    errors: Vec<One>,
    // Token servers and old registries.
    #[serde(default)]
    details: Option<String>,
}

#[derive(Deserialize)]
struct One {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Problem {
    /// Reads a refusal. Never more than a little of its body.
    pub fn read(response: Response, method: Method, url: &Url) -> Self {
        let Response { status, headers, body } = response;
        let mut bytes = Vec::new();
        // A body that breaks off says as much as one that does not.
        let _ = body.take(limits::PROBLEM as u64).read_to_end(&mut bytes);
        let html = headers.iter().any(|(key, value)| key == "content-type" && value.contains("html"));
        let (code, message) = match serde_json::from_slice::<Body>(&bytes) {
            Ok(body) => match body.errors.into_iter().next() {
                Some(one) => (line(&one.code), line(&one.message)),
                None => (String::new(), line(&body.details.unwrap_or_default())),
            },
            Err(_) if html => (String::new(), String::new()),
            Err(_) => (String::new(), line(&String::from_utf8_lossy(bytes.get(..limits::SHOWN.min(bytes.len())).unwrap_or_default()))),
        };
        let (first, rest) = method.as_str().split_at(1);
        Self { status, code, message, asked: format!("{first}{} \"{}\"", rest.to_lowercase(), url.shown()) }
    }

    /// `manifest unknown: manifest unknown`: the code in words and the message, as Docker prints them.
    pub fn words(&self) -> String {
        if self.code.is_empty() {
            return if self.message.is_empty() { reason(self.status) } else { format!("{}: {}", reason(self.status), self.message) };
        }
        let code = self.code.to_lowercase().replace('_', " ");
        if self.message.is_empty() { code } else { format!("{code}: {}", self.message) }
    }

    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        match self.status {
            401 | 403 => ErrorKind::Denied,
            404 => ErrorKind::NotFound,
            408 => ErrorKind::TimedOut,
            429 => ErrorKind::Exhausted,
            400..=499 => ErrorKind::InvalidInput,
            _ => ErrorKind::System,
        }
    }

    /// As an error that names the request.
    pub fn error(&self) -> Error {
        let error = Error::new(self.kind(), format!("{}: {}", self.asked, self.words())).op("request");
        match self.status {
            401 | 403 => error.hint("log in with 'drydock login'"),
            429 => error.hint("the registry asks for fewer requests; try again later"),
            _ => error,
        }
    }
}

fn reason(status: u16) -> String {
    let text = match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Request Entity Too Large",
        416 => "Requested Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    };
    format!("unexpected status: {status} {text}").trim_end().to_owned()
}

/// A registry's words as one line that cannot move a cursor.
pub fn line(text: &str) -> String {
    let mut shown: String = text.chars().take(limits::SHOWN).map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    if text.chars().nth(limits::SHOWN).is_some() {
        shown.push('…');
    }
    shown.trim().chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(status: u16, kind: &str, body: &'static [u8]) -> Problem {
        let headers = vec![("content-type".to_owned(), kind.to_owned())];
        Problem::read(Response { status, headers, body: Box::new(body) }, Method::Get, &Url::parse("https://r/v2/?secret=1").unwrap())
    }

    #[test]
    fn bodies_of_every_kind_become_one_line() {
        let body = br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest\n\u001b[2Junknown","detail":{"Tag":"x"}}]}"#;
        assert_eq!(problem(404, "application/json", body).words(), "manifest unknown: manifest [2Junknown");
        assert_eq!(problem(500, "text/html; charset=utf-8", b"<html>no</html>").words(), "unexpected status: 500 Internal Server Error");
        assert_eq!(problem(502, "text/plain", b"busy\nnow").words(), "unexpected status: 502 Bad Gateway: busy now");
        assert_eq!(
            problem(401, "application/json", br#"{"details":"incorrect username or password"}"#).message,
            "incorrect username or password"
        );
        assert_eq!(problem(599, "", b"").words(), "unexpected status: 599");
        let error = problem(429, "", b"").error();
        assert_eq!(error.message(), "Get \"https://r/v2/\": unexpected status: 429 Too Many Requests");
        assert_eq!(error.kind(), ErrorKind::Exhausted);
    }

    #[test]
    fn a_body_without_end_is_not_read_to_it() {
        let body = Box::new(std::io::repeat(b'x'));
        let url = Url::parse("https://r/").unwrap();
        let read = Problem::read(Response { status: 500, headers: Vec::new(), body }, Method::Head, &url);
        assert!(read.message.chars().count() <= limits::SHOWN + 1);
    }
}
