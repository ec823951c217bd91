//! Port 201: Yjs clients compare what they have with what there is, as y-protocols has it.
//!
//! Step 1 is answered by step 2; step 2 and updates are edits, as far as they are new. A connection of y-websocket is
//! served here too: it opens its Thing by a comparison, and the rest of it are messages of this port.

use std::rc::Rc;

use bytes::Bytes;

use super::{
    call::{Call, Place, StreamWay, Way},
    useraction::UserActions,
};
use crate::{
    ipc::messages::{Push, Request, To, WfeDown},
    open_things::{Command, Compare, Compared, Merge, Merged},
    protocol::{
        Codec, ErrorBody, ErrorCode, Outgoing, ThingId,
        action::{Action, Form},
        codec::Blob,
        message::WithBody,
        sync::{PORT, SYNC, Sync, Synced},
        yjs,
    },
};

/// What a sync message asks for.
pub enum Asked {
    /// What the sender lacks, who has this.
    Missing(Bytes),
    /// To take this over.
    Merge(Bytes),
}

impl Asked {
    /// Reads the request.
    ///
    /// # Errors
    /// `invalid_sync`.
    pub fn read(request: &Request) -> Result<Self, ErrorBody> {
        let invalid = |why: String| ErrorBody::new(ErrorCode::InvalidSync, why);
        let read = request.codec.decode::<WithBody<Sync>>(&request.message);
        let Blob(data) = read.map_err(|error| invalid(error.to_string()))?.body.data;
        match yjs::read_sync(&data).map_err(|error| invalid(error.to_string()))? {
            yjs::Sync::Step1(state_vector) => Ok(Self::Missing(data.slice_ref(state_vector))),
            yjs::Sync::Update(update) => Ok(Self::Merge(data.slice_ref(update))),
        }
    }

    /// As which action `access` decides about it: to compare is to see the Thing, to send something is to change it.
    pub fn action(&self) -> Action {
        match self {
            Self::Missing(_) => Action::Open,
            Self::Merge(_) => Action::Edit,
        }
    }
}

/// Does what a `sync` asks for.
pub fn run(actions: &Rc<UserActions>, call: Call, asked: Asked) {
    let thing = match call.on() {
        Ok((thing, _)) => thing,
        Err(error) => return call.answer.refuse(error),
    };
    match asked {
        Asked::Missing(state_vector) => compare(actions, call, thing, Some(state_vector)),
        Asked::Merge(update) => merge(actions, call, thing, update),
    }
}

fn compare(actions: &Rc<UserActions>, call: Call, thing: ThingId, state_vector: Option<Bytes>) {
    let answer = Box::new(move |compared: Result<Compared, ErrorBody>| {
        let Compared { missing, state_vector, lacks, .. } = match compared {
            Ok(compared) => compared,
            Err(error) => return call.answer.refuse(error),
        };
        let Way::Stream(way) = &call.answer else { return call.answer.refuse(ErrorCode::NotOpen.into()) };
        // The client's own changes are asked for in turn, by a step 1 of the server.
        let push = lacks.then(|| (way.listener.clone(), question(way, thing, &state_vector)));
        let data = Some(Blob(yjs::step_2(&missing).into()));
        call.answer.finish(Ok(Synced { data, ..Synced::default() }), Place::default());
        if let Some((listener, push)) = push {
            listener.sender.send(&push);
        }
    });
    actions.things.ask(thing, Command::Compare(Compare { state_vector, join: None, answer }));
}

/// The push `sync`: what the server has, so that the client sends what the server lacks.
fn question(way: &StreamWay, thing: ThingId, state_vector: &[u8]) -> WfeDown {
    use crate::ipc::messages::Encoded;
    let data = yjs::step_1(state_vector);
    let message = match way.codec {
        Codec::Yjs => yjs::sync_message(&data),
        codec => {
            let push = Outgoing::push(PORT, SYNC, Sync { data: Blob(data.into()) });
            codec.encode(&Outgoing { thing: Some(thing.to_string()), ..push }).into()
        }
    };
    let encoded = vec![Encoded { codec: way.codec, form: None, message }];
    WfeDown::Push(Push { thing, change: None, to: To::One(way.session), newest_of: None, encoded })
}

fn merge(actions: &Rc<UserActions>, call: Call, thing: ThingId, update: Bytes) {
    let (by, session, actions_later) = (call.caller().clone(), call.session(), actions.clone());
    let answer = Box::new(move |merged: Result<Merged, ErrorBody>| {
        let is_yjs = matches!(&call.answer, Way::Stream(way) if way.codec == Codec::Yjs);
        match merged {
            Ok(Merged { epoch, offset, is_new }) => {
                let place = Place { offset: is_new.then_some(offset), ..Place::default() };
                let synced = Synced { data: None, epoch: Some(epoch), offset: Some(offset), durable: Some(true) };
                call.answer.finish(Ok(synced), place);
                if is_new {
                    actions_later.note_change(thing);
                }
            }
            // It typed on before it had sent what it had: y-websocket sends all of it if it is asked.
            Err(error) if is_yjs && error.code == ErrorCode::IncompleteUpdate.number() => {
                ask_for_all(&actions_later, call, thing);
            }
            Err(error) => call.answer.refuse(error),
        }
    });
    actions.things.ask(thing, Command::Merge(Merge { by, update, session, answer }));
}

fn ask_for_all(actions: &Rc<UserActions>, call: Call, thing: ThingId) {
    let answer = Box::new(move |compared: Result<Compared, ErrorBody>| {
        let asked = compared.map(|compared| {
            let data = Some(Blob(yjs::step_1(&compared.state_vector).into()));
            Synced { data, ..Synced::default() }
        });
        call.answer.finish(asked, Place::default());
    });
    actions.things.ask(thing, Command::Compare(Compare { state_vector: None, join: None, answer }));
}

/// The `open` of a y-websocket connection: answered with a step 1 for those who may change the Thing. What the client
/// lacks it asks for itself.
pub fn open(actions: &Rc<UserActions>, call: Call) {
    let thing = match call.on() {
        Ok((thing, _)) => thing,
        Err(error) => return call.answer.refuse(error),
    };
    let Way::Stream(way) = &call.answer else { return call.answer.refuse(ErrorCode::NotOpen.into()) };
    let join = Some((way.listener.clone(), way.codec));
    let later = actions.clone();
    let answer = Box::new(move |compared: Result<Compared, ErrorBody>| {
        let opened = compared.and_then(|compared| Ok((compared, call.confirmed(&later.store)?)));
        let (Compared { epoch, offset, state_vector, .. }, (_, role)) = match opened {
            Ok(opened) => opened,
            Err(error) => return call.answer.refuse(error),
        };
        let (who, place) = (call.caller().clone(), call.place());
        let asks = call.may(&later.store, Action::Edit);
        let data = asks.then(|| Blob(yjs::step_1(&state_vector).into()));
        if let Some(place) = place {
            later.sessions.set_role(place, thing, Some(role));
        }
        let opened = Some((Form::Yjs, role, &*epoch));
        let synced = Synced { data, ..Synced::default() };
        call.answer.finish(Ok(synced), Place { offset: Some(offset), opened, ..Place::default() });
        if let Some(place) = place {
            later.arrived(place, thing, &who);
        }
    });
    actions.things.ask(thing, Command::Compare(Compare { state_vector: None, join, answer }));
}
