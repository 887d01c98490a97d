//! `sed`: addresses, and the commands `s y p d D n N g G h H x q i a c = r w { } b t :`.

mod parse;
mod run;

use crate::programs::cmd::{Cmd, Exit, Spec};
use parse::BadScript;

const SED: Spec = Spec {
    short: "+ni::Eresf:e:",
    long: &[("quiet", 'n'), ("in-place", 'i'), ("regexp-extended", 'E'), ("expression", 'e')],
    not_modelled: "sz",
    usage: "[-i[SFX]] [-nrE] [-f FILE]... [-e CMD]... [FILE]...\nor: sed [-i[SFX]] [-nrE] CMD [FILE]...",
};

/// `sed [-nErsi] [-e script | -f file | script] [file…]`
pub async fn sed(cmd: &mut Cmd) -> Exit {
    // `-i` takes a suffix only if it is attached, which getopt cannot say.
    let mut in_place = None;
    cmd.args.retain_mut(|arg| {
        if let Some(suffix) = arg.strip_prefix("-i").or_else(|| arg.strip_prefix("--in-place")) {
            in_place = Some(suffix.trim_start_matches('=').to_owned());
            return false;
        }
        true
    });
    let spec = Spec { short: "nEre:f:", ..SED };
    let options = cmd.options(&spec).await?;
    let mut operands = options.operands.clone();
    let mut script: Vec<String> = options.values('e').to_vec();
    for path in options.values('f') {
        let Some(text) = super::text(cmd, path).await else { return Ok(1) };
        script.push(text.trim_end_matches('\n').to_owned());
    }
    if script.is_empty() {
        if operands.is_empty() {
            return Err(cmd.usage(&spec, "").await);
        }
        script.push(operands.remove(0));
    }
    let extended = options.has('E') || options.has('r');
    let commands = match parse::script(&script.join("\n"), extended) {
        Ok(commands) => commands,
        Err(BadScript::Wrong(message)) => return Err(cmd.fail(message).await),
        Err(BadScript::NotModelled(what)) => return Err(cmd.not_modelled(&what).await),
    };
    run::run(cmd, &commands, &operands, options.has('n'), in_place.as_deref()).await
}
