//! Stages as a graph: which image each begins with, which stages it needs, and which need not be built at all.

use super::dockerfile::{Dockerfile, Fault, Instruction, Kind, Span, Text, expand};
use super::request::BuildRequest;
use super::variables;
use crate::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// What a stage begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Scratch,
    /// An earlier stage.
    Stage(usize),
    /// An image by name.
    Image(String),
}

/// Where a COPY or a mount takes files from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// The context.
    Context,
    /// A stage.
    Stage(usize),
    /// An image by name.
    Image(String),
}

/// One stage.
#[derive(Clone, Debug)]
pub struct Stage<'a> {
    /// Its name, in lower case.
    pub name: Option<String>,
    /// Its FROM.
    pub from: &'a Instruction,
    /// What it begins with.
    pub base: Base,
    /// `--platform`, expanded.
    pub platform: Option<String>,
    /// What follows FROM.
    pub body: Vec<&'a Instruction>,
    /// The stages it needs.
    pub needs: BTreeSet<usize>,
}

/// The stages of a file.
#[derive(Clone, Debug)]
pub struct Graph<'a> {
    /// In the order of the file.
    pub stages: Vec<Stage<'a>>,
    /// The one that is built.
    pub target: usize,
    /// The target and everything it needs: each after what it needs, and in the order of the file otherwise.
    pub order: Vec<usize>,
    /// Arguments before the first FROM: what an ARG without a value takes on in a stage.
    pub global: BTreeMap<String, Option<String>>,
    /// Names of arguments that some ARG asks for.
    pub asked: BTreeSet<String>,
}

impl Graph<'_> {
    /// What a name after `--from=` means in the stage that is number `of`.
    pub fn from(&self, name: &str, of: usize) -> From {
        match self.named(name, of) {
            // A later stage counts where the file itself asks for it: what a trigger asks for was not there when the stages were put in order.
            Some(at) if at < of || self.stages[of].needs.contains(&at) => From::Stage(at),
            _ => From::Image(name.to_owned()),
        }
    }

    /// The stage that a name or a number means: the nearest earlier one of the name, as two may share one, and then a later one.
    fn named(&self, name: &str, of: usize) -> Option<usize> {
        let lower = name.to_ascii_lowercase();
        let is = |stage: &Stage<'_>| stage.name.as_deref() == Some(&lower);
        self.stages[..of]
            .iter()
            .rposition(is)
            .or_else(|| name.parse().ok().filter(|number| *number < self.stages.len()))
            .or_else(|| self.stages.iter().position(is))
    }
}

/// The value of a key of `--mount=key=value,…`.
pub fn mount_value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.split(',').filter_map(|part| part.split_once('=')).find(|(k, _)| *k == key).map(|(_, v)| v)
}

