//! Layers: both readers of tar see the same entries in what both accept, what is unpacked stays in its directory whatever the names and links say, and
//! nothing beside it changes.
//!
//! Checksums of headers are put right first, unless the first byte says otherwise: almost nothing that chance makes would pass.
//! As root every kind of file is made; the directory is in memory, in a mount namespace of the caller's (`tests/fuzz/run`).

#![no_main]

use drydock_core::image::tar::{Kind, Measure, Reader};
use drydock_linux::layer::{self, Archive, Piece};
use libfuzzer_sys::fuzz_target;
use rustix::fs::{Mode, OFlags};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// How much of a file's content is compared: a hole may be larger than any memory.
const COMPARED: usize = 1 << 20;

/// Where layers are unpacked, with something beside that must not change.
fn scratch() -> PathBuf {
    let base = std::env::var_os("FUZZ_SCRATCH").map_or_else(std::env::temp_dir, PathBuf::from);
    base.join(format!("drydock-layer-{}", std::process::id()))
}

/// Puts the checksums right, header after header, as sizes lead to them.
fn repair(bytes: &mut [u8]) {
    let mut at = 0;
    while let Some(header) = bytes.get_mut(at..at + 512) {
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let digits = header[124..136].iter().skip_while(|b| **b == b' ').take_while(|b| (b'0'..=b'7').contains(*b));
        let size = digits.fold(0usize, |n, b| n.saturating_mul(8).saturating_add(usize::from(b - b'0')));
        let has_data = !matches!(header[156], b'1'..=b'6');
        at = at.saturating_add(512).saturating_add(if has_data { size.saturating_add(511) / 512 * 512 } else { 0 });
    }
}

/// What a reader saw, as text: equal entries are equal lines.
fn seen_by_core(bytes: &[u8]) -> Result<Vec<String>, String> {
    let mut reader = Reader::new(bytes);
    let mut all = Vec::new();
    while let Some(entry) = reader.next_entry().map_err(|e| e.to_string())? {
        let mut content = Vec::new();
        (&mut reader).take(COMPARED as u64).read_to_end(&mut content).map_err(|e| e.to_string())?;
        let (kind, link, device) = match &entry.kind {
            Kind::File => ("File", Vec::new(), (0, 0)),
            Kind::HardLink(to) => ("HardLink", to.clone(), (0, 0)),
            Kind::Symlink(to) => ("Symlink", to.clone(), (0, 0)),
            Kind::CharDevice(major, minor) => ("Character", Vec::new(), (*major, *minor)),
            Kind::BlockDevice(major, minor) => ("Block", Vec::new(), (*major, *minor)),
            Kind::Directory => ("Directory", Vec::new(), (0, 0)),
            Kind::Fifo => ("Fifo", Vec::new(), (0, 0)),
        };
        all.push(format!(
            "{kind} {:?} -> {link:?} {device:?} {:o} {}:{} {:?} {} bytes {content:?}",
            entry.path, entry.mode, entry.uid, entry.gid, entry.mtime, entry.size
        ));
    }
    Ok(all)
}

fn seen_by_linux(bytes: &[u8]) -> Result<Vec<String>, String> {
    let mut archive = Archive::new(bytes);
    let mut all = Vec::new();
    while let Some(entry) = archive.next_entry().map_err(|e| e.to_string())? {
        let mut content = Vec::new();
        let mut buffer = [0; 4096];
        while content.len() < COMPARED {
            match archive.next_piece(&mut buffer).map_err(|e| e.to_string())? {
                Piece::Data(n) => content.extend_from_slice(&buffer[..n]),
                Piece::Hole(n) => content.resize(content.len() + usize::try_from(n).unwrap_or(COMPARED).min(COMPARED), 0),
                Piece::End => break,
            }
        }
        content.truncate(COMPARED);
        let is_link = matches!(entry.kind, layer::Kind::HardLink | layer::Kind::Symlink);
        let link = if is_link { entry.link.clone() } else { Vec::new() };
        let device = if matches!(entry.kind, layer::Kind::Character | layer::Kind::Block) { entry.device } else { (0, 0) };
        all.push(format!(
            "{:?} {:?} -> {link:?} {device:?} {:o} {}:{} {:?} {} bytes {content:?}",
            entry.kind, entry.path, entry.mode, entry.uid, entry.gid, entry.modified, entry.size
        ));
    }
    Ok(all)
}

/// The tree beside the layer, as text.
fn beside(base: &Path) -> String {
    let mut names: Vec<_> = fs::read_dir(base).expect("reads").map(|e| e.expect("an entry").file_name()).collect();
    names.sort();
    let canary = base.join("canary");
    let meta = fs::metadata(&canary).expect("the canary lives");
    format!("{names:?} {:?} {:?} {:?}", fs::read_to_string(canary).expect("reads"), meta.permissions(), meta.len())
}

fuzz_target!(|bytes: &[u8]| {
    let Some((how, rest)) = bytes.split_first() else { return };
    let mut archive = rest.to_vec();
    if how % 8 != 7 {
        repair(&mut archive);
    }

    let mut measure = Measure::default();
    measure.feed(&archive);
    // One may refuse what the other takes; what both take is one and the same list of files.
    if let (Ok(core), Ok(linux)) = (seen_by_core(&archive), seen_by_linux(&archive)) {
        assert_eq!(core, linux, "two readers");
    }

    let base = scratch();
    let into = base.join("layer");
    fs::create_dir_all(&into).expect("makes the directory");
    fs::write(base.join("canary"), "sings").expect("writes the canary");
    let before = beside(&base);
    let root = rustix::fs::open(&into, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).expect("opens");
    let _ = layer::apply(archive.as_slice(), root);
    assert_eq!(beside(&base), before, "something left the layer");
    fs::remove_dir_all(&into).expect("removes the layer");
});
