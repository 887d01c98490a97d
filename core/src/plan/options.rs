//! The words of mount options, as mount(8) and the runtime-spec (config.md "Linux mount options") have them.

use crate::kernel::MountFlags;

/// Mount options taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub flags: MountFlags,
    /// With the mounts below (`rbind`); meaningless but for a bind.
    pub recursive: bool,
    /// It is a bind, whatever the type says.
    pub bind: bool,
    /// `rprivate` and its like; the last one wins.
    pub propagation: Option<String>,
    /// What the file system itself understands, joined by commas.
    pub data: String,
}

/// Takes them apart; of two that contradict each other the later one wins.
pub(super) fn parse(words: &[String]) -> Options {
    let mut options = Options::default();
    let mut data: Vec<&str> = Vec::new();
    for word in words {
        match word.as_str() {
            flag if options.flags.set(flag) => {}
            "bind" => options.bind = true,
            "rbind" => (options.bind, options.recursive) = (true, true),
            "private" | "rprivate" | "slave" | "rslave" | "shared" | "rshared" | "unbindable" | "runbindable" => {
                options.propagation = Some(word.clone());
            }
            "defaults" | "async" | "sync" | "remount" | "" => {}
            other => data.push(other),
        }
    }
    options.data = data.join(",");
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_flags_and_the_rest_is_the_file_systems() {
        let words = ["nosuid", "noexec", "exec", "ro", "mode=755", "size=65536k", "rprivate", "rbind"].map(str::to_owned);
        let options = parse(&words);
        assert_eq!(options.flags, MountFlags { nosuid: true, read_only: true, ..MountFlags::default() });
        assert_eq!(options.data, "mode=755,size=65536k");
        assert!(options.bind && options.recursive);
        assert_eq!(options.propagation.as_deref(), Some("rprivate"));
    }
}
