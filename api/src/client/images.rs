//! Images: listed, looked at, tagged, removed, made from archives and containers, written to archives.

use super::archives::copy;
use super::http::Body;
use super::json::{number, seconds, text, texts};
use super::{DockerEngine, Parameters, image_part, lines, read};
use drydock_core::engine::{ArchiveFormat, CommitOptions, HistoryEntry, ImageSummary, ImportRequest};
use drydock_core::id::ImageId;
use drydock_core::image::reference::Reference;
use drydock_core::{Error, Result};
use serde_json::{Value, json};
use std::io::{Read, Write};

fn of(name: &str, what: &str) -> String {
    format!("/images/{}{what}", image_part(name))
}

/// A reference as the two parameters that the API takes.
pub(super) fn halves(reference: &str) -> Result<(String, String)> {
    if reference.is_empty() {
        return Ok((String::new(), String::new()));
    }
    let reference = Reference::parse(reference)?;
    Ok((reference.familiar_repository(), reference.tag.unwrap_or_default()))
}

impl DockerEngine {
    pub(super) fn list_images(&self) -> Result<Vec<ImageSummary>> {
        let list = self.get("/images/json", Parameters::new())?;
        Ok(list.as_array().into_iter().flatten().map(read::listed_image).collect())
    }

    pub(super) fn inspect_image(&self, name: &str) -> Result<Value> {
        self.get(&of(name, "/json"), Parameters::new())
    }

    pub(super) fn tag_image(&self, source: &str, target: &str) -> Result<()> {
        let wrong = |e: Error| {
            let words = e.message().to_owned();
            Error::invalid(format!("Error parsing reference: \"{}\" is not a valid repository/tag: {words}", target.escape_debug()))
        };
        if Reference::parse(target).is_ok_and(|r| r.digest.is_some()) {
            return Err(Error::invalid("refusing to create a tag with a digest reference"));
        }
        let (repository, tag) = halves(target).map_err(wrong)?;
        self.post(&of(source, "/tag"), Parameters::new().with("repo", repository).with("tag", tag)).map(drop)
    }

    pub(super) fn past_of(&self, name: &str) -> Result<Vec<HistoryEntry>> {
        let list = self.get(&of(name, "/history"), Parameters::new())?;
        let entry = |h: &Value| HistoryEntry {
            id: Some(text(h, "Id")).filter(|id| id != "<missing>").map(ImageId::new),
            tags: texts(h, "Tags"),
            created: seconds(h, "Created"),
            created_by: text(h, "CreatedBy"),
            comment: text(h, "Comment"),
            size: number(h, "Size"),
        };
        Ok(list.as_array().into_iter().flatten().map(entry).collect())
    }

    pub(super) fn remove_image_named(&self, name: &str, force: bool, prune: bool) -> Result<Vec<String>> {
        let parameters = Parameters::new().with_flag("force", force).with_flag("noprune", !prune);
        Ok(removed(&self.delete(&of(name, ""), parameters)?, "Untagged", "Deleted"))
    }

    pub(super) fn import_image(&self, archive: &mut dyn Read, request: &ImportRequest) -> Result<ImageId> {
        let (repository, tag) = halves(&request.reference)?;
        let source = if request.address.is_empty() { "-" } else { &request.address };
        let parameters = Parameters::new().with("fromSrc", source).with("repo", repository).with("tag", tag);
        let parameters = parameters.with("message", &request.message).with("platform", request.platform.as_deref().unwrap_or_default());
        let parameters = request.changes.iter().fold(parameters, |p, change| p.with("changes", change));
        let answer = self.ask("POST", "/images/create", parameters, Vec::new(), Body::Bytes("application/x-tar", archive))?;
        let mut id = String::new();
        lines(answer, &mut |line| {
            id = text(line, "status");
            Ok(())
        })?;
        Ok(ImageId::new(id))
    }

    pub(super) fn load_images(&self, archive: &mut dyn Read) -> Result<Vec<String>> {
        let parameters = Parameters::new().with("quiet", "1");
        let answer = self.ask("POST", "/images/load", parameters, Vec::new(), Body::Bytes("application/x-tar", archive))?;
        let mut loaded = Vec::new();
        lines(answer, &mut |line| {
            let said = text(line, "stream");
            for line in said.lines() {
                loaded.extend(["Loaded image: ", "Loaded image ID: "].iter().find_map(|start| line.strip_prefix(start)).map(str::to_owned));
            }
            Ok(())
        })?;
        Ok(loaded)
    }

    pub(super) fn save_images(&self, names: &[String], format: ArchiveFormat, into: &mut dyn Write) -> Result<()> {
        if format == ArchiveFormat::Oci {
            return Err(super::failure::no_operation("choose the format of an archive"));
        }
        let parameters = names.iter().fold(Parameters::new(), |p, name| p.with("names", name));
        let mut answer = self.ask("GET", "/images/get", parameters, Vec::new(), Body::None)?;
        copy(&mut answer, into)
    }

    pub(super) fn commit_container(&self, name: &str, options: &CommitOptions) -> Result<ImageId> {
        if options.epoch.is_some() {
            return Err(super::failure::no_operation("date a commit (SOURCE_DATE_EPOCH)"));
        }
        let (repository, tag) = halves(&options.reference)?;
        let parameters = Parameters::new()
            .with("container", name)
            .with("repo", repository)
            .with("tag", tag)
            .with("comment", &options.message)
            .with("author", &options.author)
            .with("pause", if options.pause { "1" } else { "0" });
        let parameters = options.changes.iter().fold(parameters, |p, change| p.with("changes", change));
        let made = self.post_json("/commit", parameters, &json!({}))?;
        Ok(ImageId::new(text(&made, "Id")))
    }
}

/// Lines of what went, as `rmi` and `prune` print them.
pub(super) fn removed(list: &Value, untagged: &str, deleted: &str) -> Vec<String> {
    let line = |entry: &Value| {
        let of = |key: &str, word: &str| Some(text(entry, key)).filter(|name| !name.is_empty()).map(|name| format!("{word}: {name}"));
        of("Untagged", untagged).or_else(|| of("Deleted", deleted))
    };
    list.as_array().into_iter().flatten().filter_map(line).collect()
}
