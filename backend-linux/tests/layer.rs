//! Layers, those that are well made and those made to do harm. Beside the data root lies a canary that nothing may touch.

mod common;

use common::Place;
use drydock_core::id::Digest;
use drydock_core::kernel::{Kernel, Step};
use drydock_core::{ErrorKind, Result};
use drydock_linux::LinuxKernel;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::PathBuf;
use tar::{EntryType, Header};

fn main() -> std::process::ExitCode {
    common::main(&[
        ("a layer keeps content, owners, modes, times, links, nodes and attributes", keeps),
        ("gzip and zstd unpack to the same layer", compressed),
        ("whiteouts become overlayfs's and hide nothing of their own layer", whiteouts),
        ("a layer that is refused leaves nothing, and touches nothing outside", hostile),
        ("a layer that looks hostile and is not stays inside itself", inward),
        ("attributes that steer the kernel are dropped", attributes),
        ("an archive cut anywhere is refused", cut),
        ("many at once unpack one layer once", together),
        ("what a dead process left is taken away", abandoned),
    ])
}

/// An archive being written. Nothing is checked, so that everything can be written.
#[derive(Default)]
struct Tape(Vec<u8>);

impl Tape {
    fn raw(mut self, kind: EntryType, path: &[u8], link: &[u8], data: &[u8], change: impl FnOnce(&mut Header)) -> Self {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_000_000_000);
        header.set_size(data.len() as u64);
        header.as_old_mut().name[..path.len()].copy_from_slice(path);
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link);
        change(&mut header);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, path: &str, data: &str) -> Self {
        self.raw(EntryType::Regular, path.as_bytes(), b"", data.as_bytes(), |_| {})
    }

    fn directory(self, path: &str) -> Self {
        self.raw(EntryType::Directory, path.as_bytes(), b"", b"", |h| h.set_mode(0o755))
    }

    fn symlink(self, path: &str, to: &str) -> Self {
        self.raw(EntryType::Symlink, path.as_bytes(), to.as_bytes(), b"", |_| {})
    }

    fn hard_link(self, path: &str, to: &str) -> Self {
        self.raw(EntryType::Link, path.as_bytes(), to.as_bytes(), b"", |_| {})
    }

    fn node(self, path: &str, kind: EntryType, major: u32, minor: u32) -> Self {
        self.raw(kind, path.as_bytes(), b"", b"", |h| {
            h.set_device_major(major).expect("fits");
            h.set_device_minor(minor).expect("fits");
        })
    }

    fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut data = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let mut length = rest + 1;
            while length != rest + length.to_string().len() {
                length = rest + length.to_string().len();
            }
            data.extend_from_slice(format!("{length} {key}=").as_bytes());
            data.extend_from_slice(value);
            data.push(b'\n');
        }
        self.raw(EntryType::XHeader, b"pax", b"", &data, |_| {})
    }

    fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

/// Archives unpacked into one data root, with a canary beside it.
struct Bench {
    kernel: LinuxKernel,
    place_top: PathBuf,
}

impl Bench {
    fn new(place: &Place) -> Self {
        let kernel = LinuxKernel::open(&place.path("data"), &place.path("run")).expect("opens");
        for directory in ["canary/sub", "data/layers"] {
            std::fs::create_dir_all(place.path(directory)).expect("makes");
        }
        for file in ["canary/file", "canary/sub/victim"] {
            std::fs::write(place.path(file), "alive").expect("writes");
        }
        Self { kernel, place_top: place.top.clone() }
    }

    fn layer(&self, name: &str) -> PathBuf {
        self.place_top.join("data/layers").join(name)
    }

    fn unpack_as(&self, name: &str, archive: &[u8], diff_id: &Digest) -> Result<PathBuf> {
        let blob = self.place_top.join(format!("blob-{name}"));
        std::fs::write(&blob, archive).expect("writes");
        let into = self.layer(name);
        let (archive, diff_id, into_text) = (blob.display().to_string(), diff_id.to_string(), into.display().to_string());
        self.kernel.perform(&Step::UnpackLayer { archive, diff_id, into: into_text, ahead: None }, None).map(|()| into)
    }

