//! `netstat`

use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::sys::{Address, SocketInfo};

/// `netstat [-ral] [-tuxw] [-np]`
pub async fn netstat(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "raltuxwnpe", not_modelled: "W", usage: "[-ral] [-tuwx] [-enp]", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    if options.has('r') {
        return super::legacy::table(cmd, "Flags   MSS Window  irtt Iface", "    0 0          0").await;
    }
    let which = ['t', 'u', 'w', 'x'].iter().any(|letter| options.has(*letter));
    let wants = |letter: char| !which || options.has(letter);
    let listening = |s: &SocketInfo| s.state == "LISTEN" || s.state.is_empty() && s.remote.is_none();
    let chosen = |s: &SocketInfo| options.has('a') || options.has('l') == listening(s);
    let kind = match (options.has('a'), options.has('l')) {
        (true, _) => "servers and established",
        (_, true) => "only servers",
        _ => "w/o servers",
    };
    let mut sockets = cmd.sys.sockets();
    sockets.sort_by_key(|s| ["tcp", "tcp6", "udp", "udp6"].iter().position(|p| *p == s.protocol).unwrap_or(9));
    let program = |s: &SocketInfo| match (options.has('p'), s.pid) {
        (false, _) => String::new(),
        (true, Some(pid)) => format!("{pid}/{}", s.program),
        (true, None) => "-".to_owned(),
    };
    if wants('t') || wants('u') || wants('w') {
        let title = if options.has('p') { "PID/Program name    " } else { "" };
        cmd.line(format!("Active Internet connections ({kind})")).await?;
        cmd.line(format!("Proto Recv-Q Send-Q Local Address           Foreign Address         State       {title}")).await?;
        for s in sockets.iter().filter(|s| chosen(s)) {
            if !(s.protocol.starts_with("tcp") && wants('t') || s.protocol.starts_with("udp") && wants('u')) {
                continue;
            }
            let protocol = s.protocol.trim_end_matches('6');
            let any = if matches!(&s.local, Address::Inet(ip, _) if ip.is_ipv6()) { ":::*" } else { "0.0.0.0:*" };
            let remote = s.remote.as_ref().map_or(any.to_owned(), show);
            cmd.line(format!("{protocol:<5} {:6} {:6} {:<23} {remote:<23} {:<11} {}", 0, 0, show(&s.local), s.state, program(s))).await?;
        }
    }
    if wants('x') {
        let title = if options.has('p') { "PID/Program name    " } else { "" };
        cmd.line(format!("Active UNIX domain sockets ({kind})")).await?;
        cmd.line(format!("Proto RefCnt Flags       Type       State         I-Node {title}Path")).await?;
        for (i, s) in sockets.iter().filter(|s| s.protocol == "unix" && chosen(s)).enumerate() {
            let (flags, state) = if s.state == "LISTEN" { ("[ ACC ]", "LISTENING") } else { ("[ ]", "CONNECTED") };
            let program = if options.has('p') { format!("{:<20}", program(s)) } else { String::new() };
            cmd.line(format!("unix  2      {flags:<11} STREAM     {state:<13} {:6} {program}{}", i + 1, show(&s.local))).await?;
        }
    }
    Ok(0)
}

fn show(address: &Address) -> String {
    match address {
        Address::Inet(ip, port) => format!("{ip}:{}", if *port == 0 { "*".to_owned() } else { port.to_string() }),
        Address::Unix(path) => path.clone(),
    }
}
