//! `drydock system df`

use super::Definition;
use super::ps::FORMAT_HELP;
use crate::failure::{Failure, Outcome};
use crate::format::{Row, Style, duration, ellipsis, print_rows, size, status};
use crate::session::Session;
use crate::template::no_methods;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::container::Status;
use drydock_core::engine::DiskUsage;
use drydock_core::time::Timestamp;
use serde_json::json;

/// `system df`
pub const DEFINITION: Definition = Definition {
    group: "system",
    in_group: &["df"],
    about: "Show Drydock's disk usage",
    usage: "[OPTIONS]",
    flags: DfArgs::augment_args,
    run,
    ..Definition::PLAIN
};

#[derive(Args)]
struct DfArgs {
    #[arg(long, value_name = "string", help = FORMAT_HELP)]
    format: Option<String>,
    /// Show detailed information on space usage
    #[arg(short, long)]
    verbose: bool,
}

const COLUMNS: [(&str, &str); 5] =
    [("TYPE", "Type"), ("TOTAL", "TotalCount"), ("ACTIVE", "Active"), ("SIZE", "Size"), ("RECLAIMABLE", "Reclaimable")];
const IMAGES: [(&str, &str); 8] = [
    ("REPOSITORY", "Repository"),
    ("TAG", "Tag"),
    ("IMAGE ID", "ID"),
    ("CREATED", "CreatedSince"),
    ("SIZE", "Size"),
    ("SHARED SIZE", "SharedSize"),
    ("UNIQUE SIZE", "UniqueSize"),
    ("CONTAINERS", "Containers"),
];
const CONTAINERS: [(&str, &str); 8] = [
    ("CONTAINER ID", "ID"),
    ("IMAGE", "Image"),
    ("COMMAND", "Command"),
    ("LOCAL VOLUMES", "LocalVolumes"),
    ("SIZE", "Size"),
    ("CREATED", "RunningFor"),
    ("STATUS", "Status"),
    ("NAMES", "Names"),
];
const VOLUMES: [(&str, &str); 3] = [("VOLUME NAME", "Name"), ("LINKS", "Links"), ("SIZE", "Size")];

fn run(matches: &ArgMatches, _: &[String], session: &mut Session<'_>) -> Outcome {
    let args = DfArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let engine = session.engine()?;
    let usage = engine.disk_usage()?;
    if args.verbose && args.format.is_none() {
        return verbose(&usage, engine.now(), session);
    }
    let style = Style {
        format: args.format.as_deref().unwrap_or_default(),
        columns: &COLUMNS,
        quiet: None,
        headers: &[],
        kind: "*formatter.diskUsageContext",
        methods: &no_methods,
    };
    print_rows(session, &summary(&usage, &engine.build_cache()?), &style)
}

fn line(kind: &str, total: usize, active: usize, bytes: u64, reclaimable: u64, percent: bool) -> Row {
    let free = size::total(reclaimable);
    let share = |_: ()| (reclaimable * 100).checked_div(bytes).map_or_else(|| free.clone(), |percent| format!("{free} ({percent}%)"));
    json!({
        "Type": kind,
        "TotalCount": total.to_string(),
        "Active": active.to_string(),
        "Size": size::total(bytes),
        "Reclaimable": if percent { share(()) } else { free },
    })
}

fn summary(usage: &DiskUsage, cache: &[drydock_core::engine::CacheEntry]) -> Vec<Row> {
    let cached: u64 = cache.iter().map(|e| e.size).sum();
    let own: u64 = cache.iter().filter(|e| !e.shared).map(|e| e.size).sum();
    let active_images = usage.images.iter().filter(|i| i.containers > 0);
    // What goes if every image goes that no container uses: its layers that no image in use has too.
    let unused: u64 = usage.images.iter().filter(|i| i.containers == 0).map(|i| i.unique).sum();
    let runs = |status: Status| matches!(status, Status::Running | Status::Paused | Status::Restarting);
    let written: u64 = usage.containers.iter().map(|(_, s)| s.writable).sum();
    let idle: u64 = usage.containers.iter().filter(|(c, _)| !runs(c.status)).map(|(_, s)| s.writable).sum();
    let volumes: u64 = usage.volumes.iter().map(|v| v.size).sum();
    let unlinked: u64 = usage.volumes.iter().filter(|v| v.links == 0).map(|v| v.size).sum();
    let active_containers = usage.containers.iter().filter(|(c, _)| runs(c.status)).count();
    vec![
        line("Images", usage.images.len(), active_images.count(), usage.layers, unused, true),
        line("Containers", usage.containers.len(), active_containers, written, idle, true),
        line("Local Volumes", usage.volumes.len(), usage.volumes.iter().filter(|v| v.links > 0).count(), volumes, unlinked, true),
        line("Build Cache", cache.len(), 0, cached, own, false),
    ]
}

fn verbose(usage: &DiskUsage, now: Timestamp, session: &mut Session<'_>) -> Outcome {
    let table = |session: &mut Session<'_>, title: &str, columns: &[(&str, &str)], rows: Vec<Row>| -> Result<(), Failure> {
        session.say(&format!("{title}\n"))?;
        print_rows(session, &rows, &Style { format: "", columns, quiet: None, headers: &[], kind: "", methods: &no_methods })?;
        session.say("")?;
        Ok(())
    };
    let images = usage.images.iter().flat_map(|one| {
        let tags = if one.image.tags.is_empty() { vec!["<none>:<none>".to_owned()] } else { one.image.tags.clone() };
        tags.into_iter().map(|tag| {
            let (repository, tag) = tag.rsplit_once(':').map_or((tag.clone(), String::new()), |(r, t)| (r.to_owned(), t.to_owned()));
            json!({
                "Repository": repository,
                "Tag": tag,
                "ID": one.image.id.short(),
                "CreatedSince": format!("{} ago", duration::human(now.since(one.image.created))),
                "Size": size::decimal(one.image.size),
                "SharedSize": size::total(one.shared),
                "UniqueSize": size::total(one.unique),
                "Containers": one.containers.to_string(),
            })
        })
    });
    table(session, "Images space usage:", &IMAGES, images.collect())?;
    let containers = usage.containers.iter().map(|(c, sizes)| {
        json!({
            "ID": c.id.short(),
            "Image": c.image,
            "Command": format!("\"{}\"", ellipsis(&c.args.join(" "), 20)),
            "LocalVolumes": c.mounts.iter().filter(|m| !m.starts_with('/')).count().to_string(),
            "Size": size::decimal(sizes.writable),
            "RunningFor": format!("{} ago", duration::human(now.since(c.created))),
            "Status": status::sentence(c, now),
            "Names": c.name,
        })
    });
    table(session, "Containers space usage:", &CONTAINERS, containers.collect())?;
    let volumes = usage.volumes.iter().map(|v| json!({"Name": v.name, "Links": v.links.to_string(), "Size": size::total(v.size)}));
    table(session, "Local Volumes space usage:", &VOLUMES, volumes.collect())?;
    Ok(0)
}
