//! A participant that uses the Rust client, with Yjs updates or with patches.

use std::{future::Future, pin::Pin, time::Duration};

use futures_util::future::join_all;
use widgetapp::{
    client::{Client, EditBody, Event, Events, NewEdit, RequestError},
    clock,
    protocol::action::{Edited, Form, Opened},
};

use super::{
    participant::Participant,
    replica::{self, Replica},
};
use crate::reliability::checker::Mark;

const TICK: Duration = Duration::from_millis(10);

type Answer = (String, std::time::Instant, Result<Edited, RequestError>);
type Answers = Pin<Box<dyn Future<Output = Vec<Answer>> + Send>>;

/// Takes part until all is over.
pub async fn run(mut me: Participant, client: Client, mut events: Events) -> Participant {
    let form = if matches!(me.replica, Replica::Yjs(_)) { Form::Yjs } else { Form::Json };
    let opened = client.open(&me.history.thing, form).await.expect("the Thing opens");
    take_whole(&mut me, opened);
    me.is_ready();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut under_way: Option<Answers> = None;
    while !me.is_done() {
        tokio::select! {
            event = events.recv() => {
                hear(&mut me, event.expect("the connection does not end"));
            }
            answers = async { under_way.as_mut().expect("there are some").await }, if under_way.is_some() => {
                under_way = None;
                take_answers(&mut me, answers);
            }
            _ = tick.tick() => {}
        }
        // An answer is an event first: what is written next is written on top of it.
        while let Some(event) = events.try_recv() {
            hear(&mut me, event);
        }
        let now = clock::now();
        if under_way.is_none() {
            me.write(now);
            if me.may_send(now) {
                under_way = Some(send(&me, client.clone()));
            }
        }
    }
    me.history.replica = me.replica.content();
    client.close_stream().await;
    me
}

/// Sends all that is unanswered, in its order, and waits for all answers.
fn send(me: &Participant, client: Client) -> Answers {
    let thing = me.history.thing.clone();
    let edits: Vec<NewEdit> = me
        .unanswered
        .iter()
        .map(|pending| NewEdit {
            key: Some(pending.key.clone()),
            seen: Some(pending.seen),
            change: pending.change.clone(),
        })
        .collect();
    Box::pin(async move {
        let mut replies = Vec::with_capacity(edits.len());
        for edit in edits {
            let key = edit.key.clone().expect("it was given one");
            let reply = client.start_edit(&thing, edit).await.expect("the connection does not end");
            replies.push(async move { (key, reply.await, clock::now()) });
        }
        join_all(replies).await.into_iter().map(|(key, reply, at)| (key, at, reply)).collect()
    })
}

fn take_answers(me: &mut Participant, answers: Vec<Answer>) {
    let mut put_off = false;
    for (key, at, reply) in answers {
        match reply {
            Ok(edited) => {
                assert!(edited.durable);
                me.acknowledged(&key, edited.offset, at);
            }
            // What builds on what was put off cannot be taken either.
            Err(error) if error.temporary() || put_off => {
                put_off = true;
                me.put_off(at);
            }
            Err(error) => panic!("the edit {key} was refused: {error}"),
        }
    }
}

fn take_whole(me: &mut Participant, opened: Opened) {
    match (&mut me.replica, opened.content, opened.update) {
        (Replica::Json(here), Some(content), _) => *here = content,
        (replica @ Replica::Yjs(_), _, Some(update)) => replica.update(&update.0),
        _ => panic!("the Thing is sent in the form in which it was opened"),
    }
    me.heard_whole(opened.offset);
}

fn hear(me: &mut Participant, event: Event) {
    match event {
        Event::Update { offset, update, .. } => {
            me.replica.update(&update);
            me.heard(offset, Mark::Update(replica::hash_of_update(&update)));
        }
        Event::Message(push) => {
            if let Some(offset) = push.offset {
                me.replica.patch(&push.body["patch"]);
                me.heard(offset, replica::mark_of_patch(&push.body["patch"]));
            }
        }
        Event::Acked { offset, key, change: Some(change), .. } => {
            if let EditBody::Patch(patch) = &change {
                me.replica.patch(patch);
            }
            me.heard(offset, Mark::Key(key));
        }
        Event::Reset { opened, .. } => take_whole(me, opened),
        Event::Disconnected { reason, .. } => me.lost_connection(reason.to_string()),
        Event::Lost { error, .. } => panic!("the Thing was lost: {}", error.message),
        Event::Ended(reason) => panic!("the connection ended: {reason}"),
        Event::Welcome(_) | Event::Acked { .. } | Event::Reconnected => {}
    }
}
