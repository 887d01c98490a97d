//! `drydock volume create`, `ls`, `inspect`, `rm`, `prune`

use super::Definition;
use super::inspect::{PlainArgs, show_objects};
use super::prune::{PruneArgs, tell, tell_space};
use super::ps::FORMAT_HELP;
use crate::failure::{Failure, Outcome};
use crate::filter::filter;
use crate::format::{LABELS, Row, Style, label, print_rows};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::Error;
use drydock_core::container::volume::VolumeRequest;
use drydock_core::docker;
use drydock_core::engine::VolumeSummary;
use serde_json::json;
use std::collections::BTreeMap;

/// `volume create`
pub const CREATE: Definition = Definition {
    group: "volume",
    in_group: &["create"],
    about: "Create a volume",
    usage: "[OPTIONS] [VOLUME]",
    arity: (0, Some(1)),
    flags: CreateArgs::augment_args,
    run: create,
    ..Definition::PLAIN
};

/// `volume inspect`
pub const INSPECT: Definition = Definition {
    group: "volume",
    in_group: &["inspect"],
    about: "Display detailed information on one or more volumes",
    usage: "[OPTIONS] VOLUME [VOLUME...]",
    arity: (1, None),
    flags: PlainArgs::augment_args,
    run: |matches, names, session| {
        let args = PlainArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
        show_objects(args.format.as_deref(), names, session, &|engine, name| engine.inspect(docker::Object::Volume, name))
    },
    ..Definition::PLAIN
};

/// `volume ls`
pub const LIST: Definition = Definition {
    group: "volume",
    in_group: &["ls", "list"],
    about: "List volumes",
    usage: "[OPTIONS]",
    arity: (0, Some(0)),
    flags: ListArgs::augment_args,
    run: list,
    ..Definition::PLAIN
};

/// `volume prune`
pub const PRUNE: Definition = Definition {
    group: "volume",
    in_group: &["prune"],
    about: "Remove unused local volumes",
    usage: "[OPTIONS]",
    arity: (0, Some(0)),
    flags: VolumePruneArgs::augment_args,
    run: prune,
    ..Definition::PLAIN
};

/// `volume rm`
pub const REMOVE: Definition = Definition {
    group: "volume",
    in_group: &["rm", "remove"],
    about: "Remove one or more volumes",
    usage: "[OPTIONS] VOLUME [VOLUME...]",
    arity: (1, None),
    flags: RemoveArgs::augment_args,
    run: remove,
    ..Definition::PLAIN
};

#[derive(Args)]
struct CreateArgs {
    /// Specify volume driver name
    #[arg(short, long, value_name = "string", default_value = "local")]
    driver: String,
    /// Set metadata for a volume
    #[arg(long, value_name = "list")]
    label: Vec<String>,
    /// Set driver specific options
    #[arg(short, long, value_name = "map")]
    opt: Vec<String>,
}

#[derive(Args)]
struct ListArgs {
    /// Provide filter values (e.g. "dangling=true")
    #[arg(short, long, value_name = "filter", value_parser = filter)]
    filter: Vec<(String, String)>,
    #[arg(long, value_name = "string", help = FORMAT_HELP)]
    format: Option<String>,
    /// Only display volume names
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Args)]
struct RemoveArgs {
    /// Force the removal of one or more volumes
    #[arg(short, long)]
    force: bool,
}

#[derive(Args)]
struct VolumePruneArgs {
    /// Remove all unused volumes, not just anonymous ones
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    prune: PruneArgs,
}

/// `key=value` pairs; a key alone has an empty value.
pub(crate) fn pairs(given: &[String]) -> BTreeMap<String, String> {
    let pair = |text: &String| text.split_once('=').map_or((text.clone(), String::new()), |(k, v)| (k.to_owned(), v.to_owned()));
    given.iter().map(pair).collect()
}

fn create(matches: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let args = CreateArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let request = VolumeRequest {
        name: words.first().cloned().unwrap_or_default(),
        driver: args.driver,
        options: pairs(&args.opt),
        labels: pairs(&args.label),
    };
    let made = session.engine()?.volume_create(&request)?;
    session.say(&made.record.name)?;
    Ok(0)
}

const COLUMNS: [(&str, &str); 2] = [("DRIVER", "Driver"), ("VOLUME NAME", "Name")];
const HEADERS: [(&str, &str); 5] =
    [("SCOPE", "Scope"), ("LABELS", "Labels"), ("MOUNTPOINT", "Mountpoint"), ("LINKS", "Links"), ("SIZE", "Size")];

fn row(volume: &VolumeSummary) -> Row {
    let labels: Vec<String> = volume.record.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    json!({
        "Availability": "N/A",
        "Driver": "local",
        "Group": "N/A",
        "Labels": labels.join(","),
        "Links": "N/A",
        "Mountpoint": volume.mountpoint,
        "Name": volume.record.name,
        "Scope": "local",
        "Size": "N/A",
        "Status": "N/A",
        LABELS: volume.record.labels,
    })
}

fn list(matches: &ArgMatches, _: &[String], session: &mut Session<'_>) -> Outcome {
    let args = ListArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let rows: Vec<Row> = session.engine()?.volumes(&args.filter)?.iter().map(row).collect();
    print_rows(
        session,
        &rows,
        &Style {
            format: args.format.as_deref().unwrap_or_default(),
            columns: &COLUMNS,
            quiet: args.quiet.then_some("Name"),
            headers: &HEADERS,
            kind: "*formatter.volumeContext",
            methods: &label,
        },
    )
}

fn remove(matches: &ArgMatches, names: &[String], session: &mut Session<'_>) -> Outcome {
    let args = RemoveArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let engine = session.engine()?;
    let mut failed: Option<Error> = None;
    for name in names {
        match engine.volume_remove(name, args.force) {
            Ok(()) => session.say(name)?,
            Err(error) => {
                session.refused(&error);
                failed = failed.or(Some(error));
            }
        }
    }
    Ok(failed.map_or(0, |e| e.exit_code()))
}

fn prune(matches: &ArgMatches, _: &[String], session: &mut Session<'_>) -> Outcome {
    let VolumePruneArgs { mut all, mut prune } = VolumePruneArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    // `--filter all=1` is what the API calls `--all`.
    for (_, value) in prune.filter.iter().filter(|(key, _)| key == "all") {
        all = crate::flags::parse_bool(value).map_err(|_| Error::invalid(format!("Invalid filter 'all=[{value}]'")))?;
    }
    prune.filter.retain(|(key, _)| key != "all");
    let which = if all { "all local volumes" } else { "anonymous local volumes" };
    if !prune.confirmed(session, &format!("This will remove {which} not used by at least one container."))? {
        return Ok(0);
    }
    let filters = prune.filters(session)?;
    let pruned = session.engine()?.prune_volumes(all, &filters)?;
    tell(session, "Volumes", &pruned, prune.dry_run)?;
    tell_space(session, pruned.reclaimed, prune.dry_run)
}
