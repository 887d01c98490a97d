//! One archive, many readers: whatever Drydock's two readers of layers take, GNU tar, bsdtar, Python's tarfile and Go's archive/tar take for the
//! same entries where they take it at all. Where readers differ, Drydock's has to refuse: an archive that means two things is how a file is hidden
//! from whoever looks at it (row S22).
//!
//! Run in the root lane, where all four are there: a missing one is a failure. `READERS=5000` tries so many mutations.

#![cfg(target_os = "linux")]

mod archive;
mod others;

use drydock_core::image::tar::{Kind, Reader};
use std::io::Read as _;

/// An entry as all readers can tell it: a letter for its kind, its name without slashes at the end, its size, where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    kind: char,
    name: String,
    size: u64,
    link: String,
}

/// What a reader makes of an archive: its entries, and the content of all files in one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reading {
    entries: Vec<Told>,
    content: Vec<u8>,
}

fn shown(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect::<String>().trim_end_matches('/').to_owned()
}

/// What Drydock makes of it; `None` where it refuses.
fn drydock(bytes: &[u8]) -> Option<Reading> {
    let mut reader = Reader::new(bytes);
    let mut reading = Reading { entries: Vec::new(), content: Vec::new() };
    while let Some(entry) = reader.next_entry().ok()? {
        let (kind, link) = match &entry.kind {
            Kind::File => ('-', String::new()),
            Kind::HardLink(to) => ('h', shown(to)),
            Kind::Symlink(to) => ('l', shown(to)),
            Kind::CharDevice(..) => ('c', String::new()),
            Kind::BlockDevice(..) => ('b', String::new()),
            Kind::Directory => ('d', String::new()),
            Kind::Fifo => ('p', String::new()),
        };
        reading.entries.push(Told { kind, name: shown(&entry.path), size: entry.size, link });
        reader.read_to_end(&mut reading.content).ok()?;
    }
    Some(reading)
}

/// Whether two readings are the same. GNU tar leaves holes out where it writes to a pipe: of such content what is not zero is compared.
fn alike(ours: &Reading, theirs: &Reading) -> bool {
    let full = theirs.content.len() as u64 == theirs.entries.iter().map(|e| e.size).sum::<u64>();
    let written = |reading: &Reading| reading.content.iter().copied().filter(|b| full || *b != 0).collect::<Vec<u8>>();
    ours.entries == theirs.entries && written(ours) == written(theirs)
}

/// What the Linux host's reader of layers makes of it, which is another one: it need not hold a file in memory.
fn linux(bytes: &[u8]) -> Option<Reading> {
    use drydock_linux::layer::{Archive, Kind, Piece};
    let mut archive = Archive::new(bytes);
    let mut reading = Reading { entries: Vec::new(), content: Vec::new() };
    while let Some(entry) = archive.next_entry().ok()? {
        let (kind, link) = match entry.kind {
            Kind::File => ('-', String::new()),
            Kind::HardLink => ('h', shown(&entry.link)),
            Kind::Symlink => ('l', shown(&entry.link)),
            Kind::Character => ('c', String::new()),
            Kind::Block => ('b', String::new()),
            Kind::Directory => ('d', String::new()),
            Kind::Fifo => ('p', String::new()),
        };
        let before = reading.content.len() as u64;
        if kind == '-' {
            let mut buffer = [0; 512];
            loop {
                match archive.next_piece(&mut buffer).ok()? {
                    Piece::Data(n) => reading.content.extend(&buffer[..n]),
                    // No file of these archives is larger than a few kilobytes, whatever its header says.
                    Piece::Hole(length) if length > 1 << 20 => return None,
                    Piece::Hole(length) => reading.content.resize(reading.content.len() + usize::try_from(length).ok()?, 0),
                    Piece::End => break,
                }
            }
        }
        let size = reading.content.len() as u64 - before;
        reading.entries.push(Told { kind, name: shown(&entry.path), size, link });
    }
    Some(reading)
}

#[test]
#[ignore = "needs GNU tar, bsdtar, Python and Go, which the root lane has"]
fn what_drydock_takes_every_other_reader_takes_for_the_same() {
    let wanted: usize = std::env::var("READERS").ok().and_then(|n| n.parse().ok()).unwrap_or(600);
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("readers");
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).unwrap();
    let seeds = archive::seeds();
    let mut all: Vec<(String, Vec<u8>)> = seeds.clone();
    let mut random = archive::Random(0x5eed);
    for number in 0..wanted {
        let (name, seed) = &seeds[random.below(seeds.len())];
        all.push((format!("{name}-{number}"), archive::mutate(seed, &mut random)));
    }
    let paths: Vec<_> = all
        .iter()
        .map(|(name, bytes)| {
            let path = directory.join(format!("{name}.tar"));
            std::fs::write(&path, bytes).unwrap();
            path
        })
        .collect();
    let python = others::python(&paths);
    let go = others::go(&paths, &directory);
    let mut compared = [0; 4];
    let (mut taken, mut differ) = (0, Vec::new());
    for ((((name, bytes), path), python), go) in all.iter().zip(&paths).zip(python).zip(go) {
        let core = drydock(bytes);
        // Two readers of our own are two readers too: what one takes and the other does not is in doubt for nobody else.
        let host = linux(bytes);
        if let (Some(core), Some(host)) = (&core, &host)
            && core != host
        {
            differ.push(format!("{name}: core reads {:?}\n  and the Linux host {:?}", core.entries, host.entries));
        }
        let Some(ours) = host.or(core) else { continue };
        taken += 1;
        let theirs = [("GNU tar", others::gnu(path)), ("bsdtar", others::bsd(path)), ("Python", python), ("Go", go)];
        for (which, theirs) in theirs.into_iter().enumerate() {
            let (reader, Some(theirs)) = theirs else { continue };
            compared[which] += 1;
            if !alike(&ours, &theirs) {
                differ.push(format!("{name}: Drydock reads {:?}\n  and {reader} {:?}", ours.entries, theirs.entries));
            }
        }
    }
    println!(
        "{} archives, {taken} taken; GNU tar took {} of these, bsdtar {}, Python {}, Go {}",
        all.len(),
        compared[0],
        compared[1],
        compared[2],
        compared[3]
    );
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
    // Where nothing is compared, nothing is shown.
    assert!(compared.iter().all(|n| *n >= seeds.len() / 2 && *n * 5 > taken), "{taken} taken, and only {compared:?} compared");
    std::fs::remove_dir_all(directory).unwrap();
}
