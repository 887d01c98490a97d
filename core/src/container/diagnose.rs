//! Why a file that is there cannot be executed, said so that a person can mend it.
//!
//! The kernel answers ENOENT for a missing interpreter as for a missing file, and ENOEXEC for everything else it cannot make sense
//! of. What it looked at is in the first page of the file: the `#!` line (execve(2), "Interpreter scripts") or the ELF header with
//! the loader's path (elf(5)).

/// What is at a path inside the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing.
    Missing,
    /// A directory.
    Directory,
    /// A file without any execute bit.
    NotExecutable,
    /// A file that could be executed.
    Fine,
}

/// How many bytes of a file are enough.
pub const HEAD: usize = 4096;

/// Machines by their number in an ELF header, in the OCI's words (elf(5), e_machine).
const MACHINES: [(u16, &str); 8] =
    [(3, "386"), (8, "mips"), (21, "ppc64le"), (22, "s390x"), (40, "arm"), (62, "amd64"), (183, "arm64"), (243, "riscv64")];

/// Says why a file that begins so cannot be executed on this machine, if that can be told. `look` answers what is at other paths.
pub fn why(head: &[u8], machine: &str, look: &mut dyn FnMut(&str) -> Look) -> Option<String> {
    if head.is_empty() {
        return Some("the file is empty".to_owned());
    }
    if let Some(rest) = head.strip_prefix(b"#!") {
        return script(rest, look);
    }
    if head.starts_with(b"\x7fELF") {
        return program(head, machine, look);
    }
    if head.starts_with(b"\xef\xbb\xbf#!") {
        return Some("a byte order mark stands before its #!: save it as UTF-8 without one".to_owned());
    }
    let text = head.iter().take(256).all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace());
    Some(if text { "it is a text whose first line names no interpreter: add #!/bin/sh".to_owned() } else { "it is no program".to_owned() })
}

fn script(rest: &[u8], look: &mut dyn FnMut(&str) -> Look) -> Option<String> {
    let line = rest.split(|b| *b == b'\n').next().unwrap_or_default();
    let text = String::from_utf8_lossy(line).into_owned();
    let name = text.trim_matches([' ', '\t']).split([' ', '\t']).next().unwrap_or_default();
    let bare = name.trim_end_matches('\r');
    if bare.is_empty() {
        return Some("its first line names no interpreter after #!".to_owned());
    }
    let shown = bare.escape_debug();
    if text.ends_with('\r') {
        return Some(format!(
            "its lines end with CR LF, so that the kernel looks for an interpreter {shown}\\r: save it with line ends of Unix"
        ));
    }
    match look(bare) {
        Look::Missing => Some(format!("its interpreter {shown} is not in the container")),
        Look::Directory => Some(format!("its interpreter {shown} is a directory")),
        Look::NotExecutable => Some(format!("its interpreter {shown} has no execute bit")),
        Look::Fine => None,
    }
}

fn program(head: &[u8], machine: &str, look: &mut dyn FnMut(&str) -> Look) -> Option<String> {
    let Some(elf) = Elf::read(head) else { return Some("the program is cut short".to_owned()) };
    let made_for = MACHINES.iter().find(|(number, _)| *number == elf.machine).map(|(_, name)| *name);
    match made_for {
        // A 64-bit machine runs programs of its 32-bit ancestor, where the kernel was built so.
        Some(name) if name != machine && !matches!((name, machine), ("386", "amd64") | ("arm", "arm64")) => {
            return Some(format!("it is built for {name}, and this machine is {machine}"));
        }
        None => {
            return Some(format!("it is built for another machine (number {} in its ELF header), and this one is {machine}", elf.machine));
        }
        Some(_) => {}
    }
    let loader = elf.loader?;
    let shown = loader.escape_debug();
    match look(&loader) {
        Look::Missing => {
            Some(format!("its loader {shown} is not in the container: it is linked dynamically, for another C library or system"))
        }
        Look::NotExecutable => Some(format!("its loader {shown} has no execute bit")),
        Look::Directory => Some(format!("its loader {shown} is a directory")),
        Look::Fine => None,
    }
}

