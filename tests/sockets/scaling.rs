//! As many instances of the SFE as the clients need; processes that are replaced while people work; processes that
//! hang, or die again and again.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use widgetapp::{
    client::{EditBody, Login},
    clock,
    protocol::action::Create,
};

use crate::{
    live,
    members::Member,
    product::{Product, eventually, is_alive, kill},
};

const QUICKLY: (&str, &str) = ("WIDGETAPP_SFE__SCALE_DOWN_AFTER_SECONDS", "1");
const TWO_MINUTES: Duration = Duration::from_secs(120);

/// The clients of every instance that runs, by number.
fn clients(product: &Product) -> BTreeMap<u64, u64> {
    let sfes = rows(product).into_iter().filter(|row| row["process"] == "_sfe" && row["state"] == "running");
    sfes.filter_map(|row| Some((row["id"].as_str()?.parse().ok()?, row["clients"].as_u64()?))).collect()
}

/// The status, row by row.
fn rows(product: &Product) -> Vec<Value> {
    let (_, output, _) = product.admin(&["-status", "-json"]);
    output.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn row(product: &Product, process: &str, id: &str) -> Value {
    rows(product).into_iter().find(|row| row["process"] == process && row["id"] == id).expect("it is listed")
}

async fn blocking<T: Send + 'static>(product: &Arc<Product>, ask: impl FnOnce(&Product) -> T + Send + 'static) -> T {
    let product = product.clone();
    tokio::task::spawn_blocking(move || ask(&product)).await.expect("it does not panic")
}

async fn join_all(product: &Arc<Product>, who: &Login, thing: &str, count: usize) -> Vec<Member> {
    let mut joining = JoinSet::new();
    for _ in 0..count {
        let (product, who, thing) = (product.clone(), who.clone(), thing.to_owned());
        joining.spawn(async move { Member::join(&product, &who, &thing).await });
    }
    joining.join_all().await
}

#[test]
fn two_hundred_clients_have_twenty_one_instances_and_when_they_have_gone_there_is_one() {
    book::claims!("C30", 1);
    let product = Arc::new(Product::start_with_env(&[], &[QUICKLY]));
    let (thing, ada) = (product.welcome(), live::login(&product, "ada"));
    live::run(TWO_MINUTES, async {
        let mut members = join_all(&product, &ada, &thing, 200).await;
        let spread = blocking(&product, |product| {
            eventually("21 instances run", || Some(clients(product)).filter(|spread| spread.len() == 21))
        })
        .await;
        assert_eq!(spread.values().sum::<u64>(), 200, "{spread:?}");

        // Those that come now go where there is room.
        let empty = spread.values().filter(|clients| **clients == 0).count();
        members.extend(join_all(&product, &ada, &thing, 9).await);
        let spread = blocking(&product, |product| {
            eventually("all 209 are counted", || {
                Some(clients(product)).filter(|spread| spread.values().sum::<u64>() == 209)
            })
        })
        .await;
        let still_empty = spread.values().filter(|clients| **clients == 0).count();
        assert_eq!((spread.len(), still_empty), (21, empty.saturating_sub(9)), "{spread:?}");

        // 25 stay, wherever they are.
        members.truncate(25);
        blocking(&product, |product| {
            eventually("three instances are left", || {
                let spread = clients(product);
                (spread.len() == 3 && spread.values().sum::<u64>() == 25).then_some(())
            });
        })
        .await;
        let last = members[0].edit(&thing, "after").await;
        for member in &mut members {
            member.listen(last).await;
            member.has_heard_all();
        }
        drop(members);
        blocking(&product, |product| {
            eventually("one is left", || (clients(product).len() == 1 && rows(product).len() == 3).then_some(()));
        })
        .await;
    });
}

/// What a rolling restart of all instances was like for the clients.
struct Rolled {
    connections_lost: usize,
    /// How long each edit took that was sent in the time before, shortest first.
    before: Vec<Duration>,
    /// How long each edit took that was sent meanwhile.
    meanwhile: Vec<Duration>,
}

fn percentile(sorted: &[Duration], of_100: usize) -> Duration {
    sorted[(sorted.len() - 1) * of_100 / 100]
}

