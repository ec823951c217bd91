//! Which Things are open here, by whom and in which `_stream`; where a change goes. Pure.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use crate::{
    ipc::messages::Encoded,
    protocol::{Codec, ThingId, action::Form},
};

/// The Things that sessions of this instance have open.
#[derive(Debug, Default)]
pub struct FanOut {
    things: HashMap<ThingId, Topic>,
}

/// One Thing that is open here.
#[derive(Debug)]
pub struct Topic {
    /// The life of its log.
    pub epoch: String,
    /// The last change that was passed on.
    pub offset: u64,
    holders: HashMap<Uuid, (u16, Codec, Form)>,
    /// The `_stream`s that have holders: a change goes once to each of them.
    streams: BTreeMap<u16, Reach>,
}

/// A Thing in one `_stream`.
#[derive(Debug, Default)]
struct Reach {
    holders: usize,
    behind: Option<Behind>,
}

/// What a `_stream` lacks is on its way. Until it comes, others pass by: changes that overtake it, and those that are
/// sent again for another `_stream`, perhaps in other forms. All of them come again.
#[derive(Debug)]
struct Behind {
    /// The slowest holder has this change.
    after: u64,
    /// How they want to hear; whoever opens the Thing later has all of this already.
    wanted: Vec<(Codec, Form)>,
}

impl Topic {
    /// The encodings and forms that its holders need.
    pub fn wanted(&self) -> Vec<(Codec, Form)> {
        self.wanted_where(|_| true)
    }

    fn wanted_where(&self, counts: impl Fn(u16) -> bool) -> Vec<(Codec, Form)> {
        let mut wanted = Vec::new();
        for &(stream, codec, form) in self.holders.values() {
            if counts(stream) && !wanted.contains(&(codec, form)) {
                wanted.push((codec, form));
            }
        }
        wanted
    }

    /// The last change that everyone who holds it has: a new link goes on from there.
    pub fn everyone_has(&self) -> u64 {
        self.streams.values().filter_map(|reach| Some(reach.behind.as_ref()?.after)).fold(self.offset, u64::min)
    }

    /// The `_stream`s in which it is open.
    pub fn streams(&self) -> impl Iterator<Item = u16> {
        self.streams.keys().copied()
    }

    fn streams_for(&mut self, offset: u64, encoded: &[Encoded]) -> Vec<u16> {
        let has =
            |&(codec, form): &(Codec, Form)| encoded.iter().any(|one| one.codec == codec && one.form == Some(form));
        let mut taking = Vec::new();
        for (stream, reach) in &mut self.streams {
            let lacks = |lacks: &Behind| offset == lacks.after + 1 && lacks.wanted.iter().all(has);
            if reach.behind.as_ref().is_none_or(lacks) {
                reach.behind = None;
                taking.push(*stream);
            }
        }
        taking
    }
}

impl FanOut {
    /// A session has opened a Thing, or is found to have it open after a new link.
    pub fn open(&mut self, session: Uuid, stream: u16, codec: Codec, open: &crate::ipc::messages::OpenThing) {
        let topic = self.things.entry(open.thing).or_insert_with(|| Topic {
            epoch: open.epoch.clone(),
            offset: open.offset,
            holders: HashMap::new(),
            streams: BTreeMap::new(),
        });
        // The log started anew, or an older change has to be sent again: both only after a new link.
        topic.epoch.clone_from(&open.epoch);
        if topic.holders.insert(session, (stream, codec, open.form)).is_none() {
            topic.streams.entry(stream).or_default().holders += 1;
        }
    }

    /// A session has closed a Thing. Tells whether nobody here has it open any more.
    pub fn close(&mut self, session: Uuid, thing: ThingId) -> bool {
        let Some(topic) = self.things.get_mut(&thing) else { return false };
        let Some((stream, ..)) = topic.holders.remove(&session) else { return false };
        if let Some(reach) = topic.streams.get_mut(&stream) {
            reach.holders -= 1;
            if reach.holders == 0 {
                topic.streams.remove(&stream);
            }
        }
        if topic.holders.is_empty() {
            self.things.remove(&thing);
            return true;
        }
        false
    }

