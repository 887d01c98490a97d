//! Predicates as they are written.

use super::{Claim, Count, OfContainer, OfImage, Predicate};
use drydock_core::container::Status;

type Parsed<T> = Result<T, String>;

const STATUSES: [(&str, Status); 6] = [
    ("created", Status::Created),
    ("running", Status::Running),
    ("paused", Status::Paused),
    ("restarting", Status::Restarting),
    ("exited", Status::Exited),
    ("dead", Status::Dead),
];
const ABOUT: &str = "container, containers, image, images, volume, network or happened";
const OF_CONTAINER: &str = "is, ended with, of, first, processes, restarts, policy, memory, label, env, publishes, on, mounts, has, file, \
                            changed or deleted";
const OF_IMAGE: &str = "same as, layers, on or label";

/// Words, one after another; a text in double quotes is one.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let rest = self.0.trim_start();
        if rest.is_empty() {
            self.0 = rest;
            return None;
        }
        let (word, after) = match rest.strip_prefix('"').and_then(|inner| inner.split_once('"')) {
            Some(quoted) => quoted,
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        self.0 = after;
        Some(word)
    }

    fn want(&mut self, what: &str) -> Parsed<&'a str> {
        self.next().ok_or_else(|| format!("{what} is missing at its end"))
    }

    fn word(&mut self, is: &str) -> Parsed<()> {
        match self.next() {
            Some(word) if word == is => Ok(()),
            Some(other) => Err(format!("'{is}' must stand where '{other}' does")),
            None => Err(format!("'{is}' is missing at its end")),
        }
    }

    fn end(&mut self) -> Parsed<()> {
        self.next().map_or(Ok(()), |more| Err(format!("'{more}' is too much")))
    }

    fn number(&mut self, what: &str) -> Parsed<u64> {
        let word = self.want(what)?;
        word.parse().map_err(|_| format!("'{word}' is no number"))
    }

    fn count(&mut self) -> Parsed<Count> {
        match self.want("a count")? {
            "at" => match self.want("'least' or 'most'")? {
                "least" => self.number("a number").map(Count::AtLeast),
                "most" => self.number("a number").map(Count::AtMost),
                other => Err(format!("'least' or 'most' must stand where '{other}' does")),
            },
            word => word.parse().map(Count::Exactly).map_err(|_| format!("'{word}' is no number, and neither 'at least' nor 'at most'")),
        }
    }

    fn pair(&mut self) -> Parsed<(String, String)> {
        let word = self.want("KEY=VALUE")?;
        word.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())).ok_or_else(|| format!("'{word}' is no KEY=VALUE"))
    }

    fn text(&mut self, what: &str) -> Parsed<String> {
        self.want(what).map(str::to_owned)
    }
}

pub(super) fn predicate(words: &str) -> Parsed<Predicate> {
    let all = words.trim();
    let (negated, rest) = all.strip_prefix("not ").map_or((false, all), |rest| (true, rest));
    let mut words = Words(rest);
    let claim = match words.next() {
        Some("container") => Claim::Container(words.text("a container's name")?, of_container(&mut words)?),
        Some("containers") => containers(&mut words)?,
        Some("image") => Claim::Image(words.text("an image's name")?, of_image(&mut words)?),
        Some("images") => {
            words.word("untagged")?;
            Claim::Untagged(words.count()?)
        }
        Some("volume") => Claim::Volume(words.text("a volume's name")?),
        Some("network") => Claim::Network(words.text("a network's name")?),
        Some("happened") => happened(&mut words)?,
        Some(other) => return Err(format!("'{other}' is nothing a predicate is about: {ABOUT}")),
        None => return Err(format!("it says nothing; it begins with {ABOUT}")),
    };
    words.end()?;
    Ok(Predicate { negated, claim, words: all.to_owned() })
}

fn containers(words: &mut Words<'_>) -> Parsed<Claim> {
    let (running, mut rest) = match words.0.trim_start().strip_prefix("running ") {
        Some(rest) => (true, Words(rest)),
        None => (false, Words(words.0)),
    };
    let count = rest.count()?;
    words.0 = rest.0;
    Ok(Claim::Containers { running, count })
}

fn happened(words: &mut Words<'_>) -> Parsed<Claim> {
    let (kind, name) = (words.text("container, image, network or volume")?, words.text("a name")?);
    let action = words.text("what happened")?;
    let count = if words.0.trim().is_empty() { Count::AtLeast(1) } else { words.count()? };
    Ok(Claim::Happened { kind, name, action, count })
}

