//! Processes that are replaced on purpose, and the end of the server, under load.

use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::json;
use widgetapp::clock;

use super::{
    SETTINGS, TWO_OF_EACH, alone, assert_kept,
    figures::{Blow, Figures, pauses_by_kind, spread},
    load::{Load, Size},
    slow, verdict,
};
use crate::product::{Installation, Product, eventually, kill};

/// All clients have edited in this time.
const EDITED_AFTER: Duration = Duration::from_secs(3);

/// Has the administrator's order carried out ten times under load, which tells when it was given; nobody may lose the
/// connection for it.
fn ten_times(
    mut figures: Figures,
    mut product: Product,
    load: Load,
    what: &str,
    order: impl Fn(&Product, usize) -> Instant,
) {
    let (mut blows, mut lasted) = (Vec::new(), Vec::new());
    for round in 0..10 {
        let at = order(&product, round);
        blows.push(Blow { at, what: what.into() });
        lasted.push(at.elapsed());
        // So that every client edits between two of them.
        std::thread::sleep(EDITED_AFTER);
        assert!(load.goes_on(), "the clients have ended");
    }
    let outcome = load.finish();
    let closed = outcome.partings().len();
    let verdict = verdict(&mut product, &outcome);
    figures
        .note("each_took", spread(lasted))
        .note("connections_closed", closed)
        .verdict(&verdict)
        .note("pauses", pauses_by_kind(&blows, &outcome.waits()))
        .publish();
    assert_kept(&verdict);
    assert_eq!(closed, 0, "connections closed");
}

/// Gives an order that is carried out; when.
fn ordered(product: &Product, options: &[&str]) -> Instant {
    let at = clock::now();
    let (code, out, err) = product.admin(options);
    assert_eq!(code, 0, "{out}{err}");
    at
}

#[test]
#[ignore = "a minute"]
fn l1_ten_rolling_restarts_of_all_sfes_close_no_connection() {
    let _alone = alone();
    let mut figures = Figures::new("l1");
    // As many instances as the clients need.
    let scaled = [("WIDGETAPP_SFE__MAX_INSTANCES", "64")];
    let product = Product::start_with_env(&[], &[SETTINGS.as_slice(), &scaled].concat());
    let size = Size { clients: 200, things: 20, per_second: 1.0 };
    let load = Load::start(&product, size);
    let instances = size.clients / 10 + 1;
    eventually("as many run as are needed", || (product.processes("_sfe").len() == instances).then_some(()));
    figures.note("clients", size.clients).note("instances", instances);
    ten_times(figures, product, load, "all instances replaced", |product, _| {
        ordered(product, &["-process", "_sfe", "-n", &instances.to_string(), "-start"])
    });
}

/// There and back, so that each of the two goes on with what the other one has left.
#[test]
#[ignore = "OTHER_BUILD names the program of another build, such as target/debug/widgetapp; a minute"]
fn l2_upgrades_to_another_build_and_back_close_no_connection() {
    let _alone = alone();
    let other = std::env::var_os("OTHER_BUILD").expect("OTHER_BUILD names the program of another build");
    let installation = Installation::new();
    let product = Product::start_installed(&installation, &[], &[SETTINGS.as_slice(), &TWO_OF_EACH].concat());
    let load = Load::start(&product, Size { clients: 50, things: 10, per_second: 5.0 });
    ten_times(Figures::new("l2"), product, load, "upgrade", |product, round| {
        if round % 2 == 0 {
            installation.put_build(other.as_ref());
        } else {
            installation.put_newer();
        }
        let at = ordered(product, &["-upgrade"]);
        assert!(installation.is_run_by(product.pid()));
        at
    });
}

/// An administrator who is in a hurry asks again.
#[test]
fn l3_a_second_signal_ends_the_server_at_once() {
    book::claims!("stop-twice", 1);
    let mut product = Product::start();
    kill("STOP", product.processes("_stream")[0].1);
    kill("TERM", product.pid());
    eventually("it is stopping", || product.admin(&["-status"]).2.contains("stopping").then_some(()));
    let start = clock::now();
    assert_eq!(product.end("TERM"), Some(0));
    let took = start.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
}

/// How long the server takes to end, and its exit code, when something is in its way.
fn ends(figures: &mut Figures, what: &str, hinder: impl FnOnce(&Product) -> Vec<TcpStream>, most: Duration) {
    let mut product = Product::start_with_env(&[], &SETTINGS);
    let load = Load::start(&product, Size { clients: 20, things: 4, per_second: 5.0 });
    let _stuck = hinder(&product);
    let start = clock::now();
    let code = product.end("TERM");
    let took = start.elapsed();
    let outcome = load.cut();
    let mut verdict = verdict(&mut product, &outcome);
    // They were cut off: they may not have heard of the last changes.
    verdict.violations.retain(|violation| !violation.is_of_the_end());
    figures.note(
        what,
        json!({"exit_code": code, "ended_after_ms": took.as_millis() as u64,
               "acknowledged": verdict.acknowledged, "lost": verdict.lost()}),
    );
    assert_kept(&verdict);
    assert_eq!(code, Some(0), "{what}");
    assert!(took < most, "{what}: it took {took:?}");
}

#[test]
fn l3_the_server_ends_in_time_whatever_is_stuck() {
    let _alone = alone();
    let mut figures = Figures::new("l3");
    let most = Duration::from_secs(15);
    ends(&mut figures, "nothing in the way", |_| vec![], most);
    let mut edits = 0;
    let stuck = |product: &Product| {
        slow::fill_queues(product, 20, move || {
            edits += 1;
            edits > 8
        })
    };
    ends(&mut figures, "20 clients that do not read", stuck, most);
    for kind in ["_stream", "_wfe"] {
        let hang = |product: &Product| {
            kill("STOP", product.processes(kind)[0].1);
            vec![]
        };
        ends(&mut figures, &format!("{kind} stands still"), hang, Duration::from_secs(20));
    }
    figures.publish();
}
