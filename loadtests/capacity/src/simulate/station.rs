//! A process as a queue with workers: what waits, what is served, and what was counted. Pure; knows nothing of edits.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasherDefault, Hasher},
};

/// In which order jobs are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they came.
    Arrival,
    /// Each key is a queue of its own, of which one job at a time is served; the queues take turns.
    TurnsOfKeys,
}

/// See the module. Times are in nanoseconds.
pub struct Station<J> {
    order: Order,
    up: bool,
    /// Rises when the process is lost: what was being served before is not finished.
    epoch: u32,
    waiting: VecDeque<Entry<J>>,
    /// A key has a queue here from its first job until it has none, neither waiting nor served.
    queues: HashMap<u32, VecDeque<Entry<J>>, BuildHasherDefault<Mixed>>,
    /// Keys whose turn it will be.
    turns: VecDeque<u32>,
    serving: Vec<Option<Entry<J>>>,
    counted: Counted,
}

struct Entry<J> {
    job: J,
    key: u32,
    /// When it came.
    since: u64,
    /// When it began to be served.
    started: u64,
}

/// A job whose service begins, and what tells its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started<J> {
    /// The job.
    pub job: J,
    /// To be handed to [`Station::finish`].
    pub service: Service,
}

/// One service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    worker: u32,
    epoch: u32,
}

/// What was counted since the beginning. Sums are exact, so that Little's law holds to the nanosecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Jobs that have come.
    pub came: u64,
    /// Jobs that have left.
    pub left: u64,
    /// The time that those which left had spent here, all together.
    pub spent: u128,
    /// Jobs that are here, summed over time.
    pub present: u128,
    /// Jobs that are being served, summed over time.
    pub served: u128,
    /// The most that were here at a time.
    pub peak: u64,
    here: u64,
    in_service: u64,
    now: u64,
}

impl Counted {
    fn pass(&mut self, now: u64) {
        let passed = u128::from(now - self.now);
        self.present += passed * u128::from(self.here);
        self.served += passed * u128::from(self.in_service);
        self.now = now;
    }

    /// A job comes.
    pub fn come(&mut self, now: u64) {
        self.pass(now);
        self.came += 1;
        self.here += 1;
        self.peak = self.peak.max(self.here);
    }

    /// A job that came at `since` leaves.
    pub fn leave(&mut self, now: u64, since: u64) {
        self.pass(now);
        self.left += 1;
        self.here -= 1;
        self.spent += u128::from(now - since);
    }

    /// So many are being served from now on.
    pub fn serve(&mut self, now: u64, count: u64) {
        self.pass(now);
        self.in_service = count;
    }

    /// As it is now.
    pub fn at(mut self, now: u64) -> Self {
        self.pass(now);
        self
    }
}

impl<J: Copy> Station<J> {
    /// Empty, and up.
    pub fn new(workers: u32, order: Order) -> Self {
        Self {
            order,
            up: true,
            epoch: 0,
            waiting: VecDeque::new(),
            queues: HashMap::default(),
            turns: VecDeque::new(),
            serving: (0..workers.max(1)).map(|_| None).collect(),
            counted: Counted::default(),
        }
    }

    /// A job comes and waits.
    pub fn arrive(&mut self, now: u64, key: u32, job: J) {
        self.counted.come(now);
        let entry = Entry { job, key, since: now, started: now };
        match self.order {
            Order::Arrival => self.waiting.push_back(entry),
            Order::TurnsOfKeys => {
                let queue = self.queues.entry(key).or_insert_with(|| {
                    self.turns.push_back(key);
                    VecDeque::new()
                });
                queue.push_back(entry);
            }
        }
    }

    /// Begins the next service, if there is something to do and somebody to do it.
    pub fn start(&mut self, now: u64) -> Option<Started<J>> {
        if !self.up {
            return None;
        }
        let worker = self.serving.iter().position(Option::is_none)?;
        let mut entry = match self.order {
            Order::Arrival => self.waiting.pop_front()?,
            Order::TurnsOfKeys => {
                let key = self.turns.pop_front()?;
                self.queues.get_mut(&key)?.pop_front()?
            }
        };
        entry.started = now;
        let job = entry.job;
        self.serving[worker] = Some(entry);
        self.count_served(now);
        let worker = u32::try_from(worker).unwrap_or(u32::MAX);
        Some(Started { job, service: Service { worker, epoch: self.epoch } })
    }

