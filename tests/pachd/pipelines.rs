//! Output branches belong to their pipelines, and that is said before anything is sent.

use serde_json::{Value, json};

use crate::lab::{Lab, is_before, is_lacking};
use crate::runner::{Ran, tar};

/// Makes a pipeline of the test's name: its output repo is the test's.
fn create(lab: &Lab, spec: &Value) {
    let mut spec = spec.clone();
    spec["pipeline"] = json!({"name": lab.repo});
    spec["transform"] = json!({"cmd": ["true"], "image": "none"});
    lab.ask("pps_v2.API/CreatePipeline", &spec);
}

fn refused(lab: &Lab) -> String {
    let ran = lab.put(&[], &tar(&[("a", b"x")]));
    ran.expect(4);
    assert_eq!(ran.text(), "");
    assert!(
        ran.stderr
            .contains(&format!("{}@master is the output branch", lab.repo)),
        "{}",
        ran.stderr
    );
    ran.stderr
}

#[test]
fn a_spouts_output_branch_is_refused_in_the_words_of_a_spout() {
    if is_lacking("closed output branches") {
        return;
    }
    let lab = Lab::without_repo();
    create(&lab, &json!({"spout": {}}));
    let said = refused(&lab);
    assert!(said.contains(&format!("of spout `{}`", lab.repo)), "{said}");
    assert!(
        said.contains(&format!("spoutctl put {}-in --create-repo", lab.repo)),
        "{said}"
    );
}

#[test]
fn a_transforms_output_branch_is_refused_in_the_words_of_a_pipeline() {
    if is_lacking("closed output branches") {
        return;
    }
    let Some(input) = Lab::with_jobs() else { return };
    input.make_repo();
    let Some(lab) = Lab::with_jobs() else { return };
    create(&lab, &json!({"input": {"pfs": {"repo": input.repo, "glob": "/*"}}}));
    let said = refused(&lab);
    assert!(said.contains(&format!("of pipeline `{}`", lab.repo)), "{said}");
    assert!(said.contains("input repos"), "{said}");
}

#[test]
fn a_spec_that_was_created_from_flags_becomes_a_pipeline_is_updated_and_compared() {
    if is_lacking("pipelines that are made by us") {
        return;
    }
    let lab = Lab::without_repo();
    let spec = lab.path("spec.yaml").display().to_string();
    let write = |image: &str| {
        let args = [
            "create", &lab.repo, "--image", image, "--cmd", "main", "--force", "-o", &spec,
        ];
        lab.run(&args).expect(0);
    };
    write("a:1");
    let name = format!("default/{}", lab.repo);
    let created = lab.run(&["create", "-f", &spec]);
    assert_eq!(created.expect(0).text(), format!("{name}   version 1   created\n"));
    lab.run(&["create", "-f", &spec])
        .expect(4)
        .says("already exists")
        .says("--update");
    if is_before(8) {
        let untried = lab.run(&["create", "-f", &spec, "-n"]);
        untried.expect(4).says("of before 2.8").says("without --dry-run");
        write("a:2");
    } else {
        lab.run(&["create", "-f", &spec, "-n"])
            .expect(0)
            .says("has this very spec");
        write("a:2");
        let tried = lab.run(&["create", "-f", &spec, "--dry-run", "--update"]);
        let text = tried.expect(0).text();
        let changed = "\n-    \"image\": \"a:1\"\n+    \"image\": \"a:2\"\n";
        assert!(text.contains(changed), "{text}");
        let lines = text.lines().filter(|line| line.starts_with(['-', '+']));
        assert_eq!(lines.count(), 4, "{text}");
    }
    let updated = lab.run(&["create", "-f", &spec, "--update"]);
    assert_eq!(updated.expect(0).text(), format!("{name}   version 2   updated\n"));
}

#[test]
fn a_secret_that_is_missing_is_shown_at_its_line() {
    if is_lacking("pipelines that are made by us") {
        return;
    }
    let Some(lab) = Lab::with_jobs() else { return };
    let spec = lab.path("spec.yaml").display().to_string();
    let args = ["create", &lab.repo, "--image", "a:1", "--cmd", "main", "-o", &spec];
    lab.run(&args).expect(0);
    let secret = "no-such-secret-of-spoutctl";
    let text =
        std::fs::read_to_string(&spec).unwrap() + &format!("  secrets: [{{name: {secret}, key: k, envVar: V}}]\n");
    std::fs::write(&spec, text).unwrap();
    let line = format!("error[refused-by-server]: pachd refuses this spec: missing Kubernetes secret {secret}");
    let refused = lab.run(&["create", "-f", &spec]);
    if is_before(3) {
        // Nobody looks for it there.
        refused.expect(0);
        return;
    }
    refused.expect(4).says(&format!("spec.yaml:7:20: {line}"));
}

#[test]
fn a_caller_without_the_role_is_told_what_an_update_needs() {
    let Some(lab) = Lab::with_auth() else { return };
    create(&lab, &json!({"spout": {}}));
    let robot = lab.ask("auth_v2.API/GetRobotToken", &json!({"robot": lab.repo, "ttl": "600"}));
    let spec = lab.path("spec.yaml");
    let text = format!(
        "pipeline: {{name: {}}}\nspout: {{}}\ntransform: {{image: 'a:1', cmd: [main]}}\n",
        lab.repo
    );
    std::fs::write(&spec, text).unwrap();
    let args = ["create", "-f", spec.to_str().unwrap(), "--update"];
    let ran = lab
        .command(&args)
        .env("PACH_TOKEN", robot["token"].as_str().unwrap())
        .output()
        .unwrap();
    let ran = Ran::from(ran);
    ran.expect(4).says("REPO_WRITE").says(&format!("robot:{}", lab.repo));
    let updated = lab.run(&args);
    assert_eq!(
        updated.expect(0).text(),
        format!("default/{}   version 2   updated\n", lab.repo)
    );
}
