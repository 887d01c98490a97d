//! Image references: what is read, printed and read again is the same, in both of its forms.

#![no_main]

use drydock_core::id::Digest;
use drydock_core::image::reference::{self, Reference};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(read) = Reference::parse(text) else { return };
    for printed in [read.to_string(), read.familiar()] {
        assert_eq!(Reference::parse(&printed).ok().as_ref(), Some(&read), "{printed:?}");
    }
    assert_eq!(reference::familiar(&read.to_string()), read.familiar());
    assert!(read.tag.is_some() || read.digest.is_some());
    assert!(read.repository().len() <= 255);
    // Nothing in it could be taken for something else in a path, a header or a terminal.
    assert!(read.to_string().bytes().all(|b| b.is_ascii_graphic() && !b"?#%&\\\"'<> ".contains(&b)), "{read}");
    assert!(read.path.split('/').all(|part| !part.is_empty() && !part.starts_with('.')), "{read}");
    if let Some(digest) = &read.digest {
        assert_eq!(Digest::parse(digest.as_str()).ok().as_ref(), Some(digest));
    }
});
