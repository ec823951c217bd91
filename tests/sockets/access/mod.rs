//! Access that ends: on live connections, at once, and whatever process is away at that moment.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use widgetapp::{
    client::{Client, ConnectError, EditBody, Event, Events, RequestError},
    clock,
    protocol::action::{Action, Form},
};

use crate::{
    live::{self, until},
    product::{Product, eventually, kill},
};

const TWO_MINUTES: Duration = Duration::from_secs(120);
const A_SECOND: Duration = Duration::from_secs(1);
/// Live connections of the one whose access ends.
const MANY: usize = 500;

/// What somebody is told when their access to a Thing changes.
fn access(event: &Event) -> Option<String> {
    match event {
        Event::Message(message) if message.port == 0 && message.name == "access" => {
            Some(message.body["role"].as_str().expect("a role").to_owned())
        }
        _ => None,
    }
}

async fn until_role(events: &mut Events, role: &str) {
    until(events, &format!("the role {role}"), |event| access(&event).filter(|told| told == role)).await;
}

async fn until_closed(events: &mut Events) -> u16 {
    until(events, "the end", |event| match event {
        Event::Ended(ConnectError::Closed { code, .. }) => Some(code),
        _ => None,
    })
    .await
}

/// A user action of Ada's by HTTP.
async fn as_ada(product: &Product, action: Action, thing: &str, body: Value) {
    let fields = body.as_object().cloned().expect("fields");
    let thing = (action != Action::Create).then_some(thing);
    live::login(product, "ada").call(action, thing, fields).await.expect("Ada may");
}

fn title(text: &str) -> EditBody {
    EditBody::Patch(json!([{"op": "replace", "path": "/meta/title", "value": text}]))
}

async fn blocking<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(what).await.expect("it does not panic")
}

fn admin(product: &Product, line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let (code, out, error) = product.admin(&words);
    assert_eq!(code, 0, "{line}: {error}");
    out
}

/// Somebody with the Thing open, while Ada goes on editing it.
struct Watched {
    product: Arc<Product>,
    thing: String,
    editing: Arc<AtomicBool>,
}

impl Watched {
    fn new(product: Product, pause: Duration) -> Self {
        let (product, editing) = (Arc::new(product), Arc::new(AtomicBool::new(true)));
        let (thing, goes_on, at) = (product.welcome(), editing.clone(), product.clone());
        let of = thing.clone();
        tokio::spawn(async move {
            let (ada, _events) = live::connect(&at, &live::login(&at, "ada")).await;
            ada.open(&of, Form::Json).await.expect("it is hers");
            let mut count = 0;
            while goes_on.load(Ordering::Relaxed) {
                count += 1;
                let _ = ada.edit(&of, title(&format!("Change {count}"))).await;
                tokio::time::sleep(pause).await;
            }
        });
        Self { product, thing, editing }
    }

    async fn open_as(&self, user: &str) -> (Client, Events) {
        let (client, mut events) = live::connect(&self.product, &live::login(&self.product, user)).await;
        client.open(&self.thing, Form::Json).await.expect("it is shared with them");
        until(&mut events, "a change", |event| matches!(&event, Event::Message(m) if m.offset.is_some()).then_some(()))
            .await;
        (client, events)
    }

    /// After the role `none`: nothing about the Thing comes, and nothing about it is taken.
    async fn is_over(&self, (client, events): &mut (Client, Events)) {
        tokio::time::sleep(Duration::from_millis(500)).await;
        while let Some(event) = events.try_recv() {
            if let Event::Message(message) = &event {
                assert!(message.thing.as_deref() != Some(&self.thing), "heard after the end: {event:?}");
            }
        }
        for action in [Action::Edit, Action::Select, Action::Open, Action::Refresh] {
            let body = json!({"key": "late", "patch": []});
            let asked = client.request(200, action.name(), Some(&self.thing), body).await;
            assert!(matches!(&asked, Err(RequestError::Refused(error)) if error.code == 200), "{action}: {asked:?}");
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.editing.store(false, Ordering::Relaxed);
    }
}

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

/// A stream that was opened with a login ends with it, others of the same user do not.
#[test]
fn logging_out_ends_the_streams_that_the_login_opened() {
    book::claims!("access-ends", 1);
    use futures_util::StreamExt as _;
    use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};

    live::run(TWO_MINUTES, async {
        let product = Product::start();
        let (_client, mut by_token) = live::connect(&product, &live::login(&product, "ada")).await;
        let web = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let credentials = json!({"username": "ada", "password": live::demo(&product).users["ada"].password});
        let answer = web.post(format!("{}/login", product.url())).json(&credentials).send().await.expect("an answer");
        let cookie =
            answer.headers()["set-cookie"].to_str().expect("text").split(';').next().expect("a pair").to_owned();
        let mut request = format!("ws://{}/_stream", product.address()).into_client_request().expect("an address");
        request.headers_mut().insert("cookie", cookie.parse().expect("text"));
        request.headers_mut().insert("origin", product.url().parse().expect("text"));
        let (mut stream, _) = tokio_tungstenite::connect_async(request).await.expect("the login opens a stream");
        assert!(matches!(stream.next().await, Some(Ok(Message::Text(text))) if text.contains("welcome")));
        let out =
            web.post(format!("{}/logout", product.url())).header("cookie", cookie).send().await.expect("an answer");
        assert!(out.status().is_redirection());
        let closed = tokio::time::timeout(A_SECOND, async {
            loop {
                match stream.next().await {
                    Some(Ok(Message::Close(Some(frame)))) => return u16::from(frame.code),
                    Some(Ok(_)) => {}
                    other => panic!("{other:?}"),
                }
            }
        });
        assert_eq!(closed.await.expect("within a second"), 4500);
        while let Some(event) = by_token.try_recv() {
            assert!(!matches!(event, Event::Ended(_)), "another stream of the same user: {event:?}");
        }
    });
}

/// Revoking a token ends what lives by any token of the same authorisation.
#[test]
fn a_revoked_token_ends_its_stream() {
    book::claims!("access-ends", 1);
    live::run(TWO_MINUTES, async {
        let product = Product::start();
        let token = live::login(&product, "grace").access_token().await.expect("a token");
        let (_client, mut events) = Client::connect(product.url(), token.clone()).await.expect("she may");
        let form = [("token", token.as_str()), ("client_id", "widgetapp-cli")];
        let began = clock::now();
        let revoked = reqwest::Client::new().post(format!("{}/oauth/revoke", product.url())).form(&form).send().await;
        assert_eq!(revoked.expect("an answer").status(), 200);
        assert_eq!(until_closed(&mut events).await, 4500);
        assert!(began.elapsed() < A_SECOND);
    });
}

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
