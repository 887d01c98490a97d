//! `import --change`: Dockerfile instructions that only change a configuration.

use super::ImageDefaults;
use crate::build::dockerfile::expand;
use crate::error::{Error, Result};
use crate::kernel::Signal;
use serde_json::json;

/// Applies one instruction, with variables of the environment replaced as a build does it: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, STOPSIGNAL, USER, VOLUME or WORKDIR.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`] naming the instruction.
pub fn apply(defaults: &mut ImageDefaults, instruction: &str) -> Result<()> {
    let text = instruction.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let word = word.to_ascii_uppercase();
    let known = ["CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"];
    if !known.contains(&word.as_str()) {
        return Err(Error::invalid(format!("{} is not a valid change command", word.to_ascii_lowercase().escape_debug())));
    }
    if rest.is_empty() && word != "CMD" && word != "ENTRYPOINT" {
        return Err(Error::invalid(format!("{word} requires at least one argument")));
    }
    if rest.contains('\0') {
        return Err(Error::invalid(format!("{word} contains a NUL byte")));
    }
    let env = defaults.env.clone();
    let value = |name: &str| env.iter().find_map(|e| e.split_once('=').filter(|(key, _)| *key == name)).map(|(_, v)| v.to_owned());
    let expanded = |text: &str| expand::word(text, '\\', &value).map(|e| e.text).map_err(Error::invalid);
    match word.as_str() {
        "CMD" => defaults.cmd = Some(command(rest)?),
        "ENTRYPOINT" => defaults.entrypoint = Some(command(rest)?),
        "ENV" => {
            for (key, value) in pairs(&word, rest, &expanded)? {
                let entry = format!("{key}={value}");
                match defaults.env.iter_mut().find(|e| e.split('=').next() == Some(&key)) {
                    Some(place) => *place = entry,
                    None => defaults.env.push(entry),
                }
            }
        }
        "LABEL" => defaults.labels.extend(pairs(&word, rest, &expanded)?),
        "EXPOSE" => {
            for port in rest.split_whitespace() {
                defaults.exposed_ports.insert(exposed(&expanded(port)?)?, json!({}));
            }
        }
        "HEALTHCHECK" => defaults.healthcheck = Some(crate::container::health_text::parse(rest)?),
        "VOLUME" => {
            for path in if rest.starts_with('[') { list(rest)? } else { words(rest)? } {
                defaults.volumes.insert(expanded(&path)?, json!({}));
            }
        }
        "STOPSIGNAL" => {
            let signal = expanded(rest)?;
            Signal::parse(&signal)?;
            defaults.stop_signal = signal;
        }
        "USER" => defaults.user = expanded(rest)?,
        _ => defaults.working_dir = below(&defaults.working_dir, &expanded(rest)?),
    }
    Ok(())
}

/// A command: a JSON list, or one line for the shell.
fn command(rest: &str) -> Result<Vec<String>> {
    if rest.starts_with('[')
        && let Ok(list) = list(rest)
    {
        return Ok(list);
    }
    if rest.is_empty() { Ok(Vec::new()) } else { Ok(vec!["/bin/sh".to_owned(), "-c".to_owned(), rest.to_owned()]) }
}

fn list(rest: &str) -> Result<Vec<String>> {
    serde_json::from_str(rest).map_err(|_| Error::invalid(format!("not a JSON list of strings: {}", rest.escape_debug())))
}

/// `80`, `80/tcp`, `53/udp` → with its protocol.
fn exposed(port: &str) -> Result<String> {
    let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
    let protocol = protocol.to_ascii_lowercase();
    let fine = number.parse::<u16>().is_ok_and(|n| n > 0) && number.bytes().all(|b| b.is_ascii_digit());
    if !fine || !["tcp", "udp", "sctp"].contains(&protocol.as_str()) {
        return Err(Error::invalid(format!("Invalid containerPort: {}", port.escape_debug())));
    }
    Ok(format!("{number}/{protocol}"))
}

/// `KEY=value KEY="value with blanks"`, or the old form `KEY the rest`.
fn pairs(word: &str, rest: &str, expanded: &dyn Fn(&str) -> Result<String>) -> Result<Vec<(String, String)>> {
    let all = words(rest)?;
    let first = all.first().map_or("", String::as_str);
    if !first.contains('=') {
        let (key, value) = rest.split_once(char::is_whitespace).ok_or_else(|| Error::invalid(format!("{word} must have two arguments")))?;
        return Ok(vec![(expanded(key)?, expanded(value.trim())?)]);
    }
    all.iter()
        .map(|pair| match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((expanded(key)?, expanded(value)?)),
            _ => Err(Error::invalid(format!("Syntax error - can't find = in {:?}. Must be of the form: name=value", pair))),
        })
        .collect()
}

/// Words, with the quotes and backslashes that keep blanks in them.
fn words(text: &str) -> Result<Vec<String>> {
    let mut all = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => all.extend(word.take()),
            (None | Some('"'), '\\') => {
                let word = word.get_or_insert_default();
                word.push(c);
                word.extend(chars.next());
            }
            (_, c) => {
                match quote {
                    None if matches!(c, '\'' | '"') => quote = Some(c),
                    Some(q) if q == c => quote = None,
                    _ => {}
                }
                word.get_or_insert_default().push(c);
            }
        }
    }
    if quote.is_some() {
        return Err(Error::invalid("unexpected end of statement while looking for matching quote"));
    }
    all.extend(word);
    Ok(all)
}

fn below(directory: &str, path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", directory.trim_end_matches('/')) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_change_what_they_name() {
        let mut all = ImageDefaults::default();
        for change in [
            r#"CMD ["nginx", "-g", "daemon off;"]"#,
            "entrypoint echo hello",
            "ENV A=1 B=\"two words\"",
            "ENV A three",
            "ENV PLACE=/srv C=$A-$B D='$A' E=${NONE:-four}",
            "EXPOSE 80 53/udp",
            "LABEL a=b",
            "STOPSIGNAL SIGQUIT",
            "USER nobody:nogroup",
            "VOLUME [\"/data\"]",
            "WORKDIR $PLACE",
            "WORKDIR www",
        ] {
            apply(&mut all, change).unwrap_or_else(|e| panic!("{change}: {e}"));
        }
        assert_eq!(all.cmd.unwrap(), ["nginx", "-g", "daemon off;"]);
        assert_eq!(all.entrypoint.unwrap(), ["/bin/sh", "-c", "echo hello"]);
        assert_eq!(all.env, ["A=three", "B=two words", "PLACE=/srv", "C=three-two words", "D=$A", "E=four"]);
        assert_eq!(all.exposed_ports.keys().collect::<Vec<_>>(), ["53/udp", "80/tcp"]);
        assert_eq!((all.user.as_str(), all.working_dir.as_str()), ("nobody:nogroup", "/srv/www"));
    }

    #[test]
    fn what_is_no_change_is_refused() {
        for bad in
            ["", "RUN true", "FROM a", "ENV", "ENV A", "EXPOSE x", "EXPOSE 0", "EXPOSE 80/foo", "STOPSIGNAL NOPE", "LABEL a=\"b", "USER"]
        {
            assert!(apply(&mut ImageDefaults::default(), bad).is_err(), "{bad:?}");
        }
    }
}
