//! One stage: its instructions in order, on top of what it begins with.

use super::base::scratch;
use super::count::Place;
use super::{At, Build, Plan};
use crate::build::context::{Files, View};
use crate::build::dockerfile::{Dockerfile, Instruction, Kind, parse_trigger};
use crate::build::progress::Event;
use crate::build::stages::{Base, From, Stage};
use crate::build::state::{Effect, Scope, State};
use crate::build::variables;
use crate::error::Result;
use crate::id::{ChainId, Digest, ImageId};
use crate::image::{Blob, LayerRecord};
use crate::kernel::{Compression, OpenTree, Tree};
use crate::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A layer of a stage.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) chain: ChainId,
    pub(super) diff_id: Digest,
    pub(super) blob: Blob,
    pub(super) size: u64,
    pub(super) compression: Compression,
    /// The step that made it; `None` for one of a base image.
    pub(super) source: Option<MadeBy>,
}

/// A step that made a layer.
#[derive(Clone, Debug)]
pub(super) struct MadeBy {
    /// What it depended on.
    pub(super) key: String,
    /// Its line of history.
    pub(super) by: String,
    /// When it was done.
    pub(super) created: Timestamp,
}

impl Layer {
    /// As the store has it.
    pub(super) fn record(&self) -> LayerRecord {
        LayerRecord { chain: self.chain.clone(), diff_id: self.diff_id.clone(), blob: self.blob.clone(), size: self.size, uses: 0 }
    }
}

/// What a stage has come to.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) state: State,
    pub(super) layers: Vec<Layer>,
    /// The base image's history.
    pub(super) history: Vec<Value>,
    /// When the base image was made.
    pub(super) created: Timestamp,
    /// When each line of the state's own history was made; `None` for those that made no layer.
    pub(super) times: Vec<Option<Timestamp>>,
    pub(super) variant: String,
    /// The image it stands on, and how many layers that has.
    pub(super) parent: Option<ImageId>,
    pub(super) base_layers: usize,
}

impl Made {
    /// The chain id of everything so far; empty for nothing.
    pub(super) fn chain(&self) -> &str {
        self.layers.last().map_or("", |l| l.chain.as_str())
    }

    /// Adds a layer and its line of history.
    pub(super) fn add(&mut self, layer: Layer) {
        let (by, at) = layer.source.as_ref().map(|s| (s.by.clone(), s.created)).unwrap_or_default();
        self.layers.push(layer);
        self.state.history.push(crate::build::state::Done { by, empty: false });
        self.times.resize(self.state.history.len() - 1, None);
        self.times.push(Some(at));
    }
}

/// What a step of a stage is called: `[build 2/4]`.
pub(super) struct Label<'a> {
    plan: &'a Plan<'a>,
    number: usize,
    next: usize,
    of: usize,
}

impl Label<'_> {
    fn take(&mut self, what: &str) -> String {
        let stage = &self.plan.graph.stages[self.number];
        let name = match &stage.name {
            Some(name) => format!("{name} "),
            None if self.plan.graph.stages.len() > 1 => format!("stage-{} ", self.number),
            None => String::new(),
        };
        self.next += 1;
        format!("[{name}{}/{}] {what}", self.next, self.of)
    }
}

fn is_step(instruction: &Instruction) -> bool {
    matches!(instruction.kind, Kind::Run(_) | Kind::Copy(_) | Kind::Workdir(_))
}

