//! People and programs with the Rust client.

use std::time::Duration;

use widgetapp::{
    client::{Client, Credentials, Demo, Event, Events, Http, Login},
    log::{Durability, Log as _, SqliteLog},
};

use crate::product::{PATIENCE, Product};

/// Someone of the demonstration.
pub fn login(product: &Product, user: &str) -> Login {
    login_trusting(product, user, None)
}

/// The same with a certificate to trust.
pub fn login_trusting(product: &Product, user: &str, root: Option<&str>) -> Login {
    let http = Http::new(product.url(), root.map(str::as_bytes)).expect("an address");
    Login::new(http, Credentials::User { name: user.into(), password: demo(product).users[user].password.clone() })
}

/// Passwords and secrets of the demonstration.
pub fn demo(product: &Product) -> Demo {
    Demo::read(product.data()).expect("demo.json can be read").expect("demo.json is there")
}

/// An access token of someone.
pub fn token(product: &Product, user: &str) -> String {
    run(PATIENCE, login(product, user).access_token()).expect("a token")
}

/// A connection of someone.
pub async fn connect(product: &Product, who: &Login) -> (Client, Events) {
    Client::builder(product.url(), who.clone()).connect().await.expect("a stream opens")
}

/// Runs a test on a runtime of its own, for as long as patience lasts.
pub fn run<T>(within: Duration, test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let ended = runtime.block_on(async { tokio::time::timeout(within, test).await });
    ended.unwrap_or_else(|_| panic!("not within {within:?}"))
}

/// Waits for an event.
pub async fn until<T>(events: &mut Events, what: &str, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
    let search = async {
        while let Some(event) = events.recv().await {
            if let Some(found) = wanted(event) {
                return found;
            }
        }
        panic!("the connection ended before: {what}");
    };
    tokio::time::timeout(PATIENCE, search).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

/// The log of a Thing as it is stored: offsets and keys.
pub fn log_of(product: &Product, thing: &str) -> Vec<(u64, Option<String>)> {
    let log = SqliteLog::open(product.data().join("log.db"), Durability::Fsync).expect("the log can be read");
    let thing = thing.parse().expect("an id");
    let changes = log.read(thing, 0, usize::MAX, usize::MAX).expect("the log can be read");
    changes.into_iter().map(|change| (change.offset, change.key)).collect()
}
