//! Every password, token, code and cookie of a busy day is used, rightly and wrongly, with all logging on. None of
//! them may be found afterwards: in what the processes wrote, on their command lines, in the record or in the data.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use oauth2::{PkceCodeChallenge, url::Url};
use reqwest::{Client, RequestBuilder, Response, redirect::Policy};
use serde_json::{Value, json};

use crate::{
    live,
    product::{Product, eventually},
    raw::{LAST, Raw, TEXT, frame, upgrade},
};

const TWO_MINUTES: Duration = Duration::from_secs(120);
const REDIRECT: &str = "http://127.0.0.1:45678/callback";
/// Where secrets are meant to be.
const KEPT_IN: [&str; 1] = ["demo.json"];

/// What must not be found, by what it is.
type Secrets = BTreeMap<String, String>;

struct Day<'a> {
    product: &'a Product,
    browser: Client,
    secrets: Secrets,
}

impl Day<'_> {
    fn keep(&mut self, what: &str, secret: &str) -> String {
        assert!(secret.len() >= 12, "{what} could be found by chance: {secret}");
        self.secrets.insert(what.to_owned(), secret.to_owned());
        secret.to_owned()
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.product.url())
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.browser.post(self.at(path))
    }

    /// What the token endpoint answers.
    async fn token(&self, form: &[(&str, &str)]) -> Value {
        let form = [form, &[("client_id", "demo-app")]].concat();
        self.post("/oauth/token").form(&form).send().await.unwrap().json().await.unwrap()
    }

    /// Logs in by a page, in JSON and by HTTP Basic, wrongly too; the cookie.
    async fn logins(&mut self) -> String {
        let demo = live::demo(self.product);
        let password = self.keep("a password", &demo.users["ada"].password);
        let wrong = self.keep("a wrong password", "what-ada-had-before");
        let as_name = self.keep("a password typed as a name", "my-other-password");
        for (name, password) in [("ada", &wrong), (as_name.as_str(), &"ada".to_owned())] {
            self.post("/login").form(&[("username", name), ("password", password)]).send().await.unwrap();
            self.post("/login").json(&json!({"username": name, "password": password})).send().await.unwrap();
            self.browser.get(self.at("/api/1.0/things")).basic_auth(name, Some(password)).send().await.unwrap();
        }
        let broken = format!(r#"{{"username": "ada", "password": "{password}""#);
        self.post("/login").header("content-type", "application/json").body(broken).send().await.unwrap();
        self.post("/login").json(&json!({"username": "ada", &password: 1})).send().await.unwrap();
        self.browser.get(self.at("/api/1.0/things")).basic_auth("ada", Some(&password)).send().await.unwrap();
        self.keep("HTTP Basic", &STANDARD.encode(format!("ada:{password}")));
        let answer = self.post("/login").form(&[("username", "ada"), ("password", &password)]).send().await.unwrap();
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        self.keep("a login cookie", cookie.split_once('=').unwrap().1);
        cookie
    }

    /// An application is allowed to act for ada; its tokens are refreshed, used twice, shown around and revoked.
    async fn application(&mut self, cookie: &str) -> String {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let verifier = self.keep("a code verifier", verifier.secret());
        let state = self.keep("an application's state", "where-the-user-was");
        let asked = Url::parse_with_params(
            &self.at("/oauth/authorize"),
            [
                ("response_type", "code"),
                ("client_id", "demo-app"),
                ("redirect_uri", REDIRECT),
                ("code_challenge", challenge.as_str()),
                ("code_challenge_method", "S256"),
                ("state", &state),
            ],
        );
        let page =
            self.browser.get(asked.unwrap()).header("cookie", cookie).send().await.unwrap().text().await.unwrap();
        let hidden = |name: &str| {
            let start = page.split_once(&format!("name=\"{name}\" value=\"")).expect(&page).1;
            start.split('"').next().unwrap().replace("&amp;", "&")
        };
        let form = [("request", hidden("request")), ("seal", hidden("seal")), ("decision", "allow".into())];
        self.keep("a consent page's seal", &form[1].1);
        let answer = self.post("/oauth/authorize").header("cookie", cookie).form(&form).send().await.unwrap();
        let location = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        let code = location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        self.keep("a code", &code);
        let exchange = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", REDIRECT),
            ("code_verifier", &verifier),
        ];
        let first = self.take("first", &self.token(&exchange).await);
        let refresh = |token: &'static str| [("grant_type", "refresh_token"), ("refresh_token", token)];
        let old: &'static str = first.1.clone().leak();
        let (access, _) = self.take("second", &self.token(&refresh(old)).await);
        self.use_everywhere(&access).await;
        assert_eq!(self.token(&refresh(old)).await["error"], "invalid_grant", "used twice");
        assert_eq!(self.token(&exchange).await["error"], "invalid_grant", "used twice");
        self.use_everywhere(&access).await;
        access
    }

    fn take(&mut self, which: &str, answer: &Value) -> (String, String) {
        let text = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("{which}: {answer}")).to_owned();
        let (access, refresh) = (text("access_token"), text("refresh_token"));
        (
            self.keep(&format!("the {which} access token"), &access),
            self.keep(&format!("the {which} refresh token"), &refresh),
        )
    }

    /// At every door, in every place, also where it does not belong.
    async fn use_everywhere(&mut self, token: &str) {
        let signature = token.rsplit('.').next().unwrap();
        self.keep("an access token's signature", signature);
        let get = |path: &str| self.browser.get(self.at(path));
        let all: Vec<Response> = futures_util::future::join_all([
            get("/_ajax/scroll").bearer_auth(token).send(),
            get(&format!("/_ajax/scroll?access_token={token}")).send(),
            get(&format!("/_stream?token={token}")).send(),
            get(&format!("/{token}")).send(),
            get("/_ajax/search?q=a").header("authorization", token).send(),
            self.post("/oauth/revoke").form(&[("token", token)]).send(),
            self.post(&format!("/oauth/revoke?token={token}")).send(),
            self.post("/_ajax/create").bearer_auth(token).json(&json!({"title": 1, token: 1})).send(),
        ])
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
        assert_eq!(all.len(), 8);
        let (product, token) = (self.product, token.to_owned());
        tokio::task::block_in_place(|| {
            for line in [format!("Authorization: Bearer {token}"), format!("Sec-WebSocket-Protocol: bearer.{token}")] {
                let mut raw = Raw::connect(product);
                raw.send(upgrade(product.address(), &[line]).as_bytes());
                if raw.head().starts_with("HTTP/1.1 101 ") {
                    let refresh = json!({"port": 0, "name": "refresh", "id": 1, "body": {"token": token}});
                    raw.send(&frame(LAST | TEXT, refresh.to_string().as_bytes()));
                    raw.send(&frame(LAST | TEXT, format!("no JSON, but {token}").as_bytes()));
                    raw.closed_with();
                }
            }
        });
    }

    /// A system by its secret, and what the administrator is shown once.
    async fn systems(&mut self, access: &str) {
        let client = live::demo(self.product).clients["demo-external-system"].clone();
        let secret = self.keep("a client secret", client.client_secret.as_deref().unwrap());
        let wrong = self.keep("a wrong client secret", "what-it-had-before");
        for secret in [&secret, &wrong] {
            let form = [("grant_type", "client_credentials")];
            let ask = self.post("/oauth/token").basic_auth(&client.client_id, Some(secret)).form(&form);
            let answer: Value = ask.send().await.unwrap().json().await.unwrap();
            if let Some(token) = answer["access_token"].as_str() {
                self.keep("a system's access token", token);
            }
            let form = [("client_id", client.client_id.as_str()), ("client_secret", secret), ("token", access)];
            self.post("/oauth/introspect").form(&form).send().await.unwrap();
            self.post("/oauth/introspect").form(&form).query(&form).send().await.unwrap();
        }
        let product = self.product;
        let admin = |words: &[&str]| tokio::task::block_in_place(|| product.admin(words)).1;
        let printed = [
            ("a new user's password", admin(&["-user", "eve", "-add", "-organisation", "acme"])),
            ("a new password", admin(&["-user", "grace", "-password"])),
            ("a new secret", admin(&["-client", "demo-external-system", "-secret"])),
        ];
        for (what, printed) in printed {
            let secret = printed
                .lines()
                .find_map(|line| line.strip_prefix("password: ").or_else(|| line.strip_prefix("client_secret ")));
            self.keep(what, secret.expect("it is printed"));
        }
    }
}

