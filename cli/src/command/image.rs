//! `drydock images` and `drydock rmi`

use super::Definition;
use super::ps::FORMAT_HELP;
use crate::failure::{Failure, Outcome};
use crate::filter::{Filters, filter};
use crate::format::{Row, Style, duration, print_rows, size, time};
use crate::session::Session;
use crate::template::no_methods;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::Error;
use drydock_core::engine::ImageSummary;
use drydock_core::id::ImageId;
use drydock_core::image::ImageRecord;
use drydock_core::image::pattern::{fits, split_tag};
use drydock_core::time::Timestamp;
use serde_json::json;
use std::collections::BTreeSet;

/// `images`
pub const LIST: Definition = Definition {
    name: "images",
    group: "image",
    in_group: &["ls", "list"],
    about: "List images",
    usage: "[OPTIONS] [REPOSITORY[:TAG]]",
    arity: (0, Some(1)),
    common: true,
    flags: ImagesArgs::augment_args,
    run: list,
    ..Definition::PLAIN
};

/// `rmi`
pub const REMOVE: Definition = Definition {
    name: "rmi",
    group: "image",
    in_group: &["rm", "remove"],
    about: "Remove one or more images",
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    arity: (1, None),
    flags: RemoveArgs::augment_args,
    run: remove,
    ..Definition::PLAIN
};

#[derive(Args)]
struct ImagesArgs {
    /// Show all images (default hides intermediate images)
    #[arg(short, long)]
    all: bool,
    /// Show digests
    #[arg(long)]
    digests: bool,
    /// Filter output based on conditions provided
    #[arg(short, long, value_name = "filter", value_parser = filter)]
    filter: Vec<(String, String)>,
    #[arg(long, value_name = "string", help = FORMAT_HELP)]
    format: Option<String>,
    /// Don't truncate output
    #[arg(long)]
    no_trunc: bool,
    /// Only show image IDs
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Args)]
struct RemoveArgs {
    /// Force removal of the image
    #[arg(short, long)]
    force: bool,
    /// Do not delete untagged parents
    #[arg(long)]
    no_prune: bool,
    /// Remove only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")
    #[arg(long, value_name = "strings")]
    platform: Vec<String>,
}

const COLUMNS: [(&str, &str); 5] =
    [("REPOSITORY", "Repository"), ("TAG", "Tag"), ("IMAGE ID", "ID"), ("CREATED", "CreatedSince"), ("SIZE", "Size")];

const WITH_DIGESTS: [(&str, &str); 6] =
    [("REPOSITORY", "Repository"), ("TAG", "Tag"), ("DIGEST", "Digest"), ("IMAGE ID", "ID"), ("CREATED", "CreatedSince"), ("SIZE", "Size")];

const HEADERS: [(&str, &str); 2] = [("CREATED AT", "CreatedAt"), ("DIGEST", "Digest")];

fn list(matches: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let args = ImagesArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let filters = Filters::new(&args.filter, &["dangling", "label", "before", "since", "until", "reference"])?;
    let engine = session.engine()?;
    let mut images = engine.images()?;
    let created = |key: &str| filters.values(key).map(|name| engine.image(name).map(|i| i.created)).collect::<Result<Vec<_>, _>>();
    let (before, since) = (created("before")?, created("since")?);
    let until = filters.values("until").last().map(|text| time::moment(text, engine.now())).transpose()?;
    let dangling = match filters.values("dangling").last() {
        None => None,
        Some(v) => {
            let wrong = |_| Error::invalid(format!("Invalid filter 'dangling=[{}]'", v.escape_debug()));
            Some(crate::flags::parse_bool(v).map_err(wrong)?)
        }
    };
    let parents: BTreeSet<ImageId> = images.iter().filter_map(|i| i.parent.clone()).collect();
    images.retain(|i| {
        let bare = i.tags.is_empty() && i.digests.is_empty();
        // What other images were made from and nobody named is left out, unless all are asked for.
        (args.all || !bare || !parents.contains(&i.id))
            && dangling.is_none_or(|d| bare == d)
            && filters.values("label").all(|wanted| match wanted.split_once('=') {
                Some((key, value)) => i.labels.get(key).is_some_and(|v| v == value),
                None => i.labels.contains_key(wanted),
            })
            && before.iter().all(|t| i.created < *t)
            && since.iter().all(|t| i.created > *t)
            && until.is_none_or(|t| i.created < t)
    });
    let patterns: Vec<&str> = words.iter().map(String::as_str).chain(filters.values("reference")).collect();
    let now = engine.now();
    let rows: Vec<Row> = images.iter().flat_map(|i| rows(i, &patterns, now, args.no_trunc, args.digests)).collect();
    let rows = if args.quiet { unique(rows) } else { rows };
    print_rows(
        session,
        &rows,
        &Style {
            format: args.format.as_deref().unwrap_or_default(),
            columns: if args.digests { &WITH_DIGESTS } else { &COLUMNS },
            quiet: args.quiet.then_some("ID"),
            headers: &HEADERS,
            kind: "*formatter.imageContext",
            methods: &no_methods,
        },
    )
}

