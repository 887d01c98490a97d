//! What people and scripts read: tables, durations, sizes, ports, in the shape Docker's users know.

pub mod escape;
mod output;
pub mod ports;
pub mod size;
pub mod table;

pub use drydock_core::docker::{duration, status, time};
pub use output::{LABELS, Row, Style, label, print_rows, render};

/// The first `width` characters; what is cut off shows as `…`.
pub fn ellipsis(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}
