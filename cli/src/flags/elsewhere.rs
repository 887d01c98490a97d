//! Flags of `run` and `create` that mean nothing on this host, and are refused for it by name.

/// Windows's: Docker's client looks at what its daemon runs on before it asks it for anything.
const WINDOWS: [&str; 4] = ["cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops"];

/// What is said to a flag that is none of ours, and the exit code; `None` where nobody has it.
pub fn refusal(command: &str, mistake: &str) -> Option<(String, i32)> {
    let name = mistake.strip_prefix("unknown flag: --").filter(|_| matches!(command, "run" | "create"))?;
    if WINDOWS.contains(&name) {
        let words =
            format!("\"--{name}\" is only supported on a Docker daemon running on windows, but the Docker daemon is running on linux");
        return Some((words, 1));
    }
    let why = match name {
        "use-api-socket" => "would hand the container the whole engine, and with it the host; mount the socket by -v where that is meant",
        "cpu-rt-period" | "cpu-rt-runtime" => "is not supported: control groups version 2 have no limit on real-time processor time",
        "blkio-weight-device" => {
            "is not supported: the weight of one device needs the bfq scheduler on it; --blkio-weight is for all of them"
        }
        _ => return None,
    };
    Some((format!("drydock: --{name} {why}"), 125))
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn what_is_windowss_is_refused_in_dockers_words_and_what_nobody_has_is_unknown() {
        let (words, code) = refusal("run", "unknown flag: --cpu-count").expect("it is known");
        assert_eq!(
            words,
            "\"--cpu-count\" is only supported on a Docker daemon running on windows, but the Docker daemon is running on linux"
        );
        assert_eq!(code, 1);
        assert!(refusal("create", "unknown flag: --use-api-socket").is_some_and(|(words, code)| words.contains("-v") && code == 125));
        assert_eq!(refusal("run", "unknown flag: --nope"), None);
        assert_eq!(refusal("ps", "unknown flag: --cpu-count"), None);
    }
}
