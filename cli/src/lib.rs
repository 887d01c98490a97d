//! The `drydock` command line as a library.
