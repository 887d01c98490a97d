//! `free`, `dmesg`, `sysctl`, `lsmod` aside.

use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::programs::files::human;
use crate::sys::Errno;
use crate::sys::Sys;

/// Memory in kilobytes, as /proc/meminfo has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// All there is.
    pub total: u64,
    /// Not used for anything.
    pub free: u64,
    /// What programs could get without swapping.
    pub available: u64,
    /// Buffers.
    pub buffers: u64,
    /// Page cache.
    pub cached: u64,
    /// tmpfs and shared memory.
    pub shared: u64,
    /// Swap space and what of it is free.
    pub swap: (u64, u64),
}

impl Memory {
    /// Reads /proc/meminfo.
    pub async fn read(sys: &Sys) -> Self {
        Self::parse(&String::from_utf8_lossy(&sys.read_file("/proc/meminfo").await.unwrap_or_default()))
    }

    fn parse(text: &str) -> Self {
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
        };
        let total = value("MemTotal");
        Self {
            total,
            free: value("MemFree").min(total),
            available: value("MemAvailable"),
            buffers: value("Buffers"),
            cached: value("Cached") + value("SReclaimable"),
            shared: value("Shmem"),
            swap: (value("SwapTotal"), value("SwapFree")),
        }
    }
}

/// `free [-bkmgh]`
pub async fn free(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&Spec { short: "bkmgh", usage: "[-bkmgh]", ..Spec::default() }).await?;
    let memory = Memory::read(&cmd.sys).await;
    let show = |kb: u64| {
        if options.has('h') {
            human(kb * 1024)
        } else if options.has('b') {
            (kb * 1024).to_string()
        } else if options.has('m') {
            (kb / 1024).to_string()
        } else if options.has('g') {
            (kb / 1024 / 1024).to_string()
        } else {
            kb.to_string()
        }
    };
    let cache = memory.buffers + memory.cached;
    let used = memory.total.saturating_sub(memory.free + cache);
    let line =
        |title: &str, values: &[u64]| format!("{title:<7}{}", values.iter().map(|v| format!(" {:>11}", show(*v))).collect::<String>());
    cmd.line("              total        used        free      shared  buff/cache   available").await?;
    cmd.line(line("Mem:", &[memory.total, used, memory.free, memory.shared, cache, memory.available])).await?;
    let (swap, swap_free) = memory.swap;
    cmd.line(line("Swap:", &[swap, swap.saturating_sub(swap_free), swap_free])).await?;
    Ok(0)
}

/// `dmesg [-c]`: the kernel's messages, if there are any to read.
pub async fn dmesg(cmd: &mut Cmd) -> Exit {
    cmd.options(&Spec { short: "cr", not_modelled: "ns", usage: "[-cr] [-n LEVEL] [-s SIZE]", ..Spec::default() }).await?;
    match cmd.sys.read_file("/dev/kmsg").await {
        Ok(bytes) => {
            // `level,sequence,microseconds,flags;text`
            for line in String::from_utf8_lossy(&bytes).lines() {
                let (head, text) = line.split_once(';').unwrap_or(("", line));
                let time: u64 = head.split(',').nth(2).and_then(|t| t.parse().ok()).unwrap_or(0);
                cmd.line(format!("[{:5}.{:06}] {text}", time / 1_000_000, time % 1_000_000)).await?;
            }
            Ok(0)
        }
        // syslog(2) wants a capability; whoever has it has the device.
        Err(_) => Err(cmd.fail(format!("klogctl: {}", Errno::EPERM)).await),
    }
}

/// `sysctl [-n] [-w] name[=value]…`
pub async fn sysctl(cmd: &mut Cmd) -> Exit {
    let options = cmd
        .options(&Spec {
            short: "nweq",
            not_modelled: "ap",
            usage: "[-enq] { -a | -p [FILE]... | [-w] [KEY[=VALUE]]... }",
            ..Spec::default()
        })
        .await?;
    let mut status = 0;
    for operand in &options.operands {
        let (key, value) = operand.split_once('=').map_or((operand.as_str(), None), |(k, v)| (k, Some(v)));
        let path = format!("/proc/sys/{}", key.replace('.', "/"));
        let done = match value {
            Some(value) => {
                let fd = cmd.sys.open(&path, crate::sys::OpenFlags { create: false, ..crate::sys::OpenFlags::REPLACE }, 0).await;
                match fd {
                    Ok(fd) => {
                        let done = cmd.sys.write_all(fd, format!("{value}\n").as_bytes()).await;
                        cmd.sys.close(fd).ok();
                        done.map(|()| value.to_owned())
                    }
                    Err(error) => Err(error),
                }
            }
            None => cmd.sys.read_file(&path).await.map(|bytes| String::from_utf8_lossy(&bytes).trim_end().to_owned()),
        };
        match done {
            Ok(value) if options.has('n') => cmd.line(value).await?,
            Ok(value) => cmd.line(format!("{key} = {value}")).await?,
            Err(crate::sys::Errno::ENOENT) => status = cmd.fail(format!("error: '{key}' is an unknown key")).await,
            Err(error) => status = cmd.fail(format!("error setting key '{key}': {error}")).await,
        }
    }
    Ok(status)
}
