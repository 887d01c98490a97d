//! References: names, tags, digests and prefixes.

use crate::clause::Clause;
use crate::fixture::BUSYBOX;
use crate::outcome::{contains, equal, fail};
use drydock_core::ErrorKind;

const CITE: &str = "Docker CLI reference, docker image tag; distribution reference grammar";

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker(
        "IMG-REF-1",
        "An image answers to its reference short and whole, its id and every unambiguous prefix of it.",
        CITE,
        |w| {
            let id = w.engine().image(BUSYBOX)?.id.as_str().to_owned();
            let hex = id.trim_start_matches("sha256:").to_owned();
            for name in
                ["busybox", "busybox:latest", "library/busybox", "docker.io/library/busybox:latest", &id, &hex, &hex[..12], &hex[..4]]
            {
                equal(name, w.engine().image(name)?.id.as_str(), id.as_str())?;
            }
            w.run_with(&["echo", "by prefix"], |c| c.image = hex[..12].to_owned())?.prints("by prefix")?.done()
        },
    ),
    Clause::docker("IMG-REF-2", "A tag that the repository does not have is not found.", CITE, |w| {
        let Err(error) = w.engine().image("busybox:nope") else { return fail("it was found") };
        equal("kind", error.kind(), ErrorKind::NotFound)?;
        contains("message", &error.to_string(), "No such image: busybox:nope")
    }),
    Clause::docker("IMG-REF-3", "A repository with upper-case letters is refused, and says so.", CITE, |w| {
        let error = w.refused(&["true"], |c| c.image = "Busybox".to_owned())?;
        equal("exit code of run", error.exit_code_of_run(), 125)?;
        contains("message", &error.to_string(), "invalid reference format: repository name (library/Busybox) must be lowercase")
    }),
    Clause::docker("IMG-REF-4", "What is no reference is refused.", CITE, |w| {
        for bad in ["", "a:b:c", "-x", "x:", "x@sha256:12", "a//b", "x:ta g", "x\n"] {
            let error = w.refused(&["true"], |c| c.image = bad.to_owned())?;
            equal(format_args!("{bad:?}"), error.kind(), ErrorKind::InvalidInput)?;
            contains("message", &error.to_string(), "invalid reference format")?;
        }
        Ok(())
    }),
];
