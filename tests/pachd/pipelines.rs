//! Output branches belong to their pipelines, and that is said before anything is sent.

use serde_json::{Value, json};

use crate::lab::Lab;
use crate::runner::tar;

/// Makes a pipeline of the test's name: its output repo is the test's.
fn create(lab: &Lab, spec: &Value) {
    let mut spec = spec.clone();
    spec["pipeline"] = json!({"name": lab.repo});
    spec["transform"] = json!({"cmd": ["true"], "image": "none"});
    let request = json!({"createPipelineRequestJson": spec.to_string()});
    lab.ask("pps_v2.API/CreatePipelineV2", &request);
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
    let Some(lab) = Lab::with_pipelines() else { return };
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
    let Some(input) = Lab::with_pipelines() else { return };
    input.make_repo();
    let Some(lab) = Lab::with_pipelines() else { return };
    create(&lab, &json!({"input": {"pfs": {"repo": input.repo, "glob": "/*"}}}));
    let said = refused(&lab);
    assert!(said.contains(&format!("of pipeline `{}`", lab.repo)), "{said}");
    assert!(said.contains("input repos"), "{said}");
}
