//! Device rules as a BPF program of type BPF_PROG_TYPE_CGROUP_DEVICE (cgroup-v2.rst, "Device controller").
//!
//! The program looks at the rules from the last to the first and answers with the first that fits; nothing fits: allowed, as in
//! a v1 group that nobody has written to.

use drydock_core::error::{Error, Result};
use oci_spec::runtime::{LinuxDeviceCgroup, LinuxDeviceType};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// One instruction, as linux/bpf.h lays it out.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    code: u8,
    /// Source register in the high four bits, destination in the low ones.
    registers: u8,
    offset: i16,
    immediate: i32,
}

// Operation codes: class, size or source, operation (linux/bpf_common.h).
const LOAD_WORD: u8 = 0x61;
const SHIFT_RIGHT_32: u8 = 0x74;
const AND_32: u8 = 0x54;
const MOVE: u8 = 0xbf;
const SET: u8 = 0xb7;
const JUMP_IF_NOT: u8 = 0x55;
const JUMP_IF_NOT_REGISTER: u8 = 0x5d;
const JUMP_IF: u8 = 0x15;
const EXIT: u8 = 0x95;

// Registers.
const ANSWER: u8 = 0;
const CONTEXT: u8 = 1;
const KIND: u8 = 2;
const ACCESS: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;
const SCRATCH: u8 = 6;

// struct bpf_cgroup_dev_ctx.
const BLOCK: i32 = 1;
const CHARACTER: i32 = 2;
const MAKE: i32 = 1;
const READ: i32 = 2;
const WRITE: i32 = 4;
const EVERY_ACCESS: i32 = MAKE | READ | WRITE;

fn instruction(code: u8, destination: u8, source: u8, offset: i16, immediate: i32) -> Instruction {
    Instruction { code, registers: (source << 4) | destination, offset, immediate }
}

/// Builds the program.
pub(super) fn build(rules: &[LinuxDeviceCgroup]) -> Result<Vec<Instruction>> {
    let mut program = vec![
        instruction(LOAD_WORD, KIND, CONTEXT, 0, 0),
        instruction(MOVE, ACCESS, KIND, 0, 0),
        instruction(SHIFT_RIGHT_32, ACCESS, 0, 0, 16),
        instruction(AND_32, KIND, 0, 0, 0xffff),
        instruction(LOAD_WORD, MAJOR, CONTEXT, 4, 0),
        instruction(LOAD_WORD, MINOR, CONTEXT, 8, 0),
    ];
    for rule in rules.iter().rev() {
        let block = rule_block(rule)?;
        // Without a condition it ends the program, and the verifier refuses what could never be reached.
        let unconditional = block.len() == 2;
        program.extend(block);
        if unconditional {
            return Ok(program);
        }
    }
    program.extend(answer(true));
    Ok(program)
}

fn answer(allow: bool) -> [Instruction; 2] {
    [instruction(SET, ANSWER, 0, 0, i32::from(allow)), instruction(EXIT, 0, 0, 0, 0)]
}

/// Conditions that jump past the block's end, then the answer.
fn rule_block(rule: &LinuxDeviceCgroup) -> Result<Vec<Instruction>> {
    let mut block = Vec::new();
    match rule.typ().unwrap_or(LinuxDeviceType::A) {
        LinuxDeviceType::A => {}
        LinuxDeviceType::B => block.push(instruction(JUMP_IF_NOT, KIND, 0, 0, BLOCK)),
        LinuxDeviceType::C | LinuxDeviceType::U => block.push(instruction(JUMP_IF_NOT, KIND, 0, 0, CHARACTER)),
        LinuxDeviceType::P => return Err(Error::invalid("a FIFO is not a device that can be allowed")),
    }
    let access = access(rule.access().as_deref().unwrap_or("rwm"))?;
    if access != EVERY_ACCESS {
        block.push(instruction(MOVE, SCRATCH, ACCESS, 0, 0));
        block.push(instruction(AND_32, SCRATCH, 0, 0, access));
        // A permission must cover all that is asked for; a prohibition holds if it touches any of it.
        block.push(if rule.allow() {
            instruction(JUMP_IF_NOT_REGISTER, SCRATCH, ACCESS, 0, 0)
        } else {
            instruction(JUMP_IF, SCRATCH, 0, 0, 0)
        });
    }
    for (register, number) in [(MAJOR, rule.major()), (MINOR, rule.minor())] {
        if let Some(number) = number.filter(|n| *n >= 0) {
            let number = i32::try_from(number).map_err(|_| Error::invalid(format!("{number} is not a device number")))?;
            block.push(instruction(JUMP_IF_NOT, register, 0, 0, number));
        }
    }
    block.extend(answer(rule.allow()));
    let length = block.len();
    for (at, instruction) in block.iter_mut().enumerate() {
        if matches!(instruction.code, JUMP_IF | JUMP_IF_NOT | JUMP_IF_NOT_REGISTER) {
            // Jumps count from the instruction after them. A block has at most nine instructions.
            instruction.offset = i16::try_from(length - at - 1).unwrap_or(i16::MAX);
        }
    }
    Ok(block)
}

