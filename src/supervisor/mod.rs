//! The `widgetapp` process: starts, watches and restarts the others, and holds the listening sockets,
//! so that connections wait rather than fail while `_wfe` is replaced.
//!
//! It makes the links between the processes and gives each side its end. It touches no client data and
//! knows no service.

pub mod admin;
mod child;
mod data_directory;
mod restart_policy;
mod systemd;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::TcpListener,
    os::fd::OwnedFd,
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use rustix::process::Signal;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use self::{
    admin::Asked,
    child::{Child, Event, Happening},
    restart_policy::RestartPolicy,
    systemd::ServiceManager,
};
use crate::{
    clock,
    config::Config,
    ipc::{
        ProcessId,
        control::{Command, LinkEnd, LinkId, Report},
    },
};

/// How long the whole server may take to stop.
pub const STOP_WITHIN: Duration = Duration::from_secs(3 * DRAIN_WITHIN.as_secs());
/// How long each kind of process may take to drain before it is killed.
const DRAIN_WITHIN: Duration = Duration::from_secs(6);
/// How long a port may be in use before that is an error.
const PORT_FREE_WITHIN: Duration = Duration::from_secs(1);
/// How long after a process could not be started it is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Stands for a process that does not run: it is time to start it.
const NO_PROCESS: u32 = 0;
/// How long the start may take before it is given up.
const START_WITHIN: Duration = Duration::from_secs(60);

/// Runs the server until it is told to stop.
///
/// # Errors
/// It cannot start; the message says why and what to do.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let _lock = data_directory::claim(&config.server.data)?;
    let mut listeners = Vec::new();
    for address in &config.server.listen {
        listeners.push(bind(address).await?);
    }
    let address = listeners.first().context("there is no address to listen on")?.local_addr()?;
    let scheme = if config.server.tls_cert.is_some() { "https" } else { "http" };
    let url = config.server.public_url.clone().unwrap_or_else(|| format!("{scheme}://{address}"));
    if config.server.echo && !listeners.iter().all(|l| l.local_addr().is_ok_and(|address| address.ip().is_loopback())) {
        bail!("--echo takes no token, so it works on a loopback address only, such as --listen 127.0.0.1:8080");
    }
    let (asked, mut questions) = mpsc::channel(16);
    admin::listen(&config.server.data, asked)?;
    let (events, mut happened) = mpsc::unbounded_channel();
    let mut supervisor = Supervisor {
        program: std::env::current_exe().context("cannot find the program itself")?,
        settings: serde_json::to_string(&config)?,
        url,
        listeners: listeners.into_iter().map(OwnedFd::from).collect(),
        members: members(&config),
        children: BTreeMap::new(),
        policies: BTreeMap::new(),
        links: BTreeMap::new(),
        last_link: 0,
        events,
        answers: Vec::new(),
    };
    for id in supervisor.members.clone() {
        supervisor.start(id)?;
    }
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let give_up = clock::now() + START_WITHIN;
    let service_manager = ServiceManager::of_process();
    let mut life = tokio::time::interval(service_manager.wants_life_every);
    let mut announced = false;
    loop {
        tokio::select! {
            Some(event) = happened.recv() => supervisor.handle(event, announced)?,
            Some(question) = questions.recv() => supervisor.answer(question),
            _ = life.tick(), if announced => {
                if supervisor.wfe_answers() {
                    service_manager.alive();
                }
            }
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            () = tokio::time::sleep_until(give_up.into()), if !announced => bail!("the server did not start within {START_WITHIN:?}"),
        }
        if !announced && supervisor.all_ready() {
            announced = true;
            use std::io::Write as _;
            let mut out = io::stdout();
            // Whoever started the server may have stopped listening to it.
            let _ = writeln!(out, "listening on {scheme}://{address}").and_then(|()| out.flush());
            service_manager.ready(&format!("{scheme}://{address}"));
        }
    }
    service_manager.stopping();
    tokio::select! {
        () = supervisor.drain(&mut happened) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    supervisor.children.values().for_each(|child| child.signal(Signal::KILL));
    Ok(())
}

