//! The end of a run: whether it is to be believed, and what is reported.

use super::{
    super::{
        RunError,
        outcome::{Busy, Latency, Outcome, Recovery},
        station::Counted,
    },
    Edit, Engine,
};

impl Engine<'_> {
    pub(super) fn outcome(mut self) -> Result<Outcome, RunError> {
        self.check()?;
        let (passed, counted, logs) = self.at_end.take().unwrap_or_default();
        let (doors, sfe, stream) = (self.setup.nodes as usize, self.first_sfe(), self.first_stream());
        let busy = |name, counted: &[Counted], workers| Busy::of(name, counted, workers, passed);
        let mut stations = vec![
            busy("_wfe", &counted[..doors], self.setup.wfe_workers),
            busy("log", &logs, 1),
            busy("_sfe", &counted[sfe..stream], self.setup.sfe_workers),
            busy("_stream", &counted[stream..], 1),
        ];
        if self.setup.loss.is_some() {
            stations.push(busy("opening", &counted[doors..sfe], 1));
        }
        let recovery = self.setup.loss.map(|loss| Recovery {
            settled_seconds: self.windows.settled(loss.at_seconds, self.setup.seconds, self.setup.slo.as_ref()),
            ..self.recovery
        });
        Ok(Outcome {
            edits: self.edits.len() as u64,
            deliveries: self.deliveries,
            events: self.played,
            propagation: Latency::of(&self.propagation),
            acknowledgement: Latency::of(&self.acknowledgement),
            stations,
            recovery,
        })
    }

    /// Every edit has reached everyone else on its Thing, and the books balance: over a time at whose beginning and end
    /// nothing is there, the number of jobs present, summed over time, is the time that they spent, summed over jobs
    /// (Little's law, `L = λ·W`).
    fn check(&self) -> Result<(), RunError> {
        let others = |edit: &Edit| self.clients.people(self.clients.thing_of(edit.author)).len() as u64 - 1;
        let expected = self.edits.iter().map(others).sum();
        if self.deliveries != expected {
            return Err(RunError::Deliveries { delivered: self.deliveries, expected });
        }
        let stations = self.stations.iter().map(|station| station.counted(self.now));
        let mut counted = stations.chain(self.logs.iter().map(|log| log.counted.at(self.now)));
        match counted.find(|counted| counted.present != counted.spent || counted.came != counted.left) {
            Some(counted) => Err(RunError::Little(counted)),
            None => Ok(()),
        }
    }
}
