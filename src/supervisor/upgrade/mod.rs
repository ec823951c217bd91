//! Replacing the program while the server runs. The process stays the same and goes on with another program; it keeps
//! its listening sockets, its processes, and through them every connection.
//!
//! 1. The new program is asked whether it can take over ([`successor`]). What is wrong with it changes nothing.
//! 2. It is waited until nothing is under way that only this program knows of.
//! 3. What is known, and all sockets, go into a channel that the new program finds as its standard input; then the
//!    process executes it ([`handover`]).
//! 4. The new program goes on with the processes, and replaces `_wfe` and each `_sfe` by its own, one by one. The
//!    `_stream`s stay, with the connections.
//!
//! A new program that cannot go on with what it finds executes the one before again, with all of it.
//!
//! Processes of two programs understand each other if both have the same [`crate::ipc::VERSION`]. If they do not, all
//! are ended before the third step, as they are when the server stops, and started anew; new connections wait.

mod handover;
mod successor;

use std::{
    os::fd::OwnedFd,
    path::PathBuf,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

pub use self::{
    handover::{Before, Left, hold_signals, release_signals, take_over},
    successor::{FORMAT, Successor},
};
use self::{
    handover::{Description, Kept},
    successor::Foundation,
};
use super::{
    admin::{Asked, Reply, Request},
    holdings::Holdings,
    orders::{Order, Step},
    processes::Processes,
    scaling::{Place, Rule, Scaling},
    watch::Supervisor,
};
use crate::{clock, config::Settings, ipc::ProcessId, metrics};

/// How long it may take until nothing is under way.
const SETTLED_WITHIN: Duration = Duration::from_secs(10);

/// An upgrade that is under way.
#[derive(Debug)]
pub struct Upgrade {
    program: PathBuf,
    reply: Reply,
    /// The administrator's connection, which outlives this program.
    connection: Option<OwnedFd>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Asking(oneshot::Receiver<Result<Successor, String>>),
    Settling { successor: Successor, until: Instant },
}

/// What comes next of an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing yet, or there is none.
    Wait,
    /// Take no more questions; what is under way comes to its end.
    Settle,
    /// All is quiet: hand over.
    HandOver,
    /// It is not done, and this program goes on and takes questions again.
    GoOn,
    /// The server is to stop instead.
    Stop,
}

impl Supervisor {
    /// Asks the program that has taken the place of this one whether it can take over.
    pub fn begin_upgrade(&mut self, reply: Reply, connection: Option<OwnedFd>) {
        let program = match successor::program() {
            Ok(program) => program,
            Err(error) => return refuse(reply, format!("cannot tell where the program is: {error}")),
        };
        let (told, stage) = oneshot::channel();
        let (path, ours) = (program.clone(), Foundation::of(&self.settings.config));
        tokio::task::spawn_local(async move {
            let _ = told.send(successor::ask(&path, &ours).await);
        });
        self.upgrade = Some(Upgrade { program, reply, connection, stage: Stage::Asking(stage) });
    }

    /// What comes next; to be asked often. `no_questions` are being answered.
    pub fn next_of_upgrade(&mut self, no_questions: bool) -> Next {
        let Some(mut upgrade) = self.upgrade.take() else { return Next::Wait };
        let now = clock::now();
        let next = match &mut upgrade.stage {
            Stage::Asking(told) => match told.try_recv() {
                Err(oneshot::error::TryRecvError::Empty) => Next::Wait,
                Ok(Ok(successor)) => {
                    upgrade.stage = Stage::Settling { successor, until: now + SETTLED_WITHIN };
                    Next::Settle
                }
                refused => {
                    let why = refused.ok().and_then(Result::err).unwrap_or_else(|| "it was not asked".into());
                    refuse(upgrade.reply, why);
                    return Next::Wait;
                }
            },
            Stage::Settling { .. } if no_questions && self.is_quiet() => Next::HandOver,
            Stage::Settling { until, .. } if now >= *until => {
                let why = "what is under way has not come to its end; nothing has changed, try again";
                refuse(upgrade.reply, why.into());
                return Next::GoOn;
            }
            Stage::Settling { .. } => Next::Wait,
        };
        self.upgrade = Some(upgrade);
        next
    }

    /// Whether nothing is under way that only this program knows of.
    pub fn is_quiet(&self) -> bool {
        self.order.is_none() && self.answers.is_empty() && self.processes.is_quiet()
    }

    /// The upgrade is over, and this program goes on.
    pub fn give_up_upgrade(&mut self, why: String) {
        if let Some(upgrade) = self.upgrade.take() {
            refuse(upgrade.reply, why);
        }
    }

