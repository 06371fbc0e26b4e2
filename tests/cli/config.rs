//! `spoutctl config`, and that what it shows is what holds: end to end.

use serde_json::{Value, json};

use crate::runner::tar;
use crate::settings::{TOKEN, User};

fn here(project: &str, own: &str) -> User {
    let user = User::with_context(&json!({"pachd_address": "grpc://127.0.0.1:9", "session_token": TOKEN}));
    std::fs::write(user.home().join("spoutctl.toml"), project).unwrap();
    std::fs::create_dir_all(user.home().join(".config/spoutctl")).unwrap();
    std::fs::write(user.home().join(".config/spoutctl/config.toml"), own).unwrap();
    user
}

#[track_caller]
fn setting<'a>(lines: &'a [Value], name: &str) -> (&'a str, &'a str) {
    let line = lines.iter().find(|line| line["name"] == name).unwrap();
    (
        line["value"].as_str().unwrap_or_default(),
        line["from"].as_str().unwrap_or_default(),
    )
}

#[test]
fn each_value_is_shown_with_where_it_was_said_and_no_token() {
    let project = "retry-for = \"1h\"\npachyderm = \"2.8\"\n[validate]\nmax-warnings = 3\n";
    let user = here(project, "[tail]\ncolor = \"never\"\n");
    let ran = user.run(&["config", "--json"], &[("SPOUTCTL_GRACE", "1m")]);
    let lines = ran.expect(0).json();
    let context = format!("context `prod` in {}", user.config().display());
    assert_eq!(setting(&lines, "pachd"), ("grpc://127.0.0.1:9", context.as_str()));
    assert_eq!(setting(&lines, "token"), ("(not shown)", context.as_str()));
    assert_eq!(setting(&lines, "put.grace"), ("1m", "SPOUTCTL_GRACE"));
    assert_eq!(setting(&lines, "serve.listen"), ("127.0.0.1:1659", ""));
    for (name, value, from) in [
        ("put.retry-for", "1h", "spoutctl.toml:1"),
        ("tail.retry-for", "1h", "spoutctl.toml:1"),
        ("tail.color", "never", "config.toml:2"),
        ("pachyderm", "2.8", "spoutctl.toml:2"),
        ("validate.max-warnings", "3", "spoutctl.toml:4"),
    ] {
        let (shown, place) = setting(&lines, name);
        assert_eq!(shown, value, "{name}");
        assert!(place.ends_with(from), "{name}: {place}");
    }
    let text = user.run(&["config"], &[]).expect(0).text();
    let row = text
        .lines()
        .find(|line| line.starts_with("put.retry-for "))
        .unwrap()
        .to_owned();
    assert!(row.contains(" 1h ") && row.ends_with("spoutctl.toml:1"), "{row}");
}

#[test]
fn what_is_shown_is_what_holds() {
    // Nobody answers at that port: how long it is tried is told by how soon it ends.
    let user = here("retry-for = \"0\"\n", "");
    let ran = user.run_with(&["put", "events"], &tar(&[("a", b"x")]));
    ran.expect(5);
    let user = here("[put]\nretry-for = \"soon\"\n", "");
    let ran = user.run_with(&["put", "events"], &tar(&[("a", b"x")]));
    ran.expect(2)
        .says("spoutctl.toml:2: retry-for: `soon` is no duration; write 30s, 10m or 1h30m");
    // What is typed comes first, and is looked at first.
    let ran = user.run_with(&["put", "events", "--retry-for", "later"], &tar(&[("a", b"x")]));
    ran.expect(2).says("--retry-for").says("`later` is no duration");
}

#[test]
fn no_variable_that_spoutctl_sets_or_reads_is_said_to_be_none_of_its_own() {
    let user = here("", "");
    let ours = [("SPOUTCTL_COMPLETION_TIMEOUT", "1s"), ("SPOUTCTL_POSITIONS", "{}")];
    let ran = user.run(&["config"], &ours);
    assert!(!ran.expect(0).stderr.contains("no variable"), "{}", ran.stderr);
}

#[test]
fn what_cannot_be_used_is_told_after_what_can_be() {
    let user = here("[put]\ntmp_dir = \"x\"\n", "");
    let ran = user.run(&["config"], &[("SPOUTCTL_RETRYFOR", "1h")]);
    ran.expect(2)
        .says("SPOUTCTL_RETRYFOR is set, and is no variable of spoutctl's")
        .says("spoutctl.toml:2:1: `tmp_dir` is no key");
    assert!(ran.text().contains("grpc://127.0.0.1:9"), "{}", ran.text());
    // Neither help nor what a project cannot say anything of is kept from anybody.
    user.run(&["put", "--help"], &[]).expect(0);
    user.run(&["explain", "no-name"], &[]);
}

#[test]
fn a_token_of_the_users_file_is_sent_where_that_file_says() {
    let user = here("", "pachd = \"http://127.0.0.1:9\"\ntoken-file = \"token\"\n");
    std::fs::write(user.home().join(".config/spoutctl/token"), format!("{TOKEN}\n")).unwrap();
    let lines = user.run(&["config", "--json"], &[]).expect(0).json();
    assert!(setting(&lines, "token").1.ends_with("spoutctl/token"));
    let lines = user.run(&["config", "--json", "--pachd", "http://127.0.0.1:10"], &[]);
    assert_eq!(setting(&lines.expect(0).json(), "token"), ("", ""));
}
