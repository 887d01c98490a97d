//! What differs from student to student: names and numbers, chosen by the lab and the student's name alone.

use drydock_core::id::Digest;

/// A number that a lab, a student and a purpose make, the same everywhere.
fn chance(parts: &[&str]) -> u64 {
    let digest = Digest::of(parts.join("\0").as_bytes());
    u64::from_str_radix(digest.hex().get(..16).unwrap_or_default(), 16).unwrap_or_default()
}

/// What all chance in a student's world comes from.
pub(super) fn seed(lab: &str, student: &str) -> u64 {
    // Worlds are kept in files that other programs read as JSON, where numbers are exact to 53 bits.
    chance(&[lab, student, "seed"]) >> 11
}

/// One of several values for a student; the first for nobody.
pub(super) fn choose<'a>(lab: &str, student: &str, key: &str, values: &[&'a str]) -> &'a str {
    let count = u64::try_from(values.len()).unwrap_or(1).max(1);
    let at = if student.is_empty() { 0 } else { chance(&[lab, student, key]) % count };
    values.get(usize::try_from(at).unwrap_or_default()).copied().unwrap_or_default()
}

/// Puts chosen values where `{key}` stands. Other braces are left as they are: templates have them too.
pub(super) fn fill(text: &str, chosen: &[(String, String)]) -> String {
    chosen.iter().fold(text.to_owned(), |text, (key, value)| text.replace(&format!("{{{key}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn students_differ_and_stay_what_they_are() {
        let values = ["web", "shop", "blog", "news"];
        assert_eq!(choose("process", "", "name", &values), "web");
        let chosen: std::collections::BTreeSet<&str> =
            (0..40).map(|n| choose("process", &format!("student {n}"), "name", &values)).collect();
        assert_eq!(chosen.len(), values.len(), "each value has its students");
        assert_eq!(choose("process", "ada", "name", &values), choose("process", "ada", "name", &values));
        assert_ne!(seed("process", "ada"), seed("process", "bob"));
        assert_ne!(seed("process", "ada"), seed("images", "ada"));
    }

    #[test]
    fn only_declared_keys_are_filled_in() {
        let chosen = [("name".to_owned(), "web".to_owned())];
        assert_eq!(fill("ps --format '{{.Names}} {other}' {name}", &chosen), "ps --format '{{.Names}} {other}' web");
    }
}
