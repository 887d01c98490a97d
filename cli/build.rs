//! Links the program of a release build statically.
//!
//! `drydock run` executes this program twice, and once more for every supervisor that a person starts. Loading four shared libraries and
//! looking up their symbols costs 1.4 ms each time, three times what the whole start of a static program takes. A static program also
//! has no loader that could be made to load something else inside a container (CVE-2019-5736 went that way).
//!
//! `-C target-feature=+crt-static` would do the same, but as a flag for every crate of every build. Here the linker alone is told:
//! `-static`, and under the names of the shared libraries that rustc asks for it finds one line that names the archive. Where an
//! archive is missing, as on distributions that keep libc.a in a package of its own, the program is linked as usual.
//!
//! Its addresses are fixed, as runc's and dockerd's are: a program that can be moved writes 19,000 addresses into 80 pages of its own at
//! every start, which is a third of the start again and a sixth of what a supervisor may weigh. The price is that the addresses of its
//! code are known to whoever could make it jump; almost all of it is safe Rust, which gives nobody that chance.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What rustc and the crates ask for, and what they get.
const LIBRARIES: [(&str, &[&str]); 4] = [
    ("libc.so", &["libc.a"]),
    ("libm.so", &["libm.a"]),
    // Unwinding is in the first; what the first needs itself is in the second.
    ("libgcc_s.so", &["libgcc_eh.a", "libgcc.a"]),
    ("libseccomp.so", &["libseccomp.a"]),
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |variable: &str, value: &str| env::var(variable).is_ok_and(|v| v == value);
    if is("PROFILE", "release")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        // An archive of this machine is of no use for another.
        && env::var("HOST") == env::var("TARGET")
        && let Some(directory) = env::var_os("OUT_DIR").map(PathBuf::from)
        && make_static(&directory).is_some()
    {
        println!("cargo:rustc-link-arg-bins=-static");
        println!("cargo:rustc-link-arg-bins=-no-pie");
        println!("cargo:rustc-link-arg-bins=-L{}", directory.display());
    }
}

/// Writes a linker script in place of each library; `None` where an archive is missing.
fn make_static(directory: &Path) -> Option<()> {
    let linker = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    for (name, archives) in LIBRARIES {
        let mut found = String::new();
        for archive in archives {
            let output = Command::new(&linker).arg(format!("-print-file-name={archive}")).output().ok()?;
            let path = String::from_utf8(output.stdout).ok()?;
            // The bare name comes back where there is no such file.
            let path = path.trim();
            if !Path::new(path).is_absolute() {
                return None;
            }
            found = format!("{found} {path}");
        }
        fs::write(directory.join(name), format!("GROUP ({found} )\n")).ok()?;
    }
    Some(())
}
