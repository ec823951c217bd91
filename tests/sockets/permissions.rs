//! Every cell of the table of permissions, against the real product through its own doors.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use serde_json::{Value, json};
use widgetapp::{
    access::{Kind, Principal, Scopes},
    client::{Client, ConnectError, Http, RequestError},
    config::Config,
    protocol::action::Action,
    store::Store,
    wfe::Tokens,
};

use crate::{
    live,
    product::{PATIENCE, Product},
};

#[path = "../permissions/mod.rs"]
#[expect(dead_code, reason = "the guide shows more of it")]
mod table;

const FIVE_MINUTES: Duration = Duration::from_secs(300);
const ALL: &[&str] = &["stream", "things:read", "things:write"];

/// Someone who tries.
struct Caller {
    name: String,
    password: String,
    http: Http,
    token: String,
    /// For what an access token needs the scope that this one lacks.
    narrow: BTreeMap<&'static str, String>,
}

/// The product with a person for each column.
struct Stage {
    product: Product,
    web: reqwest::Client,
    callers: BTreeMap<String, Caller>,
    expired: String,
    revoked: String,
}

impl Stage {
    async fn set_up() -> Self {
        let product = Product::start();
        let new_user = |name: &str, groups: &[&str]| {
            let mut line = vec!["-user", name, "-add", "-organisation", "acme"];
            groups.iter().for_each(|group| line.extend(["-group", group]));
            let (code, out, error) = product.admin(&line);
            assert_eq!(code, 0, "{error}");
            out.lines().find_map(|line| line.strip_prefix("password: ")).expect("it is printed").to_owned()
        };
        for group in ["builders", "painters"] {
            assert_eq!(product.admin(&["-group", group, "-add", "-organisation", "acme"]).0, 0);
            assert_eq!(product.admin(&["-group", group, "-approve"]).0, 0);
        }
        new_user("pat", &[]);
        let demo = live::demo(&product);
        let known = |name: &str| (name.to_owned(), demo.users[name].password.clone());
        let new = |name: &str, group| (name.to_owned(), new_user(name, &[group]));
        let people = [
            ("owner", known("ada")),
            ("editor", known("grace")),
            ("viewer", new("vera", "designers")),
            ("editor by a group", new("bob", "builders")),
            ("none", new("nina", "designers")),
            ("other group", new("otto", "painters")),
            ("unapproved viewer", known("linus")),
            ("other organisation", known("mallory")),
        ];
        let mut callers = BTreeMap::new();
        for (column, (name, password)) in people {
            let http = Http::new(product.url(), None).expect("an address");
            http.log_in(&name, &password).await.expect("the password is right");
            let token = async |scopes: &[&str]| http.user_token(scopes).await.expect("a token").secret;
            let narrow = BTreeMap::from([
                ("stream", token(&["things:read", "things:write"]).await),
                ("things:read", token(&["stream", "things:write"]).await),
                ("things:write", token(&["stream", "things:read"]).await),
            ]);
            let token = token(ALL).await;
            callers.insert(column.to_owned(), Caller { name, password, http, token, narrow });
        }
        let owner = &callers["owner"];
        let revoked = owner.http.user_token(ALL).await.expect("a token").secret;
        let web = reqwest::Client::new();
        let form = [("token", revoked.as_str()), ("client_id", "widgetapp-cli")];
        let ended = web.post(format!("{}/oauth/revoke", product.url())).form(&form).send().await.expect("an answer");
        assert_eq!(ended.status(), 200);
        let expired = expired_token(&product);
        Self { product, web, callers, expired, revoked }
    }

    /// A Thing that is shared as the columns say.
    async fn thing(&self) -> String {
        let call = async |action, thing: Option<&str>, body: Value| {
            let body = body.as_object().cloned().expect("fields");
            self.callers["owner"].http.call(action, thing, body, None).await.expect("the owner may")
        };
        let created = call(Action::Create, None, json!({"title": "Secret lamp"})).await;
        let thing = created["thing"].as_str().expect("an id").to_owned();
        for (with, name, role) in [
            ("user", "grace", "editor"),
            ("user", "vera", "viewer"),
            ("group", "builders", "editor"),
            ("user", "linus", "viewer"),
        ] {
            call(Action::Invite, Some(&thing), json!({with: name, "role": role})).await;
        }
        thing
    }

