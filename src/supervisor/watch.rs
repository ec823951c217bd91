//! What happens to the processes, and what follows from it: which are started, started again, replaced and ended.

use std::{collections::BTreeSet, io, process::ExitStatus, time::Duration};

use anyhow::bail;
use tokio::sync::mpsc;

use super::{
    admin,
    child::{Event, Happening},
    measure::Measured,
    orders::Order,
    processes::{END_WITHIN, Processes, Who},
    scaling::{Change, Place, Rule, Scaling},
    upgrade::Upgrade,
};
use crate::{
    clock,
    config::Settings,
    ipc::{
        ProcessId,
        control::{Command, Instance, Report},
    },
    metrics::{self, Totals},
};

/// A process that waits for its disk ends only after that.
const KILLED_WITHIN: Duration = Duration::from_secs(1);
/// The `_sfe`s end at once when their `_stream`s have ended; more would not fit into the time in which the server stops.
const SFE_ENDS_WITHIN: Duration = Duration::from_millis(1500);
/// How long the whole server may take to stop.
pub const STOP_WITHIN: Duration =
    END_WITHIN.saturating_mul(2).saturating_add(SFE_ENDS_WITHIN).saturating_add(KILLED_WITHIN);

/// The supervisor's mind.
pub struct Supervisor {
    pub(super) processes: Processes,
    pub(super) scaling: Scaling,
    streams_per_instance: u16,
    /// What WFE was last told of the instances, and which WFE that was.
    told: Option<(u32, Vec<Instance>)>,
    /// What the administrator has ordered.
    pub(super) order: Option<Order>,
    /// The program is to be replaced.
    pub(super) upgrade: Option<Upgrade>,
    /// Questions that WFE has not answered yet, in order.
    pub(super) answers: Vec<admin::Reply>,
    /// What the processes take.
    pub(super) measured: Measured,
    /// What they have counted.
    pub(super) totals: Totals,
    /// The settings in effect.
    pub(super) settings: Settings,
}

impl Supervisor {
    /// Starts WFE and the first instances.
    ///
    /// # Errors
    /// The operating system does not start a process.
    pub fn start(mut processes: Processes, settings: Settings) -> anyhow::Result<Self> {
        let mut scaling = Scaling::new(Rule::new(&settings.config.sfe));
        let streams_per_instance = settings.config.sfe.streams_per_instance;
        processes.start(ProcessId::Wfe)?;
        for change in scaling.decide(clock::now()) {
            if let Change::Start(instance) = change {
                members(instance, streams_per_instance).into_iter().try_for_each(|id| processes.start(id))?;
            }
        }
        Ok(Self::new(processes, scaling, settings))
    }

    /// With these processes and instances.
    pub(super) fn new(processes: Processes, scaling: Scaling, settings: Settings) -> Self {
        Self {
            processes,
            scaling,
            streams_per_instance: settings.config.sfe.streams_per_instance,
            told: None,
            order: None,
            upgrade: None,
            answers: Vec::new(),
            measured: Measured::new(&settings.config.supervisor),
            totals: Totals::default(),
            settings,
        }
    }

    /// Something has happened.
    ///
    /// # Errors
    /// The server cannot start, and why; never after it was `announced`.
    pub fn handle(&mut self, Event { id, pid, what }: Event, announced: bool) -> anyhow::Result<()> {
        match (self.processes.whose(id, pid), what) {
            (_, Happening::Due) => {
                if self.is_wanted(id) && self.processes.get(id).is_none() {
                    self.processes.start_again(id);
                }
            }
            // Its last word counts as well.
            (_, Happening::Reported(Report::Counted(added))) => self.totals.add(&added),
            (Who::Former, _) => {}
            (Who::StandingBy, what) => self.handle_standby(id, what),
            (Who::Running, Happening::Reported(Report::Failed(why))) if !announced => bail!(why),
            (Who::Running, Happening::Reported(report)) => self.hear(id, report),
            (Who::Running, Happening::Unlinked(link)) => self.processes.link_again(id, link),
            (Who::Running, Happening::Overdue) => self.processes.kill(id),
            (Who::Running, Happening::Ended(status)) => self.ended(id, &status),
        }
        self.settle();
        Ok(())
    }

