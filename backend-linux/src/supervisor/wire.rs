//! What a supervisor and its clients say to each other, over a Unix socket that keeps messages apart (SOCK_SEQPACKET).
//!
//! The first byte of a message says what it is; the rest is bytes of a stream, or JSON. The socket is a path that only its owner
//! can reach, never an abstract name, which a container with the host's network could connect to (CVE-2020-15257).

use crate::error::step;
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::io::{Size, Stream};
use drydock_core::kernel::{Request, Signal};
use drydock_core::time::Timestamp;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, recv, recvmsg, send, sendmsg, socket_with,
};
use serde::{Deserialize, Serialize};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

/// The most bytes of a stream in one message.
pub const CHUNK: usize = 32 * 1024;
/// The longest message: a chunk, or JSON that is shorter.
const LONGEST: usize = CHUNK + 1;

/// Which streams a client wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// It sends input.
    pub stdin: bool,
    /// It receives standard output.
    pub stdout: bool,
    /// It receives standard error.
    pub stderr: bool,
    /// It wants to know from when on it has what is written.
    #[serde(default)]
    pub logs: bool,
}

impl Hello {
    /// Whether it wants what is written to a stream.
    pub fn wants(self, stream: Stream) -> bool {
        if stream == Stream::Stdout { self.stdout } else { self.stderr }
    }
}

/// Which ends of a program's streams go with a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Where to write its standard input.
    pub stdin: bool,
    /// Where to read its standard output.
    pub stdout: bool,
    /// Where to read its standard error.
    pub stderr: bool,
    /// The terminal's master.
    pub terminal: bool,
}

/// One message.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// From a client: it wants the streams.
    Attach(Hello),
    /// From a client: it only waits for the end.
    Watch,
    /// From a client: start this program in the container, and send its streams.
    Exec(String),
    /// From a client: do this, and answer.
    Ask(Request),
    /// From a client: standard input.
    Input(Vec<u8>),
    /// From a client: standard input has ended.
    InputEnd,
    /// From a client: the terminal's size.
    Resize(Size),
    /// From a client: a signal for the container.
    Signal(Signal),
    /// To a client: what the container wrote.
    Output(Stream, Vec<u8>),
    /// To a client: from this moment on it has what is written.
    Since(Timestamp),
    /// To a client: the program ended with this code.
    Exited(i32),
    /// To a client: the program runs. With the message come the ends of its streams, as descriptors, in the order of [`Sent`].
    Streams(Sent),
    /// To a client: the answer to what it asked.
    Reply(Result<(), (ErrorKind, String)>),
}

impl Frame {
    /// The bytes of the message.
    pub fn encode(&self) -> Result<Vec<u8>> {
        Ok(match self {
            Frame::Attach(hello) => json(b'A', hello)?,
            Frame::Watch => vec![b'W'],
            Frame::Exec(exec) => json(b'E', exec)?,
            Frame::Ask(request) => json(b'R', request)?,
            Frame::Input(bytes) => tagged(b'i', bytes),
            Frame::InputEnd => vec![b'e'],
            Frame::Resize(size) => json(b'z', size)?,
            Frame::Signal(signal) => json(b's', signal)?,
            Frame::Output(Stream::Stdout, bytes) => tagged(b'o', bytes),
            Frame::Output(Stream::Stderr, bytes) => tagged(b'x', bytes),
            Frame::Since(moment) => json(b't', moment)?,
            Frame::Exited(code) => json(b'q', code)?,
            Frame::Streams(sent) => json(b'f', sent)?,
            Frame::Reply(reply) => json(b'r', reply)?,
        })
    }