fn of_container(words: &mut Words<'_>) -> Parsed<OfContainer> {
    Ok(match words.next() {
        None => OfContainer::There,
        Some("is") => {
            let word = words.want("a status")?;
            let status = STATUSES.iter().find(|(name, _)| *name == word);
            OfContainer::Is(status.ok_or_else(|| format!("'{word}' is no status: {}", STATUSES.map(|(name, _)| name).join(", ")))?.1)
        }
        Some("ended") => {
            words.word("with")?;
            let word = words.want("an exit code")?;
            OfContainer::Ended(word.parse().map_err(|_| format!("'{word}' is no exit code"))?)
        }
        Some("of") => OfContainer::Of(words.text("an image's name")?),
        Some("first") => OfContainer::First(words.text("a program's name")?),
        Some("processes") => OfContainer::Processes(words.count()?),
        Some("restarts") => OfContainer::Restarts(words.count()?),
        Some("policy") => OfContainer::Policy(words.text("a restart policy")?),
        Some("memory") => OfContainer::Memory(size(words.want("a size")?)?),
        Some("label") => {
            let (key, value) = words.pair()?;
            OfContainer::Label(key, value)
        }
        Some("env") => {
            let (key, value) = words.pair()?;
            OfContainer::Env(format!("{key}={value}"))
        }
        Some("publishes") => {
            let word = words.want("PORT:PORT")?;
            let ports = word.split_once(':').and_then(|(host, inner)| Some((host.parse().ok()?, inner.parse().ok()?)));
            let (host, inner) = ports.ok_or_else(|| format!("'{word}' is no PORT:PORT"))?;
            OfContainer::Publishes(host, inner)
        }
        Some("on") => OfContainer::On(words.text("a network's name")?),
        Some("mounts") => {
            let path = words.text("a path")?;
            words.word("from")?;
            OfContainer::Mounts { path, volume: words.text("a volume's name")? }
        }
        Some("has") => OfContainer::Has(words.text("a path")?),
        Some("file") => {
            let path = words.text("a path")?;
            words.word("contains")?;
            OfContainer::File { path, text: words.text("a text")? }
        }
        Some("changed") => OfContainer::Changed(words.text("a path")?),
        Some("deleted") => OfContainer::Deleted(words.text("a path")?),
        Some(other) => return Err(format!("'{other}' is nothing that is said of a container: {OF_CONTAINER}")),
    })
}

fn of_image(words: &mut Words<'_>) -> Parsed<OfImage> {
    Ok(match words.next() {
        None => OfImage::There,
        Some("same") => {
            words.word("as")?;
            OfImage::SameAs(words.text("an image's name")?)
        }
        Some("layers") => OfImage::Layers(words.count()?),
        Some("on") => OfImage::On(words.text("an image's name")?),
        Some("label") => {
            let (key, value) = words.pair()?;
            OfImage::Label(key, value)
        }
        Some(other) => return Err(format!("'{other}' is nothing that is said of an image: {OF_IMAGE}")),
    })
}

/// `64m`: bytes, or with k, m or g for 2¹⁰, 2²⁰ and 2³⁰ of them.
fn size(word: &str) -> Parsed<u64> {
    let digits = word.trim_end_matches(['b', 'k', 'm', 'g']);
    let factor = match word.get(digits.len()..) {
        Some("" | "b") => Some(1),
        Some("k") => Some(1 << 10),
        Some("m") => Some(1 << 20),
        Some("g") => Some(1 << 30),
        _ => None,
    };
    let bytes = factor.and_then(|f| digits.parse::<u64>().ok()?.checked_mul(f));
    bytes.ok_or_else(|| format!("'{word}' is no size such as 64m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let forms = [
            "container web",
            "not container web",
            "container web is paused",
            "container web ended with 137",
            "container web of busybox:latest",
            "container web first sleep",
            "container web processes at least 2",
            "container web restarts 3",
            "container web policy on-failure:3",
            "container web memory 64m",
            "container web label tier=front",
            "container web env A=b",
            "container web publishes 8080:80",
            "container web on shop",
            "container web mounts /data from pages",
            "container web has /etc/passwd",
            "container web file /greeting contains \"hello there\"",
            "container web changed /greeting",
            "not container web deleted /etc/group",
            "containers at most 2",
            "containers running 1",
            "image a:1",
            "image a:1 same as b:2",
            "image a:1 layers 2",
            "image a:1 on busybox",
            "image a:1 label k=v",
            "images untagged 0",
            "volume data",
            "network shop",
            "happened container web pause",
            "happened container web start at least 2",
        ];
        for form in forms {
            let read = predicate(form).unwrap_or_else(|e| panic!("{form}: {e}"));
            assert_eq!(read.to_string(), form);
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (form, wrong) in [
            ("", "it says nothing"),
            ("box web", "'box' is nothing a predicate is about"),
            ("container", "a container's name is missing"),
            ("container web is asleep", "'asleep' is no status: created, running"),
            ("container web ended 3", "'with' must stand where '3' does"),
            ("container web running", "'running' is nothing that is said of a container"),
            ("container web processes", "a count is missing"),
            ("container web processes at", "'least' or 'most' is missing"),
            ("container web processes some", "'some' is no number"),
            ("container web memory 64x", "'64x' is no size"),
            ("container web memory 99999999999g", "is no size"),
            ("container web publishes 80", "'80' is no PORT:PORT"),
            ("container web label tier", "'tier' is no KEY=VALUE"),
            ("container web is running now", "'now' is too much"),
            ("image a same b", "'as' must stand where 'b' does"),
            ("images 3", "'untagged' must stand where '3' does"),
        ] {
            let said = predicate(form).expect_err(form);
            assert!(said.contains(wrong), "{form}: {said}");
        }
    }
}
