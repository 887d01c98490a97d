//! Columns that line up: Go's text/tabwriter with Docker's settings (at least 10 columns a cell, 3 between cells).

/// Narrowest cell, its padding included.
const NARROWEST: usize = 10;
/// Blanks between a cell and the next.
const PADDING: usize = 3;

/// Lines up the cells of lines, which are separated by tabs. The last cell of a line has no width of its own.
pub fn align(lines: &[String]) -> String {
    align_at_least(lines, NARROWEST)
}

/// The same with another least width of a cell, its padding included.
pub fn align_at_least(lines: &[String], narrowest: usize) -> String {
    let cells: Vec<Vec<&str>> = lines.iter().map(|l| l.split('\t').collect()).collect();
    let mut widths: Vec<Vec<usize>> = cells.iter().map(|line| vec![0; line.len().saturating_sub(1)]).collect();
    let columns = widths.iter().map(Vec::len).max().unwrap_or(0);
    for column in 0..columns {
        let mut line = 0;
        while line < cells.len() {
            // A column is a run of lines that all have a cell here that is ended by a tab.
            let end = (line..cells.len()).find(|l| widths.get(*l).is_none_or(|w| w.len() <= column)).unwrap_or(cells.len());
            let length = |l: usize| cells.get(l).and_then(|c| c.get(column)).map_or(0, |c| c.chars().count());
            let widest = (line..end).map(|l| length(l) + PADDING).max().unwrap_or(0).max(narrowest);
            for l in line..end {
                if let Some(slot) = widths.get_mut(l).and_then(|w| w.get_mut(column)) {
                    *slot = widest;
                }
            }
            line = end.max(line) + 1;
        }
    }
    let mut text = String::new();
    for (line, widths) in cells.iter().zip(&widths) {
        for (i, cell) in line.iter().enumerate() {
            text.push_str(cell);
            if let Some(width) = widths.get(i) {
                text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count())));
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_line_up_as_tabwriter_has_them() {
        let lines = ["ID\tNAME\tX".to_owned(), "0123456789ab\tweb\t1".to_owned()];
        assert_eq!(align(&lines), "ID             NAME      X\n0123456789ab   web       1\n");
        let lines = ["a\tb".to_owned(), "plain".to_owned(), "a much longer one\tb".to_owned()];
        assert_eq!(align(&lines), "a         b\nplain\na much longer one   b\n");
        assert_eq!(align(&[]), "");
    }
}
