//! execve(2): from a path to a simulated program.

use crate::programs::{self, Program};
use crate::sys::{Credentials, Disposition, Errno, FileType, Res};
use crate::vfs::{Ctx, Loc, Node, cap};
use crate::world::World;
use drydock_core::container::diagnose;
use std::sync::Arc;

/// How a file says which simulated program it is.
pub const MARK: &str = "#!drydock-sim ";

/// Interpreters of interpreters before ELOOP.
const MAX_SCRIPTS: u32 = 4;

/// What is to be executed.
pub struct Image {
    /// The program.
    pub program: Program,
    /// The file that was asked for.
    pub file: Loc,
    /// Arguments, an interpreter's own put in front.
    pub args: Vec<String>,
}

/// The program of a name.
pub fn by_name(name: &str) -> Option<Program> {
    let all = programs::registry();
    all.binary_search_by(|(n, _)| (*n).cmp(name)).ok().and_then(|i| all.get(i)).map(|(_, program)| *program)
}

impl World {
    /// Looks a name up in PATH, as execvp(3) does. ENOENT if it is nowhere, EACCES if it is there and cannot be executed.
    pub fn find_program(&mut self, ctx: &Ctx, name: &str, env: &[String]) -> Res<String> {
        if name.contains('/') {
            return Ok(name.to_owned());
        }
        if name.is_empty() {
            return Err(Errno::ENOENT);
        }
        let default = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let path = env.iter().rev().find_map(|e| e.strip_prefix("PATH=")).unwrap_or(default).to_owned();
        let mut error = Errno::ENOENT;
        for dir in path.split(':') {
            let candidate = format!("{}/{name}", if dir.is_empty() { "." } else { dir });
            match self.executable(ctx, &candidate) {
                Ok(_) => return Ok(candidate),
                Err(Errno::EACCES) => error = Errno::EACCES,
                Err(_) => {}
            }
        }
        Err(error)
    }

    /// The file at a path, if this process may execute it.
    fn executable(&mut self, ctx: &Ctx, path: &str) -> Res<Loc> {
        let at = self.walk(ctx, path, true)?;
        let stat = self.attributes(at.node)?;
        let noexec = self.fs.mounts.get(&at.mount).is_some_and(|m| m.flags.noexec);
        if stat.kind != FileType::Regular || noexec {
            return Err(Errno::EACCES);
        }
        ctx.creds.may(&stat, 1)?;
        Ok(at)
    }

    /// Finds out which program a path and its arguments mean.
    pub fn image_of(&mut self, ctx: &Ctx, path: &str, args: Vec<String>) -> Res<Image> {
        let file = self.executable(ctx, path)?;
        let mut image = Image { program: not_modelled, file, args };
        let (mut path, mut at) = (path.to_owned(), file);
        for _ in 0..=MAX_SCRIPTS {
            let head = match at.node {
                Node::Plain(_) | Node::Over(..) => self.read_at(self.backing(at.node)?, 0, diagnose::HEAD)?,
                _ => return Err(Errno::EACCES),
            };
            let text = String::from_utf8_lossy(&head).into_owned();
            // A carriage return is part of the line, as it is to the kernel.
            let line = text.split('\n').next().unwrap_or("");
            if let Some(name) = line.strip_prefix(MARK) {
                return if name.trim() == "busybox" {
                    Ok(self.elf(image, "busybox"))
                } else {
                    image.program = by_name(name.trim()).ok_or(Errno::ENOEXEC)?;
                    Ok(image)
                };
            }
            if head.starts_with(b"\x7fELF") {
                self.check_elf(ctx, &head)?;
                return Ok(self.elf(image, &path));
            }
            let Some(interpreter) = line.strip_prefix("#!") else { return Err(Errno::ENOEXEC) };
            let mut words = interpreter.trim_matches([' ', '\t']).splitn(2, [' ', '\t']);
            let next = words.next().filter(|w| !w.is_empty()).ok_or(Errno::ENOEXEC)?.to_owned();
            let option = words.next().map(|o| o.trim().to_owned());
            let rest = image.args.split_off(image.args.len().min(1));
            image.args = std::iter::once(next.clone()).chain(option).chain(std::iter::once(path)).chain(rest).collect();
            at = self.executable(ctx, &next)?;
            path = next;
        }
        Err(Errno::ELOOP)
    }

