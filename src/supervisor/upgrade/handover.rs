//! From one program to the next: what is known goes as JSON, which the next release reads as well, in a file in memory.
//! That and the sockets lie in a channel (SCM_RIGHTS), so that no descriptor has to be inherited in any other way.

use std::{
    convert::Infallible,
    ffi::CString,
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use anyhow::{Context, bail};
use nix::sys::signal::{SigSet, Signal};
use rustix::{
    fs::MemfdFlags,
    net::{AddressFamily, SocketFlags, SocketType},
};
use serde::{Deserialize, Serialize};
use tokio_seqpacket::UnixSeqpacket;

use super::successor::{self, Foundation};
use crate::{
    config::Config,
    ipc::passing,
    metrics::Added,
    supervisor::{
        admin::{self, Reply},
        holdings::Holdings,
        processes::AllKnown,
        scaling::Place,
    },
};

/// What one program tells the next. The sockets come with it: standard input, the holdings, the connection of the
/// administrator who waits, the channels to the processes.
#[derive(Debug, Serialize, Deserialize)]
pub struct Description {
    version: String,
    foundation: Foundation,
    is_waited_for: bool,
    kept: Option<Kept>,
}

/// What is known of the processes, if they go on.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    /// The processes.
    pub processes: AllKnown,
    /// What each instance is there for.
    pub places: Vec<(u16, Place)>,
    /// How few instances there may be, if the administrator has said so.
    pub floor: Option<u16>,
    /// What was counted.
    pub totals: Vec<Added>,
}

impl Description {
    /// Of a server with these settings; whether an administrator waits for the answer.
    pub fn new(config: &Config, is_waited_for: bool, kept: Option<Kept>) -> Self {
        let (version, foundation) = (env!("CARGO_PKG_VERSION").into(), Foundation::of(config));
        Self { version, foundation, is_waited_for, kept }
    }
}

/// What the program before has left to this one.
pub struct Before {
    /// Its release.
    pub version: String,
    /// What it held.
    pub holdings: Holdings,
    /// The processes, and the channels to them.
    pub kept: Option<(Kept, std::vec::IntoIter<OwnedFd>)>,
    /// Who waits to be told that it is done.
    pub reply: Option<Reply>,
}

