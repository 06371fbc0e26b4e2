//! What pachd knows us by.

use std::fmt;

/// A token that no header can carry. It does not show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token cannot be used: {0}")]
pub struct InvalidToken(&'static str);

impl InvalidToken {
    pub(crate) const NO_HEADER: Self = Self("no header can carry it");
}

/// What pachd knows us by. It shows itself to nobody but pachd.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// # Errors
    /// When it is empty or holds what no header may: a control character (the newline of a file, say), a space at an
    /// end, anything that is not ASCII. The error does not show it.
    pub fn new(text: &str) -> Result<Self, InvalidToken> {
        let bad = |why| Err(InvalidToken(why));
        if text.is_empty() {
            return bad("it is empty");
        }
        if text.trim() != text {
            return bad("it starts or ends with a space or a newline");
        }
        if !text.bytes().all(|b| matches!(b, b' '..=b'~')) {
            return bad("it has a character that is not printable ASCII");
        }
        Ok(Self(text.to_owned()))
    }

    /// The secret itself: for a header, or for the file of pachctl that keeps it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_no_header_can_carry_is_refused_and_none_is_ever_shown() {
        for text in ["", "hunter2\n", "hunt\u{7}er2", "hünter2", " hunter2"] {
            let error = Token::new(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("er2"), "{error:?}");
        }
        assert_eq!(format!("{:?}", Token::new("hunter2").unwrap()), "Token(…)");
    }
}
