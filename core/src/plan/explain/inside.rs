//! Steps inside the new process, as a shell script that the process runs.

use super::quote::{below_root, quote};
use super::reason;
use crate::kernel::{Facts, MountFlags, Step, tmpfs_has_mode};
use crate::limits::CgroupMode;
use crate::plan::Planned;
use oci_spec::runtime::LinuxCapabilities;
use std::fmt::Write as _;

/// The script of the new process as it grows. What can only be done in the last command is collected for it.
pub(super) struct Script<'f> {
    facts: &'f Facts,
    text: String,
    read_only: bool,
    setpriv: Vec<String>,
    user: Option<String>,
    directory: String,
}

impl<'f> Script<'f> {
    pub(super) fn new(facts: &'f Facts) -> Self {
        Self { facts, text: String::new(), read_only: false, setpriv: Vec::new(), user: None, directory: "/".to_owned() }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    /// Says that it waits, and waits.
    pub(super) fn barrier(&mut self) {
        self.text
            .push_str("\n# Everything is there and nothing runs. Wait for the parent.\necho ready >\"$1/ready\"\nread -r _ <\"$1/go\"\n");
    }

    pub(super) fn step(&mut self, planned: &Planned) {
        reason(&mut self.text, planned);
        let command = self.command(&planned.step);
        let _ = writeln!(self.text, "{command}");
    }

    fn command(&mut self, step: &Step) -> String {
        match step {
            Step::MakePrivate => "mount --make-rprivate /".to_owned(),
            Step::MountOverlay { lower, upper, work, target } => {
                let data = format!("lowerdir={},upperdir={upper},workdir={work}", lower.join(":"));
                format!("root={0}\nmkdir -p \"$root\"\nmount -t overlay -o {1} overlay \"$root\"", quote(target), quote(&data))
            }
            Step::Mount { kind, source, target, root, flags, data } => {
                let target = place(root.is_some(), target);
                if root.is_some() && kind == "tmpfs" && !tmpfs_has_mode(data) {
                    let words = flag_words(*flags).into_iter().chain((!data.is_empty()).then(|| data.clone()));
                    let words: String = words.map(|word| format!("{},", quote(&word))).collect();
                    return format!(
                        "mode=$(stat -c %a {target} 2>/dev/null || echo 1777)\nmkdir -p {target}\nmount -t tmpfs -o {words}mode=$mode {} {target}",
                        quote(source)
                    );
                }
                let options = options(*flags, data);
                format!("mkdir -p {target}\nmount -t {}{options} {} {target}", quote(kind), quote(source))
            }
            Step::BindOf { of, target, .. } => {
                // mount(8) has no word for a mount of another namespace: open_tree(2) takes it there, move_mount(2) attaches it here.
                format!("# (the memory of process {} is not shared on {target}: no command can take it out of that namespace)", of.pid)
            }
            Step::Bind { source, root, target, recursive, flags, propagation } => {
                bind(source, &place(root.is_some(), target), *recursive, *flags, propagation.as_deref())
            }
            Step::MountCgroups { target, read_only, .. } => self.mount_cgroups(&place(true, target), *read_only),
            Step::MakeNode { path, kind, major, minor, mode, uid, gid, .. } => {
                let path = below_root(path);
                format!("[ -e {path} ] || mknod -m {mode:o} {path} {kind} {major} {minor}\nchmod {mode:o} {path}\nchown {uid}:{gid} {path}")
            }
            Step::MakeSymlink { path, to, .. } if path.starts_with("/dev/") => format!("ln -sfn {} {}", quote(to), below_root(path)),
            Step::MakeSymlink { path, to, .. } => {
                let (at, above) = (below_root(path), below_root(path.rsplit_once('/').map_or("/", |(above, _)| above)));
                format!("[ -e {at} ] || [ -L {at} ] || {{ mkdir -p {above}; ln -s {} {at}; }}", quote(to))
            }
            Step::MakeDirInside { path, mode, uid, gid, .. } => {
                let path = below_root(path);
                format!("[ -d {path} ] || {{ mkdir -p {path}; chmod {mode:o} {path}; chown {uid}:{gid} {path}; }}")
            }
            Step::SetTerminal { .. } => "# (this script serves no terminal: the program gets the streams of the script)".to_owned(),
            Step::PivotRoot { .. } => {
                "# (pivot_root would leave this shell without its tools; the last command below moves the root instead)".to_owned()
            }
            Step::ReadOnlyRoot => {
                self.read_only = true;
                "# (done in the last command below, since mount points may still be made)".to_owned()
            }
            Step::MaskPath { path } => {
                let path = below_root(path);
                format!(
                    "if [ -d {path} ]; then mount -t tmpfs -o ro tmpfs {path}; elif [ -e {path} ]; then mount --bind /dev/null {path}; fi"
                )
            }
            Step::ReadOnlyPath { path } => {
                let path = below_root(path);
                format!("if [ -e {path} ]; then mount --rbind {path} {path}; mount -o remount,bind,ro {path}; fi")
            }
            Step::SetHostname { name } => format!("echo {} >/proc/sys/kernel/hostname", quote(name)),
            Step::SetDomainname { name } => format!("echo {} >/proc/sys/kernel/domainname", quote(name)),
            Step::SetSysctl { key, value } => format!("echo {} >{}", quote(value), quote(&format!("/proc/sys/{}", key.replace('.', "/")))),
            Step::NewSession => "# (setsid: a session of its own matters with a terminal)".to_owned(),
            Step::SetRlimits { limits } => limits
                .iter()
                .map(|limit| {
                    let name = limit.typ().to_string().to_lowercase().replace("rlimit_", "");
                    let number = |n: u64| if n == u64::MAX { "unlimited".to_owned() } else { n.to_string() };
                    format!("prlimit --pid $$ --{name}={}:{}", number(limit.soft()), number(limit.hard()))
                })
                .collect::<Vec<_>>()
                .join("\n"),
            Step::SetOomScore { score } => format!("echo {score} >/proc/self/oom_score_adj"),
            Step::OwnStreams { .. } => "# (the streams stay those of the script)".to_owned(),
            Step::SetCapabilities { sets } => self.capabilities(sets),
            Step::SetUser { uid, gid, groups, umask } => {
                let groups: Vec<String> = groups.iter().map(u32::to_string).collect();
                self.user = Some(format!("--userspec={uid}:{gid} --groups={}", quote(&groups.join(","))));
                umask.map_or("# (done in the last command below)".to_owned(), |umask| format!("umask {umask:03o}"))
            }
            Step::SetNoNewPrivs => {
                self.setpriv.push("--no-new-privs".to_owned());
                "# (done in the last command below)".to_owned()
            }
            Step::SetSeccomp { filter } => {
                format!(
                    "# (no shell command installs a system call filter; this one has {} rules)",
                    filter.syscalls().as_ref().map_or(0, Vec::len)
                )
            }
            Step::ChangeDir { path } => {
                self.directory.clone_from(path);
                format!("mkdir -p {}", below_root(path))
            }
            Step::Execute { args, env, init } => self.execute(args, env, *init),
            other => super::host_command(other, self.facts).unwrap_or_else(|| "# (no shell command does this)".to_owned()),
        }
    }

    fn mount_cgroups(&self, target: &str, read_only: bool) -> String {
        let mode = if read_only { "ro," } else { "" };
        if self.facts.cgroup == CgroupMode::V2 {
            return format!("mkdir -p {target}\nmount -t cgroup2 -o {mode}nosuid,nodev,noexec cgroup2 {target}");
        }
        let mut lines = vec![format!("mkdir -p {target}\nmount -t tmpfs -o nosuid,nodev,noexec,mode=755 tmpfs {target}")];
        for controller in &self.facts.controllers {
            let (name, option) =
                (quote(controller), controller.strip_prefix("name=").map_or(controller.clone(), |n| format!("none,name={n}")));
            let name = name.trim_start_matches("name=");
            lines.push(format!("mkdir {target}/{name}\nmount -t cgroup -o {mode}nosuid,nodev,noexec,{option} cgroup {target}/{name}"));
        }
        if read_only {
            lines.push(format!("mount -o remount,ro {target}"));
        }
        lines.join("\n")
    }

    fn capabilities(&mut self, sets: &LinuxCapabilities) -> String {
        let mut kept: Vec<String> =
            sets.bounding().iter().flatten().map(|capability| capability.to_string().to_lowercase().replace("cap_", "")).collect();
        kept.sort();
        let mut note = "# (done in the last command below)".to_owned();
        if !kept.iter().any(|name| name == "sys_chroot") {
            kept.push("sys_chroot".to_owned());
            note.push_str("\n# (sys_chroot is kept here: the last command needs it to reach the new root)");
        }
        let list: String = kept.iter().fold("-all".to_owned(), |list, name| list + ",+" + name);
        self.setpriv.push(format!("--bounding-set {list} --inh-caps=-all --ambient-caps=-all"));
        note
    }

    fn execute(&mut self, args: &[String], env: &[String], init: bool) -> String {
        let mut lines = Vec::new();
        if init {
            lines.push("# (without Drydock's init: the program itself is process 1)".to_owned());
        }
        if self.read_only {
            lines.push("mount -o remount,bind,ro \"$root\"".to_owned());
        }
        lines.push("# The shell's own root stays what it was, so its tools are still found; `.` is the new one.".to_owned());
        lines.push("tool_setpriv=$(command -v setpriv) tool_chroot=$(command -v chroot)\ncd \"$root\"\nmount --move . /".to_owned());
        let env: Vec<String> = env.iter().map(|e| quote(e)).collect();
        let mut words: Vec<String> = args.iter().map(|a| quote(a)).collect();
        if self.directory != "/" {
            // chroot(1) always begins in the root; the container's own shell changes the directory.
            let script = format!("cd {} && exec \"$@\"", quote(&self.directory));
            let mut wrapped = vec!["/bin/sh".to_owned(), "-c".to_owned(), quote(&script), "sh".to_owned()];
            wrapped.append(&mut words);
            words = wrapped;
        }
        let user = self.user.clone().unwrap_or_default();
        let setpriv = if self.setpriv.is_empty() { String::new() } else { format!("\"$tool_setpriv\" {} ", self.setpriv.join(" ")) };
        lines.push(format!("exec env -i {} {setpriv}\"$tool_chroot\" {user} . {}", env.join(" "), words.join(" ")));
        lines.join("\n")
    }
}

fn place(in_root: bool, target: &str) -> String {
    if in_root { below_root(target) } else { quote(target) }
}

fn options(flags: MountFlags, data: &str) -> String {
    let mut words = flag_words(flags);
    if !data.is_empty() {
        words.push(data.to_owned());
    }
    if words.is_empty() { String::new() } else { format!(" -o {}", quote(&words.join(","))) }
}

fn flag_words(flags: MountFlags) -> Vec<String> {
    let MountFlags { read_only, nosuid, nodev, noexec, relatime, strictatime, noatime } = flags;
    [
        (read_only, "ro"),
        (nosuid, "nosuid"),
        (nodev, "nodev"),
        (noexec, "noexec"),
        (relatime, "relatime"),
        (strictatime, "strictatime"),
        (noatime, "noatime"),
    ]
    .iter()
    .filter(|(set, _)| *set)
    .map(|(_, word)| (*word).to_owned())
    .collect()
}

fn bind(source: &str, target: &str, recursive: bool, flags: MountFlags, propagation: Option<&str>) -> String {
    let source = quote(source);
    let kind = if recursive { "--rbind" } else { "--bind" };
    let mut lines = vec![
        format!("if [ -d {source} ]; then mkdir -p {target}; else mkdir -p \"$(dirname {target})\"; [ -e {target} ] || : >{target}; fi"),
        format!("mount {kind} {source} {target}"),
    ];
    let words = flag_words(flags);
    if !words.is_empty() {
        lines.push(format!("mount -o remount,bind,{} {target}", words.join(",")));
    }
    if let Some(propagation) = propagation.filter(|p| !p.is_empty()) {
        lines.push(format!("mount --make-{} {target}", quote(propagation)));
    }
    lines.join("\n")
}
