//! Searching: the search of Docker Hub's kind where a registry has it, its catalogue where it has not.

use super::auth::Scope;
use super::client::{Call, Client, body};
use super::request::Found;
use super::transport::Method;
use super::{fetch, limits, problem};
use crate::error::{Error, Result};
use serde::Deserialize;

/// Where Docker Hub's index is.
pub const HUB_INDEX: &str = "https://index.docker.io/";
/// The most repositories of a catalogue that are looked through.
const CATALOGUE: usize = 100_000;

#[derive(Deserialize)]
struct Results {
    #[serde(default)]
    results: Vec<Found>,
}

/// Splits what a person searches for into the registry, if one is named, and the words.
pub fn split(term: &str) -> (Option<&str>, &str) {
    match term.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (Some(first), rest),
        _ => (None, term),
    }
}

/// Looks for words in names and descriptions; the most liked first.
pub fn search(client: &Client<'_>, words: &str, limit: usize) -> Result<Vec<Found>> {
    let scope = Scope::default();
    let url = client.base().at("/v1/search").with("q", words).with("n", &limit.to_string());
    let call = Call::new(Method::Get, url, &scope).header("Accept", "application/json");
    let response = client.send(&call)?;
    let mut found = match response.status {
        200 => {
            let bytes = body(response, limits::PAGE, "the registry's answer")?;
            serde_json::from_slice::<Results>(&bytes)
                .map_err(|_| Error::invalid("the registry's answer to the search cannot be read"))?
                .results
        }
        404 | 405 => {
            let all = fetch::catalogue(client, CATALOGUE)?;
            let matching = all.into_iter().filter(|name| name.contains(words));
            matching.map(|name| Found { name, ..Found::default() }).collect()
        }
        _ => return Err(problem::Problem::read(response, Method::Get, &call.url).error()),
    };
    for one in &mut found {
        one.name = problem::line(&one.name);
        one.description = problem::line(&one.description);
    }
    found.sort_by(|a, b| b.star_count.cmp(&a.star_count).then_with(|| a.name.cmp(&b.name)));
    found.truncate(limit);
    Ok(found)
}
