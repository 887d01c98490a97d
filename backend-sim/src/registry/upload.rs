//! Blobs on their way in: in one piece or in several, or from another repository.

use super::{Answered, Asked, Registry};
use drydock_core::id::Digest;

impl Registry {
    pub(super) fn uploads(&mut self, asked: &Asked, name: &str, which: &str) -> Answered {
        match (asked.method.as_str(), which) {
            ("POST", "") => self.begin(asked, name),
            ("PATCH", id) if self.uploads.contains_key(id) => self.more(asked, name, id),
            ("PUT", id) if self.uploads.contains_key(id) => self.finish(asked, name, id),
            ("GET", id) if self.uploads.contains_key(id) => self.so_far(204, name, id),
            ("DELETE", id) if self.uploads.remove(id).is_some() => Answered::status(204),
            _ => Answered::problem(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry"),
        }
    }

    fn so_far(&self, status: u16, name: &str, id: &str) -> Answered {
        let length = self.uploads.get(id).map_or(0, Vec::len);
        Answered::status(status)
            .header("location", format!("/v2/{name}/blobs/uploads/{id}?state=s{length}"))
            .header("range", format!("0-{}", length.saturating_sub(1)))
            .header("docker-upload-uuid", id)
    }

    fn begin(&mut self, asked: &Asked, name: &str) -> Answered {
        let mounted = asked.parameter("mount").and_then(|m| Digest::parse(&m).ok());
        if let (Some(digest), Some(from)) = (mounted, asked.parameter("from"))
            && self.repositories.get(&from).is_some_and(|r| r.blobs.contains(&digest))
        {
            self.repositories.entry(name.to_owned()).or_default().blobs.insert(digest.clone());
            return Answered::status(201)
                .header("location", format!("/v2/{name}/blobs/{digest}"))
                .header("docker-content-digest", digest.as_str());
        }
        self.started += 1;
        let id = format!("upload-{}", self.started);
        self.uploads.insert(id.clone(), Vec::new());
        self.so_far(202, name, &id)
    }

    fn more(&mut self, asked: &Asked, name: &str, id: &str) -> Answered {
        let start = asked.header("content-range").and_then(|range| range.split('-').next()?.parse::<usize>().ok());
        let Some(upload) = self.uploads.get_mut(id) else { return Answered::status(404) };
        if start.is_some_and(|start| start != upload.len()) {
            return self.so_far(416, name, id);
        }
        upload.extend_from_slice(&asked.body);
        self.so_far(202, name, id)
    }

    fn finish(&mut self, asked: &Asked, name: &str, id: &str) -> Answered {
        let mut bytes = self.uploads.remove(id).unwrap_or_default();
        bytes.extend_from_slice(&asked.body);
        let wanted = asked.parameter("digest").unwrap_or_default();
        let digest = Digest::of(&bytes);
        if wanted != digest.as_str() {
            return Answered::problem(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
        }
        self.put_blob(name, &bytes);
        Answered::status(201).header("location", format!("/v2/{name}/blobs/{digest}")).header("docker-content-digest", digest.as_str())
    }
}