/// Replaces all instances several times while clients edit, ten to a Thing.
#[expect(clippy::disallowed_methods, reason = "it measures real time")]
fn roll(count: usize, rounds: usize, each_edits_every: Duration) -> Rolled {
    let product = Arc::new(Product::start());
    let ada = live::login(&product, "ada");
    let rolled = live::run(TWO_MINUTES, async {
        let (creator, _events) = live::connect(&product, &ada).await;
        let (mut writing, mut members) = (JoinSet::new(), Vec::new());
        for _ in 0..count.div_ceil(10) {
            let thing =
                creator.create(&Create { title: "Rolled".into(), content: None }).await.expect("a Thing is made").thing;
            for member in join_all(&product, &ada, &thing, 10).await {
                members.push((thing.clone(), member));
            }
        }
        let instances = count / 10 + 1;
        blocking(&product, move |product| {
            eventually("all instances run", || (clients(product).len() == instances).then_some(()));
        })
        .await;
        let (over, is_over) = tokio::sync::watch::channel(false);
        for (number, (thing, member)) in members.iter().enumerate() {
            let (client, thing, is_over) = (member.client.clone(), thing.clone(), is_over.clone());
            writing.spawn(async move {
                let mut took = Vec::new();
                tokio::time::sleep(each_edits_every * u32::try_from(number % 10).expect("small") / 10).await;
                for edit in 0.. {
                    if *is_over.borrow() {
                        break;
                    }
                    let sent = Instant::now();
                    let patch = json!([{"op": "add", "path": format!("/meta/{number}"), "value": edit}]);
                    client.edit(&thing, EditBody::Patch(patch)).await.expect("an edit is acknowledged");
                    took.push((sent, sent.elapsed()));
                    tokio::time::sleep(each_edits_every.saturating_sub(sent.elapsed())).await;
                }
                took
            });
        }
        // All are at work for a while before the first is replaced.
        tokio::time::sleep(each_edits_every).await;
        let at_work = Instant::now();
        tokio::time::sleep(2 * each_edits_every).await;
        let (began, wanted) = (Instant::now(), instances.to_string());
        for _ in 0..rounds {
            let wanted = wanted.clone();
            let (code, output, errors) =
                blocking(&product, move |product| product.admin(&["-process", "_sfe", "-n", &wanted, "-start"])).await;
            assert_eq!((code, errors.as_str()), (0, ""));
            assert_eq!(output.lines().filter(|line| line.contains("is replaced")).count(), instances, "{output}");
        }
        let ended = Instant::now();
        tokio::time::sleep(each_edits_every).await;
        over.send_replace(true);
        let took = writing.join_all().await.concat();
        let sent_within = |from: Instant, to: Instant| {
            let such = took.iter().filter(|(sent, took)| *sent < to && *sent + *took > from);
            let mut such: Vec<Duration> = such.map(|(_, took)| *took).collect();
            such.sort();
            such
        };
        let (before, meanwhile) = (sent_within(at_work, began), sent_within(began, ended));
        let mut connections_lost = 0;
        for (thing, member) in &mut members {
            let last = member.client.select(thing).await.expect("the Thing is there").offset;
            connections_lost += usize::from(member.listen(last).await);
            member.has_heard_all();
        }
        Rolled { connections_lost, before, meanwhile }
    });
    let restarts: u64 = rows(&product).iter().filter_map(|row| row["restarts"].as_u64()).sum();
    assert_eq!(restarts, 0, "what was asked for is no death");
    rolled
}

/// On a machine that is busy with something else, everything takes its time: there the pause is only told.
const QUIET: Duration = Duration::from_millis(25);

/// Nothing may be lost. The pause is what comes to the time that an edit takes on this machine anyway.
fn assert_unnoticed(rolled: &Rolled) {
    for (when, took) in [("before", &rolled.before), ("meanwhile", &rolled.meanwhile)] {
        let [median, p99, most] = [50, 99, 100].map(|of_100| percentile(took, of_100));
        println!("{when}: {} edits, median {median:?}, p99 {p99:?}, max {most:?}", took.len());
    }
    assert_eq!(rolled.connections_lost, 0);
    let usual = percentile(&rolled.before, 99);
    let pause = percentile(&rolled.meanwhile, 99).saturating_sub(usual);
    assert!(usual > QUIET || pause < Duration::from_millis(250), "{pause:?}");
}

#[test]
fn fresh_instances_one_by_one_keep_every_connection_and_change() {
    book::claims!("C34", 1);
    assert_unnoticed(&roll(100, 5, Duration::from_millis(500)));
}

/// A change has a key, by which it is known again; making a Thing has none.
#[test]
fn what_cannot_be_asked_twice_is_done_once_while_instances_are_replaced() {
    book::claims!("start-kept", 1);
    let product = Arc::new(Product::start());
    let ada = live::login(&product, "ada");
    live::run(TWO_MINUTES, async {
        let (over, is_over) = tokio::sync::watch::channel(false);
        let mut making = JoinSet::new();
        for number in 0..4 {
            let (client, events) = live::connect(&product, &ada).await;
            let is_over = is_over.clone();
            making.spawn(async move {
                let mut made = 0u32;
                while !*is_over.borrow() {
                    let new = Create { title: format!("Made {number} {made}"), content: None };
                    client.create(&new).await.expect("it is made");
                    made += 1;
                }
                drop(events);
                made
            });
        }
        for _ in 0..10 {
            let (code, ..) =
                blocking(&product, |product| product.admin(&["-process", "_sfe", "-n", "1", "-start"])).await;
            assert_eq!(code, 0);
        }
        over.send_replace(true);
        let made: u32 = making.join_all().await.into_iter().sum();
        let store = rusqlite::Connection::open(product.data().join("store.db")).expect("the store can be read");
        let count = "SELECT count(*) FROM things WHERE title LIKE 'Made %'";
        let stored: u32 = store.query_row(count, [], |row| row.get(0)).expect("they can be counted");
        assert!(made >= 20, "{made} were made");
        assert_eq!(stored, made);
    });
}

