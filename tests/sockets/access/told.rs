//! Who is told of changes of access, and what is on record of them.

use std::collections::BTreeMap;

use super::*;

/// Port 203, on all connections of those whom it concerns.
#[test]
fn people_are_told_on_all_their_connections() {
    book::claims!("notifications-port", 2);
    live::run(TWO_MINUTES, async {
        let product = Product::start();
        admin(&product, "-group reviewers -approve");
        let linus = live::login(&product, "linus");
        let mut of_linus = Vec::new();
        for _ in 0..2 {
            of_linus.push(live::connect(&product, &linus).await);
        }
        let (ada, mut of_ada) = live::connect(&product, &live::login(&product, "ada")).await;
        let thing = product.welcome();
        ada.open(&thing, Form::Json).await.expect("it is hers");
        let told = |name: &'static str| {
            move |event: Event| match event {
                Event::Message(message) if message.port == 203 && message.name == name => Some(message),
                _ => None,
            }
        };
        let body = json!({"group": "reviewers", "role": "editor"});
        as_ada(&product, Action::Invite, &thing, body).await;
        for (_, events) in &mut of_linus {
            let message = until(events, "the invitation", told("invited")).await;
            let expected = json!({"by": "ada", "group": "reviewers", "role": "editor", "title": "Welcome"});
            assert_eq!((message.thing.as_deref(), message.body), (Some(thing.as_str()), expected));
        }
        let pushed = until(&mut of_ada, "the push", |event| match event {
            Event::Message(message) if message.name == Action::Invite.name() => Some(message.body),
            _ => None,
        });
        assert_eq!(pushed.await, json!({"user": "ada", "with": {"group": "reviewers"}, "role": "editor"}));
        as_ada(&product, Action::Uninvite, &thing, json!({"group": "reviewers"})).await;
        for (_, events) in &mut of_linus {
            let message = until(events, "the end of it", told("uninvited")).await;
            assert_eq!(
                message.body,
                json!({"by": "ada", "group": "reviewers", "role": "viewer"}),
                "his own share stays"
            );
        }
        admin(&product, "-group designers -add-member linus");
        admin(&product, "-group reviewers -withdraw");
        for (client, events) in &mut of_linus {
            let message = until(events, "the withdrawal", told("withdrawn")).await;
            assert_eq!(message.body, json!({"group": "reviewers"}));
            client.select(&thing).await.expect("he streams by another group");
        }
        admin(&product, "-group reviewers -approve");
        for (_, events) in &mut of_linus {
            until(events, "the approval", told("approved")).await;
        }
    });
}

/// What was done is on record, and no secret is.
#[test]
fn the_audit_tells_who_did_what_and_no_secret() {
    book::claims!("audit", 1);
    live::run(TWO_MINUTES, async {
        let product = Product::start();
        let token = live::login(&product, "linus").access_token().await.expect("a token");
        assert!(Client::connect(product.url(), token.clone()).await.is_err(), "his group is not approved");
        let wrong = widgetapp::client::Http::new(product.url(), None).expect("an address");
        assert!(wrong.log_in("ada", "not her password").await.is_err());
        assert!(wrong.log_in("correct horse battery", "ada").await.is_err(), "a password typed as a name");
        as_ada(&product, Action::Invite, &product.welcome(), json!({"user": "linus", "role": "editor"})).await;
        let printed = admin(&product, "-user eve -add -organisation acme");
        let password = printed.lines().find_map(|line| line.strip_prefix("password: ")).expect("it is printed");
        admin(&product, "-group designers -withdraw");
        admin(&product, "-group designers -approve");
        let rows = eventually("everything is on record", || {
            let out = admin(&product, "-audit -json");
            let rows: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
            let names: BTreeMap<&str, &Value> =
                rows.iter().map(|row| (row["what"].as_str().expect("text"), row)).collect();
            let wanted = [
                "stream_refused",
                "login_failed",
                "logged_in",
                "invited",
                "user_added",
                "group_withdrawn",
                "group_approved",
            ];
            wanted.iter().all(|name| names.contains_key(name)).then(|| rows.clone())
        });
        let of = |what: &str| rows.iter().find(|row| row["what"] == what).expect("it is there").clone();
        assert_eq!(of("stream_refused")["who"], "user:linus");
        assert_eq!(of("stream_refused")["outcome"], "group_not_approved");
        assert_eq!(of("invited")["who"], "user:ada");
        assert_eq!(of("invited")["target"], format!("{} linus editor", product.welcome()));
        assert_eq!(of("login_failed")["address"], "127.0.0.1");
        let all = admin(&product, "-audit") + &admin(&product, "-audit -json");
        for secret in [password, &token, "not her password", "correct horse battery"] {
            assert!(!all.contains(secret), "a secret is on record");
        }
        let of_linus = admin(&product, "-audit -user linus -since 1h");
        assert!(of_linus.contains("invited") && !of_linus.contains("user_added"), "{of_linus}");
    });
}