/// What `ps` shows of the server's processes: their command lines and environments.
fn shown_by_ps(product: &Product) -> String {
    let mut pids = vec![product.pid()];
    for kind in ["_wfe", "_sfe", "_stream"] {
        pids.extend(product.processes(kind).iter().map(|(_, pid)| *pid));
    }
    assert!(pids.len() >= 4, "{pids:?}");
    let read = |pid: &u32, what: &str| fs::read(format!("/proc/{pid}/{what}")).unwrap();
    let bytes = pids.iter().flat_map(|pid| [read(pid, "cmdline"), read(pid, "environ")]).flatten().collect::<Vec<_>>();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Every file of the data directory as text, but those that are there to hold secrets.
fn data(folder: &Path) -> Vec<(String, String)> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let named = files.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path));
    let kept = named.filter(|(name, _)| !KEPT_IN.contains(&name.as_str()));
    kept.map(|(name, path)| (name, String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned())).collect()
}

#[test]
fn no_secret_is_found_in_logs_data_record_or_process_list() {
    let product = Product::start_with_env(&[], &[("RUST_LOG", "debug")]);
    // It fails where another test has done it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let browser = Client::builder().redirect(Policy::none()).build().unwrap();
    let mut day = Day { product: &product, browser, secrets: Secrets::new() };
    live::run(TWO_MINUTES, async {
        let cookie = day.logins().await;
        let access = day.application(&cookie).await;
        day.systems(&access).await;
        day.post("/logout").header("cookie", &cookie).send().await.unwrap();
    });
    let record = eventually("all is on record", || {
        let said = product.admin(&["-audit", "-json"]).1;
        ["logged_out", "grant_ended", "client_secret_changed"].iter().all(|what| said.contains(what)).then_some(said)
    });
    let mut places = data(product.data());
    places.push(("server.log".to_owned(), product.log()));
    places.extend([("the record".to_owned(), record), ("ps".to_owned(), shown_by_ps(&product))]);
    let text = |name: &str| &places.iter().find(|(place, _)| place == name).expect(name).1;
    // What is there is found, and the processes do tell what they do.
    assert!(text("server.log").contains("DEBUG") && text("server.log").contains("a session begins"));
    assert!(text("ps").contains("_stream") && text("ps").contains("RUST_LOG=debug"));
    assert!(text("store.db-wal").contains("demo-app") || text("store.db").contains("demo-app"));
    assert!(day.secrets.len() >= 16, "{:?}", day.secrets.keys());
    for (what, secret) in &day.secrets {
        for (place, text) in &places {
            assert!(!text.contains(secret.as_str()), "{what} is in {place}");
        }
    }
}
