//! A bar for long reading, on a terminal only.

use crate::environment::Source;
#[cfg(feature = "terminal")]
use crate::environment::Standard;
use crate::session::Session;
#[cfg(feature = "terminal")]
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Read;

/// A source whose reading is shown.
pub(crate) struct Watched {
    source: Source,
    #[cfg(feature = "terminal")]
    bar: Option<ProgressBar>,
}

impl Watched {
    /// Shows nothing: where this is built so, no archive takes a moment.
    #[cfg(not(feature = "terminal"))]
    pub(crate) fn new(_: &Session<'_>, source: Source, _: &'static str) -> Self {
        Self::silent(source)
    }

    /// Shows a bar on standard error if that is a terminal.
    #[cfg(feature = "terminal")]
    pub(crate) fn new(session: &Session<'_>, source: Source, what: &'static str) -> Self {
        if !session.environment.is_terminal(Standard::Error) {
            return Self::silent(source);
        }
        let template = if source.size.is_some() {
            "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}"
        } else {
            "{msg} {spinner} {bytes} {bytes_per_sec}"
        };
        let bar = ProgressBar::with_draw_target(source.size, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what);
        Self { source, bar: Some(bar) }
    }

    /// Shows nothing.
    pub(crate) fn silent(source: Source) -> Self {
        Self {
            source,
            #[cfg(feature = "terminal")]
            bar: None,
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        #[cfg(feature = "terminal")]
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.source.reader.read(buffer)?;
        #[cfg(feature = "terminal")]
        if let Some(bar) = &self.bar {
            bar.inc(u64::try_from(count).unwrap_or(0));
        }
        Ok(count)
    }
}