    fn unpack(&self, name: &str, tape: Tape) -> Result<PathBuf> {
        let archive = tape.end();
        self.unpack_as(name, &archive, &Digest::of(&archive))
    }

    /// Everything of the canary that an attack could change.
    fn canary(&self) -> Vec<String> {
        let mut seen = Vec::new();
        for path in ["canary", "canary/file", "canary/sub", "canary/sub/victim"] {
            let path = self.place_top.join(path);
            let m = std::fs::symlink_metadata(&path).expect("the canary lives");
            let content = if m.is_file() { std::fs::read_to_string(&path).expect("reads") } else { String::new() };
            seen.push(format!("{} {:o} {} {} {} {} {content}", path.display(), m.mode(), m.uid(), m.gid(), m.nlink(), m.mtime()));
        }
        seen
    }

    fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.place_top.join("data/layers")).expect("lists");
        entries.map(|e| e.expect("entry").file_name().to_string_lossy().into_owned()).collect()
    }
}

fn sample() -> Tape {
    Tape::default()
        .raw(EntryType::Directory, b"./", b"", b"", |h| h.set_mode(0o711))
        .directory("etc/")
        .file("etc/motd", "hello\n")
        .raw(EntryType::Regular, b"bin/su", b"", b"\x7fELF", |h| {
            h.set_mode(0o4755);
            h.set_uid(12);
            h.set_gid(34);
        })
        .hard_link("bin/sudo", "bin/su")
        .symlink("lib", "usr/lib")
        .node("dev/null", EntryType::Char, 1, 3)
        .node("dev/sda", EntryType::Block, 8, 0)
        .node("pipe", EntryType::Fifo, 0, 0)
        .pax(&[
            ("path", "a-very-long/".repeat(20).as_bytes()),
            ("mtime", b"1234567890.25"),
            ("SCHILY.xattr.user.note", b"kept\n\0"),
            ("uid", b"70000"),
        ])
        .directory("cut")
}

fn keeps(place: &Place) {
    let bench = Bench::new(place);
    let layer = bench.unpack("sample", sample()).expect("unpacks");
    let stat = |path: &str| std::fs::symlink_metadata(layer.join(path)).expect("is there");
    assert_eq!(stat("").mode() & 0o7777, 0o711);
    assert_eq!(std::fs::read_to_string(layer.join("etc/motd")).expect("reads"), "hello\n");
    assert_eq!((stat("etc/motd").mtime(), stat("etc").mtime(), stat("lib").mtime()), (1_000_000_000, 1_000_000_000, 1_000_000_000));
    let su = stat("bin/su");
    assert_eq!((su.mode() & 0o7777, su.uid(), su.gid(), su.nlink()), (0o4755, 12, 34, 2));
    assert_eq!(stat("bin").mode() & 0o7777, 0o755, "a parent that the archive leaves out");
    assert_eq!(std::fs::read_link(layer.join("lib")).expect("reads"), PathBuf::from("usr/lib"));
    assert!(stat("dev/null").file_type().is_char_device() && stat("dev/null").rdev() == rustix::fs::makedev(1, 3));
    assert!(stat("dev/sda").file_type().is_block_device() && stat("pipe").file_type().is_fifo());
    let deep = "a-very-long/".repeat(20);
    assert_eq!((stat(&deep).mtime(), stat(&deep).mtime_nsec(), stat(&deep).uid()), (1_234_567_890, 250_000_000, 70_000));
    let mut value = [0; 64];
    let n = rustix::fs::getxattr(layer.join(&deep), "user.note", &mut value).expect("is there");
    assert_eq!(&value[..n], b"kept\n\0");
    assert_eq!(bench.left(), ["sample"]);
    bench.unpack("sample", Tape::default().file("other", "x")).expect("is there already");
    assert!(!layer.join("other").exists());
    bench.kernel.perform(&Step::RemoveTree { path: layer.display().to_string() }, None).expect("removes");
    assert!(bench.left().is_empty());
}

