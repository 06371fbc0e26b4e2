//! Specs that come of answers.

use proptest::prelude::*;

use super::template::{Kind, Template};
use super::*;
use spoutctl_lint::Options;
use spoutctl_lint::source::SourceFile;
use spoutctl_lint::spec;
use spoutctl_lint::spec::strict::to_json;
use spoutctl_lint::version::Version;

/// All that is needed for a template.
fn draft(template: &'static Template, with_code: bool) -> Draft {
    let mut draft = Draft {
        name: Some("orders".to_owned()),
        image: Some("registry.example.com/orders:1".to_owned()),
        template: Some(template),
        with_code,
        ..Draft::default()
    };
    for missing in draft.missing() {
        match missing {
            Missing::Variable(variable) if variable.kind == Kind::Secret => {
                draft
                    .secrets
                    .push(format!("keys:key={}", variable.name).parse().unwrap());
            }
            Missing::Variable(variable) => draft.env.push(format!("{}=some.where", variable.name).parse().unwrap()),
            Missing::Command => draft.program = Some(Program::Command(vec!["main".to_owned()])),
            Missing::Name | Missing::Image => unreachable!(),
        }
    }
    draft
}

/// What a text means, in one line.
fn meaning(format: Format, text: &str) -> String {
    let file = SourceFile::new(format!("a.{}", format.ending()), text);
    let parsed = spec::parse(&file);
    assert_eq!(parsed.faults, [], "{text}");
    to_json(&parsed.documents[0].root)
}

#[test]
fn every_template_makes_a_spec_without_a_finding_for_every_pachyderm() {
    for template in template::ALL {
        for with_code in [false, true] {
            let mut draft = draft(template, with_code);
            assert_eq!(draft.missing(), []);
            draft.output_branch = Some("staging".to_owned());
            draft.cpu = Some(0.25);
            draft.memory = Some("64Mi".to_owned());
            draft.metrics_port = Some(9464);
            draft.description = Some("all: of # it".to_owned());
            for version in Version::all() {
                let options = Options {
                    version,
                    ..Options::default()
                };
                assert_eq!(draft.objections(&options), [], "{} for {version}", template.name);
            }
            draft.project = Some("team".to_owned());
            assert_eq!(draft.objections(&Options::default()), [], "{}", template.name);
        }
    }
}

/// What Kubernetes makes of it is told by [`every_template_makes_a_spec_without_a_finding_for_every_pachyderm`].
#[test]
fn a_watched_spout_listens_and_is_probed_at_its_port() {
    let mut draft = draft(template::named("kafka").unwrap(), true);
    draft.metrics_port = Some(9464);
    let spec: serde_json::Value = serde_json::from_str(&draft.spec(Format::Json)).unwrap();
    assert_eq!(spec["transform"]["env"]["SPOUTCTL_METRICS_LISTEN"], "0.0.0.0:9464");
    assert_eq!(spec["metadata"]["annotations"]["prometheus.io/port"], "9464");
    let patch: serde_json::Value = serde_json::from_str(spec["podPatch"].as_str().unwrap()).unwrap();
    let probes = patch.as_array().unwrap().iter();
    let probes: Vec<_> = probes
        .map(|one| (one["path"].as_str().unwrap(), &one["value"]["httpGet"]))
        .collect();
    let at = |path: &str| serde_json::json!({"path": path, "port": 9464});
    assert_eq!(
        probes,
        [
            ("/containers/0/startupProbe", &at("/healthz")),
            ("/containers/0/livenessProbe", &at("/healthz")),
            ("/containers/0/readinessProbe", &at("/ready")),
        ]
    );
    // Who says where to listen is heard.
    draft.env.push("SPOUTCTL_METRICS_LISTEN=0.0.0.0:1".parse().unwrap());
    let spec: serde_json::Value = serde_json::from_str(&draft.spec(Format::Json)).unwrap();
    assert_eq!(spec["transform"]["env"]["SPOUTCTL_METRICS_LISTEN"], "0.0.0.0:1");
}