/// Executes the program in the place of this one. Returns only if that fails. Nothing here waits: what happens to the
/// processes from now on is heard by the next program.
pub fn execute(
    program: &Path,
    description: &Description,
    holdings: &Holdings,
    waiting: Option<&OwnedFd>,
    channels: &[BorrowedFd<'_>],
) -> io::Error {
    let input = rustix::stdio::stdin();
    let sockets = [input].into_iter().chain(holdings.all()).chain(waiting.map(AsFd::as_fd));
    let sockets: Vec<_> = sockets.chain(channels.iter().copied()).collect();
    match try_execute(program, description, &sockets) {
        Err(error) => error,
        Ok(never) => match never {},
    }
}

fn try_execute(program: &Path, description: &Description, sockets: &[BorrowedFd<'_>]) -> io::Result<Infallible> {
    let channel = pack(&serde_json::to_vec(description)?, sockets)?;
    let path = CString::new(program.as_os_str().as_bytes())?;
    let arguments = successor::arguments().into_iter().map(|argument| CString::new(argument.as_bytes()));
    let arguments = [Ok(path.clone())].into_iter().chain(arguments).collect::<Result<Vec<_>, _>>()?;
    let input = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    rustix::stdio::dup2_stdin(&channel)?;
    let failed = nix::unistd::execv(&path, &arguments);
    rustix::stdio::dup2_stdin(&input)?;
    failed.map_err(Into::into)
}

/// A channel that nobody writes to any more, with the text and the sockets in it.
fn pack(text: &[u8], sockets: &[BorrowedFd<'_>]) -> io::Result<OwnedFd> {
    let mut file = File::from(rustix::fs::memfd_create("known", MemfdFlags::CLOEXEC)?);
    file.write_all(text)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (here, there) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    let all: Vec<_> = [file.as_fd()].into_iter().chain(sockets.iter().copied()).collect();
    for some in all.chunks(passing::MAX_SENT_NOW) {
        // A packet of no bytes would be the end.
        passing::send_now(&here, &0u8, some)?;
    }
    Ok(there)
}

/// What [`pack`] has put in.
async fn unpack(channel: OwnedFd) -> io::Result<(String, std::vec::IntoIter<OwnedFd>)> {
    let mut channel = passing::Receiver::new(UnixSeqpacket::try_from(channel)?.into());
    let mut sockets = Vec::new();
    while let Some((_, some)) = channel.receive::<u8>().await? {
        sockets.extend(some);
    }
    let mut sockets = sockets.into_iter();
    let mut file = File::from(sockets.next().ok_or(io::ErrorKind::UnexpectedEof)?);
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    Ok((text, sockets))
}

/// Takes over from the program that this process ran before.
///
/// # Errors
/// It was started by hand, or with other settings than it was asked about, or something is missing.
pub async fn take_over(config: &Config) -> anyhow::Result<Before> {
    let input = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let (text, mut sockets) = unpack(input).await?;
    let description: Description = serde_json::from_str(&text).context("the program before is not understood")?;
    let Description { version, foundation, is_waited_for, kept } = description;
    if let Some(key) = foundation.changed(&Foundation::of(config)) {
        bail!("{key} has just changed; start the server again");
    }
    let input = sockets.next().context("a socket is missing")?;
    rustix::stdio::dup2_stdin(&input)?;
    let holdings = Holdings::from_before(config, &mut sockets)?;
    let waiting = is_waited_for.then(|| sockets.next().context("a socket is missing")).transpose()?;
    let reply = waiting.map(admin::reply_on).transpose()?;
    let channels = kept.as_ref().map_or(0, |kept| kept.processes.processes.len());
    if sockets.len() != channels {
        bail!("there are {channels} processes, and channels to {}", sockets.len());
    }
    Ok(Before { version, holdings, kept: kept.map(|kept| (kept, sockets)), reply })
}

/// Signals that would end a program that does not listen to them yet. They wait while they are held back.
fn signals() -> SigSet {
    SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP])
}

/// Holds back signals until the next program listens to them.
///
/// # Errors
/// The system does not do it.
pub fn hold_signals() -> io::Result<()> {
    Ok(signals().thread_block()?)
}

/// Lets them come again.
///
/// # Errors
/// The system does not do it.
pub fn release_signals() -> io::Result<()> {
    Ok(signals().thread_unblock()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn text_and_sockets_arrive_whole_and_in_order() {
        let sockets: Vec<_> = (0..100).map(|_| std::os::unix::net::UnixStream::pair().unwrap()).collect();
        let many: Vec<_> = sockets.iter().flat_map(|(one, other)| [one.as_fd(), other.as_fd()]).collect();
        let text = "known ".repeat(100_000);
        let channel = pack(text.as_bytes(), &many).unwrap();
        drop(sockets);
        let (read, sockets) = unpack(channel).await.unwrap();
        let mut sockets: Vec<_> = sockets.map(std::os::unix::net::UnixStream::from).collect();
        assert_eq!((read == text, sockets.len()), (true, 200));
        for pair in sockets.chunks_mut(2) {
            pair[0].write_all(b"x").unwrap();
            pair[1].read_exact(&mut [0]).unwrap();
        }
    }

    #[tokio::test]
    async fn who_is_started_by_hand_finds_nothing_to_take_over() {
        let nothing = File::open("/dev/null").unwrap();
        assert!(unpack(nothing.into()).await.is_err());
        let (here, there) = UnixSeqpacket::pair().unwrap();
        drop(here);
        assert!(unpack(there.into()).await.is_err());
    }
}