    /// Reads a message.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let (kind, rest) = bytes.split_first().ok_or_else(|| Error::new(ErrorKind::Corrupt, "an empty message"))?;
        Ok(match kind {
            b'A' => Frame::Attach(serde_json::from_slice(rest)?),
            b'W' => Frame::Watch,
            b'E' => Frame::Exec(serde_json::from_slice(rest)?),
            b'f' => Frame::Streams(serde_json::from_slice(rest)?),
            b'R' => Frame::Ask(serde_json::from_slice(rest)?),
            b'i' => Frame::Input(rest.to_vec()),
            b'e' => Frame::InputEnd,
            b'z' => Frame::Resize(serde_json::from_slice(rest)?),
            b's' => Frame::Signal(serde_json::from_slice(rest)?),
            b'o' => Frame::Output(Stream::Stdout, rest.to_vec()),
            b'x' => Frame::Output(Stream::Stderr, rest.to_vec()),
            b't' => Frame::Since(serde_json::from_slice(rest)?),
            b'q' => Frame::Exited(serde_json::from_slice(rest)?),
            b'r' => Frame::Reply(serde_json::from_slice(rest)?),
            other => return Err(Error::new(ErrorKind::Corrupt, format!("a message of unknown kind {other}"))),
        })
    }

    /// The answer that carries a result. An error keeps its kind and what a person reads of it.
    pub fn reply(result: &Result<()>) -> Self {
        Frame::Reply(result.as_ref().copied().map_err(|e| (e.kind(), e.to_string().chars().take(CHUNK / 8).collect())))
    }
}

fn tagged(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(bytes.len() + 1);
    message.push(kind);
    message.extend_from_slice(bytes);
    message
}

fn json<T: Serialize>(kind: u8, value: &T) -> Result<Vec<u8>> {
    let mut message = vec![kind];
    serde_json::to_writer(&mut message, value)?;
    Ok(message)
}

/// What came of trying to receive.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// A message.
    Frame(Frame),
    /// Nothing yet.
    Nothing,
    /// The other side is gone.
    End,
}

/// Receives one message; blocks only if the socket does.
pub fn receive(from: &OwnedFd) -> Result<Received> {
    // Not filled with zeros first: most messages are short, and memory that nobody writes need not be there.
    let mut bytes = Vec::with_capacity(LONGEST + 1);
    loop {
        match recv(from, rustix::buffer::spare_capacity(&mut bytes), RecvFlags::empty()) {
            Ok((0, _)) | Err(Errno::CONNRESET) => return Ok(Received::End),
            Ok(_) => return Frame::decode(&bytes).map(Received::Frame),
            Err(Errno::AGAIN) => return Ok(Received::Nothing),
            Err(Errno::INTR) => {}
            Err(e) => return Err(step("recv", "supervisor socket", e)),
        }
    }
}

/// Sends one message. `false`: the socket would block, and nothing was sent. A side that is gone is [`ErrorKind::NotRunning`].
pub fn transmit(to: &OwnedFd, message: &[u8], wait: bool) -> Result<bool> {
    let flags = if wait { SendFlags::NOSIGNAL } else { SendFlags::NOSIGNAL | SendFlags::DONTWAIT };
    loop {
        match send(to, message, flags) {
            Ok(_) => return Ok(true),
            Err(Errno::AGAIN) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(Errno::PIPE | Errno::CONNRESET) => return Err(Error::new(ErrorKind::NotRunning, "the other side of the socket is gone")),
            Err(e) => return Err(step("send", "supervisor socket", e)),
        }
    }
}

/// Sends one message with descriptors, at once: to a client that has been sent nothing yet.
pub fn transmit_with(to: &OwnedFd, message: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<()> {
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut extra = SendAncillaryBuffer::new(&mut space);
    if !extra.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(Error::invalid("more descriptors than a message takes"));
    }
    let bytes = [std::io::IoSlice::new(message)];
    rustix::io::retry_on_intr(|| sendmsg(to, &bytes, &mut extra, SendFlags::NOSIGNAL | SendFlags::DONTWAIT))
        .map(drop)
        .map_err(|e| step("sendmsg", "supervisor socket", e))
}

/// Receives one message, with the descriptors that come with it.
pub fn receive_with(from: &OwnedFd) -> Result<(Received, Vec<OwnedFd>)> {
    let mut bytes = vec![0; LONGEST + 1];
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut extra = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [std::io::IoSliceMut::new(&mut bytes)];
    let got = match rustix::io::retry_on_intr(|| recvmsg(from, &mut parts, &mut extra, RecvFlags::CMSG_CLOEXEC)) {
        Err(Errno::CONNRESET) => return Ok((Received::End, Vec::new())),
        Err(Errno::AGAIN) => return Ok((Received::Nothing, Vec::new())),
        other => other.map_err(|e| step("recvmsg", "supervisor socket", e))?.bytes,
    };
    let rights = |message| if let RecvAncillaryMessage::ScmRights(all) = message { Some(all) } else { None };
    let descriptors = extra.drain().filter_map(rights).flatten().collect();
    let received = if got == 0 { Received::End } else { Received::Frame(Frame::decode(bytes.get(..got).unwrap_or_default())?) };
    Ok((received, descriptors))
}

