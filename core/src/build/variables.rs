//! Variables that a build has without declaring them, and what is read from a platform's name.

/// Arguments that may be given without ARG. Their values are in no history and change no cache key (Dockerfile reference,
/// "Predefined ARGs").
pub const PREDEFINED: [&str; 10] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY", "ftp_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"];

/// `linux/arm64/v8` → operating system, machine, variant.
pub fn parts(platform: &str) -> (String, String, String) {
    let mut parts = platform.splitn(3, '/').map(str::to_owned);
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// The arguments that tell a platform: `TARGETPLATFORM` and its like. There is one platform: that of the host.
pub fn platform(platform: &str) -> Vec<(String, String)> {
    let (os, machine, variant) = parts(platform);
    let mut all = Vec::new();
    for side in ["TARGET", "BUILD"] {
        all.push((format!("{side}PLATFORM"), platform.to_owned()));
        all.push((format!("{side}OS"), os.clone()));
        all.push((format!("{side}ARCH"), machine.clone()));
        all.push((format!("{side}VARIANT"), variant.clone()));
    }
    all.push(("TARGETSTAGE".to_owned(), String::new()));
    all
}
