//! Patterns of references, as `images` takes them.

/// `localhost:5000/app:1` is `localhost:5000/app` and `1`; without a tag the second is `<none>`.
pub fn split_tag(reference: &str) -> (&str, &str) {
    match reference.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (reference, "<none>"),
    }
}

/// A pattern names a repository, or a repository and a tag; `*` stands for any run of characters without a slash.
pub fn fits(pattern: &str, repository: &str, tag: &str) -> bool {
    let (wanted, wanted_tag) = split_tag(pattern);
    glob(wanted, repository) && (wanted_tag == "<none>" || glob(wanted_tag, tag))
}

fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            let until = rest.find('/').unwrap_or(rest.len());
            rest.char_indices()
                .map(|(i, _)| i)
                .chain([rest.len()])
                .take_while(|i| *i <= until)
                .any(|i| glob(tail, rest.get(i..).unwrap_or_default()))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_repositories_and_tags() {
        assert!(fits("busybox", "busybox", "1"));
        assert!(fits("busybox:1", "busybox", "1"));
        assert!(!fits("busybox:2", "busybox", "1"));
        assert!(fits("busy*", "busybox", "1"));
        assert!(fits("*:lat*", "busybox", "latest"));
        assert!(!fits("*", "a/b", "1"));
        assert!(fits("a/*", "a/b", "1"));
        assert_eq!(split_tag("localhost:5000/app"), ("localhost:5000/app", "<none>"));
    }
}
