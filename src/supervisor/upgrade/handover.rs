//! From one program to the next: what is known goes as JSON, which the next release reads as well, in a file in memory.
//! That and the sockets lie in a channel (SCM_RIGHTS), so that no descriptor has to be inherited in any other way.
//!
//! The program that hands over is among them. So one that cannot go on with it puts all of that back as it was, and
//! executes the program before again.

use std::{
    convert::Infallible,
    ffi::{CString, OsString},
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    os::{
        fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
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
    config::{Config, Settings},
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
    /// Where the one that tells was started from.
    program: PathBuf,
    /// Its settings, which it alone reads: if it has to go on again.
    settings: serde_json::Value,
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
    pub fn new(program: &Path, settings: &Settings, is_waited_for: bool, kept: Option<Kept>) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            program: program.into(),
            settings: serde_json::json!(settings),
            foundation: Foundation::of(&settings.config),
            is_waited_for,
            kept,
        }
    }
}

/// What every program can read of a [`Description`].
#[derive(Deserialize)]
struct Started {
    program: PathBuf,
}

/// What lay in the channel. As long as it is there, the program before can go on with it.
#[derive(Debug)]
pub struct Left {
    text: String,
    program: OwnedFd,
    sockets: Vec<OwnedFd>,
    /// This is the program before: the next one could not go on, and why.
    failed: Option<String>,
}

impl Left {
    /// What lies in standard input. If the next program `failed`, this one has put it there itself.
    ///
    /// # Errors
    /// This program was started by hand.
    pub async fn receive(failed: Option<String>) -> anyhow::Result<Self> {
        // Who was executed without a name has none in `ps` either.
        rustix::thread::set_name(c"widgetapp")?;
        let input = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
        let (text, mut sockets) = unpack(input).await?;
        let program = sockets.next().context("a socket is missing")?;
        Ok(Self { text, program, sockets: sockets.collect(), failed })
    }

    /// The settings to go on with, if this program has had to come back: those that are read anew may be what the next
    /// one could not start with.
    pub fn settings(&self) -> Option<Settings> {
        self.failed.as_ref()?;
        let description: Description = serde_json::from_str(&self.text).ok()?;
        serde_json::from_value(description.settings).ok()
    }

    /// Lets the program before go on. Returns only if that fails, or if this is that program.
    pub fn go_back(self, why: &str) -> Option<io::Error> {
        if self.failed.is_some() {
            return None;
        }
        let sockets: Vec<_> = [&self.program].into_iter().chain(&self.sockets).map(AsFd::as_fd).collect();
        // Another file has its name now.
        let program = format!("/proc/self/fd/{}", self.program.as_raw_fd());
        let name = serde_json::from_str(&self.text).map(|Started { program }| program).unwrap_or_default();
        let arguments = successor::arguments().into_iter().chain([successor::failure(why)]);
        if let Err(error) = hold_signals() {
            return Some(error);
        }
        try_execute(Path::new(&program), &name, arguments, self.text.as_bytes(), &sockets).err()
    }
}

/// What the program before has left to this one.
pub struct Before {
    /// Its release; or why the next program could not go on, if this is the one before.
    pub version: Result<String, String>,
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
    let handed_over = || {
        let ours = File::open("/proc/self/exe")?;
        let sockets = [ours.as_fd(), rustix::stdio::stdin()].into_iter().chain(holdings.all());
        let sockets: Vec<_> = sockets.chain(waiting.map(AsFd::as_fd)).chain(channels.iter().copied()).collect();
        try_execute(program, program, successor::arguments(), &serde_json::to_vec(description)?, &sockets)
    };
    match handed_over() {
        Err(error) => error,
        Ok(never) => match never {},
    }
}

fn try_execute(
    program: &Path,
    name: &Path,
    arguments: impl IntoIterator<Item = OsString>,
    text: &[u8],
    sockets: &[BorrowedFd<'_>],
) -> io::Result<Infallible> {
    let channel = pack(text, sockets)?;
    let path = CString::new(program.as_os_str().as_bytes())?;
    let name = CString::new(name.as_os_str().as_bytes())?;
    let arguments = arguments.into_iter().map(|argument| CString::new(argument.as_bytes()));
    let arguments = [Ok(name)].into_iter().chain(arguments).collect::<Result<Vec<_>, _>>()?;
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
/// It has other settings than it was asked about, or something is missing.
pub fn take_over(config: &Config, left: &Left) -> anyhow::Result<Before> {
    let description: Description = serde_json::from_str(&left.text).context("the program before is not understood")?;
    let sockets = left.sockets.iter().map(OwnedFd::try_clone).collect::<io::Result<Vec<_>>>()?;
    let mut sockets = sockets.into_iter();
    let Description { version, foundation, is_waited_for, kept, .. } = description;
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
    let version = left.failed.clone().map_or(Ok(version), Err);
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
