//! A reader's world, as a page of the book has one: lines are typed into it, and what they leave can be read.

mod environment;

use super::drawing::{Drawer, Drawing};
use super::{Console, World};
use crate::environment::Environment as _;
use crate::words::Language;
use drydock_core::docker::Object;
use drydock_core::engine::Engine;
use drydock_core::id::Digest;
use drydock_core::observe::Snapshot;
use drydock_core::{Error, Result};
use drydock_lessons::predicate::{Predicate, Verdict};
use drydock_sim::trace::Trace;
use environment::{Inside, Typed};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// How long the world of a line that must end goes on, and how many turns its processes have meanwhile. A program that computes needs some thousand.
const HOUR: Duration = Duration::from_secs(3_600);
const TURNS: u64 = 100_000;

/// A world and the console at it.
pub struct Session {
    world: World,
    console: Console,
    drawer: Drawer,
}

/// What a line left to read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Said {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// A program wanted to read more than was typed for it. Whoever shows this can do the same line in the same world again, with
    /// more: what came before comes again.
    pub wanting: bool,
    /// The working directory now.
    pub directory: String,
    /// What is on the host now and was not before (`+`), and the reverse (`-`).
    pub changed: Vec<String>,
}

impl Session {
    /// A fresh world.
    ///
    /// # Errors
    /// Where the simulated host cannot be made.
    pub fn new(seed: u64) -> Result<Self> {
        Ok(Self { world: World::new(seed)?, console: Console::default(), drawer: Drawer::default() })
    }

    /// The working directory.
    pub fn directory(&self) -> &str {
        self.console.directory()
    }

    /// The world.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// What runs its containers.
    pub fn engine(&self) -> Arc<dyn Engine> {
        self.world.engine()
    }

    /// Puts a file on the host's disk, with the directories above it.
    ///
    /// # Errors
    /// Where the path is no place for one.
    pub fn put(&self, path: &str, text: &str) -> Result<()> {
        Inside::new(&self.world, "/", Typed::new(&[])).write_file(path, text.as_bytes())
    }

    /// Holds predicates against the world: for each whether it is so, and what was found.
    ///
    /// # Errors
    /// Where one makes no sense, or the engine cannot answer.
    pub fn check(&self, predicates: &[String]) -> Result<Vec<Verdict>> {
        let engine = self.engine();
        let check = |words: &String| Predicate::parse(words).map_err(Error::invalid)?.check(&*engine);
        predicates.iter().map(check).collect()
    }

    fn seen(&self) -> Result<Snapshot> {
        self.world.engine().observe()
    }

    /// Does a line, with what is typed for the programs in it that read.
    ///
    /// # Errors
    /// Where the host cannot be looked at.
    pub fn line(&mut self, line: &str, typed: &[String]) -> Result<Said> {
        self.drawer.before_line(&self.world)?;
        let before = self.seen()?;
        let typed = Typed::new(typed);
        let mut inside = Inside::new(&self.world, self.console.directory(), typed.clone());
        let code = self.console.run(&self.world, line, &mut inside, &mut |_| ());
        let (out, err) = inside.finish();
        Ok(Said {
            code,
            out: String::from_utf8_lossy(&out).into_owned(),
            err: String::from_utf8_lossy(&err).into_owned(),
            wanting: typed.wanting(),
            directory: self.console.directory().to_owned(),
            changed: before.difference(&self.seen()?),
        })
    }

    /// Does a line, and lets its world go on for an hour and a hundred thousand turns of processes at most. Answers also whether that was enough.
    ///
    /// # Errors
    /// Where the host cannot be looked at.
    pub fn line_that_ends(&mut self, line: &str) -> Result<(Said, bool)> {
        self.world.host().bind(HOUR, TURNS);
        let said = self.line(line, &[]);
        let over = self.world.host().unbind();
        Ok((said?, !over))
    }

    /// Does a line, and says what the kernel was asked for meanwhile, and what processes did: `step {"step":"freeze",…}`, `exit pid=7 …`.
    ///
    /// # Errors
    /// Where the host cannot be looked at.
    pub fn traced(&mut self, line: &str, typed: &[String]) -> Result<(Said, Vec<String>)> {
        self.world.host().look(|w| w.trace = Trace::new(true));
        let said = self.line(line, typed);
        let trace = self.world.host().look(|w| std::mem::take(&mut w.trace));
        let kinds = ["step ", "inside ", "execve ", "exit ", "kill ", "oom-kill "];
        let told = |line: &str| Some(line.split_once(' ')?.1.to_owned()).filter(|told| kinds.iter().any(|kind| told.starts_with(kind)));
        Ok((said?, trace.text().lines().filter_map(told).collect()))
    }

    /// Draws what there is now. From the first drawing on every later one marks what the last line did.
    ///
    /// # Errors
    /// Where the engine cannot answer.
    pub fn draw(&self) -> Result<Drawing> {
        self.draw_in(Language::English)
    }

    /// The same in the words of a language.
    ///
    /// # Errors
    /// Where the engine cannot answer.
    pub fn draw_in(&self, language: Language) -> Result<Drawing> {
        self.drawer.draw(&self.world, language)
    }

