use proptest::prelude::*;

use super::*;
use crate::{access::Kind, clock, protocol::limits::MAX_PRESENT_TOLD};

const THING: ThingId = ThingId(Uuid::from_u128(77));

/// A room, and what somebody in it knows.
struct Bench {
    people: People,
    start: Instant,
}

fn who(name: &str) -> Principal {
    Principal { kind: Kind::User, name: name.into(), organisation: "acme".into() }
}

fn session(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn entry(client: u64, clock: u32, state: &str) -> yjs::Awareness<'_> {
    yjs::Awareness { client, clock, state }
}

/// In short: what is said to whom.
fn short(say: &[Say]) -> Vec<String> {
    let to = |to: To| match to {
        To::Everyone => "all".to_owned(),
        To::Others(other) => format!("not {}", other.as_u128()),
        To::One(one) => format!("{}", one.as_u128()),
    };
    let what = |what: &What| match what {
        What::State(present, others) => {
            let mut names: Vec<&str> = present.iter().map(|person| person.who.name.as_str()).collect();
            names.truncate(3);
            format!("state {} +{others}", names.join(" "))
        }
        What::Joined(person) => format!("joined {}", person.who.name),
        What::Left(person) => format!("left {}", person.who.name),
        What::Moved(person, _) => format!("moved {}", person.who.name),
    };
    say.iter().map(|say| format!("{}: {}", to(say.to), what(&say.what))).collect()
}

impl Bench {
    fn new() -> Self {
        Self { people: People::default(), start: clock::now() }
    }

    fn at(&self, millis: u64) -> Instant {
        self.start + Duration::from_millis(millis)
    }

    fn opens(&mut self, number: u128, name: &str) -> Vec<String> {
        short(&self.people.opened(THING, (1, session(number)), &who(name), self.start))
    }

