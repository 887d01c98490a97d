//! Labs on the simulated host: a world in a file, which is also what is handed in.

use super::state::{directory, wrong};
use drydock::history::{self, Entry, Header, Ticket};
use drydock::world::{Console, Memory, World};
use drydock_core::engine::Engine;
use drydock_core::{Error, Result};
use drydock_lessons::lab::Lab;
use drydock_lessons::verify::Stage;
use std::path::PathBuf;
use std::sync::Arc;

/// How often a world is given time for what is on its way.
const ROUNDS: u32 = 5;

fn file_of(lab: &Lab) -> Result<PathBuf> {
    Ok(directory()?.join(format!("{}.world", lab.id)))
}

/// A lab's world with these lines typed into it after its start, and what it is then.
pub(super) fn typed(lab: &Lab, student: &str, lines: &[&str]) -> Result<World> {
    let (world, _) = started(lab, student)?;
    let (mut console, memory) = (Console::default(), Memory::default());
    for line in lines {
        // Whoever is wrong is refused, and goes on.
        console.run(&world, line, &mut memory.clone(), &mut |_| {});
    }
    world.pause();
    Ok(world)
}

/// A world with a lab's start in it, and the entries that made it.
pub(super) fn started(lab: &Lab, student: &str) -> Result<(World, Vec<Entry>)> {
    let world = World::new(lab.seed(student))?;
    let (mut console, mut entries, memory) = (Console::default(), Vec::new(), Memory::default());
    for line in &lab.start {
        let code = console.run(&world, line, &mut memory.clone(), &mut |entry| entries.push(entry));
        let said = memory.err.take();
        if code != 0 {
            return Err(Error::invalid(format!("the lab {} cannot begin: `{line}` ends with {code}: {said}", lab.id)));
        }
        memory.out.take();
    }
    Ok((world, entries))
}

/// Makes the world of a lab anew, in its file.
pub(super) fn begin(lab: &Lab, student: &str) -> Result<PathBuf> {
    let (_, entries) = started(lab, student)?;
    let ticket = Ticket { lab: lab.id.clone(), student: student.to_owned(), host: String::new() };
    let header = Header { seed: lab.seed(student), lab: Some(ticket), ..Header::default() };
    let mut text = history::line(&header)?;
    for entry in &entries {
        text.push_str(&history::line(entry)?);
    }
    let path = file_of(lab)?;
    std::fs::write(&path, text).map_err(|e| wrong("write", &path, e))?;
    Ok(path)
}

/// The world of a lab as its file tells it.
pub(super) fn open(lab: &Lab) -> Result<World> {
    let path = file_of(lab)?;
    let text = std::fs::read_to_string(&path).map_err(|e| wrong("read", &path, e))?;
    let (header, entries) = history::read(&text, 0)?;
    let world = World::new(header.seed)?;
    for entry in &entries {
        world.replay(entry);
    }
    Ok(world)
}

/// A simulated host to verify labs on.
#[derive(Default)]
pub(super) struct SimStage {
    world: Option<World>,
    console: Console,
}

impl SimStage {
    fn world(&self) -> Result<&World> {
        self.world.as_ref().ok_or_else(|| Error::invalid("there is no world yet"))
    }
}

impl Stage for SimStage {
    fn fresh(&mut self, lab: &Lab) -> Result<()> {
        self.world = Some(World::new(lab.seed(""))?);
        self.console = Console::default();
        Ok(())
    }

    fn enter(&mut self, line: &str) -> Result<(i32, String)> {
        let world = self.world.as_ref().ok_or_else(|| Error::invalid("there is no world yet"))?;
        let mut memory = Memory::default();
        let code = self.console.run(world, line, &mut memory, &mut |_| {});
        Ok((code, memory.err.take()))
    }

    fn engine(&self) -> Result<Arc<dyn Engine>> {
        Ok(self.world()?.engine())
    }

    fn wait(&mut self, round: u32) -> bool {
        if let Some(world) = &self.world {
            world.pause();
        }
        round < ROUNDS
    }
}
