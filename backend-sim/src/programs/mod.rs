//! The simulated programs, by name.
//!
//! Each is an async function over the system calls of its process ([`Sys`]), with the options, output, messages and exit
//! codes of busybox, or of the program whose name it has. An option that the real one has and this one has not ends the engine's
//! call with the typed "not modelled" error.

pub mod cmd;
mod echo;
mod escape;
mod files;
mod kill;
mod mode;
mod printf;
pub mod shell;
mod test;
mod text;
mod time;
mod users;

use crate::sys::Sys;
use cmd::Cmd;
use std::future::Future;
use std::pin::Pin;

/// What a running program is: a future that ends with its exit status.
pub type Running = Pin<Box<dyn Future<Output = i32> + Send>>;

/// A program: its process's system calls and its arguments, the first being its own name.
pub type Program = fn(Sys, Vec<String>) -> Running;

/// Makes a [`Program`] of an `async fn(&mut Cmd) -> Exit`.
macro_rules! utility {
    ($path:path) => {
        |sys, args| {
            Box::pin(async move {
                let mut cmd = Cmd::new(sys, args);
                let exit = $path(&mut cmd).await;
                cmd.finish(exit).await
            })
        }
    };
}

/// Every program, sorted by name.
static PROGRAMS: &[(&str, Program)] = &[
    ("[", utility!(test::test)),
    ("[[", utility!(test::test)),
    ("ash", shell::sh),
    ("base64", utility!(text::digest::base64)),
    ("basename", utility!(files::paths::basename)),
    ("cat", utility!(text::cat::cat)),
    ("chgrp", utility!(files::attributes::chgrp)),
    ("chmod", utility!(files::attributes::chmod)),
    ("chown", utility!(files::attributes::chown)),
    ("cp", utility!(files::copy::cp)),
    ("cut", utility!(text::columns::cut)),
    ("date", utility!(time::date)),
    ("dd", utility!(files::disk::dd)),
    ("df", utility!(files::disk::df)),
    ("dirname", utility!(files::paths::dirname)),
    ("du", utility!(files::disk::du)),
    ("echo", utility!(echo::echo)),
    ("egrep", utility!(text::grep::grep)),
    ("fgrep", utility!(text::grep::grep)),
    ("find", utility!(files::find::find)),
    ("grep", utility!(text::grep::grep)),
    ("head", utility!(text::ends::head)),
    ("kill", utility!(kill::kill)),
    ("less", utility!(text::cat::more)),
    ("ln", utility!(files::make::ln)),
    ("ls", utility!(files::ls::ls)),
    ("md5sum", utility!(text::digest::sums)),
    ("mkdir", utility!(files::make::mkdir)),
    ("mkfifo", utility!(files::make::mkfifo)),
    ("mknod", utility!(files::make::mknod)),
    ("mktemp", utility!(files::make::mktemp)),
    ("more", utility!(text::cat::more)),
    ("mv", utility!(files::copy::mv)),
    ("nl", utility!(text::columns::nl)),
    ("paste", utility!(text::columns::paste)),
    ("printf", utility!(printf::printf)),
    ("pwd", utility!(files::paths::pwd)),
    ("readlink", utility!(files::paths::readlink)),
    ("realpath", utility!(files::paths::realpath)),
    ("rev", utility!(text::cat::rev)),
    ("rm", utility!(files::remove::rm)),
    ("rmdir", utility!(files::remove::rmdir)),
    ("sed", utility!(text::sed::sed)),
    ("seq", utility!(text::streams::seq)),
    ("sh", shell::sh),
    ("sha1sum", utility!(text::digest::sums)),
    ("sha256sum", utility!(text::digest::sums)),
    ("sha512sum", utility!(text::digest::sums)),
    ("sleep", utility!(time::sleep)),
    ("sort", utility!(text::sort::sort)),
    ("stat", utility!(files::attributes::stat)),
    ("sync", utility!(files::disk::sync)),
    ("tac", utility!(text::cat::tac)),
    ("tail", utility!(text::ends::tail)),
    ("tee", utility!(text::streams::tee)),
    ("test", utility!(test::test)),
    ("time", utility!(time::time)),
    ("timeout", utility!(time::timeout)),
    ("touch", utility!(files::make::touch)),
    ("tr", utility!(text::tr::tr)),
    ("truncate", utility!(files::make::truncate)),
    ("uniq", utility!(text::sort::uniq)),
    ("unlink", utility!(files::remove::unlink)),
    ("uptime", utility!(time::uptime)),
    ("usleep", utility!(time::usleep)),
    ("wc", utility!(text::columns::wc)),
    ("which", utility!(files::paths::which)),
    ("xargs", utility!(text::streams::xargs)),
    ("yes", utility!(text::streams::yes)),
];

/// Every program, sorted by name.
pub fn registry() -> &'static [(&'static str, Program)] {
    PROGRAMS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_sorted_and_listed() {
        let names: Vec<&str> = registry().iter().map(|(name, _)| *name).collect();
        assert!(names.is_sorted(), "{names:?}");
        insta::assert_snapshot!(names.join(" "));
    }
}
