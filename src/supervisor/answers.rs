//! Answers the administrator, and carries out what is ordered, step by step.

use tokio::sync::oneshot;

use super::{
    admin::{Asked, Named, ProcessStatus, Reply, Request},
    figures,
    orders::{Begun, Next, Order, Step},
    scaling::{Change, Place},
    watch::Supervisor,
};
use crate::{
    clock,
    ipc::{ProcessId, control::Command},
    metrics,
};

/// Where to look for what there is.
const SEE: &str = "see widgetapp_admin -status";

impl Supervisor {
    /// Answers a question, or begins with what is ordered.
    pub fn answer(&mut self, Asked { request, reply, connection }: Asked, announced: bool) {
        let steps = match request {
            Request::Status => return drop(reply.send(Ok(self.status_lines()))),
            Request::Config => return drop(reply.send(Ok(self.settings.lines()))),
            Request::Metrics => return drop(reply.send(Ok(vec![self.metrics()]))),
            Request::Ask(question) => match self.processes.get(ProcessId::Wfe) {
                Some(wfe) => {
                    wfe.tell(Command::Ask(question), Vec::new());
                    return self.answers.push(reply);
                }
                None => Err("_wfe is being restarted; ask again".into()),
            },
            _ if self.order.is_some() || self.upgrade.is_some() => {
                Err("another order is being carried out; try again when it is done".into())
            }
            Request::Upgrade if !announced => Err("the server is still starting; try again when it has started".into()),
            Request::Upgrade => return self.begin_upgrade(reply, connection),
            Request::Restart(named) => self.find(&named).map(|id| {
                self.measured.forgive(id);
                vec![Step::Replace(id)]
            }),
            Request::Stop(named) => self.find(&named).and_then(|id| self.may_stop(id)).map(|step| vec![step]),
            Request::Start(count) => self.steps_to(count),
        };
        match steps {
            Ok(steps) => self.begin_order(steps, reply),
            Err(why) => drop(reply.send(Err(why))),
        }
    }

    /// A line of JSON for each process.
    pub(super) fn status_lines(&self) -> Vec<String> {
        self.status().iter().map(ProcessStatus::line).collect()
    }

    /// Every process that should run.
    fn status(&self) -> Vec<ProcessStatus> {
        self.ids()
            .map(|id| {
                let is_set_aside =
                    id.instance().is_some_and(|instance| self.scaling.place(instance) == Some(Place::SetAside));
                let (child, restarts) = (self.processes.get(id), self.processes.restarts(id));
                let clients = match id {
                    ProcessId::Wfe => None,
                    // A fresh one has them before it can tell.
                    ProcessId::Sfe(instance) => Some(self.scaling.clients_of(instance)),
                    ProcessId::Stream(..) => Some(child.map_or(0, |child| child.load.clients)),
                };
                ProcessStatus::new(id, (child, clients), restarts, is_set_aside, &self.measured)
            })
            .collect()
    }

    /// What Prometheus reads.
    fn metrics(&mut self) -> String {
        self.totals.add(&metrics::take());
        figures::text(&self.totals, &self.status())
    }

    /// Restarts a rogue process, one at a time, if the administrator has switched that on.
    pub(super) fn restart_rogue(&mut self) {
        if self.order.is_some() || self.upgrade.is_some() {
            return;
        }
        let mut rogues = self.measured.to_restart();
        // One that has just been replaced was not measured yet.
        let is_rogue = |id| self.measured.of(id, self.processes.get(id)).is_some_and(|taken| taken.rogue.is_some());
        rogues.retain(|id| self.is_wanted(*id) && self.is_ready(*id) && is_rogue(*id));
        if let Some(id) = rogues.into_iter().find(|id| self.measured.may_restart(clock::now(), *id)) {
            // Nobody waits for the answer; the log tells.
            self.begin_order(vec![Step::Replace(id)], oneshot::channel().0);
        }
    }

