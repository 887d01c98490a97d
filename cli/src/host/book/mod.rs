//! `drydock book`: the live book is built, tested and served.

mod build;
mod contract;
mod languages;
mod linux;
mod preprocess;
#[cfg(feature = "serve")]
mod serve;
mod sync;
mod test;

use clap::{Args as _, Command, FromArgMatches as _, Subcommand};
use drydock::book::files::{EXAMPLES, Files};
use drydock_core::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

/// The command.
pub(super) const COMMAND: &str = "book";
/// What it does.
pub(super) const ABOUT: &str = "Build, test and serve the live book";

/// Exit code for a command line that cannot be read, as everywhere.
const USAGE: i32 = 125;

#[derive(clap::Args)]
struct Book {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Build the book; every block is run on the way, and one that is not as it says fails the build
    Build(build::Build),
    /// Run the blocks of the chapters, and say what is not as they say
    Test(test::Test),
    /// Say what of the original changed since it was translated
    Sync(sync::Sync),
    /// Serve the built book to this machine alone
    #[cfg(feature = "serve")]
    Serve(serve::Serve),
    /// What mdBook runs
    #[command(hide = true)]
    Preprocess(preprocess::Preprocess),
}

/// Runs it.
pub(super) fn run(args: &[String]) -> i32 {
    let command = Book::augment_args(Command::new(COMMAND)).about(ABOUT).bin_name("drydock book").subcommand_required(true);
    let words = std::iter::once(COMMAND.to_owned()).chain(args.iter().cloned());
    let book = match command.try_get_matches_from(words).and_then(|matches| Book::from_arg_matches(&matches)) {
        Ok(book) => book,
        Err(error) => {
            // Standard output or error is gone; nobody is left to tell.
            let _ = error.print();
            return if error.use_stderr() { USAGE } else { 0 };
        }
    };
    let done = match book.what {
        What::Build(build) => build.run(),
        What::Test(test) => test.run(),
        What::Sync(sync) => sync.run(),
        #[cfg(feature = "serve")]
        What::Serve(serve) => serve.run(),
        What::Preprocess(preprocess) => preprocess.run(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("drydock: {error}");
        error.exit_code()
    })
}

/// What could not be done with a file.
fn wrong(what: &str, path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::System, format!("{what} {}", path.display())).source(error)
}

fn written(_: std::io::Error) -> Error {
    Error::invalid("standard output is closed").op(drydock::environment::OUTPUT)
}

/// The directory of a book: the one that was named, or the one that is here.
fn directory(given: Option<&Path>) -> Result<PathBuf> {
    let here = || ["book", "."].iter().map(Path::new).find(|path| path.join("book.toml").is_file());
    let found = given.or_else(here).unwrap_or(Path::new("book"));
    if !found.join("book.toml").is_file() {
        return Err(Error::not_found(format!("there is no book.toml in {}", found.display())).hint("name the book's directory"));
    }
    found.canonicalize().map_err(|e| wrong("find", found, e))
}

/// Every example of a book in this directory.
fn examples(book: &Path) -> Result<Files> {
    let mut files = Files::new();
    let top = book.join("examples");
    if top.is_dir() {
        walk(&top, &format!("/{EXAMPLES}"), &mut files)?;
    }
    Ok(files)
}

fn walk(folder: &Path, below: &str, files: &mut Files) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(|e| wrong("list", folder, e))? {
        let entry = entry.map_err(|e| wrong("list", folder, e))?;
        let (path, named) = (entry.path(), format!("{below}/{}", entry.file_name().to_string_lossy()));
        if path.is_dir() {
            walk(&path, &named, files)?;
        } else {
            files.insert(named, std::fs::read_to_string(&path).map_err(|e| wrong("read", &path, e))?);
        }
    }
    Ok(())
}
