//! librdkafka's own settings: `NAME=VALUE` lines, as Java's clients have them in their files, too. `${NAME}` in a
//! value is a variable of the environment, so that no secret has to stand in the file.

use std::fmt;

use crate::features::HAS_TLS;

/// Settings by librdkafka's names. Values may be secret, so nothing shows them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties(Vec<(String, String)>);

/// Why a file holds no settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {why}")]
pub struct InvalidProperties {
    pub line: usize,
    pub why: String,
}

/// What we decide, and why nobody else does.
const OURS: [(&str, &str); 7] = [
    ("bootstrap.servers", "the brokers stand in the address"),
    ("metadata.broker.list", "the brokers stand in the address"),
    (
        "enable.auto.commit",
        "offsets are told to a group after the acknowledgement only",
    ),
    (
        "enable.auto.offset.store",
        "offsets are told to a group after the acknowledgement only",
    ),
    (
        "auto.offset.reset",
        "no position is left out unsaid; see --start and --on-gap",
    ),
    ("isolation.level", "only what is committed is read"),
    ("plugin.library.paths", "no code is loaded"),
];

impl Properties {
    /// Reads them; `variable` answers what a variable holds.
    ///
    /// # Errors
    /// The first line that says nothing, or names what is not there or is not to be set.
    pub fn parse(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, InvalidProperties> {
        let mut properties = Self::default();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', '!']) {
                continue;
            }
            let wrong = |why: String| InvalidProperties { line: at + 1, why };
            // The line may hold a secret, and is not shown.
            let (name, value) = line
                .split_once('=')
                .ok_or_else(|| wrong("is not NAME=VALUE".to_owned()))?;
            let name = name.trim_end();
            let is_name = !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            if !is_name {
                return Err(wrong("does not begin with the name of a setting".to_owned()));
            }
            if let Some((_, why)) = OURS.iter().find(|(ours, _)| *ours == name) {
                return Err(wrong(format!("sets {name}, which is not to be set: {why}")));
            }
            if properties.get(name).is_some() {
                return Err(wrong(format!("sets {name} a second time")));
            }
            let value = filled(value.trim_start(), variable).map_err(|why| wrong(format!("sets {name}: {why}")))?;
            properties.0.push((name.to_owned(), value));
        }
        Ok(properties)
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether they ask for TLS, or for SASL.
    pub fn is_secured(&self) -> bool {
        let protocol = self.get("security.protocol").unwrap_or("plaintext");
        !protocol.eq_ignore_ascii_case("plaintext")
    }

    /// The mechanism of SASL that they ask for, if they ask for one.
    pub fn mechanism(&self) -> Option<&str> {
        let protocol = self.get("security.protocol").unwrap_or_default();
        let is_asked_for = protocol.to_ascii_uppercase().starts_with("SASL");
        let named = self.get("sasl.mechanism").or_else(|| self.get("sasl.mechanisms"));
        // librdkafka's own, where none is named.
        is_asked_for.then(|| named.unwrap_or("GSSAPI"))
    }

    /// Whom TLS believes unless they say it: `file`, or the certificates of the system, wherever it has them. An
    /// OpenSSL that was built with the client looks for them in a place of its own.
    pub fn trust_unless_said(&mut self, file: Option<String>) {
        let says = ["ssl.ca.location", "ssl.ca.pem"];
        if HAS_TLS && self.is_secured() && says.iter().all(|name| self.get(name).is_none()) {
            let place = file.unwrap_or_else(|| "probe".to_owned());
            self.0.push(("ssl.ca.location".to_owned(), place));
        }
    }
}

/// The names alone.
impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

fn filled(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut value = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        value.push_str(before);
        let (name, behind) = after.split_once('}').ok_or("`${` has no closing brace")?;
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name {
            return Err("what stands between `${` and `}` is no variable's name".to_owned());
        }
        value.push_str(&variable(name).ok_or_else(|| format!("the variable {name} is not set"))?);
        rest = behind;
    }
    value.push_str(rest);
    if value.contains('\0') {
        return Err("no value holds a NUL".to_owned());
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn variable(name: &str) -> Option<String> {
        (name == "PASSWORD").then(|| "hunter2=$x".to_owned())
    }

    #[test]
    fn variables_are_filled_in_once_and_nothing_shows_a_value() {
        let text = "# a comment\n\nsecurity.protocol = SASL_SSL\r\nsasl.password=a${PASSWORD}z\nclient.id=cost: 5$\n";
        let properties = Properties::parse(text, &variable).unwrap();
        assert_eq!(properties.get("security.protocol"), Some("SASL_SSL"));
        assert_eq!(properties.get("sasl.password"), Some("ahunter2=$xz"));
        assert_eq!(properties.get("client.id"), Some("cost: 5$"));
        assert!(properties.is_secured());
        assert_eq!(
            format!("{properties:?}"),
            r#"["security.protocol", "sasl.password", "client.id"]"#
        );
    }

    #[test]
    fn a_line_that_cannot_be_meant_is_refused_and_not_shown() {
        for (text, line, why) in [
            ("a=1\nhunter2", 2, "NAME=VALUE"),
            ("sasl.password=${OTHER}", 1, "OTHER is not set"),
            ("sasl.password=hunter2${", 1, "closing brace"),
            ("sasl.password=hunter2${}", 1, "no variable's name"),
            ("auto.offset.reset=latest", 1, "--on-gap"),
            ("enable.auto.commit=true", 1, "after the acknowledgement"),
            ("a=1\na=2", 2, "second time"),
            ("=hunter2", 1, "name of a setting"),
        ] {
            let error = Properties::parse(text, &variable).unwrap_err();
            assert_eq!(error.line, line, "{text}");
            assert!(error.why.contains(why) && !error.why.contains("hunter2"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_settings_or_is_not_and_never_a_panic(text in "[a-z=${}#\n .]{0,60}") {
            let _ = Properties::parse(&text, &variable);
        }
    }
}
