//! Terminals: a pair of ends with the line discipline between them (termios(3), pty(7)).

use crate::process::sched::Wait;
use crate::sys::Termios;
use crate::world::World;
use drydock_core::kernel::Signal;
use std::collections::VecDeque;

/// Bytes of output that wait to be read at the master before writers wait.
const OUTPUT: usize = 65536;

/// A terminal.
#[derive(Clone, Debug)]
pub struct Tty {
    /// Its settings.
    pub termios: Termios,
    /// Rows and columns.
    pub size: (u16, u16),
    /// The foreground process group, as a host pid.
    pub foreground: u32,
    /// The session it controls, as a host pid.
    pub session: u32,
    /// Input that can be read at the slave.
    pub input: VecDeque<u8>,
    /// The line being typed.
    pub line: Vec<u8>,
    /// Ends of input (Ctrl-D on an empty line) not yet read.
    pub ends: u32,
    /// Output for the master.
    pub output: VecDeque<u8>,
    /// Open files of the slave.
    pub slaves: u32,
    /// Somebody has the master.
    pub master: bool,
    /// Was the slave ever opened? Until then the master waits.
    pub opened: bool,
    /// The number in /dev/pts, and the file system that shows it.
    pub number: u32,
    /// That file system.
    pub system: u32,
    /// The supervisor or client that has the master, and wants to know of changes.
    pub outside: Option<u32>,
}

impl World {
    /// Makes a terminal of this size.
    pub fn add_tty(&mut self, rows: u16, cols: u16, (system, number): (u32, u32), outside: Option<u32>) -> u32 {
        let id = self.next_tty;
        self.next_tty += 1;
        let termios = Termios { canonical: true, echo: true, signals: true, newline: true, carriage_return: true };
        let tty = Tty {
            termios,
            size: (rows, cols),
            foreground: 0,
            session: 0,
            input: VecDeque::new(),
            line: Vec::new(),
            ends: 0,
            output: VecDeque::new(),
            slaves: 0,
            master: true,
            opened: false,
            number,
            system,
            outside,
        };
        self.ttys.insert(id, tty);
        id
    }

    /// Bytes typed at the master.
    pub fn tty_type(&mut self, id: u32, bytes: &[u8]) {
        for byte in bytes {
            self.tty_key(id, *byte);
        }
        self.wake(Wait::Tty(id));
    }

    fn tty_key(&mut self, id: u32, byte: u8) {
        let Some(tty) = self.ttys.get_mut(&id) else { return };
        let byte = if byte == b'\r' && tty.termios.carriage_return { b'\n' } else { byte };
        if tty.termios.signals
            && let Some(signal) = match byte {
                3 => Some(Signal::INT),
                28 => Some(Signal::QUIT),
                26 => Signal::from_number(20).ok(),
                _ => None,
            }
        {
            tty.line.clear();
            tty.input.clear();
            let group = tty.foreground;
            if tty.termios.echo {
                let shown = [b'^', byte + 64];
                tty.output.extend(shown);
            }
            self.signal_group(group, signal);
            return;
        }
        let Some(tty) = self.ttys.get_mut(&id) else { return };
        if !tty.termios.canonical {
            tty.input.push_back(byte);
            if tty.termios.echo {
                tty.output.push_back(byte);
            }
            return;
        }
        match byte {
            // Ctrl-D: what is typed can be read; on an empty line it is the end.
            4 if tty.line.is_empty() => tty.ends += 1,
            4 => tty.input.extend(std::mem::take(&mut tty.line)),
            // Backspace and Ctrl-U.
            8 | 127 => {
                if tty.line.pop().is_some() && tty.termios.echo {
                    tty.output.extend(b"\x08 \x08");
                }
            }
            21 => {
                let count = tty.line.len();
                tty.line.clear();
                if tty.termios.echo {
                    for _ in 0..count {
                        tty.output.extend(b"\x08 \x08");
                    }
                }
            }
            _ => {
                if tty.termios.echo {
                    if byte == b'\n' && tty.termios.newline {
                        tty.output.push_back(b'\r');
                    }
                    if byte < 32 && byte != b'\n' && byte != b'\t' {
                        tty.output.extend([b'^', byte + 64]);
                    } else {
                        tty.output.push_back(byte);
                    }
                }
                tty.line.push(byte);
                if byte == b'\n' {
                    tty.input.extend(std::mem::take(&mut tty.line));
                }
            }
        }
    }

    /// Says to whoever has the master outside that something changed.
    pub fn stir_tty(&mut self, id: u32) {
        if let Some(actor) = self.ttys.get(&id).and_then(|t| t.outside) {
            self.stirred.insert(actor);
        }
    }

    /// Reads at the slave. `None` is "wait"; nothing is the end.
    pub fn tty_read(&mut self, id: u32, max: usize) -> Option<Vec<u8>> {
        let tty = self.ttys.get_mut(&id)?;
        if tty.input.is_empty() {
            if tty.ends > 0 {
                tty.ends -= 1;
                return Some(Vec::new());
            }
            return (!tty.master).then(Vec::new);
        }
        let mut bytes = Vec::new();
        while bytes.len() < max
            && let Some(byte) = tty.input.pop_front()
        {
            bytes.push(byte);
            if tty.termios.canonical && byte == b'\n' {
                break;
            }
        }
        Some(bytes)
    }

    /// Writes at the slave: how much was taken. `None` is "wait".
    pub fn tty_write(&mut self, id: u32, bytes: &[u8]) -> Option<usize> {
        let tty = self.ttys.get_mut(&id)?;
        if !tty.master {
            return Some(bytes.len());
        }
        if tty.output.len() >= OUTPUT {
            return None;
        }
        for byte in bytes {
            if *byte == b'\n' && tty.termios.newline {
                tty.output.push_back(b'\r');
            }
            tty.output.push_back(*byte);
        }
        self.wake(Wait::Tty(id));
        Some(bytes.len())
    }

    /// Takes what was written for the master.
    pub fn tty_drain(&mut self, id: u32) -> Vec<u8> {
        let Some(tty) = self.ttys.get_mut(&id) else { return Vec::new() };
        let bytes: Vec<u8> = tty.output.drain(..).collect();
        if !bytes.is_empty() {
            self.wake(Wait::Tty(id));
        }
        bytes
    }

    /// Gives a terminal a size; its foreground group gets SIGWINCH if that changed anything.
    pub fn tty_resize(&mut self, id: u32, rows: u16, cols: u16) {
        let Some(tty) = self.ttys.get_mut(&id) else { return };
        if tty.size != (rows, cols) {
            tty.size = (rows, cols);
            let group = tty.foreground;
            self.signal_group(group, Signal::WINCH);
        }
    }

    /// The session leader of a terminal ended, or its master was closed: SIGHUP to the foreground group.
    pub fn hang_up(&mut self, id: u32) {
        let Some(tty) = self.ttys.get_mut(&id) else { return };
        let (group, session) = (tty.foreground, tty.session);
        tty.session = 0;
        self.wake(Wait::Tty(id));
        if group != 0 {
            self.signal_group(group, Signal::HUP);
        }
        for p in self.procs.values_mut().filter(|p| p.session == session && p.tty == Some(id)) {
            p.tty = None;
        }
    }
}
