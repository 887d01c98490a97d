//! `drydock book build`: mdBook builds the book, with this program as its preprocessor, and the module is laid beside the pages.

use super::languages::{self, TRANSLATION};
use super::{directory, wrong};
use crate::host::scratch::Scratch;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use drydock::words::Language;
use drydock_core::{Error, ErrorKind, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest mdBook that leaves keys alone that are typed into a page's own fields.
const OLDEST: (u32, u32, u32) = (0, 5, 3);

#[derive(clap::Args)]
pub(super) struct Build {
    /// The book's directory (default: ./book, or this one)
    book: Option<PathBuf>,
    /// Where the built book goes (default: the folder `book` in it)
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The WebAssembly module that makes its consoles live (default: target/page/drydock.wasm beside the book, where that is)
    #[arg(long, value_name = "FILE")]
    module: Option<PathBuf>,
}

impl Build {
    pub(super) fn run(self) -> Result<i32> {
        let book = directory(self.book.as_deref())?;
        let out = match &self.out {
            Some(out) => std::path::absolute(out).map_err(|e| wrong("find", out, e))?,
            None => book.join("book"),
        };
        let module = match &self.module {
            Some(module) => Some(std::fs::read(module).map_err(|e| wrong("read", module, e))?),
            None => std::fs::read(book.join("../target/page/drydock.wasm")).ok(),
        };
        let program = mdbook()?;
        // mdBook finds its preprocessor by name: this program stands first on the path, under the name that the book has for it.
        let scratch = Scratch::new("book")?;
        let named = scratch.path().join("drydock");
        let this = std::env::current_exe().map_err(|e| wrong("find", Path::new("this program"), e))?;
        std::os::unix::fs::symlink(&this, &named).map_err(|e| wrong("link", &named, e))?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(scratch.path().to_owned()).chain(std::env::split_paths(&path)));
        let path = path.map_err(|_| Error::invalid("PATH cannot be put together"))?;
        // The original first: mdBook empties the directory that it writes to.
        pages(&program, &book, &out, &path)?;
        save(&out.join("search.js"), languages::index(&book, Language::English)?)?;
        if book.join(TRANSLATION).is_dir() {
            let (root, out) = (scratch.path().join("book"), out.join(TRANSLATION));
            std::fs::create_dir_all(&root).map_err(|e| wrong("make", &root, e))?;
            for entry in std::fs::read_dir(&book).map_err(|e| wrong("list", &book, e))? {
                let entry = entry.map_err(|e| wrong("list", &book, e))?;
                if entry.file_name() != "book.toml" && entry.path() != out {
                    let link = root.join(entry.file_name());
                    std::os::unix::fs::symlink(entry.path(), &link).map_err(|e| wrong("link", &link, e))?;
                }
            }
            let settings = book.join("book.toml");
            let settings = std::fs::read_to_string(&settings).map_err(|e| wrong("read", &settings, e))?;
            save(&root.join("book.toml"), languages::settings(&settings)?)?;
            pages(&program, &root, &out, &path)?;
            save(&out.join("search.js"), languages::index(&book, Language::Chinese)?)?;
        }
        match module {
            Some(module) => {
                save(&out.join("drydock-module.js"), wrapped(&module)?)?;
            }
            None => eprintln!("drydock: without the module its blocks are read and not typed into: tests/wasm/page builds it"),
        }
        println!("{}", out.join("index.html").display());
        Ok(0)
    }
}

/// mdBook makes the pages of a book.
fn pages(program: &Path, book: &Path, out: &Path, path: &OsStr) -> Result<()> {
    let status = Command::new(program).arg("build").arg("--dest-dir").arg(out).arg(book).env("PATH", path).status();
    let status = status.map_err(|e| wrong("run", program, e))?;
    match status.success() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::System, format!("mdBook did not build the book: {status}"))),
    }
}

fn save(path: &Path, text: String) -> Result<()> {
    std::fs::write(path, text).map_err(|e| wrong("write", path, e))
}

/// The module, compressed, as a script: a page that was opened from a disk may load that, and no other file.
fn wrapped(module: &[u8]) -> Result<String> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    let packed = packed.write_all(module).and_then(|()| packed.finish());
    let packed = packed.map_err(|e| Error::new(ErrorKind::System, "compress the module").source(e))?;
    Ok(format!("self.drydockModule = \"{}\";\n", STANDARD.encode(packed)))
}

/// mdBook: the one that `MDBOOK` names, the workspace's own where it was built beside this program, the one on the path, or where cargo
/// installs it.
fn mdbook() -> Result<PathBuf> {
    let named = std::env::var_os("MDBOOK").map(PathBuf::from);
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"))).map(|home| home.join("bin/mdbook"));
    let beside = std::env::current_exe().ok().and_then(|this| Some(this.parent()?.join("drydock-mdbook")));
    let tried: Vec<PathBuf> = match named {
        Some(named) => vec![named],
        None => beside.into_iter().chain([PathBuf::from("mdbook")]).chain(cargo).collect(),
    };
    let said = tried.into_iter().find_map(|program| Some((Command::new(&program).arg("--version").output().ok()?, program)));
    let hint = "cargo build -p drydock-mdbook builds the one of this workspace; cargo install mdbook --locked the whole program";
    let (said, program) = said.ok_or_else(|| Error::not_found("mdBook is not installed").hint(hint))?;
    let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    match version(&said) {
        Some(found) if found >= OLDEST => Ok(program),
        _ => {
            let (major, minor, patch) = OLDEST;
            Err(Error::unsupported(format!("'{said}': mdBook {major}.{minor}.{patch} or later is needed")).hint(hint))
        }
    }
}

/// `mdbook v0.5.4`
fn version(said: &str) -> Option<(u32, u32, u32)> {
    let mut numbers = said.strip_prefix("mdbook v")?.split(['.', '-', '+', ' ']).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn versions_are_read_and_compared() {
        assert_eq!(version("mdbook v0.5.4"), Some((0, 5, 4)));
        assert_eq!(version("mdbook v1.10.0-beta.1"), Some((1, 10, 0)));
        assert_eq!(version("mdbook"), None);
        assert!(version("mdbook v0.4.40") < Some(OLDEST) && version("mdbook v0.5.10") > Some(OLDEST));
    }

    #[test]
    fn the_module_is_a_script() {
        let script = wrapped(b"\0asm").expect("compressed");
        let packed = script.strip_prefix("self.drydockModule = \"").and_then(|rest| rest.strip_suffix("\";\n")).expect("a text");
        let mut module = Vec::new();
        let packed = STANDARD.decode(packed).expect("base64");
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut module).expect("gzip");
        assert_eq!(module, b"\0asm");
    }
}
