//! `build`: carries out what [`crate::build`] decides, over the same containers and layers as everything else.
//!
//! A step that makes a layer is looked up in the cache by what it depends on, and done if it is not there. A step that does not is
//! only a change of the configuration, and always done: so nothing that is in the cache can change what an image says.

mod base;
mod cache;
mod copy;
mod count;
mod finish;
mod handed;
mod held;
mod mounts;
mod offered;
mod run;
mod squash;
mod stage;
mod together;
mod url;

pub(super) use cache::CACHE;
pub use cache::{CacheEntry, PruneCache};

pub(in crate::engine) use run::LABEL;

use super::LocalEngine;
use super::import::Intake;
use crate::build::context::Files;
use crate::build::dockerfile::{self, Dockerfile, Fault, Instruction, Kind, Span};
use crate::build::ignore::Ignore;
use crate::build::lint;
use crate::build::progress::{Event, Progress};
use crate::build::request::{BuildRequest, Built, Output, Surface};
use crate::build::stages::{Base, From, Graph, graph, mount_value};
use crate::build::variables;
use crate::error::{Error, ErrorKind, Result};
use count::{Count, Place};
use held::Held;
use offered::Offers;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use together::{CANCELED, Stages};

/// The largest Dockerfile and .dockerignore taken from a context.
const LARGEST_TEXT: u64 = 16 << 20;

/// A build under way.
pub(super) struct Build<'a> {
    engine: &'a LocalEngine,
    intake: &'a Intake<'a>,
    request: &'a BuildRequest,
    /// What has happened and was not told yet: steps of several stages happen side by side, and one at a time is heard.
    told: Mutex<Vec<Event>>,
    platform: String,
    /// SOURCE_DATE_EPOCH: no time in the result is later.
    epoch: Option<i64>,
    /// When it began, in seconds since 1970.
    now: i64,
    steps: AtomicU32,
    cached: AtomicUsize,
    done: AtomicUsize,
    held: Held<'a>,
}

/// What a build reads: the file, its graph and the context.
struct Plan<'a> {
    file: &'a Dockerfile,
    graph: &'a Graph<'a>,
    context: Arc<Files>,
    ignore: &'a Ignore,
    stages: Stages,
    offers: Offers,
    count: Count,
}

/// Where an instruction stands.
#[derive(Clone, Copy)]
struct At<'a> {
    plan: &'a Plan<'a>,
    /// The file that it is of: for a trigger its own text.
    file: &'a Dockerfile,
    /// The stage.
    number: usize,
    /// The step, as progress numbers it.
    step: u32,
    /// Its place in the count of instructions.
    place: Place,
}

impl LocalEngine {
    /// Builds an image. After an error nothing of it is left but what the cache keeps.
    pub(super) fn build_image(&self, request: &BuildRequest, surface: Surface<'_>) -> Result<Built> {
        for tag in &request.tags {
            crate::image::reference::Reference::parse(tag)
                .map_err(|e| Error::invalid(format!("invalid argument {:?} for \"-t, --tag\" flag: {}", tag, e.message())))?;
        }
        let intake = Intake::begin(self)?;
        let built = self.build_with(&intake, request, surface);
        let ended = intake.end();
        let built = built?;
        ended?;
        Ok(built)
    }

    fn build_with(&self, intake: &Intake<'_>, request: &BuildRequest, surface: Surface<'_>) -> Result<Built> {
        let machine = self.kernel().facts().architecture.clone();
        let platform = if request.platform.is_empty() { format!("linux/{machine}") } else { request.platform.clone() };
        let (os, wanted, _) = variables::parts(&platform);
        if os != "linux" || wanted != machine {
            return Err(Error::unsupported(format!("building for {platform}: this host is linux/{machine}")));
        }
        let epoch = match request.arguments.get("SOURCE_DATE_EPOCH").filter(|v| !v.is_empty()) {
            None => None,
            Some(text) => Some(
                text.parse::<i64>()
                    .map_err(|_| Error::invalid(format!("invalid SOURCE_DATE_EPOCH: {text:?} is not a number of seconds")))?,
            ),
        };
        let now = i64::try_from(self.time().0 / 1_000_000_000).unwrap_or(0);
        let build = Build {
            engine: self,
            intake,
            request,
            told: Mutex::default(),
            platform,
            epoch,
            now,
            steps: AtomicU32::new(0),
            cached: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            held: Held::begin(self, intake)?,
        };
        let built = build.go(surface);
        // What was made to be mounted goes in any case; an error of the build itself is the one to tell.
        let released = build.held.end();
        self.host.transport.rest();
        let built = built?;
        released?;
        Ok(built)
    }
}