/// Waits for the processes of a killed server, which hold its port until they have ended, too.
async fn bind(address: &str) -> anyhow::Result<TcpListener> {
    let give_up = clock::now() + PORT_FREE_WITHIN;
    let bound = loop {
        match TcpListener::bind(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && clock::now() < give_up => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            bound => break bound,
        }
    };
    let listener = bound.map_err(|error| match address.rsplit_once(':') {
        Some((host, _)) if error.kind() == io::ErrorKind::AddrInUse => {
            anyhow!(
                "cannot listen on {address}: another program uses this port; choose another with \
                 --listen {host}:PORT (0 picks a free one)"
            )
        }
        _ => anyhow!("cannot listen on {address}: {error}"),
    })?;
    // The standard library asks for a queue of 128, too short for all clients that come back at once.
    rustix::net::listen(&listener, 4096)?;
    Ok(listener)
}

fn members(config: &Config) -> Vec<ProcessId> {
    let mut members = vec![ProcessId::Wfe];
    for sfe in 1..=config.sfe.instances {
        members.push(ProcessId::Sfe(sfe));
        members.extend((1..=config.sfe.streams_per_instance).map(|stream| ProcessId::Stream(sfe, stream)));
    }
    members
}

struct Supervisor {
    program: PathBuf,
    settings: String,
    url: String,
    listeners: Vec<OwnedFd>,
    /// All processes that should run.
    members: Vec<ProcessId>,
    children: BTreeMap<ProcessId, Child>,
    policies: BTreeMap<ProcessId, RestartPolicy>,
    /// The number of the present link between two processes, the smaller first.
    links: BTreeMap<(ProcessId, ProcessId), u64>,
    last_link: u64,
    events: mpsc::UnboundedSender<Event>,
    /// Questions that WFE has not answered yet, in order.
    answers: Vec<admin::Reply>,
}

