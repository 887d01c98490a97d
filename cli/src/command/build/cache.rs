//! Caches that are directories: `--cache-from type=local` and `--cache-to type=local`.

use super::options::BuildArgs;
use crate::failure::Failure;
use crate::session::Session;
use drydock_core::Error;
use drydock_core::build::cache::{parse_from, parse_to};
use drydock_core::build::ignore::Ignore;
use std::io::Read;

/// Opens the directories that a build takes from, and answers the one that it writes to.
#[expect(clippy::type_complexity, reason = "readers, and a path")]
pub(super) fn open(args: &BuildArgs, session: &mut Session<'_>) -> Result<(Vec<Box<dyn Read>>, Option<String>), Failure> {
    let failed = |e: Error| Failure::said(format!("ERROR: failed to build: {e}"));
    let mut opened: Vec<Box<dyn Read>> = Vec::new();
    for text in &args.cache_from {
        if let Some(path) = parse_from(text).map_err(failed)?.1 {
            // One that is not there yet is an empty one, as it is with BuildKit.
            opened.push(match session.environment.look(&path, true)? {
                Some(found) if found.is_dir() => session.environment.context(&path, &Ignore::default())?.reader,
                _ => Box::new(std::io::empty()),
            });
        }
    }
    let mut dest = None;
    for text in &args.cache_to {
        if let Some(path) = parse_to(text).map_err(failed)?.1
            && dest.replace(path).is_some()
        {
            return Err(Failure::said("ERROR: failed to build: --cache-to: one directory is written, not several"));
        }
    }
    Ok((opened, dest))
}

/// Writes the directory.
pub(super) fn put(dest: Option<String>, mut archive: &[u8], session: &mut Session<'_>) -> Result<(), Failure> {
    let Some(dest) = dest else { return Ok(()) };
    session.environment.make_directory(&dest)?;
    Ok(session.environment.unpack(&dest, &mut archive, false)?)
}
