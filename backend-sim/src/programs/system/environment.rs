//! `env`, `printenv`, `true`, `false`.

use super::run::become_program;
use crate::programs::cmd::{Cmd, Exit, Spec};

/// `env [-i] [-u name] [name=value…] [program [argument…]]`
pub async fn env(cmd: &mut Cmd) -> Exit {
    let spec = Spec {
        short: "+iu:0",
        long: &[("ignore-environment", 'i'), ("unset", 'u')],
        not_modelled: "",
        usage: "[-i0] [-u NAME]... [-] [NAME=VALUE]... [PROG ARGS]",
    };
    let options = cmd.options(&spec).await?;
    let mut operands = options.operands.iter().cloned().peekable();
    let clear = options.has('i') || operands.next_if(|o| o == "-").is_some();
    let mut environment = if clear { Vec::new() } else { cmd.sys.environ() };
    let remove = |environment: &mut Vec<String>, name: &str| environment.retain(|e| e.split('=').next() != Some(name));
    for name in options.values('u') {
        remove(&mut environment, name);
    }
    while let Some(entry) = operands.next_if(|o| o.contains('=')) {
        let name = entry.split('=').next().unwrap_or_default().to_owned();
        match environment.iter_mut().find(|e| e.split('=').next() == Some(&name)) {
            Some(old) => *old = entry,
            None => environment.push(entry),
        }
    }
    let words: Vec<String> = operands.collect();
    if words.is_empty() {
        for entry in environment {
            cmd.print(format!("{entry}{}", if options.has('0') { '\0' } else { '\n' })).await?;
        }
        return Ok(0);
    }
    Ok(become_program(cmd, &words, environment).await)
}

/// `printenv [name…]`
pub async fn printenv(cmd: &mut Cmd) -> Exit {
    if cmd.args.is_empty() {
        for entry in cmd.sys.environ() {
            cmd.line(entry).await?;
        }
        return Ok(0);
    }
    let mut status = 0;
    for name in cmd.args.clone() {
        match cmd.sys.getenv(&name) {
            Some(value) => cmd.line(value).await?,
            None => status = 1,
        }
    }
    Ok(status)
}

/// `true`
pub async fn yes(_: &mut Cmd) -> Exit {
    Ok(0)
}

/// `false`
pub async fn no(_: &mut Cmd) -> Exit {
    Ok(1)
}