    /// All that should run: WFE, then all `_sfe`s, then all `_stream`s.
    pub(super) fn ids(&self) -> impl Iterator<Item = ProcessId> {
        let mut ids: Vec<_> = self.scaling.numbers().into_iter().flat_map(|instance| self.members(instance)).collect();
        ids.sort();
        std::iter::once(ProcessId::Wfe).chain(ids)
    }

    fn find(&self, Named { kind, number }: &Named) -> Result<ProcessId, String> {
        match self.ids().find(|id| id.kind() == kind && id.number() == *number) {
            Some(id) => Ok(id),
            None if number.is_empty() => Err(format!("which {kind}? Name it with -id; {SEE}")),
            None => Err(format!("there is no {kind} {number}; {SEE}")),
        }
    }

    fn may_stop(&self, id: ProcessId) -> Result<Step, String> {
        let (places, rule) = (self.scaling.places(), self.scaling.rule());
        let why = match id {
            ProcessId::Wfe => "nothing works without it; stop the server, or use -restart".into(),
            ProcessId::Stream(instance, _) => format!(
                "every _sfe has as many as sfe.streams_per_instance says; use -restart, or stop _sfe {instance}"
            ),
            ProcessId::Sfe(instance) if self.scaling.place(instance) == Some(Place::Retiring) => {
                "it is ending already".into()
            }
            ProcessId::Sfe(_) if places <= rule.floor => format!(
                "never fewer than {} run (sfe.min_instances, or the last -n N -start); use -restart",
                rule.floor
            ),
            ProcessId::Sfe(_) if places <= self.scaling.wanted() => format!(
                "{} clients need {} (one more for every {}); use -restart",
                self.scaling.clients(),
                self.scaling.wanted(),
                rule.clients_per_instance
            ),
            ProcessId::Sfe(instance)
                if self.scaling.serving() == 1 && self.scaling.place(instance) == Some(Place::Serving) =>
            {
                "all others are set aside; take one of them back first, with -restart".into()
            }
            ProcessId::Sfe(instance) => return Ok(Step::Stop(instance)),
        };
        Err(format!("{id} is not stopped: {why}"))
    }

    /// What `-n COUNT -start` comes to: those that have nothing to do and are too many end, the others are replaced,
    /// and then it grows.
    fn steps_to(&mut self, count: u16) -> Result<Vec<Step>, String> {
        let most = self.scaling.rule().ceiling;
        if count > most {
            return Err(format!("{count} are too many: at most {most} may run (sfe.max_instances)"));
        }
        if count < self.scaling.rule().floor {
            self.scaling.set_floor(count);
        }
        let surplus = usize::from(self.scaling.places().saturating_sub(self.scaling.wanted().max(count)));
        let idle: Vec<u16> = self.scaling.idle().into_iter().take(surplus).collect();
        let old = self
            .scaling
            .numbers()
            .into_iter()
            .filter(|instance| !idle.contains(instance) && self.scaling.place(*instance) != Some(Place::Retiring));
        let mut steps: Vec<Step> = idle.iter().map(|instance| Step::Stop(*instance)).collect();
        steps.extend(old.map(|instance| Step::Replace(ProcessId::Sfe(instance))));
        steps.extend((1..=count).map(Step::GrowTo));
        steps.push(Step::Keep(count));
        Ok(steps)
    }

    fn begin_order(&mut self, steps: Vec<Step>, reply: Reply) {
        self.order = Some(Order::new(steps, reply, clock::now()));
        self.settle();
    }

    /// Goes on with the order, as far as it can be done now.
    pub(super) fn carry_on(&mut self) {
        while let Some(mut order) = self.order.take() {
            match order.next() {
                Next::Done => order.succeed(),
                Next::Begin(step) => {
                    match self.begin(step) {
                        Ok(Some(begun)) => order.begins(begun),
                        Ok(None) => {}
                        Err(why) => return order.fail(why),
                    }
                    self.order = Some(order);
                }
                Next::Check(begun) => match self.check(begun) {
                    Some(Ok(line)) => {
                        order.has_done(line);
                        self.order = Some(order);
                    }
                    Some(Err(why)) => return order.fail(why),
                    None if order.is_overdue(clock::now()) => {
                        return order.fail(format!("it is not done yet, and goes on by itself; {SEE}"));
                    }
                    None => {
                        self.order = Some(order);
                        return;
                    }
                },
            }
        }
    }