    fn cursor(&mut self, number: u128, x: u64, millis: u64) -> Vec<String> {
        let cursor = format!(r#"{{"x":{x},"y":0}}"#);
        let (_, say) = self.people.cursor(THING, session(number), cursor, self.at(millis)).unwrap();
        short(say.as_slice())
    }

    fn tick(&mut self, millis: u64) -> Vec<String> {
        short(&self.people.tick(self.at(millis)))
    }

    /// What a client tells; its clock as the others see it, if they are told.
    fn tells(&mut self, number: u128, entries: &[yjs::Awareness<'_>], millis: u64) -> Option<(u64, u32)> {
        let told = self.people.awareness(THING, session(number), entries, self.at(millis)).unwrap();
        let own = told.0?.awareness.unwrap();
        Some((own.client, own.clock + own.shift))
    }
}

#[test]
fn who_comes_is_told_who_is_there_and_the_others_that_they_came() {
    let mut bench = Bench::new();
    assert_eq!(bench.opens(1, "ada"), ["not 1: joined ada", "1: state ada +0"]);
    assert_eq!(bench.opens(2, "grace"), ["not 2: joined grace", "2: state ada grace +0"]);
    assert_eq!(bench.opens(2, "grace"), ["2: state ada grace +0"], "again");
    assert_eq!(short(&bench.people.left(THING, &[session(1)], bench.start)), ["all: left ada"]);
    assert_eq!(short(&bench.people.gone(&[session(2)], bench.start)), ["all: left grace"]);
    assert!(bench.people.rooms.is_empty() && bench.people.of.is_empty());
    assert_eq!(bench.people.cursor(THING, session(2), "{}".into(), bench.start).unwrap_err(), Refused::NotHere);
}

#[test]
fn a_cursor_is_told_at_once_and_then_the_newest_of_each_while() {
    let mut bench = Bench::new();
    bench.opens(1, "ada");
    assert_eq!(bench.cursor(1, 1, 0), ["not 1: moved ada"]);
    assert!(bench.cursor(1, 2, 10).is_empty() && bench.cursor(1, 3, 20).is_empty());
    assert!(bench.tick(49).is_empty());
    let say = bench.people.tick(bench.at(50));
    let What::Moved(person, _) = &say[0].what else { panic!("{say:?}") };
    assert_eq!((say.len(), person.whereabouts.cursor.as_deref()), (1, Some(r#"{"x":3,"y":0}"#)));
    assert!(bench.tick(500).is_empty(), "nothing is told twice");
    assert_eq!(bench.cursor(1, 4, 600), ["not 1: moved ada"]);
}

#[test]
fn of_many_only_the_first_are_told_of() {
    let mut bench = Bench::new();
    for number in 1..=MAX_PRESENT_TOLD {
        bench.opens(number as u128, "early");
    }
    assert_eq!(bench.opens(500, "late"), ["500: state early early early +1"]);
    assert!(bench.cursor(500, 1, 0).is_empty());
    let left = short(&bench.people.left(THING, &[session(7)], bench.start));
    assert_eq!(left, ["all: left early", "not 500: joined late", "not 500: moved late"]);
}

#[test]
fn those_who_leave_together_make_room_for_those_who_stay() {
    let mut bench = Bench::new();
    for number in 1..=MAX_PRESENT_TOLD {
        bench.opens(number as u128, "early");
    }
    for number in [500, 501, 502] {
        bench.opens(number, "late");
    }
    let leaving = [session(1), session(2), session(3), session(501)];
    let left = short(&bench.people.left(THING, &leaving, bench.start));
    let joined = ["not 500: joined late", "not 500: moved late", "not 502: joined late", "not 502: moved late"];
    assert_eq!(left, [&["all: left early"; 3][..], &joined].concat());
    let all: Vec<Uuid> = (1..=502).map(session).collect();
    assert!(bench.people.gone(&all, bench.start).iter().all(|say| say.links.is_empty()), "nobody is left to hear it");
}

#[test]
fn a_new_link_makes_nobody_leave_or_join() {
    let mut bench = Bench::new();
    bench.opens(1, "ada");
    bench.opens(2, "grace");
    bench.cursor(2, 5, 0);
    let later = 10_000;
    bench.people.lost(1, bench.at(later));
    for number in [1, 2] {
        let open = [(THING, Whereabouts::default())];
        bench.people.told((2, session(number)), &who("same"), open, bench.at(later + 100));
    }
    assert!(bench.tick(later + 60_000).is_empty(), "all are back, and nothing was said meanwhile");
    let say = bench.people.state(THING, session(1), bench.at(later)).unwrap();
    let What::State(present, 0) = &say.what else { panic!("{say:?}") };
    assert!(present[1].whereabouts.cursor.is_some(), "grace points where she pointed");
    assert_eq!(say.links, [2]);
}

#[test]
fn who_does_not_come_back_has_left_and_who_may_have_missed_something_is_told_all() {
    let mut bench = Bench::new();
    bench.opens(1, "ada");
    bench.opens(2, "grace");
    bench.people.lost(1, bench.at(10_000));
    bench.people.told((2, session(1)), &who("ada"), [(THING, Whereabouts::default())], bench.at(10_100));
    assert!(bench.tick(13_099).is_empty());
    assert_eq!(bench.tick(13_100), ["all: left grace"]);
    // A new process knows nobody, and not what was said before.
    let mut bench = Bench::new();
    let cursor = Whereabouts { cursor: Some(r#"{"x":1,"y":2}"#.into()), awareness: None };
    bench.people.told((1, session(1)), &who("ada"), [(THING, cursor)], bench.start);
    bench.people.told((1, session(2)), &who("grace"), [(THING, Whereabouts::default())], bench.start);
    assert_eq!(bench.tick(3_000), ["all: state ada grace +0"]);
}

#[test]
fn a_client_speaks_for_itself_alone() {
    let mut bench = Bench::new();
    bench.opens(1, "ada");
    bench.opens(2, "grace");
    assert_eq!(bench.tells(1, &[entry(11, 1, "{}")], 0), Some((11, 1)));
    assert_eq!(bench.tells(2, &[entry(11, 9, r#"{"user":{"name":"ada"}}"#)], 0), None, "that is ada's");
    assert_eq!(bench.tells(2, &[entry(11, 1, "{}"), entry(22, 3, "{}")], 0), Some((22, 3)));
    assert_eq!(bench.tells(2, &[entry(33, 1, "{}")], 0), None, "one client for each connection");
    assert_eq!(bench.tells(2, &[entry(22, 3, "{}")], 0), None, "nothing new");
    assert_eq!(bench.tells(1, &[entry(11, 2, "null")], 0), Some((11, 2)));
}

#[test]
fn who_comes_back_with_the_same_id_is_believed_by_the_others_and_nobody_else_takes_it() {
    let mut bench = Bench::new();
    bench.opens(1, "ada");
    bench.opens(2, "grace");
    bench.tells(1, &[entry(11, 5, "{}")], 0);
    bench.people.gone(&[session(1)], bench.start);
    assert_eq!(bench.tells(2, &[entry(11, 9, "{}")], 0), None, "it was ada's");
    bench.opens(3, "ada");
    assert_eq!(bench.tells(3, &[entry(11, 5, "{}")], 0), Some((11, 6)), "newer than what the others had last");
    assert_eq!(bench.tells(3, &[entry(11, 6, "{}")], 0), Some((11, 7)));
}

proptest! {
    /// Whatever happens: what one who stays is told amounts to what is so.
    #[test]
    fn who_stays_knows_who_is_there(
        steps in proptest::collection::vec((0u8..6, 2u128..8, 0u64..3_000), 0..60),
    ) {
        let mut bench = Bench::new();
        let (mut now, mut link) = (0, 1);
        let mut known: BTreeSet<u128> = BTreeSet::new();
        let hear = |say: Vec<Say>, known: &mut BTreeSet<u128>| {
            for Say { what, .. } in say.into_iter().filter(|say| say.to.includes(session(1))) {
                match what {
                    What::State(present, _) => *known = present.iter().map(|p| p.session.as_u128()).collect(),
                    What::Joined(person) => drop(known.insert(person.session.as_u128())),
                    What::Left(person) => drop(known.remove(&person.session.as_u128())),
                    What::Moved(person, _) => assert!(known.contains(&person.session.as_u128())),
                }
            }
        };
        let mut there = BTreeSet::from([1]);
        hear(bench.people.opened(THING, (link, session(1)), &who("ada"), bench.start), &mut known);
        for (step, number, millis) in steps {
            now += millis;
            let at = bench.at(now);
            hear(bench.people.tick(at), &mut known);
            match step {
                0 | 1 => {
                    there.insert(number);
                    hear(bench.people.opened(THING, (link, session(number)), &who("b"), at), &mut known);
                }
                2 => {
                    there.remove(&number);
                    hear(bench.people.left(THING, &[session(number)], at), &mut known);
                }
                3 if there.contains(&number) => {
                    let (_, say) = bench.people.cursor(THING, session(number), "{}".into(), at).unwrap();
                    hear(say.into_iter().collect(), &mut known);
                }
                3 => {}
                4 => {
                    // An SFE was replaced; one of its clients went meanwhile.
                    bench.people.lost(link, at);
                    link += 1;
                    there.remove(&number);
                    for number in &there {
                        let open = [(THING, Whereabouts::default())];
                        bench.people.told((link, session(*number)), &who("b"), open, at);
                    }
                }
                _ => {
                    // WFE was replaced.
                    bench.people = People::default();
                    for number in &there {
                        let open = [(THING, Whereabouts::default())];
                        bench.people.told((link, session(*number)), &who("b"), open, at);
                    }
                }
            }
        }
        hear(bench.people.tick(bench.at(now + 10_000)), &mut known);
        prop_assert_eq!(known, there);
    }
}
