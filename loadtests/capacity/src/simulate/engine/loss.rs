//! What happens when a process is lost, and how its clients come back.

use super::{
    super::{Loss, Lost},
    EditId, Engine, Event, Job, nanos,
};

impl Engine<'_> {
    /// The first of its kind is lost.
    pub(super) fn lose(&mut self) {
        let Some(Loss { what, .. }) = self.setup.loss else { return };
        let sfe = self.first_sfe();
        match what {
            Lost::Wfe => {
                self.stations[0].lose(self.now);
                self.stations[self.setup.nodes as usize].lose(self.now);
                // What the log was writing is asked again, before what waits.
                let log = &mut self.logs[0];
                log.epoch += 1;
                log.counted.serve(self.now, 0);
                let waiting = std::mem::take(&mut log.waiting);
                log.waiting = std::mem::take(&mut log.committing);
                log.waiting.extend(waiting);
            }
            Lost::Sfe => self.stations[sfe].lose(self.now),
            Lost::Stream => self.lose_stream(0),
            Lost::Instance => {
                self.stations[sfe].lose(self.now);
                (0..self.setup.streams_per_instance).for_each(|stream| self.lose_stream(stream));
            }
        }
    }

    fn lose_stream(&mut self, stream: u32) {
        let place = self.place_of_stream(stream);
        self.stations[place].lose_all(self.now);
        let dropped = self.clients.drop_all(stream);
        self.recovery.dropped += u32::try_from(dropped.len()).unwrap_or(u32::MAX);
        dropped.into_iter().for_each(|client| self.try_later(client));
    }

    /// Everything that was lost is there again.
    pub(super) fn restore(&mut self) {
        for place in 0..self.stations.len() {
            if !self.stations[place].is_up() {
                self.stations[place].restore();
                self.work(place);
            }
        }
        (0..self.logs.len()).for_each(|node| self.commit(node));
    }

    fn try_later(&mut self, client: u32) {
        let wait = self.clients.back_off(client, &mut self.chance);
        let edge = self.draw(|times| &times.edge);
        self.queue(self.now + nanos(wait) + edge, Event::Attempt(client));
    }

    /// A client asks to be let in.
    pub(super) fn attempt(&mut self, client: u32) {
        let up = self.clients.fewest(|stream| self.stations[self.place_of_stream(stream)].is_up());
        match up {
            Some(stream) if self.admits() => {
                let doors = self.setup.nodes as usize + self.node_of_sfe(self.sfe_of(stream));
                self.queue(self.now, Event::Arrive(doors, Job::Open(client)));
            }
            _ => {
                self.recovery.refused += 1;
                self.try_later(client);
            }
        }
    }

    /// As many as may come in a second may also come at once (token bucket).
    fn admits(&mut self) -> bool {
        let Some(rate) = self.setup.admissions_per_second else { return true };
        let (tokens, since) = self.admission;
        let passed = (self.now - since) as f64 / 1e9;
        let tokens = (tokens + passed * rate).min(rate.max(1.0));
        let admits = tokens >= 1.0;
        self.admission = (if admits { tokens - 1.0 } else { tokens }, self.now);
        admits
    }

    /// The connection is there: the client gets first what it missed.
    pub(super) fn opened(&mut self, client: u32) {
        let Some(stream) = self.clients.fewest(|stream| self.stations[self.place_of_stream(stream)].is_up()) else {
            return self.try_later(client);
        };
        let stored = self.stored[self.clients.thing_of(client) as usize].len();
        let end = u32::try_from(stored).expect("the number of edits is bounded");
        let from = self.clients.come_back(client, stream, end);
        if !self.missed(client, from, end).is_empty() {
            let place = self.place_of_stream(stream);
            self.queue(self.now, Event::Arrive(place, Job::Resume(client, from, end)));
        }
        if self.clients.away() == 0 {
            let lost = self.setup.loss.map_or(0, |loss| nanos(loss.at_seconds));
            let seconds = (self.now - lost) as f64 / 1e9;
            self.recovery.all_back_seconds = seconds;
        }
    }

    /// The changes of others in a part of the history of a client's Thing.
    pub(super) fn missed(&self, client: u32, from: u32, to: u32) -> Vec<EditId> {
        let stored = &self.stored[self.clients.thing_of(client) as usize];
        let changes = stored[from as usize..to as usize].iter();
        changes.copied().filter(|edit| self.edits[edit.0 as usize].author != client).collect()
    }
}
