//! The program is replaced while the server runs: what clients notice of it, what becomes of the processes, and what
//! prevents it.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::TcpStream,
    process::Command,
    sync::Arc,
    time::Duration,
};

use serde_json::json;
use tokio::task::JoinSet;
use widgetapp::{client::EditBody, protocol::action::Create};

use crate::{
    live,
    members::Member,
    product::{Installation, PATIENCE, Product, eventually, is_alive, kill},
};

const TWO_MINUTES: Duration = Duration::from_secs(120);
const ONE_INSTANCE: (&str, &str) = ("WIDGETAPP_SFE__MAX_INSTANCES", "1");

/// The operating-system ids of all processes of these kinds that run, by kind and number.
fn pids(product: &Product, kinds: &[&str]) -> BTreeMap<String, u32> {
    let of_kind = |kind: &&str| {
        let name = format!("{kind} ");
        product.processes(kind).into_iter().map(move |(id, pid)| (name.clone() + &id, pid))
    };
    kinds.iter().flat_map(of_kind).collect()
}

fn upgrade(product: &Product) -> String {
    let (code, output, errors) = product.admin(&["-upgrade"]);
    assert_eq!((code, errors.as_str()), (0, ""), "{output}");
    output
}

/// The one line that says why nothing was done.
fn refusal(product: &Product) -> String {
    let (code, output, errors) = product.admin(&["-upgrade"]);
    assert_eq!((code, output.as_str(), errors.lines().count()), (1, "", 1), "{errors}");
    errors
}

/// All of the old ones have been replaced by the program that is installed, but for the `_stream`s.
fn assert_renewed(product: &Product, installation: &Installation, before: &BTreeMap<String, u32>) {
    let after = pids(product, &["_wfe", "_sfe", "_stream"]);
    for (name, pid) in before {
        let stays = name.starts_with("_stream");
        assert_eq!(after.get(name) == Some(pid), stays, "{name}: {before:?}, {after:?}");
    }
    for (name, pid) in &after {
        assert_eq!(installation.is_run_by(*pid), !before.values().any(|old| old == pid), "{name}");
    }
    assert!(installation.is_run_by(product.pid()));
}

