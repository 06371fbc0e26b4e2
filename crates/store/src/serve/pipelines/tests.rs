//! What the recordings do not ask; each answer was pachd 2.12's.

use serde_json::{Value, json};

use super::*;
use crate::Store;
use spoutctl_core::release::Release;
use spoutctl_proto::pfs::{
    CreateProjectRequest, CreateRepoRequest, DeleteRepoRequest, InspectBranchRequest, ListCommitRequest,
    StartCommitRequest,
};
use spoutctl_proto::pps::{
    InspectJobSetRequest, ListJobRequest, ListJobSetRequest, StopJobRequest, StopPipelineRequest,
};

struct Fixture {
    service: Service,
    dir: tempfile::TempDir,
}

fn request<T: serde::de::DeserializeOwned>(message: Value) -> T {
    serde_json::from_value(message).unwrap()
}

fn spec(name: &str) -> Value {
    json!({"pipeline": {"name": name}, "transform": {"cmd": ["x"]}, "spout": {}})
}

impl Fixture {
    fn new() -> Self {
        Self::of(Dialect::default())
    }

    fn of(dialect: Dialect) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let service = Service::new(Store::open(dir.path()).unwrap().as_pachd(dialect)).unwrap();
        Self { service, dir }
    }

    fn send(&self, text: &str, how: Value) -> Result<String, Status> {
        let mut message = how;
        message["createPipelineRequestJson"] = text.into();
        let answer = self.service.create_pipeline_v2(&Call::default(), &request(message))?;
        Ok(answer.effective_create_pipeline_request_json)
    }

    fn create(&self, spec: &Value) -> Result<String, Status> {
        self.send(&spec.to_string(), json!({}))
    }

    fn inspect(&self, name: &str) -> Result<Value, Status> {
        let message = json!({"pipeline": {"name": name}, "details": true});
        let info = self.service.inspect_pipeline(&Call::default(), &request(message))?;
        Ok(info.schema.complete(&info.value))
    }

    fn delete(&self, message: Value) -> Result<(), Status> {
        let request: DeletePipelineRequest = request(message);
        self.service.delete_pipeline(&Call::default(), &request).map(|_| ())
    }

    fn delete_repo(&self, name: &str) -> Result<bool, Status> {
        let request: DeleteRepoRequest = request(json!({"repo": repo(name), "force": true}));
        Ok(self.service.delete_repo(&Call::default(), request)?.deleted)
    }

    fn provenance(&self, name: &str) -> usize {
        let request: InspectBranchRequest = request(json!({"branch": {"repo": repo(name), "name": "master"}}));
        let info = self.service.inspect_branch(&Call::default(), &request).unwrap();
        assert_eq!(info.provenance.len(), info.direct_provenance.len());
        info.provenance.len()
    }

    fn commits(&self, name: &str) -> Vec<Value> {
        let request: ListCommitRequest = request(json!({"repo": repo(name)}));
        let mut found = Vec::new();
        let mut take = |info| {
            found.push(serde_json::to_value(info).unwrap());
            ControlFlow::Continue(())
        };
        self.service.list_commit(&Call::default(), &request, &mut take).unwrap();
        found
    }
}

fn repo(name: &str) -> Value {
    json!({"name": name, "type": "user", "project": {"name": "default"}})
}

fn refusal(result: Result<String, Status>) -> (Code, String) {
    let status = result.expect_err("it was not refused");
    (status.code, status.message)
}

