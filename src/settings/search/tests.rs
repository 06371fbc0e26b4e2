use std::collections::BTreeMap;
use std::ffi::OsString;

use tempfile::TempDir;

use super::*;

const FILE: &str = r#"{
  "user_id": "u",
  "v2": {
    "active_context": "prod",
    "contexts": {
      "prod": {"pachd_address": "grpcs://prod:443", "session_token": "token-of-prod", "project": "team",
               "cluster_deployment_id": "d-1"},
      "test": {"pachd_address": "test:1650", "session_token": "token-of-test"},
      "forwarded": {"port_forwarders": {"pachd": 30655}},
      "nowhere": {"source": 3}
    }
  }
}"#;

/// A home with pachctl's configuration, and an environment.
struct Around {
    directory: TempDir,
    variables: BTreeMap<&'static str, String>,
}

impl Around {
    fn new(config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join(".pachyderm")).unwrap();
        std::fs::write(directory.path().join(".pachyderm/config.json"), config).unwrap();
        let home = directory.path().to_str().unwrap().to_owned();
        Self {
            directory,
            variables: BTreeMap::from([("HOME", home)]),
        }
    }

    fn with(mut self, variables: &[(&'static str, &str)]) -> Self {
        let own = variables.iter().map(|(name, value)| (*name, (*value).to_owned()));
        self.variables.extend(own);
        self
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn find(&self, asked: &ServerFlags<'_>) -> Result<Server, SearchError> {
        let variable = |name: &str| self.variables.get(name).map(OsString::from);
        let in_a_pod = self.directory.path().join("pod.json");
        let around = Surroundings {
            variable: &variable,
            in_a_pod: &in_a_pod,
        };
        Server::find(asked, &around)
    }
}

const NOTHING: ServerFlags<'_> = ServerFlags {
    pachd: None,
    context: None,
    token_file: None,
    cacert: None,
    insecure: false,
};

const fn pachd(address: &str) -> ServerFlags<'_> {
    ServerFlags {
        pachd: Some(address),
        ..NOTHING
    }
}

const fn context(name: &str) -> ServerFlags<'_> {
    ServerFlags {
        context: Some(name),
        ..NOTHING
    }
}

/// The address, the token and the project, each as it was found.
fn found(server: &Server) -> (String, &str, &str) {
    let token = server.token.as_ref().map_or("-", |(token, _)| token.reveal());
    let project = server.project().map_or("-", ProjectName::as_str);
    (server.address.to_string(), token, project)
}

type Variables = &'static [(&'static str, &'static str)];

