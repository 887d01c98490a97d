//! What becomes of a build's result: `--output`, `--iidfile`, `--metadata-file`.

use super::options::{BuildArgs, value};
use crate::failure::Failure;
use crate::session::Session;
use drydock_core::build::request::{Built, Output};
use serde_json::json;

/// Where the result goes.
pub(super) struct Export {
    kind: Kind,
    dest: Option<String>,
    push: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Image,
    CacheOnly,
    Local,
    Tar,
    Docker,
    Oci,
}

/// Reads `--output`.
pub(super) fn export(args: &BuildArgs, session: &Session<'_>) -> Result<Export, Failure> {
    let wrong = |text: String| Err(Failure::said(format!("ERROR: failed to build: {text}")));
    let text = match args.output.as_slice() {
        [] => return Ok(Export { kind: Kind::Image, dest: None, push: false }),
        [one] => one.clone(),
        _ => return wrong("multiple outputs currently unsupported".to_owned()),
    };
    // A path alone is a directory, and - alone a tar archive.
    if !text.contains('=') {
        return Ok(if text == "-" {
            Export { kind: Kind::Tar, dest: None, push: false }
        } else {
            Export { kind: Kind::Local, dest: Some(text), push: false }
        });
    }
    let dest = value(&text, &["dest"]).filter(|d| *d != "-").map(str::to_owned);
    let kind = match value(&text, &["type"]) {
        Some("local") => Kind::Local,
        Some("tar") => Kind::Tar,
        Some("docker") if dest.is_none() && value(&text, &["dest"]).is_none() => Kind::Image,
        Some("docker") => Kind::Docker,
        Some("oci") => Kind::Oci,
        Some("image" | "registry") => Kind::Image,
        Some("cacheonly") => Kind::CacheOnly,
        Some(other) => return wrong(format!("no such exporter: {other}")),
        None => return wrong("type is required for output".to_owned()),
    };
    if kind == Kind::Local && dest.is_none() {
        return wrong("dest is required for local exporter".to_owned());
    }
    let archive = matches!(kind, Kind::Tar | Kind::Docker | Kind::Oci);
    if archive && dest.is_none() && session.environment.is_terminal(crate::environment::Standard::Output) {
        return wrong("dest file is required for an archive: refusing to write to a terminal".to_owned());
    }
    let push = value(&text, &["type"]) == Some("registry") || value(&text, &["push"]) == Some("true");
    Ok(Export { kind, dest, push })
}

impl Export {
    /// Whether the image goes to the registries of its names.
    pub(super) fn pushes(&self) -> bool {
        self.push
    }

    /// What the engine is asked for.
    pub(super) fn output(&self) -> Output {
        match self.kind {
            Kind::Image => Output::Image,
            Kind::CacheOnly => Output::CacheOnly,
            Kind::Local | Kind::Tar => Output::Tar,
            Kind::Docker => Output::Docker,
            Kind::Oci => Output::Oci,
        }
    }

    /// Whether the engine gives the archive itself.
    pub(super) fn wants_archive(&self) -> bool {
        matches!(self.kind, Kind::Local | Kind::Tar | Kind::Docker | Kind::Oci)
    }

    /// Puts the result where it goes.
    pub(super) fn put(&self, archive: &[u8], session: &mut Session<'_>) -> Result<(), Failure> {
        match self.kind {
            Kind::Image | Kind::CacheOnly => Ok(()),
            Kind::Local => {
                let dest = self.dest.clone().unwrap_or_default();
                session.environment.make_directory(&dest)?;
                let mut archive = archive;
                Ok(session.environment.unpack(&dest, &mut archive, false)?)
            }
            Kind::Tar => self.write(archive, session),
            Kind::Docker | Kind::Oci => self.write(archive, session),
        }
    }

    fn write(&self, archive: &[u8], session: &mut Session<'_>) -> Result<(), Failure> {
        match &self.dest {
            Some(path) => Ok(session.environment.write_file(path, archive)?),
            None => Ok(session.environment.out().write_all(archive)?),
        }
    }
}

/// `--iidfile` and `--metadata-file`.
pub(super) fn files(args: &BuildArgs, built: &Built, session: &mut Session<'_>) -> Result<(), Failure> {
    let id = built.image.as_ref().map(ToString::to_string).unwrap_or_default();
    if let Some(path) = &args.iidfile {
        session.environment.write_file(path, id.as_bytes())?;
    }
    if let Some(path) = &args.metadata_file {
        let document = json!({
            "containerimage.config.digest": id,
            "containerimage.digest": id,
            "image.name": args.tag.join(","),
            "drydock.build.cached": built.cached.0,
            "drydock.build.steps": built.cached.1,
        });
        let text = serde_json::to_vec_pretty(&document).unwrap_or_default();
        session.environment.write_file(path, &text)?;
    }
    Ok(())
}
