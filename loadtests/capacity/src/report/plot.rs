//! Lines in a rectangle, as SVG: axes with round numbers, a legend, and marks for what happened when.

use maud::{Markup, html};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 270.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 40.0;
/// About so many numbers on an axis.
const TICKS: f64 = 5.0;
/// Told apart also without colours, by their dashes.
const STYLES: [(&str, &str); 6] = [
    ("#1f5fa8", ""),
    ("#b3541e", "6 3"),
    ("#2b7a4b", "2 3"),
    ("#7a3e9d", "8 3 2 3"),
    ("#8a6d00", "1 2"),
    ("#444444", "10 4"),
];

/// One line.
pub struct Line {
    /// What it shows.
    pub name: String,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
}

/// A drawing.
pub struct Plot {
    /// What it shows, in a few words.
    pub title: &'static str,
    /// What is to the right.
    pub x: &'static str,
    /// What is upwards.
    pub y: &'static str,
    /// The lines.
    pub lines: Vec<Line>,
    /// Vertical marks with their names.
    pub marks: Vec<(f64, String)>,
}

impl Plot {
    /// Draws it; nothing if there is nothing to draw.
    pub fn draw(&self) -> Markup {
        let points = || self.lines.iter().flat_map(|line| &line.points).filter(|(x, y)| x.is_finite() && y.is_finite());
        if points().count() == 0 {
            return html! {};
        }
        let x_most = points().map(|(x, _)| *x).fold(f64::MIN_POSITIVE, f64::max);
        let (y_step, y_most) = {
            let most = points().map(|(_, y)| *y).fold(0.0, f64::max);
            let step = round_step(most);
            (step, (most / step).ceil().max(1.0) * step)
        };
        let x_step = round_step(x_most);
        let across = |x: f64| LEFT + x / x_most * (WIDTH - LEFT - RIGHT);
        let up = |y: f64| HEIGHT - BOTTOM - y / y_most * (HEIGHT - TOP - BOTTOM);
        let ticks =
            |step: f64, most: f64| (0..=(most / step * 1.000_001) as u32).map(move |tick| f64::from(tick) * step);
        let number = |value: f64, step: f64| format!("{value:.*}", decimals(step));
        html! {
            figure {
                figcaption { (self.title) }
                svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(self.title) {
                    @for tick in ticks(y_step, y_most) {
                        line class="grid" x1=(LEFT) x2=(WIDTH - RIGHT) y1=(at(up(tick))) y2=(at(up(tick))) {}
                        text x=(LEFT - 6.0) y=(at(up(tick) + 4.0)) text-anchor="end" { (number(tick, y_step)) }
                    }
                    @for tick in ticks(x_step, x_most) {
                        text x=(at(across(tick))) y=(at(HEIGHT - BOTTOM + 16.0)) text-anchor="middle" { (number(tick, x_step)) }
                    }
                    text x=(WIDTH - RIGHT) y=(HEIGHT - 6.0) text-anchor="end" { (self.x) }
                    text x=(4) y=(11) { (self.y) }
                    @for (x, name) in &self.marks {
                        line class="mark" x1=(at(across(*x))) x2=(at(across(*x))) y1=(TOP) y2=(HEIGHT - BOTTOM) {
                            title { (name) }
                        }
                    }
                    @for (line, (colour, dashes)) in self.lines.iter().zip(STYLES.iter().cycle()) {
                        polyline fill="none" stroke=(colour) stroke-width="2" stroke-dasharray=(dashes)
                            points=(path(&line.points, across, up)) {}
                        @if line.points.len() <= 40 {
                            @for (x, y) in line.points.iter().filter(|(_, y)| y.is_finite()) {
                                circle cx=(at(across(*x))) cy=(at(up(*y))) r="3" fill=(colour) {
                                    title { (line.name) ": " (format!("{y:.3} at {x:.0}")) }
                                }
                            }
                        }
                    }
                }
                p.legend {
                    @for (line, (colour, dashes)) in self.lines.iter().zip(STYLES.iter().cycle()) {
                        span {
                            svg.key viewBox="0 0 30 6" {
                                line x1="0" x2="30" y1="3" y2="3" stroke=(colour) stroke-width="2" stroke-dasharray=(dashes) {}
                            }
                            (line.name)
                        }
                    }
                }
            }
        }
    }
}

fn at(place: f64) -> String {
    format!("{place:.1}")
}

fn path(points: &[(f64, f64)], across: impl Fn(f64) -> f64, up: impl Fn(f64) -> f64) -> String {
    let drawn = points.iter().filter(|(x, y)| x.is_finite() && y.is_finite());
    drawn.map(|(x, y)| format!("{:.1},{:.1}", across(*x), up(*y))).collect::<Vec<_>>().join(" ")
}

/// 1, 2 or 5 times a power of ten, so that about [`TICKS`] of them reach that far.
fn round_step(most: f64) -> f64 {
    let raw = (most / TICKS).max(1e-9);
    let power = 10f64.powf(raw.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= raw * 0.999_999).unwrap_or(10.0);
    factor * power
}

/// Digits behind the point that tell the numbers of an axis apart.
fn decimals(step: f64) -> usize {
    if step >= 1.0 { 0 } else { (-step.log10().floor()) as usize }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn axes_have_round_numbers() {
        let steps = [0.7, 3.0, 10.0, 42.0, 999.0, 1_000.0].map(round_step);
        assert_eq!(steps, [0.2, 1.0, 2.0, 10.0, 200.0, 200.0]);
        assert_eq!([0.05, 0.2, 1.0, 200.0].map(decimals), [2, 1, 0, 0]);
    }

    #[test]
    fn names_cannot_break_the_page() {
        let lines = vec![Line { name: "<script>".into(), points: vec![(0.0, 1.0)] }];
        let plot = Plot { title: "t", x: "x", y: "y", lines, marks: vec![(0.0, "\"&".into())] };
        let drawn = plot.draw().into_string();
        assert!(!drawn.contains("<script>") && drawn.contains("&lt;script&gt;") && drawn.contains("&quot;&amp;"));
    }

    proptest! {
        /// Whatever is measured stays within the drawing.
        #[test]
        fn every_point_is_inside(points in prop::collection::vec((0.0f64..1e9, 0.0f64..1e9), 1..20)) {
            let plot = Plot { title: "t", x: "x", y: "y", lines: vec![Line { name: "l".into(), points }], marks: vec![] };
            let drawn = plot.draw().into_string();
            let list = drawn.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
            for point in list.split(' ') {
                let (x, y) = point.split_once(',').unwrap();
                let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                prop_assert!((LEFT - 0.1..=WIDTH).contains(&x) && (TOP - 0.1..=HEIGHT - BOTTOM + 0.1).contains(&y), "{}", point);
            }
        }
    }
}
