//! pachctl's configuration: the clusters that somebody works with, each a *context* with an address, who we are there
//! and whom to trust. It is read as pachctl reads it, files of the first version included, and written only to keep a
//! token.
//!
//! It holds secrets: nothing of a value is ever part of an error or of a debug print.

mod context;
mod document;
mod error;
mod fields;

use std::fmt;
use std::io;
use std::path::Path;

use serde_json::{Map, Value, json};

use error::Text;
use fields::{Fields, field, set};
use pachyderm_client::connection::token::Token;
use spoutctl_core::durable;
use spoutctl_core::named_file;
use spoutctl_lint::source::{Position, SourceFile};

pub use context::Context;
use context::Reading;
pub use error::ContextError;
pub(crate) use fields::camel;

/// Far more than hundreds of contexts with certificates of their own take.
const LONGEST: u64 = 4 << 20;

/// What the one context of a file of the first version is called, as pachctl calls it when it rewrites the file.
const OF_V1: &str = "default";

/// How a file was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    AsItWas,
    /// It was YAML, or had comments.
    AsJson,
}

/// The file.
pub struct Contexts {
    text: Text,
    root: Fields,
    is_json: bool,
}

impl fmt::Debug for Contexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contexts")
            .field("path", &self.text.path)
            .finish_non_exhaustive()
    }
}

impl Contexts {
    /// A file that is not there, or is empty, has no contexts.
    ///
    /// # Errors
    /// When it cannot be read, or is no object in JSON or YAML.
    pub fn read(path: &Path) -> Result<Self, ContextError> {
        let bytes = match named_file::read(path, LONGEST) {
            Ok(bytes) => bytes,
            Err(why) if why.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(why) => {
                return Err(ContextError::Unreadable {
                    path: path.to_owned(),
                    why,
                });
            }
        };
        Self::parse(path, bytes)
    }

    fn parse(path: &Path, bytes: Vec<u8>) -> Result<Self, ContextError> {
        let source = SourceFile::decode("config.json", bytes);
        match document::read(&source) {
            Ok(document::Document { root, is_json }) => Ok(Self {
                text: Text {
                    path: path.to_owned(),
                    source,
                },
                root,
                is_json,
            }),
            Err(document::Unread { at, what }) => Err(ContextError::Wrong {
                path: path.to_owned(),
                at,
                what,
                help: "mend it, or move it away and set it up anew with `pachctl config set context`".to_owned(),
            }),
        }
    }

    pub fn path(&self) -> &Path {
        &self.text.path
    }

    /// In the order of their names.
    pub fn names(&self) -> Vec<String> {
        match self.of_v2() {
            Some((_, contexts)) => contexts.keys().cloned().collect(),
            None if self.root.contains_key("v1") => vec![OF_V1.to_owned()],
            None => Vec::new(),
        }
    }

    /// The file's second version and its contexts. pachctl looks at a first one only where there is no second.
    fn of_v2(&self) -> Option<(&Fields, &Fields)> {
        static NONE: std::sync::LazyLock<Fields> = std::sync::LazyLock::new(Map::new);
        let v2 = self.root.get("v2")?.as_object()?;
        let contexts = v2.get("contexts").and_then(Value::as_object);
        Some((v2, contexts.unwrap_or(&NONE)))
    }

    /// The context of this name.
    ///
    /// # Errors
    /// When there is none, or what the file says of it cannot be used.
    pub fn named(&self, name: &str) -> Result<Context, ContextError> {
        let found = match self.of_v2() {
            Some((_, contexts)) => contexts
                .get(name)
                .map(|context| (vec!["v2", "contexts", name], context)),
            None if name == OF_V1 => self.root.get("v1").map(|context| (vec!["v1"], context)),
            None => None,
        };
        let Some((place, context)) = found else {
            return Err(ContextError::Unknown {
                name: name.to_owned(),
                path: self.text.path.clone(),
                names: self.names(),
            });
        };
        Reading {
            file: &self.text,
            place,
            fields: context.as_object(),
        }
        .context(name)
    }

    /// The context that is active, if one is.
    ///
    /// # Errors
    /// When the active one is not there, or cannot be used.
    pub fn active(&self) -> Result<Option<Context>, ContextError> {
        match self.active_name()? {
            Some(name) => self.named(&name).map(Some),
            None => Ok(None),
        }
    }

