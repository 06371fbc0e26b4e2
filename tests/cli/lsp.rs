//! `lsp` as an editor uses it: messages in, messages out.

use std::fs;
use std::io::BufReader;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use lsp_server::Message;
use serde_json::{Value, json};

use crate::runner::World;

const SPEC: &str = "pipeline:\n  name: events\nspout: {}\ntransform:\n  image: team/events:1.4\n  cmd: [/events]\n";

/// An editor that waits for each answer.
struct Editor {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    world: World,
    requests: i32,
}

impl Editor {
    fn start(world: World, capabilities: &Value) -> Self {
        let mut command = world.command(&["lsp"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut editor = Self {
            stdin: child.stdin.take().unwrap(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
            world,
            requests: 0,
        };
        let answer = editor.ask("initialize", &json!({"capabilities": capabilities}));
        assert_eq!(answer["serverInfo"]["name"], "spoutctl");
        editor.tell("initialized", &json!({}));
        editor
    }

    fn send(&mut self, message: &Value) {
        let message: Message = serde_json::from_value(message.clone()).unwrap();
        message.write(&mut self.stdin).unwrap();
    }

    fn tell(&mut self, method: &str, params: &Value) {
        self.send(&json!({"method": method, "params": params}));
    }

    fn receive(&mut self) -> Value {
        let message = Message::read(&mut self.stdout).unwrap();
        serde_json::to_value(message.expect("the server says something")).unwrap()
    }

    /// The answer to a request; what is told meanwhile is passed over.
    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({"id": id, "method": method, "params": params}));
        loop {
            let message = self.receive();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{message}");
                return message["result"].clone();
            }
        }
    }

    fn uri(&self, name: &str) -> String {
        format!("file://{}", self.world.path(name).display())
    }

    fn open(&mut self, name: &str, text: &str) {
        let uri = self.uri(name);
        let document = json!({"uri": uri, "languageId": "yaml", "version": 1, "text": text});
        self.tell("textDocument/didOpen", &json!({"textDocument": document}));
    }

    /// Puts a text into a place.
    fn insert(&mut self, name: &str, version: i32, (line, character): (u32, u32), text: &str) {
        let at = json!({"line": line, "character": character});
        let change = json!({"range": {"start": at, "end": at}, "text": text});
        let document = json!({"uri": self.uri(name), "version": version});
        self.tell(
            "textDocument/didChange",
            &json!({"textDocument": document, "contentChanges": [change]}),
        );
    }

    /// What is told of this version of a document.
    fn diagnostics(&mut self, version: i32) -> Vec<Value> {
        loop {
            let message = self.receive();
            let params = &message["params"];
            if message["method"] == "textDocument/publishDiagnostics" && params["version"] == version {
                return params["diagnostics"].as_array().unwrap().clone();
            }
        }
    }

    fn at(&self, name: &str, line: u32, character: u32) -> Value {
        json!({"textDocument": {"uri": self.uri(name)}, "position": {"line": line, "character": character}})
    }

    fn end(mut self) {
        self.ask("shutdown", &Value::Null);
        self.tell("exit", &Value::Null);
        assert!(self.child.wait().unwrap().success());
    }
}

fn rules(diagnostics: &[Value]) -> Vec<&str> {
    diagnostics
        .iter()
        .map(|found| found["code"].as_str().unwrap())
        .collect()
}

fn labels(completion: &Value) -> Vec<&str> {
    let items = completion.as_array().unwrap();
    items.iter().map(|item| item["label"].as_str().unwrap()).collect()
}

#[test]
fn what_is_typed_is_judged_and_judged_anew() {
    let mut editor = Editor::start(World::local(), &json!({}));
    editor.open("a.yaml", SPEC);
    assert_eq!(rules(&editor.diagnostics(1)), [""; 0]);
    editor.insert("a.yaml", 2, (2, 0), "standby: true\n");
    let found = editor.diagnostics(2);
    assert_eq!(rules(&found), ["field-not-in-version"]);
    assert_eq!(found[0]["range"]["start"], json!({"line": 2, "character": 0}));
    assert_eq!(
        (&found[0]["severity"], &found[0]["source"]),
        (&json!(1), &json!("spoutctl"))
    );
    editor.end();
}

