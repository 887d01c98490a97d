//! Values of the command line: ports, mounts, sizes, durations and the rest. The first byte says which.

#![no_main]

use drydock_core::build::mount;
use drydock_core::container::mounts::{clean, may_cover_proc, parse_mount, parse_tmpfs, parse_volume};
use drydock_core::container::{MountRequest, files, health_text, names, oci, restart, ulimit, user};
use drydock_core::kernel::Signal;
use drydock_core::limits::units;
use drydock_core::network::ports;
use libfuzzer_sys::fuzz_target;

fn mounted(request: &MountRequest) {
    assert!(request.target.starts_with('/') && request.target != "/", "{request:?}");
    assert_eq!(clean(&request.target), request.target);
    // Beside the few files that tell of the machine.
    assert!(request.target != "/proc" && (!request.target.starts_with("/proc/") || may_cover_proc(&request.target)), "{request:?}");
    assert!(request.mode.is_none_or(|mode| mode <= 0o7777));
}

fn published(text: &str) {
    let Ok(all) = ports::parse(text) else { return };
    assert!(!all.is_empty() && all.len() <= 65535);
    for one in &all {
        assert!(one.container_port != 0);
        assert!(one.host_ports.is_none_or(|(first, last)| first != 0 && first <= last), "{one:?}");
    }
    for two in all.windows(2) {
        assert_eq!(two[0].container_port + 1, two[1].container_port);
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((which, rest)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    match which % 16 {
        0 => published(text),
        1 => drop(ports::parse_expose(text).map(|all| assert!(all.iter().all(|(port, _)| *port != 0)))),
        2 => parse_volume(text, "/home").iter().for_each(mounted),
        3 => parse_mount(text).iter().for_each(mounted),
        4 => parse_tmpfs(text).iter().for_each(mounted),
        5 => drop(units::parse_duration(text)),
        6 => {
            for size in [units::parse_bytes(text), units::parse_decimal(text)].into_iter().flatten() {
                assert!(i64::try_from(size).is_ok());
                assert_eq!(units::parse_bytes(&size.to_string()).map(|again| again.abs_diff(size) <= size >> 52).ok(), Some(true));
            }
            let _ = units::parse_swap(text);
        }
        7 => drop(units::parse_cpus(text)),
        8 => drop(ulimit::parse(text).map(|limit| assert!(limit.soft() <= limit.hard()))),
        9 => drop(restart::parse(text)),
        10 => drop(oci::parse_device(text).map(|device| assert!(device.host.starts_with('/') && device.container.starts_with('/')))),
        11 => drop(files::extra_host(text).map(|(name, _)| assert!(!name.contains(['\n', ' ', '\t', '#'])))),
        12 => drop(Signal::parse(text)),
        13 => drop(health_text::parse(text)),
        14 => {
            if let Ok(name) = names::check(text) {
                assert!(name.bytes().all(|b| b.is_ascii_graphic() && b != b'/'), "{name:?}");
            }
            let _ = mount::parse(text);
        }
        _ => {
            let (spec, files) = text.split_once('\0').unwrap_or((text, "root:x:0:0:root:/root:/bin/sh\n"));
            if let Ok(identity) = user::resolve(spec, &[], files, files) {
                assert!(identity.home.starts_with('/'));
            }
        }
    }
});
