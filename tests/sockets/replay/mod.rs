//! A real session of two authors through the running product, while its processes are killed.
//!
//! One client for each author, which types every transaction on top of exactly what it was typed on,
//! and one that only listens. In the end all of them, and the server, must have the same text.

mod author;
mod participant;
mod session;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use widgetapp::{clock, protocol::action::Action};

use self::{
    participant::{Pace, Participant},
    session::Session,
};
use crate::{
    live,
    product::{Product, kill},
};

const KILL_EVERY: Duration = Duration::from_millis(500);
const MANY_MINUTES: Duration = Duration::from_secs(600);
/// Steps of the session that is made up when the recorded one is not there.
const INVENTED_STEPS: usize = 10_000;
const NAMES: [&str; 2] = ["ada", "grace"];
/// The sessions are about more edits than a person makes.
const NO_RATE_LIMIT: [(&str, &str); 2] =
    [("WIDGETAPP_STREAM__REQUESTS_PER_SECOND", "1000000"), ("WIDGETAPP_STREAM__REQUEST_BURST", "1000000")];

#[test]
fn a_recorded_session_survives_a_kill_every_half_second() {
    book::claims!("edit-order", 1);
    let session = Session::recorded().unwrap_or_else(|| {
        eprintln!("replay: the recorded session is not there (TRACE_DIR); an invented one takes its place");
        Session::invented(INVENTED_STEPS, new_seed())
    });
    replay(session, &["_sfe", "_stream", "_wfe"]);
}

/// Without a `_stream` that is killed nobody reconnects, which would mend much.
#[test]
fn killed_front_ends_interrupt_no_session() {
    assert_eq!(replay(Session::invented(INVENTED_STEPS, new_seed()), &["_sfe", "_wfe"]), 0, "reconnects");
}

/// Printed, and so shown when a test fails.
fn new_seed() -> u64 {
    let seed = u64::from_le_bytes(clock::random_bytes());
    println!("seed {seed}");
    seed
}

/// Replays a session while processes of these kinds are killed; how often clients had to reconnect.
fn replay(session: Session, kinds: &[&str]) -> usize {
    let seed = new_seed();
    let product = Product::start_with_env(&[], &NO_RATE_LIMIT);
    let thing = product.welcome();
    let steps: usize = session.authors.iter().map(Vec::len).sum();
    let (first, outcomes, took, kills, selected) = live::run(MANY_MINUTES, async {
        let first = empty_notes(&product, &thing).await + 1;
        let last = first + steps as u64 - 1;
        let over = AtomicBool::new(false);
        let (mut clients, pace) = (tokio::task::JoinSet::new(), Arc::new(Pace::default()));
        let mut participants = Vec::new();
        for (number, who) in [NAMES[0], NAMES[1], NAMES[0]].into_iter().enumerate() {
            let (client, events) = live::connect(&product, &live::login(&product, who)).await;
            participants.push(Participant::open(number, client, events, &thing, pace.clone()).await);
        }
        let start = clock::now();
        let typing = session.authors.into_iter().chain([vec![]]);
        for (participant, steps) in participants.into_iter().zip(typing) {
            clients.spawn(participant.run(steps, last));
        }
        let ((outcomes, took), kills) = tokio::join!(
            async {
                let outcomes = clients.join_all().await;
                over.store(true, Ordering::Relaxed);
                (outcomes, start.elapsed())
            },
            kill_now_and_then(&product, kinds, seed, &over)
        );
        let ada = live::login(&product, "ada");
        let selected = ada.call(Action::Select, Some(&thing), Default::default()).await.expect("the Thing is there");
        (first, outcomes, took, kills, selected)
    });
    let mut acknowledged = HashMap::new();
    let (mut longest_pause, mut reconnects) = (Duration::ZERO, 0);
    for outcome in outcomes {
        assert!(outcome.text == session.end, "client {} has another text", outcome.number);
        let all = (first..first + steps as u64).collect::<Vec<_>>();
        assert!(outcome.heard == all, "client {} has not heard each change once and in order", outcome.number);
        longest_pause = longest_pause.max(outcome.longest_pause);
        reconnects += outcome.reconnects;
        acknowledged.extend(outcome.acknowledged);
    }
    assert!(selected["content"]["notes"] == session.end, "the server has another text");
    assert_eq!(acknowledged.len(), steps, "every edit is acknowledged");
    let stored = live::log_of(&product, &thing);
    assert!(
        stored.iter().map(|(offset, _)| *offset).eq(1..first + steps as u64),
        "offsets rise by one, without a hole"
    );
    for (offset, key) in &stored[first as usize - 1..] {
        let key = key.as_ref().expect("each edit has its key");
        assert_eq!(acknowledged.remove(key), Some(*offset), "the edit {key} is at its offset and nowhere else");
    }
    let per_second = steps as f64 / took.as_secs_f64();
    eprintln!(
        "replay: {steps} edits in {took:.1?} ({per_second:.0}/s), {kills} kills, {reconnects} reconnects, longest pause {longest_pause:.1?}"
    );
    reconnects
}

/// Takes the demonstration's text away; the offset of that.
async fn empty_notes(product: &Product, thing: &str) -> u64 {
    let body = json!({"key": "empty", "patch": [{"op": "replace", "path": "/notes", "value": ""}]});
    let body = body.as_object().expect("an object").clone();
    let edited = live::login(product, "ada").call(Action::Edit, Some(thing), body).await.expect("an edit");
    edited["offset"].as_u64().expect("an offset")
}

/// Kills a process of one of these kinds every half second; how many.
async fn kill_now_and_then(product: &Product, kinds: &[&str], seed: u64, over: &AtomicBool) -> usize {
    let (mut random, mut kills) = (StdRng::seed_from_u64(seed), 0);
    loop {
        tokio::time::sleep(KILL_EVERY).await;
        if over.load(Ordering::Relaxed) {
            return kills;
        }
        let running = tokio::task::block_in_place(|| product.processes(kinds[random.random_range(0..kinds.len())]));
        if let Some((_, pid)) = running.first() {
            kill("KILL", *pid);
            kills += 1;
        }
    }
}
