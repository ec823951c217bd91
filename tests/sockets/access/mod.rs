//! Access that ends: on live connections, at once, and whatever process is away at that moment.

mod ends;
mod proofs;
mod restarts;
mod told;

use std::{
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

    /// After the role `none`: nothing of the Thing comes, and nothing about it is taken. That it is theirs no more may
    /// be told once again, by the notification.
    async fn is_over(&self, (client, events): &mut (Client, Events)) {
        tokio::time::sleep(Duration::from_millis(500)).await;
        while let Some(event) = events.try_recv() {
            if let Event::Message(message) = &event {
                let of_it = message.thing.as_deref() == Some(&self.thing) && message.name != "uninvited";
                assert!(!of_it, "heard after the end: {event:?}");
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
