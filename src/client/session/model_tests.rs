//! The session against a model of the server, with connections lost at any moment: whatever happens,
//! the client's view is the log.

use std::collections::{HashSet, VecDeque};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{fixture::THING, *};
use crate::clock;

#[derive(Clone, Debug)]
enum Step {
    /// The program edits.
    Edit,
    /// Someone else edits.
    OtherEdit,
    /// The server takes the next request.
    Serve,
    /// The client takes the next message.
    Deliver,
    /// The server loses one push: a fault of its own.
    LosePush,
    /// The connection is lost, with all that is on its way, and stands again.
    Reconnect,
    /// The server forgets how the log began, so that old positions get the whole state.
    Compact,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Edit),
        4 => Just(Step::OtherEdit),
        6 => Just(Step::Serve),
        8 => Just(Step::Deliver),
        1 => Just(Step::LosePush),
        2 => Just(Step::Reconnect),
        1 => Just(Step::Compact),
    ]
}

/// One Thing, one connection.
struct World {
    session: Session<u64>,
    /// The keys of the changes, from offset 1.
    log: Vec<String>,
    /// Changes up to here cannot be sent one by one.
    compacted: usize,
    join: Option<u64>,
    to_server: VecDeque<Value>,
    to_client: VecDeque<Value>,
    edits: u64,
    /// What the program has seen: the keys, in order.
    view: Vec<String>,
    answered: HashSet<u64>,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            session: Session::new(Codec::Json),
            log: Vec::new(),
            compacted: 0,
            join: None,
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            edits: 0,
            view: Vec::new(),
            answered: HashSet::new(),
        };
        let open = Call::named(200, Action::Open.name().into(), Some(THING), json!({}));
        world.session.request(open, 0);
        world.welcome();
        world.settle();
        world
    }

    fn welcome(&mut self) {
        self.to_client.push_back(json!({"port": 0, "name": "welcome", "body": {}}));
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Edit => {
                self.edits += 1;
                let edit = EditBody::Patch(json!([])).with_key(format!("own {}", self.edits));
                let call = Call::action(Action::Edit, Some(THING), CallBody::Edit(edit, None));
                self.session.request(call, self.edits);
            }
            Step::OtherEdit => {
                let key = format!("other {}", self.log.len());
                self.append(key);
                let push = self.change(self.log.len());
                self.to_client.extend(self.join.is_some().then_some(push));
            }
            Step::Serve => self.serve(),
            Step::Deliver => {
                if let Some(message) = self.to_client.pop_front() {
                    let frame = Frame::decode(Codec::Json, &serde_json::to_vec(&message).unwrap()).unwrap();
                    self.session.received(clock::now(), frame);
                }
            }
            Step::LosePush => {
                let is_push = |message: &Value| message["id"].is_null() && message["port"] == 200;
                if let Some(index) = self.to_client.iter().position(is_push) {
                    self.to_client.remove(index);
                }
            }
            Step::Reconnect => {
                (self.to_server, self.to_client, self.join) = Default::default();
                let reason = ConnectError::Dropped("test".into());
                self.session.disconnected(reason, Duration::ZERO);
                self.welcome();
            }
            Step::Compact => self.compacted = self.log.len(),
        }
        self.take_outputs();
        assert!(self.log.starts_with(&self.view), "{:?} is not how {:?} begins", self.view, self.log);
    }

    fn append(&mut self, key: String) {
        self.log.push(key);
    }

    fn change(&self, offset: usize) -> Value {
        json!({"port": 200, "name": Action::Edit.name(), "thing": THING, "join": self.join, "offset": offset,
            "body": {"key": self.log[offset - 1]}})
    }

    fn serve(&mut self) {
        let Some(request) = self.to_server.pop_front() else {
            return;
        };
        let body = if request["name"] == Action::Open.name() {
            self.join = request["id"].as_u64();
            let since = request["body"]["since"]["offset"].as_u64().map(|offset| offset as usize);
            let mut body = json!({"role": "editor", "epoch": "e", "offset": self.log.len(), "recovered": false});
            match since.filter(|&since| since >= self.compacted) {
                Some(since) => {
                    let missed: Vec<Value> = (since + 1..=self.log.len()).map(|offset| self.change(offset)).collect();
                    body["recovered"] = true.into();
                    body["missed"] = missed.into();
                }
                None => body["content"] = json!(self.log),
            }
            body
        } else {
            let key = request["body"]["key"].as_str().unwrap();
            let offset = match self.log.iter().position(|known| known == key) {
                Some(index) => index + 1,
                None => {
                    self.append(key.into());
                    self.log.len()
                }
            };
            json!({"epoch": "e", "offset": offset, "durable": true})
        };
        let reply = json!({"port": 200, "name": request["name"], "id": request["id"], "thing": THING, "body": body});
        self.to_client.push_back(reply);
    }

    fn take_outputs(&mut self) {
        while let Some(output) = self.session.output() {
            match output {
                Output::Send(bytes) => self.to_server.push_back(serde_json::from_slice(&bytes).unwrap()),
                Output::Event(Event::Message(message)) => {
                    assert_eq!(message.offset, Some(self.view.len() as u64 + 1));
                    self.view.push(message.body["key"].as_str().unwrap().into());
                }
                Output::Event(Event::Acked { key, change: Some(_), offset, .. }) => {
                    assert_eq!(offset, self.view.len() as u64 + 1);
                    self.view.push(key);
                }
                Output::Event(Event::Reset { opened, .. }) => {
                    self.view = serde_json::from_value(opened.content.unwrap()).unwrap();
                }
                Output::Event(Event::Lost { error, .. }) => panic!("{error:?}"),
                Output::Reply(asked, reply) => {
                    reply.unwrap();
                    assert!(self.answered.insert(asked), "answered twice");
                }
                _ => {}
            }
        }
    }

    /// Until nothing is under way any more.
    fn settle(&mut self) {
        self.take_outputs();
        while !self.to_client.is_empty() || !self.to_server.is_empty() {
            self.step(&Step::Deliver);
            self.step(&Step::Serve);
        }
    }
}

proptest! {
    #[test]
    fn the_clients_view_is_the_log_whatever_happens(steps in prop::collection::vec(any_step(), 0..120)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
        // A lost push shows at the next change, or at the next connection.
        world.settle();
        world.step(&Step::OtherEdit);
        world.settle();
        prop_assert_eq!(&world.view, &world.log);
        prop_assert_eq!(world.answered.len() as u64, world.edits + 1);
        let mut own: Vec<&String> = world.log.iter().filter(|key| key.starts_with("own")).collect();
        prop_assert_eq!(own.len() as u64, world.edits, "each edit is in the log once");
        let in_log = own.clone();
        own.sort_by_key(|key| key[4..].parse::<u64>().unwrap());
        prop_assert_eq!(in_log, own, "in the order in which they were made");
    }
}
