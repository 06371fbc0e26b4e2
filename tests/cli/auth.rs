//! `auth`: a token comes into pachctl's configuration and goes out of it, and is never shown.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::pachd::Pachd;
use crate::proxy::{Fault, hold, refusal, reply};
use crate::settings::{TOKEN, User};

fn known() -> Fault {
    reply(&json!({"username": "robot:ci", "expiration": "2036-11-22T16:24:12.226078Z"}))
}

/// What stood in the configuration before.
fn other() -> Value {
    json!({"user_id": "u", "v3": {"x": [1]}, "v2": {"active_context": "other", "metrics": false, "contexts": {
        "other": {"pachd_address": "grpc://other:1", "session_token": "others", "new_field": {"a": 1}}}}})
}

/// The configuration has just what it had, and this token in context `mine`.
#[track_caller]
fn has_kept(user: &User, gateway: &Pachd, token: Option<&str>) {
    let address = gateway.url().replace("http://", "grpc://");
    let mut expected = other();
    expected["v2"]["contexts"]["mine"] = json!({"pachd_address": address});
    if let Some(token) = token {
        expected["v2"]["contexts"]["mine"]["session_token"] = json!(token);
    }
    assert_eq!(user.content(), expected);
    let mode = user.config().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let beside = user.config().parent().unwrap().read_dir().unwrap().count();
    assert_eq!(beside, 1, "nothing is left beside it");
}

#[test]
fn a_token_is_taken_from_standard_input_kept_used_and_forgotten() {
    let gateway = Pachd::start();
    for nth in 1..=4 {
        gateway.at("WhoAmI", nth, known());
    }
    let user = User::new(&other());
    let url = gateway.url();
    let mine = ["--pachd", &url, "--context", "mine"];
    let input = format!("{TOKEN}\n");
    let ran = user.run_with(&[&["auth", "use-token"][..], &mine].concat(), input.as_bytes());
    ran.expect(0)
        .says("robot:ci until 2036-11-22T16:24:12Z; kept in context `mine` of ");
    assert_eq!(gateway.tokens().into_iter().collect::<Vec<_>>(), [TOKEN]);
    has_kept(&user, &gateway, Some(TOKEN));

    // The context's address is gRPC; at the same place the gateway gets its token, too.
    let whoami = [&["auth", "whoami"][..], &mine].concat();
    let ran = user.run(&whoami, &[]);
    let text = ran.expect(0).text();
    assert!(text.starts_with("robot:ci until 2036-11-22T16:24:12Z\n"), "{text}");
    assert!(text.contains("by the token of context `mine` in "), "{text}");
    let variables = [("PACHD_ADDRESS", url.as_str()), ("PACH_CONTEXT", "mine")];
    let ran = user.run(&["auth", "whoami", "--json", "-v"], &variables);
    let shown = &ran.expect(0).json()[0];
    assert_eq!((&shown["name"], &shown["address"]), (&json!("robot:ci"), &json!(url)));
    // Anybody else's token comes before it, and is told.
    let ran = user.run(&whoami, &[("PACH_TOKEN", "another")]);
    assert!(
        ran.expect(0).text().contains("by the token of PACH_TOKEN"),
        "{}",
        ran.text()
    );

    user.run(&["auth", "logout", "--context", "mine"], &[]).expect(0);
    has_kept(&user, &gateway, None);
    let again = user.run(&["auth", "logout"], &[("PACH_CONTEXT", "mine")]);
    again.expect(0).says("context `mine` has no token");
}