#[test]
fn both_formats_mean_the_same() {
    for template in template::ALL {
        for with_code in [false, true] {
            let draft = draft(template, with_code);
            let [json, yaml] = [Format::Json, Format::Yaml].map(|format| meaning(format, &draft.spec(format)));
            assert_eq!(json, yaml, "{}", template.name);
        }
    }
}

#[test]
fn a_spec_is_written_as_a_person_would() {
    let draft = Draft {
        name: Some("orders".to_owned()),
        project: Some("team".to_owned()),
        image: Some("registry.example.com/orders:1".to_owned()),
        program: Some(Program::Command(
            ["python3", "-u", "/app/main.py"].map(str::to_owned).to_vec(),
        )),
        env: vec!["TOPIC=orders".parse().unwrap(), "DEBUG=yes".parse().unwrap()],
        secrets: vec![
            "db:password=PGPASSWORD".parse().unwrap(),
            "tls=/etc/tls".parse().unwrap(),
        ],
        memory: Some("64Mi".to_owned()),
        ..Draft::default()
    };
    assert_eq!(
        draft.spec(Format::Json),
        r#"{
  "pipeline": {
    "name": "orders",
    "project": {"name": "team"}
  },
  "spout": {},
  "transform": {
    "image": "registry.example.com/orders:1",
    "cmd": ["python3", "-u", "/app/main.py"],
    "env": {"TOPIC": "orders", "DEBUG": "yes"},
    "secrets": [
      {"name": "db", "key": "password", "envVar": "PGPASSWORD"},
      {"name": "tls", "mountPath": "/etc/tls"}
    ]
  },
  "resourceRequests": {"memory": "64Mi"},
  "resourceLimits": {"memory": "64Mi"}
}
"#
    );
    assert_eq!(
        draft.spec(Format::Yaml),
        r#"pipeline:
  name: orders
  project:
    name: team
spout: {}
transform:
  image: registry.example.com/orders:1
  cmd: [python3, "-u", /app/main.py]
  env:
    TOPIC: orders
    DEBUG: "yes"
  secrets:
    - name: db
      key: password
      envVar: PGPASSWORD
    - name: tls
      mountPath: /etc/tls
resourceRequests:
  memory: "64Mi"
resourceLimits:
  memory: "64Mi"
"#
    );
}

#[test]
fn an_answer_is_judged_by_the_linter() {
    let said = |draft: Draft| -> Vec<&str> {
        let found = draft.objections(&Options::default());
        found.iter().map(|found| found.rule.0).collect()
    };
    let named = |name: &str| Draft {
        name: Some(name.to_owned()),
        ..Draft::default()
    };
    assert_eq!(said(Draft::default()), [""; 0]);
    assert_eq!(said(named("orders-2")), [""; 0]);
    assert_eq!(said(named("my_spout")), ["spout-name-not-dns"]);
    assert_eq!(said(named("my spout")), ["pipeline-name-charset"]);
    assert_eq!(said(named("")), ["missing-pipeline-name"]);
    let image = Draft {
        image: Some("python".to_owned()),
        ..Draft::default()
    };
    assert_eq!(said(image), ["image-tag"]);
    let env = Draft {
        env: vec!["DB_PASSWORD=hunter2".parse().unwrap()],
        ..Draft::default()
    };
    assert_eq!(said(env), ["env-plaintext-secret"]);
}