/// Reads the graph of a file.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`]: a base without a name, a target that is none, a stage that needs itself, by others or directly.
pub fn graph<'a>(file: &'a Dockerfile, request: &BuildRequest, platform: &str) -> Result<Graph<'a>> {
    let escape = file.directives.escape;
    let known: BTreeMap<String, String> = variables::platform(platform).into_iter().collect();
    let mut graph = Graph { stages: Vec::new(), target: 0, order: Vec::new(), global: BTreeMap::new(), asked: BTreeSet::new() };
    for instruction in &file.instructions {
        let lookup = |global: &BTreeMap<String, Option<String>>, name: &str| {
            global.get(name).cloned().flatten().or_else(|| known.get(name).cloned())
        };
        match &instruction.kind {
            Kind::From { image, platform, name } => {
                let expand = |text: &Text| -> Result<String> {
                    expand::word(&text.text, escape, &|name| lookup(&graph.global, name))
                        .map(|e| e.text)
                        .map_err(|e| file.source.failure(&Fault::new(text.span, format!("failed to process {:?}: {e}", text.text))))
                };
                let asked = expand(image)?;
                if asked.trim().is_empty() {
                    let fault = Fault::new(image.span, format!("base name ({}) should not be blank", image.text))
                        .help("give the ARG before FROM a default, or give it by --build-arg");
                    return Err(file.source.failure(&fault));
                }
                let platform = platform.as_ref().map(expand).transpose()?.filter(|p| !p.is_empty());
                let of = graph.stages.len();
                let base = if asked == "scratch" {
                    Base::Scratch
                } else {
                    // A number names no stage here, as an image may be called so.
                    let lower = asked.to_ascii_lowercase();
                    match graph.stages.iter().rposition(|s| s.name.as_deref() == Some(&lower)) {
                        Some(stage) => Base::Stage(stage),
                        None => Base::Image(asked),
                    }
                };
                let mut needs = BTreeSet::new();
                if let Base::Stage(stage) = base {
                    needs.insert(stage);
                }
                let name = name.as_ref().map(|n| n.text.to_ascii_lowercase());
                debug_assert_eq!(of, graph.stages.len());
                graph.stages.push(Stage { name, from: instruction, base, platform, body: Vec::new(), needs });
            }
            Kind::Arg(pairs) if graph.stages.is_empty() => {
                for pair in pairs {
                    let name = pair.name.text.clone();
                    graph.asked.insert(name.clone());
                    let default = match &pair.value {
                        None => None,
                        Some(value) => Some(
                            expand::word(&value.text, escape, &|name| lookup(&graph.global, name))
                                .map_err(|e| file.source.failure(&Fault::new(value.span, e)))?
                                .text,
                        ),
                    };
                    let value = request.arguments.get(&name).cloned().or(default);
                    graph.global.insert(name, value);
                }
            }
            _ => {
                if let Kind::Arg(pairs) = &instruction.kind {
                    graph.asked.extend(pairs.iter().map(|p| p.name.text.clone()));
                }
                let of = graph.stages.len() - 1;
                graph.stages[of].body.push(instruction);
            }
        }
    }
    let places = sources(&mut graph, file)?;
    graph.target = target(&graph, &request.target)?;
    let sorted = sorted(&graph, file, &places)?;
    let mut seen = BTreeSet::new();
    let mut waiting = vec![graph.target];
    while let Some(stage) = waiting.pop() {
        if seen.insert(stage) {
            waiting.extend(&graph.stages[stage].needs);
        }
    }
    graph.order = sorted.into_iter().filter(|stage| seen.contains(stage)).collect();
    Ok(graph)
}

/// Where each stage asks for another.
type Places = BTreeMap<(usize, usize), Span>;

/// Finds what the instructions of each stage take from others, which may be later ones.
fn sources(graph: &mut Graph<'_>, file: &Dockerfile) -> Result<Places> {
    let escape = file.directives.escape;
    let own: BTreeMap<String, String> = graph.global.iter().filter_map(|(k, v)| v.clone().map(|v| (k.clone(), v))).collect();
    let mut places = Places::new();
    for of in 0..graph.stages.len() {
        for (name, span) in graph.stages[of].body.iter().copied().flat_map(froms).collect::<Vec<_>>() {
            let name = expand::word(&name, escape, &|n| own.get(n).cloned()).map(|e| e.text).unwrap_or(name);
            if graph.stages[of].name.as_deref() == Some(&name.to_ascii_lowercase()) {
                return Err(circle(file, span, &name));
            }
            match (graph.named(&name, of), name.parse::<usize>()) {
                (Some(at), _) if at == of => return Err(circle(file, span, &name)),
                (Some(at), _) => {
                    graph.stages[of].needs.insert(at);
                    places.insert((of, at), span);
                }
                (None, Ok(number)) => {
                    return Err(file.source.failure(
                        &Fault::new(span, format!("invalid stage index {number}"))
                            .help(format!("this is stage {of}, and the last one is {}", graph.stages.len() - 1)),
                    ));
                }
                (None, Err(_)) => {}
            }
        }
    }
    Ok(places)
}

