//! `drydock book sync`: which sections of the original changed since they were translated.

use super::languages::{ORIGINAL, TRANSLATION, chapters};
use super::{directory, written, wrong};
use drydock::book::translation::{Need, behind, marked};
use drydock_core::{Error, Result};
use std::io::Write as _;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Sync {
    /// Chapters, as the names of their files; all without a name
    chapters: Vec<String>,
    /// The book's directory (default: ./book, or this one)
    #[arg(long, value_name = "DIR")]
    book: Option<PathBuf>,
    /// Write down that the chapters named were read against their originals, and say what they say
    #[arg(long, requires = "chapters")]
    mark: bool,
}

impl Sync {
    pub(super) fn run(self) -> Result<i32> {
        let book = directory(self.book.as_deref())?;
        let (original, folder) = (chapters(&book.join(ORIGINAL))?, book.join(TRANSLATION));
        let translated = chapters(&folder)?;
        let named: Vec<String> = self.chapters.iter().map(|name| format!("{}.md", name.trim_end_matches(".md"))).collect();
        if let Some(unknown) = named.iter().find(|name| !translated.contains_key(*name)) {
            return Err(Error::not_found(format!("there is no chapter {} in {}", unknown.escape_debug(), folder.display())));
        }
        let mut out = std::io::stdout().lock();
        let mut number = 0;
        for (name, text) in translated.iter().filter(|(name, _)| named.is_empty() || named.contains(name)) {
            let Some(original) = original.get(name) else { continue };
            let mut text = text.clone();
            if self.mark {
                text = marked(&text, original);
                let path = folder.join(name);
                std::fs::write(&path, &text).map_err(|e| wrong("write", &path, e))?;
            }
            for behind in behind(&text, original) {
                number += 1;
                let (section, at) = (&behind.section, behind.section.number);
                let said = match behind.need {
                    Need::Missing => format!("{ORIGINAL}/{name}:{at}: '{}' is not translated", section.title),
                    Need::Changed => format!("{ORIGINAL}/{name}:{at}: '{}' has changed since it was translated", section.title),
                    Need::Gone => format!("{TRANSLATION}/{name}:{at}: '{}' is not in the original, or elsewhere", section.title),
                };
                let whole = if behind.need == Need::Gone { String::new() } else { format!("{}\n\n", section.text) };
                write!(out, "{said}\n\n{whole}").map_err(written)?;
            }
        }
        match number {
            0 => Ok(0),
            1 => Err(Error::invalid("1 section is to be translated anew").hint("then: drydock book sync --mark CHAPTER")),
            _ => Err(Error::invalid(format!("{number} sections are to be translated anew")).hint("then: drydock book sync --mark CHAPTER")),
        }
    }
}
