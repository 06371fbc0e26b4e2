//! pachd's globs: which paths a pattern means.
//!
//! `*` and `?` stay within a path's element, `**` does not; `[…]` is a class, `{a,b}` and `(a|b)` are choices, the latter
//! also repeated (`*(…)`, `+(…)`, `?(…)`, `@(…)`). A backslash is a backslash, but in a class it escapes (recordings
//! gateway 008, 009). What a pattern cannot say here is `!(…)`.

use regex::Regex;

use super::clean;
use crate::serve::Status;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Glob {
    regex: Regex,
    is_root: bool,
    /// What every path that it means starts with: whole elements.
    pub directory: String,
}

impl Glob {
    /// # Errors
    /// When it is no pattern, or one that is too large.
    pub fn new(pattern: &str) -> Result<Self, Status> {
        let pattern = clean(pattern);
        let text = translate(&pattern)?;
        let regex = Regex::new(&text).map_err(|error| invalid(&pattern, &error.to_string()))?;
        let special = |c| matches!(c, '*' | '?' | '[' | '{' | '(' | '!' | '@' | '+' | '\\');
        let literal = pattern.split(special).next().unwrap_or_default();
        let end = literal.rfind('/').map_or(0, |slash| slash + 1);
        Ok(Self {
            regex,
            is_root: pattern == "/",
            directory: literal[..end].to_owned(),
        })
    }

    /// A directory's path may end with its slash. The root is meant by `/` alone.
    pub fn matches(&self, path: &str) -> bool {
        match path.trim_end_matches('/') {
            "" => self.is_root,
            path => self.regex.is_match(path),
        }
    }
}

fn invalid(pattern: &str, why: &str) -> Status {
    Status::unknown(format!("glob {pattern} is invalid: {why}"))
}

/// In pachd's words.
fn unfinished() -> Status {
    Status::unknown("unexpected end of input")
}

/// The pattern as a regular expression.
fn translate(pattern: &str) -> Result<String, Status> {
    let mut text = String::from("^");
    let mut rest = pattern.chars().peekable();
    // What closes the choices that are open, innermost last.
    let mut open: Vec<&str> = Vec::new();
    while let Some(c) = rest.next() {
        let opens_choice = rest.peek() == Some(&'(');
        match c {
            '!' if opens_choice => return Err(invalid(pattern, "spoutctl does not serve !(…)")),
            '*' | '+' | '?' | '@' if opens_choice => {
                rest.next();
                text.push_str("(?:");
                open.push(match c {
                    '*' => ")*",
                    '+' => ")+",
                    '?' => ")?",
                    _ => ")",
                });
            }
            '*' if rest.next_if_eq(&'*').is_some() => text.push_str("(?s:.*)"),
            '*' => text.push_str("[^/]*"),
            '?' => text.push_str("[^/]"),
            '[' => text.push_str(&class(&mut rest)?),
            '{' | '(' => {
                text.push_str("(?:");
                open.push(")");
            }
            ',' | '|' if !open.is_empty() => text.push('|'),
            '}' | ')' => text.push_str(open.pop().ok_or_else(|| invalid(pattern, "nothing is open"))?),
            c => text.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    if !open.is_empty() {
        return Err(unfinished());
    }
    text.push('$');
    Ok(text)
}

/// A class, after its opening bracket.
fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, Status> {
    let mut text = String::from("[");
    if rest.next_if(|c| matches!(c, '!' | '^')).is_some() {
        text.push('^');
    }
    let mut is_empty = true;
    loop {
        let c = rest.next().ok_or_else(unfinished)?;
        match c {
            ']' if !is_empty => break,
            '-' if !is_empty && rest.peek() != Some(&']') => text.push('-'),
            '\\' => {
                let escaped = rest.next().ok_or_else(unfinished)?;
                text.push_str(&in_class(escaped));
            }
            c => text.push_str(&in_class(c)),
        }
        is_empty = false;
    }
    text.push(']');
    Ok(text)
}

fn in_class(c: char) -> String {
    if c.is_ascii_alphanumeric() || !c.is_ascii() {
        c.to_string()
    } else {
        format!("\\x{:02x}", u32::from(c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Glob::new(pattern).unwrap().matches(path)
    }

    #[test]
    fn a_pattern_means_the_paths_that_pachd_finds_with_it() {
        for (pattern, path) in [
            ("/fs/*", "/fs/1"),
            ("/fs/**", "/fs/a/b"),
            ("/**", "/a"),
            ("**", "/a/b"),
            ("/", "/"),
            ("/d/", "/d/"),
            ("/d", "/d/"),
            ("/a?c", "/abc"),
            ("/[a-c]x", "/bx"),
            ("/[!a-c]x", "/dx"),
            (r"/a[\\]b", r"/a\b"),
            ("/{a,b}/c", "/b/c"),
            ("/@(a|b)", "/a"),
            ("/+(ab)", "/abab"),
            ("/a.txt", "/a.txt"),
            ("/a b", "/a b"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("/fs/*", "/fs/a/b"),
            ("/fs/**", "/fs/"),
            ("/**", "/"),
            ("/*", "/a/b"),
            ("/a?c", "/a/c"),
            ("/[!a-c]x", "/ax"),
            (r"/a\b", r"/a\\b"),
            ("/a.txt", "/axtxt"),
            ("/d", "/d/e"),
        ] {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn only_what_may_match_is_looked_at() {
        for (pattern, directory) in [
            ("/fs/*", "/fs/"),
            ("/f*/a", "/"),
            ("/a/b", "/a/"),
            ("/", "/"),
            ("x/y?", "/x/"),
        ] {
            assert_eq!(Glob::new(pattern).unwrap().directory, directory, "{pattern}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["/[a", "/{a,b", "/a}", "/!(a)", "/[\\"] {
            assert!(Glob::new(pattern).is_err(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn no_pattern_makes_it_panic_and_a_plain_path_means_itself(
            pattern in "[a-c*?\\[\\]{}()|,!@+^\\\\./-]{0,20}",
            path in "(/[a-z. _-]*[a-z])+",
        ) {
            let _ = Glob::new(&pattern);
            if !path.split('/').any(|element| element == "." || element == "..") {
                prop_assert!(matches(&path, &clean(&path)));
            }
        }
    }
}