    /// Time has passed.
    pub fn look(&mut self) {
        self.processes.kill_those_that_hang();
        self.measured.sample(clock::now(), self.processes.all());
        self.restart_rogue();
        self.settle();
    }

    /// Whether everything that should run does its work.
    pub fn all_ready(&self) -> bool {
        self.is_ready(ProcessId::Wfe)
            && self.serving().all(|instance| self.members(instance).into_iter().all(|id| self.is_ready(id)))
    }

    /// Whether `_wfe` is there and does not hang.
    pub fn wfe_answers(&self) -> bool {
        self.is_ready(ProcessId::Wfe)
    }

    /// Kills all processes that are left.
    pub async fn kill_all(&self, happened: &mut mpsc::UnboundedReceiver<Event>) {
        let mut left = self.processes.kill_all();
        let until = clock::now() + KILLED_WITHIN;
        while !left.is_empty() {
            let Ok(Some(event)) = tokio::time::timeout_at(until.into(), happened.recv()).await else { return };
            if let Happening::Ended(_) = event.what {
                left.remove(&event.pid);
            }
        }
    }

    /// Ends the processes from the clients' side on: each has those behind it while it finishes. What does not finish
    /// is killed.
    pub async fn stop(&mut self, happened: &mut mpsc::UnboundedReceiver<Event>) {
        // Whoever waits for these is answered that the server is stopping.
        (self.order, self.answers) = (None, Vec::new());
        for (kind, within) in [("_stream", END_WITHIN), ("_sfe", SFE_ENDS_WITHIN), ("_wfe", END_WITHIN)] {
            let of_kind = self.processes.all().filter(|(id, _)| id.kind() == kind);
            let mut left: BTreeSet<u32> = of_kind.map(|(_, child)| child.pid).collect();
            self.processes.drain(kind);
            let until = clock::now() + within;
            while !left.is_empty() {
                let Ok(Some(event)) = tokio::time::timeout_at(until.into(), happened.recv()).await else { break };
                if let Happening::Ended(status) = event.what {
                    left.remove(&event.pid);
                    if self.processes.whose(event.id, event.pid) == Who::Running {
                        self.processes.ended(event.id, &status);
                    }
                }
            }
            let ids: Vec<_> = self.processes.all().filter(|(_, child)| left.contains(&child.pid)).collect();
            for (id, child) in ids {
                tracing::warn!(process = %id, pid = child.pid, "a process did not end in time and is killed");
                self.processes.kill(id);
            }
        }
    }

    /// The processes of an instance.
    pub(super) fn members(&self, instance: u16) -> Vec<ProcessId> {
        members(instance, self.streams_per_instance)
    }

    fn serving(&self) -> impl Iterator<Item = u16> {
        let serves = |instance: &u16| self.scaling.place(*instance) == Some(Place::Serving);
        self.scaling.numbers().into_iter().filter(serves)
    }

    /// Whether a process does its work and will go on.
    pub(super) fn is_ready(&self, id: ProcessId) -> bool {
        self.processes.get(id).is_some_and(super::child::Child::serves)
    }

    /// Whether a process should run.
    pub(super) fn is_wanted(&self, id: ProcessId) -> bool {
        let serves = |instance| self.scaling.place(instance) == Some(Place::Serving);
        id.instance().is_none_or(|instance| serves(instance) && self.is_listed(id))
    }

    /// Whether an instance has such a process.
    pub(super) fn is_listed(&self, id: ProcessId) -> bool {
        !matches!(id, ProcessId::Stream(_, stream) if stream > self.streams_per_instance)
    }