fn compressed(place: &Place) {
    let bench = Bench::new(place);
    let plain = sample().end();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).expect("writes");
    let diff_id = Digest::of(&plain);
    for (name, archive) in [("gz", gzip.finish().expect("finishes")), ("zst", zstd::encode_all(&plain[..], 3).expect("encodes"))] {
        let layer = bench.unpack_as(name, &archive, &diff_id).expect("unpacks");
        assert_eq!(std::fs::read_to_string(layer.join("etc/motd")).expect("reads"), "hello\n");
        let error = bench.unpack_as("wrong", &archive, &Digest::of(&archive)).expect_err("another diff id");
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
    assert_eq!(bench.left().len(), 2);
}

fn is_whiteout(path: PathBuf) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_char_device() && m.rdev() == 0)
}

fn is_opaque(path: PathBuf) -> bool {
    let mut value = [0; 8];
    rustix::fs::getxattr(path, "trusted.overlay.opaque", &mut value).is_ok_and(|n| value.get(..n) == Some(b"y".as_slice()))
}

fn whiteouts(place: &Place) {
    let bench = Bench::new(place);
    let tape = Tape::default().file("etc/.wh.gone", "").directory("opaque").file("opaque/.wh..wh..opq", "").file(".wh..wh.plnk/1.2", "x");
    let tape = tape.file("first", "kept").file(".wh.first", "").file(".wh.second", "").file("second", "kept");
    let tape = tape.directory("third").file("third/kept", "kept").file(".wh.third", "").file(".wh.fourth", "").directory("fourth");
    let layer = bench.unpack("whiteouts", tape).expect("unpacks");
    assert!(is_whiteout(layer.join("etc/gone")));
    assert!(is_opaque(layer.join("opaque")) && !is_opaque(layer.join("etc")));
    assert!(!layer.join(".wh..wh.plnk").exists() && !layer.join("etc/.wh.gone").exists());
    for kept in ["first", "second", "third/kept"] {
        assert_eq!(std::fs::read_to_string(layer.join(kept)).expect("reads"), "kept", "{kept}");
    }
    assert!(is_opaque(layer.join("third")) && is_opaque(layer.join("fourth")));
}