    fn active_name(&self) -> Result<Option<String>, ContextError> {
        let Some((v2, contexts)) = self.of_v2() else {
            return Ok(self.root.contains_key("v1").then(|| OF_V1.to_owned()));
        };
        let name = field(v2, "active_context").and_then(Value::as_str).unwrap_or_default();
        // A name may be empty; where no context has it, none is active.
        if name.is_empty() && !contexts.contains_key("") {
            return Ok(None);
        }
        // What pachctl makes where it finds nothing: a name without a context behind it, which says nothing.
        if !contexts.contains_key(name) && !contexts.is_empty() {
            let what = format!("the active context `{}` is not among the contexts", name.escape_debug());
            return Err(self.text.wrong(
                &["v2", "active_context"],
                what,
                "pachctl config set active-context NAME, or --context NAME",
            ));
        }
        Ok(contexts.contains_key(name).then(|| name.to_owned()))
    }

    /// Keeps `token` for a context, or forgets the one it has. Everything else stays: the file is read again, written
    /// beside itself and renamed, readable for its owner alone. A context that is not there is made, with this address.
    /// What was YAML, or had comments, is JSON without them then, as when pachctl writes it: the answer tells.
    ///
    /// # Errors
    /// When the file cannot be used or written.
    pub fn keep_token(
        path: &Path,
        name: &str,
        address: Option<&str>,
        token: Option<&Token>,
    ) -> Result<Kept, ContextError> {
        let mut file = Self::read(path)?;
        let kept = if file.is_json { Kept::AsItWas } else { Kept::AsJson };
        let context = file.context_mut(name)?;
        if let Some(token) = token {
            set(context, "session_token", json!(token.reveal()));
        } else {
            context.remove("session_token");
            context.remove("sessionToken");
        }
        if let Some(address) = address {
            set(context, "pachd_address", json!(address));
        }
        let written = write(path, &Value::Object(file.root));
        written.map(|()| kept).map_err(|why| ContextError::Unwritable {
            path: path.to_owned(),
            why,
        })
    }

    fn context_mut(&mut self, name: &str) -> Result<&mut Fields, ContextError> {
        let no_object = |place: &[&str], file: &Self| file.text.wrong(place, "this is no object", "mend the file");
        // A file of the first version stays one: pachctl takes the token from there, too.
        if self.of_v2().is_none() && name == OF_V1 && self.root.contains_key("v1") {
            let error = no_object(&["v1"], self);
            return self.root.get_mut("v1").and_then(Value::as_object_mut).ok_or(error);
        }
        let error = no_object(&["v2"], self);
        let v2 = self.root.entry("v2").or_insert_with(|| json!({"contexts": {}}));
        let v2 = v2.as_object_mut().ok_or(error)?;
        if field(v2, "active_context")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .is_empty()
        {
            v2.insert("active_context".to_owned(), json!(name));
        }
        let at = Position { line: 1, column: 1 };
        let broken = || ContextError::Wrong {
            path: self.text.path.clone(),
            at,
            what: format!("the contexts, or the context `{}`, are no objects", name.escape_debug()),
            help: "mend the file".to_owned(),
        };
        let contexts = v2.entry("contexts").or_insert_with(|| json!({}));
        let contexts = contexts.as_object_mut().ok_or_else(broken)?;
        let context = contexts.entry(name).or_insert_with(|| json!({}));
        context.as_object_mut().ok_or_else(broken)
    }
}

