//! `mount`, `umount`, `mountpoint`, `pivot_root`.

use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::sys::{FileType, MountOptions, Propagation};

/// `-o` words to flags; what is left is for the file system.
fn options_of(words: &str) -> (MountOptions, String) {
    let mut options = MountOptions::default();
    let mut data = Vec::new();
    for word in words.split(',').filter(|w| !w.is_empty()) {
        match word {
            flag if options.flags.set(flag) => {}
            "defaults" | "async" | "auto" | "noauto" | "loud" | "nodiratime" => {}
            "bind" => options.bind = true,
            "rbind" => (options.bind, options.recursive) = (true, true),
            "remount" => options.remount = true,
            "move" => options.move_mount = true,
            "private" => options.propagation = Some(Propagation::Private),
            "shared" => options.propagation = Some(Propagation::Shared),
            "slave" => options.propagation = Some(Propagation::Slave),
            "rprivate" => (options.propagation, options.recursive) = (Some(Propagation::Private), true),
            "rshared" => (options.propagation, options.recursive) = (Some(Propagation::Shared), true),
            "rslave" => (options.propagation, options.recursive) = (Some(Propagation::Slave), true),
            other => data.push(other),
        }
    }
    (options, data.join(","))
}

/// `mount [-t type] [-o options] [source] target`; alone it lists.
pub async fn mount(cmd: &mut Cmd) -> Exit {
    // util-linux's long words for what `-o` can say as well.
    const LONG: &[&str] =
        &["bind", "rbind", "move", "make-private", "make-rprivate", "make-shared", "make-rshared", "make-slave", "make-rslave"];
    let mut words = Vec::new();
    cmd.args.retain(|arg| match arg.strip_prefix("--").filter(|w| LONG.contains(w)) {
        Some(word) => {
            words.push(word.trim_start_matches("make-").to_owned());
            false
        }
        None => true,
    });
    let spec = Spec { short: "t:o:rwna", not_modelled: "fivOT", usage: "[OPTIONS] [-o OPT] DEVICE NODE", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    words.extend(options.values('o').iter().cloned());
    if options.has('r') {
        words.push("ro".to_owned());
    }
    if options.has('a') {
        return Err(cmd.not_modelled("-a").await);
    }
    let kind = options.value('t').unwrap_or_default().to_owned();
    let (flags, data) = options_of(&words.join(","));
    let (source, target) = match options.operands.as_slice() {
        [] => return list(cmd, &kind).await,
        [target] if flags.remount || flags.propagation.is_some() => ("none".to_owned(), target.clone()),
        [source, target] => (source.clone(), target.clone()),
        [one] => return Err(cmd.fail(format!("can't find {one} in /etc/fstab")).await),
        _ => return Err(cmd.usage(&spec, "").await),
    };
    // `bind` with `ro` is two calls, as the kernel ignores other flags when it binds.
    let read_only_bind = flags.bind && flags.flags.read_only;
    let first = if read_only_bind { MountOptions { flags: Default::default(), ..flags } } else { flags };
    let mut done = cmd.sys.mount(&source, &target, &kind, first, &data);
    if done.is_ok() && read_only_bind {
        done = cmd.sys.mount("none", &target, "", MountOptions { remount: true, recursive: false, ..flags }, "");
    }
    match done {
        Ok(()) => Ok(0),
        Err(error) => Err(cmd.fail(format!("mounting {source} on {target} failed: {error}")).await),
    }
}

async fn list(cmd: &mut Cmd, kind: &str) -> Exit {
    let text = String::from_utf8_lossy(&cmd.read("/proc/mounts").await?).into_owned();
    for line in text.lines() {
        let fields: Vec<String> = line.split(' ').map(|f| f.replace("\\040", " ")).collect();
        if let [source, target, of_kind, options, ..] = fields.as_slice()
            && (kind.is_empty() || kind == of_kind)
        {
            cmd.line(format!("{source} on {target} type {of_kind} ({options})")).await?;
        }
    }
    Ok(0)
}

/// `umount [-lf] target…`
pub async fn umount(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "lfnrd", not_modelled: "at", usage: "[-rlfda] [-t FSTYPE] FILESYSTEM|DIRECTORY", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    if options.operands.is_empty() {
        return Err(cmd.usage(&spec, "").await);
    }
    let mut status = 0;
    for target in &options.operands {
        if let Err(error) = cmd.sys.umount(target, options.has('l')) {
            status = cmd.fail(format!("can't unmount {target}: {error}")).await;
        }
    }
    Ok(status)
}

/// `mountpoint [-q] directory`
pub async fn mountpoint(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "q", not_modelled: "dxn", usage: "[-q] { [-dn] DIR | -x DEVICE }", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let [path] = options.operands.as_slice() else { return Err(cmd.usage(&spec, "").await) };
    let stat = match cmd.sys.stat(path) {
        Ok(stat) => stat,
        Err(_) if options.has('q') => return Ok(1),
        Err(error) => return Err(cmd.fail_at(path, error).await),
    };
    if stat.kind != FileType::Directory {
        return Err(cmd.fail(format!("{path}: Not a directory")).await);
    }
    let real = cmd.sys.realpath(path).unwrap_or_else(|_| path.clone());
    let text = cmd.sys.read_file("/proc/self/mountinfo").await.unwrap_or_default();
    let yes = String::from_utf8_lossy(&text).lines().any(|line| line.split(' ').nth(4) == Some(real.as_str()));
    if !options.has('q') {
        cmd.line(format!("{path} is {}a mountpoint", if yes { "" } else { "not " })).await?;
    }
    Ok(i32::from(!yes))
}

/// `pivot_root new_root put_old`
pub async fn pivot_root(cmd: &mut Cmd) -> Exit {
    let [new, old] = cmd.args.as_slice() else {
        return Err(cmd.usage(&Spec { usage: "NEW_ROOT PUT_OLD", ..Spec::default() }, "").await);
    };
    match cmd.sys.pivot_root(new, old) {
        Ok(()) => Ok(0),
        Err(error) => Err(cmd.fail(format!("pivot_root: {error}")).await),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_flags_or_data() {
        let (options, data) = options_of("ro,nosuid,lowerdir=/a:/b,upperdir=/u,workdir=/w");
        assert!(options.flags.read_only && options.flags.nosuid && !options.bind);
        assert_eq!(data, "lowerdir=/a:/b,upperdir=/u,workdir=/w");
        let (options, _) = options_of("rbind,rprivate");
        assert!(options.bind && options.recursive);
        assert_eq!(options.propagation, Some(Propagation::Private));
    }
}