fn new_socket() -> Result<OwnedFd> {
    socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).map_err(|e| step("socket", "AF_UNIX", e))
}

fn address(path: &str) -> Result<SocketAddrUnix> {
    SocketAddrUnix::new(path).map_err(|e| step("socket address", path, e).hint("choose a shorter --run-root"))
}

/// A socket that listens at a path from the moment the path exists.
pub fn listen_at(path: &str) -> Result<OwnedFd> {
    // Bound under another name and renamed when it listens: whoever finds the path can connect.
    let scratch = unfinished(path);
    let socket = new_socket()?;
    let address = address(&scratch)?;
    match bind(&socket, &address) {
        Err(Errno::NOENT) => {
            let directory = Path::new(path).parent().and_then(Path::to_str).unwrap_or("/");
            crate::files::make_dir(directory, 0o700)?;
            bind(&socket, &address)
        }
        // What is left of one whose maker was killed.
        Err(Errno::ADDRINUSE) => {
            let _ = std::fs::remove_file(&scratch);
            bind(&socket, &address)
        }
        other => other,
    }
    .map_err(|e| step("bind", path, e))?;
    rustix::fs::chmod(scratch.as_str(), rustix::fs::Mode::from_raw_mode(0o600)).map_err(|e| step("chmod", path, e))?;
    listen(&socket, 128).map_err(|e| step("listen", path, e))?;
    rustix::fs::rename(scratch.as_str(), path).map_err(|e| step("rename", path, e))?;
    Ok(socket)
}

/// The name of a socket that does not listen yet: what is left of one whose maker was killed.
pub fn unfinished(path: &str) -> String {
    format!("{path}~")
}

/// Connects to a supervisor; `None` if there is none.
pub fn connect_to(path: &str) -> Result<Option<OwnedFd>> {
    let socket = new_socket()?;
    match rustix::io::retry_on_intr(|| connect(&socket, &address(path).map_err(|_| Errno::NAMETOOLONG)?)) {
        Ok(()) => Ok(Some(socket)),
        Err(Errno::NOENT | Errno::CONNREFUSED | Errno::NOTDIR) => Ok(None),
        Err(e) => Err(step("connect", path, e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_read_as_it_was_written() {
        let size = Size { rows: 24, cols: 80 };
        let frames = [
            Frame::Attach(Hello { stdin: true, stdout: true, stderr: false, logs: true }),
            Frame::Since(Timestamp(7)),
            Frame::Watch,
            Frame::Exec("ab".to_owned()),
            Frame::Streams(Sent { stdin: true, stdout: true, stderr: true, terminal: false }),
            Frame::Ask(Request::Exec { exec: "ab".to_owned() }),
            Frame::Ask(Request::ResizeExec { exec: "ab".to_owned(), size }),
            Frame::Ask(Request::Start),
            Frame::Ask(Request::Stop { signal: Signal::TERM, grace: Some(std::time::Duration::from_secs(10)), keep: true }),
            Frame::Ask(Request::Signal(Signal::HUP)),
            Frame::Ask(Request::Resize(size)),
            Frame::Input(b"\0\xff".to_vec()),
            Frame::InputEnd,
            Frame::Resize(size),
            Frame::Signal(Signal::INT),
            Frame::Output(Stream::Stdout, b"out".to_vec()),
            Frame::Output(Stream::Stderr, b"err".to_vec()),
            Frame::Exited(137),
            Frame::Reply(Ok(())),
            Frame::reply(&Err(Error::conflict("taken"))),
        ];
        for frame in frames {
            assert_eq!(Frame::decode(&frame.encode().unwrap()).unwrap(), frame);
        }
        assert!(Frame::decode(b"").is_err() && Frame::decode(b"?").is_err() && Frame::decode(b"A{").is_err());
    }
}