#[test]
fn a_hundred_clients_edit_while_the_program_is_replaced_and_notice_nothing() {
    book::claims!("upgrade-kept", 1);
    const CLIENTS: usize = 100;
    const UPGRADES: usize = 3;
    let installation = Installation::new();
    let product = Arc::new(Product::start_installed(&installation, &[], &[("WIDGETAPP_SFE__MAX_INSTANCES", "4")]));
    let (supervisor, ada) = (product.pid(), live::login(&product, "ada"));
    let edits = live::run(TWO_MINUTES, async {
        let (creator, _events) = live::connect(&product, &ada).await;
        let mut members = Vec::new();
        for _ in 0..CLIENTS / 10 {
            let new = Create { title: "Upgraded".into(), content: None };
            let thing = creator.create(&new).await.expect("a Thing is made").thing;
            for _ in 0..10 {
                members.push((thing.clone(), Member::join(&product, &ada, &thing).await));
            }
        }
        let (over, is_over) = tokio::sync::watch::channel(false);
        let mut writing = JoinSet::new();
        for (number, (thing, member)) in members.iter().enumerate() {
            let (client, thing, is_over) = (member.client.clone(), thing.clone(), is_over.clone());
            writing.spawn(async move {
                let mut offsets = Vec::new();
                while !*is_over.borrow() {
                    let patch = json!([{"op": "add", "path": format!("/meta/{number}"), "value": offsets.len()}]);
                    let edited = client.edit(&thing, EditBody::Patch(patch)).await.expect("an edit is acknowledged");
                    offsets.push((thing.clone(), edited.offset));
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                offsets
            });
        }
        let (upgraded, replaced) = (product.clone(), installation);
        let (sent, installation) = tokio::task::spawn_blocking(move || {
            eventually("all instances run", || (upgraded.processes("_sfe").len() == 4).then_some(()));
            for _ in 0..UPGRADES {
                let before = pids(&upgraded, &["_wfe", "_sfe", "_stream"]);
                replaced.put_newer();
                let told = upgrade(&upgraded);
                assert!(told.contains(&format!("(pid {}) is replaced by widgetapp", upgraded.pid())), "{told}");
                assert_eq!(told.lines().filter(|line| line.contains("replaced by a fresh one")).count(), 5, "{told}");
                assert_renewed(&upgraded, &replaced, &before);
            }
            (upgraded.pid(), replaced)
        })
        .await
        .expect("the program is replaced");
        assert_eq!(sent, supervisor);
        over.send_replace(true);
        let edits = writing.join_all().await.concat();
        for (thing, member) in &mut members {
            let last = member.client.select(thing).await.expect("the Thing is there").offset;
            assert!(!member.listen(last).await, "a connection was lost");
            member.has_heard_all();
        }
        drop(installation);
        edits
    });
    assert!(edits.len() > CLIENTS * UPGRADES, "{} edits", edits.len());
    let mut by_thing = BTreeMap::<String, Vec<u64>>::new();
    edits.into_iter().for_each(|(thing, offset)| by_thing.entry(thing).or_default().push(offset));
    for (thing, mut acknowledged) in by_thing {
        acknowledged.sort_unstable();
        // The first is the Thing's creation.
        let stored: Vec<u64> = live::log_of(&product, &thing).into_iter().map(|(offset, _)| offset).skip(1).collect();
        assert_eq!(acknowledged, stored, "each acknowledged edit is there, and none twice");
    }
}

#[test]
fn a_signal_replaces_the_program_too() {
    book::claims!("upgrade-kept", 1);
    let installation = Installation::new();
    let product = Product::start_installed(&installation, &[], &[]);
    let before = pids(&product, &["_wfe", "_sfe", "_stream"]);
    installation.put_newer();
    kill("HUP", product.pid());
    eventually("_wfe and _sfe are replaced", || {
        let after = pids(&product, &["_wfe", "_sfe"]);
        (after.len() == 2 && after.values().all(|pid| installation.is_run_by(*pid))).then_some(())
    });
    assert_renewed(&product, &installation, &before);
}

#[test]
fn many_signals_at_once_do_no_harm() {
    book::claims!("upgrade-kept", 1);
    let installation = Installation::new();
    let mut product = Product::start_installed(&installation, &[], &[]);
    installation.put_newer();
    eventually("the program is replaced", || {
        kill("HUP", product.pid());
        installation.is_run_by(product.pid()).then_some(())
    });
    for _ in 0..50 {
        kill("HUP", product.pid());
    }
    eventually("it can be told to stop", || pids(&product, &["_wfe", "_sfe", "_stream"]).len().eq(&3).then_some(()));
    assert_eq!(product.end("TERM"), Some(0));
}

#[test]
fn a_program_that_cannot_take_over_is_refused_in_one_line_and_nothing_changes() {
    book::claims!("upgrade-refused", 1);
    let installation = Installation::new();
    let product = Product::start_installed(&installation, &[], &[]);
    let before = pids(&product, &["_wfe", "_sfe", "_stream"]);
    let refused = |make: &dyn Fn(), why: &str| {
        make();
        let line = refusal(&product);
        assert!(line.contains(why) && line.contains("nothing has changed"), "{why}: {line}");
        assert_eq!(pids(&product, &["_wfe", "_sfe", "_stream"]), before);
    };
    let script = |text| installation.put_script(text);
    refused(&|| script("exit 1"), "exit status: 1");
    refused(&|| script("echo widgetapp: the moon is full >&2; exit 1"), ": the moon is full;");
    refused(&|| script("exit 2"), "stop the server and start it again");
    refused(&|| script("kill -9 $$"), "signal: 9");
    refused(&|| script("yes"), "cannot take over");
    refused(&|| script("echo hello"), "it is not the server's program");
    // What works until it is to be executed.
    refused(&|| script("rm \"$HERE/widgetapp\"; exec \"$REAL\" \"$@\""), "cannot be executed: No such file");
    refused(&|| installation.put_truncated(), "cannot take over");
    refused(&|| installation.remove(), "No such file");
    installation.put_newer();
    upgrade(&product);
    assert_renewed(&product, &installation, &before);
}

#[test]
fn a_program_that_does_not_answer_is_not_waited_for() {
    book::claims!("upgrade-refused", 1);
    let installation = Installation::new();
    let product = Product::start_installed(&installation, &[], &[]);
    let before = pids(&product, &["_wfe", "_sfe", "_stream"]);
    installation.put_script("echo $$ > \"$HERE/pid\"; exec sleep 600");
    assert!(refusal(&product).contains("it did not answer within 10s"));
    let asked = std::fs::read_to_string(installation.beside("pid")).expect("it was asked");
    let asked = asked.trim().parse().expect("a number");
    eventually("it is ended", || (!is_alive(asked)).then_some(()));
    assert_eq!(pids(&product, &["_wfe", "_sfe", "_stream"]), before);
}

#[test]
fn a_process_that_is_started_again_is_of_the_running_program() {
    book::claims!("same-program", 1);
    let installation = Installation::new();
    let product = Product::start_installed(&installation, &[], &[]);
    installation.put_script("exit 1");
    for kind in ["_stream", "_sfe", "_wfe"] {
        let (_, old) = product.processes(kind)[0].clone();
        kill("KILL", old);
        eventually("it is replaced", || product.processes(kind).iter().find(|(_, pid)| *pid != old).cloned());
    }
}

#[test]
fn only_one_upgrade_is_carried_out_at_a_time() {
    book::claims!("upgrade-refused", 1);
    let installation = Installation::new();
    let product = Product::start_installed(&installation, &[], &[]);
    let before = pids(&product, &["_wfe", "_sfe", "_stream"]);
    installation.put_script("touch $HERE/asked; while ! [ -e $HERE/go ]; do sleep 0.01; done; exec \"$REAL\" \"$@\"");
    std::thread::scope(|scope| {
        let first = scope.spawn(|| upgrade(&product));
        eventually("the new program is asked", || installation.beside("asked").exists().then_some(()));
        for command in [&["-upgrade"][..], &["-process", "_wfe", "-restart"]] {
            let (code, _, errors) = product.admin(command);
            assert_eq!((code, errors.lines().count()), (1, 1), "{errors}");
            assert!(errors.contains("another order is being carried out"), "{errors}");
        }
        kill("HUP", product.pid());
        std::fs::write(installation.beside("go"), "").expect("it can be written");
        first.join().expect("it is not disturbed");
    });
    let after = pids(&product, &["_wfe", "_sfe"]);
    assert!(after.iter().all(|(name, pid)| before[name] != *pid));
}

/// It dies when the old program does not hear of it any more, and the new one not yet.
#[test]
fn a_process_that_dies_between_the_two_programs_is_missed() {
    book::claims!("upgrade-kept", 1);
    let installation = Installation::new();
    let product = Product::start_installed(&installation, &[], &[]);
    let (_, stream) = product.processes("_stream")[0].clone();
    installation.put_script(&format!("[ \"$1\" = config ] || kill -9 {stream}\nexec \"$REAL\" \"$@\""));
    upgrade(&product);
    eventually("another _stream takes its place", || product.processes("_stream").first().cloned());
    assert!(!is_alive(stream));
    let restarts: u64 = product
        .admin(&["-status", "-json"])
        .1
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["restarts"].as_u64())
        .sum();
    assert_eq!(restarts, 1);
}