#[test]
fn a_token_that_pachd_does_not_know_is_not_kept() {
    let gateway = Pachd::start();
    let words = "provided auth token is corrupted or has expired (try logging in again)";
    gateway.at("WhoAmI", 1, refusal(16, words));
    let user = User::new(&other());
    let url = gateway.url();
    let ran = user.run_with(
        &["auth", "use-token", "--pachd", &url, "--context", "mine"],
        TOKEN.as_bytes(),
    );
    ran.expect(4).says("the token is not kept").says(words);
    assert_eq!(user.content(), other());
    for input in ["", "two words of which\none is on a line of its own"] {
        user.run_with(
            &["auth", "use-token", "--pachd", &url, "--context", "mine"],
            input.as_bytes(),
        )
        .expect(2)
        .says("the token cannot be used");
    }
    assert_eq!(user.content(), other());
}

#[test]
fn a_log_in_shows_where_waits_and_keeps_the_token() {
    let gateway = Pachd::start();
    let place = json!({"loginUrl": "https://id.example.com/auth?state=s", "state": "state-of-mine"});
    gateway.at("GetOIDCLogin", 1, reply(&place));
    gateway.at("Authenticate", 1, reply(&json!({"pachToken": TOKEN})));
    gateway.at("WhoAmI", 1, known());
    let user = User::new(&other());
    let url = gateway.url();
    let ran = user.run(&["auth", "login", "-q", "--pachd", &url, "--context", "mine"], &[]);
    ran.expect(0).says("log in at\n  https://id.example.com/auth?state=s");
    has_kept(&user, &gateway, Some(TOKEN));
    assert_eq!(
        gateway.tokens().into_iter().collect::<Vec<_>>(),
        [TOKEN],
        "no token of anybody else"
    );
}

#[test]
fn a_log_in_that_nobody_finishes_ends() {
    let gateway = Pachd::start();
    gateway.at(
        "GetOIDCLogin",
        1,
        reply(&json!({"loginUrl": "https://id", "state": "s"})),
    );
    let (_release, held) = hold();
    gateway.at("Authenticate", 1, held);
    let user = User::new(&other());
    let url = gateway.url();
    let ran = user.run(
        &["auth", "login", "--timeout", "1s", "--pachd", &url, "--context", "mine"],
        &[],
    );
    ran.expect(5).says("nobody has logged in within 1 s");
    assert_eq!(user.content(), other());
}

#[test]
fn where_nobody_can_log_in_the_way_without_is_told() {
    for (is_open, advice) in [(false, "spoutctl auth use-token"), (true, "auth is not activated")] {
        let gateway = Pachd::start();
        gateway.at(
            "GetOIDCLogin",
            1,
            refusal(2, "OIDC ID provider configuration not found"),
        );
        if !is_open {
            gateway.at("WhoAmI", 1, refusal(16, "no authentication token (try logging in)"));
        }
        let user = User::new(&other());
        let url = gateway.url();
        user.run(&["auth", "login", "--pachd", &url, "--context", "mine"], &[])
            .expect(4)
            .says("nobody can log in there")
            .says("OIDC ID provider configuration not found")
            .says(advice);
    }
}

#[test]
fn a_token_wants_a_context_to_be_kept_in() {
    let user = User::new(&other());
    for verb in ["login", "use-token"] {
        user.run(&["auth", verb, "--pachd", "grpc://elsewhere:1"], &[])
            .expect(2)
            .says("no context of pachctl's configuration is for grpc://elsewhere:1")
            .says("--context NAME");
        user.run(&["auth", verb, "--pachd", "local:store"], &[]).expect(2);
    }
    User::new(&json!({}))
        .run(&["auth", "logout"], &[])
        .expect(2)
        .says("has no active context");
}

#[test]
fn a_broken_configuration_is_never_overwritten() {
    let gateway = Pachd::start();
    let user = User::new(&other());
    std::fs::write(user.config(), "{\"v2\": {").unwrap();
    let url = gateway.url();
    user.run_with(
        &["auth", "use-token", "--pachd", &url, "--context", "mine"],
        TOKEN.as_bytes(),
    )
    .expect(2)
    .says("config.json:1:");
    assert_eq!(std::fs::read_to_string(user.config()).unwrap(), "{\"v2\": {");
}
