//! Access that ends while a process is away, or is killed at that moment.

use super::*;

/// Withdrawn while `_sfe` hears nothing; then processes are killed before they could pass it on.
#[test]
fn a_change_made_while_a_process_is_away_reaches_the_connection_when_it_is_back() {
    book::claims!("access-ends-restart", 1);
    for killed in [&["_sfe"][..], &["_wfe", "_sfe"], &["_wfe"]] {
        live::run(TWO_MINUTES, async {
            let watched = Watched::new(Product::start(), Duration::from_millis(20));
            let mut grace = watched.open_as("grace").await;
            let product = watched.product.clone();
            let frozen = blocking(move || product.processes("_sfe")[0].1).await;
            kill("STOP", frozen);
            as_ada(&watched.product, Action::Uninvite, &watched.thing, json!({"user": "grace"})).await;
            for kind in killed {
                let product = watched.product.clone();
                blocking(move || product.processes(kind).iter().for_each(|(_, pid)| kill("KILL", *pid))).await;
            }
            kill("CONT", frozen);
            until_role(&mut grace.1, "none").await;
            watched.is_over(&mut grace).await;
            assert!(grace.0.ended().is_none(), "the connection is kept");
        });
    }
}

/// Killed at any moment around the change, again and again.
#[test]
fn no_kill_around_the_change_keeps_access_alive() {
    book::claims!("access-ends-restart", 1);
    live::run(3 * TWO_MINUTES, async {
        let watched = Watched::new(Product::start(), Duration::from_millis(5));
        let mut grace = watched.open_as("grace").await;
        for round in 0..12_u64 {
            let kind = if round % 2 == 0 { "_sfe" } else { "_wfe" };
            let product = watched.product.clone();
            let pids = blocking(move || product.processes(kind)).await;
            let killing = blocking(move || {
                std::thread::sleep(Duration::from_millis(3 * round));
                pids.iter().for_each(|(_, pid)| kill("KILL", *pid));
            });
            let (product, thing) = (watched.product.clone(), watched.thing.clone());
            let ending = async {
                // A killed `_wfe` answers nothing; what was asked may have been done or not.
                let body = json!({"user": "grace"}).as_object().cloned().expect("fields");
                let ada = live::login(&product, "ada");
                while ada.call(Action::Uninvite, Some(&thing), body.clone()).await.is_err() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::join!(killing, ending);
            until_role(&mut grace.1, "none").await;
            watched.is_over(&mut grace).await;
            as_ada(&watched.product, Action::Invite, &watched.thing, json!({"user": "grace", "role": "editor"})).await;
            grace.0.open(&watched.thing, Form::Json).await.expect("it is shared with her again");
        }
    });
}