    fn hear(&mut self, id: ProcessId, report: Report) {
        match report {
            Report::Ready => {
                if let Some(child) = self.processes.get_mut(id) {
                    child.ready = true;
                }
            }
            Report::Alive(load) => {
                if let Some(child) = self.processes.get_mut(id) {
                    if let ProcessId::Stream(..) = id {
                        metrics::MESSAGES_RECEIVED.add(load.received.saturating_sub(child.load.received));
                        metrics::MESSAGES_SENT.add(load.sent.saturating_sub(child.load.sent));
                    }
                    child.is_alive(load);
                }
                self.count(id);
            }
            // Taken before, whoever it comes from.
            Report::Counted(_) => {}
            Report::LinkLost(link) => self.processes.link_lost(id, link),
            Report::Answer(answer) => {
                if !self.answers.is_empty() {
                    let _ = self.answers.remove(0).send(answer);
                }
            }
            Report::AskStatus => {
                let lines = self.status_lines();
                if let Some(child) = self.processes.get(id) {
                    child.tell(Command::Status(lines), Vec::new());
                }
            }
            Report::Failed(why) => tracing::error!(process = %id, why, "a process cannot go on"),
        }
    }

    /// The clients of an instance are those of its `_stream`s.
    pub(super) fn count(&mut self, id: ProcessId) {
        if let ProcessId::Stream(instance, _) = id {
            let streams = self.members(instance).into_iter().filter(|id| matches!(id, ProcessId::Stream(..)));
            let clients = streams.filter_map(|id| self.processes.get(id)).map(|child| child.load.clients).sum();
            self.scaling.set_clients(instance, clients);
        }
    }

    /// What happens to a fresh `_sfe` that is to take over an instance.
    fn handle_standby(&mut self, id: ProcessId, what: Happening) {
        let ProcessId::Sfe(instance) = id else { return };
        match what {
            Happening::Reported(Report::Ready) => {
                if let Some(fresh) = self.processes.standing_by(instance) {
                    fresh.ready = true;
                }
                self.processes.make_room(instance);
            }
            Happening::Reported(Report::Alive(load)) => {
                if let Some(fresh) = self.processes.standing_by(instance) {
                    fresh.is_alive(load);
                }
            }
            Happening::Ended(_) => self.processes.drop_standby(instance),
            Happening::Reported(Report::Failed(why)) => tracing::error!(process = %id, why, "a process cannot go on"),
            Happening::Reported(Report::LinkLost(_) | Report::Answer(_) | Report::AskStatus | Report::Counted(_))
            | Happening::Unlinked(_)
            | Happening::Overdue
            | Happening::Due => {}
        }
    }

    fn ended(&mut self, id: ProcessId, status: &io::Result<ExitStatus>) {
        let Some(child) = self.processes.ended(id, status) else { return };
        self.count(id);
        if id == ProcessId::Wfe {
            for reply in self.answers.drain(..) {
                let _ = reply.send(Err("_wfe ended before it had answered; ask again".into()));
            }
        }
        if !self.is_wanted(id) {
            return;
        }
        if let ProcessId::Sfe(instance) = id
            && self.processes.take_over(instance)
        {
            return;
        }
        if child.ending {
            return self.processes.start_again(id);
        }
        let now = clock::now();
        let policy = self.processes.policy(id);
        let wait = policy.died(now, now.saturating_duration_since(child.since));
        if policy.is_hopeless(now) && self.set_aside(id) {
            return;
        }
        if wait.is_zero() {
            self.processes.start_again(id);
        } else {
            tracing::warn!(process = %id, wait_ms = wait.as_millis(), "it dies again and again, and has to wait");
            self.processes.start_after(id, wait);
        }
    }

