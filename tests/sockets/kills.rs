//! What clients notice when a process is killed: of an `_sfe` or `_wfe` nothing, of a `_stream` a reconnect.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use widgetapp::client::{Client, EditBody, Login};

use crate::{
    live,
    members::Member,
    product::{Product, eventually, is_alive, kill},
};

const CLIENTS: usize = 20;
/// All clients are with one process.
const ONE_INSTANCE: (&str, &str) = ("WIDGETAPP_SFE__MAX_INSTANCES", "1");
const TWO_MINUTES: Duration = Duration::from_secs(120);

async fn members(product: &Product, who: &Login, thing: &str) -> Vec<Member> {
    let mut members = Vec::new();
    for _ in 0..CLIENTS {
        members.push(Member::join(product, who, thing).await);
    }
    members
}

/// Kills the only process of a kind.
fn kill_one(product: &Product, kind: &str) -> u32 {
    let pid = eventually("it is there", || product.processes(kind).first().map(|(_, pid)| *pid));
    kill("KILL", pid);
    pid
}

/// Everyone edits while a process is killed, several times; tells who lost the connection.
fn edits_while_killed(kind: &str) -> BTreeSet<usize> {
    const KILLS: usize = 4;
    let product = Product::start_with_env(&[], &[ONE_INSTANCE]);
    let (thing, ada) = (product.welcome(), live::login(&product, "ada"));
    live::run(TWO_MINUTES, async {
        let mut members = members(&product, &ada, &thing).await;
        let first = members[0].first;
        let mut lost = BTreeSet::new();
        for round in 0..KILLS {
            let killed = tokio::task::block_in_place(|| kill_one(&product, kind));
            let mut edits = tokio::task::JoinSet::new();
            for (n, member) in members.iter().enumerate() {
                let (client, thing) = (member.client.clone(), thing.clone());
                let patch = json!([{"op": "add", "path": format!("/meta/{round}-{n}"), "value": true}]);
                edits.spawn(async move {
                    client.edit(&thing, EditBody::Patch(patch)).await.expect("an edit is acknowledged").offset
                });
            }
            let offsets: BTreeSet<u64> = edits.join_all().await.into_iter().collect();
            let last = *offsets.last().expect("an edit");
            assert_eq!(offsets.len(), CLIENTS, "each edit has a place of its own");
            assert_eq!(last, first + ((round + 1) * CLIENTS) as u64 - 1, "each edit was made once");
            for (n, member) in members.iter_mut().enumerate() {
                if member.listen(last).await {
                    lost.insert(n);
                }
            }
            assert!(!is_alive(killed));
        }
        members.iter().for_each(Member::has_heard_all);
        let selected = members[0].client.select(&thing).await.expect("the Thing is there");
        let made = |key: &String| key.contains('-');
        assert_eq!(
            selected.content["meta"].as_object().expect("an object").keys().filter(|key| made(key)).count(),
            KILLS * CLIENTS
        );
        lost
    })
}

#[test]
fn a_killed_sfe_closes_no_connection_and_edits_go_on() {
    book::claims!("state-told-again", 1);
    book::claims!("C38", 1);
    assert_eq!(edits_while_killed("_sfe"), BTreeSet::new());
}

#[test]
fn a_killed_wfe_closes_no_connection_and_edits_go_on() {
    book::claims!("asked-again", 1);
    book::claims!("restart-wfe", 1);
    assert_eq!(edits_while_killed("_wfe"), BTreeSet::new());
}

#[test]
fn after_a_killed_stream_the_clients_come_back_and_miss_nothing() {
    book::claims!("resume-complete", 1);
    book::claims!("stream-clients", 1);
    assert_eq!(edits_while_killed("_stream").len(), CLIENTS);
}

#[test]
fn a_stream_takes_only_its_own_clients_with_it() {
    let product = Product::start_with_env(&[], &[ONE_INSTANCE, ("WIDGETAPP_SFE__STREAMS_PER_INSTANCE", "4")]);
    let (thing, ada) = (product.welcome(), live::login(&product, "ada"));
    live::run(TWO_MINUTES, async {
        let mut members = members(&product, &ada, &thing).await;
        let streams = tokio::task::block_in_place(|| product.processes("_stream"));
        assert_eq!(streams.len(), 4);
        kill("KILL", streams[0].1);
        let last = members[0].edit(&thing, "after").await;
        let mut lost = 0;
        for member in &mut members {
            lost += usize::from(member.listen(last).await);
            member.has_heard_all();
        }
        assert_eq!(lost, CLIENTS / 4);
    });
}

/// Whether every acknowledged edit is in the log of a server that was started anew.
#[test]
fn after_all_was_killed_at_once_every_acknowledged_edit_is_at_its_offset() {
    book::claims!("edit-durable", 1);
    book::claims!("edit-kept", 1);
    let mut product = Product::start();
    let thing = product.welcome();
    for round in 0..3 {
        let ada = live::login(&product, "ada");
        let acknowledged = live::run(TWO_MINUTES, async {
            let mut writers = tokio::task::JoinSet::new();
            for writer in 0..4 {
                let (client, _) = live::connect(&product, &ada).await;
                let thing = thing.clone();
                writers.spawn(async move { write_until_the_end(&client, &thing, &format!("{round}-{writer}")).await });
            }
            tokio::time::sleep(Duration::from_millis(700)).await;
            let pid = product.pid();
            let kinds = ["_wfe", "_sfe", "_stream"];
            let mut all: Vec<u32> = tokio::task::block_in_place(|| {
                kinds.iter().flat_map(|kind| product.processes(kind)).map(|(_, pid)| pid).collect()
            });
            all.push(pid);
            all.iter().for_each(|pid| kill("KILL", *pid));
            writers.join_all().await.concat()
        });
        assert!(acknowledged.len() > 20, "{} edits were acknowledged", acknowledged.len());
        product.start_again_on("KILL", &[], |data| data);
        let history = live::log_of(&product, &thing);
        assert_eq!(
            history.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(),
            (1..=history.len() as u64).collect::<Vec<_>>()
        );
        for (key, offset) in acknowledged {
            let places: Vec<u64> =
                history.iter().filter(|(_, other)| *other == Some(key.clone())).map(|(offset, _)| *offset).collect();
            assert_eq!(places, [offset], "the edit {key}");
        }
        let selected: Value = live::run(TWO_MINUTES, async {
            let ada = live::login(&product, "ada");
            ada.call(widgetapp::protocol::action::Action::Select, Some(&thing), Default::default()).await.unwrap()
        });
        assert_eq!(selected["offset"], history.len());
    }
}

/// Edits as fast as answers come; the keys and offsets of all that was acknowledged.
async fn write_until_the_end(client: &Client, thing: &str, name: &str) -> Vec<(String, u64)> {
    let mut acknowledged = Vec::new();
    for n in 0.. {
        let key = format!("{name}-{n}");
        let patch = json!([{"op": "add", "path": format!("/meta/{name}"), "value": n}]);
        let edit = widgetapp::client::NewEdit { key: Some(key.clone()), seen: None, change: EditBody::Patch(patch) };
        let Ok(reply) = client.start_edit(thing, edit).await else { break };
        // The client would wait for ever: the server that comes has another address.
        match tokio::time::timeout(Duration::from_secs(2), reply).await {
            Ok(Ok(edited)) => acknowledged.push((key, edited.offset)),
            _ => break,
        }
    }
    acknowledged
}
