//! `ping`, `traceroute` aside.

use super::resolve::{Family, lookup, lookup_of};
use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::sys::{Disposition, Errno};
use drydock_core::kernel::Signal;
use std::time::Duration;

/// `ping [-c count] [-s size] [-t ttl] [-i seconds] [-W seconds] [-w seconds] [-q] host`
pub async fn ping(cmd: &mut Cmd) -> Exit {
    let spec = Spec {
        short: "c:s:t:i:W:w:q46nA",
        not_modelled: "Ip",
        usage: "[OPTIONS] HOST\n\nSend ICMP ECHO_REQUESTs to HOST",
        ..Spec::default()
    };
    let options = cmd.options(&spec).await?;
    let [host] = options.operands.as_slice() else { return Err(cmd.usage(&spec, "").await) };
    let host = host.clone();
    let number = |letter: char| options.value(letter).and_then(|v| v.parse::<f64>().ok());
    let count = number('c').map(|c| c as u64);
    let size = number('s').unwrap_or(56.0) as usize;
    let ttl = number('t').unwrap_or(64.0) as u8;
    let interval = Duration::from_secs_f64(number('i').unwrap_or(1.0).max(0.0));
    let timeout = Duration::from_secs_f64(number('W').unwrap_or(10.0).max(0.001));
    let deadline = number('w').map(|w| cmd.sys.moment().after(Duration::from_secs_f64(w)));
    let found = match (options.has('4'), options.has('6')) {
        (_, true) => lookup_of(&cmd.sys, &host, Family::V6).await,
        (true, false) => lookup_of(&cmd.sys, &host, Family::V4).await,
        (false, false) => lookup(&cmd.sys, &host).await,
    };
    let Some(address) = found else {
        return Err(cmd.fail(format!("bad address '{host}'")).await);
    };
    cmd.sys.set_disposition(Signal::INT, Disposition::Catch).ok();
    cmd.line(format!("PING {host} ({address}): {size} data bytes")).await?;
    cmd.flush().await?;
    let mut stats = Stats::default();
    let mut sequence = 0;
    while count.is_none_or(|count| sequence < count) {
        let sent_at = cmd.sys.moment();
        if deadline.is_some_and(|end| sent_at >= end) {
            break;
        }
        // Only the last one is waited for to the end: the others make way for the next.
        let last = count == Some(sequence + 1);
        let patience = if last { timeout } else { timeout.min(interval) };
        let patience = deadline.map_or(patience, |end| patience.min(end.since(sent_at)));
        stats.sent += 1;
        match cmd.sys.echo(address, size, ttl, patience).await {
            Ok(echo) => {
                stats.add(echo.time);
                if !options.has('q') {
                    let time = echo.time.as_secs_f64() * 1000.0;
                    cmd.line(format!("{} bytes from {}: seq={sequence} ttl={} time={time:.3} ms", size + 8, echo.from, echo.ttl)).await?;
                    cmd.flush().await?;
                }
            }
            Err(Errno::ETIMEDOUT | Errno::EHOSTUNREACH | Errno::EINTR) => {}
            Err(error) => return Err(cmd.fail(format!("sendto: {error}")).await),
        }
        sequence += 1;
        if cmd.sys.take_signal().is_some() {
            break;
        }
        if !last {
            let passed = cmd.sys.moment().since(sent_at);
            if cmd.sys.sleep(interval.saturating_sub(passed)).await.is_err() && cmd.sys.take_signal().is_some() {
                break;
            }
        }
    }
    cmd.print(stats.summary(&host)).await?;
    Ok(i32::from(stats.times.is_empty()))
}

#[derive(Default)]
struct Stats {
    sent: u64,
    times: Vec<f64>,
}

impl Stats {
    fn add(&mut self, time: Duration) {
        self.times.push(time.as_secs_f64() * 1000.0);
    }

    fn summary(&self, host: &str) -> String {
        let received = self.times.len() as u64;
        let loss = ((self.sent - received) * 100).checked_div(self.sent).unwrap_or(0);
        let mut text = format!(
            "\n--- {host} ping statistics ---\n{} packets transmitted, {received} packets received, {loss}% packet loss\n",
            self.sent
        );
        if received > 0 {
            let least = self.times.iter().copied().fold(f64::INFINITY, f64::min);
            let most = self.times.iter().copied().fold(0.0, f64::max);
            let mean = self.times.iter().sum::<f64>() / received as f64;
            text.push_str(&format!("round-trip min/avg/max = {least:.3}/{mean:.3}/{most:.3} ms\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_busybox_s() {
        let mut stats = Stats { sent: 3, ..Stats::default() };
        stats.add(Duration::from_micros(100));
        stats.add(Duration::from_micros(300));
        assert_eq!(
            stats.summary("web"),
            "\n--- web ping statistics ---\n3 packets transmitted, 2 packets received, 33% packet loss\nround-trip min/avg/max = 0.100/0.200/0.300 ms\n"
        );
        assert!(!Stats { sent: 1, times: vec![] }.summary("x").contains("round-trip"));
    }
}
