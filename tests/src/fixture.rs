//! Archives that clauses feed to the engine: layers, images in both formats, and hostile ones.

use drydock_core::id::Digest;
use serde_json::{Value, json};

/// The image every target has.
pub const BUSYBOX: &str = "busybox";

/// One entry of a tar archive.
#[derive(Clone, Debug)]
pub struct Entry {
    path: String,
    kind: u8,
    link: String,
    mode: u32,
    device: (u32, u32),
    owner: (u32, u32),
    content: Vec<u8>,
    xattrs: Vec<(String, Vec<u8>)>,
}

impl Entry {
    fn new(path: &str, kind: u8, link: &str, mode: u32, content: &[u8]) -> Self {
        Self {
            path: path.to_owned(),
            kind,
            link: link.to_owned(),
            mode,
            device: (0, 0),
            owner: (0, 0),
            content: content.to_vec(),
            xattrs: Vec::new(),
        }
    }

    /// A regular file, 0644.
    pub fn file(path: &str, content: impl AsRef<[u8]>) -> Self {
        Self::new(path, b'0', "", 0o644, content.as_ref())
    }

    /// A program, 0755.
    pub fn program(path: &str, content: impl AsRef<[u8]>) -> Self {
        Self::new(path, b'0', "", 0o755, content.as_ref())
    }

    /// A directory, 0755.
    pub fn dir(path: &str) -> Self {
        Self::new(path, b'5', "", 0o755, b"")
    }

    /// A symbolic link.
    pub fn symlink(path: &str, to: &str) -> Self {
        Self::new(path, b'2', to, 0o777, b"")
    }

    /// A hard link to an earlier entry.
    pub fn hard_link(path: &str, to: &str) -> Self {
        Self::new(path, b'1', to, 0o644, b"")
    }

    /// A character device.
    pub fn device(path: &str, major: u32, minor: u32) -> Self {
        Self { device: (major, minor), ..Self::new(path, b'3', "", 0o666, b"") }
    }

    /// With another owner and group.
    #[must_use]
    pub fn owner(mut self, uid: u32, gid: u32) -> Self {
        self.owner = (uid, gid);
        self
    }

    /// With an extended attribute.
    #[must_use]
    pub fn xattr(mut self, name: &str, value: &[u8]) -> Self {
        self.xattrs.push((name.to_owned(), value.to_vec()));
        self
    }

    /// A block device.
    pub fn block_device(path: &str, major: u32, minor: u32) -> Self {
        Self { device: (major, minor), ..Self::new(path, b'4', "", 0o660, b"") }
    }

    /// With another mode.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    fn header(&self, name: &str) -> [u8; 512] {
        let mut block = [0u8; 512];
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, name.as_bytes());
        put(100, format!("{:07o}\0", self.mode).as_bytes());
        put(108, format!("{:07o}\0", self.owner.0).as_bytes());
        put(116, format!("{:07o}\0", self.owner.1).as_bytes());
        put(124, format!("{:011o}\0", self.content.len()).as_bytes());
        put(136, b"00000000000\0");
        put(148, b"        ");
        put(156, &[self.kind]);
        put(157, self.link.as_bytes());
        put(257, b"ustar\x0000");
        put(329, format!("{:07o}\0", self.device.0).as_bytes());
        put(337, format!("{:07o}\0", self.device.1).as_bytes());
        let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    }

    fn write(&self, archive: &mut Vec<u8>) {
        let padded = |archive: &mut Vec<u8>, content: &[u8]| {
            archive.extend_from_slice(content);
            archive.resize(archive.len().next_multiple_of(512), 0);
        };
        if !self.xattrs.is_empty() {
            let mut records = Vec::new();
            for (name, value) in &self.xattrs {
                let bare = name.len() + value.len() + "SCHILY.xattr.".len() + 3;
                let length = (1..6).map(|digits| bare + digits).find(|n| n.to_string().len() == n - bare).unwrap_or(bare);
                records.extend_from_slice(format!("{length} SCHILY.xattr.{name}=").as_bytes());
                records.extend_from_slice(value);
                records.push(b'\n');
            }
            let pax = Self::new("", b'x', "", 0o644, &records);
            archive.extend_from_slice(&pax.header("PaxHeaders/0"));
            padded(archive, &pax.content);
        }
        if self.path.len() > 99 {
            // GNU's long name: an entry whose content is the name of the next one.
            let mut name = self.path.clone().into_bytes();
            name.push(0);
            let long = Self { kind: b'L', content: name, ..Self::new("", b'L', "", 0o644, b"") };
            archive.extend_from_slice(&long.header("././@LongLink"));
            padded(archive, &long.content);
        }
        let mut cut = self.path.len().min(99);
        while !self.path.is_char_boundary(cut) {
            cut -= 1;
        }
        archive.extend_from_slice(&self.header(&self.path[..cut]));
        padded(archive, &self.content);
    }
}

