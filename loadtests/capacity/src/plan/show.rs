//! The answer for a terminal.

use super::{
    DEFAULT_CLIENTS_PER_INSTANCE, DEFAULT_MAX_INSTANCES, MAX_INSTANCES, Plan, ROGUE_CPU,
    constraints::{Constraint, Name, Needed},
};
use crate::{
    model::Interval,
    table,
    units::{show_bits, show_number},
};

impl Plan {
    /// Tables and lines.
    pub fn show(&self) -> String {
        let mut text = table::render(&self.head());
        text += "\n";
        text += &table::render(&self.rows());
        text += "\nThe same with other numbers of clients on each Thing, latency aside:\n\n";
        text += &table::render(&self.variants());
        text += &if self.met { self.commands() } else { self.remedies() };
        text
    }

    fn commands(&self) -> String {
        let mut text = "\nStart them now:\n\n".to_owned();
        text += &format!("  widgetapp_admin -process _sfe -n {} -start\n", self.instances);
        text += "\nHave them start by themselves, in widgetapp.toml:\n\n  [sfe]\n";
        text += &format!("  clients_per_instance = {}\n", self.clients_per_instance);
        if let Some(max) = self.max_instances {
            text += &format!("  max_instances = {max}\n");
        }
        text
    }

    fn head(&self) -> Vec<Vec<String>> {
        let work = &self.workload;
        let (clients, rate) = (show_number(work.clients.into()), show_number(work.edits_per_second));
        let mut lines = vec![
            line("Demand", format!("{clients} clients, {rate} edits/s each, {} on each Thing", work.per_thing)),
            line(
                "",
                format!(
                    "{} edits/s in, {} deliveries/s out, {}",
                    show_number(self.edits_per_second.round()),
                    show_number(self.deliveries_per_second.round()),
                    show_bits(self.bits_out_per_second.estimate)
                ),
            ),
            line("Verdict", self.verdict()),
        ];
        let kind = if self.extrapolated.is_empty() { "within what was measured" } else { "EXTRAPOLATED" };
        lines.push(line("Confidence", format!("{kind}; {}, 95 of 100 fits", cores(self.cores))));
        for beyond in &self.extrapolated {
            let (asked, measured) = (show_number(beyond.asked), show_number(beyond.measured));
            lines.push(line("", format!("{}: {asked} asked, {measured} measured at most", beyond.what)));
        }
        lines.extend(self.doubts.iter().map(|doubt| line("Note", doubt.clone())));
        let mut by_default = format!(
            "{} _sfe: one, and one more for every {DEFAULT_CLIENTS_PER_INSTANCE} clients",
            self.instances_by_default
        );
        if self.instances_by_default == DEFAULT_MAX_INSTANCES {
            by_default += ", but no more than sfe.max_instances";
        }
        lines.push(line("By default", by_default));
        lines
    }

    fn verdict(&self) -> String {
        let instances = self.instances;
        if self.met {
            return format!("MET with {instances} _sfe: {}", self.why());
        }
        let names: Vec<&str> = self.binding.iter().map(|name| name.title()).collect();
        format!("MISSED, however many _sfe run: {}", names.join(", "))
    }

    fn why(&self) -> String {
        let needed = super::constraints::needed(&self.constraints);
        let spare = if self.instances > needed { ", and one to lose" } else { "" };
        match self.binding.first() {
            Some(name) => format!("{needed} for {}{spare}", name.title()),
            None => format!("one does everything{spare}"),
        }
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let heads = ["constraint", "limit", &format!("takes with {} _sfe", self.instances), "_sfe needed", ""];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        rows.extend(self.constraints.iter().map(|constraint| self.row(constraint)));
        rows
    }

    fn row(&self, constraint: &Constraint) -> Vec<String> {
        let Constraint { name, limit, takes, needed } = constraint;
        let title = match name {
            Name::Latency => format!("latency, {}", self.slo.percentile.name()),
            name => name.title().into(),
        };
        let needed = match needed {
            Needed::Instances(_) if !name.is_shared() => "any".into(),
            Needed::Instances(instances) => instances.to_string(),
            Needed::Never => "none suffices".into(),
        };
        let binding = if self.binding.contains(name) { "BINDING" } else { "" };
        vec![title, name.show(*limit), name.show(takes.high), needed, binding.into()]
    }

    /// What to do about the constraints that more instances do not help.
    fn remedies(&self) -> String {
        let missed = |names: &[Name]| self.binding.iter().any(|name| names.contains(name));
        let mut text = "\nMore _sfe do not help. Do this, then ask again:\n".to_owned();
        if missed(&[Name::WfeCpu]) {
            text += &format!(
                "\nAll Things are in one _wfe, so more _sfe do not help it. From {:.0} % of a core on it counts as rogue.\n\
                 Fewer edits do: have programs send fewer and larger ones, or have fewer clients on this server.\n",
                ROGUE_CPU * 100.0
            );
        }
        if missed(&[Name::SfeCpu, Name::StreamCpu]) {
            text += &format!(
                "\nNot even {} _sfe share the work thinly enough: have fewer clients on this server, or let each process\n\
                 take more of a core (--cpu).\n",
                show_number(MAX_INSTANCES.into())
            );
        }
        if missed(&[Name::Processors, Name::Memory, Name::Network]) {
            text += "\nA larger machine is needed (--processors, --memory, --network), or fewer clients.\n";
        }
        if missed(&[Name::OpenFiles]) {
            text += "\nRaise the number of files that a process may have open (--open-files).\n";
        }
        if missed(&[Name::Latency]) {
            text += "\nThe latency gets shorter with fewer edits, with fewer clients on each Thing, with a faster disk, and\n\
                     with clients that are nearer (--edge).\n";
        }
        text
    }

    fn variants(&self) -> Vec<Vec<String>> {
        let heads = ["on each Thing", "deliveries/s", "_sfe", "cores", ""];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        for variant in &self.sensitivity {
            let mut remarks = Vec::new();
            if !variant.missed.is_empty() {
                let missed: Vec<&str> = variant.missed.iter().map(|name| name.title()).collect();
                remarks.push(format!("MISSED: {}", missed.join(", ")));
            }
            if variant.extrapolated {
                remarks.push("EXTRAPOLATED".into());
            }
            rows.push(vec![
                variant.per_thing.to_string(),
                show_number(variant.deliveries_per_second.round()),
                variant.instances.to_string(),
                format!("{:.2}", variant.cores.high),
                remarks.join("; "),
            ]);
        }
        rows
    }
}

fn line(name: &str, text: String) -> Vec<String> {
    vec![name.to_owned(), text]
}

fn cores(interval: Interval) -> String {
    format!("{:.2} cores in all ({:.2} to {:.2})", interval.estimate, interval.low, interval.high)
}
