//! The registries that every simulated world has, and what is in them: Docker Hub with a few images whose programs are simulated, a
//! registry that wants a password, and one without TLS.

use super::{Answered, Registry, Remotes, Wants};
use crate::image;
use drydock_core::Result;
use drydock_core::id::Digest;
use drydock_core::image::tar::{Entry, Kind, Writer};
use drydock_core::registry::endpoint::HUB;
use serde_json::{Value, json};

/// The account that the simulated registries know.
pub const USER: &str = "learner";
/// Its password.
pub const PASSWORD: &str = "drydock";

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// When everything in the catalogue was made.
const MADE: &str = "2025-01-01T00:00:00Z";

/// One image of the catalogue.
type Image = (&'static str, &'static str, u64, &'static [&'static str], &'static [&'static str], &'static str);

/// Images: name, description, stars, tags, command, and the line that os-release calls it.
const IMAGES: [Image; 8] = [
    ("nginx", "Official build of Nginx.", 20_700, &["latest", "1.27", "1.26"], &["nginx", "-g", "daemon off;"], "Nginx"),
    (
        "ubuntu",
        "Ubuntu is a Debian-based Linux operating system based on free software.",
        17_400,
        &["latest", "24.04", "22.04"],
        &["sh"],
        "Ubuntu",
    ),
    (
        "alpine",
        "A minimal Docker image based on Alpine Linux with a complete package index and only 5 MB in size!",
        11_200,
        &["latest", "3.21"],
        &["sh"],
        "Alpine Linux",
    ),
    ("centos", "DEPRECATED; The official build of CentOS.", 7_780, &["latest", "7", "6"], &["sh"], "CentOS Linux"),
    (
        "debian",
        "Debian is a Linux distribution that's composed entirely of free and open-source software.",
        5_190,
        &["latest", "12", "11"],
        &["sh"],
        "Debian GNU/Linux",
    ),
    ("busybox", "Busybox base image.", 3_390, &["latest", "1.36", "1.37"], &["sh"], "BusyBox"),
    ("hello-world", "Hello World! (an example of minimal Dockerization)", 2_390, &["latest"], &["echo", "Hello from Docker!"], "Hello"),
    ("httpd", "The Apache HTTP Server Project", 4_850, &["latest", "2.4"], &["httpd", "-f"], "httpd"),
];

/// Architectures in every index.
const MACHINES: [&str; 2] = ["amd64", "arm64"];

/// Makes them.
pub(super) fn fill(remotes: &mut Remotes) {
    // Written to memory, none of this fails; a world whose catalogue could not be made would have an empty one.
    let Ok(base) = image::busybox() else { return };
    let base = Layer { digest: Digest::of(&base), bytes: base };
    let accounts = [(USER.to_owned(), PASSWORD.to_owned())];
    let token = |realm: &str| Wants::Token { realm: realm.to_owned(), anyone: true, uses: u32::MAX };
    let mut hub = Registry { tls: true, searchable: true, accounts: accounts.clone().into(), ..Registry::default() };
    hub.wants = token("https://auth.docker.io/token");
    for (name, description, stars, tags, command, system) in IMAGES {
        for tag in tags {
            let _ = put(&mut hub, &format!("library/{name}"), tag, &base, command, system);
        }
        if let Some(repository) = hub.repositories.get_mut(&format!("library/{name}")) {
            (repository.description, repository.stars, repository.official) = (description.to_owned(), stars, true);
        }
    }
    let _ = put(&mut hub, "bitnami/nginx", "latest", &base, &["nginx", "-g", "daemon off;"], "Nginx");
    if let Some(repository) = hub.repositories.get_mut("bitnami/nginx") {
        (repository.description, repository.stars) = ("Bitnami container image for NGINX".to_owned(), 200);
    }
    let mut private = Registry { tls: true, wants: Wants::Password, accounts: accounts.into(), ..Registry::default() };
    let _ = put(&mut private, "team/tools", "latest", &base, &["sh"], "Tools");
    let plain = Registry::default();
    let mut downloads = Registry::default();
    let note = Answered::status(200).body("text/plain", "Hello from the net\n").header("etag", "\"1\"");
    downloads.files.insert("/greeting.txt".to_owned(), note.header("last-modified", "Sat, 31 Jan 2026 12:00:00 GMT"));
    for (authority, registry) in
        [("downloads.example", downloads), (HUB, hub), ("registry.example", private), ("plain.example:5000", plain)]
    {
        if remotes.at(authority).is_none() {
            remotes.put(authority, registry);
        }
    }
}

impl Remotes {
    /// Hosts that are one registry under several names: Docker Hub's index and its token server.
    pub(super) fn alias(authority: &str) -> &str {
        match authority {
            "index.docker.io" | "auth.docker.io" => HUB,
            other => other,
        }
    }
}

/// A layer, whose digest is made once: every image of the catalogue stands on the same one.
struct Layer {
    digest: Digest,
    bytes: Vec<u8>,
}

impl Layer {
    fn describe(&self) -> Value {
        json!({"mediaType": LAYER, "digest": self.digest, "size": self.bytes.len()})
    }
}

/// Puts an image into a repository, under an index of all machines.
fn put(registry: &mut Registry, repository: &str, tag: &str, base: &Layer, command: &[&str], system: &str) -> Result<()> {
    let mut tar = Writer::new(Vec::new());
    tar.append(&Entry::new("etc/", Kind::Directory), b"")?;
    tar.append(&Entry::new("etc/os-release", Kind::File), format!("PRETTY_NAME=\"{system} {tag} (simulated)\"\n").as_bytes())?;
    let top = tar.finish()?;
    let top = Layer { digest: Digest::of(&top), bytes: top };
    let layers = [base, &top];
    for layer in layers {
        registry.share_blob(repository, &layer.digest, &layer.bytes);
    }
    let mut entries: Vec<Value> = Vec::new();
    for machine in MACHINES {
        let config = json!({
            "architecture": machine,
            "config": {"Cmd": command, "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},
            "created": MADE,
            "history": [{"created": MADE, "created_by": "ADD rootfs.tar / # simulated"}, {"created": MADE, "created_by": format!("RUN echo {tag}")}],
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": layers.map(|layer| layer.digest.clone())},
        })
        .to_string();
        registry.put_blob(repository, config.as_bytes());
        let described: Vec<Value> = layers.iter().map(|layer| layer.describe()).collect();
        let manifest =
            json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": describe(CONFIG, config.as_bytes()), "layers": described})
                .to_string();
        registry.put_manifest(repository, None, MANIFEST, manifest.as_bytes());
        let mut entry = describe(MANIFEST, manifest.as_bytes());
        if let Some(entry) = entry.as_object_mut() {
            entry.insert("platform".to_owned(), json!({"architecture": machine, "os": "linux"}));
        }
        entries.push(entry);
    }
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).to_string();
    registry.put_manifest(repository, Some(tag), INDEX, index.as_bytes());
    Ok(())
}

fn describe(kind: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": kind, "digest": Digest::of(bytes), "size": bytes.len()})
}
