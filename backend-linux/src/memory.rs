//! How much memory a process holds that lives long and does little: the server of the API between requests.

use std::fs;

/// Keeps the allocator to few arenas. With one for each of many threads, what each has freed stays with the process for ever.
/// To be called before there are threads.
pub fn few_arenas() {
    // SAFETY: mallopt(3) sets a number of the allocator's; no pointer is handed over, and no allocation is moved.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}

/// Gives memory back that nothing needs at the moment: free memory of the allocator, and the pages of the program's own code, which the
/// kernel finds in its cache again when they are needed.
pub fn give_back() {
    // SAFETY: malloc_trim(3) releases pages of the heap that hold no allocation.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
    // Without the list of mappings the code just stays.
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let program = fs::read_link("/proc/self/exe").unwrap_or_default();
    for (from, to) in code(&maps, &program.to_string_lossy()) {
        // SAFETY: the range is a private mapping of a file that may be read and executed and not written, so its pages have no content
        // but the file's: MADV_DONTNEED drops them, and the next access reads them from the file again (madvise(2)). A program whose
        // file was deleted still has that file open.
        unsafe {
            libc::madvise(from as *mut libc::c_void, to - from, libc::MADV_DONTNEED);
        }
    }
}

/// The ranges of a program's code among its mappings (proc_pid_maps(5)).
fn code(maps: &str, program: &str) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(range), Some("r-xp")) = (words.next(), words.next()) else { continue };
        if program.is_empty() || !line.ends_with(program) {
            continue;
        }
        if let Some((from, to)) = range.split_once('-')
            && let (Ok(from), Ok(to)) = (usize::from_str_radix(from, 16), usize::from_str_radix(to, 16))
            && from < to
        {
            all.push((from, to));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_what_is_executed_and_never_written() {
        let maps = "55d0-55e0 r--p 00000000 fe:00 1 /bin/it\n55e0-55f0 r-xp 00010000 fe:00 1 /bin/it\n\
                    55f0-5600 rw-p 00020000 fe:00 1 /bin/it\n7f00-7f10 r-xp 00000000 fe:00 2 /lib/libc.so\n5600-5610 rwxp 0 fe:00 1 /bin/it\n";
        assert_eq!(code(maps, "/bin/it"), [(0x55e0, 0x55f0)]);
        assert!(code(maps, "").is_empty());
    }

    #[test]
    fn a_program_goes_on_without_its_pages() {
        few_arenas();
        let text = "kept".repeat(1000);
        give_back();
        assert_eq!(text.len(), 4000);
    }
}
