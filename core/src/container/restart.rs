//! The grammar of `--restart`: `no`, `always`, `unless-stopped`, `on-failure[:COUNT]`.

use super::RestartPolicy;
use crate::error::{Error, Result};

/// Reads one `--restart`; the empty text is `no`.
///
/// # Errors
/// Docker's own words.
pub fn parse(text: &str) -> Result<RestartPolicy> {
    let (name, count) = text.split_once(':').map_or((text, None), |(name, count)| (name, Some(count)));
    if name.is_empty() && count.is_some() {
        return Err(Error::invalid("invalid restart policy format: no policy provided before colon"));
    }
    let count = match count {
        None | Some("") => None,
        Some(count) => Some(
            count.parse::<i64>().map_err(|_| Error::invalid("invalid restart policy format: maximum retry count must be an integer"))?,
        ),
    };
    let policy = match name {
        "" | "no" => RestartPolicy::No,
        "always" => RestartPolicy::Always,
        "unless-stopped" => RestartPolicy::UnlessStopped,
        "on-failure" => {
            let count = count.filter(|n| *n != 0).map(u32::try_from).transpose();
            return Ok(RestartPolicy::OnFailure(count.map_err(|_| Error::invalid("maximum retry count cannot be negative"))?));
        }
        _ => return Err(Error::invalid(format!("invalid restart policy '{}'", name.escape_debug()))),
    };
    match count {
        Some(n) if n != 0 => Err(Error::invalid(format!("maximum retry count cannot be used with restart policy '{name}'"))),
        _ => Ok(policy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_ones() {
        for (text, policy) in [
            ("", RestartPolicy::No),
            ("no", RestartPolicy::No),
            ("always", RestartPolicy::Always),
            ("unless-stopped", RestartPolicy::UnlessStopped),
            ("on-failure", RestartPolicy::OnFailure(None)),
            ("on-failure:", RestartPolicy::OnFailure(None)),
            ("on-failure:0", RestartPolicy::OnFailure(None)),
            ("on-failure:3", RestartPolicy::OnFailure(Some(3))),
        ] {
            assert_eq!(parse(text).unwrap(), policy, "{text}");
        }
    }

    #[test]
    fn bad_ones() {
        for (text, message) in [
            ("foo", "invalid restart policy 'foo'"),
            (":3", "invalid restart policy format: no policy provided before colon"),
            ("on-failure:x", "invalid restart policy format: maximum retry count must be an integer"),
            ("on-failure:-1", "maximum retry count cannot be negative"),
            ("always:3", "maximum retry count cannot be used with restart policy 'always'"),
        ] {
            assert_eq!(parse(text).unwrap_err().message(), message, "{text}");
        }
    }
}
