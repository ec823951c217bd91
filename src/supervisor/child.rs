//! One process: starting it, talking to it, and learning of its end.

use std::{
    io,
    os::{fd::OwnedFd, unix::process::CommandExt},
    path::Path,
    process::{ExitStatus, Stdio},
    rc::Rc,
    time::Instant,
};

use rustix::process::{Pid, Signal};
use tokio::sync::mpsc;
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
    commands: mpsc::UnboundedSender<(Command, Vec<OwnedFd>)>,
}

impl Child {
    /// Starts the process; what happens to it comes through `events`.
    ///
    /// Must be called on the program's first thread: the kernel ends a child together with the thread
    /// that started it, see `main`.
    ///
    /// # Errors
    /// The operating system does not start it.
    pub fn start(program: &Path, id: ProcessId, events: mpsc::UnboundedSender<Event>) -> io::Result<Self> {
        let (here, there) = UnixSeqpacket::pair()?;
        let mut command = std::process::Command::new(program);
        command.arg0(id.kind()).arg(id.number()).stdin(Stdio::from(OwnedFd::from(there))).stdout(Stdio::null());
        // A group of its own: Ctrl-C in the terminal reaches the supervisor alone, which drains the others.
        command.process_group(0);
        let mut process = tokio::process::Command::from(command).spawn()?;
        let pid = process.id().ok_or(io::ErrorKind::NotFound)?;
        let channel = Rc::new(here);
        let (commands, mut to_send) = mpsc::unbounded_channel::<(Command, Vec<OwnedFd>)>();

        let sending = channel.clone();
        tokio::task::spawn_local(async move {
            while let Some((command, sockets)) = to_send.recv().await {
                // It fails when the process is gone, which is told by its end.
                let _ = passing::send(&sending, &command, &sockets).await;
            }
        });
        tokio::task::spawn_local(async move {
            let mut reports = passing::Receiver::new(channel);
            let happened = |what| events.send(Event { id, pid, what });
            while let Ok(Some((report, _))) = reports.receive::<Report>().await {
                let _ = happened(Happening::Reported(report));
            }
            let _ = happened(Happening::Ended(process.wait().await));
        });
        let since = clock::now();
        let (load, silence) = (Load::default(), Silence::new(since));
        Ok(Self { pid, since, ready: false, ending: false, load, silence, commands })
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
        let _ = self.commands.send((command, sockets));
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = rustix::process::kill_process(pid, signal);
        }
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