/// Written beside itself, synced and renamed: never half. A link is followed, so that it stays one.
fn write(path: &Path, content: &Value) -> io::Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let parent = durable::directory_of(&path);
    std::fs::create_dir_all(parent)?;
    let mut text = serde_json::to_vec_pretty(content)?;
    text.push(b'\n');
    // The library's own files are readable for their owner alone, from the first byte.
    let mut file = tempfile::Builder::new().prefix(".spoutctl-").tempfile_in(parent)?;
    io::Write::write_all(&mut file, &text)?;
    durable::persist(file, &path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::settings::Address;

    fn token(text: &str) -> Token {
        Token::new(text).unwrap()
    }

    fn kept(content: &str, name: &str, token: Option<&Token>) -> Value {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        Contexts::keep_token(&path, name, None, token).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            directory.path().read_dir().unwrap().count(),
            1,
            "nothing is left beside it"
        );
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap()
    }

    #[test]
    fn a_token_is_kept_and_everything_else_stays() {
        let content = r#"{"user_id": "u", "new": [1], "v2": {"active_context": "a", "metrics": true, "contexts": {
            "a": {"pachd_address": "grpc://a:1", "sessionToken": "old", "future": {"x": null}},
            "b": {"session_token": "b"}}}}"#;
        let now = kept(content, "a", Some(&token("fresh")));
        assert_eq!(
            now,
            json!({"user_id": "u", "new": [1], "v2": {"active_context": "a", "metrics": true, "contexts": {
                "a": {"pachd_address": "grpc://a:1", "session_token": "fresh", "future": {"x": null}},
                "b": {"session_token": "b"}}}})
        );
        let gone = kept(content, "b", None);
        assert_eq!(gone["v2"]["contexts"]["b"], json!({}));
        assert_eq!(gone["v2"]["contexts"]["a"]["sessionToken"], "old");
    }

    #[test]
    fn a_file_of_the_first_version_and_one_without_contexts_keep_a_token_too() {
        let v1 = kept(
            r#"{"v1": {"pachd_address": "h:1", "x": 1}}"#,
            "default",
            Some(&token("t")),
        );
        assert_eq!(
            v1,
            json!({"v1": {"pachd_address": "h:1", "x": 1, "session_token": "t"}})
        );
        let new = kept("", "prod", Some(&token("t")));
        assert_eq!(
            new,
            json!({"v2": {"active_context": "prod", "contexts": {"prod": {"session_token": "t"}}}})
        );
    }

    /// What pachctl 2.12 was seen to read.
    #[test]
    fn a_file_is_read_as_pachctl_reads_yaml() {
        let json = r#"{"v2":{"active_context":"a","contexts":{"a":{"pachd_address":"h:1","session_token":"t"}}}}"#;
        let comma = json.replace("}}}}", "},},}}");
        let yaml = "v2:\n  active_context: a\n  contexts:\n    a:\n      pachdAddress: h:1\n      session_token: t\n";
        for (text, is_json) in [
            (json.to_owned(), true),
            (format!("\u{feff}{json}"), true),
            (format!("# mine\n{json}\n"), false),
            (comma, false),
            (yaml.to_owned(), false),
            (format!("\u{feff}{yaml}"), false),
            (yaml.replace("active_context: a", "active_context: a # this one"), false),
        ] {
            let contexts = Contexts::parse(Path::new("c"), text.clone().into_bytes()).unwrap();
            assert_eq!(contexts.is_json, is_json, "{text}");
            let context = contexts.active().unwrap().unwrap();
            assert_eq!(context.address, Some(Address::Grpc("grpc://h:1".to_owned())), "{text}");
            assert_eq!(context.token, Some(token("t")));
        }
        for empty in ["", " \n", "{}", "\u{feff}"] {
            let contexts = Contexts::parse(Path::new("c"), empty.into()).unwrap();
            assert_eq!((contexts.names(), contexts.active().unwrap()), (vec![], None));
        }
    }

    #[test]
    fn a_context_may_have_an_empty_name() {
        let text = r#"{"v2":{"active_context":"","contexts":{"":{"pachd_address":"h:1"},"b":{}}}}"#;
        let contexts = Contexts::parse(Path::new("c"), text.into()).unwrap();
        assert_eq!(contexts.active().unwrap().unwrap().name, "");
        let text = r#"{"v2":{"active_context":"","contexts":{"b":{}}}}"#;
        assert_eq!(
            Contexts::parse(Path::new("c"), text.into()).unwrap().active().unwrap(),
            None
        );
    }

    #[test]
    fn what_is_neither_json_nor_yaml_is_refused_where_it_breaks_without_its_secrets() {
        for text in [
            "{\"v2\": {\"session_token\": \"hunter2\"",
            "hunter2",
            "[\"hunter2\"]",
            "v2: {hunter2",
            "v2:\n  a: hunter2\n  a: hunter2\n",
            "v2: 1\n---\nv2: hunter2\n",
        ] {
            let error = Contexts::parse(Path::new("c"), text.into()).unwrap_err().to_string();
            assert!(error.starts_with("c:1:") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn keeping_a_token_in_yaml_tells_that_it_is_json_now() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        std::fs::write(&path, "# mine\nv2:\n  contexts:\n    a: {pachd_address: h:1}\n").unwrap();
        let keep = || Contexts::keep_token(&path, "a", None, Some(&token("t"))).unwrap();
        assert_eq!((keep(), keep()), (Kept::AsJson, Kept::AsItWas));
        let now: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(
            now["v2"]["contexts"]["a"],
            json!({"pachd_address": "h:1", "session_token": "t"})
        );
    }

    #[test]
    fn a_broken_file_is_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        for content in ["{\"v2\": ", "{\"v2\": {\"contexts\": {\"a\": 7}}}", "{\"v2\": 7}"] {
            std::fs::write(&path, content).unwrap();
            let error = Contexts::keep_token(&path, "a", None, Some(&token("t"))).unwrap_err();
            assert!(error.to_string().contains("config.json:1:"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
        }
    }
}
