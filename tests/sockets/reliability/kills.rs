//! What clients notice when processes are killed again and again: the figures, one process kind at a time.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rand::{SeedableRng, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::json;
use widgetapp::clock;

use super::{
    SETTINGS, TWO_OF_EACH, alone, assert_kept,
    figures::{Blow, Figures, pauses_by_kind, spread},
    load::{Load, Outcome, Size},
    minutes, verdict,
};
use crate::product::{Product, eventually, is_alive, kill};

const SIZE: Size = Size { clients: 50, things: 10, per_second: 5.0 };

/// Does away with one process of a kind after the other; when, and how long each was away.
fn kill_again_and_again(
    product: &Product,
    load: &Load,
    (signal, kind): (&str, &str),
    every: Duration,
    lasts: Duration,
) -> (Vec<Blow>, Vec<Duration>) {
    let mut random = StdRng::seed_from_u64(1);
    let (mut blows, mut away, until) = (Vec::new(), Vec::new(), clock::now() + lasts);
    while clock::now() < until {
        let next = clock::now() + every;
        let victims = product.processes(kind);
        let (id, pid) = victims.choose(&mut random).expect("it runs").clone();
        blows.push(Blow { at: clock::now(), what: format!("{signal} to {kind}") });
        kill(signal, pid);
        let at = clock::now();
        eventually("it is replaced", || {
            product.processes(kind).iter().any(|(other, successor)| *other == id && *successor != pid).then_some(())
        });
        away.push(at.elapsed());
        std::thread::sleep(next.saturating_duration_since(clock::now()));
        assert!(load.goes_on(), "the clients have ended");
    }
    (blows, away)
}

fn note_connections(figures: &mut Figures, outcome: &Outcome) -> usize {
    let partings = outcome.partings();
    figures.note("connections_closed", partings.len());
    let mut why: BTreeMap<&str, usize> = BTreeMap::new();
    partings.iter().for_each(|(_, reason)| *why.entry(reason).or_default() += 1);
    if !why.is_empty() {
        figures.note("closed_because", json!(why));
    }
    partings.len()
}

/// Kills processes of one kind under load; how many connections that has closed.
fn killed(name: &'static str, kind: &str, env: &[(&str, &str)], every: Duration, usual_minutes: f64) -> usize {
    done_away_with(name, ("KILL", kind), env, SIZE, every, usual_minutes)
}

fn done_away_with(
    name: &'static str,
    how: (&str, &str),
    env: &[(&str, &str)],
    size: Size,
    every: Duration,
    usual_minutes: f64,
) -> usize {
    let _alone = alone();
    let mut figures = Figures::new(name);
    let mut product = Product::start_with_env(&[], &[&SETTINGS, env].concat());
    let load = Load::start(&product, size);
    let lasts = minutes(usual_minutes);
    let (blows, away) = kill_again_and_again(&product, &load, how, every, lasts);
    let outcome = load.finish();
    let verdict = verdict(&mut product, &outcome);
    let closed = note_connections(&mut figures, &outcome);
    let gaps: Vec<String> =
        product.log().lines().filter(|line| line.contains("come back")).take(10).map(str::to_owned).collect();
    if !gaps.is_empty() {
        figures.note("gaps", gaps);
    }
    figures
        .note("seconds", lasts.as_secs())
        .note("kills", blows.len())
        .note("replaced_after", spread(away))
        .verdict(&verdict)
        .note("pauses", pauses_by_kind(&blows, &outcome.waits()));
    if closed > 0 {
        figures.note("back_after", spread(back_after(&blows, &outcome)));
    }
    figures.publish();
    assert_kept(&verdict);
    closed
}

/// For each connection that was closed, how long after the kill its client had an edit acknowledged again.
fn back_after(blows: &[Blow], outcome: &Outcome) -> Vec<Duration> {
    let killed_before = |at: Instant| blows.iter().rev().map(|blow| blow.at).find(|blow| *blow <= at);
    let mut times = Vec::new();
    for client in &outcome.participants {
        for (parted, _) in &client.parted {
            let Some(killed) = killed_before(*parted) else { continue };
            let acknowledged = client.waits.iter().map(|wait| wait.acknowledged).filter(|at| at > parted).min();
            times.extend(acknowledged.map(|at| at - killed));
        }
    }
    times
}

#[test]
#[ignore = "takes MINUTES, ten if not said"]
fn a1_a_killed_sfe_closes_no_connection() {
    assert_eq!(killed("a1", "_sfe", &TWO_OF_EACH, Duration::from_secs(2), 10.0), 0, "connections closed");
}

#[test]
#[ignore = "takes MINUTES, ten if not said"]
fn a2_a_killed_stream_takes_only_its_own_clients_with_it() {
    killed("a2", "_stream", &TWO_OF_EACH, Duration::from_secs(2), 10.0);
}

#[test]
#[ignore = "takes MINUTES, ten if not said"]
fn a3_a_killed_wfe_closes_no_connection_and_refuses_none() {
    assert_eq!(killed("a3", "_wfe", &[], Duration::from_secs(10), 10.0), 0, "connections closed");
}