    /// A service ends: the job and when it began to be served. Nothing if the process was lost meanwhile.
    pub fn finish(&mut self, now: u64, service: Service) -> Option<(J, u64)> {
        if service.epoch != self.epoch {
            return None;
        }
        let entry = self.serving[service.worker as usize].take()?;
        self.counted.leave(now, entry.since);
        self.count_served(now);
        if self.order == Order::TurnsOfKeys {
            if self.queues.get(&entry.key).is_some_and(VecDeque::is_empty) {
                self.queues.remove(&entry.key);
            } else {
                self.turns.push_back(entry.key);
            }
        }
        Some((entry.job, entry.started))
    }

    /// The process is lost. What was here is asked again of its successor: it waits, in its order.
    pub fn lose(&mut self, now: u64) {
        self.up = false;
        self.epoch += 1;
        for entry in std::mem::take(&mut self.serving) {
            self.serving.push(None);
            let Some(entry) = entry else { continue };
            match self.order {
                Order::Arrival => self.waiting.push_front(entry),
                Order::TurnsOfKeys => {
                    self.turns.push_front(entry.key);
                    self.queues.entry(entry.key).or_default().push_front(entry);
                }
            }
        }
        self.count_served(now);
    }

    /// The process is lost, and with it what was here.
    pub fn lose_all(&mut self, now: u64) {
        self.lose(now);
        let kept = self.queues.drain().flat_map(|(_, queue)| queue);
        for entry in self.waiting.drain(..).chain(kept) {
            self.counted.leave(now, entry.since);
        }
        self.turns.clear();
    }

    /// Its successor is there.
    pub fn restore(&mut self) {
        self.up = true;
    }

    /// Whether somebody is there.
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// What was counted until now.
    pub fn counted(&self, now: u64) -> Counted {
        self.counted.at(now)
    }

    fn count_served(&mut self, now: u64) {
        let served = self.serving.iter().flatten().count();
        self.counted.serve(now, served.try_into().unwrap_or(u64::MAX));
    }
}

/// Spreads the numbers of Things; they come from nobody who could choose them.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32((*byte).into()));
    }

    fn write_u32(&mut self, number: u32) {
        // Knuth's multiplicative hashing, with the golden ratio.
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(26);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_served_in_the_order_of_their_arrival() {
        let mut station = Station::new(1, Order::Arrival);
        (0..3).for_each(|job| station.arrive(0, job, job));
        for (job, now) in [(0, 0), (1, 5), (2, 10)] {
            let started = station.start(now).unwrap();
            assert_eq!((started.job, station.start(now)), (job, None));
            assert_eq!(station.finish(now + 5, started.service), Some((job, now)));
        }
    }

    #[test]
    fn one_thing_keeps_its_order_and_does_not_hold_up_others() {
        let mut station = Station::new(2, Order::TurnsOfKeys);
        for (key, job) in [(7, 'a'), (7, 'b'), (7, 'c'), (8, 'x')] {
            station.arrive(0, key, job);
        }
        let (first, second) = (station.start(0).unwrap(), station.start(0).unwrap());
        assert_eq!((first.job, second.job, station.start(0)), ('a', 'x', None));
        station.finish(1, first.service);
        assert_eq!(station.start(1).map(|started| started.job), Some('b'));
    }

    #[test]
    fn what_a_lost_process_had_is_asked_again_in_order() {
        for order in [Order::Arrival, Order::TurnsOfKeys] {
            let mut station = Station::new(1, order);
            ['a', 'b'].into_iter().for_each(|job| station.arrive(0, 1, job));
            let lost = station.start(0).unwrap();
            station.lose(5);
            assert_eq!((station.finish(6, lost.service), station.start(6)), (None, None));
            station.restore();
            assert_eq!(station.start(9).map(|started| started.job), Some('a'));
            assert_eq!(station.counted(9).left, 0);
        }
    }

    #[test]
    fn a_process_that_is_lost_with_all_it_had_is_empty() {
        let mut station = Station::new(1, Order::Arrival);
        ['a', 'b'].into_iter().for_each(|job| station.arrive(0, 1, job));
        station.start(0).unwrap();
        station.lose_all(4);
        station.restore();
        assert_eq!(station.start(4), None);
        let counted = station.counted(10);
        assert_eq!((counted.came, counted.left, counted.spent, counted.present, counted.served), (2, 2, 8, 8, 4));
    }
}
