//! Builds: what instructions make of an image, which files they take, what the cache keeps, and what no build can do.

mod arguments;
mod cache;
mod configuration;
mod copy;
mod elsewhere;
mod escape;
mod mistake;
mod mount;
mod run;
mod stage;
mod url;

use crate::clause::Clause;
use crate::fixture::{Entry, tar};
use crate::outcome::{Checked, Output, fail};
use crate::world::World;
use drydock_core::Error;
use drydock_core::build::progress::{Event, Progress};
use drydock_core::build::request::{BuildRequest, Built, Surface};
use drydock_core::container::NetworkMode;
use drydock_core::host::Capability;
use drydock_core::image::ImageRecord;
use std::cell::RefCell;

/// Every topic, by name.
pub(super) fn topics() -> Vec<&'static [Clause]> {
    vec![
        arguments::CLAUSES,
        cache::CLAUSES,
        configuration::CLAUSES,
        copy::CLAUSES,
        mistake::CLAUSES,
        mount::CLAUSES,
        run::CLAUSES,
        elsewhere::CLAUSES,
        escape::CLAUSES,
        stage::CLAUSES,
        url::CLAUSES,
    ]
}

/// The reference that the clauses stand in.
const REFERENCE: &str = "Dockerfile reference";
/// What the classic builder has not, which is who answers Docker's API without a session.
const BUILDKIT: &[Capability] = &[Capability::BuildKit];
/// What images of clauses are called.
const NAME: &str = "built:1";

/// What came of a build.
struct Trial {
    built: Built,
    heard: Heard,
}

/// What was told meanwhile.
#[derive(Default)]
struct Heard(RefCell<Vec<Event>>);

impl Progress for Heard {
    fn tell(&self, event: Event) {
        self.0.borrow_mut().push(event);
    }
}

impl Heard {
    /// What programs wrote.
    fn output(&self) -> String {
        let bytes: Vec<u8> = self
            .0
            .borrow()
            .iter()
            .filter_map(|e| if let Event::Output { bytes, .. } = e { Some(bytes.clone()) } else { None })
            .flatten()
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The names of steps.
    fn steps(&self) -> Vec<String> {
        self.0.borrow().iter().filter_map(|e| if let Event::Began { name, .. } = e { Some(name.clone()) } else { None }).collect()
    }

    /// The rules of remarks.
    fn remarks(&self) -> Vec<String> {
        self.0.borrow().iter().filter_map(|e| if let Event::Remark { rule, .. } = e { Some(rule.clone()) } else { None }).collect()
    }
}

fn attempt(w: &World<'_>, text: &str, files: &[Entry], tweak: impl FnOnce(&mut BuildRequest)) -> (Result<Built, Error>, Heard) {
    let mut request = BuildRequest {
        dockerfile: Some(text.as_bytes().to_vec()),
        file: "Dockerfile".to_owned(),
        ignore: Some(Vec::new()),
        tags: vec![NAME.to_owned()],
        network: Some(NetworkMode::None),
        ..BuildRequest::default()
    };
    tweak(&mut request);
    let heard = Heard::default();
    let archive = tar(files);
    let built = w.engine().build(&request, Surface::plain(&mut archive.as_slice(), &heard));
    (built, heard)
}

/// Builds with other options.
fn build_with(w: &World<'_>, text: &str, files: &[Entry], tweak: impl FnOnce(&mut BuildRequest)) -> Checked<Trial> {
    match attempt(w, text, files, tweak) {
        (Ok(built), heard) => Ok(Trial { built, heard }),
        (Err(error), heard) => {
            let error = crate::outcome::refusal(error)?;
            fail(format_args!("it does not build: {error}; output {:?}", heard.output()))
        }
    }
}

/// Builds an image from a Dockerfile and the files of a context.
fn build(w: &World<'_>, text: &str, files: &[Entry]) -> Checked<Trial> {
    build_with(w, text, files, |_| {})
}

/// Asks for what only BuildKit has. Answers the error; for hosts that do not declare it.
pub(crate) fn needs_buildkit(w: &World<'_>) -> Checked<Error> {
    refused(w, "FROM busybox\nRUN --mount=type=tmpfs,target=/t true\n", &[])
}

/// Builds, and answers the image.
fn image(w: &World<'_>, text: &str) -> Checked<ImageRecord> {
    build(w, text, &[])?;
    Ok(w.engine().image(NAME)?)
}

/// Builds what must be refused.
fn refused(w: &World<'_>, text: &str, files: &[Entry]) -> Checked<Error> {
    refused_with(w, text, files, |_| {})
}

fn refused_with(w: &World<'_>, text: &str, files: &[Entry], tweak: impl FnOnce(&mut BuildRequest)) -> Checked<Error> {
    match attempt(w, text, files, tweak) {
        (Ok(_), _) => fail("it was built"),
        (Err(error), _) => crate::outcome::refusal(error),
    }
}

/// Builds, and runs a script in a container of the image.
fn in_image(w: &World<'_>, text: &str, files: &[Entry], script: &str) -> Checked<Output> {
    build(w, text, files)?;
    w.run_with(&["sh", "-c", script], |c| {
        c.image = NAME.to_owned();
        c.entrypoint = Some(Vec::new());
    })
}
