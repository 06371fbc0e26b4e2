//! Durations in the two ways in which versions of Pachyderm read them: seconds only, as protojson does, and as Go does.

/// The most that protojson takes: about 10,000 years.
const MOST_SECONDS: u64 = 315_576_000_000;

/// Whether protojson reads it: an optional sign, seconds with at most nine digits of a fraction, and `s`.
pub(super) fn is_seconds(text: &str) -> bool {
    let Some(number) = text.strip_suffix('s') else {
        return false;
    };
    let number = number.strip_prefix(['+', '-']).unwrap_or(number);
    let (seconds, fraction) = match number.split_once('.') {
        Some((seconds, fraction)) => (seconds, Some(fraction)),
        None => (number, None),
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_canonical = match (seconds, fraction) {
        ("", fraction) => fraction.is_some(),
        ("0", _) => true,
        (seconds, _) => is_digits(seconds) && !seconds.starts_with('0'),
    };
    let is_in_range = seconds.is_empty() || seconds.parse::<u64>().is_ok_and(|seconds| seconds <= MOST_SECONDS);
    is_canonical && is_in_range && fraction.is_none_or(|fraction| is_digits(fraction) && fraction.len() <= 9)
}

/// How many seconds it is, as Go reads it (`1h30m` is 5400); none when Go cannot read it either.
pub(super) fn seconds(text: &str) -> Option<String> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some("0".to_owned());
    }
    let mut nanoseconds: u64 = 0;
    (!rest.is_empty()).then_some(())?;
    while !rest.is_empty() {
        let number = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let (number, after) = rest.split_at_checked(number)?;
        let unit = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit)?;
        nanoseconds = nanoseconds.checked_add(scaled(number, unit_in_nanoseconds(unit)?)?)?;
        rest = after;
    }
    i64::try_from(nanoseconds).ok()?;
    let (seconds, fraction) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    let fraction = format!("{fraction:09}");
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{seconds}{point}{fraction}"))
}

fn unit_in_nanoseconds(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// `number`, which may have a point in it, times `unit`; what is less than a nanosecond is dropped, as Go does.
fn scaled(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    (!(whole.is_empty() && fraction.is_empty())).then_some(())?;
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut part = 0_u128;
    let mut scale = 1_u128;
    for digit in fraction.chars() {
        let digit = digit.to_digit(10)?;
        if scale < 1_000_000_000_000_000 {
            part = part * 10 + u128::from(digit);
            scale *= 10;
        }
    }
    let part = u64::try_from(part * u128::from(unit) / scale).ok()?;
    whole.checked_mul(unit)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn protojson_reads_seconds_and_nothing_else() {
        for text in ["600s", "1.5s", ".5s", "+3s", "-1s", "0s", "1.s", ".s", "315576000000s"] {
            assert!(is_seconds(text), "{text}");
        }
        for text in [
            "10m",
            "500ms",
            "1h30m",
            "s",
            "01s",
            "5",
            "",
            "1.0000000000s",
            "315576000001s",
            "1e3s",
            "--1s",
        ] {
            assert!(!is_seconds(text), "{text}");
        }
    }

    #[test]
    fn what_go_reads_is_told_in_seconds() {
        let told = |text| seconds(text).unwrap_or_default();
        assert_eq!(told("10m"), "600");
        assert_eq!(told("1h30m"), "5400");
        assert_eq!(told("500ms"), "0.5");
        assert_eq!(told("-1.5h"), "-5400");
        assert_eq!(told("1m0.000000001s"), "60.000000001");
        assert_eq!(told("3µs"), "0.000003");
        for text in [
            "",
            "10",
            "m",
            "1d",
            "1h-3m",
            "1..2s",
            ".s",
            "99999999999999999999h",
            "9999999999s9999999999s",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_it_tells_is_what_protojson_reads(
            text in "[-+]?([0-9]{0,12}[.]?[0-9]{0,12}(h|m|s|ms|us|ns|µs|x)?){0,3}"
        ) {
            if let Some(seconds) = seconds(&text) {
                prop_assert!(is_seconds(&format!("{seconds}s")), "{seconds}");
            }
        }
    }
}
