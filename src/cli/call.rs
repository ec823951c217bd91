//! `widgetapp call`: does one user action and prints the reply.

use clap::error::ErrorKind;
use serde_json::{Map, Value};

use super::{
    CliError,
    fields::{self, Field},
    options::{Server, Who, WhoArgs},
    output,
};
use crate::{
    client::{Client, RequestError},
    clock,
    protocol::{
        ErrorCode,
        action::{self, Action, Form},
    },
};

/// The command line of `call`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  widgetapp call create title=Boat
  widgetapp call select --thing welcome
  widgetapp call edit --thing welcome /notes=\"Hello\"
  widgetapp call undo --thing welcome
  widgetapp call search --ajax q=boat limit=3")]
pub struct Args {
    /// The user action: scroll, search, select, create, open, close, edit, refresh, rename, delete, restore, undo, redo,
    /// invite, uninvite or history
    action: Action,
    #[command(flatten)]
    who: WhoArgs,
    /// The Thing that it is about: its id, or a name of the demonstration, such as welcome
    #[arg(long)]
    thing: Option<String>,
    /// Do it over HTTP (_ajax) instead of the stream
    #[arg(long)]
    ajax: bool,
    /// The body: values are JSON if they can be read so, else texts. In an edit, /path=value sets what is
    /// at that path
    #[arg(value_name = "KEY=VALUE")]
    fields: Vec<Field>,
}

impl Args {
    /// The body of the request.
    pub(super) fn body(&self) -> Result<Map<String, Value>, clap::Error> {
        let mut body = fields::body(self.action, self.fields.clone())
            .map_err(|error| clap::Error::raw(ErrorKind::ValueValidation, format!("{error}\n")))?;
        let has_key =
            matches!(self.action, Action::Edit | Action::Rename | Action::Restore | Action::Undo | Action::Redo);
        if has_key && !body.contains_key("key") {
            body.insert("key".into(), clock::new_id().to_string().into());
        }
        Ok(body)
    }
}

pub(super) async fn run(args: Args) -> Result<(), CliError> {
    let body = args.body().unwrap_or_else(|error| error.exit());
    let (server, who) = args.who.find()?;
    let thing = args.thing.map(|name| server.thing(&name)).transpose()?;
    let reply = match args.ajax {
        true => over_ajax(&server, &who, args.action, thing.as_deref(), body).await?,
        false => {
            let mut builder = Client::builder(&server.url, who.tokens());
            if let Some(pem) = server.tls_root {
                builder = builder.tls_root(pem);
            }
            // The events are not wanted, so they are dropped at once.
            let (client, _) = builder.connect().await?;
            let reply = over_stream(&client, args.action, thing.as_deref(), body.into()).await;
            client.close_stream().await;
            reply?
        }
    };
    Ok(output::print(&reply)?)
}

async fn over_ajax(
    server: &Server,
    who: &Who,
    action: Action,
    thing: Option<&str>,
    body: Map<String, Value>,
) -> Result<Value, CliError> {
    match (action, who) {
        (Action::Open, _) => Err(CliError::StreamOnly("open")),
        (Action::Close, _) => Err(CliError::StreamOnly("close")),
        (_, Who::Token(token)) => Ok(server.http()?.call(action, thing, body, Some(token)).await?),
        (_, Who::Login(login)) => Ok(login.call(action, thing, body).await?),
    }
}

async fn over_stream(client: &Client, action: Action, thing: Option<&str>, body: Value) -> Result<Value, RequestError> {
    let request = || client.request(action::PORT, action.name(), thing, body.clone());
    let reply = match (request().await, thing) {
        // What wants the Thing open gets it open. An edit keeps its key.
        (Err(RequestError::Refused(error)), Some(thing)) if error.code == ErrorCode::NotOpen.number() => {
            client.open(thing, Form::Json).await?;
            request().await?
        }
        (reply, _) => reply?,
    };
    Ok(reply.body)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::fake_server::{FakeServer, THING, connected};

    #[tokio::test]
    async fn an_edit_that_wants_the_thing_open_gets_it_open_and_keeps_its_key() {
        let server = FakeServer::new().await;
        let (client, _events, mut peer) = connected(&server).await;
        let body = json!({"key": "k", "patch": []});
        let served = async {
            let first = peer.receive().await;
            let error = json!({"code": 202, "name": "not_open", "message": "m", "temporary": false});
            peer.send(json!({"port": 200, "name": first["name"], "id": first["id"], "error": error})).await;
            peer.open_at(4).await;
            let second = peer.receive().await;
            assert_eq!(first["body"], second["body"]);
            peer.ack(second["id"].as_u64().unwrap(), 5).await;
        };
        let (reply, ()) = tokio::join!(over_stream(&client, Action::Edit, Some(THING), body), served);
        assert_eq!(reply.unwrap(), json!({"epoch": "e", "offset": 5, "durable": true}));
    }
}