fn access(text: &str) -> Result<i32> {
    let mut bits = 0;
    for letter in text.chars() {
        bits |= match letter {
            'r' => READ,
            'w' => WRITE,
            'm' => MAKE,
            _ => return Err(Error::invalid(format!("{text:?} is not an access to a device: write r, w and m"))),
        };
    }
    if bits == 0 { Err(Error::invalid("a device rule without an access")) } else { Ok(bits) }
}

// bpf(2): commands, and the parts of union bpf_attr that they read.
const PROG_LOAD: libc::c_long = 5;
const PROG_ATTACH: libc::c_long = 8;
const PROG_DETACH: libc::c_long = 9;
const PROG_GET_FD_BY_ID: libc::c_long = 13;
const PROG_QUERY: libc::c_long = 16;
const TYPE_CGROUP_DEVICE: u32 = 15;
const ATTACH_CGROUP_DEVICE: u32 = 6;
const ALLOW_MULTI: u32 = 2;

#[repr(C)]
#[derive(Default)]
struct Load {
    kind: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
}

#[repr(C)]
#[derive(Default)]
struct Attach {
    target: u32,
    program: u32,
    kind: u32,
    flags: u32,
}

#[repr(C)]
#[derive(Default)]
struct Query {
    target: u32,
    kind: u32,
    query_flags: u32,
    attach_flags: u32,
    ids: u64,
    count: u32,
    padding: u32,
}