    /// The token that a column comes with, where `scope` is needed; none for those who have none.
    fn token(&self, column: &str, scope: &str) -> Option<String> {
        match column {
            "wrong scope" => Some(self.callers["owner"].narrow[scope].clone()),
            "expired token" => Some(self.expired.clone()),
            "revoked token" => Some(self.revoked.clone()),
            "nobody" => None,
            column => Some(self.callers[column].token.clone()),
        }
    }

    async fn answer(&self, door: &str, action: &str, column: &str, thing: &str) -> String {
        match door {
            "stream" => self.on_stream(action, column, thing).await,
            "yjs" => self.by_editor(action, column, thing).await,
            "cookie" | "token" => self.by_ajax(door == "cookie", action, column, thing).await,
            _ => self.by_legacy(action, column, thing).await,
        }
    }

    async fn on_stream(&self, action: &str, column: &str, thing: &str) -> String {
        let Some(token) = self.token(column, "stream") else {
            return self.upgrade_without_token().await;
        };
        let (client, mut events) = match Client::connect(self.product.url(), token).await {
            Ok(connected) => connected,
            Err(ConnectError::Refused(refusal)) => return refusal.name,
            Err(error) => return error.to_string(),
        };
        tokio::spawn(async move { while events.recv().await.is_some() {} });
        if action.ends_with(')') {
            return self.on_other_ports(&client, action, thing).await;
        }
        let (kind, about, body) = request(action);
        let thing = about.then_some(thing);
        if kind == Action::Close {
            // Only what is open can be closed.
            let _ = client.request(200, Action::Open.name(), thing, json!({})).await;
        }
        match client.request(200, kind.name(), thing, body).await {
            Ok(_) => "ok".into(),
            Err(RequestError::Refused(error)) => error.name,
            Err(error) => error.to_string(),
        }
    }

    /// Ports 201 and 202, of which each needs the Thing to be open.
    async fn on_other_ports(&self, client: &Client, action: &str, thing: &str) -> String {
        let thing = Some(thing);
        let _ = client.request(200, Action::Open.name(), thing, json!({"as": "yjs"})).await;
        let (port, name, body) = match action {
            // Of nothing, and a change without changes.
            "compare (port 201)" => (201, "sync", json!({"data": "AAEA"})),
            "change (port 201)" => (201, "sync", json!({"data": "AgIAAA=="})),
            "point (port 202)" => (202, "cursor", json!({"x": 1, "y": 2})),
            other => panic!("no such row: {other}"),
        };
        match client.request(port, name, thing, body).await {
            Ok(_) => "ok".into(),
            Err(RequestError::Refused(error)) => error.name,
            Err(error) => error.to_string(),
        }
    }

    async fn by_editor(&self, action: &str, column: &str, thing: &str) -> String {
        let token = self.token(column, "stream");
        let with_token = |request: reqwest::RequestBuilder| match &token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        if action == "ask for a ticket" {
            let request = self.web.post(format!("{}/_ajax/ticket", self.product.url())).json(&json!({"thing": thing}));
            return name_of(with_token(request)).await;
        }
        if action == "listen to events" {
            let request = self.web.get(format!("{}/_stream/events?thing={thing}", self.product.url()));
            return name_of(with_token(request)).await;
        }
        let request = self.web.get(format!("{}/_stream/yjs/{thing}", self.product.url()));
        name_of(with_token(handshake(request))).await
    }

    async fn upgrade_without_token(&self) -> String {
        name_of(handshake(self.web.get(format!("{}/_stream", self.product.url())))).await
    }

    async fn by_ajax(&self, cookie: bool, action: &str, column: &str, thing: &str) -> String {
        let (kind, about, body) = request(action);
        let mut body = body.as_object().cloned().expect("fields");
        if cookie && let Some(caller) = self.callers.get(column) {
            let thing = about.then_some(thing);
            return match caller.http.call(kind, thing, body, None).await {
                Ok(_) => "ok".into(),
                Err(widgetapp::client::HttpError::Refused(problem)) => problem.name,
                Err(error) => error.to_string(),
            };
        }
        if about {
            body.insert("thing".into(), thing.into());
        }
        let reads =
            matches!(kind, Action::Scroll | Action::Search | Action::Select | Action::Refresh | Action::History);
        let url = format!("{}/_ajax/{kind}", self.product.url());
        let mut request = if matches!(kind, Action::Scroll | Action::Search | Action::History) {
            let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.web.get(url).query(&body.iter().map(|(name, value)| (name, plain(value))).collect::<Vec<_>>())
        } else {
            self.web.post(url).json(&body)
        };
        let token = if cookie { None } else { self.token(column, if reads { "things:read" } else { "things:write" }) };
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        name_of(request).await
    }