/// What of an ELF file matters here.
struct Elf {
    machine: u16,
    loader: Option<String>,
}

impl Elf {
    /// Reads a header and, if the program headers lie in what is given, the path in PT_INTERP.
    fn read(head: &[u8]) -> Option<Self> {
        let wide = *head.get(4)? == 2;
        let little = *head.get(5)? == 1;
        let number = |at: usize, size: usize| -> Option<u64> {
            let bytes = head.get(at..at + size)?;
            let digit = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
            Some(if little { bytes.iter().rev().fold(0, digit) } else { bytes.iter().fold(0, digit) })
        };
        let machine = u16::try_from(number(18, 2)?).ok()?;
        let (table, size, count) =
            if wide { (number(32, 8)?, number(54, 2)?, number(56, 2)?) } else { (number(28, 4)?, number(42, 2)?, number(44, 2)?) };
        let loader = (0..count.min(64)).find_map(|index| {
            let at = usize::try_from(table.checked_add(index * size)?).ok()?;
            // PT_INTERP
            if number(at, 4)? != 3 {
                return None;
            }
            let (offset, length) = if wide { (number(at + 8, 8)?, number(at + 32, 8)?) } else { (number(at + 4, 4)?, number(at + 16, 4)?) };
            let (offset, length) = (usize::try_from(offset).ok()?, usize::try_from(length).ok()?);
            let path = head.get(offset..offset.checked_add(length)?)?;
            Some(String::from_utf8_lossy(path.split(|b| *b == 0).next()?).into_owned())
        });
        Some(Self { machine, loader })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn say(head: &[u8]) -> String {
        let mut look = |path: &str| match path {
            "/bin/sh" => Look::Fine,
            "/bin/plain" => Look::NotExecutable,
            "/etc" => Look::Directory,
            _ => Look::Missing,
        };
        why(head, "amd64", &mut look).unwrap_or_default()
    }

    /// A header of a 64-bit program with one PT_INTERP.
    fn elf(machine: u16, loader: &str) -> Vec<u8> {
        let mut file = vec![0u8; 64 + 56];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[18..20].copy_from_slice(&machine.to_le_bytes());
        file[32..40].copy_from_slice(&64u64.to_le_bytes());
        file[54..56].copy_from_slice(&56u16.to_le_bytes());
        file[56..58].copy_from_slice(&1u16.to_le_bytes());
        file[64..68].copy_from_slice(&3u32.to_le_bytes());
        file[72..80].copy_from_slice(&120u64.to_le_bytes());
        file[96..104].copy_from_slice(&(loader.len() as u64 + 1).to_le_bytes());
        file.extend(loader.as_bytes());
        file.push(0);
        file
    }

    #[test]
    fn each_reason_is_named() {
        for (head, part) in [
            (b"#!/nope/sh\necho\n".to_vec(), "its interpreter /nope/sh is not in the container"),
            (b"#!/bin/sh\r\necho\r\n".to_vec(), "CR LF"),
            (b"#! /bin/plain -x\n".to_vec(), "/bin/plain has no execute bit"),
            (b"#!/etc\n".to_vec(), "/etc is a directory"),
            (b"#!".to_vec(), "names no interpreter after #!"),
            (b"echo hi\n".to_vec(), "add #!/bin/sh"),
            (Vec::new(), "the file is empty"),
            (b"\x7fELF".to_vec(), "cut short"),
            (b"\x00\x01\x02".to_vec(), "it is no program"),
            (elf(183, "/lib/ld.so"), "it is built for arm64, and this machine is amd64"),
            (elf(62, "/lib64/ld-linux-x86-64.so.2"), "its loader /lib64/ld-linux-x86-64.so.2 is not in the container"),
        ] {
            assert!(say(&head).contains(part), "{:?}: {}", String::from_utf8_lossy(&head), say(&head));
        }
        assert_eq!(say(b"#!/bin/sh\n"), "");
        assert_eq!(say(&elf(62, "/bin/sh")), "");
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(mut head in proptest::collection::vec(any::<u8>(), 0..300), elf in any::<bool>()) {
            if elf {
                head.splice(..head.len().min(4), *b"\x7fELF");
            }
            let _ = say(&head);
        }
    }
}
