//! `create`: what is written of which answers, what is refused, and that nothing else is touched.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};
use spoutctl::scaffold::template;

use crate::runner::{Ran, World, has_program, skip, words};

/// Runs `create ARGS` in the world's directory.
pub fn create(world: &World, args: &[&str]) -> Ran {
    let args = [&["create"], args].concat();
    Ran::from(
        world
            .command(&args)
            .current_dir(world.directory.path())
            .output()
            .unwrap(),
    )
}

/// The flags that a template needs.
pub fn needed(template: &str) -> &'static [&'static str] {
    match template {
        "kafka" => &["--env", "HOST=kafka", "--env", "TOPIC=orders"],
        "kcat" => &["--env", "KAFKA_BROKERS=kafka:9092", "--env", "KAFKA_TOPIC=orders"],
        "mqtt" => &["--env", "MQTT_HOST=127.0.0.1", "--env", "MQTT_TOPIC=orders/#"],
        "nats" => &["--env", "NATS_URL=nats://nats:4222", "--env", "NATS_SUBJECT=orders.>"],
        "postgres" => &[
            "--env",
            "PGHOST=db",
            "--env",
            "PGDATABASE=shop",
            "--env",
            "PGUSER=spout",
            "--env",
            "SPOUT_TABLE=orders",
            "--secret",
            "shop:password=PGPASSWORD",
        ],
        "redis" => &["--env", "REDIS_HOST=redis", "--env", "REDIS_STREAM=orders"],
        "webhook" => &["--secret", "hooks:key=WEBHOOK_SECRET"],
        "blank" | "directory" => &[],
        other => panic!("what does {other} need?"),
    }
}

fn all_templates() -> impl Iterator<Item = &'static str> {
    template::ALL.iter().map(|template| template.name)
}

fn has_consumer(template: &str) -> bool {
    template::named(template).unwrap().has_consumer()
}

const IMAGE: &[&str] = &["--image", "registry.example.com/orders:1"];

fn validate(world: &World, file: &str) -> Ran {
    Ran::from(
        world
            .command(&["validate", "--max-warnings", "0", file])
            .current_dir(world.directory.path())
            .output()
            .unwrap(),
    )
}

#[test]
fn every_answer_has_a_flag() {
    let world = World::local();
    fs::write(world.path("main.sh"), "#!/bin/bash\nwhile true; do consume; done\n").unwrap();
    let flags = [
        "--description",
        "Orders as they come",
        "--project",
        "shop",
        "--env",
        "TOPIC=orders",
        "--env",
        "EMPTY=",
        "--secret",
        "db:password=PGPASSWORD",
        "--secret",
        "tls=/etc/tls",
        "--output-branch",
        "staging",
        "--cpu",
        "500m",
        "--memory",
        "64Mi",
        "--stdin-script",
        "main.sh",
    ];
    let ran = create(&world, &[&["orders"], IMAGE, &flags].concat());
    assert_eq!(ran.expect(0).text(), "orders.json\n");
    ran.says("has to have a secret db with the key password");
    let spec: Value = serde_json::from_slice(&fs::read(world.path("orders.json")).unwrap()).unwrap();
    assert_eq!(
        spec,
        json!({
            "pipeline": {"name": "orders", "project": {"name": "shop"}},
            "description": "Orders as they come",
            "spout": {},
            "transform": {
                "image": "registry.example.com/orders:1",
                "cmd": ["bash"],
                "stdin": ["#!/bin/bash", "while true; do consume; done"],
                "env": {"TOPIC": "orders", "EMPTY": ""},
                "secrets": [
                    {"name": "db", "key": "password", "envVar": "PGPASSWORD"},
                    {"name": "tls", "mountPath": "/etc/tls"},
                ],
            },
            "outputBranch": "staging",
            "resourceRequests": {"cpu": 0.5, "memory": "64Mi"},
            "resourceLimits": {"memory": "64Mi"},
        })
    );
    assert_eq!(validate(&world, "orders.json").expect(0).text(), "");
}

