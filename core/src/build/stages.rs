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
    /// The target and everything it needs, in the order of the file, in which each comes after what it needs.
    pub order: Vec<usize>,
    /// Arguments before the first FROM: what an ARG without a value takes on in a stage.
    pub global: BTreeMap<String, Option<String>>,
    /// Names of arguments that some ARG asks for.
    pub asked: BTreeSet<String>,
}

impl Graph<'_> {
    /// What a name after `--from=` means in the stage that is number `of`.
    pub fn from(&self, name: &str, of: usize) -> From {
        let lower = name.to_ascii_lowercase();
        // The nearest earlier stage of the name; two may share one.
        if let Some(at) = self.stages[..of].iter().rposition(|s| s.name.as_deref() == Some(&lower)) {
            return From::Stage(at);
        }
        match name.parse::<usize>() {
            Ok(number) if number < of => From::Stage(number),
            _ => From::Image(name.to_owned()),
        }
    }
}

/// The value of a key of `--mount=key=value,…`.
pub fn mount_value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.split(',').filter_map(|part| part.split_once('=')).find(|(k, _)| *k == key).map(|(_, v)| v)
}

/// Reads the graph of a file.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`]: a base without a name, a target that is none, a stage that needs itself.
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
                let of = graph.stages.len() - 1;
                let froms = froms(instruction);
                let own: BTreeMap<String, String> = graph.global.iter().filter_map(|(k, v)| v.clone().map(|v| (k.clone(), v))).collect();
                for (name, span) in froms {
                    let name = expand::word(&name, escape, &|n| own.get(n).cloned()).map(|e| e.text).unwrap_or(name);
                    if graph.stages[of].name.as_deref() == Some(&name.to_ascii_lowercase()) || name.parse() == Ok(of) {
                        return Err(file.source.failure(
                            &Fault::new(span, format!("circular dependency detected on stage: {name}"))
                                .help("a stage can copy from earlier stages only"),
                        ));
                    }
                    if let Ok(number) = name.parse::<usize>()
                        && number > of
                    {
                        return Err(file.source.failure(
                            &Fault::new(span, format!("invalid stage index {number}"))
                                .help(format!("this is stage {of}, and it can copy from the stages before it")),
                        ));
                    }
                    if let From::Stage(stage) = graph.from(&name, of) {
                        graph.stages[of].needs.insert(stage);
                    }
                }
                if let Kind::Arg(pairs) = &instruction.kind {
                    graph.asked.extend(pairs.iter().map(|p| p.name.text.clone()));
                }
                graph.stages[of].body.push(instruction);
            }
        }
    }
    graph.target = target(&graph, &request.target)?;
    let mut seen = BTreeSet::new();
    let mut waiting = vec![graph.target];
    while let Some(stage) = waiting.pop() {
        if seen.insert(stage) {
            waiting.extend(&graph.stages[stage].needs);
        }
    }
    // A stage needs earlier ones only, so that the order of the file is one in which each comes after what it needs.
    graph.order = seen.into_iter().collect();
    Ok(graph)
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
    }

    #[test]
    fn of_two_stages_with_one_name_the_nearest_earlier_counts() {
        let text = "FROM a AS x\nFROM b AS x\nFROM x\n";
        assert_eq!(of(text, "", &[]).unwrap().1[2], Base::Stage(1));
    }
}