/// Its name, what is asked, the environment, and address, token and project that are found.
type Case = (
    &'static str,
    ServerFlags<'static>,
    &'static [Variables],
    (&'static str, &'static str, &'static str),
);

const POD: Variables = &[
    ("PACH_IN_WORKER", "true"),
    ("PEER_PORT", "1653"),
    ("PPS_PIPELINE_NAME", "spout"),
];
const VARIABLE: Variables = &[("PACHD_ADDRESS", "variable:2")];
const OWN: Variables = &[("PACH_TOKEN", "own")];
const OTHER: Variables = &[("PACH_CONTEXT", "test")];

#[test]
fn each_source_of_an_address_comes_before_the_next_and_brings_its_own_token() {
    let flag = pachd("grpc://flag:1");
    let test = context("test");
    let both = ServerFlags {
        context: Some("prod"),
        ..flag
    };
    let cases: &[Case] = &[
        ("the flag", flag, &[POD, VARIABLE, OTHER], ("grpc://flag:1", "-", "-")),
        ("the flag and a token", flag, &[OWN], ("grpc://flag:1", "own", "-")),
        (
            "the flag, as a context",
            both,
            &[VARIABLE],
            ("grpc://flag:1", "token-of-prod", "team"),
        ),
        (
            "a named context",
            test,
            &[POD, VARIABLE],
            ("grpc://test:1650", "token-of-test", "-"),
        ),
        (
            "the pod",
            NOTHING,
            &[POD, VARIABLE],
            ("grpc://127.0.0.1:1653", "token-of-prod", "-"),
        ),
        ("the variable", NOTHING, &[VARIABLE], ("grpc://variable:2", "-", "-")),
        (
            "PACH_CONTEXT",
            NOTHING,
            &[OTHER],
            ("grpc://test:1650", "token-of-test", "-"),
        ),
        ("PACH_TOKEN", NOTHING, &[OTHER, OWN], ("grpc://test:1650", "own", "-")),
        (
            "the active context",
            NOTHING,
            &[],
            ("grpcs://prod:443", "token-of-prod", "team"),
        ),
    ];
    for (name, asked, variables, expected) in cases {
        let around = Around::new(FILE).with(&variables.concat());
        let server = around.find(asked).unwrap();
        assert_eq!(
            found(&server),
            (expected.0.to_owned(), expected.1, expected.2),
            "{name}"
        );
        assert_eq!(server.warnings, [""; 0], "{name}");
    }
}

#[test]
fn a_context_counts_for_its_own_address_whoever_names_it_and_for_no_other() {
    for (address, token) in [
        ("grpcs://prod:443", "token-of-prod"),
        ("https://PROD", "token-of-prod"),
        ("grpc://prod:443", "-"),
        ("grpcs://prod:444", "-"),
        ("grpcs://prod.evil:443", "-"),
        ("local:/prod", "-"),
    ] {
        let server = Around::new(FILE).with(&[("PACHD_ADDRESS", address)]);
        let server = server.find(&NOTHING).unwrap();
        assert_eq!(found(&server).1, token, "{address}");
        assert_eq!(server.deployment().is_some(), token != "-", "{address}");
        let is_remote = address != "local:/prod";
        assert_eq!(server.passed_over.is_some(), is_remote && token == "-", "{address}");
    }
}

#[test]
fn the_configuration_is_looked_for_where_pachctl_does() {
    let around = Around::new(FILE);
    let test = r#"{"v2": {"active_context": "x", "contexts": {"x": {"pachdAddress": "https://x:1"}}}}"#;
    let v1 = r#"{"user_id": "u", "v1": {"pachd_address": "old:30650", "session_token": "token-of-v1"}}"#;
    let address = |around: &Around| around.find(&NOTHING).unwrap().address.to_string();
    assert_eq!(address(&around), "grpcs://prod:443");
    around.file("pod.json", v1);
    assert_eq!(address(&around), "grpc://old:30650");
    let named = around.file("named.json", test);
    let around = around.with(&[("PACH_CONFIG", named.to_str().unwrap())]);
    assert_eq!(address(&around), "grpcs://x:1");
}

#[test]
fn files_of_the_first_version_are_one_context() {
    let v1 = r#"{"v1": {"pachd_address": "old:30650", "session_token": "token-of-v1"}}"#;
    let server = Around::new(v1).find(&NOTHING).unwrap();
    assert_eq!(found(&server), ("grpc://old:30650".to_owned(), "token-of-v1", "-"));
    assert_eq!(server.context.unwrap().name, "default");
}

#[test]
fn a_port_forward_of_pachctl_is_used_while_it_is_noted() {
    let around = Around::new(FILE);
    assert_eq!(
        around.find(&context("forwarded")).unwrap().address.to_string(),
        "grpc://localhost:30655"
    );
    let error = around.find(&context("nowhere")).unwrap_err();
    assert!(error.to_string().starts_with("context `nowhere` in "), "{error}");
    assert!(error.help().unwrap().contains("pachctl port-forward"));
}

#[test]
fn nothing_that_names_a_pachd_is_told_with_what_was_looked_at() {
    for (config, detail) in [("", "has no active context"), ("{}", "has no active context")] {
        let error = Around::new(config).find(&NOTHING).unwrap_err();
        assert_eq!(error.to_string(), "no pachd is named");
        assert!(error.details()[0].ends_with(detail), "{error:?}");
        assert!(error.help().unwrap().contains("--pachd"));
    }
    // What pachctl writes where it finds nothing.
    let made = r#"{"user_id": "u", "v2": {"active_context": "default", "contexts": {}, "metrics": true}}"#;
    let error = Around::new(made).find(&NOTHING).unwrap_err();
    assert_eq!(error.to_string(), "no pachd is named");
    let nothing = Surroundings {
        variable: &|_| None,
        in_a_pod: Path::new("/nowhere/at/all"),
    };
    let error = Server::find(&NOTHING, &nothing).unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.details().len()),
        ("no pachd is named", 0)
    );
}

