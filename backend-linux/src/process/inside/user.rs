//! Who the process is.

use crate::error::step;
use drydock_core::error::Result;
use rustix::fs::{FileType, Gid, Mode, Uid, fchown, fstat};
use rustix::thread::{set_keep_capabilities, set_thread_groups, set_thread_res_gid, set_thread_res_uid};

/// Becomes a user, keeping the permitted capabilities until the final ones are put in force.
///
/// Groups first, since the right to change them goes with the user.
pub fn become_user(uid: u32, gid: u32, groups: &[u32], umask: Option<u32>) -> Result<()> {
    set_keep_capabilities(true).map_err(|e| step("prctl(PR_SET_KEEPCAPS)", "", e))?;
    let all: Vec<Gid> = groups.iter().map(|g| Gid::from_raw(*g)).collect();
    set_thread_groups(&all).map_err(|e| step("setgroups", format!("{groups:?}"), e))?;
    let group = Gid::from_raw(gid);
    set_thread_res_gid(group, group, group).map_err(|e| step("setresgid", gid.to_string(), e))?;
    let user = Uid::from_raw(uid);
    set_thread_res_uid(user, user, user).map_err(|e| step("setresuid", uid.to_string(), e))?;
    set_keep_capabilities(false).map_err(|e| step("prctl(PR_SET_KEEPCAPS)", "", e))?;
    rustix::process::umask(Mode::from_raw_mode(umask.unwrap_or(0o022)));
    Ok(())
}

/// Gives the standard streams to a user, so that it can open them again as /dev/stdout and its like.
///
/// The null device is everybody's and stays whose it is; so does a stream of a file system that cannot be changed.
pub fn own_streams(uid: u32, gid: u32) -> Result<()> {
    let streams = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
    for (number, stream) in streams.into_iter().enumerate() {
        let found = fstat(stream).map_err(|e| step("fstat", format!("descriptor {number}"), e))?;
        let kind = FileType::from_raw_mode(found.st_mode);
        let is_null = kind == FileType::CharacterDevice && found.st_rdev == rustix::fs::makedev(1, 3);
        if is_null || (found.st_uid, found.st_gid) == (uid, gid) {
            continue;
        }
        // A terminal keeps its group (tty), by which write(1) reaches it.
        let group = (kind != FileType::CharacterDevice).then(|| Gid::from_raw(gid));
        match fchown(stream, Some(Uid::from_raw(uid)), group) {
            Ok(()) | Err(rustix::io::Errno::ROFS | rustix::io::Errno::INVAL | rustix::io::Errno::PERM) => {}
            Err(e) => return Err(step("fchown", format!("descriptor {number}"), e)),
        }
    }
    Ok(())
}
