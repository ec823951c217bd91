//! The processes that run: starting and linking them, and how each of them ends. Which of them there should be is not
//! decided here.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    os::fd::{BorrowedFd, OwnedFd},
    path::Path,
    process::ExitStatus,
    rc::Rc,
    time::Duration,
};

use anyhow::Context;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{
    child::{Child, Event, Happening, Known, Wires},
    holdings::Holdings,
    restart_policy::RestartPolicy,
};
use crate::{
    clock,
    ipc::{
        ProcessId,
        control::{Command, LinkEnd, LinkId},
    },
};

/// How long a process may take to end in order before it is killed. A `_stream` gives its clients a little less.
pub const END_WITHIN: Duration = Duration::from_secs(6);
/// How long after a link was lost both sides get another, if they are still there.
const LINK_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// How long an old `_sfe` may take to make room for a fresh one.
const GIVES_WAY_WITHIN: Duration = Duration::from_millis(2500);
/// How long after a process could not be started it is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Stands for a process that does not run.
const NO_PROCESS: u32 = 0;

/// The program that runs, whatever has taken the place of its file meanwhile: a process that is started again is of the
/// same release as those that it talks to.
const PROGRAM: &str = "/proc/self/exe";

/// What every process is started with.
pub struct Kit {
    /// The settings as JSON.
    pub settings: String,
    /// Base URL under which the server is reached.
    pub url: String,
    /// The listening sockets, and what else is held.
    pub holdings: Rc<Holdings>,
}

/// The processes that run.
pub struct Processes {
    kit: Kit,
    children: BTreeMap<ProcessId, Child>,
    /// Fresh `_sfe`s that take over an instance as soon as they are ready.
    standby: BTreeMap<u16, Child>,
    policies: BTreeMap<ProcessId, RestartPolicy>,
    /// The number of the present link between two processes, the smaller first.
    links: BTreeMap<(ProcessId, ProcessId), u64>,
    last_link: u64,
    /// The whole server ends.
    stopping: bool,
    wires: Wires,
}

/// All that another program of the supervisor has to know of the processes to go on with them.
#[derive(Debug, Serialize, Deserialize)]
pub struct AllKnown {
    /// Each of them; in the same order as their channels.
    pub processes: Vec<Known>,
    links: Vec<(ProcessId, ProcessId, u64)>,
    last_link: u64,
    restarts: Vec<(ProcessId, u64)>,
}

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The process with this id.
    Running,
    /// One that is to take its place.
    StandingBy,
    /// One that has been replaced.
    Former,
}

impl Processes {
    /// None runs yet; what happens to them comes through `events`.
    pub fn new(kit: Kit, events: mpsc::UnboundedSender<Event>) -> Self {
        let (children, standby, policies) = Default::default();
        let wires = Wires { events, under_way: Rc::default() };
        Self { kit, children, standby, policies, links: BTreeMap::new(), last_link: 0, stopping: false, wires }
    }

    /// Goes on with those that the program before has started; `channels` are the supervisor's ends.
    ///
    /// # Errors
    /// One of them cannot be followed.
    pub fn go_on(&mut self, known: AllKnown, channels: impl Iterator<Item = OwnedFd>) -> anyhow::Result<()> {
        let AllKnown { processes, links, last_link, restarts } = known;
        for (process, channel) in processes.iter().zip(channels) {
            let child = Child::go_on(process, channel, self.wires.clone())
                .with_context(|| format!("cannot go on with {}", process.id))?;
            if process.ending {
                // Since when it has been ending does not matter: it has its time once more.
                self.tell_later(process.id, child.pid, Happening::Overdue, END_WITHIN);
            }
            self.children.insert(process.id, child);
        }
        self.links = links.into_iter().map(|(a, b, number)| ((a, b), number)).collect();
        self.last_link = last_link;
        for (id, restarts) in restarts {
            self.policy(id).restarts = restarts;
        }
        Ok(())
    }

    /// All that another program has to know to go on with them, and the channels to them.
    pub fn known(&self) -> (AllKnown, Vec<BorrowedFd<'_>>) {
        let (processes, channels) = self.children.iter().map(|(id, child)| child.known(*id)).unzip();
        let links = self.links.iter().map(|((a, b), number)| (*a, *b, *number)).collect();
        let restarts = self.policies.iter().map(|(id, policy)| (*id, policy.restarts)).collect();
        (AllKnown { processes, links, last_link: self.last_link, restarts }, channels)
    }

    /// Whether nothing is under way that only this program knows of: a command that is not sent yet, a link that is to
    /// be made again, a fresh `_sfe` that is to take over.
    pub fn is_quiet(&self) -> bool {
        let ours = 1 + self.children.len();
        self.standby.is_empty() && Rc::strong_count(&self.wires.under_way) == ours
    }

    /// The process with this id, if it runs.
    pub fn get(&self, id: ProcessId) -> Option<&Child> {
        self.children.get(&id)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: ProcessId) -> Option<&mut Child> {
        self.children.get_mut(&id)
    }