fn circle(file: &Dockerfile, span: Span, name: &str) -> Error {
    file.source.failure(
        &Fault::new(span, format!("circular dependency detected on stage: {name}"))
            .help("a stage can copy from stages that need nothing of it themselves"),
    )
}

/// All stages so that each comes after what it needs, and in the order of the file otherwise.
fn sorted(graph: &Graph<'_>, file: &Dockerfile, places: &Places) -> Result<Vec<usize>> {
    let mut left: BTreeSet<usize> = (0..graph.stages.len()).collect();
    let mut order = Vec::with_capacity(left.len());
    let mut missing: Vec<usize> = graph.stages.iter().map(|s| s.needs.len()).collect();
    let mut wanted_by = vec![Vec::new(); graph.stages.len()];
    for (of, stage) in graph.stages.iter().enumerate() {
        stage.needs.iter().for_each(|need| wanted_by[*need].push(of));
    }
    let mut ready: BTreeSet<usize> = left.iter().copied().filter(|of| missing[*of] == 0).collect();
    while let Some(next) = ready.pop_first() {
        left.remove(&next);
        order.push(next);
        for of in &wanted_by[next] {
            missing[*of] -= 1;
            if missing[*of] == 0 {
                ready.insert(*of);
            }
        }
    }
    let Some(mut at) = left.first().copied() else { return Ok(order) };
    // Each of these needs another of these, so that going on from one to the next comes round.
    let mut gone = BTreeSet::new();
    loop {
        let Some(next) = graph.stages[at].needs.iter().copied().find(|need| left.contains(need)) else { return Ok(order) };
        if !gone.insert(at) && places.contains_key(&(at, next)) {
            let name = graph.stages[at].name.clone().unwrap_or_else(|| at.to_string());
            return Err(circle(file, places[&(at, next)], &name));
        }
        at = next;
    }
}

/// The sources that an instruction names, with their places.
fn froms(instruction: &Instruction) -> Vec<(String, Span)> {
    match &instruction.kind {
        Kind::Copy(copy) => copy.from.iter().map(|f| (f.text.clone(), f.span)).collect(),
        Kind::Run(run) => run.mounts.iter().filter_map(|m| mount_value(&m.text, "from").map(|f| (f.to_owned(), m.span))).collect(),
        _ => Vec::new(),
    }
}

fn target(graph: &Graph<'_>, asked: &str) -> Result<usize> {
    let last = graph.stages.len() - 1;
    if asked.is_empty() {
        return Ok(last);
    }
    let lower = asked.to_ascii_lowercase();
    if let Some(at) = graph.stages.iter().rposition(|s| s.name.as_deref() == Some(&lower)) {
        return Ok(at);
    }
    if let Ok(number) = asked.parse::<usize>()
        && number <= last
    {
        return Ok(number);
    }
    let names: Vec<&str> = graph.stages.iter().filter_map(|s| s.name.as_deref()).collect();
    let error = Error::invalid(format!("target stage {:?} could not be found", asked)).subject(asked);
    Err(match names.iter().find(|n| super::dockerfile::near(n, asked)) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None if names.is_empty() => error.hint("no stage of the Dockerfile has a name"),
        None => error.hint(format!("the stages are {}", names.join(", "))),
    })
}

#[cfg(test)]
mod tests {
    use super::super::dockerfile::parse;
    use super::*;

    fn of(text: &str, target: &str, args: &[(&str, &str)]) -> Result<(Vec<usize>, Vec<Base>)> {
        let file = parse("Dockerfile", text.as_bytes())?;
        let arguments = args.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let request = BuildRequest { target: target.to_owned(), arguments, ..BuildRequest::default() };
        let graph = graph(&file, &request, "linux/amd64")?;
        Ok((graph.order.clone(), graph.stages.iter().map(|s| s.base.clone()).collect()))
    }

