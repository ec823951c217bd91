//! What has to hold, and the fewest instances with which it does.

use serde::Serialize;

use super::{MAX_INSTANCES, PLANNED_SHARE, Question};
use crate::{
    calibration::Kind,
    model::{Cost, Interval, Model},
    slo::Slo,
    units::{show_bits, show_bytes, show_number, show_seconds},
};

/// Something that has to hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Constraint {
    /// What.
    pub name: Name,
    /// What it may take: of each process, or of the machine.
    pub limit: f64,
    /// What it takes with the number of instances that was planned.
    pub takes: Interval,
    /// With how many instances it holds.
    pub needed: Needed,
}

/// All of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Name {
    /// CPU of each `_sfe`, in cores.
    SfeCpu,
    /// CPU of each `_stream`, in cores.
    StreamCpu,
    /// CPU of `_wfe`, in cores.
    WfeCpu,
    /// CPU of all processes together, in cores.
    Processors,
    /// Memory of all processes together, in bytes.
    Memory,
    /// Open files of each `_stream`.
    OpenFiles,
    /// What goes out, in bits per second.
    Network,
    /// The wanted percentile of propagation, in seconds.
    Latency,
}

/// With how many instances something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Needed {
    /// With so many or more.
    Instances(u32),
    /// With none, however many.
    Never,
}

impl Name {
    /// Those that the costs decide; latency is simulated.
    const OF_COSTS: [Self; 7] =
        [Self::SfeCpu, Self::StreamCpu, Self::WfeCpu, Self::Processors, Self::Memory, Self::OpenFiles, Self::Network];

    /// Whether more instances help.
    pub fn is_shared(self) -> bool {
        matches!(self, Self::SfeCpu | Self::StreamCpu | Self::OpenFiles | Self::Latency)
    }

    /// In the table.
    pub fn title(self) -> &'static str {
        match self {
            Self::SfeCpu => "CPU of each _sfe",
            Self::StreamCpu => "CPU of each _stream",
            Self::WfeCpu => "CPU of _wfe",
            Self::Processors => "CPU of the machine",
            Self::Memory => "memory of the machine",
            Self::OpenFiles => "open files of each _stream",
            Self::Network => "network out",
            Self::Latency => "latency",
        }
    }

    /// A quantity of it, as people read it.
    pub fn show(self, quantity: f64) -> String {
        match self {
            Self::SfeCpu | Self::StreamCpu | Self::WfeCpu | Self::Processors => format!("{quantity:.2} core"),
            Self::Memory => show_bytes(quantity),
            Self::OpenFiles => show_number(quantity.ceil()),
            Self::Network => show_bits(quantity),
            Self::Latency => show_seconds(quantity),
        }
    }
}

/// All but latency, each with the fewest instances with which it holds.
pub fn all(question: &Question, model: &Model) -> Vec<Constraint> {
    let constraint = |name: Name| {
        let limit = limit(name, question);
        let holds = |instances: &u32| takes(name, question, model, *instances).high <= limit;
        let fewest = if name.is_shared() { fewest(MAX_INSTANCES, holds) } else { Some(1).filter(holds) };
        let needed = fewest.map_or(Needed::Never, Needed::Instances);
        Constraint { name, limit, takes: takes(name, question, model, fewest.unwrap_or(1)), needed }
    };
    Name::OF_COSTS.into_iter().map(constraint).collect()
}

/// The same, for latency. What it takes is to be set.
pub(super) fn latency(slo: &Slo, needed: Needed) -> Constraint {
    Constraint { name: Name::Latency, limit: slo.limit.as_secs_f64(), takes: Interval::exactly(0.0), needed }
}

/// The most that any constraint needs, of those that can hold.
pub fn needed(constraints: &[Constraint]) -> u32 {
    let needed = constraints.iter().filter_map(|constraint| match constraint.needed {
        Needed::Instances(instances) => Some(instances),
        Needed::Never => None,
    });
    needed.max().unwrap_or(1)
}

/// What to run: as many as needed, and one to lose.
pub fn instances(constraints: &[Constraint], spare: bool) -> u32 {
    (needed(constraints) + u32::from(spare)).min(MAX_INSTANCES)
}

/// Says what everything takes with so many instances. What more of them do not help may hold no longer.
pub fn settle(constraints: &mut [Constraint], question: &Question, model: &Model, instances: u32) {
    for constraint in constraints.iter_mut().filter(|constraint| constraint.name != Name::Latency) {
        constraint.takes = takes(constraint.name, question, model, instances);
        if !constraint.name.is_shared() && constraint.takes.high > constraint.limit {
            constraint.needed = Needed::Never;
        }
    }
}

/// What goes to the clients, in bits per second.
pub fn bits_out(question: &Question, model: &Model) -> Interval {
    takes(Name::Network, question, model, 1)
}

fn limit(name: Name, question: &Question) -> f64 {
    match name {
        Name::SfeCpu | Name::StreamCpu | Name::WfeCpu => question.cpu,
        Name::Processors => question.processors * PLANNED_SHARE,
        Name::Memory => question.memory_bytes * PLANNED_SHARE,
        Name::OpenFiles => question.open_files * PLANNED_SHARE,
        Name::Network => question.network_bits * PLANNED_SHARE,
        Name::Latency => question.slo.limit.as_secs_f64(),
    }
}

fn takes(name: Name, question: &Question, model: &Model, instances: u32) -> Interval {
    let all = |cost: &Cost, kind| cost.at(&question.load(kind, instances));
    let each = |cost: &Cost, kind| all(cost, kind).shared_by(question.count(kind, instances).into());
    match name {
        Name::SfeCpu => each(&model.cpu[&Kind::Sfe], Kind::Sfe),
        Name::StreamCpu => each(&model.cpu[&Kind::Stream], Kind::Stream),
        Name::WfeCpu => each(&model.cpu[&Kind::Wfe], Kind::Wfe),
        Name::Processors => super::cores(question, model, instances),
        Name::Memory => {
            let of = |kind| all(&model.memory[&kind], kind);
            of(Kind::Wfe).plus(of(Kind::Sfe)).plus(of(Kind::Stream))
        }
        Name::OpenFiles => each(&model.descriptors[&Kind::Stream], Kind::Stream),
        // From bytes to bits.
        Name::Network => all(&model.bytes_out, Kind::Stream).shared_by(1.0 / 8.0),
        Name::Latency => unreachable!("latency is simulated"),
    }
}

/// The fewest instances with which something holds that more of them help, up to `most`.
pub(super) fn fewest(most: u32, mut holds: impl FnMut(&u32) -> bool) -> Option<u32> {
    let (mut too_few, mut enough) = (0, most);
    if !holds(&enough) {
        return None;
    }
    while enough - too_few > 1 {
        let middle = too_few + (enough - too_few) / 2;
        if holds(&middle) {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    Some(enough)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_fewest_is_found(wanted in 1u32..=MAX_INSTANCES) {
            prop_assert_eq!(fewest(MAX_INSTANCES, |instances| *instances >= wanted), Some(wanted));
        }
    }

    #[test]
    fn what_no_number_holds_has_none() {
        assert_eq!(fewest(MAX_INSTANCES, |_| false), None);
    }
}
