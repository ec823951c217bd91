//! Shows the changes of a Thing and makes one: `client-rust THING`, with an access token in WIDGETAPP_TOKEN.
//!
//! The client library reconnects and resumes by itself; here is what a program hears of it.

use serde_json::json;
use widgetapp::{
    client::{Client, EditBody, Event},
    protocol::action::Form,
};

#[tokio::main]
pub async fn main() -> anyhow::Result<()> {
    let thing = std::env::args().nth(1).ok_or(anyhow::anyhow!("which Thing?"))?;
    let server = std::env::var("WIDGETAPP_URL").unwrap_or("http://127.0.0.1:8080".into());
    let (client, mut events) = Client::connect(&server, std::env::var("WIDGETAPP_TOKEN")?).await?;

    let opened = client.open(&thing, Form::Json).await?;
    println!("open at {} as {}", opened.offset, opened.role);

    let patch = json!([{"op": "add", "path": "/meta/checked", "value": true}]);
    let edited = client.edit(&thing, EditBody::Patch(patch)).await?;
    println!("my edit is stored at {}", edited.offset);

    while let Some(event) = events.recv().await {
        match event {
            Event::Welcome(welcome) => println!("welcome, {}", welcome.user),
            Event::Message(push) if push.offset.is_some() => {
                println!("{} {} {}", push.offset.unwrap_or_default(), push.body["user"], push.body["patch"]);
            }
            Event::Message(push) => println!("{} by {}", push.name, push.body["user"]),
            Event::Acked { offset, .. } => println!("{offset} is mine"),
            Event::Reset { opened, .. } => println!("all anew, as of {}", opened.offset),
            Event::Disconnected { reason, .. } => println!("the connection is lost: {reason}"),
            Event::Reconnected => println!("back again, nothing missed"),
            Event::Lost { error, .. } => anyhow::bail!(error.message),
            Event::Ended(reason) => return Err(reason.into()),
            Event::Update { .. } => {}
        }
    }
    Ok(())
}
