//! Whether a load test has met what was wanted, in words and as an exit code.

use super::{Measured, Run};
use crate::{
    command::{INVALID, MET, MISSED},
    units::{show_number, show_seconds},
};

/// What came of a load test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The exit code.
    pub code: u8,
    /// In one word.
    pub word: &'static str,
    /// Why, in one sentence for each reason.
    pub reasons: Vec<String>,
}

impl Run {
    /// Judges it. A change that was lost or came twice weighs more than any latency; a step that does not count is no
    /// proof of anything, good or bad.
    pub fn verdict(&self) -> Verdict {
        let broken: Vec<String> = self.steps.iter().filter(|step| !step.is_whole()).map(broken).collect();
        if !broken.is_empty() {
            return Verdict { code: MISSED, word: "BROKEN", reasons: broken };
        }
        if self.find_max {
            return self.knee();
        }
        let invalid: Vec<String> = self.steps.iter().flat_map(invalid).collect();
        if self.steps.is_empty() || !invalid.is_empty() {
            return Verdict { code: INVALID, word: "INVALID", reasons: invalid };
        }
        let (met, missed): (Vec<&Measured>, Vec<&Measured>) = self.steps.iter().partition(|step| step.meets(&self.slo));
        if missed.is_empty() {
            let reasons = met.last().map(|step| self.latency(step)).into_iter().collect();
            return Verdict { code: MET, word: "MET", reasons };
        }
        Verdict { code: MISSED, word: "MISSED", reasons: missed.into_iter().map(|step| self.latency(step)).collect() }
    }

    /// The largest load that counts and meets the wanted latency.
    pub fn largest_met(&self) -> Option<&Measured> {
        let met = self.steps.iter().filter(|step| step.is_valid() && step.meets(&self.slo));
        met.max_by_key(|step| step.plan.clients)
    }

    fn knee(&self) -> Verdict {
        let Some(best) = self.largest_met() else {
            let reasons = self.steps.iter().flat_map(|step| match step.is_valid() {
                true => vec![self.latency(step)],
                false => invalid(step),
            });
            let all_invalid = self.steps.iter().all(|step| !step.is_valid());
            let (code, word) = if all_invalid { (INVALID, "INVALID") } else { (MISSED, "MISSED") };
            return Verdict { code, word, reasons: reasons.collect() };
        };
        let beyond = self.steps.iter().filter(|step| step.plan.clients > best.plan.clients);
        let next = beyond.min_by_key(|step| step.plan.clients);
        let clients = show_number(best.plan.clients.into());
        let mut reasons = vec![format!("{clients} clients is the most: {}", self.latency(best))];
        match next {
            Some(next) if next.is_valid() => reasons.push(self.latency(next)),
            Some(next) => {
                // The server may well carry more, but this generator cannot show it.
                reasons.extend(invalid(next));
                return Verdict { code: INVALID, word: "AT LEAST", reasons };
            }
            None => reasons.push("no larger load was tried".into()),
        }
        Verdict { code: MET, word: "MAXIMUM", reasons }
    }

    fn latency(&self, step: &Measured) -> String {
        let measured = show_seconds(step.figures.propagation.seconds(self.slo.percentile));
        let (clients, name) = (show_number(step.plan.clients.into()), self.slo.percentile.name());
        format!("{clients} clients: {name} {measured}, wanted {}", self.slo)
    }
}

fn broken(step: &Measured) -> String {
    let misplaced = step.misplaced;
    format!(
        "{} clients: {} lost, {} duplicate, {} out of order, {} edits without an answer",
        show_number(step.plan.clients.into()),
        misplaced.lost,
        misplaced.duplicate,
        misplaced.out_of_order,
        step.unanswered
    )
}

fn invalid(step: &Measured) -> Vec<String> {
    let clients = show_number(step.plan.clients.into());
    step.figures.invalid.iter().map(|why| format!("{clients} clients: {why}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::run, *};

    #[test]
    fn a_run_that_meets_the_latency_on_every_step_is_met() {
        let verdict = run(&[(10, 2.0), (20, 5.0)]).verdict();
        assert_eq!((verdict.code, verdict.word), (MET, "MET"));
        assert_eq!(verdict.reasons, ["20 clients: p99 5.00 ms, wanted p99 < 10.0 ms"]);
    }

    #[test]
    fn one_step_that_misses_it_is_enough() {
        let verdict = run(&[(10, 2.0), (20, 50.0)]).verdict();
        assert_eq!((verdict.code, verdict.word), (MISSED, "MISSED"));
        assert_eq!(verdict.reasons.len(), 1);
    }

    #[test]
    fn a_step_that_does_not_count_makes_the_run_invalid() {
        let mut run = run(&[(10, 2.0), (20, 50.0)]);
        run.steps[0].figures.invalid = vec!["edits were sent late".into()];
        let verdict = run.verdict();
        assert_eq!((verdict.code, verdict.word), (INVALID, "INVALID"));
        assert_eq!(verdict.reasons, ["10 clients: edits were sent late"]);
        assert_eq!(Run { steps: Vec::new(), ..run }.verdict().code, INVALID);
    }

    #[test]
    fn a_lost_change_breaks_it_however_fast_the_others_were() {
        let mut run = run(&[(10, 2.0)]);
        run.steps[0].misplaced.lost = 1;
        run.steps[0].figures.invalid = vec!["edits were sent late".into()];
        let verdict = run.verdict();
        assert_eq!((verdict.code, verdict.word), (MISSED, "BROKEN"));
        run.steps[0].misplaced.lost = 0;
        run.steps[0].unanswered = 1;
        assert_eq!(run.verdict().word, "BROKEN");
    }

    #[test]
    fn the_maximum_lies_below_the_first_that_misses() {
        let mut run = run(&[(10, 2.0), (20, 5.0), (40, 50.0), (30, 8.0)]);
        run.find_max = true;
        let verdict = run.verdict();
        assert_eq!((verdict.code, verdict.word), (MET, "MAXIMUM"));
        assert!(verdict.reasons[0].starts_with("30 clients is the most"), "{verdict:?}");
        assert!(verdict.reasons[1].starts_with("40 clients: p99 50.0 ms"), "{verdict:?}");
        // The generator gave out first.
        run.steps[2].figures.invalid = vec!["the generator took 90 %".into()];
        assert_eq!((run.verdict().code, run.verdict().word), (INVALID, "AT LEAST"));
    }
}
