//! A supervisor mostly waits, and should be small while it does.
//!
//! Starting a container runs through most of the engine's code once. Those pages stay mapped, and count as the supervisor's own
//! until something else in the system needs the memory. Once it idles, a supervisor gives them back: unchanged pages of files are
//! read again from the page cache when they are needed.

use std::fs;

/// Gives back what only the start needed.
pub fn trim() {
    // SAFETY: malloc_trim(3) only returns free memory of the allocator to the system.
    unsafe { libc::malloc_trim(0) };
    let Ok(text) = fs::read_to_string("/proc/self/smaps") else { return };
    for (start, length) in unchanged(&text) {
        // SAFETY: the kernel has just said that the range is mapped from a file, cannot be written, and holds no page that differs
        // from the file (no anonymous and no dirty ones), so dropping its pages loses nothing: the next access reads them again
        // (madvise(2), MADV_DONTNEED). This process has one thread, so the range is still the same mapping.
        unsafe { libc::madvise(std::ptr::with_exposed_provenance_mut(start), length, libc::MADV_DONTNEED) };
    }
}

/// The mappings of files that are read-only and as they are on disk: start and length.
fn unchanged(smaps: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut current: Option<(usize, usize)> = None;
    for line in smaps.lines() {
        if let Some(range) = header(line) {
            found.extend(current.take());
            current = range;
        } else if let Some((name, value)) = line.split_once(':')
            && ["Anonymous", "Private_Dirty", "Shared_Dirty", "Locked"].contains(&name)
            && value.trim() != "0 kB"
        {
            current = None;
        }
    }
    found.extend(current);
    found
}

/// The first line of a mapping (proc_pid_maps(5)); the inner option is `None` for one that is not to be touched.
fn header(line: &str) -> Option<Option<(usize, usize)>> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
    let permissions = fields.next()?;
    let inode = fields.nth(2)?;
    let of_a_file = inode != "0" && permissions.starts_with('r') && !permissions.contains('w');
    Some((of_a_file && start < end).then(|| (start, end - start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clean_read_only_files_are_given_back() {
        let smaps = "\
55550000-55551000 r--p 00000000 fe:00 77 /bin/x\nRss: 4 kB\nPrivate_Dirty: 0 kB\nAnonymous: 0 kB\nLocked: 0 kB\n\
55551000-55553000 r-xp 00001000 fe:00 77 /bin/x y\nShared_Dirty: 0 kB\nPrivate_Dirty: 0 kB\nAnonymous: 0 kB\nVmFlags: rd ex\n\
55553000-55554000 r--p 00003000 fe:00 77 /bin/x\nPrivate_Dirty: 4 kB\nAnonymous: 4 kB\n\
55554000-55555000 rw-p 00003000 fe:00 77 /bin/x\nPrivate_Dirty: 0 kB\nAnonymous: 0 kB\n\
7ffe0000-7ffe1000 r--p 00000000 00:00 0 [vvar]\nPrivate_Dirty: 0 kB\nAnonymous: 0 kB\n";
        assert_eq!(unchanged(smaps), [(0x5555_0000, 0x1000), (0x5555_1000, 0x2000)]);
    }
}
