//! Traps.

use super::{Done, Flow, Shell, vars};
use crate::sys::Disposition;
use drydock_core::kernel::Signal;

/// A signal's number as `trap` writes it; 0 is EXIT.
fn number(text: &str) -> Option<i32> {
    match text {
        "EXIT" | "0" => Some(0),
        _ => Signal::parse(text).ok().map(Signal::number),
    }
}

fn name(number: i32) -> String {
    match Signal::from_number(number) {
        Ok(signal) => signal.to_string().trim_start_matches("SIG").to_owned(),
        Err(_) => "EXIT".to_owned(),
    }
}

impl Shell {
    /// `trap [action] [signal…]`
    pub(super) async fn trap_builtin(&mut self, operands: &[String]) -> Done {
        let operands = operands.strip_prefix(&["--".to_owned()]).unwrap_or(operands);
        let Some((first, rest)) = operands.split_first() else {
            let lines: String = self.traps.iter().map(|(&n, action)| format!("trap -- {} {}\n", vars::quote(action), name(n))).collect();
            self.sys.print(&lines).await.ok();
            return Ok(0);
        };
        // A first operand that is a signal's name or number means: back to the default.
        let (action, signals) = match rest {
            [] => (None, operands),
            _ if first == "-" || first.parse::<u32>().is_ok() => (None, if first == "-" { rest } else { operands }),
            _ => (Some(first.clone()), rest),
        };
        for text in signals {
            let Some(number) = number(text) else {
                self.complain(&format!("trap: {text}: invalid signal specification")).await;
                return Ok(1);
            };
            let disposition = match &action {
                None => Disposition::Default,
                Some(action) if action.is_empty() => Disposition::Ignore,
                Some(_) => Disposition::Catch,
            };
            match &action {
                None => self.traps.remove(&number),
                Some(action) => self.traps.insert(number, action.clone()),
            };
            if let Ok(signal) = Signal::from_number(number) {
                self.sys.set_disposition(signal, disposition).ok();
            }
        }
        Ok(0)
    }

    /// Runs the actions of signals that have come; the answer is 128 and the last one's number.
    pub(super) async fn run_traps(&mut self) -> Result<Option<i32>, Flow> {
        let mut code = None;
        while let Some(signal) = self.sys.take_signal() {
            code = Some(signal.exit_code());
            if let Some(action) = self.traps.get(&signal.number()).cloned() {
                let status = self.status;
                let done = Box::pin(self.eval(&action)).await;
                self.status = status;
                done?;
            }
        }
        Ok(code)
    }

    /// Runs the EXIT trap; the answer is the status to end with.
    pub(super) async fn exit_trap(&mut self, status: i32) -> i32 {
        self.status = status;
        let Some(action) = self.traps.remove(&0) else { return status };
        match Box::pin(self.eval(&action)).await {
            Err(Flow::Exit(code)) => code,
            _ => status,
        }
    }

    /// In a child: what was caught is as it was, what was ignored stays ignored (POSIX 2.12).
    pub(super) fn reset_traps(&mut self) {
        for (&number, action) in &self.traps {
            if let (Ok(signal), false) = (Signal::from_number(number), action.is_empty()) {
                self.sys.set_disposition(signal, Disposition::Default).ok();
            }
        }
        if self.options.interactive {
            for signal in [Signal::INT, Signal::TERM, Signal::QUIT] {
                self.sys.set_disposition(signal, Disposition::Default).ok();
            }
            self.options.interactive = false;
        }
        self.traps.retain(|_, action| action.is_empty());
    }
}