#[test]
fn a_command_is_a_line_or_the_end_of_the_command_line() {
    let world = World::local();
    let line = [
        &["orders", "-o", "-"],
        IMAGE,
        &["--cmd", "python3 -u '/app/my main.py'"],
    ]
    .concat();
    let words = [
        &["orders", "-o", "-"],
        IMAGE,
        &["--", "python3", "-u", "/app/my main.py"],
    ]
    .concat();
    let [line, words] = [line, words].map(|args| create(&world, &args).expect(0).text());
    assert_eq!(line, words);
    assert!(
        line.contains(r#""cmd": ["python3", "-u", "/app/my main.py"]"#),
        "{line}"
    );
    // Standard output has the spec alone, and no file is made.
    assert!(line.starts_with('{'), "{line}");
    assert!(!world.path("orders.json").exists() && !world.path("-").exists());
}

#[test]
fn what_is_missing_is_one_usage_error_that_lists_all_of_it() {
    let world = World::local();
    for args in [&["--template", "kafka"][..], &["--template", "kafka", "--no-input"]] {
        let ran = create(&world, args);
        ran.expect(2).says("4 answers are missing");
        for argument in ["NAME", "--image IMAGE", "--env HOST=…", "--env TOPIC=…"] {
            ran.says(argument);
        }
        assert_eq!(ran.stderr.matches("error:").count(), 1, "{}", ran.stderr);
    }
    create(&world, &[&["orders"], IMAGE].concat())
        .expect(2)
        .says("--cmd LINE");
    assert_eq!(fs::read_dir(world.directory.path()).unwrap().count(), 0);
}

#[test]
fn an_answer_that_validate_would_find_is_refused_with_the_rule() {
    let world = World::local();
    for (args, rule) in [
        (
            &["my_spout", "--image", "a:1", "--cmd", "main"][..],
            "spout-name-not-dns",
        ),
        (&["orders", "--image", "python", "--cmd", "main"], "image-tag"),
        (
            &["orders", "--image", "a:1", "--cmd", "kcat | put"],
            "cmd-no-shell-expansion",
        ),
        (
            &["orders", "--image", "a:1", "--cmd", "main", "--memory", "64MB"],
            "quantity-invalid",
        ),
        (
            &["orders", "--image", "a:1", "--cmd", "main", "--env", "API_TOKEN=x"],
            "env-plaintext-secret",
        ),
        (
            &words("orders --image a:1 --cmd main --project p --pachyderm 1.13"),
            "field-not-in-version",
        ),
    ] {
        create(&world, args).expect(2).says(&format!("[{rule}]"));
    }
    assert_eq!(fs::read_dir(world.directory.path()).unwrap().count(), 0);
    let args = ["orders", "--image", "python", "--cmd", "main", "--no-lint"];
    create(&world, &args).expect(0);
    fs::write(world.path("spoutctl.toml"), "[validate]\nignore = [\"image-tag\"]\n").unwrap();
    // The project has its own mind about it.
    create(&world, &["orders", "--image", "python", "--cmd", "main", "--force"]).expect(0);
}

#[test]
fn answers_that_cannot_be_read_are_usage_errors() {
    let world = World::local();
    for (flags, says) in [
        (&["--env", "TOPIC"][..], "NAME=VALUE"),
        (&["--secret", "db:password"], "SECRET:KEY=VARIABLE"),
        (&["--cpu", "half"], "0.5 or 500m"),
        (&["--cmd", "echo 'x"], "quote"),
        (&["--template", "amqp"], "kcat"),
        (&["--template", "kafka", "--cmd", "main"], "brings its own program"),
        (&["--cmd", "main", "--", "main"], "cannot be used with"),
        (&["--with-code", "code", "--cmd", "main"], "cannot be used with"),
    ] {
        create(&world, &[&["orders"], IMAGE, flags].concat())
            .expect(2)
            .says(says);
    }
}

#[test]
fn a_script_has_to_be_there_and_of_a_size_that_a_spec_can_have() {
    let world = World::local();
    let args = [&["orders"], IMAGE, &["--stdin-script", "main.sh"]].concat();
    create(&world, &args).expect(3).says("cannot read main.sh");
    fs::write(world.path("main.sh"), "#\n".repeat(600_000)).unwrap();
    create(&world, &args).expect(3).says("larger than 1 MiB");
    // One that comes to its end is no spout.
    fs::write(world.path("main.sh"), "#!/bin/sh\necho once\n").unwrap();
    create(&world, &args).expect(2).says("[spout-exits]");
    assert!(!world.path("orders.json").exists());
}

#[test]
fn a_file_that_is_there_is_replaced_only_when_told_so() {
    let world = World::local();
    let args = [&["orders"], IMAGE, &["--cmd", "main"]].concat();
    fs::write(world.path("orders.json"), "mine").unwrap();
    create(&world, &args).expect(2).says("orders.json");
    assert_eq!(fs::read_to_string(world.path("orders.json")).unwrap(), "mine");
    create(&world, &[&args[..], &["--force"]].concat()).expect(0);
    assert!(fs::read_to_string(world.path("orders.json")).unwrap().starts_with('{'));
    // With code: nothing at all is written when one of the files is there.
    fs::create_dir(world.path("code")).unwrap();
    fs::write(world.path("code/Dockerfile"), "mine").unwrap();
    let args = [&["orders"], IMAGE, &["--with-code", "code"]].concat();
    create(&world, &args).expect(2).says("code/Dockerfile");
    assert_eq!(fs::read_dir(world.path("code")).unwrap().count(), 1);
}

#[test]
fn the_format_is_that_of_the_files_ending_unless_said() {
    let world = World::local();
    let begin = [&["orders"], IMAGE, &["--cmd", "main"]].concat();
    let written = |flags: &[&str]| {
        let ran = create(&world, &[&begin[..], flags].concat());
        fs::read_to_string(world.path(ran.expect(0).text().trim())).unwrap()
    };
    assert!(written(&["-o", "a.yaml"]).starts_with("pipeline:"));
    assert!(written(&["-o", "a.yml"]).starts_with("pipeline:"));
    assert!(written(&["-o", "a.json"]).starts_with('{'));
    assert!(written(&["-o", "deep/er/a"]).starts_with('{'));
    assert!(written(&["-o", "b.yaml", "--format", "json"]).starts_with('{'));
    assert!(written(&["--format", "yaml"]).starts_with("pipeline:"));
    assert!(world.path("orders.yaml").exists());
    assert_eq!(validate(&world, "a.yaml").expect(0).text(), "");
}

#[test]
fn every_template_writes_a_spec_without_a_finding_and_code_that_belongs_to_it() {
    let world = World::local();
    for template in all_templates() {
        let begin = [&["orders", "--template", template], IMAGE, needed(template)].concat();
        let code = [&begin[..], &["--with-code", template]].concat();
        let ran = create(&world, &code);
        let files: &[&str] = if has_consumer(template) {
            &["entrypoint.sh", "Dockerfile", "README.md", "orders.json"]
        } else {
            &["Dockerfile", "README.md", "orders.json"]
        };
        let files: Vec<String> = files.iter().map(|file| format!("{template}/{file}")).collect();
        assert_eq!(ran.expect(0).lines(), files);
        if has_consumer(template) {
            let script = world.path(&format!("{template}/entrypoint.sh"));
            assert_eq!(fs::metadata(&script).unwrap().permissions().mode() & 0o700, 0o700);
        }
        let readme = fs::read_to_string(world.path(&format!("{template}/README.md"))).unwrap();
        assert!(readme.contains("spoutctl validate orders.json"), "{readme}");
        let spec = format!("{template}/orders.json");
        assert_eq!(validate(&world, &spec).expect(0).text(), "");
        if template != "blank" {
            let file = format!("{template}.yaml");
            let ran = create(&world, &[&begin[..], &["-o", &file]].concat());
            ran.expect(0).says(if has_consumer(template) {
                "the image has to have bash, spoutctl, "
            } else {
                "the image has to have spoutctl with Kafka built in, as a release has it"
            });
            assert_eq!(validate(&world, &file).expect(0).text(), "");
        }
    }
}

#[test]
fn shellcheck_finds_nothing_in_any_script() {
    if !has_program("shellcheck") {
        skip("shellcheck is not installed");
        return;
    }
    let world = World::local();
    let mut scripts = Vec::new();
    for template in all_templates().filter(|template| has_consumer(template)) {
        for branch in [&[][..], &["--output-branch", "staging"]] {
            let code = format!("{template}{}", branch.len());
            let begin = [&["orders", "--template", template], IMAGE, needed(template), branch].concat();
            create(&world, &[&begin[..], &["--with-code", &code]].concat()).expect(0);
            scripts.push(world.path(&format!("{code}/entrypoint.sh")));
            if template == "blank" {
                continue;
            }
            // The same as a part of the spec.
            let spec = create(&world, &[&begin[..], &["-o", "-"]].concat());
            let spec: Value = serde_json::from_slice(&spec.expect(0).stdout).unwrap();
            let cmd = spec["transform"]["cmd"].as_array().unwrap();
            let inline = world.path(&format!("{code}.sh"));
            let script = cmd.last().unwrap().as_str().unwrap();
            fs::write(&inline, format!("#!/bin/bash\n{script}")).unwrap();
            scripts.push(inline);
        }
    }
    // What the webhook's script writes is a script itself.
    let webhook = fs::read_to_string(world.path("webhook0/entrypoint.sh")).unwrap();
    let (_, receive) = webhook.split_once("<<'END'\n").unwrap();
    fs::write(world.path("receive.sh"), receive.split_once("\nEND\n").unwrap().0).unwrap();
    scripts.push(world.path("receive.sh"));
    let output = Command::new("shellcheck")
        .arg("--enable=quote-safe-variables")
        .args(&scripts)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let with_script = all_templates().filter(|template| has_consumer(template)).count();
    assert_eq!(scripts.len(), 2 * (2 * with_script - 1) + 1);
}
