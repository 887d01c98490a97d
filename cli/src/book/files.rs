//! Files of the book that a chapter's commands name: they are on its simulated host, at the same place below `/`.

use std::collections::BTreeMap;

/// Files by their path on the simulated host, with their text.
pub type Files = BTreeMap<String, String>;

/// The folder of examples, as commands name it.
pub const EXAMPLES: &str = "book/examples";

/// The examples that a chapter's lines name, out of all there are: `book/examples/greeting` brings all files below it.
pub fn named(all: &Files, lines: &[&str]) -> Files {
    let asked = |path: &str| {
        let folder = path.trim_start_matches('/').splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        lines
            .iter()
            .any(|line| line.split_whitespace().any(|word| word.trim_end_matches('/') == folder || word.starts_with(&format!("{folder}/"))))
    };
    all.iter().filter(|(path, _)| asked(path)).map(|(path, text)| (path.clone(), text.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_line_names_is_brought_and_no_more() {
        let all: Files = ["/book/examples/a/Dockerfile", "/book/examples/a/b/c", "/book/examples/ab/Dockerfile"]
            .map(|path| (path.to_owned(), String::new()))
            .into();
        let brought = |line: &str| named(&all, &[line]).into_keys().collect::<Vec<_>>();
        assert_eq!(brought("drydock build book/examples/a"), ["/book/examples/a/Dockerfile", "/book/examples/a/b/c"]);
        assert_eq!(brought("cat book/examples/ab/Dockerfile"), ["/book/examples/ab/Dockerfile"]);
        assert_eq!(brought("drydock ps"), [""; 0]);
    }
}
