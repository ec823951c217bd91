//! Durations and sizes as people write and read them. Knows nothing of what they measure.

use std::time::Duration;

/// A text that is no such quantity.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {wanted}")]
pub struct UnitError {
    text: String,
    wanted: &'static str,
}

const DURATIONS: [(&str, f64); 5] = [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)];
const SIZES: [(&str, f64); 7] = [
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("B", 1.0),
];
const RATES: [(&str, f64); 3] = [("Gbit/s", 1e9), ("Mbit/s", 1e6), ("kbit/s", 1e3)];

/// `250us`, `1.5ms`, `10s`; a `0` needs no unit.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let wanted = "a duration, such as `250us`, `100ms` or `2s`";
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let seconds = number(text, &DURATIONS).ok_or_else(|| UnitError { text: text.into(), wanted })?;
    Duration::try_from_secs_f64(seconds).map_err(|_| UnitError { text: text.into(), wanted })
}

/// The same, but no longer than ten seconds.
pub fn short_duration(text: &str) -> Result<Duration, UnitError> {
    let wanted = "a duration of at most 10s, such as `250us` or `100ms`";
    let short = duration(text).ok().filter(|duration| *duration <= Duration::from_secs(10));
    short.ok_or_else(|| UnitError { text: text.into(), wanted })
}

/// `512MiB`, `4GiB`, in bytes.
pub fn bytes(text: &str) -> Result<f64, UnitError> {
    let wanted = "a size, such as `512MiB` or `4GiB`";
    number(text, &SIZES).ok_or_else(|| UnitError { text: text.into(), wanted })
}

/// `1Gbit/s`, `100Mbit/s`, in bits per second.
pub fn bits_per_second(text: &str) -> Result<f64, UnitError> {
    let wanted = "a rate, such as `100Mbit/s` or `1Gbit/s`";
    number(text, &RATES).ok_or_else(|| UnitError { text: text.into(), wanted })
}

/// A number above zero with no more than so much behind it.
pub fn positive(text: &str) -> Result<f64, UnitError> {
    let wanted = "a number above 0 and up to 1000000000";
    let number: Option<f64> = text.parse().ok();
    number.filter(|number| *number > 0.0 && *number <= 1e9).ok_or_else(|| UnitError { text: text.into(), wanted })
}

/// A share of one: `0.4` or `40%`; above 0, up to 1.
pub fn share(text: &str) -> Result<f64, UnitError> {
    let wanted = "a share, such as `40%` or `0.4`";
    let number: Option<f64> = match text.strip_suffix('%') {
        Some(percent) => percent.parse().ok().map(|percent: f64| percent / 100.0),
        None => text.parse().ok(),
    };
    number.filter(|share| *share > 0.0 && *share <= 1.0).ok_or_else(|| UnitError { text: text.into(), wanted })
}

/// A finite number, not negative, in front of one of these units.
fn number(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let (digits, factor) = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    let number: f64 = digits.trim_end().parse().ok()?;
    let plain = digits.starts_with(|first: char| first.is_ascii_digit());
    (plain && number.is_finite()).then_some(number * factor)
}

/// `840 us`, `12.5 ms`, `3.2 s`: three digits that count.
pub fn show_seconds(seconds: f64) -> String {
    match seconds {
        0.0 => "0 s".into(),
        seconds if seconds >= 1.0 => format!("{} s", digits(seconds)),
        seconds if seconds >= 1e-3 => format!("{} ms", digits(seconds * 1e3)),
        seconds => format!("{} us", digits(seconds * 1e6)),
    }
}

/// The same of a [`Duration`].
pub fn show_duration(duration: Duration) -> String {
    show_seconds(duration.as_secs_f64())
}

/// `640 KiB`, `1.5 GiB`.
pub fn show_bytes(bytes: f64) -> String {
    const UNITS: [(f64, &str); 3] = [(1_073_741_824.0, "GiB"), (1_048_576.0, "MiB"), (1024.0, "KiB")];
    match UNITS.iter().find(|(size, _)| bytes >= *size) {
        Some((size, unit)) => format!("{} {unit}", digits(bytes / size)),
        None => format!("{bytes:.0} B"),
    }
}

/// `118 Mbit/s`.
pub fn show_bits(bits: f64) -> String {
    const UNITS: [(f64, &str); 3] = [(1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s")];
    match UNITS.iter().find(|(size, _)| bits >= *size) {
        Some((size, unit)) => format!("{} {unit}", digits(bits / size)),
        None => format!("{bits:.0} bit/s"),
    }
}

/// `12,345`; below a hundred with what follows the point, if anything does.
pub fn show_number(number: f64) -> String {
    if number < 100.0 && number.fract() != 0.0 {
        return digits(number);
    }
    let plain = format!("{number:.0}");
    let mut shown = String::new();
    for (place, digit) in plain.chars().enumerate() {
        if place > 0 && (plain.len() - place) % 3 == 0 {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

fn digits(number: f64) -> String {
    match number {
        number if number >= 99.95 => format!("{number:.0}"),
        number if number >= 9.995 => format!("{number:.1}"),
        number => format!("{number:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, micros) in [("250us", 250), ("250µs", 250), ("1.5ms", 1_500), ("2s", 2_000_000), ("0", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_micros(micros)), "{text}");
        }
        for text in ["", "ms", "100", "-1ms", "infs", "NaNs", "1e400s", "5 minutes", "+1s"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(
            duration("soon").unwrap_err().to_string(),
            "`soon` is not a duration, such as `250us`, `100ms` or `2s`"
        );
    }

    #[test]
    fn sizes_and_shares_are_read() {
        assert_eq!(bytes("512MiB"), Ok(536_870_912.0));
        assert_eq!(bytes("4GB"), Ok(4e9));
        assert_eq!(bits_per_second("1Gbit/s"), Ok(1e9));
        assert_eq!(share("40%"), Ok(0.4));
        assert_eq!(share("0.4"), Ok(0.4));
        assert!(bytes("4G").is_err() && bits_per_second("1").is_err());
        assert!(share("0").is_err() && share("140%").is_err() && positive("0").is_err() && positive("inf").is_err());
    }

    #[test]
    fn quantities_are_shown_with_three_digits() {
        assert_eq!(show_seconds(0.000_84), "840 us");
        assert_eq!(show_seconds(0.0125), "12.5 ms");
        assert_eq!(show_bytes(1_610_612_736.0), "1.50 GiB");
        assert_eq!(show_bits(118e6), "118 Mbit/s");
        assert_eq!(show_number(12_345.0), "12,345");
        assert_eq!(show_number(0.5), "0.50");
    }
}