    #[test]
    fn only_what_is_needed_is_built() {
        let text = "FROM a AS one\nFROM b AS two\nFROM c AS three\nCOPY --from=one /x /x\nFROM one AS four\nRUN --mount=type=bind,from=two,target=/t x\n";
        assert_eq!(of(text, "", &[]).unwrap().0, [0, 1, 3]);
        assert_eq!(of(text, "three", &[]).unwrap().0, [0, 2]);
        assert_eq!(of(text, "TWO", &[]).unwrap().0, [1]);
        assert_eq!(of(text, "0", &[]).unwrap().0, [0]);
        let error = of(text, "thre", &[]).unwrap_err().to_string();
        assert_eq!(error, "target stage \"thre\" could not be found (did you mean three?)");
    }

    #[test]
    fn bases_are_expanded() {
        let text = "ARG V=12\nARG N=debian:$V\nFROM $N AS base\nFROM base\nFROM scratch\nFROM --platform=$BUILDPLATFORM x-$TARGETARCH\n";
        let bases = of(text, "", &[("V", "13")]).unwrap().1;
        assert_eq!(bases, [Base::Image("debian:13".to_owned()), Base::Stage(0), Base::Scratch, Base::Image("x-amd64".to_owned())]);
        assert!(of("ARG V\nFROM $V", "", &[]).unwrap_err().to_string().contains("base name ($V) should not be blank"));
    }

    #[test]
    fn circles_and_numbers_that_are_none_are_refused() {
        let wrong = |text: &str| of(text, "", &[]).unwrap_err().to_string();
        assert!(wrong("FROM a AS x\nCOPY --from=x /a /b").contains("circular dependency detected on stage: x"));
        assert!(wrong("FROM a\nCOPY --from=99 /a /b").contains("invalid stage index 99"));
        assert!(wrong("FROM a\nCOPY --from=0 /a /b").contains("circular dependency"));
        // By way of another, which stands later; by a mount; by way of the base.
        let two = "FROM a AS x\nCOPY --from=y /a /b\nFROM a AS y\nRUN --mount=from=x,target=/x true\n";
        let said = wrong(two);
        assert!(said.contains("circular dependency detected on stage: x") && said.contains("Dockerfile:2"), "{said}");
        assert!(wrong("FROM a AS x\nCOPY --from=y /a /b\nFROM x AS y\nFROM b\n").contains("circular dependency detected on stage: x"));
        assert!(
            wrong("FROM a AS other\nCOPY --from=x /a /b\nFROM a AS x\nRUN --mount=type=bind,from=2 true\nFROM a\nCOPY --from=1 /a /b\n")
                .contains("circular")
        );
    }

    #[test]
    fn a_stage_may_copy_from_a_later_one() {
        let text = "FROM a AS x\nCOPY --from=y /a /b\nFROM b AS y\nFROM c AS z\nFROM x\nCOPY --from=2 / /\n";
        assert_eq!(of(text, "", &[]).unwrap().0, [1, 0, 2, 3]);
        assert_eq!(of(text, "x", &[]).unwrap().0, [1, 0]);
    }

    #[test]
    fn a_stage_that_bears_the_name_of_its_base_begins_with_the_image() {
        assert_eq!(of("FROM x AS x\nRUN true\n", "x", &[]).unwrap(), (vec![0], vec![Base::Image("x".to_owned())]));
        let twice = "FROM x AS x\nFROM x AS x\n";
        assert_eq!(of(twice, "", &[]).unwrap(), (vec![0, 1], vec![Base::Image("x".to_owned()), Base::Stage(0)]));
    }

    #[test]
    fn of_two_stages_with_one_name_the_nearest_earlier_counts() {
        let text = "FROM a AS x\nFROM b AS x\nFROM x\n";
        assert_eq!(of(text, "", &[]).unwrap().1[2], Base::Stage(1));
    }
}
