//! Numbers as people read them: thousands separated, sizes in decimal units, singular and plural.

use std::fmt;
use std::time::Duration;

/// A number with its thousands separated: `1,320`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 file`, `2 files`.
#[must_use]
pub fn counted(number: u64, singular: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {singular}{plural}", grouped(number))
}

/// A size in bytes, shown in decimal units: `812 B`, `4.1 kB`, `1.9 MB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
        if self.0 < 1000 {
            return write!(f, "{} B", self.0);
        }
        let mut divisor = 1000;
        // In tenths, rounded: what would show as 1000.0 goes to the next unit.
        let in_tenths = |divisor: u128| (u128::from(self.0) * 10 + divisor / 2) / divisor;
        let mut units = UNITS.iter();
        let mut unit = units.next();
        while in_tenths(divisor) >= 10_000 && units.len() > 0 {
            divisor *= 1000;
            unit = units.next();
        }
        let (tenths, unit) = (in_tenths(divisor), unit.unwrap_or(&"B"));
        write!(f, "{}.{} {unit}", tenths / 10, tenths % 10)
    }
}

/// A duration as `9.7 s` or `3 min 20 s`.
#[must_use]
pub fn elapsed(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} min {} s", grouped(seconds / 60), seconds % 60)
    }
}

/// A duration that may be short: `12 ms`, and from 10 s on as [`elapsed`] has it.
#[must_use]
pub fn milliseconds(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        format!(
            "{} ms",
            grouped(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
        )
    } else {
        elapsed(duration)
    }
}

/// How long ago something was, in its largest unit: `12 s`, `5 min`, `3 h`, `40 days`.
#[must_use]
pub fn age(since: Duration) -> String {
    match since.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", grouped(seconds / 86_400)),
    }
}

/// Bytes a second.
#[must_use]
pub fn rate(bytes: u64, time: Duration) -> Size {
    let millis = time.as_millis().max(1);
    Size(u64::try_from(u128::from(bytes) * 1000 / millis).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal_and_the_fitting_unit() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (4_096, "4.1 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (1_900_000, "1.9 MB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(Size(bytes).to_string(), text);
        }
    }

    #[test]
    fn thousands_are_separated() {
        for (number, text) in [(0, "0"), (999, "999"), (1_320, "1,320"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(counted(1, "file"), "1 file");
        assert_eq!(counted(41_880, "message"), "41,880 messages");
    }
}
