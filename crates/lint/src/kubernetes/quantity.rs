//! Amounts: `512Mi`, `1.5G`, `1e3`.

/// An amount in billionths, which is as fine as Kubernetes keeps it. What is too large to be told is the largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Quantity(i128);

const BILLION: i128 = 1_000_000_000;

/// As many digits are read; after the point more than these only round up.
const DIGITS: usize = 36;

/// The largest amount with a binary unit; what is above is cut to it, and nothing is said.
const MOST_BINARY: i128 = i64::MAX as i128 * BILLION;

/// What a unit multiplies with.
#[derive(Debug, Clone, Copy)]
enum Unit {
    /// A power of two.
    Binary(u32),
    /// A power of ten.
    Decimal(i64),
}

impl Quantity {
    pub(crate) const ZERO: Self = Self(0);

    /// Reads an amount as apimachinery does, which also takes an amount without a digit, such as `Gi`, for 0.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts = Parts::of(text)?;
        let unit = unit(parts.unit)?;
        let has_digits = !parts.whole.is_empty() || !parts.fraction.is_empty();
        if !has_digits {
            // These are beyond the quick way of reading, and the slow one wants a digit.
            let is_slow = matches!(unit, Unit::Binary(50 | 60) | Unit::Decimal(i64::MIN..-9));
            return (!is_slow).then_some(Self::ZERO);
        }
        let amount = parts.amount(unit);
        Some(Self(if parts.is_negative { -amount } else { amount }))
    }

    /// Cores, as pachd writes a number of them: with six digits after the point. None when pachd drops it, or when it
    /// is 0, which is as if nothing had been said.
    pub(crate) fn cores(number: f64) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the field of the protocol is a float of 32 bits"
        )]
        let single = number as f32;
        if single == 0.0 || !single.is_finite() {
            return None;
        }
        Self::parse(&format!("{single:.6}"))
    }

    pub(crate) fn whole(number: i64) -> Self {
        Self(i128::from(number) * BILLION)
    }

    pub(crate) fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Whether it is a whole number of whatever it counts.
    pub(crate) fn is_whole(self) -> bool {
        self.0 % BILLION == 0
    }

    /// A whole number without a unit, such as `64000000` for `64M`. None for a fraction, and for what is too large to
    /// be told.
    pub(crate) fn decimal(self) -> Option<String> {
        let is_told = self.is_whole() && self.0.unsigned_abs() < i128::MAX.unsigned_abs();
        is_told.then(|| (self.0 / BILLION).to_string())
    }

    /// Whether it is a multiple of another.
    pub(crate) fn is_multiple_of(self, other: Self) -> bool {
        other.0 != 0 && self.0 % other.0 == 0
    }
}

/// The parts of an amount as it is written.
struct Parts<'a> {
    is_negative: bool,
    whole: &'a str,
    fraction: &'a str,
    unit: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let is_negative = text.starts_with('-');
        let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (whole, rest) = digits(rest);
        let (fraction, unit) = rest.strip_prefix('.').map_or(("", rest), digits);
        Some(Self {
            is_negative,
            whole,
            fraction,
            unit,
        })
    }

    fn amount(&self, unit: Unit) -> i128 {
        let whole = self.whole.trim_start_matches('0');
        if whole.len() > DIGITS {
            return if matches!(unit, Unit::Binary(_)) {
                MOST_BINARY
            } else {
                i128::MAX
            };
        }
        let kept = self.fraction.len().min(DIGITS - whole.len());
        let (fraction, beyond) = self.fraction.split_at_checked(kept).unwrap_or((self.fraction, ""));
        let has_more = beyond.bytes().any(|digit| digit != b'0');
        let digits = whole.bytes().chain(fraction.bytes());
        let mut amount = digits.fold(0_i128, |amount, digit| amount * 10 + i128::from(digit - b'0'));
        let mut exponent = 9 - i64::try_from(kept).unwrap_or(i64::MAX);
        match unit {
            Unit::Binary(bits) => amount = amount.saturating_mul(1 << bits),
            Unit::Decimal(tens) => exponent = exponent.saturating_add(tens),
        }
        let amount = scaled(amount, exponent, has_more);
        if matches!(unit, Unit::Binary(_)) {
            amount.min(MOST_BINARY)
        } else {
            amount
        }
    }
}

