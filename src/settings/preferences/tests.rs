use std::collections::BTreeMap;
use std::ffi::OsString;

use tempfile::TempDir;

use super::*;
use crate::settings::preferable::VERBS;

/// A home, and a project below it.
struct Place {
    home: TempDir,
    variables: BTreeMap<&'static str, String>,
}

impl Place {
    fn new(project: &str, user: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(home.path().join("project/below")).unwrap();
        std::fs::create_dir_all(home.path().join(".config/spoutctl")).unwrap();
        std::fs::write(home.path().join("project/spoutctl.toml"), project).unwrap();
        std::fs::write(home.path().join(".config/spoutctl/config.toml"), user).unwrap();
        let variables = BTreeMap::from([("HOME", home.path().to_str().unwrap().to_owned())]);
        Self { home, variables }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.insert(name, value.to_owned());
        self
    }

    fn gather(&self, verb: &str) -> Result<Vec<Preference>, FileError> {
        let variable = |name: &str| self.variables.get(name).map(OsString::from);
        let around = Surroundings {
            variable: &variable,
            in_a_pod: Path::new("/nowhere"),
        };
        gather(verb, &around, Some(&self.home.path().join("project/below")))
    }

    /// The value of an option, and the last part of where it was said.
    #[track_caller]
    fn said(&self, verb: &str, name: &str) -> Option<(String, String)> {
        let gathered = self.gather(verb).unwrap();
        let mut said = gathered.iter().filter(|said| said.name == name);
        let first = said.next()?;
        assert_eq!(said.next(), None, "an option has one preference");
        let from = first.from.to_string();
        let from = from.rsplit('/').next().unwrap_or_default().to_owned();
        Some((first.value.to_str().unwrap().to_owned(), from))
    }

    #[track_caller]
    fn refused(&self, verb: &str) -> String {
        self.gather(verb).unwrap_err().to_string()
    }
}

fn pair(value: &str, from: &str) -> (String, String) {
    (value.to_owned(), from.to_owned())
}

#[test]
fn a_variable_comes_before_the_project_and_the_project_before_the_user() {
    let (project, user) = ("retry-for = \"2h\"\n", "retry-for = \"3h\"\n");
    let all = Place::new(project, user).with("SPOUTCTL_RETRY_FOR", "1h");
    assert_eq!(all.said("put", "retry-for"), Some(pair("1h", "SPOUTCTL_RETRY_FOR")));
    let empty = Place::new(project, user).with("SPOUTCTL_RETRY_FOR", "");
    assert_eq!(empty.said("put", "retry-for"), Some(pair("2h", "spoutctl.toml:1")));
    assert_eq!(
        Place::new("", user).said("put", "retry-for"),
        Some(pair("3h", "config.toml:1"))
    );
    assert_eq!(Place::new("", "").said("put", "retry-for"), None);
}

#[test]
fn the_table_of_a_verb_comes_before_what_is_said_for_all() {
    let place = Place::new(
        "retry-for = \"2h\"\n[put]\nretry-for = \"1h\"\n",
        "[tail]\ncolor = \"never\"\n",
    );
    assert_eq!(place.said("put", "retry-for"), Some(pair("1h", "spoutctl.toml:3")));
    assert_eq!(place.said("tail", "retry-for"), Some(pair("2h", "spoutctl.toml:1")));
    assert_eq!(place.said("tail", "color"), Some(pair("never", "config.toml:2")));
    assert_eq!(place.said("validate", "color"), None);
}

#[test]
fn a_path_is_relative_to_its_file() {
    let place = Place::new("", "tmp-dir = \"scratch\"\n");
    let expected = place.home.path().join(".config/spoutctl/scratch");
    assert_eq!(place.gather("put").unwrap()[0].value, expected.as_os_str());
}

#[test]
fn a_number_may_be_one() {
    let place = Place::new("spool-limit = 1_000_000\n", "");
    assert_eq!(
        place.said("put", "spool-limit"),
        Some(pair("1000000", "spoutctl.toml:1"))
    );
    let wrong = Place::new("spool-limit = true\n", "").refused("put");
    assert!(
        wrong.ends_with("spoutctl.toml:1:15: `spool-limit` is a text"),
        "{wrong}"
    );
}

#[test]
fn a_project_does_not_say_where_files_are_made_or_who_may_connect() {
    for text in [
        "tmp-dir = \"/\"",
        "[put]\nmetrics-listen = \"0.0.0.0:1\"",
        "listen = \"0.0.0.0:1\"",
    ] {
        let refused = Place::new(text, "").refused("put");
        assert!(
            refused.contains("cannot be set here: it is for each user to say"),
            "{refused}"
        );
    }
    for text in ["[put]\npachd = \"x\"", "[tail]\ntoken = \"x\""] {
        let refused = Place::new(text, "").refused("put");
        assert!(refused.contains("cannot be set here: whoever may write"), "{refused}");
    }
}

#[test]
fn what_nobody_knows_is_an_error_and_not_passed_over() {
    for (text, at) in [
        ("retry_for = \"1h\"", "1:1"),
        ("[put]\nlisten = \"x\"", "2:1"),
        ("[get]\n", "1:2"),
        ("put = 1", "1:1"),
        ("retry-for = ", "1:13"),
    ] {
        let refused = Place::new("", text).refused("put");
        assert!(refused.contains(&format!("config.toml:{at}: ")), "{text}: {refused}");
    }
}

#[test]
fn a_file_is_read_only_for_verbs_that_it_can_say_something_of() {
    let place = Place::new("broken", "");
    assert!(place.gather("put").is_err());
    // `validate` has --no-config for such a file, and `serve` takes nothing from a project.
    for verb in ["validate", "serve", "get", "config"] {
        assert_eq!(place.gather(verb).unwrap(), [], "{verb}");
    }
}

#[test]
fn a_verb_with_a_preference_has_a_table_in_files() {
    for known in PREFERABLE {
        for verb in known.verbs {
            assert!(VERBS.contains(verb), "{verb}");
        }
    }
}
