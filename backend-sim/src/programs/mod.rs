//! The simulated programs, by name.
//!
//! Each is an async function over the system calls of its process ([`Sys`]), with the options, output, messages and exit
//! codes of busybox, or of the program whose name it has. An option that the real one has and this one has not ends the engine's
//! call with the typed "not modelled" error.

pub mod cmd;
mod echo;
mod escape;
mod kill;
mod mode;
mod printf;
pub mod shell;
mod test;
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
    ("echo", utility!(echo::echo)),
    ("kill", utility!(kill::kill)),
    ("printf", utility!(printf::printf)),
    ("sh", shell::sh),
    ("test", utility!(test::test)),
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
