//! From the bytes of a name in an archive to a path in a repo, and back.

use std::fmt::Write as _;

use spoutctl_core::pfs::{FilePath, is_allowed_in_path};

/// Why a name in an archive is no path in a repo.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    #[error("the path is empty")]
    Empty,
    #[error("the path is the root, which is a directory")]
    Root,
    #[error("the path has a `..` element, which pachd refuses")]
    Parent,
    /// The character or the byte, fit to be shown.
    #[error("the path has the {0}, which pachd refuses")]
    Refused(String),
    #[error("the path leads out of the archive")]
    Outside,
    /// Bytes.
    #[error("the path has {0} bytes; at most 4,096 are taken, as a pod could not open a longer one")]
    TooLong(usize),
}

/// The longest path in bytes: Linux opens no longer one (`PATH_MAX`), so that no pipeline could read it. It bounds the
/// depth of a tree, too.
pub const MAX_PATH: usize = 4_096;

impl PathFault {
    /// Whether escaping makes a path of it.
    pub(super) fn is_mended_by_escaping(&self) -> bool {
        matches!(self, Self::Parent | Self::Refused(_))
    }
}

/// How names become paths.
#[derive(Debug)]
pub(super) struct PathRules {
    /// The prefix; empty for the root.
    base: String,
    escape: bool,
}

impl PathRules {
    pub(super) fn new(prefix: &FilePath, escape: bool) -> Self {
        Self {
            base: if prefix.is_root() {
                String::new()
            } else {
                prefix.as_str().to_owned()
            },
            escape,
        }
    }

    /// The directory that stands for the archive's root; empty when it is the repo's.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Puts the path that `name` stands for at the end of `arena`, which stays as it is when there is none. A name of
    /// the archive's root gives [`PathRules::base`].
    pub(super) fn push(&self, name: &[u8], arena: &mut String) -> Result<(), PathFault> {
        if name.is_empty() {
            return Err(PathFault::Empty);
        }
        let start = arena.len();
        arena.push_str(&self.base);
        let outcome = elements(name).try_for_each(|element| self.push_element(element, arena));
        outcome.inspect_err(|_| arena.truncate(start))
    }

    /// Puts the target of a symbolic link at the end of `arena`, as it is to be walked: its elements, `..` among them,
    /// behind a `/` if it is absolute.
    pub(super) fn push_target(&self, target: &[u8], arena: &mut String) -> Result<(), PathFault> {
        if target.is_empty() {
            return Err(PathFault::Empty);
        }
        let start = arena.len();
        let outcome = elements(target).try_for_each(|element| {
            if element == b".." {
                arena.push_str("/..");
                return Ok(());
            }
            self.push_element(element, arena)
        });
        let outcome = outcome.and_then(|()| match arena.len() - start {
            length if length > MAX_PATH => Err(PathFault::TooLong(length)),
            _ => Ok(()),
        });
        outcome.inspect_err(|_| arena.truncate(start))?;
        if target.starts_with(b"/") {
            if arena.len() == start {
                arena.push('/');
            }
        } else if arena.len() > start {
            arena.remove(start);
        }
        Ok(())
    }

    fn push_element(&self, element: &[u8], arena: &mut String) -> Result<(), PathFault> {
        arena.push('/');
        if self.escape {
            escape_element(element, arena);
            return Ok(());
        }
        if element == b".." {
            return Err(PathFault::Parent);
        }
        if let Some(at) = element.iter().position(|byte| !is_allowed(*byte)) {
            return Err(PathFault::Refused(shown(&element[at..])));
        }
        // Every byte is ASCII here.
        arena.extend(element.iter().map(|byte| char::from(*byte)));
        Ok(())
    }
}

fn elements(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    name.split(|byte| *byte == b'/')
        .filter(|element| !element.is_empty() && *element != b".")
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii() && is_allowed_in_path(char::from(byte))
}

/// The first character of `bytes`, or its first byte when that starts none.
fn shown(bytes: &[u8]) -> String {
    let character = bytes
        .utf8_chunks()
        .next()
        .and_then(|chunk| chunk.valid().chars().next());
    match (character, bytes.first()) {
        (Some(character), _) if !character.is_control() => format!("character `{character}`"),
        (_, Some(byte)) => format!("byte 0x{byte:02x}"),
        (_, None) => String::new(),
    }
}

