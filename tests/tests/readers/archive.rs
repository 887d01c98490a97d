//! Archives that readers have been seen to differ on, and mutations of them.

/// Numbers that look random, and are the same each time.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }
}

const BLOCK: usize = 512;

/// A header of ustar with a right checksum.
fn header(name: &str, kind: u8, size: u64, link: &str) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    let mut put = |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{size:011o}\0"));
    put(136, "00000000000\0");
    put(157, link);
    put(257, "ustar\0");
    put(263, "00");
    block[156] = kind;
    seal(&mut block);
    block
}

/// Sets the checksum.
fn seal(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut all = bytes.to_vec();
    all.resize(bytes.len().div_ceil(BLOCK) * BLOCK, 0);
    all
}

fn file(name: &str, content: &[u8]) -> Vec<u8> {
    [header(name, b'0', content.len() as u64, ""), padded(content)].concat()
}

/// PAX records: each begins with its own length in decimal.
fn records(kind: u8, pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut text = String::new();
    for (key, value) in pairs {
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while rest + length.to_string().len() != length {
            length = rest + length.to_string().len();
        }
        text += &format!("{length} {key}={value}\n");
    }
    [header("pax", kind, text.len() as u64, ""), padded(text.as_bytes())].concat()
}

fn end() -> Vec<u8> {
    vec![0; 2 * BLOCK]
}

/// GNU's header of a sparse file: magic, a map, the real size.
fn old_sparse() -> Vec<u8> {
    let mut block = header("sparse", b'S', 1024, "");
    block[257..265].copy_from_slice(b"ustar  \0");
    for (at, (offset, length)) in [(0u64, 512u64), (4096, 512)].iter().enumerate() {
        let at = 386 + 24 * at;
        block[at..at + 12].copy_from_slice(format!("{offset:011o}\0").as_bytes());
        block[at + 12..at + 24].copy_from_slice(format!("{length:011o}\0").as_bytes());
    }
    block[483..495].copy_from_slice(format!("{:011o}\0", 8192).as_bytes());
    seal(&mut block);
    [block, vec![b'a'; 512], vec![b'b'; 512]].concat()
}