    /// Gives up the instance of a process that dies again and again, while others serve its clients. Tells whether it
    /// did: without WFE, and without any instance, nothing works, so these are tried for ever.
    fn set_aside(&mut self, id: ProcessId) -> bool {
        let Some(instance) = id.instance() else { return false };
        if !self.serving().any(|other| other != instance && self.takes_clients(other)) {
            return false;
        }
        tracing::error!(
            process = %id,
            "it dies again and again, so _sfe {instance} is set aside; look at what the log says before this, then take \
             it back: widgetapp_admin -process _sfe -id {instance} -restart"
        );
        self.scaling.set_place(instance, Place::SetAside);
        self.end_instance(instance);
        true
    }

    /// Whether new connections may be handed over to an instance.
    fn takes_clients(&self, instance: u16) -> bool {
        let serves = self.scaling.place(instance) == Some(Place::Serving);
        let mut streams = (1..=self.streams_per_instance).map(|stream| ProcessId::Stream(instance, stream));
        serves && self.is_ready(ProcessId::Sfe(instance)) && streams.any(|stream| self.is_ready(stream))
    }

    /// Does whatever follows from what has happened.
    pub(super) fn settle(&mut self) {
        for change in self.scaling.decide(clock::now()) {
            self.make(change);
        }
        self.end_what_is_empty();
        self.carry_on();
        self.tell_instances();
    }

    /// Does what the rule of scaling, or the administrator, has decided.
    pub(super) fn make(&mut self, change: Change) {
        match change {
            Change::Start(instance) => {
                tracing::info!(instance, clients = self.scaling.clients(), "one more _sfe starts");
                self.members(instance).into_iter().for_each(|id| self.processes.start_again(id));
            }
            Change::Retire(instance) => {
                tracing::info!(instance, clients = self.scaling.clients(), "an _sfe ends: the others are enough");
                self.end_instance(instance);
            }
        }
    }

    /// First the `_stream`s: they send their clients away, one after the other. Then the `_sfe`.
    fn end_instance(&mut self, instance: u16) {
        self.processes.drop_standby(instance);
        for id in self.members(instance) {
            if matches!(id, ProcessId::Stream(..)) {
                self.processes.end(id);
            }
        }
        self.end_what_is_empty();
    }

    /// An instance that is on its way out has its `_sfe` until all of its `_stream`s have ended.
    fn end_what_is_empty(&mut self) {
        for instance in self.scaling.numbers() {
            let place = self.scaling.place(instance);
            let mut streams = self.members(instance).into_iter().filter(|id| matches!(id, ProcessId::Stream(..)));
            if place == Some(Place::Serving) || streams.any(|id| self.processes.get(id).is_some()) {
                continue;
            }
            self.processes.end(ProcessId::Sfe(instance));
            if place == Some(Place::Retiring) && self.processes.get(ProcessId::Sfe(instance)).is_none() {
                self.scaling.ended(instance);
                self.processes.forget(instance);
            }
        }
    }

    /// WFE has to know which instances take new connections, and which are gone.
    fn tell_instances(&mut self) {
        let Some(wfe) = self.processes.get(ProcessId::Wfe) else { return };
        let is_there = |instance: &u16| {
            self.scaling.place(*instance) != Some(Place::SetAside)
                || self.members(*instance).into_iter().any(|id| self.processes.get(id).is_some())
        };
        let there = self.scaling.numbers().into_iter().filter(is_there);
        let instances: Vec<_> = there.map(|number| Instance { number, open: self.takes_clients(number) }).collect();
        if self.told.as_ref().is_none_or(|(pid, told)| *pid != wfe.pid || *told != instances) {
            wfe.tell(Command::Instances(instances.clone()), Vec::new());
            self.told = Some((wfe.pid, instances));
        }
    }
}

/// The processes of an instance: its `_sfe`, then its `_stream`s.
fn members(instance: u16, streams: u16) -> Vec<ProcessId> {
    let streams = (1..=streams).map(|stream| ProcessId::Stream(instance, stream));
    std::iter::once(ProcessId::Sfe(instance)).chain(streams).collect()
}
