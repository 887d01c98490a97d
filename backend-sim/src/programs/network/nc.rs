//! `nc`

use super::resolve::lookup;
use crate::programs::cmd::{Cmd, Exit, Options, Spec};
use crate::programs::time::duration;
use crate::sys::{Address, Domain, Errno, Fd, Poll, STDIN, STDOUT, Shutdown, SocketKind, Spawn, WaitFor};
use std::net::IpAddr;
use std::time::Duration;

/// `nc [-u] [-w seconds] host port`, `nc -l -p port [-e program]`, `nc -z host port`
pub async fn nc(cmd: &mut Cmd) -> Exit {
    let spec = Spec {
        short: "+lp:w:e:nvuzks:q:",
        not_modelled: "if",
        usage: "[-lk] [-p PORT] [-w SEC] [-e PROG] [IPADDR PORT]",
        ..Spec::default()
    };
    // `nc -l -p 80 -e program words…`: what follows `-e` is the program.
    let program = cmd.args.iter().position(|a| a == "-e").map(|at| cmd.args.split_off(at)[1..].to_vec());
    let options = cmd.options(&spec).await?;
    if options.has('u') {
        return datagrams(cmd, &options, &spec).await;
    }
    let fd = if options.has('l') { listen(cmd, &options).await? } else { connect(cmd, &options, &spec).await? };
    if options.has('z') {
        return Ok(0);
    }
    match program {
        Some(words) if !words.is_empty() => {
            let spawn = Spawn {
                program: words[0].clone(),
                args: words.clone(),
                env: cmd.sys.environ(),
                fds: [(0, fd), (1, fd), (2, 2)].into(),
                ..Spawn::default()
            };
            match cmd.sys.spawn(spawn) {
                Ok(pid) => {
                    cmd.sys.close(fd).ok();
                    match cmd.sys.wait(WaitFor::Pid(pid), false).await {
                        Ok(Some((_, status))) => Ok(status.code()),
                        _ => Ok(1),
                    }
                }
                Err(error) => Err(cmd.fail(format!("can't execute '{}': {error}", words[0])).await),
            }
        }
        _ => carry(cmd, fd, options.value('w').and_then(duration)).await,
    }
}

fn port_of(text: &str) -> Option<u16> {
    text.parse().ok()
}

async fn listen(cmd: &mut Cmd, options: &Options) -> Result<Fd, i32> {
    let Some(port) = options.value('p').or(options.operands.last().map(String::as_str)).and_then(port_of) else {
        return Err(cmd.fail("bad port").await);
    };
    let any = Address::Inet(IpAddr::from([0, 0, 0, 0]), port);
    let opened = cmd.sys.socket(Domain::Inet, SocketKind::Stream).and_then(|fd| {
        cmd.sys.bind(fd, &any)?;
        cmd.sys.listen(fd, 1)?;
        Ok(fd)
    });
    let listener = match opened {
        Ok(fd) => fd,
        Err(error) => return Err(cmd.fail(format!("bind: {error}")).await),
    };
    loop {
        match cmd.sys.accept(listener).await {
            Ok((fd, _)) => {
                cmd.sys.close(listener).ok();
                return Ok(fd);
            }
            Err(Errno::EINTR) => {}
            Err(error) => return Err(cmd.fail(format!("accept: {error}")).await),
        }
    }
}

async fn connect(cmd: &mut Cmd, options: &Options, spec: &Spec) -> Result<Fd, i32> {
    let [host, port] = options.operands.as_slice() else { return Err(cmd.usage(spec, "").await) };
    let Some(port) = port_of(port) else { return Err(cmd.fail(format!("bad port '{port}'")).await) };
    let Some(address) = lookup(&cmd.sys, host).await else { return Err(cmd.fail(format!("bad address '{host}'")).await) };
    match super::client::connect(&cmd.sys, address, port).await {
        Ok(fd) => Ok(fd),
        Err(error) if options.has('z') && !options.has('v') => {
            let _ = error;
            Err(1)
        }
        Err(error) => Err(cmd.fail(format!("can't connect to remote host ({address}): {error}")).await),
    }
}