#[test]
fn a_broken_configuration_is_an_error_with_its_place_and_without_its_secrets() {
    for (config, place, what) in [
        (
            "{\n  \"session_token\": \"hunter2\",,\n}",
            "2:30",
            "this is neither JSON nor YAML",
        ),
        ("[\"hunter2\"]", "1:1", "this is no object"),
        (
            "{\"v2\": {\n\"active_context\": \"x\", \"contexts\": {\"y\": {}}}}",
            "2:19",
            "`x` is not among",
        ),
        (
            "{\"v2\": {\"active_context\": \"x\", \"contexts\": {\n \"x\": 7}}}",
            "2:7",
            "a context is an object",
        ),
        (
            "{\"v2\": {\"active_context\": \"x\", \"contexts\": {\"x\": {\n  \"pachd_address\": \"ftp://hunter2@h\"}}}}",
            "2:20",
            "is no address of a pachd",
        ),
        (
            "{\"v2\": {\"active_context\": \"x\", \"contexts\": {\"x\": {\n\n  \"sessionToken\": \"hunter2\\n\"}}}}",
            "3:19",
            "the token cannot be used",
        ),
        (
            "{\"v2\": {\"active_context\": \"x\", \"contexts\": {\"x\": {\"pachd_address\": \"grpcs://h:1\",\n \"server_cas\": \"hunter2!\"}}}}",
            "2:16",
            "this is no base64",
        ),
        (
            "{\"v2\": {\"active_context\": \"x\", \"contexts\": {\"x\": {\"pachd_address\": \"grpcs://h:1\",\n \"server_cas\": \"aGVsbG8=\"}}}}",
            "2:16",
            "no certificate",
        ),
        (
            "{\"v2\": {\"active_context\": \"x\", \"contexts\": {\"x\": {\"pachd_address\": \"h:1\",\n \"server_cas\": \"aGVsbG8=\"}}}}",
            "2:16",
            "does not start with grpcs://",
        ),
        (
            "{\"v2\": {\"active_context\": \"x\", \"contexts\": {\"x\": {\"pachd_address\": \"h:1\",\n \"project\": \"a b\"}}}}",
            "2:13",
            "the character ` `",
        ),
        (
            "{\"v2\": {\"active_context\": \"x\", \"contexts\": {\"x\": {\n \"pachd_address\": 7}}}}",
            "2:19",
            "is no string",
        ),
    ] {
        let around = Around::new(config);
        let error = around.find(&NOTHING).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("config.json:{place}: ")), "{place} {text}");
        assert!(text.contains(what), "{what}: {text}");
        assert!(!error.help().unwrap().is_empty());
        assert!(!format!("{text} {error:?}").contains("hunter2"), "{error:?}");
        // An address that was named by itself needs no file; but that it cannot be used is said.
        let named = around.with(&[("PACHD_ADDRESS", "h:1")]).find(&NOTHING).unwrap();
        assert!(
            named.warnings[0].contains(&format!(":{place}: ")),
            "{:?}",
            named.warnings
        );
        assert!(!format!("{named:?}").contains("hunter2"));
    }
}

#[test]
fn a_context_that_is_not_there_is_told_with_those_that_are() {
    let asked = context("porod");
    let error = Around::new(FILE).find(&asked).unwrap_err().to_string();
    assert!(error.starts_with("there is no context `porod`: "), "{error}");
    assert!(error.ends_with("has forwarded, nowhere, prod, test"), "{error}");
    let error = Around::new("").with(&[("PACH_CONTEXT", "prod")]).find(&NOTHING);
    assert!(error.unwrap_err().to_string().ends_with("has none, or is not there"));
}

#[test]
fn a_token_file_comes_before_everything_and_may_end_in_a_newline() {
    let around = Around::new(FILE).with(&[("PACH_TOKEN", "own")]);
    let path = around.file("token", "of-file\n");
    let asked = ServerFlags {
        token_file: Some(&path),
        ..NOTHING
    };
    let server = around.find(&asked).unwrap();
    assert_eq!(found(&server).1, "of-file");
    assert_eq!(server.token.unwrap().1, Origin::File(path.clone()));
    around.file("token", "of file hünter2\n");
    let error = around.find(&asked).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("nter2"), "{error:?}");
    std::fs::remove_file(&path).unwrap();
    let error = around.find(&asked).unwrap_err().to_string();
    assert!(error.starts_with("cannot read the token in "), "{error}");
}

#[test]
fn no_token_is_ever_part_of_a_debug_print() {
    let server = Around::new(FILE).find(&NOTHING).unwrap();
    let text = format!("{server:?} {:?}", server.context);
    assert!(text.contains("prod") && !text.contains("token-of"), "{text}");
}

/// The user's own file, beside pachctl's.
fn with_own(text: &str) -> Around {
    let around = Around::new(FILE);
    std::fs::create_dir_all(around.directory.path().join(".config/spoutctl")).unwrap();
    around.file(".config/spoutctl/config.toml", text);
    around.file(".config/spoutctl/token", "token-of-own\n");
    around
}

