//! `wget`

use super::{BadUrl, Failure, Request, Url, fetch, resolve};
use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::programs::files;
use crate::programs::time::duration;

const LONG: &[(&str, char)] = &[
    ("output-document", 'O'),
    ("quiet", 'q'),
    ("server-response", 'S'),
    ("timeout", 'T'),
    ("spider", 's'),
    ("header", 'h'),
    ("user-agent", 'U'),
    ("post-data", 'p'),
    ("tries", 't'),
];

/// `wget [-q] [-S] [-O file] [-T seconds] [--spider] [--header line] [--post-data text] url`
pub async fn wget(cmd: &mut Cmd) -> Exit {
    let spec = Spec {
        short: "qSO:T:sh:U:p:t:c",
        long: LONG,
        not_modelled: "PYo",
        usage: "[-cqS] [--spider] [-O FILE] [--header STR] [-T SEC] URL...",
    };
    let options = cmd.options(&spec).await?;
    if options.operands.is_empty() {
        return Err(cmd.usage(&spec, "").await);
    }
    let quiet = options.has('q');
    for text in options.operands.clone() {
        let mut url = match Url::parse(&text) {
            Ok(url) => url,
            Err(BadUrl::Scheme(scheme)) if scheme == "https" || scheme == "ftp" => {
                return Err(cmd.not_modelled(&format!("{scheme}://")).await);
            }
            Err(_) => return Err(cmd.fail(format!("not an http or ftp url: {text}")).await),
        };
        let mut headers = vec![format!("User-Agent: {}", options.value('U').unwrap_or("Wget"))];
        headers.extend(options.values('h').iter().cloned());
        let body = options.value('p').unwrap_or_default().as_bytes().to_vec();
        let method = if options.has('p') { "POST" } else { "GET" };
        let request = Request { method: method.to_owned(), headers, body };
        let mut redirects = 0;
        let response = loop {
            let address = match resolve(&cmd.sys, &url).await {
                Ok(address) => address,
                Err(_) => return Err(cmd.fail(format!("bad address '{}'", url.authority())).await),
            };
            if !quiet {
                cmd.sys.eprint(&format!("Connecting to {} ({address}:{})\n", url.authority(), url.port)).await;
            }
            let response = match fetch(&cmd.sys, &url, address, &request, options.value('T').and_then(duration)).await {
                Ok(response) => response,
                Err(Failure::TimedOut) if options.has('T') => return Err(cmd.fail("download timed out").await),
                Err(Failure::TimedOut) => {
                    return Err(cmd.fail(format!("can't connect to remote host ({address}): Connection timed out")).await);
                }
                Err(Failure::Connect(address, error)) => {
                    return Err(cmd.fail(format!("can't connect to remote host ({address}): {error}")).await);
                }
                Err(_) => return Err(cmd.fail("error getting response").await),
            };
            if options.has('S') {
                let lines: String = std::iter::once(&response.status_line).chain(&response.headers).map(|l| format!("  {l}\n")).collect();
                cmd.sys.eprint(&format!("{lines}  \n")).await;
            }
            match (response.status, response.header("Location")) {
                (301 | 302 | 303 | 307 | 308, Some(to)) if redirects < 5 => {
                    redirects += 1;
                    url = match Url::parse(to) {
                        _ if to.starts_with('/') => Url { path: to.to_owned(), ..url },
                        Ok(next) => next,
                        Err(_) => return Err(cmd.not_modelled(to).await),
                    };
                }
                _ => break response,
            }
        };
        if !(200..300).contains(&response.status) {
            return Err(cmd.fail(format!("server returned error: {}", response.status_line)).await);
        }
        if options.has('s') {
            if !quiet {
                cmd.sys.eprint("remote file exists\n").await;
            }
            continue;
        }
        let path = options.value('O').map_or_else(
            || match files::base(url.path.split('?').next().unwrap_or_default()) {
                "/" | "" => "index.html".to_owned(),
                name => name.to_owned(),
            },
            str::to_owned,
        );
        let place = if path == "-" { "writing to stdout".to_owned() } else { format!("saving to '{path}'") };
        if !quiet {
            cmd.sys.eprint(&format!("{place}\n")).await;
        }
        if path == "-" {
            cmd.write(&response.body).await?;
        } else if let Err(error) = cmd.sys.write_file(&path, &response.body).await {
            return Err(cmd.cannot("open", &path, error).await);
        }
        if !quiet {
            let size = response.body.len();
            let bar = format!("{path:<20.20} 100% |{}| {size:5}  0:00:00 ETA\n", "*".repeat(32));
            let end = if path == "-" { "written to stdout\n".to_owned() } else { format!("'{path}' saved\n") };
            cmd.sys.eprint(&format!("{bar}{end}")).await;
        }
    }
    Ok(0)
}
