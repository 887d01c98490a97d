//! What a registry says in headers: addresses to go to, challenges, platforms. The first byte says which.

#![no_main]

use drydock_core::registry::{challenge, platform::Platform, url::Url};
use libfuzzer_sys::fuzz_target;

fn address(text: &str) {
    let base = Url::parse("https://registry.example:5000/v2/a/blobs/uploads/?state=1").expect("an address");
    if let Ok(read) = Url::parse(text) {
        assert_eq!(Url::parse(&read.to_string()).ok().as_ref(), Some(&read));
        assert!(read.target().starts_with('/') && read.port() != 0);
        assert!(read.same_origin(&read));
        // No line of a request can be made to end early.
        assert!(read.to_string().bytes().all(|b| b.is_ascii_graphic()));
        assert!(!read.shown().contains('?'));
    }
    if let Ok(joined) = base.join(text) {
        assert_eq!(Url::parse(&joined.to_string()).ok().as_ref(), Some(&joined));
        // Only what names a host leads to another.
        assert!(joined.same_origin(&base) || text.contains("//"), "{text:?} leads to {joined}");
    }
    let with = base.with("digest", text);
    assert!(with.same_origin(&base) && with.target().matches('&').count() == 1, "{with}");
}

fuzz_target!(|bytes: &[u8]| {
    let Some((which, rest)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    match which % 3 {
        0 => address(text),
        1 => {
            for one in challenge::parse(text).unwrap_or_default() {
                assert!(!one.scheme.is_empty() && one.parameters.len() <= 16);
                let mut names: Vec<&str> = one.parameters.iter().map(|(name, _)| name.as_str()).collect();
                names.sort_unstable();
                names.dedup();
                assert_eq!(names.len(), one.parameters.len(), "a parameter twice");
            }
        }
        _ => {
            if let Ok(read) = Platform::parse(text, "amd64") {
                let printed = [read.os.as_str(), &read.architecture, &read.variant].join("/");
                assert_eq!(Platform::parse(printed.trim_end_matches('/'), "amd64").ok().as_ref(), Some(&read), "{printed}");
            }
        }
    }
});
