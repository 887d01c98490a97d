//! Flags as Docker's users write them, on top of clap's definitions.
//!
//! clap holds the definitions: what flags there are, their help, their types, completions and man pages. Docker's command line is
//! read by another grammar (POSIX with GNU long options, as Go programs commonly have it): `-dit`, `-d=true`, `-p80:80`, no prefixes of long
//! names, its own sentences for mistakes. [`canonical`] reads that grammar by clap's definitions and writes what clap
//! cannot misunderstand: `--name=value … -- arguments`.

mod elsewhere;
mod help;
mod parse;
mod value;

pub use elsewhere::refusal;
pub(crate) use help::usage;
pub use help::{command_help, group_help, root_help};
pub use parse::{Canonical, Mistake, canonical, parse_bool};
pub use value::{integer, invalid_value, unsigned};
