//! What a registry wants to see before it answers: nothing, a password, or a token that is had for one.

use super::{Answered, Asked, Registry};
use serde_json::json;

/// What a registry wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wants {
    /// Nothing.
    #[default]
    Nothing,
    /// A password, for everything.
    Password,
    /// A token, from the token server at this address.
    Token {
        /// The realm, whole: `http://127.0.0.1:5001/token`.
        realm: String,
        /// Whether whoever has no account may pull.
        anyone: bool,
        /// How many requests a token is good for.
        uses: u32,
    },
}

/// What a token is good for.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    scopes: Vec<String>,
    uses: u32,
}

impl Registry {
    /// The account whose name and password a request shows.
    fn account(&self, asked: &Asked) -> Option<String> {
        let encoded = asked.header("authorization")?.strip_prefix("Basic ")?;
        let pair = data_encoding::BASE64.decode(encoded.as_bytes()).ok()?;
        let pair = String::from_utf8(pair).ok()?;
        let (name, password) = pair.split_once(':')?;
        (self.accounts.get(name).map(String::as_str) == Some(password)).then(|| name.to_owned())
    }

    /// A 401 where a request does not show what the registry wants.
    pub(super) fn challenge(&mut self, asked: &Asked) -> Option<Answered> {
        let refused = |challenge: String| {
            let answer = Answered::problem(401, "UNAUTHORIZED", "authentication required");
            Some(answer.header("www-authenticate", challenge).header("docker-distribution-api-version", "registry/2.0"))
        };
        match self.wants.clone() {
            Wants::Nothing => None,
            Wants::Password if self.account(asked).is_some() => None,
            Wants::Password => refused("Basic realm=\"Registry Realm\"".to_owned()),
            Wants::Token { realm, .. } => {
                let needed = needed(asked);
                let token = asked.header("authorization").and_then(|h| h.strip_prefix("Bearer ")).unwrap_or_default().to_owned();
                if let Some(grant) = self.granted.get_mut(&token).filter(|grant| grant.uses > 0) {
                    grant.uses -= 1;
                    if needed.as_ref().is_none_or(|needed| grant.scopes.contains(needed)) {
                        return None;
                    }
                    return Some(Answered::problem(403, "DENIED", "requested access to the resource is denied"));
                }
                let scope = needed.map(|needed| format!(",scope=\"{needed}\"")).unwrap_or_default();
                refused(format!("Bearer realm=\"{realm}\",service=\"registry\"{scope}"))
            }
        }
    }

    /// The token server: `GET /token?service=…&scope=…`.
    pub(super) fn token(&mut self, asked: &Asked) -> Answered {
        let Wants::Token { anyone, uses, .. } = self.wants.clone() else {
            return Answered::status(404);
        };
        let account = self.account(asked);
        if account.is_none() && asked.header("authorization").is_some() {
            return Answered::json(401, &json!({"details": "incorrect username or password"}));
        }
        if account.is_none() && !anyone {
            return Answered::problem(401, "UNAUTHORIZED", "authentication required");
        }
        let may = |repository: &str, action: &str| match &account {
            // Everybody reads, and everybody writes below their own name.
            Some(name) => action == "pull" || repository.starts_with(&format!("{name}/")) || !anyone,
            None => action == "pull" && self.repositories.contains_key(repository),
        };
        let mut scopes = Vec::new();
        for scope in asked.parameters("scope") {
            let parts: Vec<&str> = scope.split(':').collect();
            if let ["repository", repository, actions] = parts.as_slice() {
                scopes.extend(
                    actions.split(',').filter(|action| may(repository, action)).map(|action| format!("repository:{repository}:{action}")),
                );
            }
        }
        self.started += 1;
        let token = format!("token-{}", self.started);
        self.granted.insert(token.clone(), Grant { scopes, uses });
        Answered::json(200, &json!({"token": token, "expires_in": 300}))
    }
}

/// What a request needs to be allowed: `repository:NAME:ACTION`.
fn needed(asked: &Asked) -> Option<String> {
    let path = asked.path().strip_prefix("/v2/")?;
    let end = ["/manifests/", "/blobs/", "/tags/"].iter().filter_map(|part| path.rfind(part)).max()?;
    let action = if asked.method == "GET" || asked.method == "HEAD" { "pull" } else { "push" };
    Some(format!("repository:{}:{action}", path.get(..end)?))
}
