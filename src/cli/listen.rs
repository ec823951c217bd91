//! `widgetapp listen`: prints every message of a stream as one line of JSON.
//!
//! Messages go to standard output; what happens to the connection is noted on standard error.

use std::io;

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use serde::Serialize;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::{CliError, options::WhoArgs, output};
use crate::{
    client::{Client, ConnectError, Event, Events, RequestError},
    protocol::{
        Codec, Outgoing,
        action::{self, Action},
        message::Incoming,
        session,
    },
};

/// Events that are printed with one write.
const MAX_PRINTED_AT_ONCE: usize = 256;

/// The command line of `listen`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    who: WhoArgs,
    /// A Thing to open: its id, or a name of the demonstration, such as welcome. May be repeated
    #[arg(long)]
    thing: Vec<String>,
    /// Print only messages of this port. May be repeated [default: all]
    #[arg(long)]
    port: Vec<u16>,
}

pub(super) async fn run(args: Args) -> Result<(), CliError> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let (server, who) = args.who.find()?;
    let things = args.thing.iter().map(|name| server.thing(name)).collect::<Result<_, _>>()?;
    let mut builder = Client::builder(&server.url, who.tokens());
    if let Some(pem) = server.tls_root {
        builder = builder.tls_root(pem);
    }
    let listening = async {
        let (client, events) = builder.connect().await?;
        let printer = Printer { ports: args.port, write: output::write, note: |note| eprintln!("widgetapp: {note}") };
        let result = printer.run(&client, events, things).await;
        client.close_stream().await;
        result
    };
    tokio::select! {
        result = listening => result,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

async fn open(client: &Client, thing: &str) -> Result<Incoming, RequestError> {
    let name = Action::Open.name();
    client.request(action::PORT, name, Some(thing), json!({"as": "json"})).await
}

/// Where messages and notes go.
struct Printer<W, N> {
    /// All, if there are none.
    ports: Vec<u16>,
    write: W,
    note: N,
}

impl<W: FnMut(&[u8]) -> io::Result<()>, N: FnMut(String)> Printer<W, N> {
    /// Runs until the connection ends for good, or the output does.
    async fn run(mut self, client: &Client, mut events: Events, things: Vec<String>) -> Result<(), CliError> {
        let mut opening: FuturesUnordered<_> = things.iter().map(|thing| open(client, thing)).collect();
        let mut batch = Vec::with_capacity(MAX_PRINTED_AT_ONCE);
        let mut lines = Vec::new();
        loop {
            let mut end = Ok(());
            tokio::select! {
                // The reply to an opening is printed before the changes that follow it.
                biased;
                Some(opened) = opening.next() => {
                    self.line(action::PORT, &opened?, &mut lines);
                }
                count = events.recv_many(&mut batch, MAX_PRINTED_AT_ONCE) => {
                    if count == 0 {
                        return Ok(());
                    }
                    for event in batch.drain(..) {
                        end = end.and(self.event(event, &mut lines));
                    }
                }
            }
            if !lines.is_empty() {
                (self.write)(&lines)?;
                lines.clear();
            }
            // What came before the end is printed before it is told.
            end?;
        }
    }

    fn event(&mut self, event: Event, lines: &mut Vec<u8>) -> Result<(), ConnectError> {
        match event {
            Event::Message(message) => self.line(message.port, &message, lines),
            Event::Welcome(welcome) => {
                self.line(session::PORT, &Outgoing::push(session::PORT, "welcome", welcome), lines);
            }
            Event::Reset { thing, opened } => {
                (self.note)("the log does not have all that was missed; here is the whole state".into());
                let push = Outgoing::push(action::PORT, Action::Open.name(), opened);
                self.line(action::PORT, &Outgoing { thing: Some(thing), ..push }, lines);
            }
            Event::Lost { thing, error } => (self.note)(format!("{thing} is not open any more: {}", error.message)),
            Event::Disconnected { reason, retry_in } => {
                let seconds = retry_in.as_secs_f64();
                (self.note)(format!("connection lost: {reason}; trying again in {seconds:.1} s"));
            }
            Event::Reconnected => (self.note)("connected again; nothing was missed".into()),
            Event::Ended(reason) => return Err(reason),
            // Neither Yjs nor own edits here.
            Event::Update { .. } | Event::Acked { .. } => {}
        }
        Ok(())
    }

    /// Prints a message with its fields in the order of the contract.
    fn line(&self, port: u16, message: &impl Serialize, lines: &mut Vec<u8>) {
        if self.ports.is_empty() || self.ports.contains(&port) {
            lines.extend_from_slice(&Codec::Json.encode(message));
            lines.push(b'\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde_json::Value;

    use super::*;
    use crate::client::fake_server::{FakeServer, THING, change, connected};

    /// Runs a printer until the server closes with 4507, and returns its lines and notes.
    async fn printed(ports: &[u16], things: &[&str]) -> (Vec<Value>, Vec<String>) {
        let server = FakeServer::new().await;
        let (client, events, mut peer) = connected(&server).await;
        let (lines, notes) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
        let printer = Printer {
            ports: ports.to_vec(),
            write: |bytes: &[u8]| {
                lines.borrow_mut().extend_from_slice(bytes);
                Ok(())
            },
            note: |note| notes.borrow_mut().push(note),
        };
        let served = async {
            if !things.is_empty() {
                peer.open_at(5).await;
                peer.send(change(1, 6)).await;
            }
            drop(peer);
            let mut peer = server.welcome().await;
            if !things.is_empty() {
                let id = peer.expect("open").await;
                let missed = json!([change(1, 7)]);
                let recovered =
                    json!({"role": "viewer", "epoch": "e", "offset": 7, "recovered": true, "missed": missed});
                peer.opened(id, recovered).await;
            }
            peer.close(4507).await;
        };
        let things = things.iter().map(|&thing| thing.into()).collect();
        let (result, ()) = tokio::join!(printer.run(&client, events, things), served);
        assert!(matches!(result, Err(CliError::Connect(ConnectError::Closed { code: 4507, .. }))));
        let lines = String::from_utf8(lines.into_inner()).unwrap();
        let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (lines, notes.into_inner())
    }

    #[tokio::test]
    async fn every_message_is_a_line_also_after_a_lost_connection() {
        let (lines, notes) = printed(&[], &[THING]).await;
        let shown: Vec<_> =
            lines.iter().map(|line| (line["name"].as_str().unwrap(), line["offset"].as_u64())).collect();
        assert_eq!(
            shown,
            [
                ("welcome", None),
                ("widgetApp_useraction_open", None),
                ("widgetApp_useraction_edit", Some(6)),
                ("welcome", None),
                ("widgetApp_useraction_edit", Some(7)),
            ]
        );
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!(notes[0].starts_with("connection lost: ") && notes[0].ends_with(" s"), "{notes:?}");
        assert_eq!(notes[1], "connected again; nothing was missed");
    }

    #[test]
    fn fields_stand_in_the_order_of_the_contract() {
        let printer = Printer { ports: Vec::new(), write: |_: &[u8]| Ok(()), note: |_| {} };
        let (message, mut lines) = (json!({"name": "n", "body": {}, "port": 200, "join": 1}), Vec::new());
        let message: Incoming = serde_json::from_value(message).unwrap();
        printer.line(200, &message, &mut lines);
        assert_eq!(String::from_utf8(lines).unwrap(), "{\"port\":200,\"name\":\"n\",\"join\":1,\"body\":{}}\n");
    }

    #[tokio::test]
    async fn only_the_ports_asked_for_are_printed() {
        assert!(printed(&[200], &[]).await.0.is_empty());
        assert_eq!(printed(&[200, 0], &[]).await.0.len(), 2);
    }
}
