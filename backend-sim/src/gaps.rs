//! What the simulated kernel does not model, as a list: what a learner can notice, and what the simulator then does.

/// Each gap: what is missing, and what happens where it would be needed.
pub const GAPS: &[(&str, &str)] = &[
    ("user namespaces", "unshare(2) answers EINVAL, and a container with ids of its own is refused as unsupported"),
    ("real programs", "a program of an image runs as its simulated namesake; one without ends the engine's call as not modelled"),
    ("threads", "every process has one"),
    ("system call filters", "a filter is installed and shown in /proc/PID/status, and filters nothing"),
    (
        "file capabilities and extended attributes",
        "they are dropped when a layer is unpacked; only whiteouts and opaque directories are kept",
    ),
    ("swap and page cache", "memory is what programs take; files cost none, and memory.stat says so"),
    ("block devices", "they can be made and not be opened: ENXIO"),
    ("limits of processes other than open files", "they are kept, shown and passed on, and bound nothing"),
    ("control groups of v1 as separate trees", "a group made in one hierarchy is in all"),
    ("throttling in periods", "a quota bounds the rate of a process, so that it is never stopped and started; nr_throttled stays 0"),
    ("processor sets", "they are kept and shown; which processor a process runs on cannot be seen"),
    ("loss, delay and windows of TCP", "a connection delivers at once what fits the receiver's buffer"),
    ("links on the way", "a connection that stands outlives the links it was made over"),
    ("IPv6 neighbours and router advertisements", "addresses can be given and routed; nothing is announced"),
    ("the world outside the host", "one gateway answers echo requests and nothing else"),
    ("a system's log", "a container whose logging driver is syslog or journald does not start: not modelled"),
    ("overlays on overlays", "mount(2) answers EINVAL"),
    ("moving a mount", "MS_MOVE answers EINVAL"),
    ("power loss in the middle of a write", "what was written before the power went is on the disk whole"),
];

#[cfg(test)]
mod tests {
    use super::GAPS;

    #[test]
    fn the_list_is_what_the_book_prints() {
        let lines: Vec<String> = GAPS.iter().map(|(what, then)| format!("{what}: {then}")).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }
}
