//! mdBook's own library as a program, so that the book can be built where mdBook is not installed: `drydock book build` calls it as it would
//! call `mdbook`, and it understands no more than that.

use mdbook_driver::MDBook;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--version"] => {
            println!("mdbook v{}", mdbook_core::MDBOOK_VERSION);
            ExitCode::SUCCESS
        }
        ["build", "--dest-dir", out, book] => match build(Path::new(book), Path::new(out)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("mdbook: {error}");
                ExitCode::FAILURE
            }
        },
        _ => {
            eprintln!("usage: drydock-mdbook --version | build --dest-dir DIR BOOK");
            ExitCode::from(2)
        }
    }
}

fn build(book: &Path, out: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut book = MDBook::load(book)?;
    book.config.build.build_dir = out.to_owned();
    Ok(book.build()?)
}