    /// All that run.
    pub fn all(&self) -> impl Iterator<Item = (ProcessId, &Child)> {
        self.children.iter().map(|(id, child)| (*id, child))
    }

    /// How it was restarted so far.
    pub fn policy(&mut self, id: ProcessId) -> &mut RestartPolicy {
        self.policies.entry(id).or_insert_with(|| RestartPolicy::new(clock::now()))
    }

    /// How often it was started again because it had died.
    pub fn restarts(&self, id: ProcessId) -> u64 {
        self.policies.get(&id).map_or(0, |policy| policy.restarts)
    }

    /// Starts a process and links it with its neighbours.
    ///
    /// # Errors
    /// The operating system does not start it, or has no sockets for its links.
    pub fn start(&mut self, id: ProcessId) -> anyhow::Result<()> {
        let child = self.spawn(id)?;
        self.add(id, child)
    }

    fn spawn(&self, id: ProcessId) -> anyhow::Result<Child> {
        let child =
            Child::start(Path::new(PROGRAM), id, self.wires.clone()).with_context(|| format!("cannot start {id}"))?;
        let listeners = match id {
            ProcessId::Wfe => self.kit.holdings.for_wfe()?,
            _ => Vec::new(),
        };
        child.tell(Command::Start { config: self.kit.settings.clone(), url: self.kit.url.clone() }, listeners);
        Ok(child)
    }

    fn add(&mut self, id: ProcessId, child: Child) -> anyhow::Result<()> {
        self.children.insert(id, child);
        let neighbours: Vec<_> = self.children.keys().copied().filter(|other| are_neighbours(id, *other)).collect();
        neighbours.into_iter().try_for_each(|other| self.link(id, other))
    }

    fn link(&mut self, a: ProcessId, b: ProcessId) -> anyhow::Result<()> {
        if let (Some(one), Some(other)) = (self.children.get(&a), self.children.get(&b)) {
            self.last_link += 1;
            let number = self.last_link;
            let (here, there) = LinkEnd::pair().context("cannot link two processes")?;
            one.tell(Command::Link(LinkId { peer: b, number }), here.into_sockets());
            other.tell(Command::Link(LinkId { peer: a, number }), there.into_sockets());
            self.links.insert((a.min(b), a.max(b)), number);
        }
        Ok(())
    }

    /// One side says that a link is over. Mostly the other side has just ended, which will be told any moment.
    pub fn link_lost(&self, id: ProcessId, link: LinkId) {
        if let Some(child) = self.children.get(&id).filter(|_| self.is_in_use(id, link)) {
            self.tell_later(id, child.pid, Happening::Unlinked(link), LINK_AGAIN_AFTER);
        }
    }

    /// Whether this is the present link.
    fn is_in_use(&self, id: ProcessId, link: LinkId) -> bool {
        self.links.get(&(id.min(link.peer), id.max(link.peer))) == Some(&link.number)
    }

    /// Both sides are still there, and lack a link.
    pub fn link_again(&mut self, id: ProcessId, link: LinkId) {
        if self.is_in_use(id, link)
            && let Err(error) = self.link(id, link.peer)
        {
            tracing::error!(process = %id, "{error:#}; it is replaced");
            self.kill(id);
        }
    }

    /// Starts a process while the server runs. What prevents it, such as too many open files, may pass: the
    /// others go on, and it is tried again.
    pub fn start_again(&mut self, id: ProcessId) {
        if let Err(error) = self.start(id) {
            tracing::error!(process = %id, "{error:#}; it is tried again");
            match self.children.get(&id) {
                // It runs, but lacks a link: its end leads to the next try.
                Some(child) => child.signal(Signal::KILL),
                None => self.tell_later(id, NO_PROCESS, Happening::Due, TRY_AGAIN_AFTER),
            }
        }
    }

    /// Starts it after this time, unless it has been started or is not wanted any more by then.
    pub fn start_after(&self, id: ProcessId, wait: Duration) {
        self.tell_later(id, NO_PROCESS, Happening::Due, wait);
    }

    fn tell_later(&self, id: ProcessId, pid: u32, what: Happening, wait: Duration) {
        let events = self.wires.events.clone();
        let under_way = matches!(what, Happening::Unlinked(_)).then(|| self.wires.under_way.clone());
        tokio::task::spawn_local(async move {
            tokio::time::sleep(wait).await;
            drop(under_way);
            let _ = events.send(Event { id, pid, what });
        });
    }

    /// Starts a fresh `_sfe` that takes over an instance as soon as it is ready.
    ///
    /// # Errors
    /// The operating system does not start it.
    pub fn stand_by(&mut self, instance: u16) -> anyhow::Result<()> {
        let fresh = self.spawn(ProcessId::Sfe(instance))?;
        if let Some(other) = self.standby.insert(instance, fresh) {
            other.signal(Signal::KILL);
        }
        Ok(())
    }

    /// Whether a fresh `_sfe` is to take over this instance.
    pub fn is_standing_by(&self, instance: u16) -> bool {
        self.standby.contains_key(&instance)
    }

