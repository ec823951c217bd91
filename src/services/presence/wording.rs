//! What is told, in the words of each kind of client: messages of port 202, and awareness for those of y-websocket.

use serde::Serialize;

use super::{
    people::What,
    room::{Moved, Person},
    stamp,
};
use crate::{
    ipc::messages::{Awareness, Encoded, To},
    protocol::{
        Codec, Outgoing, ThingId,
        presence::{CursorAt, CursorPush, PORT, Present, State},
        yjs,
    },
};

/// Bytes of awareness states in one message: clients repeat what they receive, and their messages have a bound.
const MAX_STATES_BYTES: usize = 64 * 1024;

/// The pushes that tell it, one after the other; each in every encoding that has words for it.
pub(super) fn encode(thing: ThingId, what: &What, to: To) -> Vec<Vec<Encoded>> {
    match what {
        What::State(people, others) => {
            let present = people.iter().map(|person| present(person, true)).collect();
            let mut pushes = vec![on_port(thing, "state", State { present, others: *others })];
            // At any other time these clients know already, or are told by one another every 15 seconds.
            if let To::One(receiver) = to {
                pushes.extend(states(people.iter().filter(|person| person.session != receiver)));
            }
            pushes
        }
        What::Joined(person) => vec![on_port(thing, "joined", present(person, false))],
        What::Left(person) => {
            let mut encoded = on_port(thing, "left", present(person, false));
            let gone = |awareness: &Awareness| for_yjs(&[yjs::Awareness { state: yjs::GONE, ..entry(awareness) }]);
            encoded.extend(person.whereabouts.awareness.as_ref().map(gone));
            vec![encoded]
        }
        What::Moved(person, moved) => vec![elsewhere(thing, person, *moved)],
    }
}

fn elsewhere(thing: ThingId, person: &Person, moved: Moved) -> Vec<Encoded> {
    let mut encoded = Vec::new();
    if let Some(CursorAt { x, y, part, selection }) = cursor(person).filter(|_| moved.cursor) {
        let Present { id, user, color, .. } = present(person, false);
        encoded = on_port(thing, "cursor", CursorPush { id, user, color, x, y, part, selection });
    }
    let awareness = person.whereabouts.awareness.as_ref().filter(|_| moved.awareness);
    encoded.extend(awareness.map(|awareness| for_yjs(&[entry(awareness)])));
    encoded
}

/// The awareness states of these people, in messages of a bounded size.
fn states<'a>(people: impl Iterator<Item = &'a Person>) -> Vec<Vec<Encoded>> {
    let known = people.filter_map(|person| person.whereabouts.awareness.as_ref());
    let (mut messages, mut entries, mut bytes) = (Vec::new(), Vec::new(), 0);
    for awareness in known.filter(|awareness| awareness.state != yjs::GONE) {
        if bytes + awareness.state.len() > MAX_STATES_BYTES {
            messages.push(vec![for_yjs(&std::mem::take(&mut entries))]);
            bytes = 0;
        }
        bytes += awareness.state.len();
        entries.push(entry(awareness));
    }
    if !entries.is_empty() {
        messages.push(vec![for_yjs(&entries)]);
    }
    messages
}

fn entry(awareness: &Awareness) -> yjs::Awareness<'_> {
    let clock = awareness.clock.saturating_add(awareness.shift);
    yjs::Awareness { client: awareness.client, clock, state: &awareness.state }
}

fn present(person: &Person, with_cursor: bool) -> Present {
    Present {
        id: person.session.to_string(),
        user: person.who.name.clone(),
        color: stamp::color(&person.who),
        cursor: cursor(person).filter(|_| with_cursor),
    }
}

fn cursor(person: &Person) -> Option<CursorAt> {
    serde_json::from_str(person.whereabouts.cursor.as_ref()?).ok()
}

fn on_port(thing: ThingId, name: &str, body: impl Serialize) -> Vec<Encoded> {
    let message = Outgoing { thing: Some(thing.to_string()), ..Outgoing::push(PORT, name, &body) };
    let encode = |codec: Codec| Encoded { codec, form: None, message: codec.encode(&message).into() };
    [Codec::Json, Codec::Cbor].into_iter().map(encode).collect()
}

fn for_yjs(entries: &[yjs::Awareness<'_>]) -> Encoded {
    Encoded { codec: Codec::Yjs, form: None, message: yjs::awareness_message(entries) }
}
