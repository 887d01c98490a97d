//! What the writer writes the reader reads, and nothing malformed gets through.

use super::*;
use proptest::prelude::*;
use std::io::Read as _;

fn archive(entries: &[(Entry, Vec<u8>)]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (entry, content) in entries {
        writer.append(entry, content).unwrap();
    }
    writer.finish().unwrap()
}

fn read_all(bytes: &[u8]) -> crate::Result<Vec<(Entry, Vec<u8>)>> {
    let mut reader = Reader::new(bytes);
    let mut all = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        let mut content = Vec::new();
        reader.read_to_end(&mut content).map_err(|e| crate::Error::invalid(e.to_string()))?;
        all.push((entry, content));
    }
    Ok(all)
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(1u8..=255, 1..300).prop_map(|mut n| {
        // A trailing slash on a file of the old format says directory; the writer never writes the old format.
        if n.ends_with(b"/") {
            n.push(b'x');
        }
        n
    })
}

fn any_entry() -> impl Strategy<Value = (Entry, Vec<u8>)> {
    let kind = prop_oneof![
        Just(Kind::File),
        Just(Kind::Directory),
        Just(Kind::Fifo),
        name().prop_map(Kind::Symlink),
        name().prop_map(Kind::HardLink),
        (0u32..4096, 0u32..1 << 20).prop_map(|(a, b)| Kind::CharDevice(a, b)),
    ];
    let attributes = proptest::collection::btree_map("[a-z.]{1,20}", proptest::collection::vec(any::<u8>(), 0..120), 0..3);
    let content = proptest::collection::vec(any::<u8>(), 0..1500);
    (name(), kind, 0u32..0o10000, any::<(u32, u32)>(), any::<i32>(), 0u32..1_000_000_000, attributes, content).prop_map(
        |(path, kind, mode, (uid, gid), time, nanos, xattrs, content)| {
            let content = if kind == Kind::File { content } else { Vec::new() };
            let size = content.len() as u64;
            // Before 1970 the fraction counts forward from the earlier second; the writer writes what the reader undoes only without one.
            let nanos = if time < 0 { 0 } else { nanos };
            (Entry { path, kind, size, mode, uid, gid, mtime: (i64::from(time), nanos), xattrs }, content)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(entries in proptest::collection::vec(any_entry(), 0..6)) {
        prop_assert_eq!(read_all(&archive(&entries)).unwrap(), entries);
    }

    #[test]
    fn measuring_in_pieces_counts_what_files_hold(entries in proptest::collection::vec(any_entry(), 0..6), piece in 1usize..2000) {
        let mut measure = Measure::default();
        archive(&entries).chunks(piece).for_each(|part| measure.feed(part));
        prop_assert_eq!(measure.total(), entries.iter().map(|(entry, _)| entry.size).sum::<u64>());
    }

    #[test]
    fn cut_off_anywhere_it_is_refused_or_whole_entries(entries in proptest::collection::vec(any_entry(), 1..4), at in any::<prop::sample::Index>()) {
        let bytes = archive(&entries);
        let cut = at.index(bytes.len());
        if let Ok(read) = read_all(&bytes[..cut]) {
            prop_assert!(cut % BLOCK == 0);
            prop_assert_eq!(&read[..], &entries[..read.len()]);
        }
    }

    #[test]
    fn noise_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let _ = read_all(&bytes);
    }

    #[test]
    fn a_flipped_header_byte_is_noticed(at in 0usize..BLOCK, flip in 1u8..=255) {
        let mut bytes = archive(&[(Entry::new("file", Kind::File), b"content".to_vec())]);
        bytes[at] ^= flip;
        // Only the checksum's own spelling may change without notice: blanks and zeros around its digits.
        if let Ok(read) = read_all(&bytes) {
            prop_assert!((148..156).contains(&at) || read.is_empty() && bytes[..BLOCK].iter().all(|b| *b == 0));
        }
    }
}

/// A header with fields of the test's choice and a right checksum.
fn raw(edit: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut bytes = archive(&[(Entry::new("file", Kind::File), Vec::new())]);
    edit(&mut bytes[..BLOCK]);
    bytes[148..156].fill(b' ');
    let sum: u64 = bytes[..BLOCK].iter().map(|b| u64::from(*b)).sum();
    bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    bytes
}

/// An archive of one file with these records before it and this content, then a plain one.
fn with_records(records: &[(&str, &str)], name: &str, content: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for (key, value) in records {
        let bare = key.len() + value.len() + 3;
        let length = (1..4).map(|digits| bare + digits).find(|l| l.to_string().len() + bare == *l).expect("a length");
        body.extend(format!("{length} {key}={value}\n").into_bytes());
    }
    let mut archive = Vec::new();
    let mut add = |kind: u8, name: &str, content: &[u8]| {
        archive.extend(
            &raw(|h| {
                h[0..100].fill(0);
                h[..name.len()].copy_from_slice(name.as_bytes());
                h[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
                h[156] = kind;
            })[..BLOCK],
        );
        archive.extend(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    };
    add(b'x', "PaxHeaders/x", &body);
    add(b'0', name, content);
    add(b'0', "after", b"plain");
    archive.resize(archive.len() + 1024, 0);
    archive
}

#[test]
fn sparse_files_are_read_with_their_holes_in_every_pax_form() {
    let mut one = b"2\n2\n3\n9\n1\n".to_vec();
    one.resize(512, 0);
    one.extend(b"abcz");
    type Form = (&'static [(&'static str, &'static str)], &'static str, Vec<u8>);
    let forms: [Form; 3] = [
        (
            &[
                ("GNU.sparse.size", "12"),
                ("GNU.sparse.numblocks", "2"),
                ("GNU.sparse.offset", "2"),
                ("GNU.sparse.numbytes", "3"),
                ("GNU.sparse.offset", "9"),
                ("GNU.sparse.numbytes", "1"),
            ],
            "holes",
            b"abcz".to_vec(),
        ),
        (
            &[("GNU.sparse.name", "holes"), ("GNU.sparse.size", "12"), ("GNU.sparse.numblocks", "2"), ("GNU.sparse.map", "2,3,9,1")],
            "GNUSparseFile.1/holes",
            b"abcz".to_vec(),
        ),
        (
            &[("GNU.sparse.name", "holes"), ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "12")],
            "GNUSparseFile.1/holes",
            one,
        ),
    ];
    for (records, name, content) in forms {
        let archive = with_records(records, name, &content);
        let mut reader = Reader::new(archive.as_slice());
        let entry = reader.next_entry().expect("reads").expect("an entry");
        assert_eq!((entry.path.as_slice(), entry.size, reader.is_sparse()), (b"holes".as_slice(), 12, true));
        let mut all = Vec::new();
        reader.read_to_end(&mut all).expect("reads");
        assert_eq!(all, b"\0\0abc\0\0\0\0z\0\0", "{records:?}");
        // What follows is found, also where the content is not read.
        for read in [true, false] {
            let mut reader = Reader::new(archive.as_slice());
            reader.next_entry().expect("reads");
            if read {
                reader.read_to_end(&mut Vec::new()).expect("reads");
            }
            let next = reader.next_entry().expect("reads").expect("an entry");
            assert_eq!((next.path.as_slice(), next.size, reader.is_sparse()), (b"after".as_slice(), 5, false));
        }
    }
    let overlapping = with_records(&[("GNU.sparse.map", "2,3,4,1"), ("GNU.sparse.size", "12")], "holes", b"abcz");
    assert!(Reader::new(overlapping.as_slice()).next_entry().is_err());
}

#[test]
fn hostile_headers_are_refused() {
    let cases: [(&str, Vec<u8>); 7] = [
        ("a negative size", raw(|h| h[124..136].fill(0xff))),
        ("a size of 2^63", raw(|h| h[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0]))),
        ("a size that is no number", raw(|h| h[124..136].copy_from_slice(b"00000zz00000"))),
        ("an unknown type", raw(|h| h[156] = b'V')),
        ("a sparse file", raw(|h| h[156] = b'S')),
        ("an empty name", raw(|h| h[0..100].fill(0))),
        (
            "a directory with content",
            raw(|h| {
                h[156] = b'5';
                h[124..136].copy_from_slice(b"00000001000\0");
            }),
        ),
    ];
    for (what, bytes) in cases {
        assert!(read_all(&bytes).is_err(), "{what}");
    }
}

#[test]
fn a_pax_size_is_followed() {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    // A PAX record in front of a header that says 10: whoever follows the header sees an entry in the middle of the content.
    writer.append(&Entry::new("outer", Kind::File), &[7; 1024]).unwrap();
    writer.finish().unwrap();
    let mut pax = raw(|h| {
        h[156] = b'x';
        h[124..136].copy_from_slice(b"00000000015\0");
    });
    pax.truncate(BLOCK);
    let mut body = b"13 size=1024\n".to_vec();
    body.resize(BLOCK, 0);
    bytes[124..136].copy_from_slice(b"00000000012\0");
    bytes[148..156].fill(b' ');
    let sum: u64 = bytes[..BLOCK].iter().map(|b| u64::from(*b)).sum();
    bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let all = read_all(&[pax, body, bytes].concat()).unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].0.size, all[0].1.len()), (1024, 1024));
}
