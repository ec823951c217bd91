//! The order of events of one step, and the figures that come of it.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use anyhow::bail;
use capacity::{
    calibration::{Distribution, Step},
    load::{Load, StepPlan},
    measured::{Incident, Measured, Second, Visits, gates::Circumstances},
};
use tokio::{sync::watch, time::sleep};
use widgetapp::{clock as time, supervisor::measure::procfs};

use super::{Phase, Scene, Shared, attack::attack, display::Display, tally::Tally};
use crate::{
    clients::writing::Style,
    clock,
    server::{
        Server,
        loss::Loss,
        meter::{Look, Meter},
    },
};

/// Everybody is given this long to connect, and a second for every so many of them.
const GATHER_WITHIN: Duration = Duration::from_secs(60);
const GATHERED_PER_SECOND: u32 = 40;
/// The processes of the server have settled if as many run for so many looks; it is waited no longer than so many.
const SETTLED_AFTER: u32 = 3;
const LOOKS: u32 = 40;
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// What is under way when the last edit was due has this long to arrive.
const FINISH_WITHIN: Duration = Duration::from_secs(15);
/// After something was done to the server it is looked for so long at what came of it.
const AFTERMATH: Duration = Duration::from_secs(10);
/// What is shorter is a part of the next second.
const SHORTEST_SECOND: f64 = 0.3;
/// A process that was killed has lost its clients by then.
const DROPPED_WITHIN: Duration = Duration::from_secs(2);

/// What is the same for all steps.
pub struct Setup {
    /// What is to be done.
    pub load: Load,
    /// How edits are made.
    pub style: Style,
    /// Processes to kill, and to restart.
    pub kills: Vec<Loss>,
    /// The others, to be restarted.
    pub restarts: Vec<Loss>,
    /// Cores that this program may use.
    pub generator_cores: f64,
    /// For the keys of edits.
    pub run: u64,
    /// Where to show it.
    pub display: Display,
}

/// Holds one load.
///
/// # Errors
/// It cannot be put on at all. One that is not as it should be is measured, and marked.
pub async fn hold(server: &mut Server, setup: &Setup, plan: StepPlan) -> anyhow::Result<Measured> {
    server.run_instances(plan.instances)?;
    let staying: u32 = setup
        .load
        .mix
        .roles()
        .iter()
        .filter(|(role, _)| role.stays())
        .map(|(role, _)| setup.load.mix.count(*role, plan.clients))
        .sum();
    let things = staying.div_ceil(plan.per_thing).max(1) as usize;
    setup.display.now(&format!("{} clients: {things} Things", plan.clients));
    server.accounts_mut().make_things(things).await?;
    let (phases, phase) = watch::channel(Phase::Gathering);
    let scene = Arc::new(Scene {
        url: server.url().to_owned(),
        plan,
        load: setup.load.clone(),
        style: setup.style.clone(),
        people: server.accounts().people().to_vec(),
        things: server.accounts().things()[..things].to_vec(),
        run: setup.run,
        tally: Tally::new(things),
        phase,
    });
    let began_seconds = clock::seconds();
    let mut attack = std::pin::pin!(attack(Arc::clone(&scene)));
    let step = Conduct { server, setup, scene: &scene, phases: &phases };
    let figures = tokio::select! {
        biased;
        ended = &mut attack => {
            ended?;
            bail!("the clients have left too early: {}", scene.tally.complaints().join("; "));
        }
        figures = step.edit() => figures?,
    };
    // They leave as soon as they have everything; goose waits for the last.
    attack.await?;
    Ok(conclude(&scene, setup, began_seconds, figures))
}

struct Conduct<'a> {
    server: &'a Server,
    setup: &'a Setup,
    scene: &'a Shared,
    /// Kept until all have left: who hears no more of it leaves at once.
    phases: &'a watch::Sender<Phase>,
}

/// What was measured from outside the clients.
struct Figures {
    seconds: f64,
    connected: u32,
    processes: BTreeMap<capacity::calibration::Kind, capacity::calibration::Usage>,
    busiest: BTreeMap<capacity::calibration::Kind, f64>,
    generator_cpu: f64,
    bytes_in: f64,
    bytes_out: f64,
    timeline: Vec<Second>,
    incidents: Vec<Incident>,
}

