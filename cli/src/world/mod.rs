//! A simulated world: a host in memory with its engine and the images that every world begins with.
//!
//! The program keeps one in a file, a terminal one for a class, a page of the book one for each reader; all of them make the same
//! thing of the same seed and the same commands.

mod bytes;
mod console;
pub mod drawing;
mod keychain;
mod memory;
pub mod page;

use crate::history::{Entry, KeychainOf, Replay};
use crate::{HostOptions, run_on};
pub use console::Console;
use drydock_core::Result;
use drydock_core::engine::{Engine, ImportRequest};
use drydock_sim::{Ran, SimConfig, SimHost, image, programs};
use keychain::OnDisk;
pub use memory::{Memory, Shared};
use std::sync::Arc;
use std::time::Duration;

/// How far the clock goes on from one command to the next.
const BETWEEN: Duration = Duration::from_secs(1);

/// What a world's chance comes from unless somebody says otherwise.
pub const SEED: u64 = 1;

/// The first word of a history's entry that is a program of the host itself: `sim [--] PROGRAM [ARG...]`.
pub const PROGRAM: &str = "sim";

/// The images that every simulated host begins with: name, program that must be simulated, changes.
const IMAGES: [(&str, &str, &[&str]); 2] = [
    ("busybox", "sh", &["CMD [\"sh\"]", "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]),
    (
        "nginx",
        "nginx",
        &[
            "CMD [\"nginx\",\"-g\",\"daemon off;\"]",
            "EXPOSE 80",
            "STOPSIGNAL SIGQUIT",
            "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ],
    ),
];

/// A simulated host and its engine.
pub struct World {
    host: SimHost,
    engine: Arc<dyn Engine>,
}

impl World {
    /// A world in which nothing has happened yet.
    pub fn new(seed: u64) -> Result<Self> {
        let host = SimHost::new(SimConfig { seed, ..SimConfig::default() });
        let engine = host.engine()?;
        let root = image::busybox()?;
        for (name, program, changes) in IMAGES {
            if programs::registry().iter().any(|(known, _)| *known == program) {
                let changes: Vec<String> = changes.iter().map(|c| (*c).to_owned()).collect();
                engine.import(&mut root.as_slice(), &ImportRequest::of(name, &changes, "simulated programs"))?;
            }
        }
        Ok(Self { host, engine })
    }

    /// Its host: processes, files, links.
    pub fn host(&self) -> &SimHost {
        &self.host
    }

    /// Its engine.
    pub fn engine(&self) -> Arc<dyn Engine> {
        Arc::clone(&self.engine)
    }

    /// What opens the keychain on its disk.
    pub fn keychain(&self) -> KeychainOf {
        let kernel = Arc::new(self.host.kernel());
        Box::new(move || Ok(Box::new(OnDisk(Arc::clone(&kernel)))))
    }

    /// Does once more what a history says was done, and throws its output away. Answers the exit code.
    pub fn replay(&self, entry: &Entry) -> i32 {
        let code = match entry.args.split_first() {
            Some((first, args)) if first == PROGRAM => self.run_program(args).code,
            _ => {
                let mut replay = Replay::new(self.engine(), entry).with_keychain(self.keychain());
                run_on(&entry.args, HostOptions::default(), &mut replay)
            }
        };
        self.pause();
        code
    }

    /// Runs a program of the host, after a `--` or not. One that waits for what will never come is ended.
    pub fn run_program(&self, args: &[String]) -> Ran {
        let words: Vec<&str> = args.iter().map(String::as_str).skip(usize::from(args.first().is_some_and(|a| a == "--"))).collect();
        let mut ran = self.host.run(&words);
        if ran.code < 0 {
            ran.code = 1;
            ran.stderr.extend_from_slice(b"drydock: the program waits for something that will never come in this world, and was ended\n");
        }
        ran
    }

    /// Lets the time pass that a person takes between two commands.
    pub fn pause(&self) {
        self.host.advance(BETWEEN);
    }
}
