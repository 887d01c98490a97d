//! `nginx`: a master and a worker that serves files. Of its configuration it knows `listen` and `root`.

use super::serve::{Listener, Log, Style, serve};
use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::sys::{Disposition, Errno, Sys, Target, WaitFor};
use drydock_core::kernel::Signal;
use std::net::IpAddr;

/// What `Server:` says.
const SERVER: &str = "nginx/1.27.0";
const ROOT: &str = "/usr/share/nginx/html";

/// Served where an image brings no page of its own.
const WELCOME: &str = "<!DOCTYPE html>\n<html>\n<head>\n<title>Welcome to nginx!</title>\n</head>\n<body>\n<h1>Welcome to nginx!</h1>\n\
<p>If you see this page, the nginx web server is successfully installed and\nworking.</p>\n</body>\n</html>\n";

/// What a configuration says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Config {
    listen: Vec<(IpAddr, u16)>,
    root: Option<String>,
    daemon: Option<bool>,
    /// A directive that would change what is served, and is not modelled.
    unknown: Option<String>,
}

impl Config {
    fn read(&mut self, text: &str) {
        // Directives end at `;`, blocks at braces; comments go to the end of their line.
        let plain: String = text.lines().map(|line| line.split('#').next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
        for directive in plain.split([';', '{', '}']) {
            let words: Vec<&str> = directive.split_whitespace().collect();
            match words.as_slice() {
                ["listen", place, ..] => self.listen.extend(place_of(place)),
                ["root", path, ..] => self.root = self.root.take().or_else(|| Some((*path).to_owned())),
                ["daemon", "off"] => self.daemon = Some(false),
                ["daemon", "on"] => self.daemon = Some(true),
                [name @ ("proxy_pass" | "fastcgi_pass" | "rewrite" | "return" | "ssl_certificate" | "upstream"), ..] => {
                    self.unknown.get_or_insert_with(|| (*name).to_owned());
                }
                _ => {}
            }
        }
    }
}

fn place_of(place: &str) -> Option<(IpAddr, u16)> {
    let any = IpAddr::from([0, 0, 0, 0]);
    if let Ok(port) = place.parse() {
        return Some((any, port));
    }
    let (address, port) = place.rsplit_once(':')?;
    let address = if address == "*" { any } else { address.trim_matches(['[', ']']).parse().ok()? };
    Some((address, port.parse().ok()?))
}

/// `nginx [-g directives] [-c file] [-t] [-v] [-s signal]`
pub async fn nginx(cmd: &mut Cmd) -> Exit {
    let spec =
        Spec { short: "g:c:tvVqs:p:e:", usage: "[-?hvVtTq] [-s signal] [-p prefix] [-c filename] [-g directives]", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    if options.has('v') || options.has('V') {
        cmd.sys.eprint(&format!("nginx version: {SERVER}\n")).await;
        return Ok(0);
    }
    if options.has('s') {
        return send(cmd, options.value('s').unwrap_or_default()).await;
    }
    let mut config = Config::default();
    config.read(options.value('g').unwrap_or_default());
    let main = options.value('c').unwrap_or("/etc/nginx/nginx.conf").to_owned();
    let mut files = vec![main.clone()];
    for directory in ["/etc/nginx/conf.d", "/etc/nginx/sites-enabled", "/etc/nginx/http.d"] {
        let entries = cmd.sys.readdir(directory).unwrap_or_default();
        files.extend(entries.into_iter().map(|entry| format!("{directory}/{}", entry.name)));
    }
    for path in files {
        if let Ok(bytes) = cmd.sys.read_file(&path).await {
            config.read(&String::from_utf8_lossy(&bytes));
        } else if options.has('c') && path == main {
            return Err(emergency(cmd, &format!("open() \"{main}\" failed (2: No such file or directory)")).await);
        }
    }
    if let Some(name) = config.unknown {
        return Err(cmd.not_modelled(&format!("directive {name}")).await);
    }
    if options.has('t') {
        cmd.sys
            .eprint(&format!("nginx: the configuration file {main} syntax is ok\nnginx: configuration file {main} test is successful\n"))
            .await;
        return Ok(0);
    }
    if config.listen.is_empty() {
        config.listen.push((IpAddr::from([0, 0, 0, 0]), 80));
    }
    config.listen.dedup();
    let mut listeners = Vec::new();
    for (address, port) in config.listen {
        // IPv6 is optional on hosts that have none.
        match Listener::open(&cmd.sys, address, port) {
            Ok(listener) => listeners.push(listener),
            Err(Errno::EAFNOSUPPORT | Errno::EADDRINUSE | Errno::EADDRNOTAVAIL) if address.is_ipv6() => {}
            Err(error) => return Err(emergency(cmd, &format!("bind() to {address}:{port} failed ({}: {error})", error.0)).await),
        }
    }
    let root = config.root.unwrap_or_else(|| ROOT.to_owned());
    let style = Style { root, index: "index.html", server: Some(SERVER), log: Log::Combined, welcome: Some(WELCOME) };
    if config.daemon == Some(false) {
        return Ok(master(&cmd.sys, listeners, style).await);
    }
    let body = move |sys: Sys| -> crate::programs::Running {
        Box::pin(async move {
            sys.setsid().ok();
            master(&sys, listeners, style).await
        })
    };
    match cmd.sys.fork_with(Box::new(body)) {
        Ok(_) => Ok(0),
        Err(error) => Err(emergency(cmd, &format!("fork() failed ({}: {error})", error.0)).await),
    }
}

async fn emergency(cmd: &mut Cmd, message: &str) -> i32 {
    cmd.sys.eprint(&format!("nginx: [emerg] {message}\n")).await;
    1
}

/// The master: it starts the worker, starts it again when it dies, and ends with it.
async fn master(sys: &Sys, listeners: Vec<Listener>, style: Style) -> i32 {
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        sys.set_disposition(signal, Disposition::Catch).ok();
    }
    sys.write_file("/run/nginx.pid", format!("{}\n", sys.getpid()).as_bytes()).await.ok();
    loop {
        let (listeners, style) = (listeners.clone(), style.clone());
        let worker = match sys.fork_with(Box::new(move |sys| Box::pin(async move { serve(&sys, &listeners, &style).await }))) {
            Ok(pid) => pid,
            Err(_) => return 1,
        };
        loop {
            match sys.wait(WaitFor::Any, false).await {
                Ok(Some((pid, _))) if pid == worker => break,
                Ok(_) => {}
                Err(_) => {}
            }
            if sys.take_signal().is_some() {
                sys.kill(Target::Pid(worker), Some(Signal::TERM)).ok();
                while !matches!(sys.wait(WaitFor::Pid(worker), false).await, Ok(Some(_)) | Err(Errno::ECHILD)) {}
                sys.unlink("/run/nginx.pid").ok();
                return 0;
            }
        }
    }
}

/// `nginx -s stop|quit|reload`
async fn send(cmd: &mut Cmd, word: &str) -> Exit {
    let signal = match word {
        "stop" => Signal::TERM,
        "quit" => Signal::QUIT,
        "reload" | "reopen" => return Err(cmd.not_modelled(&format!("-s {word}")).await),
        other => {
            cmd.sys.eprint(&format!("nginx: invalid option: \"-s {other}\"\n")).await;
            return Ok(1);
        }
    };
    let pid = cmd.sys.read_file("/run/nginx.pid").await.unwrap_or_default();
    let Ok(pid) = String::from_utf8_lossy(&pid).trim().parse() else {
        cmd.sys.eprint("nginx: [error] open() \"/run/nginx.pid\" failed (2: No such file or directory)\n").await;
        return Ok(1);
    };
    match cmd.sys.kill(Target::Pid(pid), Some(signal)) {
        Ok(()) => Ok(0),
        Err(error) => {
            cmd.sys.eprint(&format!("nginx: [alert] kill({pid}, {}) failed ({}: {error})\n", signal.number(), error.0)).await;
            Ok(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_are_skimmed_for_what_matters() {
        let mut config = Config::default();
        config.read("server { listen 8080; listen [::]:80 default_server; # listen 1;\n root /www; location / { try_files $uri =404; } }");
        assert_eq!(config.listen, [(IpAddr::from([0, 0, 0, 0]), 8080), ("::".parse().expect("address"), 80)]);
        assert_eq!((config.root.as_deref(), config.unknown), (Some("/www"), None));
        let mut config = Config::default();
        config.read("daemon off; location / { proxy_pass http://x; }");
        assert_eq!((config.daemon, config.unknown.as_deref()), (Some(false), Some("proxy_pass")));
    }
}
