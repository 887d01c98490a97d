//! Programs that are there and cannot be executed: what is wrong with them is said.

use crate::clause::Clause;
use crate::fixture::{Entry, append};
use crate::outcome::{Checked, contains, equal};
use crate::world::World;

const EXEC: &str = "execve(2), ERRORS; elf(5)";

/// Runs a file of an image made of it, and wants this exit code and these words.
fn cannot(w: &World<'_>, entries: &[Entry], program: &str, code: i32, words: &[&str]) -> Checked {
    w.import(&append(w.busybox().to_vec(), entries), "odd:1", &[])?;
    let error = w.refused(&[program], |c| c.image = "odd:1".to_owned())?;
    for part in words {
        contains("message", &error.to_string(), part)?;
    }
    equal("exit code", error.exit_code_of_run(), code)
}

/// The start of a program for another machine (183 is 64-bit ARM; 62, amd64's own, would do nothing here), of 64 bits.
fn elf(machine: u8, loader: &str) -> Vec<u8> {
    let mut file = vec![0u8; 64 + 56];
    file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    file[16] = 2;
    file[18] = machine;
    file[20] = 1;
    file[32] = 64;
    file[52] = 64;
    file[54] = 56;
    file[56] = 1;
    file[64] = 3;
    file[72] = 120;
    file[96] = u8::try_from(loader.len() + 1).unwrap_or(255);
    file[104] = file[96];
    file.extend(loader.as_bytes());
    file.push(0);
    file
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::law("CTR-PROG-1", "A script whose interpreter is missing names the interpreter.", EXEC, |w| {
        let script = Entry::program("bin/odd", "#!/nope/sh\necho\n");
        cannot(
            w,
            &[script],
            "/bin/odd",
            127,
            &["exec /bin/odd: no such file or directory", "its interpreter /nope/sh is not in the container"],
        )
    }),
    Clause::law("CTR-PROG-2", "A script with line ends of another system says so.", EXEC, |w| {
        let script = Entry::program("bin/odd", "#!/bin/sh\r\necho hi\r\n");
        cannot(w, &[script], "/bin/odd", 127, &["its lines end with CR LF"])
    }),
    Clause::law("CTR-PROG-3", "A file without an execute bit is named as such, by its path and by its name in PATH.", EXEC, |w| {
        let script = || [Entry::file("bin/odd", "#!/bin/sh\necho hi\n")];
        cannot(w, &script(), "/bin/odd", 126, &["exec: \"/bin/odd\": permission denied", "/bin/odd has no execute bit"])?;
        cannot(w, &script(), "odd", 127, &["exec: \"odd\": executable file not found in $PATH", "/bin/odd has no execute bit"])
    }),
    Clause::law("CTR-PROG-4", "A script whose interpreter has no execute bit names the interpreter.", EXEC, |w| {
        let entries = [Entry::file("bin/plain", "x"), Entry::program("bin/odd", "#!/bin/plain\n")];
        cannot(w, &entries, "/bin/odd", 126, &["its interpreter /bin/plain has no execute bit"])
    }),
    Clause::law("CTR-PROG-5", "A text without an interpreter, and an empty file, are told from programs.", EXEC, |w| {
        cannot(w, &[Entry::program("bin/odd", "echo hi\n")], "/bin/odd", 126, &["exec format error", "add #!/bin/sh"])?;
        cannot(w, &[Entry::program("bin/odd", "")], "/bin/odd", 126, &["exec format error", "the file is empty"])
    }),
    Clause::law("CTR-PROG-6", "A program for another machine says for which.", EXEC, |w| {
        let host = w.engine().facts().architecture;
        let (number, name) = if host == "arm64" { (62, "amd64") } else { (183, "arm64") };
        let words = format!("it is built for {name}, and this machine is {host}");
        cannot(w, &[Entry::program("bin/odd", elf(number, "/lib/ld.so"))], "/bin/odd", 126, &["exec format error", &words])
    }),
    Clause::law("CTR-PROG-7", "A program whose loader is missing names the loader.", EXEC, |w| {
        let number = if w.engine().facts().architecture == "arm64" { 183 } else { 62 };
        let program = Entry::program("bin/odd", elf(number, "/lib/ld-nope.so.1"));
        cannot(
            w,
            &[program],
            "/bin/odd",
            127,
            &["exec /bin/odd: no such file or directory", "its loader /lib/ld-nope.so.1 is not in the container"],
        )
    }),
];
