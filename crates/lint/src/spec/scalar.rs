//! What a word without quotes means: as JSON has it, and as the YAML reader of pachctl resolves it.

/// A plain scalar, resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    Null,
    Bool(bool),
    /// A number as JSON writes it.
    Number,
    /// A number that YAML knows and JSON does not write so.
    OddNumber,
    Timestamp,
    /// `<<`
    Merge,
    String,
}

/// Resolves a plain scalar. `yes`, `on` and `y` are strings for pachctl.
#[must_use]
pub fn resolve(word: &str) -> Plain {
    match word {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "true" | "True" | "TRUE" => return Plain::Bool(true),
        "false" | "False" | "FALSE" => return Plain::Bool(false),
        "<<" => return Plain::Merge,
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf"
        | "-.INF" => return Plain::OddNumber,
        _ => {}
    }
    if !word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Plain::String;
    }
    if is_json_number(word) {
        Plain::Number
    } else if is_timestamp(word) {
        Plain::Timestamp
    } else if is_odd_number(word) {
        Plain::OddNumber
    } else {
        Plain::String
    }
}

/// What a scalar means that has a tag of YAML's own, and which versions of pachctl take it so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tagged {
    /// None where it is nothing of that tag.
    pub meaning: Option<Plain>,
    pub fits_before_2_8: bool,
    pub fits_since_2_8: bool,
}

/// Resolves a scalar with one of the tags `str`, `bool`, `null`, `int`, `float`. Before 2.8 pachctl resolves it as if
/// the tag were not there, and compares; since then it asks less of `bool` and `null`, and more of `int`.
#[must_use]
pub fn tagged(tag: &str, word: &str) -> Tagged {
    let plain = resolve(word);
    let is_number = matches!(plain, Plain::Number | Plain::OddNumber);
    let is_whole = is_number && to_json_number(word).is_some_and(|json| !json.contains(['.', 'e', 'E']));
    let (meaning, fits_before_2_8) = match tag {
        "str" => (Some(Plain::String), true),
        "bool" if word.eq_ignore_ascii_case("true") => (Some(Plain::Bool(true)), plain == Plain::Bool(true)),
        "bool" if word.eq_ignore_ascii_case("false") => (Some(Plain::Bool(false)), plain == Plain::Bool(false)),
        "bool" => (None, false),
        "null" => (Some(Plain::Null), plain == Plain::Null),
        "int" => (Some(plain).filter(|_| is_whole), is_whole),
        _ => (Some(plain).filter(|_| is_number), is_number),
    };
    Tagged {
        meaning,
        fits_before_2_8,
        fits_since_2_8: meaning.is_some() && !(tag == "int" && word == "-0"),
    }
}

/// Whether JSON writes a number so.
#[must_use]
pub fn is_json_number(word: &str) -> bool {
    let unsigned = word.strip_prefix('-').unwrap_or(word);
    let whole = digits(unsigned);
    if whole == 0 || (whole > 1 && unsigned.starts_with('0')) {
        return false;
    }
    is_fraction_and_exponent(unsigned.get(whole..).unwrap_or_default(), 1)
}

/// The same number as JSON writes it; `None` for what has no end or is no number.
#[must_use]
pub fn to_json_number(word: &str) -> Option<String> {
    if is_json_number(word) {
        return Some(word.to_owned());
    }
    let plain = word.replace('_', "");
    let (sign, unsigned) = match plain.strip_prefix(['+', '-']) {
        Some(rest) if plain.starts_with('-') => ("-", rest),
        Some(rest) => ("", rest),
        None => ("", plain.as_str()),
    };
    if let Some((radix, digits)) = radix(unsigned) {
        let value = u64::from_str_radix(digits, radix).ok()?;
        return Some(format!("{sign}{value}"));
    }
    if !is_yaml_float(unsigned) {
        return None;
    }
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => unsigned.split_at(at),
        None => (unsigned, ""),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}{exponent}"))
}

/// How many ASCII digits `text` begins with.
fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// `least` digits at least after a point.
fn is_fraction_and_exponent(mut rest: &str, least: usize) -> bool {
    if let Some(fraction) = rest.strip_prefix('.') {
        let count = digits(fraction);
        if count < least {
            return false;
        }
        rest = fraction.get(count..).unwrap_or_default();
    }
    let Some(exponent) = rest.strip_prefix(['e', 'E']) else {
        return rest.is_empty();
    };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    !exponent.is_empty() && digits(exponent) == exponent.len()
}

fn is_odd_number(word: &str) -> bool {
    let plain = word.replace('_', "");
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    match radix(unsigned) {
        Some((radix, digits)) => u64::from_str_radix(digits, radix).is_ok() && !digits.starts_with('+'),
        None => is_yaml_float(unsigned),
    }
}

