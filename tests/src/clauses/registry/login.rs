//! Who somebody is: what is shown to whom.

use super::{Parts, known, named, pull, pulls_with, refused, refused_with};
use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, contains, equal, fail, holds, lacks};
use crate::world::World;
use drydock_core::ErrorKind;
use drydock_core::registry::{Access, PullRequest};
use drydock_sim::registry::{Answered, How, Wants};

/// A registry that knows alice and wants to see her password.
fn closed(w: &World<'_>, wants: Wants) -> Checked {
    Parts::small("secret").put(w, 0, "app", Some("1"))?;
    w.registry(0, |r| {
        r.wants = wants;
        r.accounts.insert("alice".to_owned(), "open sesame".to_owned());
    })
}

/// A registry that wants tokens of its own.
fn tokens(w: &World<'_>, anyone: bool, uses: u32) -> Wants {
    Wants::Token { realm: format!("http://{}/token", w.registries()[0]), anyone, uses }
}

fn as_alice(w: &World<'_>) -> PullRequest {
    PullRequest { reference: named(w, 0, "app:1"), access: known("alice", "open sesame"), ..PullRequest::default() }
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("REG-LOGIN-1", "A registry that wants a password is shown it.", cite::LOGIN, |w| {
        closed(w, Wants::Password)?;
        pulls_with(w, &as_alice(w))?;
        holds("it is there", w.engine().image(&named(w, 0, "app:1")).is_ok())
    }),
    Clause::docker("REG-LOGIN-2", "Without a password the error says that there is none.", cite::LOGIN, |w| {
        closed(w, Wants::Password)?;
        let error = refused(w, &named(w, 0, "app:1"), "no basic auth credentials")?;
        equal("kind", error.kind(), ErrorKind::Denied)
    }),
    Clause::law("REG-LOGIN-3", "With a wrong password nothing is pulled, and the password is in no message.", cite::LOGIN, |w| {
        closed(w, Wants::Password)?;
        let request = PullRequest { access: known("alice", "open barley"), ..as_alice(w) };
        let error = refused_with(w, &request, "pull access denied")?;
        lacks("message", &format!("{error:?} {error}"), "barley")
    }),
    Clause::docker("REG-LOGIN-4", "login asks the registry, and a wrong password is refused.", cite::LOGIN, |w| {
        closed(w, Wants::Password)?;
        let server = w.registries()[0].clone();
        w.engine().login(&server, &known("alice", "open sesame"))?;
        let Err(error) = w.engine().login(&server, &known("alice", "open barley")) else { return fail("it was believed") };
        contains("message", &error.to_string(), &format!("login attempt to http://{server}/v2/ failed with status: 401 Unauthorized"))?;
        equal("kind", error.kind(), ErrorKind::Denied)
    }),
    Clause::law("REG-LOGIN-5", "A registry that wants a token is shown one that was had for it.", cite::TOKEN, |w| {
        closed(w, tokens(w, true, u32::MAX))?;
        pull(w, &named(w, 0, "app:1"))?;
        let asked = w.registry(0, |r| r.seen("GET /token").iter().filter_map(|a| a.parameter("scope")).collect::<Vec<_>>())?;
        equal("scopes", asked, vec!["repository:app:pull".to_owned()])
    }),
    Clause::law("REG-LOGIN-6", "The token server is shown the password, and the registry only the token.", cite::TOKEN, |w| {
        closed(w, tokens(w, false, u32::MAX))?;
        pulls_with(w, &as_alice(w))?;
        let headers = |part: &str| {
            w.registry(0, |r| r.seen(part).iter().filter_map(|a| a.header("authorization").map(str::to_owned)).collect::<Vec<_>>())
        };
        holds("the token server sees it", headers("GET /token")?.iter().all(|h| h.starts_with("Basic ")))?;
        holds("the registry does not", headers("/v2/")?.iter().all(|h| h.starts_with("Bearer ")))
    }),
    Clause::law("REG-LOGIN-7", "A token that runs out in the middle is had again.", cite::TOKEN, |w| {
        closed(w, tokens(w, true, 1))?;
        pull(w, &named(w, 0, "app:1"))?;
        let tokens = w.registry(0, |r| r.seen("GET /token").len())?;
        holds(format_args!("{tokens} tokens for three requests"), tokens >= 3)
    }),
    Clause::law(
        "REG-LOGIN-8",
        "A password is not sent to the token server of another host.",
        "GHSA-742w-89gc-8m9c (CVE-2020-15157)",
        |w| {
            // By another name of this machine, so that it is another host.
            let other = w.registries()[1].replace("127.0.0.1", "localhost");
            closed(w, Wants::Token { realm: format!("http://{other}/token"), anyone: true, uses: 1 })?;
            refused_with(w, &as_alice(w), "are not sent to")?;
            equal("requests to there", w.registry(1, |r| r.log.len())?, 0)
        },
    ),
    Clause::law("REG-LOGIN-9", "After a redirect to another host no credential is shown.", "GHSA-742w-89gc-8m9c (CVE-2020-15157)", |w| {
        closed(w, Wants::Password)?;
        let parts = Parts::small("secret");
        parts.put(w, 1, "app", None)?;
        let target = format!("/v2/app/blobs/{}", parts.layer(0));
        let there = format!("http://{}{target}", w.registries()[1]);
        w.registry(0, |r| r.lie(&format!("GET {target}"), u32::MAX, How::Instead(Answered::status(307).header("location", there))))?;
        pulls_with(w, &as_alice(w))?;
        let shown = w.registry(1, |r| r.log.iter().map(|a| a.header("authorization").map(str::to_owned)).collect::<Vec<_>>())?;
        equal("what the other host saw", shown, vec![None])
    }),
    Clause::law("REG-LOGIN-10", "A 401 of another host is answered with nothing.", "GHSA-742w-89gc-8m9c (CVE-2020-15157)", |w| {
        closed(w, Wants::Password)?;
        w.registry(1, |r| r.wants = Wants::Password)?;
        let target = format!("/v2/app/blobs/{}", Parts::small("secret").layer(0));
        let there = format!("http://{}{target}", w.registries()[1]);
        w.registry(0, |r| r.lie(&format!("GET {target}"), u32::MAX, How::Instead(Answered::status(307).header("location", there))))?;
        refused_with(w, &as_alice(w), "unauthorized: authentication required")?;
        let shown = w.registry(1, |r| r.log.iter().filter(|a| a.header("authorization").is_some()).count())?;
        equal("credentials that the other host saw", shown, 0)
    }),
    Clause::law(
        "REG-LOGIN-11",
        "A token server on this machine's own network is not asked for a registry elsewhere, nor a metadata service ever.",
        "OWASP, Server Side Request Forgery",
        |w| {
            closed(w, Wants::Token { realm: "http://169.254.169.254/latest/api/token".to_owned(), anyone: true, uses: 1 })?;
            refused(w, &named(w, 0, "app:1"), "this machine's own network and is not asked").map(drop)
        },
    ),
    Clause::law("REG-LOGIN-12", "A challenge that cannot be read is an error, not a loop.", "RFC 9110 section 11.6.1", |w| {
        for bad in ["Bearer realm=\"open", "Negotiate", "Bearer service=x", "", "Bearer realm=\"ftp://x/\""] {
            closed(w, Wants::Nothing)?;
            w.registry(0, |r| {
                r.lies.clear();
                r.lie("/v2/", u32::MAX, How::Instead(Answered::problem(401, "UNAUTHORIZED", "no").header("www-authenticate", bad)));
            })?;
            refused(w, &named(w, 0, "app:1"), "")?;
        }
        Ok(())
    }),
    Clause::law("REG-LOGIN-13", "A token server's answer without a token is an error that shows nothing of it.", cite::TOKEN, |w| {
        closed(w, tokens(w, true, 1))?;
        w.registry(0, |r| {
            r.lie("GET /token", u32::MAX, How::Instead(Answered::status(200).body("application/json", "{\"secret\":\"tell nobody\"")))
        })?;
        let error = refused(w, &named(w, 0, "app:1"), "holds no token")?;
        lacks("message", &format!("{error:?}"), "tell nobody")
    }),
    Clause::law("REG-LOGIN-14", "Whoever is not allowed is told so.", cite::PULLING, |w| {
        closed(w, Wants::Nothing)?;
        w.registry(0, |r| {
            r.lie("manifests/1", u32::MAX, How::Instead(Answered::problem(403, "DENIED", "requested access to the resource is denied")))
        })?;
        let words = "repository does not exist or may require 'drydock login': denied: requested access to the resource is denied";
        let error = refused(w, &named(w, 0, "app:1"), words)?;
        equal("kind", error.kind(), ErrorKind::Denied)
    }),
    Clause::law("REG-LOGIN-15", "A registry that wants nothing is shown nothing.", cite::LOGIN, |w| {
        closed(w, Wants::Nothing)?;
        pulls_with(w, &as_alice(w))?;
        equal("credentials shown", w.registry(0, |r| r.log.iter().filter(|a| a.header("authorization").is_some()).count())?, 0)?;
        w.engine().login(&w.registries()[0], &Access::default()).map_err(Into::into)
    }),
];
