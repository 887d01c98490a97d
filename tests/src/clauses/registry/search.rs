//! Searching.

use super::named;
use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, equal, fail, holds};
use crate::world::World;
use drydock_core::registry::SearchRequest;
use drydock_sim::registry::Repository;

fn names(w: &World<'_>, term: &str, limit: usize) -> Checked<Vec<String>> {
    let request = SearchRequest { term: named(w, 0, term), limit, ..SearchRequest::default() };
    let host = named(w, 0, "");
    Ok(w.engine().search(&request)?.into_iter().map(|f| f.name.replace(&host, "")).collect())
}

/// A registry of repositories with so many stars.
fn liked(w: &World<'_>, all: &[(&str, u64)], searchable: bool) -> Checked {
    w.registry(0, |r| {
        r.searchable = searchable;
        for (name, stars) in all {
            r.repositories.insert((*name).to_owned(), Repository { stars: *stars, ..Repository::default() });
        }
    })
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::law("REG-SEARCH-1", "What has the words in its name is found, the most liked first.", cite::SEARCH, |w| {
        liked(w, &[("app", 1), ("tools/app", 5), ("other", 9)], true)?;
        equal("found", names(w, "app", 0)?, vec!["tools/app".to_owned(), "app".to_owned()])
    }),
    Clause::law("REG-SEARCH-2", "At most as many are shown as were asked for.", cite::SEARCH, |w| {
        liked(w, &[("a1", 1), ("a2", 2), ("a3", 3)], true)?;
        equal("found", names(w, "a", 2)?, vec!["a3".to_owned(), "a2".to_owned()])
    }),
    Clause::docker("REG-SEARCH-3", "More than a hundred cannot be asked for.", cite::SEARCH, |w| {
        let Err(error) = names(w, "a", 101) else { return fail("it was answered") };
        holds(&error, error.0.to_lowercase().contains("limit 101 is outside the range of [1, 100]"))
    }),
    Clause::law(
        "REG-SEARCH-4",
        "A registry without a search is searched by its catalogue, page after page.",
        "distribution project, Listing Repositories",
        |w| {
            liked(w, &[("app", 0), ("tools/app", 0), ("other", 0)], false)?;
            w.registry(0, |r| r.page = 1)?;
            equal("found", names(w, "app", 0)?, vec!["app".to_owned(), "tools/app".to_owned()])
        },
    ),
];