#[test]
#[ignore = "starts a server with a million edits forty times"]
fn a4_all_of_it_killed_comes_back_in_time() {
    let _alone = alone();
    let mut figures = Figures::new("a4");
    let rounds = std::env::var("ROUNDS").map_or(20, |rounds| rounds.parse().expect("ROUNDS is a number"));
    let mut product = Product::start_with_env(&[], &SETTINGS);
    fill_log(&mut product, 1_000_000);
    let load = Load::start(&product, SIZE);
    let (mut blows, mut gone, mut started) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..2 * rounds {
        let what = if round % 2 == 0 { "kill the supervisor" } else { "kill all" };
        let children = product.children();
        let at = clock::now();
        blows.push(Blow { at, what: what.into() });
        if round % 2 == 0 {
            kill("KILL", product.pid());
        } else {
            product.kill_all();
        }
        eventually("no orphan is left", || (!children.iter().any(|pid| is_alive(*pid))).then_some(()));
        gone.push(at.elapsed());
        let at = clock::now();
        product.start_again();
        started.push(at.elapsed());
        std::thread::sleep(Duration::from_secs(6));
        assert!(load.goes_on(), "the clients have ended");
    }
    let outcome = load.finish();
    let verdict = verdict(&mut product, &outcome);
    note_connections(&mut figures, &outcome);
    figures
        .note("kills", blows.len())
        .note("edits_in_the_log", 1_000_000 + verdict.stored)
        .note("no_process_left_after", spread(gone))
        .note("listening_after", spread(started))
        .note("back_after", spread(back_after(&blows, &outcome)))
        .verdict(&verdict)
        .note("pauses", pauses_by_kind(&blows, &outcome.waits()))
        .publish();
    assert_kept(&verdict);
}

/// Puts so many edits of one Thing that nobody opens into the log of a server, while it does not run.
fn fill_log(product: &mut Product, edits: u64) {
    use widgetapp::log::{ChangeKind, Durability, Log as _, NewChange, SqliteLog};
    const AT_ONCE: u64 = 1_000;
    product.kill_all();
    let log = SqliteLog::open(product.data().join("log.db"), Durability::Os).expect("the log");
    let thing = widgetapp::protocol::ThingId(clock::new_id());
    let change = |offset: u64| NewChange {
        user: "ada".into(),
        principal: "user:acme/ada".into(),
        key: Some(offset.to_string()),
        kind: ChangeKind::Edit,
        update: vec![0; 60].into(),
        at_millis: offset,
    };
    log.create(thing, "epoch".into(), change(1)).blocking_recv().expect("an answer").expect("it is stored");
    for start in (2..=edits).step_by(AT_ONCE as usize) {
        let receipts: Vec<_> =
            (start..(start + AT_ONCE).min(edits + 1)).map(|offset| log.append(thing, offset, change(offset))).collect();
        for receipt in receipts {
            receipt.blocking_recv().expect("an answer").expect("it is stored");
        }
    }
    drop(log);
    product.start_again();
}

/// All that clients send in the seconds until that is found is asked for again at once.
#[test]
#[ignore = "takes MINUTES, five if not said"]
fn a5_an_sfe_that_hangs_closes_no_connection() {
    let size = Size { clients: 200, things: 20, per_second: 1.0 };
    let every = Duration::from_secs(10);
    let closed = done_away_with("a5-hang", ("STOP", "_sfe"), &TWO_OF_EACH, size, every, 5.0);
    assert_eq!(closed, 0, "connections closed");
}

#[test]
#[ignore = "about a minute"]
fn a5_what_hangs_or_dies_of_a_fault_is_replaced() {
    let _alone = alone();
    let mut figures = Figures::new("a5");
    let mut product = Product::start_with_env(&[], &[SETTINGS.as_slice(), &TWO_OF_EACH].concat());
    let load = Load::start(&product, SIZE);
    let (mut blows, mut replaced) = (Vec::new(), serde_json::Map::new());
    for signal in ["STOP", "SEGV", "BUS"] {
        for kind in ["_stream", "_sfe", "_wfe"] {
            let (id, pid) = product.processes(kind)[0].clone();
            let what = format!("{signal} to {kind}");
            blows.push(Blow { at: clock::now(), what: what.clone() });
            let at = clock::now();
            kill(signal, pid);
            if signal != "STOP" {
                // The first is taken by the handler that Rust installs for overflowing stacks. It gives the signal back
                // to the system and returns: a real fault would come again.
                eventually("it dies", || {
                    kill(signal, pid);
                    (!is_alive(pid)).then_some(())
                });
            }
            eventually("it is replaced", || {
                let running = product.processes(kind);
                running.iter().any(|(other, successor)| *other == id && *successor != pid).then_some(())
            });
            replaced.insert(what, json!({"replaced_after_ms": at.elapsed().as_millis() as u64}));
            std::thread::sleep(Duration::from_secs(4));
        }
    }
    let outcome = load.finish();
    let verdict = verdict(&mut product, &outcome);
    note_connections(&mut figures, &outcome);
    figures
        .note("replaced", replaced)
        .verdict(&verdict)
        .note("pauses", pauses_by_kind(&blows, &outcome.waits()))
        .publish();
    assert_kept(&verdict);
}