    async fn by_legacy(&self, action: &str, column: &str, thing: &str) -> String {
        let all = format!("{}/api/1.0/things", self.product.url());
        let one = format!("{all}/{thing}");
        let content = json!({"content": {"meta": {"title": "Secret lamp"}, "notes": column}});
        let request = match action {
            "GET of the list" => self.web.get(all),
            "POST" => self.web.post(all).json(&json!({"title": "Mine"})),
            "GET of a Thing" => self.web.get(one),
            "PUT" => self.web.put(one).json(&content),
            "DELETE" => self.web.delete(one),
            other => panic!("no such row: {other}"),
        };
        name_of(match (self.callers.get(column), self.token(column, "things:read")) {
            (Some(caller), _) => request.basic_auth(&caller.name, Some(&caller.password)),
            (None, Some(token)) => request.bearer_auth(token),
            (None, None) => request,
        })
        .await
    }
}

/// The action of a row, whether it is about a Thing, and its body.
fn request(action: &str) -> (Action, bool, Value) {
    static KEYS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    match action {
        "scroll of the feed" => (Action::Scroll, false, json!({})),
        "scroll in a Thing" => (Action::Scroll, true, json!({"view": {"part": "lamp"}})),
        "search" => (Action::Search, false, json!({"q": "secret"})),
        "create" => (Action::Create, false, json!({"title": "Mine"})),
        "edit" => {
            let key = KEYS.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
            let patch = json!([{"op": "replace", "path": "/meta/title", "value": "Secret lamp"}]);
            (Action::Edit, true, json!({"key": key, "patch": patch}))
        }
        "rename" => (Action::Rename, true, json!({"title": "Secret lamp"})),
        "restore" => (Action::Restore, true, json!({"offset": 1})),
        "invite" => (Action::Invite, true, json!({"user": "pat", "role": "viewer"})),
        "uninvite" => (Action::Uninvite, true, json!({"user": "pat"})),
        other => (other.parse().expect("a user action"), true, json!({})),
    }
}

/// The opening of a WebSocket.
fn handshake(request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
    let headers = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))
}

/// `ok`, or the name of the problem.
async fn name_of(request: reqwest::RequestBuilder) -> String {
    let answer = request.send().await.expect("the server answers");
    if answer.status().is_success() || answer.status() == 101 {
        return "ok".into();
    }
    let problem: Value = answer.json().await.expect("a problem");
    problem["name"].as_str().expect("it has a name").to_owned()
}

/// What a token of an hour ago is: signed with the product's own key.
fn expired_token(product: &Product) -> String {
    let store = Store::open(product.data()).expect("the accounts can be read");
    let tokens = Tokens::open(&store, product.url().into(), &Config::default().oauth).expect("the keys can be read");
    let ada = Principal { kind: Kind::User, name: "ada".into(), organisation: "acme".into() };
    let an_hour_ago = widgetapp::clock::unix_seconds() - 3600;
    tokens.issue(widgetapp::clock::new_id(), &ada, "widgetapp-cli", Scopes::ALL, an_hour_ago)
}

#[test]
fn every_cell_of_the_table_of_permissions_is_as_it_says() {
    book::claims!("permissions-tried", 1);
    book::claims!("one-decision", 1);
    let table = table::Table::read();
    live::run(FIVE_MINUTES, async {
        let stage = Stage::set_up().await;
        let (mut differences, mut tried) = (String::new(), 0);
        for door in &table.door {
            for row in &door.actions {
                let (action, answers) = row.split_first().expect("a row has an action");
                // Anew for each row; the owner, who alone may delete it, comes last.
                let thing = stage.thing().await;
                for (column, expected) in table.callers.iter().zip(answers).rev().filter(|(_, cell)| *cell != "-") {
                    let got = stage.answer(&door.name, action, column, &thing).await;
                    // Whoever has nothing to undo was let through.
                    let got = if got.starts_with("nothing_to_") { "ok".to_owned() } else { got };
                    tried += 1;
                    if got != *expected {
                        let _ = writeln!(differences, "{} {action} as {column}: {got}, not {expected}", door.name);
                    }
                }
            }
        }
        assert!(differences.is_empty(), "\n{differences}");
        println!("{tried} cells, 0 differences");
    });
}