    /// One Thing, if it is open here.
    pub fn get(&self, thing: ThingId) -> Option<&Topic> {
        self.things.get(&thing)
    }

    /// A change is passed on: the `_stream`s to which it goes.
    pub fn pass(&mut self, thing: ThingId, offset: u64, encoded: &[Encoded]) -> Vec<u16> {
        let Some(topic) = self.things.get_mut(&thing) else { return Vec::new() };
        topic.offset = topic.offset.max(offset);
        topic.streams_for(offset, encoded)
    }

    /// In this `_stream` changes after `offset` have to come again.
    pub fn rewind(&mut self, thing: ThingId, stream: u16, offset: u64) {
        if let Some(topic) = self.things.get_mut(&thing) {
            topic.offset = topic.offset.min(offset);
            let wanted = topic.wanted_where(|at| at == stream);
            if let Some(reach) = topic.streams.get_mut(&stream) {
                reach.behind = Some(Behind { after: offset, wanted });
            }
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (ThingId, &Topic)> {
        self.things.iter().map(|(thing, topic)| (*thing, topic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ipc::messages::{OpenThing, Whereabouts},
        protocol::Role,
    };

    fn in_form(codec: Codec) -> Encoded {
        Encoded { codec, form: Some(Form::Json), message: bytes::Bytes::new() }
    }

    fn open(thing: ThingId, offset: u64) -> OpenThing {
        let (epoch, whereabouts) = ("e".into(), Whereabouts::default());
        OpenThing { thing, join: 1, form: Form::Json, role: Role::Editor, epoch, offset, whereabouts }
    }

    #[test]
    fn a_thing_is_left_with_its_last_holder() {
        let (mut fan_out, thing) = (FanOut::default(), ThingId(Uuid::nil()));
        let open = open(thing, 4);
        let [ada, grace] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        fan_out.open(ada, 1, Codec::Json, &open);
        fan_out.open(ada, 1, Codec::Json, &open);
        fan_out.open(grace, 2, Codec::Cbor, &open);
        assert_eq!(fan_out.get(thing).unwrap().streams().collect::<Vec<_>>(), [1, 2]);
        assert!(!fan_out.close(ada, thing));
        assert_eq!(fan_out.get(thing).unwrap().streams().collect::<Vec<_>>(), [2]);
        assert!(fan_out.close(grace, thing));
        assert!(!fan_out.close(grace, thing), "closed already");
    }

    #[test]
    fn a_stream_that_comes_back_is_not_sent_what_overtakes_its_missing_changes() {
        let (mut fan_out, thing) = (FanOut::default(), ThingId(Uuid::nil()));
        let at = |offset| open(thing, offset);
        fan_out.open(Uuid::from_u128(1), 1, Codec::Json, &at(9));
        fan_out.open(Uuid::from_u128(2), 2, Codec::Json, &at(7));
        fan_out.rewind(thing, 2, 7);
        let json = [in_form(Codec::Json)];
        assert_eq!(fan_out.pass(thing, 10, &json), [1], "it overtakes 8 and 9");
        assert_eq!(fan_out.get(thing).unwrap().everyone_has(), 7);
        for offset in [8, 9, 10, 11] {
            assert_eq!(fan_out.pass(thing, offset, &json), [1, 2], "each holder skips what it has");
        }
    }

    #[test]
    fn what_is_sent_again_for_another_stream_in_other_forms_passes_by() {
        let (mut fan_out, thing) = (FanOut::default(), ThingId(Uuid::nil()));
        fan_out.open(Uuid::from_u128(1), 1, Codec::Json, &open(thing, 7));
        fan_out.rewind(thing, 1, 7);
        fan_out.open(Uuid::from_u128(2), 2, Codec::Cbor, &open(thing, 7));
        fan_out.rewind(thing, 2, 7);
        let (json, both) = ([in_form(Codec::Json)], [in_form(Codec::Json), in_form(Codec::Cbor)]);
        assert_eq!(fan_out.pass(thing, 8, &json), [1], "asked for before the second was known");
        fan_out.open(Uuid::from_u128(3), 2, Codec::Yjs, &open(thing, 9));
        assert_eq!(fan_out.pass(thing, 8, &both), [1, 2], "the newcomer has it already");
    }
}