    /// It is not needed any more, or has ended.
    pub fn drop_standby(&mut self, instance: u16) {
        if let Some(fresh) = self.standby.remove(&instance) {
            fresh.signal(Signal::KILL);
        }
    }

    /// The fresh `_sfe` is ready: the old one ends now, and its end makes room. It is not waited for long, since all
    /// that it knows is told to its successor by its neighbours.
    pub fn make_room(&mut self, instance: u16) {
        let id = ProcessId::Sfe(instance);
        match self.children.get_mut(&id) {
            Some(old) => {
                old.ending = true;
                old.tell(Command::GiveWay, Vec::new());
                let pid = old.pid;
                self.tell_later(id, pid, Happening::Overdue, GIVES_WAY_WITHIN);
            }
            None => drop(self.take_over(instance)),
        }
    }

    /// The fresh `_sfe` takes the place of the one that has ended. Tells whether there was one.
    pub fn take_over(&mut self, instance: u16) -> bool {
        let Some(fresh) = self.standby.remove(&instance) else { return false };
        let id = ProcessId::Sfe(instance);
        if let Err(error) = self.add(id, fresh) {
            tracing::error!(process = %id, "{error:#}; it is replaced");
            self.kill(id);
        }
        true
    }

    /// Which process this is about.
    pub fn whose(&self, id: ProcessId, pid: u32) -> Who {
        let is = |child: Option<&Child>| child.is_some_and(|child| child.pid == pid);
        match id {
            _ if is(self.children.get(&id)) => Who::Running,
            ProcessId::Sfe(instance) if is(self.standby.get(&instance)) => Who::StandingBy,
            _ => Who::Former,
        }
    }

    /// A fresh `_sfe` that stands by, to be changed.
    pub fn standing_by(&mut self, instance: u16) -> Option<&mut Child> {
        self.standby.get_mut(&instance)
    }

    /// Asks a process to end in order; what does not in time is killed.
    pub fn end(&mut self, id: ProcessId) {
        let Some(child) = self.children.get_mut(&id) else { return };
        if !std::mem::replace(&mut child.ending, true) {
            child.tell(Command::Drain, Vec::new());
            let pid = child.pid;
            self.tell_later(id, pid, Happening::Overdue, END_WITHIN);
        }
    }

    /// Asks all of a kind to end, as the whole server ends.
    pub fn drain(&mut self, kind: &str) {
        self.stopping = true;
        for (_, child) in self.children.iter_mut().filter(|(id, _)| id.kind() == kind) {
            child.ending = true;
            child.tell(Command::Drain, Vec::new());
        }
    }

    /// Ends a process at once, as it was asked to.
    pub fn terminate(&mut self, id: ProcessId) {
        if let Some(child) = self.children.get_mut(&id) {
            child.ending = true;
            child.signal(Signal::TERM);
        }
    }

    /// Kills a process.
    pub fn kill(&self, id: ProcessId) {
        self.children.get(&id).into_iter().for_each(|child| child.signal(Signal::KILL));
    }

    /// Kills all of them; tells their operating-system ids.
    pub fn kill_all(&self) -> BTreeSet<u32> {
        let all = self.children.values().chain(self.standby.values());
        all.map(|child| {
            child.signal(Signal::KILL);
            child.pid
        })
        .collect()
    }

    /// Replaces those that hang: they are killed, and their end leads to the next start.
    pub fn kill_those_that_hang(&mut self) {
        let fresh = self.standby.iter_mut().map(|(instance, child)| (ProcessId::Sfe(*instance), child));
        for (id, child) in self.children.iter_mut().map(|(id, child)| (*id, child)).chain(fresh) {
            if child.hangs() {
                tracing::warn!(process = %id, pid = child.pid, "a process hangs and is killed");
                child.signal(Signal::KILL);
            }
        }
    }

    /// A process has ended. Tells its last state.
    pub fn ended(&mut self, id: ProcessId, status: &io::Result<ExitStatus>) -> Option<Child> {
        let child = self.children.remove(&id)?;
        let how = status.as_ref().map_or_else(ToString::to_string, ToString::to_string);
        if child.ending && self.stopping {
            tracing::debug!(process = %id, pid = child.pid, how, "a process has ended");
        } else if child.ending {
            tracing::info!(process = %id, pid = child.pid, how, "a process has ended as it was asked to");
        } else {
            tracing::warn!(process = %id, pid = child.pid, how, "a process has ended");
        }
        Some(child)
    }

    /// Nothing is left of an instance, so nothing need be known of it.
    pub fn forget(&mut self, instance: u16) {
        self.policies.retain(|id, _| id.instance() != Some(instance));
        self.links.retain(|(a, b), _| a.instance() != Some(instance) && b.instance() != Some(instance));
    }
}

/// Which processes talk to each other.
fn are_neighbours(a: ProcessId, b: ProcessId) -> bool {
    match (a.min(b), a.max(b)) {
        (ProcessId::Wfe, ProcessId::Sfe(_)) => true,
        (ProcessId::Sfe(sfe), ProcessId::Stream(of, _)) => sfe == of,
        _ => false,
    }
}
