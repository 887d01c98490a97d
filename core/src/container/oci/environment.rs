//! The environment that a program finds, in Docker's order.

use crate::container::user::Identity;
use crate::container::{ContainerRecord, ExecConfig};

/// PATH, HOSTNAME, TERM with a terminal; then what image and person set; HOME last, from the user's entry, unless somebody set it.
pub(super) fn environment(record: &ContainerRecord, hostname: &str, identity: &Identity) -> Vec<String> {
    let mut all: Vec<String> = record.env.iter().find(|e| e.starts_with("PATH=")).cloned().into_iter().collect();
    all.push(format!("HOSTNAME={hostname}"));
    if record.config.tty {
        all.push("TERM=xterm".to_owned());
    }
    record.env.iter().for_each(|entry| set(&mut all, entry));
    home(&mut all, identity);
    all
}

/// The container's own, TERM with a terminal, and what the person adds; HOME is that of the exec's user.
pub fn exec_environment(of_container: &[String], exec: &ExecConfig, identity: &Identity, same_user: bool) -> Vec<String> {
    let mut all: Vec<String> = of_container.iter().filter(|e| e.contains('=') && (same_user || !e.starts_with("HOME="))).cloned().collect();
    if exec.tty {
        set(&mut all, "TERM=xterm");
    }
    exec.env.iter().for_each(|entry| set(&mut all, entry));
    home(&mut all, identity);
    all
}

fn home(all: &mut Vec<String>, identity: &Identity) {
    if !all.iter().any(|e| e.starts_with("HOME=") && e.len() > 5) {
        set(all, &format!("HOME={}", identity.home));
    }
}

/// Puts an entry in the place of an earlier one of its name. A name without `=` takes it away.
fn set(all: &mut Vec<String>, entry: &str) {
    let name = |entry: &str| entry.split('=').next().unwrap_or(entry).to_owned();
    let place = all.iter().position(|known| name(known) == name(entry));
    match (place, entry.contains('=')) {
        (Some(i), true) => all[i] = entry.to_owned(),
        (Some(i), false) => drop(all.remove(i)),
        (None, true) => all.push(entry.to_owned()),
        (None, false) => {}
    }
}
