//! Parameters in a path's query, read as Docker reads them.

use crate::error::ApiError;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde_json::Value;
use std::collections::BTreeMap;
use std::convert::Infallible;

/// The parameters of a request, in order.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

impl Query {
    /// Reads `a=1&b=2`.
    pub fn parse(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// The first value of a parameter; the empty string where it is not given.
    pub fn get(&self, name: &str) -> &str {
        self.given(name).unwrap_or_default()
    }

    /// The first value of a parameter, if it is given.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Every value of a parameter.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(n, _)| n == name).map(|(_, v)| v.clone()).collect()
    }

    /// A switch: on unless it is absent, empty, `0`, `no`, `false` or `none`.
    pub fn flag(&self, name: &str) -> bool {
        self.flag_or(name, false)
    }

    /// A switch with a state of its own while it is absent.
    pub fn flag_or(&self, name: &str, absent: bool) -> bool {
        match self.given(name) {
            None => absent,
            Some(value) => !matches!(value.trim().to_ascii_lowercase().as_str(), "" | "0" | "no" | "false" | "none"),
        }
    }

    /// A whole number, if it is given and not empty.
    ///
    /// # Errors
    /// It is no number: Go's words, which Docker passes on.
    pub fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.given(name) {
            None | Some("") => Ok(None),
            Some(text) => match text.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => {
                    let shown = text.escape_debug();
                    let digits = text.trim_start_matches(['-', '+']);
                    let why = if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
                        "value out of range"
                    } else {
                        "invalid syntax"
                    };
                    Err(ApiError::bad(format!("strconv.Atoi: parsing \"{shown}\": {why}")))
                }
            },
        }
    }

    /// The `filters` parameter.
    ///
    /// # Errors
    /// It is neither `{"key": ["value"]}` nor the older `{"key": {"value": true}}`.
    pub fn filters(&self) -> Result<Filters, ApiError> {
        Filters::parse(self.get("filters"))
    }
}

/// Filters: keys, each with the values that are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters(pub BTreeMap<String, Vec<String>>);

impl Filters {
    /// Reads the JSON of a `filters` parameter; the empty string is none.
    ///
    /// # Errors
    /// [`Query::filters`]
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let invalid = || ApiError::bad("invalid filter");
        let Value::Object(object) = serde_json::from_str(text).map_err(|_| invalid())? else { return Err(invalid()) };
        let mut filters = BTreeMap::new();
        for (key, values) in object {
            let values = match values {
                Value::Array(values) => {
                    values.into_iter().map(|v| v.as_str().map(str::to_owned).ok_or_else(invalid)).collect::<Result<Vec<_>, _>>()?
                }
                Value::Object(values) => {
                    let wanted = |(value, on): (String, Value)| match on {
                        Value::Bool(true) => Some(Ok(value)),
                        Value::Bool(false) => None,
                        _ => Some(Err(invalid())),
                    };
                    values.into_iter().filter_map(wanted).collect::<Result<Vec<_>, _>>()?
                }
                Value::Null => Vec::new(),
                _ => return Err(invalid()),
            };
            filters.insert(key, values);
        }
        Ok(Self(filters))
    }

    /// The filters as `key=value` words, as the command line takes them.
    pub fn words(&self) -> Vec<String> {
        self.0.iter().flat_map(|(key, values)| values.iter().map(move |value| format!("{key}={value}"))).collect()
    }

    /// The values of a key.
    pub fn of(&self, key: &str) -> &[String] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    /// Refuses keys that an operation does not know, in Docker's words.
    ///
    /// # Errors
    /// The first key that is not in the list.
    pub fn only(&self, known: &[&str]) -> Result<(), ApiError> {
        match self.0.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(ApiError::bad(format!("invalid filter '{}'", key.escape_debug()))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_read_as_docker_reads_them() {
        let query = Query::parse("a=1&b=0&c=&d=False&e=none&f=yes");
        let on: Vec<&str> = ["a", "b", "c", "d", "e", "f", "g"].into_iter().filter(|n| query.flag(n)).collect();
        assert_eq!(on, ["a", "f"]);
        assert!(query.flag_or("g", true));
    }

    #[test]
    fn filters_come_in_two_shapes() {
        for text in [r#"{"label":["a=b","c"]}"#, r#"{"label":{"a=b":true,"c":true,"d":false}}"#] {
            assert_eq!(Filters::parse(text).unwrap().of("label"), ["a=b", "c"]);
        }
        for text in ["{", "[]", "1", r#"{"a":1}"#, r#"{"a":[1]}"#] {
            assert_eq!(Filters::parse(text).unwrap_err().message(), "invalid filter", "{text}");
        }
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        let query = Query::parse("h=12&w=x&big=99999999999999999999");
        assert_eq!(query.number("h").unwrap(), Some(12));
        assert_eq!(query.number("absent").unwrap(), None);
        assert_eq!(query.number("w").unwrap_err().message(), "strconv.Atoi: parsing \"x\": invalid syntax");
        assert!(query.number("big").unwrap_err().message().ends_with("value out of range"));
    }
}