#[test]
fn an_editor_that_counts_utf_16_is_answered_in_utf_16() {
    for (encodings, column) in [(json!(["utf-16"]), 23), (json!(["utf-8", "utf-16"]), 26)] {
        let capabilities = json!({"general": {"positionEncodings": encodings}});
        let mut editor = Editor::start(World::local(), &capabilities);
        // The letter is one unit longer in UTF-8, and the face two.
        editor.open("a.json", "{\"description\": \"ä😀\", \"standby\": true, \"spout\": {}}");
        let found = editor.diagnostics(1);
        let standby = found
            .iter()
            .find(|found| found["code"] == "field-not-in-version")
            .unwrap();
        let start = &standby["range"]["start"]["character"];
        assert_eq!(*start, column, "{encodings}");
        editor.end();
    }
}

#[test]
fn the_version_is_that_of_the_nearest_project_and_saving_it_counts_at_once() {
    let world = World::local();
    fs::write(world.path("spoutctl.toml"), "pachyderm = \"1.13\"\n").unwrap();
    let mut editor = Editor::start(world, &json!({}));
    let spec = SPEC.replace("spout: {}", "spout: {overwrite: true}");
    editor.open("a.yaml", &spec);
    assert_eq!(rules(&editor.diagnostics(1)), [""; 0]);
    fs::write(editor.world.path("spoutctl.toml"), "pachyderm = \"2.12\"\n").unwrap();
    let toml = editor.uri("spoutctl.toml");
    editor.tell("textDocument/didSave", &json!({"textDocument": {"uri": toml}}));
    assert_eq!(rules(&editor.diagnostics(1)), ["field-not-in-version"]);
    editor.end();
}

#[test]
fn a_changed_project_file_is_watched_and_counts_at_once() {
    let world = World::local();
    let capabilities = json!({"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": true}}});
    let mut editor = Editor::start(world, &capabilities);
    let asked = editor.receive();
    assert_eq!(asked["method"], "client/registerCapability");
    let registration = &asked["params"]["registrations"][0];
    assert_eq!(registration["method"], "workspace/didChangeWatchedFiles");
    assert_eq!(
        registration["registerOptions"]["watchers"][0]["globPattern"],
        "**/spoutctl.toml"
    );
    editor.send(&json!({"id": asked["id"], "result": null}));
    editor.open("spout.yaml", &SPEC.replace("spout: {}", "spout: {marker: x}"));
    assert_eq!(rules(&editor.diagnostics(1)), ["field-not-in-version"]);
    fs::write(editor.world.path("spoutctl.toml"), "pachyderm = \"1.13\"\n").unwrap();
    let change = json!({"uri": editor.uri("spoutctl.toml"), "type": 1});
    editor.tell("workspace/didChangeWatchedFiles", &json!({"changes": [change]}));
    assert_eq!(rules(&editor.diagnostics(1)), [""; 0]);
    editor.end();
}

#[test]
fn a_place_is_explained_by_its_field_and_by_the_rule_that_found_something() {
    let mut editor = Editor::start(World::local(), &json!({}));
    editor.open("a.yaml", &SPEC.replace("cmd: [/events]", "cmd: /events"));
    let at = editor.at("a.yaml", 4, 3);
    let hover = editor.ask("textDocument/hover", &at);
    assert!(
        hover["contents"]["value"]
            .as_str()
            .unwrap()
            .contains("**image** (string)"),
        "{hover}"
    );
    let at = editor.at("a.yaml", 5, 9);
    let hover = editor.ask("textDocument/hover", &at);
    assert!(
        hover["contents"]["value"]
            .as_str()
            .unwrap()
            .starts_with("**cmd-not-list**"),
        "{hover}"
    );
    editor.end();
}

#[test]
fn fields_and_values_are_offered_with_their_words() {
    let mut editor = Editor::start(World::local(), &json!({}));
    editor.open("a.yaml", &format!("{SPEC}  us\ntolerations:\n  - effect: \n"));
    let at = editor.at("a.yaml", 6, 4);
    let offered = editor.ask("textDocument/completion", &at);
    assert!(
        labels(&offered).contains(&"user") && !labels(&offered).contains(&"image"),
        "{offered}"
    );
    let user = offered
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["label"] == "user")
        .unwrap();
    assert!(user["documentation"]["value"].as_str().unwrap().contains("/etc/passwd"));
    assert_eq!(user["textEdit"]["newText"], "user: ");
    let at = editor.at("a.yaml", 8, 12);
    let offered = editor.ask("textDocument/completion", &at);
    assert!(labels(&offered).contains(&"NO_SCHEDULE"), "{offered}");
    editor.end();
}