/// A tar archive. It writes what it is told to, however hostile.
pub fn tar(entries: &[Entry]) -> Vec<u8> {
    let mut archive = Vec::new();
    for entry in entries {
        entry.write(&mut archive);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

/// Puts entries at the end of an archive.
pub fn append(mut archive: Vec<u8>, entries: &[Entry]) -> Vec<u8> {
    while archive.len() >= 512 && archive[archive.len() - 512..].iter().all(|&b| b == 0) {
        archive.truncate(archive.len() - 512);
    }
    archive.extend(tar(entries));
    archive
}

/// The users and groups that clauses expect in the image `busybox`.
pub fn accounts() -> Vec<Entry> {
    let passwd = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n";
    let group = "root:x:0:\napp:x:1000:\nextra:x:2000:app\nnogroup:x:65534:\n";
    vec![
        Entry::dir("etc"),
        Entry::file("etc/passwd", passwd),
        Entry::file("etc/group", group),
        Entry::dir("root").mode(0o700),
        Entry::dir("home"),
        Entry::dir("home/app"),
        Entry::dir("tmp").mode(0o1777),
    ]
}

/// The image `busybox` from a static busybox of the host and the names of its applets.
pub fn busybox(program: &[u8], applets: &[String]) -> Vec<u8> {
    let mut entries = vec![Entry::dir("bin"), Entry::program("bin/busybox", program)];
    entries.extend(applets.iter().filter(|a| *a != "busybox").map(|a| Entry::symlink(&format!("bin/{a}"), "busybox")));
    entries.extend(accounts());
    tar(&entries)
}

/// An image as `docker save` writes it.
#[derive(Clone, Debug)]
pub struct Archive {
    /// Layers, lowest first, as tar archives.
    pub layers: Vec<Vec<u8>>,
    /// Its references.
    pub tags: Vec<String>,
    /// The part of its configuration that a container starts with.
    pub config: Value,
    /// Digests to claim for the layers instead of the true ones.
    pub claimed: Option<Vec<String>>,
}

impl Archive {
    /// An image of these layers.
    pub fn new(layers: Vec<Vec<u8>>, tags: &[&str]) -> Self {
        Self { layers, tags: tags.iter().map(|&t| t.to_owned()).collect(), config: json!({"Cmd": ["sh"]}), claimed: None }
    }

    /// With this in its configuration.
    #[must_use]
    pub fn config(mut self, config: Value) -> Self {
        self.config = config;
        self
    }

    /// Digests of the layers, or what is claimed for them.
    pub fn diff_ids(&self) -> Vec<String> {
        self.claimed.clone().unwrap_or_else(|| self.layers.iter().map(|l| Digest::of(l).to_string()).collect())
    }

    fn configuration(&self) -> Vec<u8> {
        let history: Vec<Value> = self.layers.iter().map(|_| json!({"created_by": "suite"})).collect();
        let rootfs = json!({"type": "layers", "diff_ids": self.diff_ids()});
        json!({"architecture": "amd64", "os": "linux", "config": self.config, "rootfs": rootfs, "history": history})
            .to_string()
            .into_bytes()
    }

    /// The image's id: the digest of its configuration (image-spec config.md, "ImageID").
    pub fn id(&self) -> String {
        Digest::of(&self.configuration()).to_string()
    }

    /// As a Docker archive: `manifest.json`, the configuration, the layers.
    pub fn docker(&self) -> Vec<u8> {
        let config = self.configuration();
        let name = format!("{}.json", Digest::of(&config).hex());
        let mut entries = vec![Entry::file(&name, &config)];
        let layers: Vec<String> = (0..self.layers.len()).map(|i| format!("{i}/layer.tar")).collect();
        entries.extend(self.layers.iter().zip(&layers).map(|(layer, path)| Entry::file(path, layer)));
        let tags = if self.tags.is_empty() { Value::Null } else { json!(self.tags) };
        entries.push(Entry::file("manifest.json", json!([{"Config": name, "RepoTags": tags, "Layers": layers}]).to_string()));
        tar(&entries)
    }

    /// As an OCI image layout (image-spec image-layout.md).
    pub fn oci(&self) -> Vec<u8> {
        let blob = |bytes: &[u8]| format!("blobs/sha256/{}", Digest::of(bytes).hex());
        let describe = |kind: &str, bytes: &[u8]| json!({"mediaType": kind, "digest": Digest::of(bytes).to_string(), "size": bytes.len()});
        let config = self.configuration();
        let layers: Vec<Value> = self.layers.iter().map(|l| describe("application/vnd.oci.image.layer.v1.tar", l)).collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": describe("application/vnd.oci.image.config.v1+json", &config),
            "layers": layers,
        })
        .to_string()
        .into_bytes();
        let manifests: Vec<Value> = self
            .tags
            .iter()
            .map(|tag| {
                let mut descriptor = describe("application/vnd.oci.image.manifest.v1+json", &manifest);
                descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": tag, "io.containerd.image.name": tag});
                descriptor
            })
            .collect();
        let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests});
        let mut entries = vec![
            Entry::file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#),
            Entry::file("index.json", index.to_string()),
            Entry::dir("blobs"),
            Entry::dir("blobs/sha256"),
            Entry::file(&blob(&manifest), &manifest),
            Entry::file(&blob(&config), &config),
        ];
        entries.extend(self.layers.iter().map(|layer| Entry::file(&blob(layer), layer)));
        tar(&entries)
    }
}
