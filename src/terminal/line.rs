//! How long a line may be that ends up in the log of a pipeline's worker.
//!
//! The worker writes each line of a program's output as a JSON object of its own. Where pachd has no Loki,
//! `pachctl logs` reads these with a scanner for lines of 64 KiB, and ends its output at the first longer one, without
//! a word.

use std::borrow::Cow;

/// The most bytes of a line, as [`length_in_a_log`] counts them: what the worker adds fits beside it.
pub const LONGEST: usize = 60 << 10;

/// How many bytes of a JSON string the line becomes, as Go writes it.
pub fn length_in_a_log(line: &str) -> usize {
    line.bytes().map(escaped).sum()
}

fn escaped(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0..=0x1f | b'<' | b'>' | b'&' => 6,
        _ => 1,
    }
}

/// The text with each of its lines cut that is too long, and with what was left out.
pub fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST / 6 || text.lines().all(|line| length_in_a_log(line) <= LONGEST) {
        return Cow::Borrowed(text);
    }
    let lines: Vec<String> = text.lines().map(cut).collect();
    Cow::Owned(lines.join("\n"))
}

fn cut(line: &str) -> String {
    /// Room for what is said at the end.
    const SAID: usize = 64;
    if length_in_a_log(line) <= LONGEST {
        return line.to_owned();
    }
    let mut length = 0;
    let mut fits = |byte: u8| {
        length += escaped(byte);
        length <= LONGEST - SAID
    };
    let end = line.bytes().take_while(|byte| fits(*byte)).count();
    let end = line.floor_char_boundary(end);
    format!("{}… ({} bytes more)", &line[..end], line.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_as_long_as_a_scanner_of_64_kib_takes() {
        for text in [
            "x".repeat(1 << 20),
            "\"".repeat(40 << 10),
            "ä".repeat(60 << 10),
            "<\u{1b}".repeat(9 << 10),
        ] {
            let text = format!("note: {text}\nsecond line");
            let short = shortened(&text);
            assert!(short.lines().all(|line| length_in_a_log(line) <= LONGEST));
            assert!(short.lines().next().unwrap().ends_with(" bytes more)"));
            assert!(short.ends_with("\nsecond line"));
        }
        assert!(matches!(shortened("short"), Cow::Borrowed("short")));
        let longest = "x".repeat(LONGEST);
        assert_eq!(shortened(&longest), longest);
    }

    #[test]
    fn length_is_counted_as_json_has_it() {
        for line in ["plain", "\"quoted\" \\ \t", "ä…"] {
            let json = serde_json::to_string(line).unwrap();
            assert_eq!(length_in_a_log(line), json.len() - 2, "{line}");
        }
    }
}