/// Digits without a sign, and their base, when the base is not ten. `08` is no octal number, and so a float to YAML.
fn radix(unsigned: &str) -> Option<(u32, &str)> {
    for (prefixes, radix) in [(["0x", "0X"], 16), (["0o", "0O"], 8), (["0b", "0B"], 2)] {
        for prefix in prefixes {
            if let Some(digits) = unsigned.strip_prefix(prefix) {
                return Some((radix, digits));
            }
        }
    }
    let octal = unsigned.strip_prefix('0')?;
    (!octal.is_empty() && octal.bytes().all(|byte| (b'0'..=b'7').contains(&byte))).then_some((8, octal))
}

fn is_yaml_float(unsigned: &str) -> bool {
    let whole = digits(unsigned);
    let rest = unsigned.get(whole..).unwrap_or_default();
    is_fraction_and_exponent(rest, usize::from(whole == 0)) && (whole > 0 || rest.starts_with('.'))
}

/// `2020-1-31`, alone or with a time of day.
fn is_timestamp(word: &str) -> bool {
    let (date, time) = match word.find(['T', 't', ' ']) {
        Some(at) => (word.get(..at).unwrap_or_default(), word.get(at + 1..)),
        None => (word, None),
    };
    let mut parts = date.split('-');
    let mut next = |least, most| parts.next().is_some_and(|part| is_count(part, least, most));
    let is_date = next(4, 4) && next(1, 2) && next(1, 2);
    is_date && parts.next().is_none() && time.is_none_or(is_time)
}

fn is_count(part: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&part.len()) && digits(part) == part.len()
}

/// Hours, minutes and seconds; a fraction and a zone may follow.
fn is_time(time: &str) -> bool {
    let mut parts = time.splitn(3, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (hours, minutes, seconds) = (next(), next(), next());
    let count = digits(seconds);
    let rest = seconds.get(count..).unwrap_or_default();
    is_count(hours, 1, 2)
        && is_count(minutes, 1, 2)
        && (1..=2).contains(&count)
        && rest
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | ':' | '+' | '-' | 'Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_what_pachctl_reads() {
        for (word, meaning) in [
            ("~", Plain::Null),
            ("True", Plain::Bool(true)),
            ("yes", Plain::String),
            ("on", Plain::String),
            ("0", Plain::Number),
            ("-1.5e3", Plain::Number),
            ("01", Plain::OddNumber),
            ("08", Plain::OddNumber),
            ("0x1F", Plain::OddNumber),
            ("1_0", Plain::OddNumber),
            ("+1.5", Plain::OddNumber),
            ("1.", Plain::OddNumber),
            (".5", Plain::OddNumber),
            (".nan", Plain::OddNumber),
            ("-", Plain::String),
            (".", Plain::String),
            ("1.2.3", Plain::String),
            ("600s", Plain::String),
            ("500m", Plain::String),
            ("2020-01-01", Plain::Timestamp),
            ("2020-01-01T10:00:00Z", Plain::Timestamp),
            ("2020-01-01x", Plain::String),
            ("10:30", Plain::String),
            ("<<", Plain::Merge),
        ] {
            assert_eq!(resolve(word), meaning, "{word}");
        }
    }

    #[test]
    fn a_tag_fits_what_pachctl_takes_with_it() {
        // Before 2.8 as yaml.v3 3.0.1 decodes, since then as pachctl makes JSON of YAML.
        for (tag, word, meaning, before, since) in [
            ("str", "12", Some(Plain::String), true, true),
            ("bool", "True", Some(Plain::Bool(true)), true, true),
            ("bool", "tRuE", Some(Plain::Bool(true)), false, true),
            ("bool", "yes", None, false, false),
            ("null", "~", Some(Plain::Null), true, true),
            ("null", "x", Some(Plain::Null), false, true),
            ("int", "5", Some(Plain::Number), true, true),
            ("int", "-0", Some(Plain::Number), true, false),
            ("int", "0x10", Some(Plain::OddNumber), true, true),
            ("int", "5.0", None, false, false),
            ("int", "1e3", None, false, false),
            ("int", "abc", None, false, false),
            ("int", "2020-01-01", None, false, false),
            ("float", "5", Some(Plain::Number), true, true),
            ("float", ".5", Some(Plain::OddNumber), true, true),
            ("float", "abc", None, false, false),
        ] {
            let expected = Tagged {
                meaning,
                fits_before_2_8: before,
                fits_since_2_8: since,
            };
            assert_eq!(tagged(tag, word), expected, "!!{tag} {word}");
        }
    }

    #[test]
    fn an_odd_number_has_a_twin_in_json() {
        for (word, json) in [
            ("0x1F", Some("31")),
            ("017", Some("15")),
            ("08", Some("8")),
            ("-0o17", Some("-15")),
            ("1_000", Some("1000")),
            ("+1.5", Some("1.5")),
            ("1.", Some("1")),
            (".5", Some("0.5")),
            ("-.5e3", Some("-0.5e3")),
            (".inf", None),
            ("0x", None),
        ] {
            assert_eq!(to_json_number(word).as_deref(), json, "{word}");
        }
    }
}
