//! `drydock inspect`, `drydock container inspect`, `drydock image inspect`

use super::Definition;
use crate::failure::{Failure, Outcome};
use crate::inspect::{self, by_template};
use crate::session::Session;
use crate::template::Template;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::docker::Object;
use drydock_core::engine::Engine;
use drydock_core::{Error, ErrorKind, Result};
use serde_json::Value;

/// `inspect`
pub const DEFINITION: Definition = Definition {
    name: "inspect",
    about: "Return low-level information on Docker objects",
    usage: "[OPTIONS] NAME|ID [NAME|ID...]",
    arity: (1, None),
    flags: InspectArgs::augment_args,
    run: |matches, names, session| {
        let args = InspectArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
        let kind = match args.kind.as_deref() {
            None | Some("") => Kind::Any,
            Some("container") => Kind::Container,
            Some("image") => Kind::Image,
            Some("volume") => Kind::Volume,
            Some("network") => Kind::Network,
            Some(other) => {
                let words = "must be one of \"container\", \"image\", \"network\", \"volume\"";
                return Err(Failure::said(format!("unknown type: \"{}\": {words}", other.escape_debug())));
            }
        };
        show(args.format.as_deref(), kind, args.size, names, session)
    },
    ..Definition::PLAIN
};

/// `container inspect`
pub const CONTAINER: Definition = Definition {
    name: "",
    group: "container",
    in_group: &["inspect"],
    about: "Display detailed information on one or more containers",
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    flags: ContainerArgs::augment_args,
    run: |matches, names, session| {
        let args = ContainerArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
        show(args.format.as_deref(), Kind::Container, args.size, names, session)
    },
    ..DEFINITION
};

/// `image inspect`
pub const IMAGE: Definition = Definition {
    name: "",
    group: "image",
    in_group: &["inspect"],
    about: "Display detailed information on one or more images",
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    flags: PlainArgs::augment_args,
    run: |matches, names, session| show(plain(matches)?.as_deref(), Kind::Image, false, names, session),
    ..DEFINITION
};

#[derive(Args)]
struct InspectArgs {
    /// Format output using a custom template: 'json': Print in JSON format 'TEMPLATE': Print output using the given Go template.
    #[arg(short, long, value_name = "string")]
    format: Option<String>,
    /// Display total file sizes if the type is container
    #[arg(short, long)]
    size: bool,
    /// Only inspect objects of the given type
    #[arg(long = "type", value_name = "string")]
    kind: Option<String>,
}

#[derive(Args)]
struct ContainerArgs {
    /// Format output using a custom template: 'json': Print in JSON format 'TEMPLATE': Print output using the given Go template.
    #[arg(short, long, value_name = "string")]
    format: Option<String>,
    /// Display total file sizes
    #[arg(short, long)]
    size: bool,
}

#[derive(Args)]
pub(crate) struct PlainArgs {
    /// Format output using a custom template: 'json': Print in JSON format 'TEMPLATE': Print output using the given Go template.
    #[arg(short, long, value_name = "string")]
    pub format: Option<String>,
}

fn plain(matches: &ArgMatches) -> std::result::Result<Option<String>, Failure> {
    PlainArgs::from_arg_matches(matches).map(|a| a.format).map_err(|e| Failure::Flag(e.to_string()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Any,
    Container,
    Image,
    Volume,
    Network,
}

fn find(engine: &dyn Engine, name: &str, kind: Kind, size: bool) -> Result<Value> {
    let image = || engine.inspect(Object::Image, name);
    let volume = || engine.inspect(Object::Volume, name);
    let network = || engine.inspect(Object::Network, name);
    match kind {
        Kind::Image => return image(),
        Kind::Volume => return volume(),
        Kind::Network => return network(),
        Kind::Any | Kind::Container => {}
    }
    match engine.inspect(Object::Container { sizes: size }, name) {
        Ok(object) => Ok(object),
        Err(e) if kind == Kind::Any && e.kind() == ErrorKind::NotFound => {
            let found = image().or_else(|e| if e.kind() == ErrorKind::NotFound { network() } else { Err(e) });
            let found = found.or_else(|e| if e.kind() == ErrorKind::NotFound { volume() } else { Err(e) });
            found.map_err(|e| {
                let missing = e.kind() == ErrorKind::NotFound;
                if missing { Error::not_found(format!("No such object: {name}")) } else { e }
            })
        }
        Err(e) => Err(e),
    }
}

fn show(format: Option<&str>, kind: Kind, size: bool, names: &[String], session: &mut Session<'_>) -> Outcome {
    show_as(format, kind, names, session, &|engine, name| find(engine, name, kind, size))
}

/// Shows objects of one kind, each found by its name.
pub(crate) fn show_objects(format: Option<&str>, names: &[String], session: &mut Session<'_>, find: Finder<'_>) -> Outcome {
    show_as(format, Kind::Volume, names, session, find)
}

type Finder<'a> = &'a dyn Fn(&dyn Engine, &str) -> Result<Value>;

fn show_as(format: Option<&str>, kind: Kind, names: &[String], session: &mut Session<'_>, find: Finder<'_>) -> Outcome {
    let format = format.unwrap_or_default();
    let template = match format {
        "" | "json" => None,
        text => Some(Template::parse(text).map_err(|e| Failure::Said(format!("template parsing error: {e}"), 64))?),
    };
    let engine = session.engine()?;
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for name in names {
        match find(&*engine, name) {
            Ok(value) => found.push(value),
            Err(error) => missing.push(error),
        }
    }
    match &template {
        Some(template) => {
            let (mut nothing, mut stopped) = (true, None);
            for value in &mut found {
                // Sizes that were not asked for are nothing, and no mistake.
                if let (Value::Object(fields), false) = (&mut *value, matches!(kind, Kind::Image | Kind::Volume | Kind::Network)) {
                    for field in ["SizeRw", "SizeRootFs"] {
                        fields.entry(field).or_insert(Value::Null);
                    }
                }
                match by_template(template, value) {
                    Ok(line) => session.say(&line)?,
                    Err(failure) => {
                        stopped = Some(failure);
                        break;
                    }
                }
                nothing = false;
            }
            if nothing {
                // Docker ends what it has written with a line, also where that is nothing.
                session.say("")?;
            }
            if let Some(failure) = stopped {
                return Err(failure);
            }
        }
        None => {
            let text = if format == "json" { Value::Array(found).to_string() } else { inspect::indented(&Value::Array(found)) };
            session.say(&text)?;
        }
    }
    for error in &missing {
        // That nothing at all has this name is what the client found out, after it had asked for everything.
        if kind == Kind::Any && error.kind() == ErrorKind::NotFound && !session.host.json_errors {
            session.complain(&format!("Error: {error}"));
        } else {
            session.refused(error);
        }
    }
    Ok(missing.first().map_or(0, Error::exit_code))
}
