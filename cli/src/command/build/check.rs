//! `build --check`: remarks about the Dockerfile, and nothing built.

use super::inputs::Inputs;
use super::options::BuildArgs;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use drydock_core::build::dockerfile::parse;
use drydock_core::build::ignore::Ignore;
use drydock_core::build::lint::{self, Surroundings};

pub(super) fn run(args: &BuildArgs, inputs: &Inputs, session: &mut Session<'_>) -> Outcome {
    let Some(text) = &inputs.dockerfile else {
        return Err(Failure::said("ERROR: failed to build: --check reads a Dockerfile from a directory or from standard input".to_owned()));
    };
    let file = parse(&inputs.file, text).map_err(|e| super::failed(&e))?;
    let engine = session.engine()?;
    let environment = |name: &str| engine.image(name).ok().map(|image| image.defaults.env);
    let around = Surroundings {
        arguments: args.build_arg.iter().filter_map(|a| a.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        environment: Some(&environment),
        ignore: Ignore::parse(".dockerignore", inputs.ignore.as_deref().unwrap_or_default()).map_err(|e| super::failed(&e))?,
        platform: format!("linux/{}", engine.facts().architecture),
    };
    let remarks = lint::check(&file, &around);
    if remarks.is_empty() {
        session.say("Check complete, no warnings found.")?;
        return Ok(0);
    }
    let count = if remarks.len() == 1 { "1 warning has".to_owned() } else { format!("{} warnings have", remarks.len()) };
    session.say(&format!("Check complete, {count} been found!"))?;
    for remark in &remarks {
        session.say("")?;
        for line in lint::show(&file, remark).lines() {
            session.say(line)?;
        }
    }
    Ok(1)
}