fn escape_element(element: &[u8], out: &mut String) {
    if element == b".." {
        out.push_str("%2E%2E");
        return;
    }
    for byte in element {
        if is_allowed(*byte) && *byte != b'%' {
            out.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// The path in a repo for a name of any bytes: absolute, normalised, every byte that pachd refuses (and `%`) as `%XX`,
/// a `..` element as `%2E%2E`. `None` for a name of nothing but `/` and `.`.
#[must_use]
pub fn escape_path(name: &[u8]) -> Option<String> {
    let mut out = String::with_capacity(name.len() + 1);
    for element in elements(name) {
        out.push('/');
        escape_element(element, &mut out);
    }
    (!out.is_empty()).then_some(out)
}

/// The bytes that `path` was escaped from; `None` when it holds a `%` that escaping did not put there.
///
/// The result may hold `..` elements and any byte but NUL: what is made of it must be checked again.
#[must_use]
pub fn unescape_path(path: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(path.len());
    for (index, element) in path.as_bytes().split(|byte| *byte == b'/').enumerate() {
        if index > 0 {
            bytes.push(b'/');
        }
        unescape_element(element, &mut bytes)?;
    }
    Some(bytes)
}

/// Takes back what [`escape_element`] does and nothing more, so that no two paths stand for one name.
fn unescape_element(element: &[u8], bytes: &mut Vec<u8>) -> Option<()> {
    if element == b"%2E%2E" {
        bytes.extend_from_slice(b"..");
        return Some(());
    }
    let mut rest = element;
    while let Some((byte, behind)) = rest.split_first() {
        if *byte != b'%' {
            bytes.push(*byte);
            rest = behind;
            continue;
        }
        let (digits, behind) = behind.split_at_checked(2)?;
        let byte = upper_hex(digits[0])? << 4 | upper_hex(digits[1])?;
        // A slash is allowed in a path, and no name has a NUL.
        if byte == 0 || (is_allowed(byte) && byte != b'%') {
            return None;
        }
        bytes.push(byte);
        rest = behind;
    }
    Some(())
}

fn upper_hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(prefix: &str, escape: bool) -> PathRules {
        PathRules::new(&FilePath::new(prefix).unwrap(), escape)
    }

    fn push(rules: &PathRules, name: &[u8]) -> Result<String, PathFault> {
        let mut arena = "before".to_owned();
        let outcome = rules.push(name, &mut arena);
        let path = arena.strip_prefix("before").unwrap().to_owned();
        assert!(outcome.is_ok() || path.is_empty());
        outcome.map(|()| path)
    }

    #[test]
    fn names_are_normalised_and_put_under_the_prefix() {
        for (name, path) in [
            ("a", "/a"),
            ("./a", "/a"),
            ("/a", "/a"),
            ("a//b", "/a/b"),
            ("a/./b", "/a/b"),
            ("a/b/", "/a/b"),
            ("a b~", "/a b~"),
            ("a%41", "/a%41"),
            ("...", "/..."),
        ] {
            assert_eq!(push(&rules("/", false), name.as_bytes()).as_deref(), Ok(path));
            assert_eq!(push(&rules("/p/q", false), name.as_bytes()), Ok(format!("/p/q{path}")));
        }
        for root in [".", "./", "/", "//.//"] {
            assert_eq!(push(&rules("/", false), root.as_bytes()).as_deref(), Ok(""));
        }
    }

    #[test]
    fn names_that_pachd_refuses_are_refused_by_the_character_or_byte() {
        let plain = rules("/", false);
        assert_eq!(push(&plain, b""), Err(PathFault::Empty));
        assert_eq!(push(&plain, b"a/../b"), Err(PathFault::Parent));
        for (name, shown) in [
            (&b"a*b"[..], "character `*`"),
            ("a/é".as_bytes(), "character `é`"),
            (b"a\xffb", "byte 0xff"),
            (b"a\nb", "byte 0x0a"),
            (b"a\x7f", "byte 0x7f"),
        ] {
            assert_eq!(push(&plain, name), Err(PathFault::Refused(shown.to_owned())));
        }
    }

    #[test]
    fn escaping_takes_any_name() {
        let escaping = rules("/p", true);
        for (name, path) in [
            (&b"a*b"[..], "/p/a%2Ab"),
            ("é".as_bytes(), "/p/%C3%A9"),
            (b"100%", "/p/100%25"),
            (b"../x", "/p/%2E%2E/x"),
            (b"a\n\xff", "/p/a%0A%FF"),
            (b"..a", "/p/..a"),
        ] {
            assert_eq!(push(&escaping, name).as_deref(), Ok(path));
        }
    }

    #[test]
    fn only_what_escaping_wrote_is_unescaped() {
        for path in ["/a%", "/a%4", "/a%zz", "/a%2a", "/a%00", "/a%2F", "/%+1"] {
            assert_eq!(unescape_path(path), None, "{path}");
        }
        assert_eq!(unescape_path("/a%2Ab").as_deref(), Some(&b"/a*b"[..]));
    }

    #[test]
    fn no_two_paths_are_unescaped_to_one_name() {
        for path in ["/a%41", "/%2E", "/a%2E%2E", "/%2E%2Ea", "/%2E%2E%2E", "/a%20b"] {
            assert_eq!(unescape_path(path), None, "{path}");
        }
        assert_eq!(unescape_path("a/%2E%2E/100%25").as_deref(), Some(&b"a/../100%"[..]));
    }

    #[test]
    fn the_target_of_a_symbolic_link_is_kept_as_it_is_to_be_walked() {
        let rules = rules("/p", false);
        let target = |target: &str| {
            let mut arena = "x".to_owned();
            let outcome = rules.push_target(target.as_bytes(), &mut arena);
            outcome.map(|()| arena[1..].to_owned())
        };
        for (written, kept) in [
            ("b", "b"),
            ("../b", "../b"),
            ("/b/./c/", "/b/c"),
            ("./c//../d", "c/../d"),
            (".", ""),
            ("/", "/"),
            ("..data/key", "..data/key"),
        ] {
            assert_eq!(target(written).as_deref(), Ok(kept));
        }
        assert_eq!(target(""), Err(PathFault::Empty));
        assert!(matches!(target("a*"), Err(PathFault::Refused(_))));
        assert!(matches!(target(&"a/".repeat(2_100)), Err(PathFault::TooLong(_))));
    }

    proptest! {
        #[test]
        fn escaping_and_unescaping_gives_the_normalised_name_back(name in proptest::collection::vec(1_u8.., 1..60)) {
            let normal: Vec<u8> = elements(&name).flat_map(|element| [b"/", element].concat()).collect();
            match escape_path(&name) {
                Some(path) => {
                    prop_assert_eq!(FilePath::new(&path).unwrap().to_string(), path.clone());
                    prop_assert_eq!(unescape_path(&path), Some(normal));
                }
                None => prop_assert!(normal.is_empty()),
            }
        }
    }
}