impl Conduct<'_> {
    /// From the first connection until no more edits are made.
    async fn edit(self) -> anyhow::Result<Figures> {
        self.gather().await?;
        self.settle().await;
        let (warm_up, step) = (self.setup.load.warm_up(), self.setup.load.step);
        let from_nanos = clock::nanos() + 50_000_000;
        let measured_from = from_nanos + nanos(warm_up);
        let until_nanos = measured_from + nanos(step);
        self.scene.tally.measure(measured_from, until_nanos);
        self.phases.send_replace(Phase::Editing { from_nanos, until_nanos });
        let mut watch = Watch::begin(self.server).await;
        while clock::nanos() < measured_from {
            watch.second(&self, measured_from).await;
        }
        let (mut meter, cpu) = (Meter::begin(self.server).await, clock::cpu());
        let (traffic, began) = (self.scene.tally.traffic(), time::now());
        let watching = async {
            while clock::nanos() < until_nanos {
                watch.second(&self, until_nanos).await;
            }
        };
        let ((), incidents) = tokio::join!(watching, self.lose(measured_from, until_nanos));
        let seconds = (time::now() - began).as_secs_f64();
        let generator_cpu = (clock::cpu() - cpu).as_secs_f64() / seconds;
        let passed = self.scene.tally.traffic();
        let (processes, busiest) = meter.conclude(self.server, seconds).await;
        let ready = self.scene.tally.ready.load(Relaxed);
        let away = u32::try_from(self.scene.tally.away.load(Relaxed)).unwrap_or_default();
        let until_nanos = clock::nanos() + nanos(FINISH_WITHIN);
        self.phases.send_replace(Phase::Finishing { until_nanos });
        Ok(Figures {
            seconds,
            connected: ready.saturating_sub(away),
            processes,
            busiest,
            generator_cpu,
            bytes_in: (passed.sent_bytes - traffic.sent_bytes) as f64 / seconds,
            bytes_out: (passed.received_bytes - traffic.received_bytes) as f64 / seconds,
            timeline: watch.timeline,
            incidents: incidents?,
        })
    }

    async fn gather(&self) -> anyhow::Result<()> {
        let (tally, asked) = (&self.scene.tally, self.scene.plan.clients);
        let within = GATHER_WITHIN + Duration::from_secs((asked / GATHERED_PER_SECOND).into());
        let until = time::now() + within;
        while time::now() < until {
            let (ready, failed) = (tally.ready.load(Relaxed), tally.failed.load(Relaxed));
            self.setup.display.now(&format!("{asked} clients: {ready} connected"));
            if ready + failed >= asked {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
        if tally.staying.load(Relaxed) < 2 {
            bail!("nobody can take part: {}", tally.complaints().join("; "));
        }
        Ok(())
    }

    /// Waits until the server has started the processes that it starts for so many clients.
    async fn settle(&self) {
        if self.server.data().is_none() {
            return;
        }
        let (mut before, mut same) = (BTreeMap::new(), 0);
        for _ in 0..LOOKS {
            let running = Meter::default().look(self.server).await.running;
            same = if running == before { same + 1 } else { 0 };
            if same >= SETTLED_AFTER {
                return;
            }
            before = running;
            self.setup.display.now(&format!("{} clients: the server starts processes", self.scene.plan.clients));
            sleep(LOOK_EVERY).await;
        }
    }

    /// Does to the server what was asked for, in its order.
    async fn lose(&self, measured_from: u64, until_nanos: u64) -> anyhow::Result<Vec<Incident>> {
        let kills = self.setup.kills.iter().map(|loss| (loss, true));
        let mut losses: Vec<(&Loss, bool)> =
            kills.chain(self.setup.restarts.iter().map(|loss| (loss, false))).collect();
        losses.sort_by_key(|(loss, _)| loss.at);
        let mut incidents = Vec::new();
        for (place, (loss, kill)) in losses.iter().enumerate() {
            wait_until(measured_from + nanos(loss.at)).await;
            let next = losses.get(place + 1).map_or(until_nanos, |(next, _)| measured_from + nanos(next.at));
            incidents.push(self.incident(loss, *kill, next.min(until_nanos)).await?);
        }
        Ok(incidents)
    }

    async fn incident(&self, loss: &Loss, kill: bool, until_nanos: u64) -> anyhow::Result<Incident> {
        let tally = &self.scene.tally;
        let (began, at_seconds) = (time::now(), clock::seconds());
        let dropped = tally.dropped.load(Relaxed);
        tally.incident(clock::nanos());
        let what = if kill { loss.kill(self.server).await? } else { loss.restart(self.server).await? };
        self.setup.display.line(&format!("  {what}"));
        let until = clock::nanos().saturating_add(nanos(DROPPED_WITHIN)).min(until_nanos);
        while tally.dropped.load(Relaxed) == dropped && clock::nanos() < until {
            sleep(Duration::from_millis(10)).await;
        }
        while tally.away.load(Relaxed) > 0 && clock::nanos() < until_nanos {
            sleep(Duration::from_millis(10)).await;
        }
        let dropped = tally.dropped.load(Relaxed) - dropped;
        let back = time::now() - began;
        let back_seconds = match (dropped, tally.away.load(Relaxed)) {
            (0, _) => Some(0.0),
            (_, away) if away <= 0 => Some(back.as_secs_f64()),
            _ => None,
        };
        wait_until(until_nanos.min(clock::nanos() + nanos(AFTERMATH.saturating_sub(back)))).await;
        let longest_us = tally.longest_since_incident() as f64 / 1e3;
        Ok(Incident { what, at_seconds, dropped, back_seconds, longest_us })
    }
}

/// Looks once a second.
struct Watch {
    meter: Meter,
    look: Look,
    cpu: Duration,
    at: f64,
    timeline: Vec<Second>,
}

impl Watch {
    async fn begin(server: &Server) -> Self {
        let meter = Meter::begin(server).await;
        Self { meter, look: Look::default(), cpu: clock::cpu(), at: clock::seconds(), timeline: Vec::new() }
    }

    /// Lets a second pass, or less if it is over before.
    async fn second(&mut self, conduct: &Conduct<'_>, until_nanos: u64) {
        let left = Duration::from_nanos(until_nanos.saturating_sub(clock::nanos()));
        sleep(left.min(Duration::from_secs(1))).await;
        if clock::seconds() - self.at < SHORTEST_SECOND {
            return;
        }
        let seen = conduct.scene.tally.second();
        let look = self.meter.look(conduct.server).await;
        let (now, cpu) = (clock::seconds(), clock::cpu());
        let passed = (now - self.at).max(0.001);
        let per_second = |count: u64| (count as f64 / passed).round() as u64;
        let cores = look.cpu.iter().map(|(kind, taken)| {
            let before = self.look.cpu.get(kind).copied().unwrap_or_default();
            (*kind, taken.saturating_sub(before).as_secs_f64() / passed)
        });
        let tally = &conduct.scene.tally;
        let away = u32::try_from(tally.away.load(Relaxed)).unwrap_or_default();
        let second = Second {
            at_seconds: now,
            clients: tally.staying.load(Relaxed).saturating_sub(away),
            edits: per_second(seen.acknowledgement.len()),
            deliveries: per_second(seen.propagation.len()),
            p50_us: seen.propagation.value_at_quantile(0.5) as f64 / 1e3,
            p99_us: seen.propagation.value_at_quantile(0.99) as f64 / 1e3,
            cpu: cores.collect(),
            resident_bytes: look.resident_bytes.clone(),
            generator_cpu: (cpu - self.cpu).as_secs_f64() / passed,
            generator_bytes: procfs::usage(std::process::id()).map_or(0, |usage| usage.resident_bytes),
        };
        conduct.setup.display.second(&format!("{} clients", conduct.scene.plan.clients), &second);
        (self.look, self.cpu, self.at) = (look, cpu, now);
        self.timeline.push(second);
    }
}

fn conclude(scene: &Scene, setup: &Setup, began_seconds: f64, figures: Figures) -> Measured {
    let all = scene.tally.conclude();
    let seconds = setup.load.step.as_secs_f64();
    let per_second = |count: u64| count as f64 / seconds;
    let lateness = Distribution::of(&all.measured.lateness);
    let propagation = Distribution::of(&all.measured.propagation);
    let circumstances = Circumstances {
        generator_cpu: figures.generator_cpu,
        generator_cores: setup.generator_cores,
        lateness: lateness.clone(),
        propagation: propagation.clone(),
        asked: scene.plan.clients,
        connected: figures.connected,
    };
    let invalid = circumstances.objections(&setup.load.slo);
    let staying = scene.tally.staying.load(Relaxed);
    let visits = all
        .visits
        .iter()
        .map(|(what, (times, failed))| ((*what).to_owned(), Visits { took: Distribution::of(times), failed: *failed }));
    Measured {
        plan: scene.plan,
        began_seconds,
        figures: Step {
            seconds: figures.seconds,
            clients: staying,
            things: scene.things.len() as u32,
            per_thing: scene.plan.per_thing.min(staying),
            edits_per_second_asked: per_second(scene.tally.due.load(Relaxed)),
            edits_per_second: per_second(all.measured.acknowledgement.len()),
            deliveries_per_second: per_second(propagation.count),
            bytes_in_per_second: figures.bytes_in,
            bytes_out_per_second: figures.bytes_out,
            processes: figures.processes,
            generator_cpu: figures.generator_cpu,
            propagation,
            acknowledgement: Distribution::of(&all.measured.acknowledgement),
            invalid,
        },
        misplaced: all.misplaced,
        unanswered: u64::try_from(scene.tally.unanswered.load(Relaxed)).unwrap_or_default(),
        lateness,
        connecting: Distribution::of(&all.connecting),
        visits: visits.collect(),
        busiest: figures.busiest,
        timeline: figures.timeline,
        complaints: scene.tally.complaints(),
        incidents: figures.incidents,
    }
}

async fn wait_until(nanos: u64) {
    sleep(Duration::from_nanos(nanos.saturating_sub(clock::nanos()))).await;
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
