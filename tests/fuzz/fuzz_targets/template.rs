//! Go templates of `--format`: neither reading nor filling one in can waste the stack, the memory or the time of whoever asks.

#![no_main]

use drydock::template::{Template, no_methods};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use std::sync::LazyLock;

static DATA: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "Id": "0123456789abcdef", "Names": "web,db", "Size": 12_345, "Ratio": 0.5, "Up": true, "None": null,
        "Labels": {"a": "1", "b.c": "2"}, "Ports": [{"Port": 80, "Host": ["127.0.0.1", "::1"]}, {"Port": 443, "Host": []}],
        "Config": {"Env": ["PATH=/bin", "A=<&>"], "Cmd": ["sh", "-c", "true"]}
    })
});

fuzz_target!(|text: &str| {
    let read = match Template::parse(text) {
        Ok(read) => read,
        Err(error) => {
            assert!(error.to_string().starts_with("template: :"), "{error}");
            return;
        }
    };
    match read.execute(&DATA, &no_methods) {
        Ok(output) => assert!(output.len() <= 64 << 20),
        Err(error) => assert!(error.to_string().starts_with("template: :"), "{error}"),
    }
});
