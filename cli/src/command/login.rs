//! `drydock login` and `drydock logout`

use super::Definition;
use crate::environment::{CLIENT, Standard, StreamOptions};
use crate::failure::{Failure, Outcome};
use crate::keychain::{Config, Stored};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::io::Input;
use drydock_core::registry::{Access, Credentials, Secret, endpoint};
use drydock_core::{Error, ErrorKind};
use std::io::Read as _;

/// The longest password that is read, in bytes.
const LONGEST: u64 = 64 << 10;

/// `login`
pub const LOGIN: Definition = Definition {
    name: "login",
    about: "Authenticate to a registry",
    usage: "[OPTIONS] [SERVER]",
    arity: (0, Some(1)),
    common: true,
    flags: LoginArgs::augment_args,
    run: login,
    ..Definition::PLAIN
};

/// `logout`
pub const LOGOUT: Definition = Definition {
    name: "logout",
    about: "Log out from a registry",
    usage: "[SERVER]",
    arity: (0, Some(1)),
    common: true,
    run: logout,
    ..Definition::PLAIN
};

#[derive(Args)]
struct LoginArgs {
    /// Talk to this registry without TLS, or accept any certificate of it
    #[arg(long, value_name = "list")]
    insecure_registry: Vec<String>,
    /// Password or Personal Access Token (PAT)
    #[arg(short, long, value_name = "string")]
    password: Option<String>,
    /// Take the Password or Personal Access Token (PAT) from stdin
    #[arg(long)]
    password_stdin: bool,
    /// Username
    #[arg(short, long, value_name = "string")]
    username: Option<String>,
}

/// How a registry is reached by whoever uses this client. A file that cannot be read is a warning, as with Docker: most pulls need none.
pub(crate) fn access(session: &mut Session<'_>, host: &str, insecure: &[String]) -> Result<Access, Failure> {
    let mut keychain = session.environment.keychain(&session.host)?;
    let credentials = match Config::read(&mut *keychain) {
        Ok(mut config) => config.credentials(host)?,
        Err(error) => {
            session.complain(&format!("WARNING: {error}"));
            Credentials::None
        }
    };
    Ok(Access { credentials, insecure: insecure.to_vec(), ..Access::default() })
}

fn login(matches: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let args = LoginArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let host = endpoint::server(words.first().map(String::as_str).unwrap_or_default());
    let password = password(&args, session)?;
    let engine = session.engine()?;
    let mut keychain = session.environment.keychain(&session.host)?;
    let mut config = Config::read(&mut *keychain)?;
    let kept = config.credentials(&host)?;
    if let (None, None, false) = (&args.username, &password, matches!(kept, Credentials::None)) {
        let name = if let Credentials::Basic { username, .. } = &kept { format!(" [Username: {username}]") } else { String::new() };
        session.complain(&format!(
            "Authenticating with existing credentials...{name}\n\n Info -> To login with a different account, run 'drydock logout' followed by \
             'drydock login'\n\n"
        ));
        engine.login(&host, &Access { credentials: kept, insecure: args.insecure_registry.clone(), ..Access::default() })?;
        session.say("Login Succeeded")?;
        return Ok(0);
    }
    let known = if let Credentials::Basic { username, .. } = &kept { Some(username.as_str()) } else { None };
    let username = match args.username {
        Some(name) => name,
        None => ask(session, known)?,
    };
    let password = match password {
        Some(password) => password,
        None => Secret::new(type_in(session, "Password: ", false)?),
    };
    if username.is_empty() || password.is_empty() {
        return Err(Failure::said(if username.is_empty() { "Error: username is empty" } else { "Error: password is empty" }));
    }
    let credentials = Credentials::Basic { username: username.clone(), password: password.clone() };
    engine.login(&host, &Access { credentials, insecure: args.insecure_registry.clone(), ..Access::default() })?;
    if let Stored::Plainly(place) = config.store(&host, &username, &password)? {
        session.complain(&format!(
            "\nWARNING! Your credentials are stored unencrypted in '{place}'.\nConfigure a credential helper to remove this warning. See\n\
             https://docs.docker.com/go/credential-store/\n"
        ));
    }
    session.say("Login Succeeded")?;
    Ok(0)
}

/// The password that the command line gives, in whatever way.
fn password(args: &LoginArgs, session: &mut Session<'_>) -> Result<Option<Secret>, Failure> {
    if args.password.is_some() && args.password_stdin {
        return Err(Failure::said("conflicting options: cannot specify both --password and --password-stdin"));
    }
    if args.password.is_some() {
        session.complain("WARNING! Using --password via the CLI is insecure. Use --password-stdin.");
    }
    if !args.password_stdin {
        return Ok(args.password.clone().map(Secret::new));
    }
    if args.username.is_none() {
        return Err(Failure::said("the --password-stdin option requires --username to be set"));
    }
    let mut text = String::new();
    let source = session.environment.source("-")?;
    let read = source.reader.take(LONGEST).read_to_string(&mut text);
    read.map_err(|e| Error::new(ErrorKind::System, "the password cannot be read").op(CLIENT).source(e))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Some(Secret::new(text.strip_suffix('\r').unwrap_or(text))))
}

fn ask(session: &mut Session<'_>, known: Option<&str>) -> Result<String, Failure> {
    let prompt = known.map_or_else(|| "Username: ".to_owned(), |name| format!("Username ({name}): "));
    let typed = type_in(session, &prompt, true)?;
    Ok(if typed.is_empty() { known.unwrap_or_default().to_owned() } else { typed })
}

/// A line from a person at a terminal, shown as it is typed or not.
fn type_in(session: &mut Session<'_>, prompt: &str, shown: bool) -> Result<String, Failure> {
    if !session.environment.is_terminal(Standard::Input) {
        return Err(Failure::said("Error: Cannot perform an interactive login from a non TTY device"));
    }
    write!(session.environment.out(), "{prompt}")?;
    session.environment.out().flush()?;
    let mut line = Vec::new();
    let mut over = false;
    {
        let mut io = session.environment.streams(StreamOptions { stdin: true, terminal: true, signals: false })?;
        'typing: while !over {
            let Input::Bytes(bytes) = io.input(true)? else { break };
            for byte in bytes {
                match byte {
                    b'\r' | b'\n' => break 'typing,
                    3 | 4 => over = true,
                    8 | 127 => drop(line.pop()),
                    byte if byte >= b' ' => {
                        line.push(byte);
                        if shown {
                            io.output(drydock_core::io::Stream::Stdout, &[byte])?;
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    session.say("")?;
    if over {
        return Err(Failure::Said(String::new(), 130));
    }
    String::from_utf8(line).map_err(|_| Failure::said("Error: what was typed is not UTF-8"))
}

fn logout(_: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let host = endpoint::server(words.first().map(String::as_str).unwrap_or_default());
    let shown = endpoint::key(&host).to_owned();
    session.say(&format!("Removing login credentials for {shown}"))?;
    // A history is kept only of commands that open their engine, and this one changes what the next ones do.
    let _ = session.engine()?;
    let mut keychain = session.environment.keychain(&session.host)?;
    Config::read(&mut *keychain)?.erase(&host)?;
    Ok(0)
}