/// Neovim inserts a plain text up to its first blank.
#[test]
fn the_blank_behind_a_key_reaches_an_editor_that_takes_snippets() {
    let item = json!({"completionItem": {"snippetSupport": true}});
    let mut editor = Editor::start(World::local(), &json!({"textDocument": {"completion": item}}));
    editor.open("a.yaml", "pipeline:\n  na\ntr\n");
    for (line, character, label, text, format) in [
        (1, 4, "name", "name: $0", json!(2)),
        (2, 2, "transform", "transform:", Value::Null),
    ] {
        let at = editor.at("a.yaml", line, character);
        let offered = editor.ask("textDocument/completion", &at);
        let items = offered.as_array().unwrap();
        let item = items.iter().find(|item| item["label"] == label).unwrap();
        assert_eq!(
            (&item["textEdit"]["newText"], &item["insertTextFormat"]),
            (&json!(text), &format)
        );
    }
    editor.end();
}

#[test]
fn a_quick_fix_changes_just_what_it_says() {
    let mut editor = Editor::start(World::local(), &json!({}));
    editor.open(
        "a.yaml",
        &SPEC.replace("cmd: [/events]", "cmd: [/events]\n  env: {PORT: 80}"),
    );
    let position = json!({"line": 6, "character": 14});
    let params = json!({"textDocument": {"uri": editor.uri("a.yaml")}, "range": {"start": position, "end": position},
        "context": {"diagnostics": []}});
    let actions = editor.ask("textDocument/codeAction", &params);
    let fix = &actions[0];
    let edits = fix["edit"]["changes"][editor.uri("a.yaml")].as_array().unwrap();
    assert_eq!(
        (edits.len(), &edits[0]["newText"], &fix["isPreferred"]),
        (1, &json!("\"80\""), &json!(true))
    );
    let all = actions
        .as_array()
        .unwrap()
        .iter()
        .find(|action| action["kind"] == "source.fixAll");
    let edits = &all.unwrap()["edit"]["changes"][editor.uri("a.yaml")];
    assert_eq!(
        edits[0]["range"]["start"],
        json!({"line": 6, "character": 14}),
        "{edits}"
    );
    editor.end();
}

#[test]
fn the_outline_has_the_pipelines_by_name() {
    let mut editor = Editor::start(World::local(), &json!({}));
    editor.open("a.yaml", &format!("{SPEC}---\n{}", SPEC.replace("events", "sums")));
    let document = json!({"textDocument": {"uri": editor.uri("a.yaml")}});
    let outline = editor.ask("textDocument/documentSymbol", &document);
    let names: Vec<&Value> = outline
        .as_array()
        .unwrap()
        .iter()
        .map(|symbol| &symbol["name"])
        .collect();
    assert_eq!(names, ["events", "sums"]);
    assert_eq!(outline[0]["children"][2]["name"], "transform");
    editor.end();
}

#[test]
fn an_editor_that_goes_without_a_word_ends_the_session() {
    let mut editor = Editor::start(World::local(), &json!({}));
    editor.open("a.yaml", SPEC);
    editor.diagnostics(1);
    drop(editor.stdin);
    assert_eq!(editor.child.wait().unwrap().code(), Some(3));
}

#[test]
fn a_template_is_not_judged_as_if_it_were_yaml() {
    let mut editor = Editor::start(World::local(), &json!({}));
    for name in ["a.jsonnet", "a.libsonnet"] {
        editor.open(name, "function(name) {pipeline: {name: name}, spout: {}, +: 1}");
        assert_eq!(editor.ask("textDocument/hover", &editor.at(name, 0, 1)), Value::Null);
    }
    editor.open("a.yaml", SPEC);
    let told = loop {
        let message = editor.receive();
        if message["method"] == "textDocument/publishDiagnostics" {
            break message["params"]["uri"].clone();
        }
    };
    assert_eq!(told, editor.uri("a.yaml"));
    editor.end();
}

#[test]
fn what_is_no_spec_is_left_alone() {
    let mut editor = Editor::start(World::local(), &json!({}));
    editor.open("compose.yaml", "services:\n  web:\n    image: nginx\n");
    assert_eq!(rules(&editor.diagnostics(1)), [""; 0]);
    editor.end();
}