/// The long form: `cargo test --release --test sockets -- --ignored --nocapture five_hundred`.
#[test]
#[ignore = "five hundred clients need a release build and some time"]
fn fresh_instances_one_by_one_are_not_noticed_by_five_hundred_clients() {
    let rolled = roll(500, 10, Duration::from_millis(500));
    assert_unnoticed(&rolled);
    let slowest = percentile(&rolled.meanwhile, 99);
    assert!(slowest < Duration::from_millis(250), "{slowest:?}");
}

#[test]
fn a_process_that_hangs_is_found_within_5_seconds_and_replaced() {
    book::claims!("hang", 1);
    let product = Product::start();
    let halted: Vec<_> = ["_stream", "_sfe", "_wfe"].iter().map(|kind| (*kind, product.processes(kind)[0].1)).collect();
    let start = clock::now();
    halted.iter().for_each(|(_, pid)| kill("STOP", *pid));
    for (kind, old) in &halted {
        eventually("it is replaced", || product.processes(kind).iter().find(|(_, pid)| pid != old).cloned());
        assert!(!is_alive(*old));
    }
    let took = clock::now() - start;
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(product.log().contains("a process hangs and is killed"));
}

#[test]
fn an_instance_that_dies_again_and_again_is_set_aside_until_it_is_taken_back() {
    book::claims!("crash-loop", 1);
    let product = Product::start_with_env(&[], &[("WIDGETAPP_SFE__MIN_INSTANCES", "2")]);
    let (start, mut kills) = (clock::now(), 0u32);
    eventually("it is set aside", || {
        let stream = row(&product, "_stream", "2.1");
        if let Some(pid) = stream["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()) {
            kill("KILL", pid);
            kills += 1;
            eventually("it has ended", || (!is_alive(pid)).then_some(()));
        }
        (row(&product, "_sfe", "2")["state"] == "set aside").then_some(())
    });
    let took = clock::now() - start;
    assert!(f64::from(kills) <= 12.0 + took.as_secs_f64(), "{kills} kills in {took:?}: it is started too often");
    assert_eq!(row(&product, "_sfe", "1")["state"], "running");
    assert!(product.log().contains("is set aside"), "the log tells");
    live::run(TWO_MINUTES, async {
        let ada = live::login(&product, "ada");
        let member = Member::join(&product, &ada, &product.welcome()).await;
        member.edit(&product.welcome(), "meanwhile").await;
    });
    let (code, output, errors) = product.admin(&["-process", "_sfe", "-id", "2", "-restart"]);
    assert_eq!((code, errors.as_str()), (0, ""), "{output}");
    assert!(output.starts_with("_sfe 2 is started"), "{output}");
    assert_eq!(clients(&product).len(), 2);
}

#[test]
fn the_last_instance_is_never_set_aside() {
    book::claims!("crash-loop", 1);
    let product = Product::start();
    let mut dead = 0;
    eventually("it has died more often than others may", || {
        let (id, pid) = product.processes("_sfe").pop()?;
        assert_eq!(id, "1");
        kill("KILL", pid);
        eventually("it has ended", || (!is_alive(pid)).then_some(()));
        dead += 1;
        (dead > 22).then_some(())
    });
    eventually("it comes back", || product.processes("_sfe").pop());
}

#[test]
fn the_server_ends_within_15_seconds_even_if_everything_hangs() {
    book::claims!("stop-bounded", 1);
    let mut product = Product::start();
    let pids: Vec<u32> =
        ["_wfe", "_sfe", "_stream"].iter().flat_map(|kind| product.processes(kind)).map(|(_, pid)| pid).collect();
    let start = clock::now();
    pids.iter().for_each(|pid| kill("STOP", *pid));
    assert_eq!(product.end("TERM"), Some(0));
    let took = clock::now() - start;
    assert!(took < Duration::from_secs(15), "{took:?}");
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
}

#[test]
fn the_administrator_is_told_in_one_line_that_the_server_is_stopping() {
    book::claims!("stop-bounded", 1);
    let mut product = Product::start();
    kill("STOP", product.processes("_stream")[0].1);
    kill("TERM", product.pid());
    let (code, errors) = eventually("it is stopping", || {
        let (code, _, errors) = product.admin(&["-status"]);
        (code != 0).then_some((code, errors))
    });
    assert_eq!((code, errors.lines().count()), (1, 1), "{errors}");
    assert!(errors.contains("stopping"), "{errors}");
    product.end("TERM");
}
