//! Manifests, indexes, configurations and `manifest.json`: no document is two things, what is read holds to its limits, and strict
//! JSON printed and read again is the same.

#![no_main]

use drydock_core::id::Digest;
use drydock_core::image::{Blob, config, manifest};
use libfuzzer_sys::fuzz_target;

fn is_whole(blob: &Blob) {
    assert_eq!(Digest::parse(blob.digest.as_str()).ok().as_ref(), Some(&blob.digest));
    assert_eq!(blob.digest.hex().len(), 64);
}

/// Whether a number has a point: its last digit is not kept by every reader.
fn has_fractions(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Number(n) => n.is_f64(),
        serde_json::Value::Array(all) => all.iter().any(has_fractions),
        serde_json::Value::Object(all) => all.values().any(has_fractions),
        _ => false,
    }
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(value) = manifest::strict(bytes)
        && !has_fractions(&value)
    {
        let printed = serde_json::to_vec(&value).expect("prints");
        assert_eq!(manifest::strict(&printed).ok().as_ref(), Some(&value));
    }
    let (as_manifest, as_index, as_config) = (manifest::manifest(bytes), manifest::index(bytes), config::read(bytes));
    let is = [as_manifest.is_ok(), as_index.is_ok(), as_config.is_ok()];
    assert!(is.iter().filter(|is| **is).count() <= 1, "one document is several: {is:?}");
    if let Ok(read) = as_manifest {
        is_whole(&read.config);
        read.layers.iter().for_each(is_whole);
        assert!(read.layers.len() <= config::MOST_LAYERS);
    }
    for entry in as_index.unwrap_or_default() {
        is_whole(&entry.blob);
    }
    if let Ok(image) = as_config {
        assert!(image.diff_ids.len() <= config::MOST_LAYERS);
        assert!(image.defaults.env.iter().all(|pair| !pair.contains('\0')));
    }
    let _ = config::history(bytes);
    let _ = manifest::archived(bytes);
});
