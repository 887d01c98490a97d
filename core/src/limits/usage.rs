//! What the files of a control group say, as figures.

/// The number in a file that holds one: `max` and v1's largest page-aligned number are no limit.
pub fn limit(text: &str) -> Option<u64> {
    // v1 answers LONG_MAX rounded down to a page where nothing was set.
    text.trim().parse().ok().filter(|n: &u64| *n < (1 << 62))
}

/// The number in a file that holds one; zero where it cannot be read.
pub fn number(text: &str) -> u64 {
    text.trim().parse().unwrap_or(0)
}

/// The number after a key in a file of `KEY NUMBER` lines.
pub fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

/// Bytes read from and written to all block devices, from `blkio.throttle.io_service_bytes` (v1) or `io.stat` (v2).
pub fn block_bytes(text: &str) -> (u64, u64) {
    text.lines().fold((0, 0), |(read, written), line| {
        let mut words = line.split_whitespace().skip(1);
        match words.clone().next() {
            Some("Read") => (read + words.nth(1).map_or(0, number), written),
            Some("Write") => (read, written + words.nth(1).map_or(0, number)),
            _ => {
                let value = |key: &str| line.split_whitespace().find_map(|w| w.strip_prefix(key)).map_or(0, number);
                (read + value("rbytes="), written + value("wbytes="))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_limit_in_either_version() {
        assert_eq!(limit("max\n"), None);
        assert_eq!(limit("9223372036854771712\n"), None);
        assert_eq!(limit("67108864\n"), Some(67_108_864));
    }

    #[test]
    fn keys_are_whole_words() {
        let events = "low 0\noom 3\noom_kill 2\n";
        assert_eq!(keyed(events, "oom"), Some(3));
        assert_eq!(keyed(events, "oom_kill"), Some(2));
        assert_eq!(keyed(events, "max"), None);
    }

    #[test]
    fn block_figures_of_both_versions() {
        assert_eq!(block_bytes("8:0 Read 10\n8:0 Write 20\n8:16 Read 1\nTotal 31\n"), (11, 20));
        assert_eq!(block_bytes("8:0 rbytes=10 wbytes=20 rios=1 wios=2\n8:16 rbytes=1 wbytes=0\n"), (11, 20));
    }
}
