//! A client that has a Thing open, and all that it has heard since.

use serde_json::json;
use widgetapp::{
    client::{Client, EditBody, Event, Events, Login},
    protocol::action::Form,
};

use crate::{live, product::Product};

/// See the module.
pub struct Member {
    pub client: Client,
    events: Events,
    /// Offsets in the order in which they came.
    heard: Vec<u64>,
    /// The first that is to come.
    pub first: u64,
}

impl Member {
    /// Connects as this user and opens the Thing.
    pub async fn join(product: &Product, who: &Login, thing: &str) -> Self {
        let (client, events) = live::connect(product, who).await;
        let first = client.open(thing, Form::Json).await.expect("the Thing opens").offset + 1;
        Self { client, events, heard: vec![], first }
    }

    /// Makes a change under a name of its own.
    pub async fn edit(&self, thing: &str, name: &str) -> u64 {
        let patch = json!([{"op": "add", "path": format!("/meta/{name}"), "value": true}]);
        self.client.edit(thing, EditBody::Patch(patch)).await.expect("an edit is acknowledged").offset
    }

    /// Listens up to this offset; tells whether the connection was lost on the way.
    pub async fn listen(&mut self, until: u64) -> bool {
        let mut lost = false;
        let heard = &mut self.heard;
        live::until(&mut self.events, "the last edit", |event| {
            match event {
                Event::Message(push) => heard.extend(push.offset),
                Event::Acked { offset, change: Some(_), .. } => heard.push(offset),
                Event::Disconnected { .. } => lost = true,
                Event::Reset { .. } | Event::Lost { .. } | Event::Ended(_) => panic!("{event:?}"),
                _ => {}
            }
            (heard.last() == Some(&until)).then_some(())
        })
        .await;
        lost
    }

    /// Asserts that every change came, once and in order.
    pub fn has_heard_all(&self) {
        let last = self.heard.last().copied().expect("something");
        assert_eq!(self.heard, (self.first..=last).collect::<Vec<_>>(), "each offset once, in order");
    }
}
