//! Names, ids and prefixes of ids.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{contains, equal, fail, holds};
use drydock_core::ErrorKind;
use std::collections::BTreeMap;

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker(
        "CTR-NAME-1",
        "A name belongs to one container; asking for it again is a conflict that names its holder.",
        cite::RUN,
        |w| {
            let name = |c: &mut drydock_core::container::ContainerConfig| c.name = Some("held".to_owned());
            let holder = w.create(&["true"], name)?;
            let error = w.refused(&["true"], name)?;
            equal("kind", error.kind(), ErrorKind::Conflict)?;
            let words = format!(
                "Conflict. The container name \"/held\" is already in use by container \"{holder}\". You have to remove (or rename) that container to be able to reuse that name."
            );
            contains("message", &error.to_string(), &words)
        },
    ),
    Clause::docker(
        "CTR-NAME-2",
        "A name has at least two characters, of letters, digits, underscore, dot and dash, and begins with a letter or digit.",
        cite::RUN,
        |w| {
            for bad in ["a", "-bad", "sp ace", ".dot", "a/b", "ä1"] {
                let error = w.refused(&["true"], |c| c.name = Some(bad.to_owned()))?;
                equal(bad, error.kind(), ErrorKind::InvalidInput)?;
                let words = format!("Invalid container name ({bad}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
                contains("message", &error.to_string(), &words)?;
            }
            w.create(&["true"], |c| c.name = Some("ok.N_a-1".to_owned()))?;
            Ok(())
        },
    ),
    Clause::docker("CTR-NAME-3", "A container without a name is given one: an adjective, an underscore and a surname.", cite::RUN, |w| {
        let name = w.record(&w.create(&["true"], |_| {})?)?.name;
        let fits = name.split_once('_').is_some_and(|(adjective, surname)| {
            let surname = surname.strip_suffix(|c: char| c.is_ascii_digit()).unwrap_or(surname);
            let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase());
            word(adjective) && word(surname)
        });
        holds(format_args!("{name} is adjective_surname"), fits)
    }),
    Clause::docker("CTR-NAME-4", "An id is 64 hexadecimal digits, and no two are equal.", "Docker Engine API, Container Id", |w| {
        let (one, two) = (w.create(&["true"], |_| {})?, w.create(&["true"], |_| {})?);
        for id in [&one, &two] {
            holds(format_args!("{id} is 64 digits"), id.len() == 64 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))?;
        }
        holds("they differ", one != two)
    }),
    Clause::docker(
        "CTR-NAME-5",
        "A container answers to its name, its id and every unambiguous prefix of its id.",
        "Docker CLI reference, docker container inspect",
        |w| {
            let id = w.create(&["true"], |c| c.name = Some("called".to_owned()))?;
            for reference in ["called", "/called", id.as_str(), &id[..12], &id[..5], &id[..1]] {
                equal(reference, w.record(reference)?.id.as_str(), id.as_str())?;
            }
            Ok(())
        },
    ),
    Clause::docker(
        "CTR-NAME-6",
        "A whole name goes before the prefix of another's id.",
        "Docker CLI reference, docker container inspect",
        |w| {
            let id = w.create(&["true"], |_| {})?;
            let named = w.create(&["true"], |c| c.name = Some(id[..12].to_owned()))?;
            equal("container", w.record(&id[..12])?.id.as_str(), named.as_str())
        },
    ),
    Clause::docker(
        "CTR-NAME-7",
        "A prefix that several ids have is refused, and nothing is done.",
        "Docker CLI reference, docker container rm",
        |w| {
            // Of seventeen ids two begin with the same digit.
            let mut by_digit: BTreeMap<char, usize> = BTreeMap::new();
            for _ in 0..17 {
                let id = w.create(&["true"], |_| {})?;
                *by_digit.entry(id.chars().next().unwrap_or('0')).or_default() += 1;
            }
            let Some(digit) = by_digit.iter().find(|(_, n)| **n > 1).map(|(d, _)| d.to_string()) else {
                return fail("ids are not hexadecimal");
            };
            let Err(error) = w.engine().remove(&digit, Default::default()) else { return fail("it was not refused") };
            equal("kind", error.kind(), ErrorKind::Ambiguous)?;
            contains("message", &error.to_string(), &digit)?;
            equal("containers", w.engine().containers(true)?.len(), 17)
        },
    ),
    Clause::docker("CTR-NAME-8", "The name of a removed container is free again.", cite::RM, |w| {
        for _ in 0..2 {
            let id = w.create(&["true"], |c| c.name = Some("again".to_owned()))?;
            w.engine().remove(&id, Default::default())?;
        }
        Ok(())
    }),
];
