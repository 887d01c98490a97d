//! `basename`, `dirname`, `readlink`, `realpath`, `pwd`, `which`.

use super::{base, parent};
use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::sys::FileType;

/// `basename path [suffix]`, `basename -a path…`, `basename -s suffix path…`
pub async fn basename(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "+as:", usage: "FILE [SUFFIX] | -a FILE... | -s SUFFIX FILE...", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let many = options.has('a') || options.has('s');
    let (paths, suffix) = match options.operands.as_slice() {
        [] => return Err(cmd.usage(&spec, "").await),
        all if many => (all, options.value('s')),
        [path, suffix] => (std::slice::from_ref(path), Some(suffix.as_str())),
        [path] => (std::slice::from_ref(path), None),
        _ => return Err(cmd.usage(&spec, "").await),
    };
    for path in paths {
        let name = base(path);
        let short = suffix.and_then(|s| name.strip_suffix(s)).filter(|s| !s.is_empty()).unwrap_or(name);
        cmd.line(short).await?;
    }
    Ok(0)
}

/// `dirname path`
pub async fn dirname(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "+", usage: "FILENAME", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let [path] = options.operands.as_slice() else { return Err(cmd.usage(&spec, "").await) };
    cmd.line(parent(path)).await?;
    Ok(0)
}

/// `readlink [-fn] path…`
pub async fn readlink(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "fnvqs", not_modelled: "em", usage: "[-fnv] FILE", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    if options.operands.is_empty() {
        return Err(cmd.usage(&spec, "").await);
    }
    let mut status = 0;
    for path in &options.operands {
        let target = if options.has('f') {
            // The last part need not exist.
            cmd.sys.realpath(path).or_else(|_| cmd.sys.realpath(parent(path)).map(|above| super::join(&above, base(path))))
        } else {
            cmd.sys.readlink(path)
        };
        match target {
            Ok(target) if options.has('n') => cmd.print(target).await?,
            Ok(target) => cmd.line(target).await?,
            Err(_) => status = 1,
        }
    }
    Ok(status)
}

/// `realpath path…`
pub async fn realpath(cmd: &mut Cmd) -> Exit {
    let spec = Spec { usage: "FILE...", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    if options.operands.is_empty() {
        return Err(cmd.usage(&spec, "").await);
    }
    let mut status = 0;
    for path in &options.operands {
        match cmd.sys.realpath(path) {
            Ok(real) => cmd.line(real).await?,
            Err(error) => status = cmd.fail_at(path, error).await,
        }
    }
    Ok(status)
}

/// `pwd [-LP]`
pub async fn pwd(cmd: &mut Cmd) -> Exit {
    match cmd.sys.getcwd() {
        Ok(path) => cmd.line(path).await.map(|()| 0),
        Err(error) => Err(cmd.fail(format!("getcwd: {error}")).await),
    }
}

/// `which [-a] name…`
pub async fn which(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&Spec { short: "a", usage: "[-a] COMMAND...", ..Spec::default() }).await?;
    let path = cmd.sys.getenv("PATH").unwrap_or_else(|| "/sbin:/usr/sbin:/bin:/usr/bin".to_owned());
    let mut status = 0;
    for name in &options.operands {
        let places: Vec<String> = if name.contains('/') {
            vec![name.clone()]
        } else {
            path.split(':').map(|directory| super::join(if directory.is_empty() { "." } else { directory }, name)).collect()
        };
        let runs = |path: &String| {
            cmd.sys.stat(path).is_ok_and(|s| s.kind == FileType::Regular) && cmd.sys.access(path, false, false, true).is_ok()
        };
        let mut found: Vec<String> = places.into_iter().filter(runs).collect();
        if !options.has('a') {
            found.truncate(1);
        }
        status |= i32::from(found.is_empty());
        for path in found {
            cmd.line(path).await?;
        }
    }
    Ok(status)
}