fn hostile(place: &Place) {
    let bench = Bench::new(place);
    let outside = place.path("canary");
    let before = bench.canary();
    let t = Tape::default;
    let many: Vec<(&str, Tape)> = vec![
        ("dot dot", t().file("../canary/file", "dead")),
        ("dot dot inside", t().directory("a").file("a/../../../canary/file", "dead")),
        ("dot dot at the end", t().directory("a").directory("a/..")),
        ("hard link out by dot dot", t().hard_link("x", "../../canary/file").file("x", "dead")),
        ("hard link out by its absolute name", t().hard_link("x", &format!("{outside}/file"))),
        ("hard link through a link out", t().symlink("d", &outside).hard_link("x", "d/file")),
        ("hard link to a directory", t().directory("d").hard_link("x", "d")),
        ("hard link to a whiteout", t().file(".wh.x", "").hard_link("y", "x")),
        ("hard link to nothing", t().hard_link("y", "x")),
        ("a NUL in a pax path", t().pax(&[("path", b"a\0b")]).file("x", "")),
        ("a name of 4097 bytes", t().pax(&[("path", "a/".repeat(2049).as_bytes())]).file("x", "")),
        ("a part of 256 bytes", t().pax(&[("path", "a".repeat(256).as_bytes())]).file("x", "")),
        ("whiteout of nothing", t().file("d/.wh.", "")),
        ("whiteout of the directory", t().file("d/.wh..", "")),
        ("whiteout of the parent", t().file("d/.wh...", "")),
        ("whiteout through dot dot", t().file("../../canary/.wh.file", "")),
        ("whiteout of a whiteout", t().file(".wh..wh.x", "")),
        ("a whiteout as a device", t().node("x", EntryType::Char, 0, 0)),
        ("a file in a file", t().file("f", "x").file("f/g", "x")),
        ("a loop of links", t().symlink("a", "b").symlink("b", "a").file("a/x", "x")),
        ("a link that leads nowhere as a directory", t().symlink("a", "nowhere").file("a/x", "x")),
        ("a link to proc as a directory", t().symlink("a", "/proc/self/cwd").file("a/x", "x")),
        ("the root as a file", t().file("./", "").symlink(".", "/")),
        ("an owner that wraps", t().pax(&[("uid", b"4294967296")]).file("x", "")),
        ("the owner that means none", t().pax(&[("uid", b"4294967295")]).file("x", "")),
        ("a negative size", t().pax(&[("size", b"-1")]).file("x", "")),
        ("a size beyond all", t().pax(&[("size", b"9223372036854775807")]).file("x", "")),
        ("an unknown type", t().raw(EntryType::new(b'Z'), b"x", b"", b"", |_| {})),
        ("a pax header that never ends", t().raw(EntryType::XHeader, b"x", b"", b"99 path=x\n", |_| {}).file("x", "")),
        ("a pax header of two megabytes", t().raw(EntryType::XHeader, b"x", b"", &vec![b' '; 2 << 20], |_| {}).file("x", "")),
        ("a pax header and nothing after it", t().pax(&[("path", b"x")])),
        ("an empty link", t().symlink("x", "")),
        ("a directory below a whiteout", t().file(".wh.d/x", "")),
    ];
    for (what, tape) in many {
        let error = bench.unpack("hostile", tape).expect_err(what);
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{what}: {error}");
        assert!(error.message().contains("sha256:"), "{what}: {error}");
        assert!(bench.left().is_empty(), "{what}: {:?}", bench.left());
        assert_eq!(bench.canary(), before, "{what}");
    }
    let mut wrong_sum = Tape::default().file("x", "y").end();
    wrong_sum[0] = b'z';
    let error = bench.unpack_as("hostile", &wrong_sum, &Digest::of(&wrong_sum)).expect_err("a wrong checksum");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(bench.left().is_empty());
}

fn inward(place: &Place) {
    let bench = Bench::new(place);
    let outside = place.path("canary");
    let before = bench.canary();
    let t = Tape::default;
    // An absolute link leads to a place inside the layer, as it will in a container; here there is none yet, or one of its own.
    let own = outside.trim_start_matches('/').to_owned();
    for (at, tape) in [
        t().file(&format!("{outside}/file"), "inside"),
        t().directory(&own).symlink("d", &outside).file("d/file", "inside"),
        t().directory(&own).symlink("d", &outside).directory("d").file("d/file", "inside"),
        t().directory(&own).symlink("d", &outside).raw(EntryType::Directory, b"d/", b"", b"", |h| h.set_mode(0o777)),
        t().directory(&own).symlink("d", &outside).file("d/.wh.victim", ""),
        t().directory(&own).symlink("d", &outside).file("d/.wh..wh..opq", ""),
        t().symlink("f", &format!("{outside}/file")).file("f", "inside"),
        t().symlink("f", &format!("{outside}/file")).hard_link("g", "f"),
        t().symlink("d", &outside).pax(&[("SCHILY.xattr.user.x", b"y")]).directory("d"),
        t().directory("d").file("d/x", "x").symlink("d", &outside),
        t().directory("d").file("d/x", "x").symlink("d", &outside).file("e", "x"),
        t().directory("x/y").symlink("x/y/up", "../../../../../../../..").directory("x/y/up/dir").file("x/y/up/dir/f", "inside"),
        t().file("bad\u{fffd}name", "x").raw(EntryType::Regular, b"\xff\xfe", b"", b"x", |_| {}),
        t().file("twice", "x").file("twice", "y").directory("twice").file("twice/z", "z").file("twice", "last"),
    ]
    .into_iter()
    .enumerate()
    {
        let layer = bench.unpack(&format!("inward-{at}"), tape).unwrap_or_else(|e| panic!("{at}: {e}"));
        assert_eq!(bench.canary(), before, "{at}");
        bench.kernel.perform(&Step::RemoveTree { path: layer.display().to_string() }, None).expect("removes");
        assert_eq!(bench.canary(), before, "{at}, removed");
    }
}