impl Build<'_> {
    fn go(&self, surface: Surface<'_>) -> Result<Built> {
        let Surface { context, sink, progress, caches, cache_sink } = surface;
        let name = if self.request.file.is_empty() { "Dockerfile" } else { &self.request.file };
        let mut files: Option<Files> = None;
        let text = match &self.request.dockerfile {
            Some(text) => text.clone(),
            None => {
                let read = self.read_context(context, progress)?;
                let found = read.small(name, LARGEST_TEXT)?;
                files = Some(read);
                found.ok_or_else(|| {
                    Error::not_found(format!("failed to read dockerfile: open {name}: no such file or directory"))
                        .hint("name it with -f, or call it Dockerfile")
                })?
            }
        };
        let file = self.step_here(progress, &format!("[internal] load build definition from {name}"), |step| {
            self.note(step, format!("transferring dockerfile: {}", shown_size(text.len() as u64)));
            if text.iter().all(u8::is_ascii_whitespace) {
                let what = if text.is_empty() {
                    format!("the Dockerfile ({name}) cannot be empty")
                } else {
                    "dockerfile parse error: file with no instructions".to_owned()
                };
                return Err(Error::invalid(what).hint("begin it with FROM and the image to build upon"));
            }
            dockerfile::parse(name, &text)
        })?;
        let graph = graph(&file, self.request, &self.platform)?;
        let ignore_text = match (&self.request.ignore, &files) {
            (Some(text), _) => text.clone(),
            (None, Some(files)) => match files.small(&format!("{name}.dockerignore"), LARGEST_TEXT)? {
                Some(own) => own,
                None => files.small(".dockerignore", LARGEST_TEXT)?.unwrap_or_default(),
            },
            (None, None) => Vec::new(),
        };
        let ignore = Ignore::parse(".dockerignore", &ignore_text)?;
        self.remark(&file, &ignore, progress)?;
        let files = match files {
            Some(files) => Some(files),
            None if self.needs_context(&graph) => Some(self.read_context(context, progress)?),
            None => None,
        };
        let mut files = files.unwrap_or_else(Files::empty);
        files.leave_out(&ignore);
        let plan = Plan {
            file: &file,
            graph: &graph,
            context: Arc::new(files),
            ignore: &ignore,
            stages: Stages::default(),
            offers: self.offers(caches, progress),
            count: Count::of(&file, &graph, self.request),
        };
        plan.count.before(&file, |event| progress.tell(event));
        let mut target = self.all(&plan, progress)?;
        if self.request.squash {
            self.step_here(progress, "squashing layers", |_| self.squash(&mut target))?;
        }
        let handed = target.clone();
        let unused: Vec<String> =
            self.request.arguments.keys().filter(|name| !graph.asked.contains(*name) && !is_known_argument(name)).cloned().collect();
        plan.count.labels(self.request, |event| progress.tell(event));
        let image = self.finish(target, sink, progress)?;
        self.hand_on(&plan, &handed, cache_sink, progress)?;
        Ok(Built { image, unused, cached: (self.cached.load(Ordering::Relaxed), self.done.load(Ordering::Relaxed)) })
    }

    /// Reads the context into memory, or, if it is large, into a blob that goes with the build.
    fn read_context(&self, context: &mut dyn std::io::Read, progress: &dyn Progress) -> Result<Files> {
        self.step_here(progress, "[internal] load build context", |step| {
            let mut plain = crate::image::decompress(context)?;
            let (bytes, size) = self.held.keep(&mut plain)?;
            self.note(step, format!("transferring context: {}", shown_size(size)));
            Files::read(bytes, false).map_err(|e| match e.kind() {
                ErrorKind::InvalidInput => Error::invalid(format!("the build context is no archive: {}", e.message())),
                _ => e,
            })
        })
    }

    /// Tells what is remarkable about the file.
    fn remark(&self, file: &Dockerfile, ignore: &Ignore, progress: &dyn Progress) -> Result<()> {
        let environment = |name: &str| self.engine.find_image(name).ok().map(|image| image.defaults.env);
        let around = lint::Surroundings {
            arguments: self.request.arguments.clone(),
            environment: Some(&environment),
            ignore: ignore.clone(),
            platform: self.platform.clone(),
        };
        let remarks = lint::check(file, &around);
        for remark in &remarks {
            progress.tell(Event::Remark {
                rule: remark.rule.name().to_owned(),
                message: remark.message.clone(),
                line: remark.span.start.line,
            });
        }
        match remarks.first() {
            Some(first) if lint::settings(file).error => {
                Err(Error::invalid(format!("lint violation found for rules: {}\n{}", first.rule.name(), lint::show(file, first))))
            }
            _ => Ok(()),
        }
    }

    /// Tells that a step begins, does it, and tells how it ended.
    fn step<T>(&self, name: &str, act: impl FnOnce(u32) -> Result<T>) -> Result<T> {
        let step = self.steps.fetch_add(1, Ordering::Relaxed) + 1;
        self.tell(Event::Began { step, name: name.to_owned(), at: self.engine.time() });
        let done = act(step);
        let error = done.as_ref().err().map(|e| e.message().lines().next().unwrap_or_default().to_owned());
        let canceled = done.as_ref().is_err_and(|e| e.kind() == ErrorKind::Interrupted && e.message() == CANCELED);
        self.tell(Event::Ended { step, at: self.engine.time(), error, canceled });
        done
    }

    /// The same on the thread of whoever asked for the build, who hears at once that it begins.
    fn step_here<T>(&self, progress: &dyn Progress, name: &str, act: impl FnOnce(u32) -> Result<T>) -> Result<T> {
        let done = self.step(name, |step| {
            self.pass_on(progress);
            act(step)
        });
        self.pass_on(progress);
        done
    }

    /// Whether some stage that is built, or a trigger of its base image, takes files from the context.
    fn needs_context(&self, graph: &Graph<'_>) -> bool {
        graph.order.iter().map(|number| &graph.stages[*number]).any(|stage| {
            let triggers = match &stage.base {
                Base::Image(name) => self.triggers_of(name),
                _ => Vec::new(),
            };
            let by_trigger = triggers.iter().any(|t| dockerfile::parse_trigger(t).is_ok_and(|i| takes_context(&i)));
            by_trigger || stage.body.iter().any(|i| takes_context(i))
        })
    }

    fn note(&self, step: u32, text: String) {
        self.tell(Event::Note { step, text });
    }
}

