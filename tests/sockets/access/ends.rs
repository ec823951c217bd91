//! Whatever ends or changes access reaches what is live, at once.

use super::*;

/// Live connections of the one whose access ends.
const MANY: usize = 500;

/// p50, p99 and the worst of these, in milliseconds.
fn figures(mut took: Vec<Duration>) -> (f64, f64, f64) {
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    (at(0.5), at(0.99), at(1.0))
}

fn within_a_second(what: &str, took: Vec<Duration>) {
    assert_eq!(took.len(), MANY, "{what}");
    let (p50, p99, max) = figures(took);
    println!("{what}: {MANY} live connections, last message after p50 {p50:.0} ms, p99 {p99:.0} ms, max {max:.0} ms");
    assert!(max < 1000.0, "{what}: {max} ms");
}

/// From the call until the last that each of many connections hears of the Thing, while it is edited all the time.
#[test]
fn access_ends_within_a_second_on_500_live_connections() {
    book::claims!("access-ends", 1);
    book::claims!("access-end-time", 1);
    live::run(TWO_MINUTES, async {
        let watched = Watched::new(Product::start(), Duration::from_millis(100));
        let grace = live::login(&watched.product, "grace");
        grace.access_token().await.expect("she may");
        let mut heard = Vec::new();
        for _ in 0..MANY {
            let (client, mut events) = live::connect(&watched.product, &grace).await;
            client.open(&watched.thing, Form::Json).await.expect("it is shared with her");
            let (told, last) = tokio::sync::watch::channel((None::<Instant>, None::<Instant>));
            let thing = watched.thing.clone();
            tokio::spawn(async move {
                let _client = client;
                while let Some(event) = events.recv().await {
                    let now = clock::now();
                    let about = matches!(&event, Event::Message(message) if message.thing.as_deref() == Some(&thing));
                    told.send_modify(|(about_it, ended)| {
                        if about {
                            *about_it = Some(now);
                        }
                        if matches!(event, Event::Ended(_)) {
                            *ended = Some(now);
                        }
                    });
                }
            });
            heard.push(last);
        }
        for last in &mut heard {
            last.wait_for(|(about, _)| about.is_some()).await.expect("a change is heard");
        }
        // Logged in before: her login is not what is measured.
        let ada = live::login(&watched.product, "ada");
        ada.call(Action::Scroll, None, serde_json::Map::new()).await.expect("Ada may");
        let began = clock::now();
        let grace = json!({"user": "grace"}).as_object().cloned().expect("fields");
        ada.call(Action::Uninvite, Some(&watched.thing), grace).await.expect("Ada may");
        tokio::time::sleep(2 * A_SECOND).await;
        let since = |at: Option<Instant>| at.expect("it was heard").saturating_duration_since(began);
        within_a_second("uninvite", heard.iter().map(|last| since(last.borrow().0)).collect());

        let (product, began) = (watched.product.clone(), clock::now());
        let said = blocking(move || admin(&product, "-group designers -withdraw")).await;
        assert!(said.contains(&format!("{} connections were ended", MANY + 1)), "{said}");
        for last in &mut heard {
            last.wait_for(|(_, ended)| ended.is_some()).await.expect("it ends");
        }
        let ends = heard.iter().map(|last| last.borrow().1.expect("it ended").saturating_duration_since(began));
        within_a_second("approval withdrawn", ends.collect());
    });
}

/// Everything that can end or change live access, each on a product of its own.
#[test]
fn each_change_of_access_reaches_the_live_connection() {
    book::claims!("access-ends", 1);
    book::claims!("access-per-message", 1);
    let changes = [
        // What is set up before, the command, and the role or close code that follows.
        ("uninvited", "", Ok("none")),
        ("lowered", "", Ok("viewer")),
        ("raised", "", Ok("owner")),
        ("out of the only approved group", "-group designers -remove-member grace", Err(4503)),
        ("the group is not approved any more", "-group designers -withdraw", Err(4503)),
        ("disabled", "-user grace -disable", Err(4507)),
        ("a new password", "-user grace -password", Err(4500)),
    ];
    live::run(3 * TWO_MINUTES, async {
        for (what, command, expected) in changes {
            let watched = Watched::new(Product::start(), Duration::from_millis(20));
            let mut grace = watched.open_as("grace").await;
            let began = clock::now();
            if command.is_empty() {
                let role = expected.expect("a role");
                let (action, body) = match role {
                    "none" => (Action::Uninvite, json!({"user": "grace"})),
                    role => (Action::Invite, json!({"user": "grace", "role": role})),
                };
                as_ada(&watched.product, action, &watched.thing, body).await;
            } else {
                let (product, command) = (watched.product.clone(), command.to_owned());
                blocking(move || admin(&product, &command)).await;
            }
            match expected {
                Ok(role) => until_role(&mut grace.1, role).await,
                Err(code) => assert_eq!(until_closed(&mut grace.1).await, code, "{what}"),
            }
            assert!(began.elapsed() < 3 * A_SECOND, "{what} took {:?}", began.elapsed());
            match expected {
                Ok("none") => watched.is_over(&mut grace).await,
                Ok("viewer") => {
                    let edited = grace.0.edit(&watched.thing, title("hers")).await;
                    assert!(
                        matches!(&edited, Err(RequestError::Refused(error)) if error.name == "forbidden"),
                        "{edited:?}"
                    );
                }
                _ => {}
            }
        }
    });
}

/// A share with a group ends for those who leave the group, and a Thing with its deletion.
#[test]
fn what_came_by_a_group_ends_with_the_membership_and_all_ends_with_the_thing() {
    book::claims!("group-members", 1);
    book::claims!("access-ends", 1);
    live::run(TWO_MINUTES, async {
        let product = Product::start();
        admin(&product, "-group builders -add -organisation acme");
        admin(&product, "-group builders -add-member grace");
        let watched = Watched::new(product, Duration::from_millis(20));
        let (product, thing) = (&watched.product, &watched.thing);
        as_ada(product, Action::Invite, thing, json!({"group": "builders", "role": "owner"})).await;
        let mut grace = watched.open_as("grace").await;
        as_ada(product, Action::Uninvite, thing, json!({"user": "grace"})).await;
        grace.0.edit(thing, title("still hers, by the group")).await.expect("she may");
        let at = product.clone();
        blocking(move || admin(&at, "-group builders -remove-member grace")).await;
        until_role(&mut grace.1, "none").await;
        watched.is_over(&mut grace).await;

        as_ada(product, Action::Invite, thing, json!({"user": "grace", "role": "viewer"})).await;
        grace.0.open(thing, Form::Json).await.expect("whoever gets access can open it at once");
        as_ada(product, Action::Delete, thing, json!({})).await;
        until_role(&mut grace.1, "none").await;
    });
}
