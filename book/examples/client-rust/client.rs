//! Shows the changes of a Thing and makes one: `client-rust SERVER THING`, with an access token in WIDGETAPP_TOKEN.
//!
//! The client library reconnects and resumes by itself; here is what a program hears of it.

use serde_json::json;
use widgetapp::{
    client::{Client, EditBody, Event},
    protocol::action::Form,
};

#[tokio::main]
pub(crate) async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(server), Some(thing)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("which server, and which Thing?");
    };
    let (client, mut events) = Client::connect(&server, std::env::var("WIDGETAPP_TOKEN")?).await?;

    let opened = client.open(&thing, Form::Json).await?;
    println!("open at {} as {}", opened.offset, opened.role);

    let patch = json!([{"op": "add", "path": "/meta/checked", "value": true}]);
    let edited = client.edit(&thing, EditBody::Patch(patch)).await?;
    println!("my edit is stored at {}", edited.offset);

    while let Some(event) = events.recv().await {
        match event {
            Event::Message(push) => match push.offset {
                Some(offset) => println!("{offset} {} {}", push.body["user"], push.body["patch"]),
                None if push.port == 202 => {} // who comes, goes and points
                None => println!("{} {}", push.name, push.body),
            },
            Event::Reset { opened, .. } => println!("all anew, as of {}", opened.offset),
            Event::Disconnected { reason, .. } => println!("the connection is lost: {reason}"),
            Event::Reconnected => println!("back again, nothing missed"),
            Event::Lost { error, .. } => anyhow::bail!(error.message),
            Event::Ended(reason) => return Err(reason.into()),
            // Our own edit is acknowledged above, and there are no Yjs updates here.
            Event::Welcome(_) | Event::Acked { .. } | Event::Update { .. } => {}
        }
    }
    Ok(())
}