    fn begin(&mut self, step: Step) -> Result<Option<Begun>, String> {
        match step {
            Step::Stop(instance) => {
                let change = self.scaling.retire(instance);
                self.make(change);
                Ok(Some(Begun::Stopping(instance)))
            }
            Step::GrowTo(count) => {
                if self.scaling.places() >= count {
                    return Ok(None);
                }
                // Else it would be too many as soon as it is there.
                self.scaling.set_floor(count);
                let Change::Start(instance) = self.scaling.add() else { return Ok(None) };
                self.make(Change::Start(instance));
                Ok(Some(Begun::Starting(instance)))
            }
            Step::Keep(count) => {
                self.scaling.set_floor(count);
                Ok(Some(Begun::Keeping(count)))
            }
            Step::Replace(id) => self.replace(id).map(Some),
        }
    }

    fn replace(&mut self, id: ProcessId) -> Result<Begun, String> {
        self.processes.policy(id).forgive(clock::now());
        if let Some(instance) = id.instance().filter(|it| self.scaling.place(*it) == Some(Place::SetAside)) {
            for id in self.members(instance) {
                self.processes.policy(id).forgive(clock::now());
            }
            self.scaling.set_place(instance, Place::Serving);
            let missing: Vec<_> =
                self.members(instance).into_iter().filter(|id| self.processes.get(*id).is_none()).collect();
            missing.into_iter().for_each(|id| self.processes.start_again(id));
            return Ok(Begun::Starting(instance));
        }
        let Some(old) = self.processes.get(id).map(|child| child.pid) else {
            self.processes.start_again(id);
            return Ok(Begun::Replacing(id, None));
        };
        match id {
            ProcessId::Sfe(instance) => {
                self.processes.stand_by(instance).map_err(|error| format!("{error:#}; the old one goes on"))?;
            }
            ProcessId::Stream(..) => self.processes.end(id),
            ProcessId::Wfe => self.processes.terminate(id),
        }
        Ok(Begun::Replacing(id, Some(old)))
    }

    /// Whether what has begun is done, and what to say of it; or why it will not be.
    fn check(&self, begun: Begun) -> Option<Result<String, String>> {
        match begun {
            Begun::Stopping(instance) => {
                let gone = self.scaling.place(instance) != Some(Place::Retiring);
                gone.then(|| Ok(format!("_sfe {instance} is stopped")))
            }
            Begun::Keeping(count) => {
                let there = self.scaling.places();
                Some(Ok(format!(
                    "{there} _sfe run, and never fewer than {count} until the next -n N -start, or until the server stops"
                )))
            }
            Begun::Starting(instance)
            | Begun::Replacing(ProcessId::Sfe(instance) | ProcessId::Stream(instance, _), _)
                if self.scaling.place(instance) != Some(Place::Serving) =>
            {
                Some(Ok(format!("_sfe {instance} was not needed any more")))
            }
            Begun::Starting(instance) => {
                let pid = self.processes.get(ProcessId::Sfe(instance)).map(|child| child.pid)?;
                let ready = self.members(instance).into_iter().all(|id| self.is_ready(id));
                ready.then(|| Ok(format!("_sfe {instance} is started (pid {pid})")))
            }
            Begun::Replacing(id, old) => {
                let child = self.processes.get(id)?;
                if Some(child.pid) != old {
                    let line = match old {
                        Some(old) => format!("{id} (pid {old}) is replaced by a fresh one (pid {})", child.pid),
                        None => format!("{id} is started (pid {})", child.pid),
                    };
                    return child.serves().then_some(Ok(line));
                }
                let given_up = matches!(id, ProcessId::Sfe(instance) if !self.processes.is_standing_by(instance));
                let why = || format!("a fresh {id} ended before it was ready, so the old one goes on; see the log");
                (given_up && !child.ending).then(|| Err(why()))
            }
        }
    }
}
