//! Steps on files of the host, as shell commands.

use super::quote::quote;
use crate::kernel::Step;

pub(super) fn command(step: &Step) -> Option<String> {
    Some(match step {
        Step::MakeDir { path, mode } => format!("mkdir -p {0}\nchmod {mode:o} {0}", quote(path)),
        Step::WriteFile { path, mode, content } => {
            let path = quote(path);
            format!("printf '%s' {} >{path}\nchmod {mode:o} {path}", quote(content))
        }
        Step::WriteHidden { path, mode, uid, gid, .. } => {
            let path = quote(path);
            format!("# (the content of {path} is hidden)\n: >{path}\nchmod {mode:o} {path}\nchown {uid}:{gid} {path}")
        }
        Step::RemoveTree { path } => format!("rm -rf --one-file-system {}", quote(path)),
        Step::Unmount { path } => format!("umount -l {}", quote(path)),
        Step::MountIn { of, kind, source, target, .. } => {
            format!("# (in the mount namespace of {0}) nsenter -t {0} -m mount -t {kind} {1} {2}", of.pid, quote(source), quote(target))
        }
        Step::UnmountIn { of, target } => format!("nsenter -t {} -m umount {}", of.pid, quote(target)),
        Step::EndStray { seen } => format!("kill -9 {}", quote(seen.split(' ').next().unwrap_or_default())),
        Step::SyncDir { path } => format!("sync {}", quote(path)),
        Step::UnpackLayer { archive, into, .. } => format!(
            "# (whiteouts, `.wh.NAME`, would become overlayfs's own: a character device 0:0)\nmkdir -p {0}\ntar --numeric-owner -xf {1} -C {0}",
            quote(into),
            quote(archive)
        ),
        _ => return None,
    })
}