    /// What the kernel looks at before it runs a program of an image: the machine it is for, and the loader it asks for.
    fn check_elf(&mut self, ctx: &Ctx, head: &[u8]) -> Res<()> {
        let mut missing = false;
        let why = diagnose::why(head, "amd64", &mut |loader| match self.walk(ctx, loader, true) {
            Ok(_) => diagnose::Look::Fine,
            Err(_) => {
                missing = true;
                diagnose::Look::Missing
            }
        });
        match why {
            Some(_) if missing => Err(Errno::ENOENT),
            Some(_) => Err(Errno::ENOEXEC),
            None => Ok(()),
        }
    }

    /// A real program from a real image: its simulated namesake, or "not modelled". A multi-call binary goes by its first argument.
    fn elf(&mut self, mut image: Image, path: &str) -> Image {
        let base = |p: &str| p.rsplit('/').next().unwrap_or(p).to_owned();
        let name = base(path);
        let called = image.args.first().map(|a| base(a)).unwrap_or_default();
        let called = called.trim_start_matches('-').to_owned();
        let wanted = if name == "busybox" && called != "busybox" {
            called
        } else if name == "busybox" && image.args.len() > 1 {
            // `busybox sh -c …` runs the applet of its first argument.
            image.args.remove(0);
            image.args.first().cloned().unwrap_or_default()
        } else {
            name
        };
        let wanted = match wanted.as_str() {
            "dash" | "bash" | "ash" => "sh".to_owned(),
            _ => wanted,
        };
        match by_name(&wanted) {
            Some(program) => image.program = program,
            None => image.args = vec![wanted],
        }
        image
    }

    /// Makes a process execute an image: its program, name, signals and capabilities (execve(2), capabilities(7)).
    pub fn become_image(&mut self, shared: &crate::world::Shared, pid: u32, image: Image, env: Vec<String>) -> Res<()> {
        let stat = self.attributes(image.file.node)?;
        let nosuid = self.fs.mounts.get(&image.file.mount).is_some_and(|m| m.flags.nosuid);
        let sys = crate::sys::Sys::new(shared.clone(), pid);
        let name = {
            let ctx = self.ctx(pid)?;
            let path = self.path_of(ctx.root, image.file).unwrap_or_default();
            let base = path.rsplit('/').next().unwrap_or("").to_owned();
            // A multi-call binary is shown by the name it was called with.
            let called = image.args.first().map(|a| a.rsplit('/').next().unwrap_or(a).trim_start_matches('-').to_owned());
            let shown = if base == "busybox" { called.unwrap_or(base) } else { base };
            shown.chars().take(15).collect::<String>()
        };
        self.trace.note(self.now, || format!("execve pid={pid} {:?}", image.args));
        let p = self.proc_mut(pid)?;
        p.name = name;
        p.exe = Some(image.file);
        p.args.clone_from(&image.args);
        p.env = env;
        p.dispositions.retain(|_, d| *d == Disposition::Ignore);
        p.caught.clear();
        p.creds = Arc::new(after_exec(&p.creds, (stat.mode, stat.uid, stat.gid), nosuid));
        *p.future = Some((image.program)(sys, image.args));
        self.make_ready(pid);
        Ok(())
    }
}

/// Capabilities and users after execve(2).
fn after_exec(old: &Credentials, (mode, uid, gid): (u32, u32, u32), nosuid: bool) -> Credentials {
    let mut new = old.clone();
    let privileged = !nosuid && !old.no_new_privs;
    if privileged && mode & 0o4000 != 0 {
        new.euid = uid;
    }
    if privileged && mode & 0o2010 == 0o2010 {
        new.egid = gid;
    }
    new.suid = new.euid;
    new.sgid = new.egid;
    new.keep_caps = false;
    let changed = new.euid != old.euid || new.egid != old.egid;
    if changed {
        new.ambient = 0;
    }
    let root = new.uid == 0 || new.euid == 0;
    if root {
        new.permitted = old.inheritable | (cap::ALL & old.bounding);
        new.effective = if new.euid == 0 { new.permitted } else { new.ambient };
    } else {
        new.permitted = new.ambient;
        new.effective = new.ambient;
    }
    if old.no_new_privs {
        new.permitted &= old.permitted | old.ambient;
        new.effective &= new.permitted;
    }
    new
}

/// Stands for a real program that has no simulated namesake.
fn not_modelled(sys: crate::sys::Sys, args: Vec<String>) -> programs::Running {
    Box::pin(async move { sys.not_modelled(&format!("the program {}", args.first().map_or("", String::as_str))) })
}