impl Build<'_> {
    /// Builds a stage, all it needs being built.
    pub(super) fn stage(&self, plan: &Plan<'_>, number: usize) -> Result<Made> {
        let stage: &Stage<'_> = &plan.graph.stages[number];
        let of = 1 + stage.body.iter().filter(|i| is_step(i)).count();
        let mut label = Label { plan, number, next: 0, of };
        let own = plan.count.place(number, 0);
        let mut made = match &stage.base {
            Base::Scratch => {
                self.based(plan, number, None, 0);
                self.tell(plan.count.event(own, &stage.from.text, None));
                scratch()
            }
            Base::Stage(other) => {
                let mut base = (*plan.wait(*other)?).clone();
                // What the other stage set as its own is the base's here.
                base.state.settings.cmd_is_own = false;
                self.based(plan, number, None, base.state.settings.triggers.len());
                self.tell(plan.count.event(own, &stage.from.text, None));
                base
            }
            Base::Image(name) => {
                let shown = crate::image::reference::Reference::parse(name).map_or_else(|_| name.clone(), |r| r.to_string());
                self.step(&label.take(&format!("FROM {shown}")), |step| {
                    self.tell(plan.count.event(own, &stage.from.text, Some(step)));
                    let image = self.image(name)?;
                    let made = self.base(&image)?;
                    self.based(plan, number, Some(&image.id), made.state.settings.triggers.len());
                    Ok(made)
                })?
            }
        };
        // What names no PATH has the one that containers get, so that `ENV PATH=/x:$PATH` adds to it.
        if made.state.settings.env_value("PATH").is_none() {
            made.state.settings.env.push(crate::engine::DEFAULT_PATH.to_owned());
        }
        if label.next == 0 {
            label.next = 1;
        }
        self.check_platform(stage)?;
        let global = self.global(plan);
        let triggers = std::mem::take(&mut made.state.settings.triggers);
        for text in &triggers {
            let inner = parse_trigger(text)?;
            let source = crate::build::dockerfile::Source::read("ONBUILD", text.as_bytes())?;
            let own_text = Dockerfile { source, ..Dockerfile::default() };
            label.of += usize::from(is_step(&inner));
            let at = At { plan, file: &own_text, number, step: 0, place: Place::Trigger(own) };
            self.instruction(at, &inner, &mut made, &global, &mut label)?;
        }
        for (place, instruction) in stage.body.iter().enumerate() {
            let at = At { plan, file: plan.file, number, step: 0, place: Place::Own(plan.count.place(number, place + 1)) };
            self.instruction(at, instruction, &mut made, &global, &mut label)?;
        }
        Ok(made)
    }

    /// Tells that what a stage begins with is there.
    fn based(&self, plan: &Plan<'_>, stage: usize, image: Option<&ImageId>, triggers: usize) {
        let triggers = u32::try_from(triggers).unwrap_or(u32::MAX);
        self.tell(Event::Based { number: plan.count.place(stage, 0), image: image.cloned(), triggers });
    }

    /// Tells that an instruction's turn has come.
    fn turn(&self, at: At<'_>, instruction: &Instruction, step: Option<u32>) {
        self.tell(match at.place {
            Place::Own(number) => at.plan.count.event(number, &instruction.text, step),
            Place::Trigger(number) => Event::Trigger { number, step },
        });
    }

    fn check_platform(&self, stage: &Stage<'_>) -> Result<()> {
        let Some(platform) = &stage.platform else { return Ok(()) };
        let (os, machine, _) = variables::parts(platform);
        let (own_os, own, _) = variables::parts(&self.platform);
        if (os.as_str(), machine.as_str()) != (own_os.as_str(), own.as_str()) {
            return Err(crate::Error::unsupported(format!("a stage for {platform}: this host is {}", self.platform)));
        }
        Ok(())
    }

    /// Arguments before FROM and those of the platform.
    fn global(&self, plan: &Plan<'_>) -> BTreeMap<String, Option<String>> {
        let mut all: BTreeMap<String, Option<String>> =
            variables::platform(&self.platform).into_iter().map(|(k, v)| (k, Some(v))).collect();
        all.extend(plan.graph.global.clone());
        all
    }

    fn instruction(
        &self,
        at: At<'_>,
        instruction: &Instruction,
        made: &mut Made,
        global: &BTreeMap<String, Option<String>>,
        label: &mut Label<'_>,
    ) -> Result<()> {
        at.plan.stages.check_going()?;
        let scope = Scope { file: at.file, given: &self.request.arguments, global };
        let effect = made.state.take(&scope, instruction)?;
        if effect == Effect::Nothing {
            self.turn(at, instruction, None);
            return Ok(());
        }
        // The step begins when what it takes from is there.
        let sources: Vec<Option<&str>> = match &effect {
            Effect::Copy(copy) => vec![copy.from.as_deref()],
            Effect::Run(run) => run.mounts.iter().map(|(mount, _)| mount.source()).collect(),
            _ => Vec::new(),
        };
        for source in sources {
            if let From::Stage(stage) = at.source(source) {
                at.plan.wait(stage)?;
            }
        }
        let name = label.take(&shown(instruction));
        self.done.fetch_add(1, Ordering::Relaxed);
        self.step(&name, |step| {
            self.turn(at, instruction, Some(step));
            let at = At { step, ..at };
            match effect {
                Effect::Nothing => Ok(()),
                Effect::Directory(path) => self.workdir(at, &path, made),
                Effect::Copy(copy) => self.copy(at, &copy, made),
                Effect::Run(run) => self.run(at, &run, made),
            }
        })
    }

    /// The files of a stack of layers.
    pub(super) fn tree(&self, layers: &[Layer]) -> Result<Box<dyn OpenTree>> {
        if layers.is_empty() {
            return Ok(Box::new(View(Arc::new(Files::empty()))));
        }
        let layout = self.engine.layout();
        let lower = layers.iter().rev().map(|l| layout.layer(&l.chain)).collect();
        self.engine.kernel().tree(&Tree::Stack { lower, upper: None, binds: Vec::new() })
    }

    /// Whether the cache may be asked in this stage.
    pub(super) fn may_use_cache(&self, at: At<'_>) -> bool {
        let (stage, number) = (&at.plan.graph.stages[at.number], at.number);
        let filtered = stage.name.as_ref().is_some_and(|n| self.request.no_cache_filter.contains(n))
            || self.request.no_cache_filter.contains(&number.to_string());
        !self.request.no_cache && !filtered
    }
}

/// An instruction as a step's name has it: one line, not too long.
fn shown(instruction: &Instruction) -> String {
    let text: String = instruction.text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= 200 { text } else { text.chars().take(199).chain(['…']).collect() }
}
