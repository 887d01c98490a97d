//! Registries for clauses: the simulator's own behind real sockets, so that both hosts are asked about the same ones.

use drydock_sim::registry::{Answered, Asked, Shared, held};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// How many registries a clause has.
pub const COUNT: usize = 3;
/// The most bytes of an endless body that are sent.
const ENDLESS: usize = 32 << 20;
/// The longest request body, in bytes.
const LARGEST: u64 = 64 << 20;
/// How long a connection that says nothing is kept.
const IDLE: Duration = Duration::from_secs(20);

/// Listens on as many ports of this machine as there are registries, for ever. Answers their hosts and ports.
pub fn listen(remotes: &Shared) -> io::Result<Vec<String>> {
    (0..COUNT)
        .map(|_| {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let authority = listener.local_addr()?.to_string();
            let (remotes, name) = (Arc::clone(remotes), authority.clone());
            std::thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let (remotes, name) = (Arc::clone(&remotes), name.clone());
                    // One that is cut off is what some clauses are about.
                    std::thread::spawn(move || drop(converse(&stream, &remotes, &name)));
                }
            });
            Ok(authority)
        })
        .collect()
}

/// Serves one connection until a request or an answer ends it.
fn converse(stream: &TcpStream, remotes: &Shared, authority: &str) -> io::Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(asked) = receive(&mut reader, stream)? {
        let answer = match held(remotes).at(authority) {
            Some(registry) => registry.serve(&asked),
            None => Answered::status(503),
        };
        if !respond(stream, &asked, &answer)? {
            return Ok(());
        }
    }
    Ok(())
}

fn receive(reader: &mut BufReader<&TcpStream>, mut stream: &TcpStream) -> io::Result<Option<Asked>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let bad = || io::Error::new(io::ErrorKind::InvalidData, "no HTTP");
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().ok_or_else(bad)?.to_owned(), words.next().ok_or_else(bad)?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut asked = Asked { method, target, headers, body: Vec::new() };
    if asked.header("expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    if asked.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        chunks(reader, &mut asked.body)?;
        return Ok(Some(asked));
    }
    let length = asked.header("content-length").map_or(Ok(0), |l| l.parse::<u64>().map_err(|_| bad()))?;
    if length > LARGEST || reader.take(length).read_to_end(&mut asked.body)? as u64 != length {
        return Err(bad());
    }
    Ok(Some(asked))
}

/// Reads a body that comes in chunks (RFC 9112, 7.1), as dockerd sends layers.
fn chunks(reader: &mut BufReader<&TcpStream>, body: &mut Vec<u8>) -> io::Result<()> {
    let bad = || io::Error::new(io::ErrorKind::InvalidData, "no chunk");
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = line.trim_end().split(';').next().unwrap_or_default();
        let size = u64::from_str_radix(size, 16).map_err(|_| bad())?;
        if body.len() as u64 + size > LARGEST || reader.take(size).read_to_end(body)? as u64 != size {
            return Err(bad());
        }
        let mut end = String::new();
        reader.read_line(&mut end)?;
        if size == 0 {
            // No trailers: the line that ends the body has just been read.
            return Ok(());
        }
    }
}

/// Sends an answer, true or not. Answers whether the connection may go on.
fn respond(mut stream: &TcpStream, asked: &Asked, answer: &Answered) -> io::Result<bool> {
    let mut head = format!("HTTP/1.1 {} Whatever\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let length = answer.claimed.unwrap_or(answer.body.len() as u64);
    let bodiless = asked.method == "HEAD" || answer.status == 204;
    if answer.endless.is_none() && answer.status != 204 {
        head.push_str(&format!("content-length: {length}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    if bodiless {
        return Ok(true);
    }
    if let Some(byte) = answer.endless {
        let piece = [byte; 64 << 10];
        for _ in 0..ENDLESS / piece.len() {
            stream.write_all(&piece)?;
        }
        return Ok(false);
    }
    let end = answer.cut.or(answer.stall).unwrap_or(usize::MAX).min(answer.body.len());
    stream.write_all(answer.body.get(..end).unwrap_or_default())?;
    stream.flush()?;
    if answer.stall.is_some() {
        // Whoever waits is to lose patience first.
        std::thread::sleep(Duration::from_secs(2));
        return Ok(false);
    }
    Ok(end as u64 == length)
}
