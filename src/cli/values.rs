//! Values that flags of several verbs take: durations, sizes, pairs.

use std::time::Duration;

/// `NAME=VALUE`, as `pachctl --arg` has it: a value may hold `=`.
///
/// # Errors
/// When there is no name, or nothing is said of it.
pub fn parse_argument(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

/// A duration that is one.
pub(super) fn parse_period(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err("once in no time at all is too often; write 10s".to_owned()),
        period => Ok(period),
    }
}

/// A size: digits, then an optional unit (k, M, G, T; kB, MB, …; KiB, MiB, …).
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let wrong = || format!("`{text}` is no size; write 500MB, 64MiB or 1TiB");
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let power = |unit: &str| match unit.to_ascii_lowercase().as_str() {
        "" => Some(0),
        "k" => Some(1),
        "m" => Some(2),
        "g" => Some(3),
        "t" => Some(4),
        "p" => Some(5),
        _ => None,
    };
    let unit = unit.trim();
    let lower = unit.to_ascii_lowercase();
    let (base, prefix) = match lower.strip_suffix("ib") {
        Some(prefix) => (1024_u64, prefix),
        None => (1000, lower.strip_suffix('b').unwrap_or(&lower)),
    };
    let factor = power(prefix)
        .and_then(|power| base.checked_pow(power))
        .ok_or_else(wrong)?;
    number.checked_mul(factor).ok_or_else(wrong)
}

/// No duration is longer: sums of it and the time of day must stay within what a clock can show.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// A duration: digits and a unit (`ms`, `s`, `m`, `h`), repeated; a bare `0` is zero.
///
/// # Errors
/// When it is none.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let span: jiff::SignedDuration = text
        .parse()
        .map_err(|_| format!("`{text}` is no duration; write 30s, 10m or 1h30m"))?;
    let duration = Duration::try_from(span).map_err(|_| format!("`{text}` is negative"))?;
    if duration > LONGEST {
        return Err(format!("`{text}` is too long; a year at most"));
    }
    Ok(duration)
}

/// A hundred years: nothing that pachd holds is older.
const MOST_DAYS: u64 = 36_500;

/// A duration that may be of days or weeks, which are of 24 hours each.
///
/// # Errors
/// When it is none.
pub fn parse_age(text: &str) -> Result<Duration, String> {
    let (number, days) = match (text.strip_suffix('d'), text.strip_suffix('w')) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 7),
        (None, None) => return parse_duration(text),
    };
    let number = number.parse().ok().and_then(|number: u64| number.checked_mul(days));
    match number.filter(|number| *number <= MOST_DAYS && text.starts_with(|first: char| first.is_ascii_digit())) {
        Some(number) => Ok(Duration::from_hours(number * 24)),
        None => Err(format!("`{text}` is no duration; write 12h, 7d or 4w")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_decimal_and_binary_units() {
        for (text, bytes) in [
            ("0", 0),
            ("17", 17),
            ("500MB", 500_000_000),
            ("64MiB", 64 << 20),
            ("1TiB", 1 << 40),
            ("2k", 2000),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "MB", "1XB", "-1", "99999999999PiB", "1.5GB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_need_a_unit_and_are_not_negative() {
        for (text, seconds) in [("0", 0), ("30s", 30), ("10m", 600), ("2h", 7200), ("1h30m", 5400)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "10", "-5s", "soon", "9223372036854775807s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ages_are_of_days_and_weeks_too() {
        let hours = |hours: u64| Ok(Duration::from_hours(hours));
        assert_eq!(parse_age("7d"), hours(168));
        assert_eq!(parse_age("2w"), hours(336));
        assert_eq!(parse_age("1h30m"), Ok(Duration::from_mins(90)));
        assert_eq!(parse_age("0"), hours(0));
        for wrong in [
            "d",
            "-1d",
            "+1d",
            "99999999d",
            "99999999999999999999w",
            "1.5d",
            "7 d",
            "7days",
            "",
        ] {
            assert!(parse_age(wrong).is_err(), "{wrong}");
        }
    }
}
