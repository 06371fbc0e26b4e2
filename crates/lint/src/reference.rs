//! The names of images, as <https://github.com/distribution/reference> has them.
//!
//! By hand, for a regular expression of this size takes longer to be made than most specs take to be judged.

/// Whether it names an image: a domain and a port if it likes, parts of a path in lower case, a tag, a digest.
pub(super) fn is_reference(text: &str) -> bool {
    let (name, digest) = cut(text, '@');
    let (before, last) = match name.rsplit_once('/') {
        Some((before, last)) => (Some(before), last),
        None => (None, name),
    };
    let (last, tag) = cut(last, ':');
    let mut parts = before.into_iter().flat_map(|before| before.split('/'));
    parts.next().is_none_or(|first| is_part(first) || is_domain(first))
        && parts.all(is_part)
        && is_part(last)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest)
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn is_part(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_between = |run: &str| matches!(run, "." | "_" | "__") || run.bytes().all(|byte| byte == b'-');
    text.starts_with(is_plain) && text.ends_with(is_plain) && text.split(is_plain).all(is_between)
}

fn is_domain(text: &str) -> bool {
    let host = match text.rsplit_once(':') {
        Some((host, port)) if is_all(port, |byte| byte.is_ascii_digit()) => host,
        _ => text,
    };
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return is_all(address, |byte| byte.is_ascii_hexdigit() || byte == b':');
    }
    let is_label = |label: &str| is_all(label, |byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let (first, others) = cut(host, '.');
    let (head, tail) = cut(first, '-');
    is_all(head, |byte| byte.is_ascii_alphanumeric())
        && tail.is_none_or(is_label)
        && others.is_none_or(|others| others.split('.').all(is_label))
}

fn is_tag(text: &str) -> bool {
    text.len() <= 128
        && !text.starts_with(['.', '-'])
        && is_all(text, |byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn is_digest(text: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic()) && is_all(word, |byte| byte.is_ascii_alphanumeric())
    };
    text.split_once(':').is_some_and(|(algorithm, digits)| {
        algorithm.split(['+', '.', '_', '-']).all(is_word)
            && digits.len() >= 32
            && is_all(digits, |byte| byte.is_ascii_hexdigit())
    })
}

/// Whether there is something, and all of it is such.
fn is_all(text: &str, is_such: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(is_such)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use regex::Regex;

    use super::is_reference;

    /// The grammar of the reference, put together as its own code does.
    static GRAMMAR: LazyLock<Regex> = LazyLock::new(|| {
        const DOMAIN: &str = r"(?:[A-Za-z0-9]+(?:[.-][A-Za-z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?/";
        const PART: &str = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*";
        const TAG: &str = r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?";
        const DIGEST: &str = r"(?:@[A-Za-z][A-Za-z0-9]*(?:[+._-][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?";
        Regex::new(&format!("^(?:{DOMAIN})?{PART}(?:/{PART})*{TAG}{DIGEST}$")).unwrap()
    });

    /// Names, and what is nearly one: a domain, parts, a tag, a digest and an end of line.
    const NEARLY: &str = concat!(
        r"(?:[aA1.:_-]{0,5}/|\[[a:.]{0,4}\](?::[0-9é]{0,3})?/)?",
        r"[a1A._-]{0,6}(?:/[a1_.-]{0,5}){0,2}",
        r"(?::[aA._-]{0,4}|:a[b.]{125,130})?",
        r"(?:@[aZ0+._-]{0,4}:[0-9a-fA-Fg]{30,34})?\n?",
    );

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn names_are_those_of_the_grammar(
            text in NEARLY,
        ) {
            prop_assert_eq!(is_reference(&text), GRAMMAR.is_match(&text));
        }

        #[test]
        fn any_text_is_judged_by_the_grammar(text in "[aZ0/:@._\\[\\]+é-]{0,12}") {
            prop_assert_eq!(is_reference(&text), GRAMMAR.is_match(&text));
        }
    }

    #[test]
    fn names_that_people_write() {
        for name in [
            "python:3.13",
            "localhost:5000/a",
            "[::1]:5000/a/b__c:1",
            "Example.com/a--b/c@sha256:0123456789abcdef0123456789abcdef",
        ] {
            assert!(is_reference(name), "{name}");
        }
        for name in [
            "",
            "Python",
            "https://a/b",
            "a:",
            "a:1:2",
            "a//b",
            "a/b@sha256:1",
            "a ",
            "a\n",
        ] {
            assert!(!is_reference(name), "{name}");
        }
    }
}