/// Bytes both ways until the other side has ended.
async fn carry(cmd: &mut Cmd, fd: Fd, idle: Option<Duration>) -> Exit {
    let mut input = true;
    loop {
        let mut watch = vec![Poll { fd, read: true, write: false }];
        if input {
            watch.push(Poll { fd: STDIN, read: true, write: false });
        }
        let ready = match cmd.sys.poll(&watch, idle).await {
            Ok(ready) if ready.is_empty() => return Ok(0),
            Ok(ready) => ready,
            Err(Errno::EINTR) => continue,
            Err(error) => return Err(cmd.fail(format!("poll: {error}")).await),
        };
        // What is to be sent goes first: the other side may have ended already.
        let mut ready = ready;
        ready.sort_by_key(|one| one.fd != STDIN);
        for one in ready {
            let bytes = cmd.sys.read(one.fd, 4096).await.unwrap_or_default();
            if one.fd == fd {
                if bytes.is_empty() {
                    return Ok(0);
                }
                cmd.sys.write_all(STDOUT, &bytes).await.ok();
            } else if bytes.is_empty() {
                cmd.sys.shutdown(fd, Shutdown::Write).ok();
                input = false;
            } else if cmd.sys.write_all(fd, &bytes).await.is_err() {
                return Ok(1);
            }
        }
    }
}

/// `nc -u`: each read is a datagram.
async fn datagrams(cmd: &mut Cmd, options: &Options, spec: &Spec) -> Exit {
    let fd = match cmd.sys.socket(Domain::Inet, SocketKind::Datagram) {
        Ok(fd) => fd,
        Err(error) => return Err(cmd.fail(format!("socket: {error}")).await),
    };
    let mut peer = None;
    if options.has('l') {
        let Some(port) = options.value('p').or(options.operands.last().map(String::as_str)).and_then(port_of) else {
            return Err(cmd.fail("bad port").await);
        };
        if let Err(error) = cmd.sys.bind(fd, &Address::Inet(IpAddr::from([0, 0, 0, 0]), port)) {
            return Err(cmd.fail(format!("bind: {error}")).await);
        }
    } else {
        let [host, port] = options.operands.as_slice() else { return Err(cmd.usage(spec, "").await) };
        let Some(address) = lookup(&cmd.sys, host).await else { return Err(cmd.fail(format!("bad address '{host}'")).await) };
        peer = port_of(port).map(|port| Address::Inet(address, port));
    }
    let idle = options.value('w').and_then(duration);
    let mut input = true;
    loop {
        let mut watch = vec![Poll { fd, read: true, write: false }];
        if input && peer.is_some() {
            watch.push(Poll { fd: STDIN, read: true, write: false });
        }
        let ready = match cmd.sys.poll(&watch, idle).await {
            Ok(ready) if ready.is_empty() => return Ok(0),
            Ok(ready) => ready,
            Err(Errno::EINTR) => continue,
            Err(error) => return Err(cmd.fail(format!("poll: {error}")).await),
        };
        for one in ready {
            if one.fd == fd {
                if let Ok((bytes, from)) = cmd.sys.recv_from(fd, 65536).await {
                    peer.get_or_insert(from);
                    cmd.sys.write_all(STDOUT, &bytes).await.ok();
                }
                continue;
            }
            let bytes = cmd.sys.read(STDIN, 4096).await.unwrap_or_default();
            match &peer {
                Some(to) if !bytes.is_empty() => {
                    if let Err(error) = cmd.sys.send_to(fd, &bytes, to).await {
                        return Err(cmd.fail(format!("write: {error}")).await);
                    }
                }
                _ => input = false,
            }
        }
    }
}
