//! The token that pachd knows us by: from the environment, or in a pod from the file that pachd puts there.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use serde_json::Value;

/// Where pachd puts pachctl's configuration in a pod.
const IN_A_POD: &str = "/pachctl/config.json";

/// Why a file with a token in it cannot be used. It does not show what is in it.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("cannot read {}: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{} is not JSON: it goes wrong at line {line}, column {column}", path.display())]
    NotJson { path: PathBuf, line: usize, column: usize },
}

/// The token of `PACH_TOKEN`; in a pod else that of the active context in the file that `PACH_CONFIG` names, or pachd has
/// put there. Where auth is not activated there is none.
///
/// # Errors
/// When there is such a file and it cannot be read.
pub fn token(in_a_pod: bool) -> Result<Option<String>, TokenError> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    if let Some(token) = set("PACH_TOKEN") {
        return Ok(Some(token.to_string_lossy().into_owned()));
    }
    if !in_a_pod {
        return Ok(None);
    }
    match set("PACH_CONFIG") {
        Some(path) => token_in(Path::new(&path)),
        None => match token_in(Path::new(IN_A_POD)) {
            Err(TokenError::Unreadable { error, .. }) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            token => token,
        },
    }
}

fn token_in(path: &Path) -> Result<Option<String>, TokenError> {
    let text = fs::read(path).map_err(|error| TokenError::Unreadable {
        path: path.to_owned(),
        error,
    })?;
    let config: Value = serde_json::from_slice(&text).map_err(|error| TokenError::NotJson {
        path: path.to_owned(),
        line: error.line(),
        column: error.column(),
    })?;
    let contexts = &config["v2"];
    let active = contexts["active_context"].as_str().unwrap_or_default();
    let token = contexts["contexts"][active]["session_token"].as_str();
    // Files of the first version know one context alone.
    let token = token.or_else(|| config["v1"]["session_token"].as_str());
    Ok(token.filter(|token| !token.is_empty()).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token_of(text: &str) -> Result<Option<String>, TokenError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        token_in(file.path())
    }

    #[test]
    fn the_token_is_that_of_the_active_context() {
        let text = r#"{"v2": {"active_context": "b", "contexts": {
            "a": {"session_token": "one"}, "b": {"session_token": "two"}}}}"#;
        assert_eq!(token_of(text).unwrap().as_deref(), Some("two"));
        assert_eq!(
            token_of(r#"{"v2": {"active_context": "c", "contexts": {}}}"#).unwrap(),
            None
        );
        assert_eq!(
            token_of(r#"{"v1": {"session_token": "old"}}"#).unwrap().as_deref(),
            Some("old")
        );
    }

    #[test]
    fn a_broken_file_is_named_with_the_place_and_without_its_content() {
        let error = token_of("{\n  \"session_token\": \"hunter2\",,\n}").unwrap_err();
        assert!(error.to_string().contains("line 2, column 30"), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