    /// One digest of all that can be seen of the world: the same for the same lines, wherever they are typed.
    ///
    /// # Errors
    /// Where the engine cannot answer.
    pub fn digest(&self) -> Result<String> {
        let engine = self.world.engine();
        let mut all = vec![serde_json::to_value(self.seen()?)?, serde_json::json!(engine.now().0)];
        for container in engine.containers(true)? {
            all.push(engine.inspect(Object::Container { sizes: true }, container.id.as_str())?);
        }
        for image in engine.images()? {
            all.push(serde_json::to_value(image)?);
        }
        for network in engine.networks()? {
            all.push(serde_json::to_value(network)?);
        }
        for volume in engine.volumes(&[])? {
            all.push(serde_json::json!(volume.record.name));
        }
        let processes: Vec<String> = self.world.host().look(|world| {
            world.procs.values().map(|p| format!("{} {} {} {:?} {:?} {}", p.pid, p.parent, p.born, p.ns, p.args, p.cpu)).collect()
        });
        all.push(serde_json::to_value(processes)?);
        Ok(Digest::of(&serde_json::to_vec(&all)?).hex().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn a_line_says_what_it_changed() {
        let mut session = Session::new(1).expect("a world");
        let said = session.line("drydock run -d --name web nginx", &[]).expect("said");
        assert!(said.changed.iter().any(|line| line.starts_with("+ process") && line.contains("nginx")), "{said:?}");
        assert_eq!(session.line("drydock ps", &[]).expect("said").changed, [""; 0]);
    }

    #[test]
    fn a_line_can_be_traced_and_drawn_and_is_the_same_line() {
        let plain = |line: &str, session: &mut Session| session.line(line, &[]).expect("said");
        let mut looked = Session::new(1).expect("a world");
        let mut session = Session::new(1).expect("a world");
        looked.draw().expect("drawn");
        plain("drydock run -d --name web nginx", &mut looked);
        plain("drydock run -d --name web nginx", &mut session);
        let (said, trace) = looked.traced("drydock pause web", &[]).expect("said");
        assert_eq!(said, plain("drydock pause web", &mut session));
        assert!(trace.iter().any(|line| line.starts_with("step {\"step\":\"freeze\"")), "{trace:?}");
        assert!(looked.draw().expect("drawn").html.contains("(changed)"));
        assert_eq!(looked.traced("drydock ps", &[]).expect("said").1, [""; 0]);
        plain("drydock ps", &mut session);
        assert_eq!(looked.digest().expect("a digest"), session.digest().expect("a digest"));
    }

    #[test]
    fn files_of_a_command_are_the_hosts() {
        let mut session = Session::new(1).expect("a world");
        for line in ["mkdir -p /srv/x", "cd /srv/x", "echo 'FROM busybox' >Dockerfile"] {
            assert_eq!(session.line(line, &[]).expect("said").code, 0, "{line}");
        }
        let said = session.line("drydock build -q -t mine .", &[]).expect("said");
        assert!(said.code == 0 && said.out.starts_with("sha256:"), "{said:?}");
        assert_eq!(session.line("drydock save -o all.tar mine && ls", &[]).expect("said").out, "Dockerfile\nall.tar\n");
        assert_eq!(session.line("drydock load -i nothing", &[]).expect("said").err, "open nothing: no such file or directory\n");
        for line in ["drydock create --name copied busybox", "drydock cp Dockerfile copied:/", "drydock cp copied:/Dockerfile copy"] {
            let said = session.line(line, &[]).expect("said");
            assert_eq!(said.code, 0, "{line}: {said:?}");
        }
        assert_eq!(session.line("cat copy", &[]).expect("said").out, "FROM busybox\n");
    }

    #[test]
    fn a_program_that_reads_gets_what_is_typed_and_says_that_it_wants_more() {
        let mut session = Session::new(1).expect("a world");
        let said = session.line("drydock run --rm -it busybox sh", &typed(&["echo $((6*7))"])).expect("said");
        assert!(said.wanting && said.out.contains("42"), "{said:?}");
        let said = session.line("drydock run --rm -it busybox sh", &typed(&["exit 3"])).expect("said");
        assert_eq!((said.code, said.wanting), (3, false), "{said:?}");
    }

    #[test]
    fn what_does_not_end_is_interrupted() {
        let mut session = Session::new(1).expect("a world");
        let said = session.line("drydock run --rm busybox sh -c 'while :; do sleep 1; done'", &[]).expect("said");
        assert_ne!(said.code, 0, "{said:?}");
        assert_eq!(session.line("drydock ps -aq", &[]).expect("said").out, "");
    }

    #[test]
    fn equal_lines_make_equal_worlds() {
        let digest = |seed, line: &str| {
            let mut session = Session::new(seed).expect("a world");
            session.line(line, &[]).expect("said");
            session.digest().expect("a digest")
        };
        let line = "drydock run -d --name web -p 8080:80 nginx";
        assert_eq!(digest(1, line), digest(1, line));
        assert_ne!(digest(1, line), digest(2, line));
        assert_ne!(digest(1, line), digest(1, "drydock ps"));
    }
}