#[test]
fn a_spout_begins_with_an_empty_commit_and_an_update_adds_none() {
    let fixture = Fixture::new();
    fixture.create(&spec("a")).unwrap();
    let first = fixture.inspect("a").unwrap();
    let commits = fixture.commits("a");
    assert_eq!(commits.len(), 1);
    let begun = &commits[0];
    assert_eq!(
        (&begun["origin"]["kind"], &begun["description"]),
        (&json!("AUTO"), &json!("close spout commit"))
    );
    assert_eq!(begun["commit"]["id"], first["specCommit"]["id"]);
    let answer = fixture
        .send(&spec("a").to_string(), json!({"update": true, "reprocess": true}))
        .unwrap();
    assert!(
        answer.contains(r#""update":true, "#) && answer.contains(r#""reprocess":true, "#),
        "{answer}"
    );
    assert_eq!(fixture.commits("a").len(), 1);
    let second = fixture.inspect("a").unwrap();
    assert_eq!((&first["version"], &second["version"]), (&json!("1"), &json!("2")));
    assert_ne!(first["specCommit"]["id"], second["specCommit"]["id"]);
    assert_ne!(
        first["details"]["salt"], second["details"]["salt"],
        "what was done is done again"
    );
    fixture.send(&spec("a").to_string(), json!({"update": true})).unwrap();
    let third = fixture.inspect("a").unwrap();
    assert_eq!(second["details"]["salt"], third["details"]["salt"]);
    assert_eq!(first["details"]["createdAt"], third["details"]["createdAt"]);
}

#[test]
fn pipelines_survive_a_restart() {
    let fixture = Fixture::new();
    fixture.create(&spec("a")).unwrap();
    let before = fixture.inspect("a").unwrap();
    let Fixture { service, dir } = fixture;
    drop(service);
    let service = Service::new(Store::open(dir.path()).unwrap()).unwrap();
    assert_eq!(Fixture { service, dir }.inspect("a").unwrap(), before);
}

#[test]
fn a_stopped_spout_is_told_so_and_lets_others_write() {
    let fixture = Fixture::new();
    fixture.create(&spec("a")).unwrap();
    assert_eq!(fixture.provenance("a"), 1);
    let name = json!({"pipeline": {"name": "a"}});
    let stop = |message| fixture.service.stop_pipeline(&Call::default(), &request(message));
    stop(name.clone()).unwrap();
    let stopped = fixture.inspect("a").unwrap();
    assert_eq!(
        (&stopped["stopped"], &stopped["state"]),
        (&json!(true), &json!("PIPELINE_PAUSED"))
    );
    assert_eq!(fixture.provenance("a"), 0);
    fixture.send(&spec("a").to_string(), json!({"update": true})).unwrap();
    assert_eq!(
        fixture.inspect("a").unwrap()["stopped"],
        true,
        "an update starts nothing"
    );
    fixture
        .service
        .start_pipeline(&Call::default(), &request(name))
        .unwrap();
    assert_eq!(fixture.inspect("a").unwrap()["state"], "PIPELINE_STARTING");
    assert_eq!(fixture.provenance("a"), 1);
    let nobody = json!({"pipeline": {"name": "nope"}});
    stop(nobody.clone()).unwrap();
    let text = "pipeline was not inspected: couldn't find up to date spec for pipeline \"default/nope\": pick commit tx: \
                commit default/nope.spec@ not found\nrepo default/nope.spec not found\npipeline \"default/nope\" not found";
    let missing = fixture.service.start_pipeline(&Call::default(), &request(nobody));
    assert_eq!(missing, Err(Status::not_found(text)));
    let minded = stop(json!({"pipeline": {"name": "nope"}, "mustExist": true}));
    assert_eq!(minded, Err(Status::not_found(text)));
}

#[test]
fn a_deleted_pipeline_takes_its_repo_along_unless_that_is_kept() {
    let fixture = Fixture::new();
    fixture.create(&spec("a")).unwrap();
    fixture.create(&spec("b")).unwrap();
    let text = "delete repo: error checking whether repo \"default/a\" can be deleted: cannot delete a repo associated \
                with a pipeline - delete the pipeline instead";
    assert_eq!(fixture.delete_repo("a"), Err(Status::unknown(text)));
    fixture.delete(json!({"pipeline": {"name": "a"}})).unwrap();
    assert!(fixture.inspect("a").is_err());
    assert_eq!(fixture.delete_repo("a"), Ok(false), "it went along");
    fixture
        .delete(json!({"pipeline": {"name": "b"}, "keepRepo": true}))
        .unwrap();
    assert_eq!(fixture.provenance("b"), 0);
    let text = "pipeline \"b\" cannot be created because a repo with the same name already exists";
    for how in [json!({}), json!({"update": true})] {
        let again = fixture.send(&spec("b").to_string(), how);
        assert_eq!(refusal(again), (Code::Unknown, text.to_owned()));
    }
    fixture.delete(json!({"pipeline": {"name": "nope"}})).unwrap();
    let minded = fixture
        .delete(json!({"pipeline": {"name": "nope"}, "mustExist": true}))
        .unwrap_err();
    assert!(
        minded
            .message
            .starts_with("error stopping pipeline default/nope: pipeline was not inspected: ")
    );
}

/// Their names are nobody's fields: a proxy is named in both.
#[test]
fn variables_that_differ_in_case_or_by_a_line_are_two() {
    let fixture = Fixture::new();
    let text = r#"{"pipeline":{"name":"p"},"transform":{"cmd":["x"],"env":{"http_proxy":"1","HTTP_PROXY":"2","httpproxy":"3"}},
        "spout":{}}"#;
    fixture.send(text, json!({})).unwrap();
    let env = &fixture.inspect("p").unwrap()["details"]["transform"]["env"];
    assert_eq!(env, &json!({"http_proxy": "1", "HTTP_PROXY": "2", "httpproxy": "3"}));
}