#[test]
fn what_is_missing_is_told_all_at_once_with_what_to_write() {
    let missing = |template: Option<&'static Template>, with_code| -> Vec<String> {
        let draft = Draft {
            template,
            with_code,
            ..Draft::default()
        };
        draft.missing().into_iter().map(Missing::argument).collect()
    };
    assert_eq!(
        missing(None, false),
        [
            "NAME",
            "--image IMAGE",
            "--cmd LINE, --stdin-script FILE or -- CMD ARG…"
        ]
    );
    assert_eq!(missing(None, true), ["NAME", "--image IMAGE"]);
    assert_eq!(
        missing(template::named("webhook"), false),
        ["NAME", "--image IMAGE", "--secret SECRET:KEY=WEBHOOK_SECRET"]
    );
    assert_eq!(
        missing(template::named("kafka"), true),
        ["NAME", "--image IMAGE", "--env HOST=…", "--env TOPIC=…"]
    );
}

#[test]
fn a_script_is_for_the_shell_that_it_names() {
    for (first, shell) in [
        ("#!/bin/bash", "bash"),
        ("#!/usr/bin/env bash", "bash"),
        ("#!/bin/sh -e", "sh"),
        ("echo", "sh"),
    ] {
        let lines = vec![first.to_owned(), "consume".to_owned()];
        let shell = shell.to_owned();
        assert_eq!(
            Program::script(&format!("{first}\nconsume\n")),
            Program::Script { shell, lines }
        );
    }
}

#[test]
fn what_put_reads_by_itself_has_no_code_and_its_spec_is_the_same_with_and_without_a_directory() {
    let kafka = template::named("kafka").unwrap();
    let [spec, with_code] = [false, true].map(|with_code| draft(kafka, with_code).spec(Format::Json));
    assert_eq!(spec, with_code);
    let spec: serde_json::Value = serde_json::from_str(&spec).unwrap();
    let words: Vec<&str> = spec["transform"]["cmd"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|word| word.as_str())
        .collect();
    assert_eq!(words[..4], ["spoutctl", "put", "--from", "kafka"]);
    let files = files(&draft(kafka, true), "orders.json");
    let names: Vec<&str> = files.iter().map(|file| file.name).collect();
    assert_eq!(names, ["Dockerfile", "README.md"]);
    let command = "PORT=9092 TOPIC=some.where spoutctl put --from kafka ";
    assert!(files[1].text.contains(command), "{}", files[1].text);
}

#[test]
fn a_template_writes_to_the_branch_that_the_spec_names() {
    for template in template::ALL {
        let mut draft = draft(template, true);
        draft.output_branch = Some("staging".to_owned());
        for file in files(&draft, "orders.json") {
            assert!(
                !file.text.contains("__"),
                "{} of {}: {}",
                file.name,
                template.name,
                file.text
            );
        }
        if template.has_consumer() {
            let script = &files(&draft, "orders.json")[0].text;
            assert!(script.contains("put \"${PPS_PROJECT_NAME:-default}/${PPS_PIPELINE_NAME}@staging\" "));
        }
        draft.with_code = false;
        draft.program = None;
        let spec = draft.spec(Format::Json);
        assert!(
            template.name == "blank" || spec.contains("\"default/orders@staging\""),
            "{spec}"
        );
        assert!(!spec.contains("__"), "{spec}");
    }
}

proptest! {
    #[test]
    fn whatever_is_answered_both_formats_mean_it(
        texts in prop::collection::vec("[ -~\n\té\u{85}\u{2028}]{0,12}|[a-zA-Z0-9:#-]{0,6}|yes|null|~|1e3|- a|a: b|\\|", 4)
    ) {
        let draft = Draft {
            name: Some(texts[0].clone()),
            description: Some(texts[1].clone()),
            program: Some(Program::Command(texts.clone())),
            env: vec![Variable { name: texts[2].clone(), value: texts[3].clone() }],
            ..Draft::default()
        };
        let json = draft.spec(Format::Json);
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&value["pipeline"]["name"], &serde_json::Value::from(texts[0].clone()));
        prop_assert_eq!(&value["transform"]["env"][&texts[2]], &serde_json::Value::from(texts[3].clone()));
        prop_assert_eq!(meaning(Format::Json, &json), meaning(Format::Yaml, &draft.spec(Format::Yaml)));
    }
}