#[test]
fn after_an_upgrade_everything_is_as_before() {
    book::claims!("upgrade-kept", 1);
    book::claims!("start-floor", 2);
    let installation = Installation::new();
    let mut product = Product::start_installed(&installation, &[], &[]);
    let opened = |product: &Product| {
        let told = product.admin(&["-status", "-json"]).1;
        assert!(!told.is_empty());
        told.lines().count()
    };
    let (_, old) = product.processes("_sfe")[0].clone();
    kill("KILL", old);
    eventually("it is replaced", || product.processes("_sfe").iter().find(|(_, pid)| *pid != old).cloned());
    assert_eq!(product.admin(&["-process", "_sfe", "-n", "2", "-start"]).0, 0);
    assert_eq!(opened(&product), 5);
    installation.put_newer();
    upgrade(&product);

    // What was ordered, and what was counted.
    assert_eq!(opened(&product), 5);
    assert!(product.admin(&["-process", "_sfe", "-id", "2", "-stop"]).2.contains("never fewer than 2 run"));
    let status = product.admin(&["-status", "-json"]).1;
    assert!(status.lines().any(|line| line.contains("\"restarts\":1")), "{status}");
    // Who dies is replaced.
    for kind in ["_stream", "_sfe", "_wfe"] {
        let (id, old) = product.processes(kind)[0].clone();
        kill("KILL", old);
        eventually("it is replaced", || {
            product.processes(kind).into_iter().find(|(other, pid)| *other == id && *pid != old)
        });
    }
    // The data are claimed.
    let second = Command::new(env!("CARGO_BIN_EXE_widgetapp"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(product.data())
        .output()
        .expect("the program runs");
    assert!(String::from_utf8_lossy(&second.stderr).contains("another server uses the data directory"));
    // It stops, in order and with all its processes.
    let all: Vec<u32> = product.children();
    assert_eq!((all.len(), product.end("TERM")), (5, Some(0)));
    assert!(all.iter().all(|pid| !is_alive(*pid)));
}

#[test]
fn a_killed_supervisor_leaves_no_process_behind_after_an_upgrade_either() {
    book::claims!("all-end-together", 1);
    let installation = Installation::new();
    let mut product = Product::start_installed(&installation, &[], &[]);
    upgrade(&product);
    let all = product.children();
    assert_eq!(all.len(), 3);
    product.end("KILL");
    eventually("all are gone", || all.iter().all(|pid| !is_alive(*pid)).then_some(()));
}

#[test]
fn a_new_program_that_cannot_go_on_gives_the_server_back() {
    book::claims!("upgrade-back", 1);
    let installation = Installation::new();
    let product = Arc::new(Product::start_installed(&installation, &[], &[ONE_INSTANCE]));
    let before = pids(&product, &["_wfe", "_sfe", "_stream"]);
    let (thing, ada) = (product.welcome(), live::login(&product, "ada"));
    live::run(TWO_MINUTES, async {
        let mut member = Member::join(&product, &ada, &thing).await;
        let first = member.edit(&thing, "before").await;
        installation.put_failing(product.data());
        for _ in 0..2 {
            let asked = product.clone();
            let line = tokio::task::spawn_blocking(move || refusal(&asked)).await.expect("it is refused");
            assert!(line.contains("sfe.min_instances"), "{line}");
            assert!(line.contains("the one before goes on, and nothing has changed"), "{line}");
            assert_eq!(pids(&product, &["_wfe", "_sfe", "_stream"]), before);
            std::fs::remove_file(product.data().join("widgetapp.toml")).expect("it was written");
        }
        let last = member.edit(&thing, "after").await;
        assert_eq!(last, first + 1);
        assert!(!member.listen(last).await, "the connection was lost");
        member.has_heard_all();
    });
    let name = std::fs::read_to_string(format!("/proc/{}/comm", product.pid())).expect("it runs");
    assert_eq!(name, "widgetapp\n");
    installation.put_newer();
    upgrade(&product);
    assert_renewed(&product, &installation, &before);
}

#[test]
fn a_new_program_that_cannot_go_on_gives_back_a_server_without_processes_too() {
    book::claims!("upgrade-back", 1);
    book::claims!("upgrade-apart", 1);
    let installation = Installation::new();
    let product = Product::start_installed(&installation, &[], &[]);
    let before = pids(&product, &["_wfe", "_sfe", "_stream"]);
    installation.put_incompatible_and_failing(product.data());
    let line = refusal(&product);
    assert!(line.contains("the one before goes on, and its processes were started anew"), "{line}");
    let after = pids(&product, &["_wfe", "_sfe", "_stream"]);
    assert!(after.len() == 3 && before.iter().all(|(name, pid)| after[name] != *pid), "{before:?}, {after:?}");
}

/// One that is killed cannot give anything back.
#[test]
fn a_new_program_that_is_killed_at_once_ends_with_all_processes() {
    book::claims!("all-end-together", 1);
    let installation = Installation::new();
    let product = Product::start_installed(&installation, &[], &[]);
    let all = product.children();
    installation.put_script("[ \"$1\" = config ] || kill -9 $$\nexec \"$REAL\" \"$@\"");
    let (code, _, errors) = product.admin(&["-upgrade"]);
    assert_eq!((code, errors.lines().count()), (1, 1), "{errors}");
    assert!(errors.contains("ended before it had answered"), "{errors}");
    eventually("all are gone", || all.iter().chain([&product.pid()]).all(|pid| !is_alive(*pid)).then_some(()));
}

#[test]
fn five_upgrades_leave_no_descriptor_open() {
    book::claims!("upgrade-kept", 1);
    let product = Product::start_with_env(&[], &[("WIDGETAPP_METRICS__LISTEN", "127.0.0.1:0")]);
    let open = || {
        let of = |pid: u32| std::fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").count();
        (of(product.pid()), of(product.processes("_stream")[0].1))
    };
    let before = open();
    for _ in 0..5 {
        upgrade(&product);
        assert!(scrape(product.metrics_url()).contains("widgetapp_build_info"));
    }
    eventually("as many are open as before", || (open() == before).then_some(()));
}

/// What is answered to Prometheus.
fn scrape(url: &str) -> String {
    let address = url.strip_prefix("http://").and_then(|rest| rest.split('/').next()).expect("a URL");
    let mut connection = TcpStream::connect(address).expect("somebody listens");
    connection.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("it answers");
    answer
}

#[test]
fn the_new_program_reads_its_settings_but_stays_where_it_is() {
    book::claims!("upgrade-settings", 1);
    let installation = Installation::new();
    let product = Product::start_installed(&installation, &[], &[]);
    let before = pids(&product, &["_wfe", "_sfe", "_stream"]);
    let settings = |text: &str| std::fs::write(product.data().join("widgetapp.toml"), text).expect("it can be written");
    settings("[metrics]\nlisten = \"127.0.0.1:0\"\n");
    assert!(refusal(&product).contains("metrics.listen has changed"));
    settings("[sfe]\nmin_instances = \"many\"\n");
    assert!(refusal(&product).contains("sfe.min_instances"));
    assert_eq!(pids(&product, &["_wfe", "_sfe", "_stream"]), before);
    settings("[sfe]\nmin_instances = 2\nstreams_per_instance = 2\n");
    upgrade(&product);
    eventually("there are as many as the settings say", || {
        let kinds = ["_wfe", "_sfe", "_stream"].map(|kind| product.processes(kind).len());
        (kinds == [1, 2, 4]).then_some(())
    });
    settings("[sfe]\nmin_instances = 2\nstreams_per_instance = 1\n");
    upgrade(&product);
    eventually("those that are too many have ended", || (product.processes("_stream").len() == 2).then_some(()));
}

#[test]
fn data_of_a_later_release_are_left_alone() {
    book::claims!("upgrade-refused", 1);
    let product = Product::start();
    let before = pids(&product, &["_wfe", "_sfe", "_stream"]);
    let store = rusqlite::Connection::open(product.data().join("store.db")).expect("it can be opened");
    store.pragma_update(None, "user_version", 99).expect("it can be written");
    assert!(refusal(&product).contains("store.db has version 99"));
    assert_eq!(pids(&product, &["_wfe", "_sfe", "_stream"]), before);
}

/// The new program says that its processes speak another language.
#[test]
fn where_processes_do_not_understand_each_other_all_are_started_anew() {
    book::claims!("upgrade-apart", 1);
    const CLIENTS: usize = 20;
    let installation = Installation::new();
    let product = Arc::new(Product::start_installed(&installation, &[], &[ONE_INSTANCE]));
    let (thing, ada) = (product.welcome(), live::login(&product, "ada"));
    live::run(TWO_MINUTES, async {
        let mut members = Vec::new();
        for _ in 0..CLIENTS {
            members.push(Member::join(&product, &ada, &thing).await);
        }
        installation.put_incompatible();
        let (asking, upgraded) = (product.clone(), product.clone());
        let (told, is_over) = tokio::sync::watch::channel(false);
        // Whoever comes meanwhile waits, and is not refused.
        let coming = tokio::task::spawn_blocking(move || {
            let mut answered = 0;
            while !*is_over.borrow() {
                let mut connection = TcpStream::connect(asking.address()).expect("nobody is refused");
                connection.set_read_timeout(Some(PATIENCE)).expect("a time-out");
                connection.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("sent");
                let mut answer = String::new();
                // One whose request is under way when its process ends is answered or cut off.
                let _ = connection.read_to_string(&mut answer);
                answered += usize::from(answer.starts_with("HTTP/1.1 200"));
            }
            answered
        });
        let before = members[0].edit(&thing, "before").await;
        let output = tokio::task::spawn_blocking(move || {
            let before = pids(&upgraded, &["_wfe", "_sfe", "_stream"]);
            let output = upgrade(&upgraded);
            let after = pids(&upgraded, &["_wfe", "_sfe", "_stream"]);
            assert!(before.iter().all(|(name, pid)| after[name] != *pid), "{before:?}, {after:?}");
            output
        })
        .await
        .expect("the program is replaced");
        assert!(output.contains("all were started anew"), "{output}");
        told.send_replace(true);
        assert!(coming.await.expect("nobody is refused") > 0);
        let last = members[0].edit(&thing, "after").await;
        assert_eq!(last, before + 1);
        let mut lost = 0;
        for member in &mut members {
            lost += usize::from(member.listen(last).await);
            member.has_heard_all();
        }
        assert_eq!(lost, CLIENTS);
    });
}
