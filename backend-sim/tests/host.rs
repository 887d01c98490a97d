//! The simulated kernel through the host's own shell: what Linux does, line by line.

mod common;

use drydock_sim::{SimConfig, SimHost};

/// Runs a script and compares what it printed, both streams.
fn prints(script: &str, wanted: &str) {
    let host = SimHost::new(SimConfig::default());
    let ran = host.shell(&format!("exec 2>&1; {script}"));
    assert_eq!(ran.text(), wanted, "{script}");
}

/// An overlay of /l and /u on /m.
const OVERLAY: &str = "mkdir -p /l/d /u /w /m; echo low >/l/f; echo x >/l/d/x
    mount -t overlay overlay -o lowerdir=/l,upperdir=/u,workdir=/w /m; ";

#[test]
fn an_overlay_copies_up_what_changes_and_nothing_else() {
    prints(&format!("{OVERLAY} ls /u; echo more >>/m/f; cat /m/f /l/f; ls /u"), "low\nmore\nlow\nf\n");
}

#[test]
fn an_overlay_hides_what_is_removed_behind_a_whiteout() {
    prints(&format!("{OVERLAY} rm /m/f; ls /m; ls /l; stat -c '%F %t:%T' /u/f"), "d\nd\nf\ncharacter special file 0:0\n");
}

#[test]
fn a_directory_made_anew_is_opaque() {
    prints(&format!("{OVERLAY} rm -r /m/d; mkdir /m/d; ls /m/d; touch /m/d/y; ls /m/d; ls /l/d"), "y\nx\n");
}

#[test]
fn a_busy_mount_stays_and_a_lazy_one_goes() {
    prints(
        "mkdir /m; mount -t tmpfs x /m; cd /m; umount /m >/dev/null || echo busy; umount -l /m && cd / && ls /m",
        "umount: can't unmount /m: Device or resource busy\nbusy\n",
    );
}

#[test]
fn a_full_tmpfs_says_so() {
    prints(
        "mkdir /m; mount -t tmpfs -o size=8k x /m; head -c 9000 /dev/zero >/m/f && echo fits; wc -c </m/f",
        "head: write error: No space left on device\n8192\n",
    );
}

#[test]
fn two_namespaces_talk_over_a_pair_of_links() {
    let script = "unshare -n sleep 1000 & sleep 1; P=$!
        ip link add a type veth peer name b; ip link set b netns $P
        ip addr add 10.9.0.1/24 dev a; ip link set a up
        ping -c 1 -W 1 10.9.0.2 >/dev/null || echo down
        nsenter -t $P -n ip addr add 10.9.0.2/24 dev b; nsenter -t $P -n ip link set b up
        ping -c 1 -W 1 10.9.0.2 >/dev/null && echo up
        kill $P; sleep 1; ip link show a >/dev/null 2>&1 || echo gone";
    prints(script, "down\nup\ngone\n");
}

#[test]
fn a_pid_namespace_ends_with_its_first_process() {
    prints("unshare -p -f sh -c 'sleep 1000 & echo $$; exit 3'; echo $?; pidof sleep || echo none", "1\n3\nnone\n");
}

#[test]
fn a_control_group_bounds_what_is_in_it() {
    let script = "mkdir /sys/fs/cgroup/g; echo 3 >/sys/fs/cgroup/g/pids.max; rmdir /sys/fs/cgroup/g; ls -d /sys/fs/cgroup/g 2>/dev/null || echo gone
        mkdir /sys/fs/cgroup/h; echo 1 >/sys/fs/cgroup/h/cgroup.freeze; cat /sys/fs/cgroup/h/cgroup.freeze; echo junk >/sys/fs/cgroup/h/memory.max";
    let host = SimHost::new(SimConfig::default());
    let ran = host.shell(script);
    assert_eq!(ran.text(), "gone\n1\n");
    assert!(String::from_utf8_lossy(&ran.stderr).contains("Invalid argument"), "{ran:?}");
}

#[test]
fn rights_are_those_of_the_user() {
    prints(
        "echo secret >/root/s; chmod 600 /root/s; chmod 755 /root; setpriv --reuid 65534 --regid 65534 --clear-groups cat /root/s || echo refused",
        "cat: can't open '/root/s': Permission denied\nrefused\n",
    );
}