/// Every door, with a Thing of another organisation and with one that does not exist.
#[test]
fn a_thing_of_another_organisation_answers_as_one_that_does_not_exist() {
    book::claims!("tenants-alike", 1);
    book::claims!("other-organisation", 1);
    live::run(FIVE_MINUTES, async {
        let stage = Stage::set_up().await;
        let (theirs, none) = (stage.thing().await, widgetapp::clock::new_id().to_string());
        let mallory = &stage.callers["other organisation"];
        let (client, _events) = Client::connect(stage.product.url(), mallory.token.clone()).await.expect("she may");
        let actions = ["scroll in a Thing", "select", "open", "edit", "refresh", "rename", "restore", "undo", "redo"];
        for action in actions.into_iter().chain(["history", "invite", "uninvite", "delete"]) {
            let (kind, _, body) = request(action);
            let ask = async |thing: &str| {
                let on_stream = client.request(200, kind.name(), Some(thing), body.clone()).await;
                let RequestError::Refused(error) = on_stream.expect_err("it is not hers") else { panic!("{action}") };
                let by_http =
                    mallory.http.call(kind, Some(thing), body.as_object().cloned().expect("fields"), None).await;
                (serde_json::to_string(&error).expect("JSON"), format!("{:?}", by_http.expect_err("it is not hers")))
            };
            let (there, absent) = (ask(&theirs).await, ask(&none).await);
            assert_eq!(there, absent, "{action}");
        }
        let legacy = async |method: reqwest::Method, thing: &str| {
            let url = format!("{}/api/1.0/things/{thing}", stage.product.url());
            let request = stage.web.request(method, url).basic_auth(&mallory.name, Some(&mallory.password));
            let answer = request.json(&json!({"content": {"notes": ""}})).send().await.expect("an answer");
            (answer.status(), answer.text().await.expect("text"))
        };
        for method in [reqwest::Method::GET, reqwest::Method::PUT, reqwest::Method::DELETE] {
            assert_eq!(legacy(method.clone(), &theirs).await, legacy(method.clone(), &none).await, "{method}");
        }
        for (kind, body) in [(Action::Search, json!({"q": "secret"})), (Action::Scroll, json!({}))] {
            let found = mallory.http.call(kind, None, body.as_object().cloned().expect("fields"), None).await;
            assert!(!found.expect("she may look").to_string().contains(&theirs), "{kind}");
        }
        let invited = async |name: &str| {
            let body = json!({"user": name, "role": "viewer"}).as_object().cloned().expect("fields");
            let refused = stage.callers["owner"].http.call(Action::Invite, Some(&theirs), body, None).await;
            format!("{:?}", refused.expect_err("there is nobody of that name"))
        };
        assert_eq!(invited("mallory").await, invited("nobody-at-all").await);
        alike_in_time(&client, &theirs, &none).await;
    });
}

/// In turns, so that whatever else the machine does meets both.
async fn alike_in_time(client: &Client, theirs: &str, none: &str) {
    const TURNS: usize = 200;
    let mut took = [Vec::new(), Vec::new()];
    for _ in 0..TURNS {
        for (thing, took) in [theirs, none].into_iter().zip(&mut took) {
            let began = widgetapp::clock::now();
            let _ = tokio::time::timeout(PATIENCE, client.select(thing)).await;
            took.push(began.elapsed());
        }
    }
    let [there, absent] = took.map(|mut took| {
        took.sort();
        took[TURNS / 2].as_secs_f64()
    });
    println!("median answer: {:.0} us to a Thing of others, {:.0} us to none", there * 1e6, absent * 1e6);
    assert!(there < absent * 1.5 && absent < there * 1.5, "{there} {absent}");
}