impl Supervisor {
    fn start(&mut self, id: ProcessId) -> anyhow::Result<()> {
        let child =
            Child::start(&self.program, id, self.events.clone()).with_context(|| format!("cannot start {id}"))?;
        let listeners = match id {
            ProcessId::Wfe => self.listeners.iter().map(OwnedFd::try_clone).collect::<io::Result<_>>()?,
            _ => Vec::new(),
        };
        child.tell(Command::Start { config: self.settings.clone(), url: self.url.clone() }, listeners);
        self.policies.entry(id).or_insert_with(|| RestartPolicy::new(child.since));
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

    fn handle(&mut self, Event { id, pid, what }: Event, announced: bool) -> anyhow::Result<()> {
        if self.children.get(&id).is_none_or(|child| child.pid != pid) {
            // The last words of one that was replaced; or it is its time to be started again.
            if matches!(what, Happening::Ended(_)) && !self.children.contains_key(&id) && self.members.contains(&id) {
                self.start_again(id);
            }
            return Ok(());
        }
        match what {
            Happening::Reported(Report::Ready) => {
                if let Some(child) = self.children.get_mut(&id) {
                    child.ready = true;
                }
            }
            Happening::Reported(Report::LinkLost(link)) => {
                if self.links.get(&(id.min(link.peer), id.max(link.peer))) == Some(&link.number)
                    && let Err(error) = self.link(id, link.peer)
                {
                    tracing::error!(process = %id, "{error:#}; it is replaced");
                    self.children.get(&id).into_iter().for_each(|child| child.signal(Signal::KILL));
                }
            }
            Happening::Reported(Report::Answer(answer)) => {
                if !self.answers.is_empty() {
                    let _ = self.answers.remove(0).send(answer);
                }
            }
            Happening::Reported(Report::Failed(why)) if !announced => bail!(why),
            Happening::Reported(Report::Failed(why)) => tracing::error!(process = %id, why, "a process cannot go on"),
            Happening::Overdue => self.children.get(&id).into_iter().for_each(|child| child.signal(Signal::KILL)),
            Happening::Ended(status) => self.ended(id, pid, &status),
        }
        Ok(())
    }

    /// Starts a process while the server runs. What prevents it, such as too many open files, may pass: the
    /// others go on, and it is tried again.
    fn start_again(&mut self, id: ProcessId) {
        if let Err(error) = self.start(id) {
            tracing::error!(process = %id, "{error:#}; it is tried again");
            match self.children.get(&id) {
                // It runs, but lacks a link: its end leads to the next try.
                Some(child) => child.signal(Signal::KILL),
                None => self.start_later(id, TRY_AGAIN_AFTER),
            }
        }
    }

    fn start_later(&self, id: ProcessId, wait: Duration) {
        let events = self.events.clone();
        tokio::task::spawn_local(async move {
            tokio::time::sleep(wait).await;
            let ended = Happening::Ended(Err(io::ErrorKind::Other.into()));
            let _ = events.send(Event { id, pid: NO_PROCESS, what: ended });
        });
    }

    fn ended(&mut self, id: ProcessId, pid: u32, status: &io::Result<std::process::ExitStatus>) {
        self.children.remove(&id);
        if id == ProcessId::Wfe {
            for reply in self.answers.drain(..) {
                let _ = reply.send(Err("_wfe ended before it had answered; ask again".into()));
            }
        }
        let now = clock::now();
        let wait = self.policies.entry(id).or_insert_with(|| RestartPolicy::new(now)).died(now);
        let how = status.as_ref().map_or_else(ToString::to_string, ToString::to_string);
        tracing::warn!(process = %id, pid, how, restart_in_ms = wait.as_millis(), "a process has ended");
        if wait.is_zero() {
            self.start_again(id);
        } else {
            self.start_later(id, wait);
        }
    }

    fn all_ready(&self) -> bool {
        self.members.iter().all(|id| self.children.get(id).is_some_and(|child| child.ready))
    }

    /// Whether there is a WFE that does its work.
    fn wfe_answers(&self) -> bool {
        self.children.get(&ProcessId::Wfe).is_some_and(|wfe| wfe.ready)
    }

    fn answer(&mut self, Asked { request, reply }: Asked) {
        match request {
            admin::Request::Status => {
                let _ = reply.send(Ok(admin::status(
                    self.members.iter().map(|id| (*id, self.children.get(id), self.policies.get(id))),
                )));
            }
            admin::Request::Restart { kind, number } => {
                let found = self.children.iter().find(|(id, _)| id.kind() == kind && id.number() == number);
                let answer = match found {
                    Some((id, child)) => {
                        self.retire(*id, child);
                        Ok(vec![format!("{id} (pid {}) is restarted", child.pid)])
                    }
                    None if number.is_empty() => {
                        Err(format!("which {kind}? Name it with -id; see widgetapp_admin -status"))
                    }
                    None => Err(format!("there is no {kind} {number}; see widgetapp_admin -status")),
                };
                let _ = reply.send(answer);
            }
            admin::Request::Ask(request) => match self.children.get(&ProcessId::Wfe) {
                Some(wfe) => {
                    wfe.tell(Command::Ask(request), Vec::new());
                    self.answers.push(reply);
                }
                None => drop(reply.send(Err("_wfe is being restarted; ask again".into()))),
            },
        }
    }

    /// Ends a process that is to be replaced. A `_stream` sends its clients away first; the others keep nothing
    /// that would have to be told.
    fn retire(&self, id: ProcessId, child: &Child) {
        if !matches!(id, ProcessId::Stream(..)) {
            return child.signal(Signal::TERM);
        }
        child.tell(Command::Drain, Vec::new());
        let (events, pid) = (self.events.clone(), child.pid);
        tokio::task::spawn_local(async move {
            tokio::time::sleep(DRAIN_WITHIN).await;
            let _ = events.send(Event { id, pid, what: Happening::Overdue });
        });
    }

    /// Ends the processes from the clients' side on: each has those behind it while it finishes.
    async fn drain(&mut self, happened: &mut mpsc::UnboundedReceiver<Event>) {
        self.members.clear();
        for kind in ["_stream", "_sfe", "_wfe"] {
            let of_kind = |children: &BTreeMap<ProcessId, Child>| -> BTreeSet<u32> {
                children.iter().filter(|(id, _)| id.kind() == kind).map(|(_, child)| child.pid).collect()
            };
            let mut left = of_kind(&self.children);
            self.children
                .iter()
                .filter(|(id, _)| id.kind() == kind)
                .for_each(|(_, child)| child.tell(Command::Drain, vec![]));
            let until = clock::now() + DRAIN_WITHIN;
            while !left.is_empty() {
                let Ok(Some(event)) = tokio::time::timeout_at(until.into(), happened.recv()).await else { break };
                if matches!(event.what, Happening::Ended(_)) {
                    left.remove(&event.pid);
                    if self.children.get(&event.id).is_some_and(|child| child.pid == event.pid) {
                        self.children.remove(&event.id);
                    }
                }
            }
        }
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
