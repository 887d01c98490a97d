//! Remarks about programs: those that end where they should stay, and packages of a release that the base is none of.

use super::{Linter, Rule};
use crate::build::dockerfile::{Command, Kind, Run};

/// Releases by their names and their numbers.
const RELEASES: [(&str, &str, &str); 22] = [
    ("debian", "wheezy", "7"),
    ("debian", "jessie", "8"),
    ("debian", "stretch", "9"),
    ("debian", "buster", "10"),
    ("debian", "bullseye", "11"),
    ("debian", "bookworm", "12"),
    ("debian", "trixie", "13"),
    ("ubuntu", "precise", "12.04"),
    ("ubuntu", "raring", "13.04"),
    ("ubuntu", "saucy", "13.10"),
    ("ubuntu", "trusty", "14.04"),
    ("ubuntu", "utopic", "14.10"),
    ("ubuntu", "vivid", "15.04"),
    ("ubuntu", "wily", "15.10"),
    ("ubuntu", "xenial", "16.04"),
    ("ubuntu", "bionic", "18.04"),
    ("ubuntu", "focal", "20.04"),
    ("ubuntu", "jammy", "22.04"),
    ("ubuntu", "mantic", "23.10"),
    ("ubuntu", "noble", "24.04"),
    ("ubuntu", "oracular", "24.10"),
    ("ubuntu", "plucky", "25.04"),
];

/// The release that an image's name says it is.
fn release_of(image: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    let bare = image.trim_start_matches("docker.io/").trim_start_matches("library/");
    let (name, tag) = bare.split_once(':')?;
    let tag = tag.split('-').next().unwrap_or_default();
    RELEASES.iter().find(|(system, code, number)| *system == name && (tag == *code || tag == *number))
}

impl Linter<'_> {
    /// A list of packages that names another release than the base image is: what is installed from it does not fit.
    pub(super) fn releases(&mut self) {
        for i in 0..self.stages.len() {
            let Kind::From { image, .. } = &self.stages[i].from.kind else { continue };
            let Some((system, code, number)) = release_of(&image.text) else { continue };
            for instruction in self.stages[i].body.clone() {
                let Kind::Run(Run { command: Command::Shell(text), .. }) = &instruction.kind else { continue };
                if !text.contains("deb http") && !text.contains("deb-src http") {
                    continue;
                }
                let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
                let other = RELEASES.iter().find(|(s, c, _)| s == system && c != code && words.clone().any(|word| word == *c));
                if let Some((_, other, of)) = other.filter(|_| !words.any(|word| word == *code)) {
                    let message =
                        format!("{other} is {system} {of}, and the base image is {system} {number} ({code}): its packages do not fit");
                    self.say(Rule::PackagesOfAnotherRelease, instruction.span, message);
                }
            }
        }
    }

    /// A command that starts a service and ends: the container ends with it, and a supervisor starts it again and again.
    pub(super) fn detaching(&mut self) {
        for i in 0..self.stages.len() {
            for instruction in self.stages[i].body.clone() {
                let (Kind::Cmd(command) | Kind::Entrypoint(command)) = &instruction.kind else { continue };
                let words: Vec<String> = match command {
                    Command::Shell(text) => text.split_whitespace().map(str::to_owned).collect(),
                    Command::Exec(words) => words.clone(),
                };
                if let Some(name) = detaches(&words) {
                    let message = format!("{name} starts a service in the background and ends, and the container ends with it");
                    self.say(Rule::DetachesItself, instruction.span, message);
                }
            }
        }
    }
}

impl Linter<'_> {
    /// A password that a RUN sets is in the layer and in the history, the same in every container, for whoever has the image.
    pub(super) fn passwords(&mut self) {
        for i in 0..self.stages.len() {
            for instruction in self.stages[i].body.clone() {
                let Kind::Run(Run { command: Command::Shell(text), .. }) = &instruction.kind else { continue };
                if let Some(program) = sets_password(text) {
                    let message = format!("{program} gets a password that everybody can read who has the image");
                    self.say(Rule::PasswordInLayer, instruction.span, message);
                }
            }
        }
    }
}

/// The program that a shell line hands a written password to: `echo root:1 | chpasswd`, `echo 1 | passwd --stdin root`.
fn sets_password(line: &str) -> Option<&str> {
    let name = |part: &'_ str| part.split_whitespace().next().map_or("", |w| w.rsplit('/').next().unwrap_or(w)).to_owned();
    line.split(['&', ';', '\n']).find_map(|command| {
        let parts: Vec<&str> = command.split('|').map(str::trim).collect();
        let [.., says, takes] = parts.as_slice() else { return None };
        // What a variable or a file brings is not written here.
        let written = matches!(name(says).as_str(), "echo" | "printf") && !says.contains('$');
        let program = takes.split_whitespace().next()?;
        (written && matches!(name(takes).as_str(), "chpasswd" | "passwd")).then_some(program)
    })
}

/// What of a command line goes into the background by itself.
fn detaches(words: &[String]) -> Option<&str> {
    let first = words.first()?;
    let name = first.rsplit('/').next().unwrap_or_default();
    let starts = words.iter().skip(1).any(|w| w == "start");
    // More follows: a shell that goes on after the service is up.
    if words.iter().any(|w| matches!(w.as_str(), "&&" | ";" | "||" | "|") || w.ends_with(';')) {
        return None;
    }
    let detaches = match name {
        "startup.sh" => true,
        "service" | "apachectl" | "apache2ctl" | "catalina.sh" | "rc-service" => starts,
        "systemctl" => starts,
        _ => first.starts_with("/etc/init.d/") && starts,
    };
    detaches.then_some(first.as_str())
}