/// Whether an instruction takes files from the context.
fn takes_context(instruction: &Instruction) -> bool {
    match &instruction.kind {
        Kind::Copy(copy) => copy.from.is_none() && copy.sources.iter().any(|s| !s.text.contains("://")),
        Kind::Run(run) => run
            .mounts
            .iter()
            .any(|m| matches!(mount_value(&m.text, "type"), None | Some("bind" | "cache")) && mount_value(&m.text, "from").is_none()),
        Kind::Onbuild { inner, .. } => takes_context(inner),
        _ => false,
    }
}

/// Arguments that mean something without ARG.
fn is_known_argument(name: &str) -> bool {
    variables::PREDEFINED.contains(&name) || name == "SOURCE_DATE_EPOCH" || name.starts_with("BUILDKIT_")
}

impl At<'_> {
    /// Where a name after `--from=` leads.
    fn source(&self, from: Option<&str>) -> From {
        from.map_or(From::Context, |name| self.plan.graph.from(name, self.number))
    }

    /// An error with the place of the instruction, or of a word of it.
    fn located(&self, span: Span, error: Error) -> Error {
        if error.message().contains('\n') || error.kind() == ErrorKind::Interrupted {
            return error;
        }
        let fault = Fault::new(span, error.message().to_owned()).help(error.advice().unwrap_or_default().to_owned());
        self.file.source.failure(&fault).with_kind(error.kind())
    }
}

/// Bytes as Docker shows them here: `2.10kB`.
fn shown_size(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 1000.0 && unit + 1 < units.len() {
        size /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes}B") } else { format!("{size:.2}{}", units[unit]) }
}

/// Whether the result is an image of the store.
fn makes_image(output: &Output) -> bool {
    matches!(output, Output::Image | Output::Docker | Output::Oci)
}