/// Times ten to the power of `exponent`; what is left over rounds up.
fn scaled(amount: i128, exponent: i64, has_more: bool) -> i128 {
    let power = |exponent: u64| {
        u32::try_from(exponent)
            .ok()
            .and_then(|exponent| 10_i128.checked_pow(exponent))
    };
    if amount == 0 && !has_more {
        return 0;
    }
    if exponent >= 0 {
        return power(exponent.unsigned_abs()).map_or(i128::MAX, |power| amount.saturating_mul(power));
    }
    match power(exponent.unsigned_abs()) {
        None => 1,
        Some(power) => amount / power + i128::from(amount % power != 0 || has_more),
    }
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn unit(text: &str) -> Option<Unit> {
    Some(match text {
        "n" => Unit::Decimal(-9),
        "u" => Unit::Decimal(-6),
        "m" => Unit::Decimal(-3),
        "" => Unit::Decimal(0),
        "k" => Unit::Decimal(3),
        "M" => Unit::Decimal(6),
        "G" => Unit::Decimal(9),
        "T" => Unit::Decimal(12),
        "P" => Unit::Decimal(15),
        "E" => Unit::Decimal(18),
        "Ki" => Unit::Binary(10),
        "Mi" => Unit::Binary(20),
        "Gi" => Unit::Binary(30),
        "Ti" => Unit::Binary(40),
        "Pi" => Unit::Binary(50),
        "Ei" => Unit::Binary(60),
        _ => {
            let exponent = text.strip_prefix(['e', 'E'])?;
            let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            let is_number = !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit());
            Unit::Decimal(exponent.parse().ok().filter(|_| is_number)?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<i128> {
        Quantity::parse(text).map(|quantity| quantity.0)
    }

    #[test]
    fn amounts_are_read_as_kubernetes_reads_them() {
        for (text, billionths) in [
            ("1", BILLION),
            ("+1", BILLION),
            ("001", BILLION),
            ("5.", 5 * BILLION),
            (".5", BILLION / 2),
            ("-1", -BILLION),
            ("512m", 512_000_000),
            ("1n", 1),
            ("1e3", 1_000 * BILLION),
            ("1E3", 1_000 * BILLION),
            ("1E", 1_000_000_000_000_000_000 * BILLION),
            ("1e-3", 1_000_000),
            ("1Ki", 1_024 * BILLION),
            ("1.5Gi", 1_610_612_736 * BILLION),
            ("8Ei", MOST_BINARY),
            ("100000000000Ei", MOST_BINARY),
            ("0.0000000001", 1),
            ("1e-400", 1),
            ("1e99", i128::MAX),
        ] {
            assert_eq!(parsed(text), Some(billionths), "{text}");
        }
        for text in ["Gi", "-", "+", ".", "e3", "k", "-Mi"] {
            assert_eq!(parsed(text), Some(0), "{text}");
        }
        for text in [
            "", " ", "K", "1K", "2GB", "512 Mi", "1Kb", "1e", "1.2.3", "1mi", "0x10", "1ki", "1,5Gi", "--1", "1Gi1",
            "Ei", "１",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn whole_amounts_are_written_without_a_unit() {
        let written = |text| Quantity::parse(text).and_then(Quantity::decimal);
        for (text, decimal) in [
            ("64M", "64000000"),
            ("1.5Gi", "1610612736"),
            ("-1k", "-1000"),
            ("1e3", "1000"),
            ("0", "0"),
        ] {
            assert_eq!(written(text).as_deref(), Some(decimal));
        }
        for text in ["500m", "1e99", "-1e99"] {
            assert_eq!(written(text), None, "{text}");
        }
    }

    #[test]
    fn cores_have_six_digits_after_the_point() {
        assert_eq!(Quantity::cores(0.5), Quantity::parse("500m"));
        assert_eq!(Quantity::cores(4e-7), Some(Quantity::ZERO));
        for number in [0.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Quantity::cores(number), None);
        }
    }
}