fn bpf<T>(command: libc::c_long, attributes: &mut T) -> io::Result<libc::c_long> {
    let pointer: *mut T = attributes;
    // SAFETY: `attributes` is a live, exclusive, `repr(C)` prefix of union bpf_attr of exactly the size that is passed, and the
    // kernel takes the rest of the union as zero (bpf(2)). Pointers inside it lead to buffers that the callers below keep alive
    // across the call and whose lengths they state.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, pointer, size_of::<T>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn descriptor(number: libc::c_long) -> io::Result<OwnedFd> {
    let number = i32::try_from(number).map_err(io::Error::other)?;
    // SAFETY: PROG_LOAD and PROG_GET_FD_BY_ID return a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

fn raw(fd: &impl AsRawFd) -> u32 {
    u32::try_from(fd.as_raw_fd()).unwrap_or(u32::MAX)
}

/// Loads the program and puts it in force for a group in place of those that are there.
pub(super) fn attach(group: &File, program: &[Instruction]) -> io::Result<()> {
    let before = attached(group)?;
    let mut load = Load {
        kind: TYPE_CGROUP_DEVICE,
        count: u32::try_from(program.len()).map_err(io::Error::other)?,
        instructions: program.as_ptr().addr() as u64,
        license: c"Apache".as_ptr().addr() as u64,
        ..Load::default()
    };
    let program = descriptor(bpf(PROG_LOAD, &mut load)?)?;
    let attach = |program: &OwnedFd| Attach { target: raw(group), program: raw(program), kind: ATTACH_CGROUP_DEVICE, flags: ALLOW_MULTI };
    bpf(PROG_ATTACH, &mut attach(&program))?;
    // The new one is in force first: between the two calls both are, and a device must pass both.
    for old in before {
        bpf(PROG_DETACH, &mut Attach { flags: 0, ..attach(&old) })?;
    }
    Ok(())
}

/// The programs in force for a group itself, not those of the groups above it.
fn attached(group: &File) -> io::Result<Vec<OwnedFd>> {
    // More than 64 on one group is more than the kernel allows.
    let mut ids = [0u32; 64];
    let mut query =
        Query { target: raw(group), kind: ATTACH_CGROUP_DEVICE, ids: ids.as_mut_ptr().addr() as u64, count: 64, ..Query::default() };
    bpf(PROG_QUERY, &mut query)?;
    let count = usize::try_from(query.count).unwrap_or(0);
    ids.iter().take(count).map(|id| descriptor(bpf(PROG_GET_FD_BY_ID, &mut [*id, 0, 0])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_spec::runtime::LinuxDeviceCgroupBuilder;

    fn rule(allow: bool, typ: LinuxDeviceType, numbers: Option<(i64, i64)>, access: &str) -> LinuxDeviceCgroup {
        let mut rule = LinuxDeviceCgroupBuilder::default().allow(allow).typ(typ).access(access).build().expect("builds");
        rule.set_major(numbers.map(|n| n.0)).set_minor(numbers.map(|n| n.1));
        rule
    }

    /// What the kernel's interpreter does with the few operations used here.
    fn run(program: &[Instruction], kind: i32, access: i32, major: i64, minor: i64) -> bool {
        let mut registers = [0i64; 11];
        let mut at = 0;
        loop {
            let i = program[at];
            let (destination, source) = (usize::from(i.registers & 15), usize::from(i.registers >> 4));
            at += 1;
            let mut jump = |condition: bool| {
                if condition {
                    at += usize::try_from(i.offset).expect("forward");
                }
            };
            match i.code {
                LOAD_WORD => {
                    registers[destination] = match i.offset {
                        0 => i64::from((access << 16) | kind),
                        4 => major,
                        8 => minor,
                        other => panic!("offset {other}"),
                    }
                }
                MOVE => registers[destination] = registers[source],
                SET => registers[destination] = i64::from(i.immediate),
                SHIFT_RIGHT_32 => registers[destination] >>= i.immediate,
                AND_32 => registers[destination] &= i64::from(i.immediate),
                JUMP_IF_NOT => jump(registers[destination] != i64::from(i.immediate)),
                JUMP_IF_NOT_REGISTER => jump(registers[destination] != registers[source]),
                JUMP_IF => jump(registers[destination] == i64::from(i.immediate)),
                EXIT => return registers[0] != 0,
                other => panic!("operation {other:#x}"),
            }
        }
    }

    #[test]
    fn the_last_rule_that_fits_decides() {
        let rules = [
            rule(false, LinuxDeviceType::A, None, "rwm"),
            rule(true, LinuxDeviceType::C, None, "m"),
            rule(true, LinuxDeviceType::C, Some((1, 3)), "rwm"),
            rule(true, LinuxDeviceType::C, Some((5, 1)), "rw"),
            rule(false, LinuxDeviceType::C, Some((5, 1)), "w"),
        ];
        let program = build(&rules).expect("builds");
        assert!(run(&program, CHARACTER, READ | WRITE, 1, 3));
        assert!(!run(&program, BLOCK, READ, 1, 3), "another type");
        assert!(!run(&program, CHARACTER, READ, 1, 4), "another number");
        assert!(run(&program, CHARACTER, MAKE, 8, 0), "making alone is allowed");
        assert!(!run(&program, CHARACTER, MAKE | READ, 8, 0), "making and reading is not");
        assert!(run(&program, CHARACTER, READ, 5, 1));
        assert!(!run(&program, CHARACTER, READ | WRITE, 5, 1), "one refused access refuses all");
    }

    #[test]
    fn no_rule_allows_and_a_rule_for_all_ends_the_program() {
        assert!(run(&build(&[]).expect("builds"), BLOCK, READ, 8, 0));
        let all = [rule(true, LinuxDeviceType::C, Some((1, 3)), "rwm"), rule(false, LinuxDeviceType::A, None, "rwm")];
        let program = build(&all).expect("builds");
        assert_eq!(program.len(), 8);
        assert!(!run(&program, CHARACTER, READ, 1, 3));
    }
}
