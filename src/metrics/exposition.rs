//! The text format of Prometheus, version 0.0.4: what is scraped.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::Write as _;

use super::{Kind, Labels, Totals};

/// The media type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A text that grows by one metric after the other.
#[derive(Debug, Default)]
pub struct Text(String);

impl Text {
    /// The finished text.
    pub fn finish(self) -> String {
        self.0
    }

    /// What the processes have counted.
    pub fn totals(&mut self, totals: &Totals) {
        for (metric, sums) in totals.each() {
            match metric.kind {
                Kind::Counter(series) => {
                    let series = series().into_iter().zip(sums).map(|(labels, sum)| (labels, *sum as f64));
                    self.metric(metric.name, "counter", metric.help, series);
                }
                Kind::Histogram(buckets) => self.histogram(metric.name, metric.help, buckets, sums),
            }
        }
    }

    /// One metric with all of its series.
    pub fn metric(&mut self, name: &str, kind: &str, help: &str, series: impl Iterator<Item = (Labels, f64)>) {
        self.head(name, kind, help);
        for (labels, value) in series {
            self.sample(name, &labels, value);
        }
    }

    fn histogram(&mut self, name: &str, help: &str, buckets: &[u64], cells: &[u64]) {
        self.head(name, "histogram", help);
        let bounds = buckets.iter().map(|micros| seconds(*micros).to_string()).chain(["+Inf".into()]);
        let mut count = 0;
        for (bound, cell) in bounds.zip(cells) {
            count += cell;
            self.sample(&format!("{name}_bucket"), &vec![("le", bound)], count as f64);
        }
        self.sample(&format!("{name}_sum"), &Vec::new(), seconds(cells[buckets.len() + 1]));
        self.sample(&format!("{name}_count"), &Vec::new(), count as f64);
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &Labels, value: f64) {
        self.0.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{}{label}=\"{text}\"", if place == 0 { '{' } else { ',' });
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{end} {value}");
    }
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1_000_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut text = Text::default();
        let series = [(vec![("a", "x\"\\\n".to_owned()), ("b", String::new())], 1.5)];
        text.metric("n", "gauge", "a\nb", series.into_iter());
        assert_eq!(text.finish(), "# HELP n a\\nb\n# TYPE n gauge\nn{a=\"x\\\"\\\\\\n\",b=\"\"} 1.5\n");
    }

    #[test]
    fn buckets_are_cumulative_and_the_last_is_the_count() {
        let mut text = Text::default();
        text.histogram("n", "h", &[1_000, 2_000_000], &[2, 3, 1, 4_500_000]);
        let expected = "# HELP n h\n# TYPE n histogram\nn_bucket{le=\"0.001\"} 2\nn_bucket{le=\"2\"} 5\n\
                        n_bucket{le=\"+Inf\"} 6\nn_sum 4.5\nn_count 6\n";
        assert_eq!(text.finish(), expected);
    }
}