/// One line a tag and, where digests are asked for, one a digest of its repository; one for an image that has neither.
fn rows(image: &ImageSummary, patterns: &[&str], now: Timestamp, whole: bool, digests: bool) -> Vec<Row> {
    let line = |repository: &str, tag: &str, digest: &str| {
        json!({
            "Repository": repository,
            "Tag": tag,
            "Digest": digest,
            "ID": if whole { image.id.as_str() } else { image.id.short() },
            "CreatedSince": format!("{} ago", duration::human(now.since(image.created))),
            "CreatedAt": time::created_at(image.created),
            "Size": size::decimal(image.size),
            "VirtualSize": size::decimal(image.size),
            "Containers": "N/A",
            "SharedSize": "N/A",
            "UniqueSize": "N/A",
        })
    };
    let named: Vec<(&str, &str)> = image.digests.iter().filter_map(|d| d.split_once('@')).collect();
    let wanted = |repository: &str, tag: &str| patterns.iter().all(|p| fits(p, repository, tag));
    let mut all = Vec::new();
    let mut repositories = BTreeSet::new();
    for (repository, tag) in image.tags.iter().map(|full| split_tag(full)).filter(|(r, t)| wanted(r, t)) {
        repositories.insert(repository);
        let own: Vec<&str> = named.iter().filter(|(r, _)| *r == repository).map(|(_, d)| *d).collect();
        match own.as_slice() {
            own if digests && !own.is_empty() => all.extend(own.iter().map(|digest| line(repository, tag, digest))),
            own => all.push(line(repository, tag, own.first().copied().unwrap_or("<none>"))),
        }
    }
    for (repository, digest) in named.iter().filter(|(r, _)| !repositories.contains(r) && wanted(r, "<none>")) {
        if image.tags.iter().all(|t| split_tag(t).0 != *repository) {
            all.push(line(repository, "<none>", digest));
        }
    }
    if image.tags.is_empty() && named.is_empty() && patterns.is_empty() {
        all.push(line("<none>", "<none>", "<none>"));
    }
    all
}

/// Refuses an image that is for another platform than asked: `os`, `os/architecture`, `os/architecture/variant`.
pub(crate) fn of_platform(image: &ImageRecord, asked: &str) -> Result<(), Error> {
    let parts: Vec<&str> = asked.split('/').collect();
    if asked.is_empty()
        || parts.len() > 3
        || parts.iter().any(|p| p.is_empty() || !p.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)))
    {
        let wrong = Error::invalid(format!("invalid platform \"{}\"", asked.escape_debug()));
        return Err(wrong.hint("write os/architecture, as linux/amd64"));
    }
    let own = [image.os.as_str(), image.architecture.as_str()];
    if parts.iter().zip(own).any(|(wanted, own)| *wanted != own) {
        return Err(Error::not_found(format!(
            "image with reference {} was found but does not provide the specified platform ({asked})",
            image.id
        )));
    }
    Ok(())
}

fn unique(rows: Vec<Row>) -> Vec<Row> {
    let mut seen = std::collections::BTreeSet::new();
    rows.into_iter().filter(|r| seen.insert(r.get("ID").and_then(|i| i.as_str()).unwrap_or_default().to_owned())).collect()
}

fn remove(matches: &ArgMatches, names: &[String], session: &mut Session<'_>) -> Outcome {
    let args = RemoveArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    session.each(names, &mut |_, engine, name| {
        args.platform.iter().try_for_each(|platform| of_platform(&engine.image(name)?, platform))?;
        Ok(Some(engine.remove_image(name, args.force, !args.no_prune)?.join("\n")))
    })
}