fn attributes(place: &Place) {
    let bench = Bench::new(place);
    let capability = b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let records: [(&str, &[u8]); 7] = [
        ("SCHILY.xattr.trusted.overlay.redirect", b"/etc"),
        ("SCHILY.xattr.trusted.overlay.opaque", b"y"),
        ("SCHILY.xattr.user.overlay.opaque", b"y"),
        ("SCHILY.xattr.security.selinux", b"x"),
        ("SCHILY.xattr.security.ima", b"x"),
        ("SCHILY.xattr.user.kept", b"yes"),
        ("SCHILY.xattr.security.capability", capability),
    ];
    let tape = Tape::default().pax(&records).raw(EntryType::Regular, b"f", b"", b"x", |h| h.set_uid(5)).pax(&records[..6]).directory("d");
    let layer = bench.unpack("attributes", tape).expect("unpacks");
    let list = |path: &str| {
        let mut names = [0; 1024];
        let n = rustix::fs::llistxattr(layer.join(path), &mut names).expect("lists");
        let mut names: Vec<String> =
            names[..n].split(|b| *b == 0).filter(|s| !s.is_empty()).map(|s| String::from_utf8_lossy(s).into_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(list("f"), ["security.capability", "user.kept"]);
    assert_eq!(list("d"), ["user.kept"]);
}

fn cut(place: &Place) {
    let bench = Bench::new(place);
    let whole = sample().end();
    let diff_id = Digest::of(&whole);
    for length in (0..whole.len() - 1).step_by(512).chain([1, 511, 513, whole.len() - 1]) {
        let error = bench.unpack_as("cut", &whole[..length], &diff_id).expect_err("cut");
        assert!(matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Corrupt), "{length}: {error}");
        assert!(bench.left().is_empty(), "{length}");
    }
}

fn together(place: &Place) {
    let bench = Bench::new(place);
    let archive = sample().file("big", &"x".repeat(1 << 20)).end();
    let diff_id = Digest::of(&archive);
    std::fs::write(place.path("blob"), &archive).expect("writes");
    let into = bench.layer("shared");
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|_| {
                let step = Step::UnpackLayer {
                    archive: place.path("blob"),
                    diff_id: diff_id.to_string(),
                    into: into.display().to_string(),
                    ahead: None,
                };
                let kernel = &bench.kernel;
                scope.spawn(move || kernel.perform(&step, None))
            })
            .collect();
        for one in all {
            one.join().expect("ends").expect("unpacks");
        }
    });
    assert_eq!(bench.left(), ["shared"]);
    assert_eq!(std::fs::metadata(into.join("big")).expect("is there").len(), 1 << 20);
}

fn abandoned(place: &Place) {
    let bench = Bench::new(place);
    let scratch = bench.layer(".unpack-x");
    std::fs::create_dir_all(scratch.join("half")).expect("makes");
    let layer = bench.unpack("x", Tape::default().file("f", "x")).expect("unpacks");
    assert!(!layer.join("half").exists());
    assert_eq!(bench.left(), ["x"]);
    std::fs::create_dir_all(scratch.join("half")).expect("makes");
    bench.kernel.perform(&Step::RemoveTree { path: layer.display().to_string() }, None).expect("removes");
    assert!(bench.left().is_empty());
}
