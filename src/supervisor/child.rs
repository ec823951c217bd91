//! One process: starting it, talking to it, and learning of its end.

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::process::{CommandExt, ExitStatusExt},
    },
    path::Path,
    process::{ExitStatus, Stdio},
    rc::Rc,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitOptions};
use serde::{Deserialize, Serialize};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};
use tokio_seqpacket::UnixSeqpacket;

use super::silence::{Doing, Silence};
use crate::{
    clock,
    ipc::{
        ProcessId,
        control::{Command, LinkId, Report},
        load::Load,
        passing,
    },
};

/// What happens to a process.
#[derive(Debug)]
pub enum Happening {
    /// It says something.
    Reported(Report),
    /// It has had its time to end.
    Overdue,
    /// It has lost this link a moment ago.
    Unlinked(LinkId),
    /// It does not run, and it is time to start it.
    Due,
    /// It has ended.
    Ended(io::Result<ExitStatus>),
}

/// Something that happened, to whom.
#[derive(Debug)]
pub struct Event {
    /// The process.
    pub id: ProcessId,
    /// Its operating-system id, which tells it from its successor.
    pub pid: u32,
    /// What.
    pub what: Happening,
}

/// A process that runs.
#[derive(Debug)]
pub struct Child {
    /// Its operating-system id.
    pub pid: u32,
    /// When it was started.
    pub since: Instant,
    /// Whether it has said that it does its work.
    pub ready: bool,
    /// Whether its end is asked for, so that it is no death.
    pub ending: bool,
    /// What it has to do, as it has last told.
    pub load: Load,
    /// For how long it has told nothing.
    pub silence: Silence,
    channel: Rc<UnixSeqpacket>,
    commands: mpsc::UnboundedSender<Told>,
    under_way: UnderWay,
}

/// A command on its way to a process.
type Told = (Command, Vec<OwnedFd>, UnderWay);

/// Whatever is under way holds a copy of the same one.
pub type UnderWay = Rc<()>;

/// What is known of a process, for another program of the supervisor that goes on with it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Known {
    /// Which process.
    pub id: ProcessId,
    pid: u32,
    age: Duration,
    ready: bool,
    /// Its end was asked for.
    pub ending: bool,
    load: Load,
}

/// Where a process tells what happens to it, and what holds while something is under way to it.
#[derive(Clone, Debug)]
pub struct Wires {
    /// What happens.
    pub events: mpsc::UnboundedSender<Event>,
    /// See [`UnderWay`].
    pub under_way: UnderWay,
}

impl Child {
    /// Starts the process; what happens to it comes through the wires.
    ///
    /// Must be called on the program's first thread: the kernel ends a child together with the thread
    /// that started it, see `main`.
    ///
    /// # Errors
    /// The operating system does not start it.
    pub fn start(program: &Path, id: ProcessId, wires: Wires) -> io::Result<Self> {
        let (here, there) = UnixSeqpacket::pair()?;
        let mut command = std::process::Command::new(program);
        command.arg0(id.kind()).arg(id.number()).stdin(Stdio::from(OwnedFd::from(there))).stdout(Stdio::null());
        // A group of its own: Ctrl-C in the terminal reaches the supervisor alone, which drains the others.
        command.process_group(0);
        let pid = command.spawn()?.id();
        let fresh = Known { id, pid, age: Duration::ZERO, ready: false, ending: false, load: Load::default() };
        Ok(Self::follow(&fresh, here, wires))
    }

    /// Goes on with a process that this one has started with the program before; `channel` is the supervisor's end.
    ///
    /// # Errors
    /// The channel cannot be used.
    pub fn go_on(known: &Known, channel: OwnedFd, wires: Wires) -> io::Result<Self> {
        Ok(Self::follow(known, UnixSeqpacket::try_from(channel)?, wires))
    }

    fn follow(known: &Known, channel: UnixSeqpacket, wires: Wires) -> Self {
        let Known { id, pid, age, ready, ending, load } = *known;
        let Wires { events, under_way } = wires;
        let channel = Rc::new(channel);
        let (commands, mut to_send) = mpsc::unbounded_channel::<Told>();

        let sending = channel.clone();
        tokio::task::spawn_local(async move {
            while let Some((command, sockets, _under_way)) = to_send.recv().await {
                // It fails when the process is gone, which is told by its end.
                let _ = passing::send(&sending, &command, &sockets).await;
            }
        });
        let receiving = channel.clone();
        tokio::task::spawn_local(async move {
            let mut reports = passing::Receiver::new(receiving);
            let happened = |what| events.send(Event { id, pid, what });
            while let Ok(Some((report, _))) = reports.receive::<Report>().await {
                let _ = happened(Happening::Reported(report));
            }
            let _ = happened(Happening::Ended(end(pid).await));
        });
        let now = clock::now();
        let (since, silence) = (now.checked_sub(age).unwrap_or(now), Silence::new(now));
        Self { pid, since, ready, ending, load, silence, channel, commands, under_way }
    }

    /// All that another program of the supervisor has to know to go on with it, and the channel to it.
    pub fn known(&self, id: ProcessId) -> (Known, BorrowedFd<'_>) {
        let age = clock::now().saturating_duration_since(self.since);
        let Self { pid, ready, ending, load, .. } = *self;
        (Known { id, pid, age, ready, ending, load }, self.channel.as_fd())
    }

    /// It has told what it has to do, and so that it is alive.
    pub fn is_alive(&mut self, load: Load) {
        self.load = load;
        self.silence.broken();
    }

    /// Whether it hangs; to be asked often.
    pub fn hangs(&mut self) -> bool {
        let pid = self.pid;
        self.silence.hangs(clock::now(), || doing(pid))
    }

    /// Whether it does its work and will go on.
    pub fn serves(&self) -> bool {
        self.ready && !self.ending
    }

    /// Says something to the process, which may pass on sockets.
    pub fn tell(&self, command: Command, sockets: Vec<OwnedFd>) {
        let _ = self.commands.send((command, sockets, self.under_way.clone()));
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

/// Waits for the end of a process, whichever program of the supervisor has started it.
async fn end(pid: u32) -> io::Result<ExitStatus> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    // Listened to before it is asked: an end in between is not missed.
    let mut some_child_ended = signal(SignalKind::child())?;
    loop {
        if let Some((_, status)) = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG)? {
            return Ok(ExitStatus::from_raw(status.as_raw()));
        }
        some_child_ended.recv().await;
    }
}

/// What the process's first thread does, on which it serves its links. See proc_pid_stat(5): the state stands behind
/// the name in parentheses.
fn doing(pid: u32) -> Doing {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    match stat.rsplit_once(") ").map(|(_, rest)| rest.as_bytes()) {
        Some([b'R' | b'D', ..]) => Doing::Work,
        _ => Doing::Nothing,
    }
}