    /// Whether the processes of the new program understand those of this one.
    pub fn keeps_processes(&self) -> bool {
        let stage = self.upgrade.as_ref().map(|upgrade| &upgrade.stage);
        matches!(stage, Some(Stage::Settling { successor, .. }) if successor.understands_us())
    }

    /// Executes the new program in the place of this one. Returns only if that fails, and why.
    pub fn hand_over(&mut self, holdings: &Holdings) -> String {
        self.totals.add(&metrics::take());
        let Some(upgrade) = &self.upgrade else { return "there is no upgrade".into() };
        let (kept, channels) = if self.keeps_processes() { self.kept() } else { (None, Vec::new()) };
        let description = Description::new(&upgrade.program, &self.settings, upgrade.connection.is_some(), kept);
        let error = handover::execute(&upgrade.program, &description, holdings, upgrade.connection.as_ref(), &channels);
        format!("{} cannot be executed: {error}; nothing has changed", upgrade.program.display())
    }

    fn kept(&self) -> (Option<Kept>, Vec<std::os::fd::BorrowedFd<'_>>) {
        let (processes, channels) = self.processes.known();
        let place = |instance| Some((instance, self.scaling.place(instance)?));
        let places = self.scaling.numbers().into_iter().filter_map(place).collect();
        let floor = self.scaling.rule().floor;
        let floor = (floor != self.settings.config.sfe.min_instances).then_some(floor);
        (Some(Kept { processes, places, floor, totals: self.totals.all() }), channels)
    }

    /// Goes on with what the program before has kept.
    ///
    /// # Errors
    /// One of its processes cannot be followed.
    pub fn go_on(
        mut processes: Processes,
        settings: Settings,
        (kept, channels): (Kept, impl Iterator<Item = OwnedFd>),
    ) -> anyhow::Result<Self> {
        processes.go_on(kept.processes, channels)?;
        let mut rule = Rule::new(&settings.config.sfe);
        rule.floor = kept.floor.unwrap_or(rule.floor);
        let mut supervisor = Self::new(processes, Scaling::new(rule).with(kept.places), settings);
        supervisor.totals.add(&kept.totals);
        let here: Vec<ProcessId> = supervisor.processes.all().map(|(id, _)| id).collect();
        for id in &here {
            supervisor.count(*id);
            if id.instance().is_some() && !supervisor.is_listed(*id) {
                // There are to be fewer `_stream`s from now on.
                supervisor.processes.end(*id);
            }
        }
        let missing: Vec<_> = supervisor.ids().filter(|id| supervisor.is_wanted(*id) && !here.contains(id)).collect();
        missing.into_iter().for_each(|id| supervisor.processes.start_again(id));
        supervisor.settle();
        Ok(supervisor)
    }

    /// The program has been replaced by this one: each process that is still of the one before is now replaced, too, but
    /// for the `_stream`s.
    pub fn renew(&mut self, before: &str, reply: Option<Reply>, has_kept: bool) {
        let (pid, ours) = (std::process::id(), env!("CARGO_PKG_VERSION"));
        tracing::info!(before, "the program was replaced");
        let instances = self.scaling.numbers().into_iter();
        let instances = instances.filter(|instance| self.scaling.place(*instance) != Some(Place::Retiring));
        let old = std::iter::once(ProcessId::Wfe).chain(instances.map(ProcessId::Sfe)).filter(|_| has_kept);
        let mut order = Order::new(old.map(Step::Replace), reply.unwrap_or_else(reply_to_log), clock::now());
        order.has_done(format!("widgetapp {before} (pid {pid}) is replaced by widgetapp {ours}"));
        order.has_done(if has_kept {
            format!("connections that have stayed: {}", self.scaling.clients())
        } else {
            "its processes do not understand those of the one before, so all were started anew; clients come back by \
             themselves"
                .into()
        });
        self.order = Some(order);
        self.settle();
    }
}

/// The next program could not go on with the processes, or with what they were: this one does.
pub fn has_come_back(why: &str, reply: Option<Reply>, has_kept: bool) {
    let what = if has_kept { "nothing has changed" } else { "its processes were started anew" };
    let why = format!("the new program could not go on: {why}; the one before goes on, and {what}");
    refuse(reply.unwrap_or_else(reply_to_log), why);
}

/// A signal asks for an upgrade.
pub fn asked_by_signal() -> Asked {
    Asked { request: Request::Upgrade, reply: reply_to_log(), connection: None }
}

/// Nobody waits for the answer, so the log tells what went wrong.
fn reply_to_log() -> Reply {
    let (reply, answer) = oneshot::channel();
    tokio::task::spawn_local(async move {
        if let Ok(Err(why)) = answer.await {
            tracing::error!(why, "the upgrade has failed");
        }
    });
    reply
}

fn refuse(reply: Reply, why: String) {
    let _ = reply.send(Err(why));
}
