//! Web servers: `httpd` as busybox has it, `nginx` as far as serving files goes.

mod nginx;
mod serve;

pub use nginx::nginx;

use crate::programs::cmd::{Cmd, Exit, Spec};
use serve::{Listener, Log, Style};

/// `httpd -f [-p [address:]port] [-h directory]`
pub async fn httpd(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "fp:h:v", not_modelled: "icurdme", usage: "[-ifv[v]] [-p [IP:]PORT] [-h HOME]", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let place = options.value('p').unwrap_or("80");
    let (address, port) = place.rsplit_once(':').unwrap_or(("0.0.0.0", place));
    let (Ok(address), Ok(port)) = (address.parse(), port.parse()) else {
        return Err(cmd.fail(format!("bad address '{place}'")).await);
    };
    let root = options.value('h').unwrap_or(".").to_owned();
    let listener = match Listener::open(&cmd.sys, address, port) {
        Ok(listener) => listener,
        Err(error) => return Err(cmd.fail(format!("bind: {error}")).await),
    };
    let style = Style { root, index: "index.html", server: None, log: Log::None, welcome: None };
    if options.has('f') {
        return Ok(serve::serve(&cmd.sys, &[listener], &style).await);
    }
    let body = move |sys: crate::sys::Sys| -> crate::programs::Running {
        Box::pin(async move {
            sys.setsid().ok();
            serve::serve(&sys, &[listener], &style).await
        })
    };
    match cmd.sys.fork_with(Box::new(body)) {
        Ok(_) => Ok(0),
        Err(error) => Err(cmd.fail(format!("can't fork: {error}")).await),
    }
}