#[test]
fn a_spec_that_would_be_told_at_a_multiple_of_its_length_is_refused() {
    let fixture = Fixture::new();
    let many = vec![json!({}); 10_000];
    let spec = json!({"pipeline": {"name": "p"}, "transform": {"cmd": ["x"]}, "spout": {}, "tolerations": many});
    let refused = Status::invalid("spoutctl serve takes a spec of 10,000 messages at most, and this one has 10,004");
    assert_eq!(fixture.create(&spec), Err(refused.clone()));
    assert_eq!(fixture.service.create_pipeline(&Call::default(), &spec), Err(refused));
}

#[test]
fn braces_in_the_texts_of_a_spec_are_no_messages() {
    let fixture = Fixture::new();
    let script = "f() { echo; }\n".repeat(10_001);
    let spec = json!({"pipeline": {"name": "p"}, "transform": {"cmd": ["sh"], "stdin": [script]}, "spout": {}});
    fixture.create(&spec).unwrap();
    let cut = format!("{{\"description\": {:?}", "{".repeat(10_001));
    let said = fixture.send(&cut, json!({})).unwrap_err().message;
    assert!(said.ends_with("proto: unexpected EOF"), "{}", &said[said.len() - 100..]);
}

/// What reads its repo has the right by its token alone.
#[test]
fn a_deleted_pipelines_token_is_good_for_nothing() {
    let fixture = Fixture::new();
    fixture.create(&spec("p")).unwrap();
    let store = &fixture.service.store;
    let digest = [7; 32];
    store
        .change(|work| work.add_token(&digest, "pipeline:default/p", None))
        .unwrap();
    fixture
        .delete(json!({"pipeline": {"name": "p"}, "keepRepo": true}))
        .unwrap();
    assert_eq!(store.token(&digest), Ok(None));
}

