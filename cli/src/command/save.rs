//! `drydock save`

use super::Definition;
use crate::environment::{CLIENT, Standard};
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::Error;
use drydock_core::engine::ArchiveFormat;

/// `save`
pub const DEFINITION: Definition = Definition {
    name: "save",
    group: "image",
    in_group: &["save"],
    about: "Save one or more images to a tar archive (streamed to STDOUT by default)",
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    arity: (1, None),
    flags: SaveArgs::augment_args,
    run,
    ..Definition::PLAIN
};

#[derive(Args)]
struct SaveArgs {
    /// Kind of archive: "docker" (an OCI layout that every docker load reads too) or "oci" (default "docker")
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Write to a file, instead of STDOUT
    #[arg(short, long, value_name = "string")]
    output: Option<String>,
    /// Save only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")
    #[arg(long, value_name = "string")]
    platform: Option<String>,
}

fn run(matches: &ArgMatches, names: &[String], session: &mut Session<'_>) -> Outcome {
    let args = SaveArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let format = match args.format.as_deref() {
        None | Some("" | "docker" | "docker-archive") => ArchiveFormat::Docker,
        Some("oci" | "oci-archive") => ArchiveFormat::Oci,
        Some(other) => {
            return Err(Error::invalid(format!("unknown archive format \"{}\"", other.escape_debug()))
                .hint("there are docker and oci")
                .op(CLIENT)
                .into());
        }
    };
    let output = args.output.filter(|path| !path.is_empty());
    if output.is_none() && session.environment.is_terminal(Standard::Output) {
        return Err(Failure::said("cowardly refusing to save to a terminal. Use the -o flag or redirect"));
    }
    let engine = session.engine()?;
    if let Some(platform) = args.platform.as_deref() {
        for name in names {
            super::image::of_platform(&engine.image(name)?, platform)?;
        }
    }
    match output {
        None => engine.save(names, format, session.environment.out())?,
        Some(path) => {
            let wrong = |e: Error| Failure::said(format!("failed to save image: {e}"));
            let mut file = session.environment.sink(&path).map_err(wrong)?;
            engine.save(names, format, &mut file)?;
            file.finish().map_err(wrong)?;
        }
    }
    Ok(0)
}
