//! pachd's globs: which paths a pattern means.
//!
//! `*` and `?` stay within a path's element, `**` does not; `[…]` is a class, `{a,b}` and `(a|b)` are choices, the
//! latter also repeated (`*(…)`, `+(…)`, `?(…)`, `@(…)`). A backslash is a backslash, but in a class it escapes
//! (recordings gateway 008, 009). What a pattern cannot say here is `!(…)`.
//!
//! Words only: it knows no tree that a pattern is held against.

use regex::Regex;

use crate::fault::printable;

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGlob {
    #[error("glob {pattern} is invalid: {why}")]
    Invalid { pattern: String, why: String },
    /// In pachd's words.
    #[error("unexpected end of input")]
    Unfinished,
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Glob {
    regex: Regex,
    is_root: bool,
    /// What every path that it means starts with: whole elements.
    pub directory: String,
}

impl Glob {
    /// # Errors
    /// When it is no pattern, or one that is too large.
    pub fn new(pattern: &str) -> Result<Self, InvalidGlob> {
        let pattern = clean(pattern);
        let text = translate(&pattern)?;
        let regex = Regex::new(&text).map_err(|error| invalid(&pattern, reason(&error.to_string())))?;
        let special = |c| matches!(c, '*' | '?' | '[' | '{' | '(' | '!' | '@' | '+' | '\\');
        let literal = pattern.split(special).next().unwrap_or_default();
        let end = literal.rfind('/').map_or(0, |slash| slash + 1);
        Ok(Self {
            regex,
            is_root: pattern == "/",
            directory: literal[..end].to_owned(),
        })
    }

    /// Whether it means this path, or a directory that it is in.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let directories = path.match_indices('/').map(|(at, _)| &path[..at]);
        self.is_root
            || self.matches(path)
            || directories
                .filter(|path| !path.is_empty())
                .any(|path| self.matches(path))
    }

    /// A directory's path may end with its slash. The root is meant by `/` alone.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        match path.trim_end_matches('/') {
            "" => self.is_root,
            path => self.regex.is_match(path),
        }
    }
}

/// A path or a pattern as pachd reads it: absolute, without empty elements, `.` and `..`.
#[must_use]
pub fn clean(path: &str) -> String {
    let mut elements: Vec<&str> = Vec::new();
    for element in path.split('/') {
        match element {
            "" | "." => {}
            ".." => drop(elements.pop()),
            element => elements.push(element),
        }
    }
    format!("/{}", elements.join("/"))
}

fn invalid(pattern: &str, why: &str) -> InvalidGlob {
    // It is shown as it stands, and the pattern may be somebody else's.
    InvalidGlob::Invalid {
        pattern: printable(pattern).replace('\n', "\\n"),
        why: printable(why),
    }
}

/// Of what the compiler of expressions says the last line: those before it draw our translation.
fn reason(words: &str) -> &str {
    let last = words.lines().next_back().unwrap_or_default();
    last.trim_start_matches("error: ")
}

/// The pattern as a regular expression.
fn translate(pattern: &str) -> Result<String, InvalidGlob> {
    let mut text = String::from("^");
    let mut rest = pattern.chars().peekable();
    // What closes the choices that are open, innermost last.
    let mut open: Vec<&str> = Vec::new();
    while let Some(c) = rest.next() {
        let opens_choice = rest.peek() == Some(&'(');
        match c {
            '!' if opens_choice => return Err(invalid(pattern, "spoutctl knows no !(…)")),
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
        return Err(InvalidGlob::Unfinished);
    }
    text.push('$');
    Ok(text)
}

/// A class, after its opening bracket.
fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, InvalidGlob> {
    let mut text = String::from("[");
    if rest.next_if(|c| matches!(c, '!' | '^')).is_some() {
        text.push('^');
    }
    let mut is_empty = true;
    loop {
        let c = rest.next().ok_or(InvalidGlob::Unfinished)?;
        match c {
            ']' if !is_empty => break,
            '-' if !is_empty && rest.peek() != Some(&']') => text.push('-'),
            '\\' => {
                let escaped = rest.next().ok_or(InvalidGlob::Unfinished)?;
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
    fn a_pattern_covers_what_is_in_the_directories_that_it_means() {
        let covers = |pattern: &str, path: &str| Glob::new(pattern).unwrap().covers(path);
        for (pattern, path) in [
            ("/", "/a"),
            ("/d", "/d/e/f"),
            ("/*/e", "/d/e/f"),
            ("/d/*", "/d/e"),
            ("/a", "/a"),
        ] {
            assert!(covers(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [("/d", "/de"), ("/*/e", "/d/f/e"), ("/d/e", "/d")] {
            assert!(!covers(pattern, path), "{pattern} {path}");
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

    #[test]
    fn a_refusal_is_one_line_that_can_be_shown() {
        for (pattern, words) in [
            ("/a\u{4}}", "glob /a\\u{4}} is invalid: nothing is open"),
            (
                "/[b-a]",
                "glob /[b-a] is invalid: invalid character class range, the start must be <= the end",
            ),
        ] {
            assert_eq!(Glob::new(pattern).unwrap_err().to_string(), words);
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
