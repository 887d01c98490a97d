//! `curl`: the options that people use to look at a web server.

use super::{BadUrl, Failure, Request, Response, Url, fetch, resolve};
use crate::programs::cmd::{Cmd, Exit, Options, Spec, Wrong, getopt};
use crate::programs::files;
use crate::programs::time::duration;
use crate::sys::Errno;

const LONG: &[(&str, char)] = &[
    ("silent", 's'),
    ("show-error", 'S'),
    ("head", 'I'),
    ("include", 'i'),
    ("output", 'o'),
    ("remote-name", 'O'),
    ("fail", 'f'),
    ("location", 'L'),
    ("request", 'X'),
    ("header", 'H'),
    ("data", 'd'),
    ("write-out", 'w'),
    ("max-time", 'm'),
    ("connect-timeout", 'C'),
    ("user-agent", 'A'),
    ("verbose", 'v'),
];

/// `curl [-sSIifLv] [-o file] [-O] [-X method] [-H header] [-d data] [-w format] [-m seconds] url…`
pub async fn curl(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "sSIio:OfLX:H:d:w:m:C:A:4", long: LONG, not_modelled: "kuFTxbcerGv6Nn", usage: "" };
    let options = match getopt(&spec, &cmd.args) {
        Ok(options) => options,
        Err(Wrong::NotModelled(option)) => return Err(cmd.not_modelled(&option).await),
        Err(Wrong::Invalid(_)) => {
            cmd.sys.eprint("curl: option: is unknown\ncurl: try 'curl --help' or 'curl --manual' for more information\n").await;
            return Ok(2);
        }
    };
    if options.operands.is_empty() {
        cmd.sys.eprint("curl: try 'curl --help' or 'curl --manual' for more information\n").await;
        return Ok(2);
    }
    let mut code = 0;
    for text in options.operands.clone() {
        code = one(cmd, &options, &text).await?;
    }
    Ok(code)
}

/// Says why not, unless it is to be silent, and gives curl's exit code.
async fn failed(cmd: &mut Cmd, options: &Options, code: i32, message: &str) -> Exit {
    if !options.has('s') || options.has('S') {
        cmd.flush().await?;
        cmd.sys.eprint(&format!("curl: ({code}) {message}\n")).await;
    }
    Ok(code)
}

async fn one(cmd: &mut Cmd, options: &Options, text: &str) -> Exit {
    let mut url = match Url::parse(text) {
        Ok(url) => url,
        Err(BadUrl::Scheme(scheme)) if scheme == "https" => return Err(cmd.not_modelled("https://").await),
        Err(BadUrl::Scheme(scheme)) => {
            let message = format!("Protocol \"{scheme}\" not supported or disabled in libcurl");
            return failed(cmd, options, 1, &message).await;
        }
        Err(BadUrl::Malformed) => return failed(cmd, options, 3, "URL using bad/illegal format or missing URL").await,
    };
    let body = options.values('d').join("&").into_bytes();
    let method = match (options.value('X'), options.has('I'), options.has('d')) {
        (Some(method), ..) => method,
        (_, true, _) => "HEAD",
        (_, _, true) => "POST",
        _ => "GET",
    };
    let mut headers = vec![format!("User-Agent: {}", options.value('A').unwrap_or("curl/8.5.0")), "Accept: */*".to_owned()];
    headers.extend(options.values('H').iter().cloned());
    if options.has('d') {
        headers.push("Content-Type: application/x-www-form-urlencoded".to_owned());
    }
    let request = Request { method: method.to_owned(), headers, body };
    let timeout = options.value('m').and_then(duration).or_else(|| options.value('C').and_then(duration));
    let start = cmd.sys.moment();
    let mut redirects = 0;
    let response = loop {
        let address = match resolve(&cmd.sys, &url).await {
            Ok(address) => address,
            Err(_) => return failed(cmd, options, 6, &format!("Could not resolve host: {}", url.host)).await,
        };
        match fetch(&cmd.sys, &url, address, &request, timeout).await {
            Ok(response) => match (response.status, response.header("Location")) {
                (301 | 302 | 303 | 307 | 308, Some(to)) if options.has('L') && redirects < 50 => {
                    redirects += 1;
                    if options.has('i') || options.has('I') {
                        cmd.write(&head(&response)).await?;
                    }
                    url = match Url::parse(to) {
                        _ if to.starts_with('/') => Url { path: to.to_owned(), ..url },
                        Ok(next) => next,
                        Err(_) => return Err(cmd.not_modelled(to).await),
                    };
                }
                _ => break response,
            },
            Err(Failure::TimedOut) => {
                let took = cmd.sys.moment().since(start).as_millis();
                return failed(cmd, options, 28, &format!("Connection timed out after {took} milliseconds")).await;
            }
            Err(Failure::Connect(_, error)) => {
                let took = cmd.sys.moment().since(start).as_millis();
                let why = if error == Errno::EHOSTUNREACH { "No route to host" } else { "Couldn't connect to server" };
                return failed(cmd, options, 7, &format!("Failed to connect to {} port {} after {took} ms: {why}", url.host, url.port))
                    .await;
            }
            Err(_) => return failed(cmd, options, 52, "Empty reply from server").await,
        }
    };
    if options.has('f') && response.status >= 400 {
        return failed(cmd, options, 22, &format!("The requested URL returned error: {}", response.status)).await;
    }
    let mut out = Vec::new();
    if options.has('i') || options.has('I') {
        out.extend(head(&response));
    }
    out.extend_from_slice(&response.body);
    let file = match (options.value('o'), options.has('O')) {
        (Some("-"), _) | (None, false) => None,
        (Some(path), _) => Some(path.to_owned()),
        (None, true) => Some(files::base(&url.path).to_owned()),
    };
    match file {
        None => cmd.write(&out).await?,
        Some(path) => {
            if let Err(error) = cmd.sys.write_file(&path, &out).await {
                return failed(cmd, options, 23, &format!("Failure writing output to destination: {error}")).await;
            }
        }
    }
    if let Some(format) = options.value('w') {
        let took = format!("{:.6}", cmd.sys.moment().since(start).as_secs_f64());
        let text = format
            .replace("%{http_code}", &response.status.to_string())
            .replace("%{response_code}", &response.status.to_string())
            .replace("%{size_download}", &response.body.len().to_string())
            .replace("%{time_total}", &took)
            .replace("\\n", "\n");
        cmd.print(text).await?;
    }
    Ok(0)
}

fn head(response: &Response) -> Vec<u8> {
    let lines = std::iter::once(&response.status_line).chain(&response.headers);
    format!("{}\r\n", lines.map(|line| format!("{line}\r\n")).collect::<String>()).into_bytes()
}