#[test]
fn what_is_no_spec_is_refused_at_its_place() {
    let fixture = Fixture::new();
    let begin = r#"{"pipeline":{"name":"ply"},"transform":{"cmd":"#;
    for (rest, words) in [
        (
            r#""x"},"spout":{}}"#,
            "syntax error (line 1:47): unexpected token \"x\"",
        ),
        (r#"["x"],"cmd":[]},"spout":{}}"#, "(line 1:53): duplicate field \"cmd\""),
        (
            r#"["x"],"env":{"A":"1","A":"2"}},"spout":{}}"#,
            "(line 1:68): duplicate map key \"A\"",
        ),
        (
            r#"["x"]},"datum_tries":1,"datumTries":1,"spout":{}}"#,
            "(line 1:70): duplicate field \"datumTries\"",
        ),
        (
            r#"["x"]},"spout":{},"parallelism_spec":{"constant":-3}}"#,
            "(line 1:96): invalid value for uint64 type: -3",
        ),
        (
            r#"["x"]},"spout":{},"datum_tries":"abc"}"#,
            "(line 1:79): invalid value for int64 type: \"abc\"",
        ),
        (r#"["x"]},"spout":{},}"#, "syntax error (line 1:65): unexpected token }"),
    ] {
        let text = format!("{begin}{rest}");
        let expected = format!(
            "could not make effective spec: could not parse {text} as Create Pipeline Request message: proto: {words}"
        );
        assert_eq!(
            refusal(fixture.send(&text, json!({}))),
            (Code::InvalidArgument, expected)
        );
    }
    for (text, words) in [
        ("[]", "syntax error (line 1:1): unexpected token ["),
        ("", "syntax error (line 1:1): unexpected token "),
    ] {
        let (_, message) = refusal(fixture.send(text, json!({})));
        assert!(message.ends_with(&format!("message: proto: {words}")), "{message}");
    }
}

#[test]
fn what_pachd_has_against_a_spec_is_said_in_its_words() {
    let fixture = Fixture::new();
    let with = |more: Value| {
        let mut spec = spec("ply");
        for (name, value) in more.as_object().unwrap() {
            spec[name] = value.clone();
        }
        spec
    };
    for (spec, code, words) in [
        (
            with(json!({"pipeline": {"name": "ply", "project": {"name": "nope"}}})),
            Code::InvalidArgument,
            "could not make effective spec: could not get defaults for project nope: could not get defaults for project \
             nope: error getting project \"nope\": get project by name: project \"nope\" not found",
        ),
        (
            with(json!({"pipeline": {"name": ""}})),
            Code::Unknown,
            "invalid pipeline spec: request.Pipeline.Name cannot be empty",
        ),
        (
            with(json!({"s3_out": true})),
            Code::Unknown,
            "s3 output is not supported in spouts or services",
        ),
        (
            with(json!({"autoscaling": true})),
            Code::Unknown,
            "autoscaling can't be used with spouts (spouts aren't triggered externally)",
        ),
        (
            with(json!({"transform": {"image": "", "cmd": ["x"]}})),
            Code::Unknown,
            "invalid transform: pipeline transform must contain an image",
        ),
        (with(json!({"pod_patch": "{"})), Code::Unknown, "malformed PodPatch"),
        (
            with(json!({"transform": {"secrets": [{"name": "s", "env_var": "V"}]}})),
            Code::Unknown,
            "secret s has env_var set but is missing key",
        ),
        (
            json!({"pipeline": {"name": "ply"}, "transform": {"cmd": ["x"]}, "input": {"cron": {"name": "c", "spec": "@daily"}}}),
            Code::Unimplemented,
            "spoutctl serve has no clock for pipelines: it keeps none with a cron input",
        ),
        (
            json!({"pipeline": {"name": "ply"}, "transform": {"cmd": ["x"]}, "input": {"pfs": {"repo": "r", "glob": "/*"}}}),
            Code::NotFound,
            "repo default/r not found",
        ),
    ] {
        assert_eq!(refusal(fixture.create(&spec)), (code, words.to_owned()));
        assert!(fixture.inspect("ply").is_err());
    }
    let (code, words) = refusal(fixture.create(&with(json!({"reprocess_spec": "abc"}))));
    assert_eq!(code, Code::InvalidArgument);
    assert!(
        words.starts_with("could not make effective spec: invalid effective spec {\"datumTries\":\"3\",")
            && words.ends_with("ReprocessSpec must be one of \"until_success\" or \"every_job\""),
        "{words}"
    );
    fixture
        .service
        .create_project(
            &Call::default(),
            &request::<CreateProjectRequest>(json!({"project": {"name": "p"}})),
        )
        .unwrap();
    fixture
        .create(&with(json!({"pipeline": {"name": "ply", "project": {"name": "p"}}})))
        .unwrap();
}

#[test]
fn what_is_null_takes_a_default_away() {
    let fixture = Fixture::new();
    let mut spec = spec("a");
    spec["resource_requests"] = Value::Null;
    let answer = fixture.create(&spec).unwrap();
    assert!(
        !answer.contains("resourceRequests") && answer.contains("sidecarResourceRequests"),
        "{answer}"
    );
}

#[test]
fn pipelines_are_listed_by_project_and_name() {
    let fixture = Fixture::new();
    fixture.create(&spec("a")).unwrap();
    fixture.create(&spec("b")).unwrap();
    let list = |message: Value| {
        let mut names = Vec::new();
        let mut take = |info: DynamicMessage| {
            names.push(info.value["pipeline"]["name"].as_str().unwrap().to_owned());
            ControlFlow::Continue(())
        };
        let listed = fixture
            .service
            .list_pipeline(&Call::default(), &request(message), &mut take);
        listed.map(|()| names)
    };
    // As pachctl asks.
    let all = list(json!({"history": "0", "commitSet": {"id": ""}}));
    assert_eq!(all, Ok(vec!["b".to_owned(), "a".to_owned()]));
    assert_eq!(list(json!({"pipeline": {"name": "a"}})), Ok(vec!["a".to_owned()]));
    assert_eq!(list(json!({"projects": [{"name": "p"}]})), Ok(Vec::new()));
    let page = list(json!({"page": {"pageSize": "1", "pageIndex": "1"}}));
    assert_eq!(page, Ok(vec!["a".to_owned()]));
    let filtered = list(json!({"jqFilter": ".state"})).unwrap_err();
    assert_eq!(filtered.code, Code::Unimplemented);
}

#[test]
fn a_job_that_nobody_does_is_told_as_pachctl_reads_it() {
    let fixture = Fixture::new();
    let call = Call::default();
    let made: CreateRepoRequest = request(json!({"repo": repo("r")}));
    fixture.service.create_repo(&call, made).unwrap();
    let spec = json!({"pipeline": {"name": "p"}, "transform": {"cmd": ["x"]}, "input": {"cross": [
        {"pfs": {"repo": "r", "glob": "/*"}}, {"pfs": {"repo": "r", "name": "again", "branch": "b", "glob": "/"}}]}});
    fixture.create(&spec).unwrap();
    let begun: StartCommitRequest = request(json!({"branch": {"repo": repo("r"), "name": "master"}}));
    let id = fixture.service.start_commit(&call, begun).unwrap().id;
    let input = &fixture.inspect("p").unwrap()["details"]["input"];
    assert_eq!(input["cross"][0]["pfs"]["name"], "r");
    assert_eq!(input["cross"][1]["pfs"]["name"], "again");
    let told = |job: &Value| {
        let place = &job["details"]["input"]["cross"][0]["pfs"];
        (
            job["state"].clone(),
            job["stats"].is_object(),
            place["commit"].clone(),
            place["project"].clone(),
        )
    };
    let expected = (json!("JOB_CREATED"), true, json!(id), json!("default"));
    let listing: ListJobRequest = request(json!({"pipeline": {"name": "p"}, "details": true}));
    let mut jobs = Vec::new();
    let mut take = |job: DynamicMessage| {
        jobs.push(job.value);
        ControlFlow::Continue(())
    };
    fixture.service.list_job(&call, &listing, &mut take).unwrap();
    assert_eq!(jobs.first().map(told), Some(expected), "the newest is told first");
    let mut sets = Vec::new();
    let mut take = |set: DynamicMessage| {
        sets.push(set.schema.complete(&set.value));
        ControlFlow::Continue(())
    };
    let all: ListJobSetRequest = request(json!({}));
    fixture.service.list_job_set(&call, &all, &mut take).unwrap();
    assert_eq!(sets.len(), jobs.len());
    assert_eq!(
        (&sets[0]["jobSet"]["id"], &sets[0]["jobs"][0]["job"]["id"]),
        (&json!(id), &json!(id))
    );
    let stop: StopJobRequest = request(json!({"job": {"pipeline": {"name": "p"}, "id": id}}));
    fixture.service.stop_job(&call, &stop).unwrap();
    // It has ended, so that there is nothing to wait for.
    let waiting: InspectJobSetRequest = request(json!({"jobSet": {"id": id}, "wait": true}));
    let mut states = Vec::new();
    let mut take = |job: DynamicMessage| {
        states.push((
            job.value["state"].clone(),
            job.value["started"] == job.value["finished"],
        ));
        ControlFlow::Continue(())
    };
    fixture.service.inspect_job_set(&call, &waiting, &mut take).unwrap();
    assert_eq!(states, [(json!("JOB_KILLED"), true)]);
}

/// In the words of 2.12 and of 2.3; `pipeline` reads `a`.
#[test]
fn what_a_pipeline_reads_is_deleted_by_force_alone() {
    let newest = [
        "branch \"default/a@master\" cannot be deleted because it's in the direct provenance of \
         [default/pipeline@master default/pipeline.meta@master]",
        "delete repo: delete branch default/a@master: ",
    ];
    let older = [
        "branch master has [pipeline.meta@master pipeline@master] as subvenance, deleting it would break those branches",
        "error deleting branches: delete branch a@master: ",
    ];
    let spec = json!({"pipeline": {"name": "pipeline"}, "transform": {"image": "i:1", "cmd": ["x"]},
        "input": {"pfs": {"repo": "a", "glob": "/*"}}});
    let before_projects = Dialect::of(Release::new(2, 3, 9)).unwrap();
    for (dialect, [text, steps]) in [(Dialect::default(), newest), (before_projects, older)] {
        let fixture = Fixture::of(dialect);
        let made: CreateRepoRequest = request(json!({"repo": repo("a")}));
        fixture.service.create_repo(&Call::default(), made).unwrap();
        fixture.create(&spec).unwrap();
        let branch = |force| request(json!({"branch": {"repo": repo("a"), "name": "master"}, "force": force}));
        let deleted = |force| fixture.service.delete_branch(&Call::default(), branch(force));
        assert_eq!(deleted(false), Err(Status::unknown(text)));
        let whole = |force| request::<DeleteRepoRequest>(json!({"repo": repo("a"), "force": force}));
        let refused = fixture.service.delete_repo(&Call::default(), whole(false));
        assert_eq!(refused, Err(Status::unknown(format!("{steps}{text}"))));
        deleted(true).unwrap();
        let gone = |force| fixture.service.delete_repo(&Call::default(), whole(force));
        gone(true).unwrap();
        // Of a repo that is not there nobody reads anything, and a pipeline that is stopped has no provenance.
        gone(false).unwrap();
        let made: CreateRepoRequest = request(json!({"repo": repo("a")}));
        fixture.service.create_repo(&Call::default(), made).unwrap();
        let stop: StopPipelineRequest = request(json!({"pipeline": {"name": "pipeline"}}));
        fixture.service.stop_pipeline(&Call::default(), &stop).unwrap();
        gone(false).unwrap();
    }
}

/// In 2.12; a 2.3 says that there is none.
#[test]
fn a_set_of_commits_that_is_not_there_is_dropped_whatever_its_id() {
    let drop = |fixture: &Fixture, id: &str| {
        let request = request(json!({"commitSet": {"id": id}}));
        fixture.service.drop_commit_set(&Call::default(), &request)
    };
    let squash = |fixture: &Fixture, id: &str| {
        let request = request(json!({"commitSet": {"id": id}}));
        fixture.service.squash_commit_set(&Call::default(), request)
    };
    let before = Fixture::of(Dialect::of(Release::new(2, 3, 9)).unwrap());
    for id in ["a@master", "00000000000040000000000000000000"] {
        drop(&Fixture::new(), id).unwrap();
        squash(&Fixture::new(), id).unwrap();
        let missing = Status::not_found(format!("no commits found for commitset {id}"));
        assert_eq!(drop(&before, id), Err(missing.clone()));
        assert_eq!(squash(&before, id), Err(missing));
    }
}

/// Seen on 2.3.9 and 2.12.0.
#[test]
fn repos_and_provenance_come_in_the_order_of_the_release() {
    for (minor, expected) in [(3, ["b", "a", "c"]), (12, ["a", "b", "c"])] {
        let fixture = Fixture::of(Dialect::of(Release::new(2, minor, 0)).unwrap());
        for name in ["c", "a", "b"] {
            let made: CreateRepoRequest = request(json!({"repo": repo(name)}));
            fixture.service.create_repo(&Call::default(), made).unwrap();
        }
        let mut names = Vec::new();
        let mut take = |info: spoutctl_proto::pfs::RepoInfo| {
            names.push(info.repo.unwrap().name);
            ControlFlow::Continue(())
        };
        let all = request(json!({"type": "user"}));
        fixture.service.list_repo(&Call::default(), &all, &mut take).unwrap();
        assert_eq!(names, expected, "2.{minor}");

        let spec = json!({"pipeline": {"name": "bb"}, "transform": {"image": "i:1", "cmd": ["x"]}, "input": {"cross": [
            {"pfs": {"repo": "c", "glob": "/"}}, {"pfs": {"repo": "a", "glob": "/"}}]}});
        fixture.create(&spec).unwrap();
        let of: InspectBranchRequest = request(json!({"branch": {"repo": repo("bb"), "name": "master"}}));
        let branch = fixture.service.inspect_branch(&Call::default(), &of).unwrap();
        let sources = branch.provenance.into_iter().map(|branch| branch.repo.unwrap().name);
        assert_eq!(sources.collect::<Vec<_>>(), ["a", "bb", "c"], "2.{minor}");
    }
}

/// Before 2.6 others hear that a branch is a pipeline's, since then that its head is open (seen on 2.5.9 and 2.12.0).
#[test]
fn a_commit_on_an_output_branch_is_refused_in_the_order_of_the_release() {
    let spec = json!({"pipeline": {"name": "p"}, "transform": {"image": "i:1", "cmd": ["x"]},
        "input": {"pfs": {"repo": "a", "glob": "/*"}}});
    for (minor, expected) in [
        (3, "cannot start a commit on an output branch: p@master"),
        (12, "has not been finished"),
    ] {
        let fixture = Fixture::of(Dialect::of(Release::new(2, minor, 0)).unwrap());
        let made: CreateRepoRequest = request(json!({"repo": repo("a")}));
        fixture.service.create_repo(&Call::default(), made).unwrap();
        fixture.create(&spec).unwrap();
        let start = |name: &str| {
            let begun: StartCommitRequest = request(json!({"branch": {"repo": repo(name), "name": "master"}}));
            fixture.service.start_commit(&Call::default(), begun)
        };
        start("a").unwrap();
        let refused = start("p").unwrap_err();
        assert!(refused.message.ends_with(expected), "2.{minor}: {}", refused.message);
    }
}
