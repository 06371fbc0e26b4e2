//! `validate` next to what people check specs with: a JSON schema, and pachctl's own reading of one spec.
//!
//! `check-jsonschema` is asked with the schema that `SPOUTCTL_BENCH_SCHEMA` names (Pachyderm publishes one for
//! `CreatePipelineRequest`); `pachctl` is found on the path, or where `SPOUTCTL_BENCH_PACHCTL` says. What is missing is
//! left out, and that is said.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::Sizes;
use crate::race::{Race, Work, timed};
use crate::samples::{Samples, spoutctl};

pub fn measure(samples: &Samples, sizes: &Sizes) -> Result<()> {
    let directory = samples.fresh("specs")?;
    for number in 0..sizes.specs {
        fs::write(directory.join(format!("{number:05}.json")), spec(number, false))?;
    }
    let tools = Tools::find();
    many(
        &format!("validate: {} specs without a fault", sizes.specs),
        &directory,
        &tools,
        sizes,
    )?;
    for number in (0..sizes.specs).step_by(10) {
        fs::write(directory.join(format!("{number:05}.json")), spec(number, true))?;
    }
    // A schema cannot be asked about what is no JSON: ours alone.
    many(
        &format!("validate: {} specs, of which every tenth has faults", sizes.specs),
        &directory,
        &Tools::default(),
        sizes,
    )?;
    one(&directory.join("00001.json"), &tools, sizes)
}

/// About a kilobyte, as people write them; with a comma too few and a name that fails when it is broken.
fn spec(number: u64, broken: bool) -> String {
    let (comma, name) = if broken { ("", "Events_") } else { (",", "events-") };
    let topics: Vec<String> = (0..8)
        .map(|topic| format!("      \"TOPIC_{topic}\": \"sensors.{number}.{topic}\""))
        .collect();
    format!(
        r#"{{
  "pipeline": {{"name": "{name}{number}"}},
  "description": "Reads the sensors of hall {number} and keeps what they say, an archive a minute.",
  "spout": {{}},
  "transform": {{
    "image": "registry.example.com/halls/events:1.4.{number}",
    "cmd": ["python3", "/app/main.py", "--hall", "{number}"],
    "env": {{
{}
    }},
    "secrets": [{{"name": "kafka-credentials", "key": "password", "env_var": "KAFKA_LOGIN"}}]
  }}{comma}
  "resource_requests": {{"cpu": 0.5, "memory": "256Mi"}},
  "resource_limits": {{"cpu": 1, "memory": "512Mi"}}
}}
"#,
        topics.join(",\n")
    )
}

/// The programs to compare with, as far as they are here.
#[derive(Default)]
struct Tools {
    check_jsonschema: Option<(OsString, PathBuf)>,
    pachctl: Option<OsString>,
}

impl Tools {
    fn find() -> Self {
        let program = |variable: &str, name: &str| std::env::var_os(variable).unwrap_or_else(|| name.into());
        let check = program("SPOUTCTL_BENCH_CHECK_JSONSCHEMA", "check-jsonschema");
        let pachctl = program("SPOUTCTL_BENCH_PACHCTL", "pachctl");
        let schema = std::env::var_os("SPOUTCTL_BENCH_SCHEMA").map(PathBuf::from);
        Self {
            check_jsonschema: schema
                .filter(|_| is_there(&check, "--version"))
                .map(|schema| (check, schema))
                .or_else(|| left_out("check-jsonschema (it and SPOUTCTL_BENCH_SCHEMA are needed)")),
            pachctl: Some(pachctl)
                .filter(|program| is_there(program, "help"))
                .or_else(|| left_out("pachctl")),
        }
    }
}

fn is_there(program: &OsString, argument: &str) -> bool {
    let ran = Command::new(program)
        .arg(argument)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    ran.is_ok_and(|status| status.success())
}

fn left_out<T>(what: &str) -> Option<T> {
    println!("\nleft out: {what}");
    None
}

fn many(title: &str, directory: &Path, tools: &Tools, sizes: &Sizes) -> Result<()> {
    let mut race = Race::new(title, Work::Files(sizes.specs))
        .contender("spoutctl validate DIR", || {
            verdict(
                spoutctl("local:none")
                    .args(["validate", "--no-config", "-q"])
                    .arg(directory),
            )
        })
        .contender("cat DIR/*, which only reads", || {
            verdict(
                Command::new("sh")
                    .arg("-c")
                    .arg("find . -type f -exec cat {} +")
                    .current_dir(directory),
            )
        });
    if let Some((program, schema)) = &tools.check_jsonschema {
        race = race.contender("check-jsonschema", move || {
            let mut files = Command::new("sh");
            files
                .current_dir(directory)
                .env("SCHEMA", schema)
                .env("PROGRAM", program);
            verdict(files.arg("-c").arg("exec \"$PROGRAM\" --schemafile \"$SCHEMA\" *.json"))
        });
    }
    race.run(sizes.rounds)
}

fn one(file: &Path, tools: &Tools, sizes: &Sizes) -> Result<()> {
    let mut race = Race::new("validate: one spec, from the start of the process", Work::Files(1))
        .contender("spoutctl validate FILE", || {
            verdict(spoutctl("local:none").args(["validate", "--no-config", "-q"]).arg(file))
        });
    if let Some((program, schema)) = &tools.check_jsonschema {
        race = race.contender("check-jsonschema", move || {
            verdict(Command::new(program).arg("--schemafile").arg(schema).arg(file))
        });
    }
    if let Some(program) = &tools.pachctl {
        race = race.contender("pachctl validate pipeline", move || {
            verdict(Command::new(program).args(["validate", "pipeline", "-f"]).arg(file))
        });
    }
    race.run(sizes.rounds)
}

/// How long the program takes to a verdict, whichever it is.
fn verdict(command: &mut Command) -> Result<Duration> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    timed(|| match command.status()?.code() {
        Some(0 | 1) => Ok(()),
        other => bail!("{command:?} ended with {other:?}"),
    })
}