/// Archives by name.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let inner = [file("hidden", b"of another archive"), end()].concat();
    let long = "d/".repeat(60) + "name";
    let plain = [file("a", b"one"), header("d/", b'5', 0, ""), header("l", b'2', 0, "a"), header("h", b'1', 0, "a"), file("d/b", b"two")];
    let mut all: Vec<(&str, Vec<Vec<u8>>)> = vec![
        ("plain", plain.to_vec()),
        ("empty", vec![]),
        ("twice", vec![file("a", b"one"), file("a", b"another")]),
        ("devices", vec![header("c", b'3', 0, ""), header("b", b'4', 0, ""), header("p", b'6', 0, "")]),
        ("old-directory", vec![header("d/", 0, 0, ""), header("e/", b'0', 0, ""), file("f", b"x")]),
        ("contiguous", vec![header("a", b'7', 3, ""), padded(b"one")]),
        // The archive within is content to who follows the record, and entries to who follows the header.
        (
            "pax-size-over-header",
            vec![records(b'x', &[("size", "1536")]), header("a", b'0', 0, ""), padded(&inner[..1536]), file("z", b"end")],
        ),
        ("pax-size-larger", vec![records(b'x', &[("size", "1024")]), header("a", b'0', 10, ""), padded(&inner[..1024]), file("z", b"end")]),
        ("pax-size-zero", vec![records(b'x', &[("size", "0")]), header("a", b'0', 1024, ""), padded(&inner[..1024]), file("z", b"end")]),
        ("pax-twice-in-one", vec![records(b'x', &[("path", "first"), ("path", "second")]), file("a", b"one")]),
        (
            "pax-size-twice",
            vec![records(b'x', &[("size", "512"), ("size", "3")]), header("a", b'0', 3, ""), padded(b"one"), file("z", b"end")],
        ),
        ("pax-two-headers", vec![records(b'x', &[("path", "first")]), records(b'x', &[("path", "second")]), file("a", b"one")]),
        ("pax-path", vec![records(b'x', &[("path", &long)]), file("short", b"one")]),
        ("pax-link", vec![records(b'x', &[("linkpath", &long)]), header("l", b'2', 0, "short")]),
        ("pax-empty-path", vec![records(b'x', &[("path", "")]), file("a", b"one")]),
        ("pax-size-of-a-link", vec![records(b'x', &[("size", "512")]), header("l", b'2', 0, "a"), file("z", b"end")]),
        ("pax-of-nothing", vec![file("a", b"one"), records(b'x', &[("path", "b")])]),
        ("global-comment", vec![records(b'g', &[("comment", "0123456789")]), file("a", b"one")]),
        ("global-path", vec![records(b'g', &[("path", "everything")]), file("a", b"one"), file("b", b"two")]),
        ("global-size", vec![records(b'g', &[("size", "512")]), header("a", b'0', 3, ""), padded(b"one"), file("b", b"two")]),
        ("long-name", vec![header("././@LongLink", b'L', 125, ""), padded(format!("{long}\0").as_bytes()), file("short", b"one")]),
        (
            "long-name-twice",
            vec![
                header("././@LongLink", b'L', 6, ""),
                padded(b"first\0"),
                header("././@LongLink", b'L', 7, ""),
                padded(b"second\0"),
                file("short", b"one"),
            ],
        ),
        (
            "long-name-and-pax",
            vec![header("././@LongLink", b'L', 6, ""), padded(b"first\0"), records(b'x', &[("path", "second")]), file("a", b"one")],
        ),
        ("long-link", vec![header("././@LongLink", b'K', 125, ""), padded(format!("{long}\0").as_bytes()), header("l", b'2', 0, "short")]),
        ("long-link-empty", vec![header("././@LongLink", b'K', 1, ""), padded(b"\0"), header("l", b'2', 0, "short")]),
        ("sparse-old", vec![old_sparse(), file("z", b"end")]),
        (
            "sparse-pax-0.1",
            vec![
                records(b'x', &[("GNU.sparse.size", "4096"), ("GNU.sparse.numblocks", "1"), ("GNU.sparse.map", "1024,3")]),
                header("s", b'0', 3, ""),
                padded(b"one"),
                file("z", b"end"),
            ],
        ),
        (
            "sparse-pax-1.0",
            vec![
                records(
                    b'x',
                    &[("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "s"), ("GNU.sparse.realsize", "4096")],
                ),
                header("GNUSparseFile.0/s", b'0', 515, ""),
                padded(b"1\n1024\n3\n"),
                padded(b"one"),
                file("z", b"end"),
            ],
        ),
        ("link-with-content", vec![header("l", b'2', 512, "a"), vec![b'x'; 512], file("z", b"end")]),
        ("hard-link-with-content", vec![file("a", b"one"), header("h", b'1', 3, "a"), padded(b"one"), file("z", b"end")]),
        ("directory-with-content", vec![header("d/", b'5', 1024, ""), inner[..1024].to_vec(), file("z", b"end")]),
        ("one-zero-block", vec![file("a", b"one"), vec![0; BLOCK], file("b", b"two")]),
        ("after-the-end", vec![file("a", b"one"), end(), file("b", b"two")]),
        ("unknown-kind", vec![header("v", b'V', 0, ""), file("a", b"one")]),
    ];
    for (_, parts) in &mut all {
        parts.push(end());
    }
    let mut all: Vec<(String, Vec<u8>)> = all.into_iter().map(|(name, parts)| (name.to_owned(), parts.concat())).collect();
    all.push(("no-end".to_owned(), file("a", b"one")));
    all.push(("cut".to_owned(), [file("a", b"one"), header("b", b'0', 512, "")].concat()));
    // A size in base 256, which GNU writes of what does not fit into octal digits.
    let mut large = header("a", b'0', 0, "");
    large[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]);
    seal(&mut large);
    all.push(("base-256".to_owned(), [large, padded(b"one"), end()].concat()));
    let mut prefixed = header("name", b'0', 3, "");
    prefixed[345..348].copy_from_slice(b"pre");
    seal(&mut prefixed);
    all.push(("prefix".to_owned(), [prefixed, padded(b"one"), end()].concat()));
    all
}

/// One to three changes, each of a kind that keeps headers readable: their checksums are made right again.
pub fn mutate(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(3) {
        let blocks = bytes.len() / BLOCK;
        if blocks == 0 {
            break;
        }
        let at = BLOCK * random.below(blocks);
        match random.below(8) {
            0 => bytes.drain(at..at + BLOCK).for_each(drop),
            1 => drop(bytes.splice(at..at, vec![0; BLOCK])),
            2 => {
                let copy = bytes[at..at + BLOCK].to_vec();
                drop(bytes.splice(at..at, copy));
            }
            3 => bytes.truncate(at + random.below(BLOCK)),
            _ => change(&mut bytes[at..at + BLOCK], random),
        }
    }
    bytes
}

/// Changes a field, if the block is a header, and else a digit or letter of what it holds.
fn change(block: &mut [u8], random: &mut Random) {
    if &block[257..262] != b"ustar" {
        let at = random.below(64);
        if block[at].is_ascii_graphic() {
            block[at] = b"0123456789=ab/."[random.below(15)];
        }
        return;
    }
    match random.below(7) {
        0 => block[156] = b"0\x001234567xgLKSDMV"[random.below(17)],
        1 => {
            let size = [0u64, 1, 3, 511, 512, 513, 1024, 1536][random.below(8)];
            block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
        }
        2 => block[124 + random.below(12)] = b"01 \x007"[random.below(5)],
        3 => block[random.below(6)] = b"ab/.\x00"[random.below(5)],
        4 => block[157 + random.below(4)] = b"ab/.\x00"[random.below(5)],
        5 => block[257..265].copy_from_slice(if random.below(2) == 0 { b"ustar  \0" } else { b"ustar\x0000" }),
        _ => block[345 + random.below(6)] = b"ab/\x00"[random.below(4)],
    }
    seal(block);
}