const OWN_FILE: &str = "pachd = \"grpc://own:1\"\ntoken-file = \"token\"\n";

fn token_of(server: &Server) -> Option<&str> {
    server.token.as_ref().map(|(token, _)| token.reveal())
}

#[test]
fn the_users_file_comes_after_variables_and_before_the_active_context() {
    let server = with_own(OWN_FILE).find(&NOTHING).unwrap();
    assert_eq!(server.address.to_string(), "grpc://own:1");
    assert!(server.address_from.to_string().ends_with("config.toml:1"));
    assert_eq!(token_of(&server), Some("token-of-own"));
    for (name, value, address) in [
        ("PACHD_ADDRESS", "grpc://other:1", "grpc://other:1"),
        ("PACH_CONTEXT", "test", "grpc://test:1650"),
    ] {
        let server = with_own(OWN_FILE).with(&[(name, value)]).find(&NOTHING).unwrap();
        assert_eq!(server.address.to_string(), address, "{name}");
        assert_ne!(token_of(&server), Some("token-of-own"), "{name}");
    }
}

#[test]
fn the_users_token_goes_to_the_users_address_alone() {
    let other = pachd("grpc://evil:1");
    assert_eq!(token_of(&with_own(OWN_FILE).find(&other).unwrap()), None);
    let same = pachd("http://OWN:1");
    assert_eq!(token_of(&with_own(OWN_FILE).find(&same).unwrap()), Some("token-of-own"));
    assert_eq!(
        token_of(&with_own(OWN_FILE).find(&context("prod")).unwrap()),
        Some("token-of-prod")
    );
    let variable = with_own(OWN_FILE).with(&[("PACH_TOKEN", "token-of-variable")]);
    assert_eq!(token_of(&variable.find(&NOTHING).unwrap()), Some("token-of-variable"));
}

#[test]
fn the_users_file_may_name_a_context() {
    let own = "context = \"test\"\n";
    let server = with_own(own).find(&NOTHING).unwrap();
    assert_eq!(server.address.to_string(), "grpc://test:1650");
    assert_eq!(token_of(&server), Some("token-of-test"));
    let named = with_own(own).with(&[("PACH_CONTEXT", "prod")]);
    assert_eq!(token_of(&named.find(&NOTHING).unwrap()), Some("token-of-prod"));
}

#[test]
fn a_users_file_that_is_not_clear_is_refused_with_the_place() {
    for (text, place) in [
        (
            "context = \"test\"\npachd = \"grpc://own:1\"\n",
            "1:11: `context` and `pachd`",
        ),
        ("token-file = \"token\"\n", "1:14: `token-file` stands without `pachd`"),
        ("pachd = 1\n", "1:9: `pachd` is a text"),
        ("token = \"x\"\n", "1:1: `token` cannot be set here"),
        ("insecure = true\n", "1:1: `insecure` cannot be set here"),
    ] {
        let error = with_own(text).find(&NOTHING).unwrap_err();
        assert!(error.to_string().contains(&format!("config.toml:{place}")), "{error}");
        assert!(error.help().is_some() || text.starts_with("pachd"), "{text}");
    }
    let error = with_own("pachd = \"ftp://x\"\n").find(&NOTHING).unwrap_err();
    assert!(error.to_string().contains("config.toml:1: "), "{error}");
}

#[test]
fn a_home_that_is_none_has_no_users_file() {
    let around = Around::new(FILE).with(&[("HOME", "/dev/null"), ("PACHD_ADDRESS", "grpc://h:1")]);
    assert_eq!(around.find(&NOTHING).unwrap().address.to_string(), "grpc://h:1");
}

#[test]
fn the_users_file_is_where_the_xdg_specification_says() {
    let around = Around::new(FILE);
    let base = around.directory.path().join("xdg");
    std::fs::create_dir_all(base.join("spoutctl")).unwrap();
    around.file("xdg/spoutctl/config.toml", "pachd = \"grpc://xdg:1\"\n");
    let around = around.with(&[("XDG_CONFIG_HOME", base.to_str().unwrap())]);
    assert_eq!(around.find(&NOTHING).unwrap().address.to_string(), "grpc://xdg:1");
    // A relative path is to be ignored.
    let around = around.with(&[("XDG_CONFIG_HOME", "xdg")]);
    assert_ne!(around.find(&NOTHING).unwrap().address.to_string(), "grpc://xdg:1");
}
