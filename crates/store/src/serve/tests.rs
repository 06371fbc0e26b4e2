//! The calls about repos, branches, commits and transactions, against what the recordings say of them.

use crate::Store;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use spoutctl_core::pfs::FileSetId;
use spoutctl_core::sink::{Change, Changes as FileChanges, CommitSink};

struct Fixture {
    service: Service,
    dir: tempfile::TempDir,
}

fn read<T: for<'de> Deserialize<'de>>(message: &Value) -> T {
    serde_json::from_value(message.clone()).unwrap()
}

fn repo(name: &str) -> Value {
    json!({"name": name, "type": "user", "project": {"name": "default"}})
}

fn branch(repo_name: &str, name: &str) -> Value {
    json!({"repo": repo(repo_name), "name": name})
}

fn by_id(repo_name: &str, id: &str) -> Value {
    json!({"repo": repo(repo_name), "id": id})
}

fn by_branch(repo_name: &str, name: &str) -> Value {
    json!({"repo": repo(repo_name), "branch": branch(repo_name, name)})
}

fn status(code: Code, message: impl Into<String>) -> Status {
    Status::new(code, message)
}

/// One file with these bytes.
struct OneFile<'a>(Option<(&'a str, &'a str)>);

impl FileChanges for OneFile<'_> {
    fn next(&mut self) -> io::Result<Option<Change<'_>>> {
        Ok(self.0.take().map(|(path, data)| Change::Append {
            path,
            data: data.to_owned().into(),
        }))
    }
}

impl Fixture {
    /// With the repos `ev` and `au`.
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let service = Service::new(Store::open(temporary.path()).unwrap()).unwrap();
        for name in ["ev", "au"] {
            let request = read(&json!({"repo": repo(name)}));
            service.create_repo(&Call::default(), request).unwrap();
        }
        Self {
            service,
            dir: temporary,
        }
    }

    fn start(&self, call: &Call, request: &Value) -> Result<String, Status> {
        Ok(self.service.start_commit(call, read(request))?.id)
    }

    fn start_on(&self, repo_name: &str, branch_name: &str) -> String {
        let request = json!({"branch": branch(repo_name, branch_name), "description": "mark"});
        self.start(&Call::default(), &request).unwrap()
    }

    fn finish(&self, request: &Value) -> Result<(), Status> {
        self.service.finish_commit(&Call::default(), read(request)).map(|_| ())
    }

    fn inspect(&self, request: &Value) -> Result<Value, Status> {
        let info = self.service.inspect_commit(&Call::default(), &read(request))?;
        Ok(serde_json::to_value(info).unwrap())
    }

    /// A commit with one file, as it is when it is finished.
    fn commit(&self, branch_name: &str, path: &str, data: &str) -> Value {
        let id = self.start_on("ev", branch_name);
        self.add(&id, path, data);
        self.finish(&json!({"commit": by_id("ev", &id)})).unwrap();
        self.inspect(&json!({"commit": by_id("ev", &id), "wait": "FINISHED"}))
            .unwrap()
    }

    fn add(&self, id: &str, path: &str, data: &str) {
        let file_set = self.upload(path, data);
        let commit = self.service.pick(&read(&by_id("ev", id))).unwrap();
        self.service
            .change(|work| work.add_file_set(&commit, &file_set))
            .unwrap();
    }

    fn upload(&self, path: &str, data: &str) -> FileSetId {
        self.service
            .store
            .create_file_set(&mut OneFile(Some((path, data))))
            .unwrap()
    }

    fn list(&self, request: &Value) -> Result<Vec<Value>, Status> {
        let mut found = Vec::new();
        self.service
            .list_commit(&Call::default(), &read(request), &mut |info| {
                found.push(serde_json::to_value(info).unwrap());
                ControlFlow::Continue(())
            })?;
        Ok(found)
    }

    fn ids(&self, request: &Value) -> Vec<String> {
        let infos = self.list(request).unwrap();
        infos.iter().map(|info| id_of(info).to_owned()).collect()
    }

    fn begin(&self) -> Call {
        let transaction = self.service.start_transaction(&Call::default()).unwrap();
        Call::new(Some(transaction.id))
    }

    fn end(&self, call: &Call) -> Result<Value, Status> {
        let request = json!({"transaction": {"id": call.transaction}});
        let info = self.service.finish_transaction(&Call::default(), &read(&request))?;
        Ok(serde_json::to_value(info).unwrap())
    }
}

fn id_of(info: &Value) -> &str {
    info["commit"]["id"].as_str().unwrap()
}

/// http 007–011.
#[test]
fn a_repo_is_made_once_and_inspected_with_its_details() {
    let Fixture { service, .. } = &Fixture::new();
    let call = &Call::default();
    let again = service.create_repo(call, read(&json!({"repo": repo("ev")})));
    assert_eq!(
        again,
        Err(status(Code::AlreadyExists, "repo default/ev already exists"))
    );
    let missing = service.inspect_repo(call, &read(&json!({"repo": repo("nope")})));
    assert_eq!(missing, Err(status(Code::NotFound, "repo default/nope not found")));
    let bad = service.create_repo(call, read(&json!({"repo": repo("bad name!")})));
    let text = "name (bad name!) invalid: only alphanumeric characters, underscores, and dashes are allowed";
    assert_eq!(bad, Err(status(Code::Unknown, text)));
    let info = service.inspect_repo(call, &read(&json!({"repo": repo("ev")}))).unwrap();
    let mut info = serde_json::to_value(info).unwrap();
    assert!(info["created"].take().is_string());
    let expected = json!({"repo": repo("ev"), "created": null, "sizeBytesUpperBound": "0", "description": "",
        "branches": [], "authInfo": null, "details": {"sizeBytes": "0"}, "metadata": {}});
    assert_eq!(info, expected);
}

/// http 111–112, and pachd 2.12's text for a project that is missing.
#[test]
fn a_repo_needs_its_project() {
    let Fixture { service, .. } = &Fixture::new();
    let call = &Call::default();
    let in_p1 = json!({"repo": {"name": "ev", "type": "user", "project": {"name": "p1"}}});
    let text = "cannot find project \"p1\": get project by name: project \"p1\" not found";
    assert_eq!(
        service.create_repo(call, read(&in_p1)),
        Err(status(Code::NotFound, text))
    );
    let project = json!({"project": {"name": "p1"}});
    service.create_project(call, &read(&project)).unwrap();
    service.create_repo(call, read(&in_p1)).unwrap();
    let text = "project \"p1\" already exists\nproject p1 already exists";
    let again = service.create_project(call, &read(&project));
    assert_eq!(again, Err(status(Code::AlreadyExists, text)));
    let missing = service.delete_project(call, &read(&json!({"project": {"name": "p2"}})));
    let text = "delete project \"p2\": project \"p2\" not found";
    assert_eq!(missing, Err(status(Code::NotFound, text)));
}

/// http 046–055.
#[test]
fn an_open_head_admits_no_second_commit_and_a_closed_one_nothing_more() {
    let fixture = Fixture::new();
    let id = fixture.start_on("ev", "master");
    let request = json!({"branch": branch("ev", "master")});
    let text =
        format!("start commit in transaction: create commit: parent commit default/ev@{id} has not been finished");
    assert_eq!(
        fixture.start(&Call::default(), &request),
        Err(status(Code::Unknown, text))
    );
    let commit = json!({"commit": by_id("ev", &id)});
    fixture.service.clear_commit(&Call::default(), &read(&commit)).unwrap();
    fixture.finish(&commit).unwrap();
    let text = format!("commit default/ev@{id} has already finished");
    assert_eq!(fixture.finish(&commit), Err(status(Code::Unknown, text)));
    let cleared = fixture.service.clear_commit(&Call::default(), &read(&commit));
    assert_eq!(cleared, Err(status(Code::Unknown, "cannot clear finished commit")));
    // http 058: the head is perhaps not finished yet, and closed is enough.
    fixture.start(&Call::default(), &request).unwrap();
}

/// p 001–006, 011–014, and http 015.
#[test]
fn a_commit_is_told_as_pachd_tells_it() {
    let fixture = Fixture::new();
    let first = fixture.commit("master", "/a", "one");
    let second = fixture.start_on("ev", "master");
    let open = fixture.inspect(&json!({"commit": by_id("ev", &second)})).unwrap();
    assert_eq!((&open["finishing"], &open["finished"]), (&Value::Null, &Value::Null));
    let no_times = json!({"sizeBytes": "0", "compactingTime": null, "validatingTime": null});
    assert_eq!(open["details"], no_times);
    let done = json!({"commit": by_id("ev", &second), "description": "mark done"});
    fixture.finish(&done).unwrap();
    let wait = json!({"commit": by_branch("ev", "master"), "wait": "FINISHED"});
    let mut info = fixture.inspect(&wait).unwrap();
    for time in ["started", "finishing", "finished", "createdAt", "updatedAt"] {
        assert!(info[time].take().is_string(), "{time}");
    }
    let expected = json!({"commit": {"repo": repo("ev"), "id": second, "branch": null}, "origin": {"kind": "USER"},
        "description": "mark done", "parentCommit": {"repo": repo("ev"), "id": id_of(&first), "branch": null},
        "childCommits": [], "started": null, "finishing": null, "finished": null, "directProvenance": [],
        "directSubvenance": [], "error": "", "sizeBytesUpperBound": "0",
        "details": {"sizeBytes": "3", "compactingTime": "0s", "validatingTime": "0s"}, "metadata": {},
        "createdBy": "", "createdAt": null, "updatedAt": null});
    assert_eq!(info, expected);
    // http 077: a child has its branch.
    let first = fixture.inspect(&json!({"commit": by_id("ev", id_of(&first))})).unwrap();
    let child = json!([{"repo": repo("ev"), "id": second, "branch": branch("ev", "master")}]);
    assert_eq!(first["childCommits"], child);
}

/// http 045 and follow 022–026.
#[test]
fn a_collision_and_a_commit_given_up_end_with_an_error() {
    let fixture = Fixture::new();
    fixture.commit("clash", "/p", "x");
    let clash = fixture.commit("clash", "/p/q", "x");
    assert_eq!(clash["error"], "file / directory path collision (/p/q)");
    let checked = json!({"sizeBytes": "2", "compactingTime": "0s", "validatingTime": "0s"});
    assert_eq!(clash["details"], checked);
    let id = fixture.start_on("ev", "o");
    fixture
        .finish(&json!({"commit": by_id("ev", &id), "error": "given up"}))
        .unwrap();
    let given_up = fixture
        .inspect(&json!({"commit": by_id("ev", &id), "wait": "FINISHED"}))
        .unwrap();
    assert_eq!(given_up["error"], "given up");
    let unchecked = json!({"sizeBytes": "0", "compactingTime": null, "validatingTime": null});
    assert_eq!(given_up["details"], unchecked);
    let after = fixture.commit("o", "/after", "x");
    assert_eq!(after["parentCommit"]["id"], id);
    assert_eq!(after["details"]["sizeBytes"], "1");
}

/// p 017–020, 098–100, http 057.
#[test]
fn a_commit_is_named_by_id_or_branch_with_or_without_a_repo() {
    let fixture = Fixture::new();
    let id = id_of(&fixture.commit("master", "/a", "x")).to_owned();
    let second = id_of(&fixture.commit("master", "/b", "x")).to_owned();
    let found = |commit: Value| id_of(&fixture.inspect(&json!({"commit": commit})).unwrap()).to_owned();
    assert_eq!(found(json!({"id": id, "branch": branch("ev", "master")})), id, "p 100");
    assert_eq!(
        found(json!({"repo": {"name": "ev", "type": "user"}, "id": id})),
        id,
        "http 057"
    );
    assert_eq!(found(by_id("ev", "master")), second, "a branch's name for an id");
    assert_eq!(found(by_id("ev", "master^")), id);
    assert_eq!(
        found(json!({"repo": repo("ev"), "id": id, "branch": branch("ev", "nope")})),
        id,
        "the id wins"
    );
    let refused = |commit: Value| fixture.inspect(&json!({"commit": commit})).unwrap_err();
    let text = "pick commit tx: commit default/ev@ not found\nbranch \"nope\" not found in repo default/ev";
    assert_eq!(refused(by_branch("ev", "nope")), status(Code::NotFound, text), "p 098");
    let text = "pick commit tx: commit default/nope@ not found\nrepo default/nope not found";
    assert_eq!(
        refused(by_branch("nope", "master")),
        status(Code::NotFound, text),
        "p 099"
    );
    let third = fixture.start_on("ev", "master");
    let set = json!({"commitSet": {"id": third}});
    fixture.service.drop_commit_set(&Call::default(), &read(&set)).unwrap();
    let text = format!("pick commit tx: commit default/ev@{third} not found\ncommit default/ev@{third} not found");
    assert_eq!(
        refused(by_id("ev", &third)),
        status(Code::NotFound, text.clone()),
        "p 020"
    );
    let finished = fixture.finish(&json!({"commit": by_id("ev", &third)}));
    assert_eq!(
        finished,
        Err(status(Code::NotFound, format!("finish commit in transaction: {text}"))),
        "p 019"
    );
    assert_eq!(found(by_branch("ev", "master")), second);
    fixture.service.drop_commit_set(&Call::default(), &read(&set)).unwrap();
}

/// http 076–077, follow 006–008, 028–031, 035.
#[test]
fn commits_are_listed_from_and_to_and_without_those_that_went() {
    let fixture = Fixture::new();
    let ids: Vec<String> = (1..=4)
        .map(|n| id_of(&fixture.commit("master", &format!("/{n}"), "x")).to_owned())
        .collect();
    let [one, two, three, four] = [0, 1, 2, 3].map(|at: usize| ids[at].as_str());
    let all = json!({"repo": repo("ev")});
    assert_eq!(fixture.ids(&all), [four, three, two, one]);
    assert_eq!(
        fixture.ids(&json!({"repo": repo("ev"), "number": "2", "reverse": true})),
        [one, two]
    );
    let range = json!({"repo": repo("ev"), "from": by_id("ev", one), "to": by_id("ev", three)});
    assert_eq!(fixture.ids(&range), [three, two]);
    let of_kind = |kind| fixture.ids(&json!({"repo": repo("ev"), "originKind": kind})).len();
    assert_eq!((of_kind("USER"), of_kind("AUTO"), of_kind("FSCK")), (4, 0, 0));
    let reverse = json!({"repo": repo("ev"), "to": by_branch("ev", "master"), "reverse": true});
    let text = "cannot use 'Reverse' while also using 'From' or 'To'";
    assert_eq!(fixture.list(&reverse), Err(status(Code::Unknown, text)));
    assert_eq!(fixture.list(&all).unwrap()[0]["sizeBytesUpperBound"], "4");

    let service = &fixture.service;
    let call = &Call::default();
    service
        .drop_commit(call, &read(&json!({"commit": by_id("ev", four)})))
        .unwrap();
    service
        .squash_commit(call, &read(&json!({"commit": by_id("ev", two)})))
        .unwrap();
    let line = json!({"repo": repo("ev"), "to": by_branch("ev", "master")});
    let left = fixture.list(&line).unwrap();
    assert_eq!(left.iter().map(id_of).collect::<Vec<_>>(), [three, one]);
    assert_eq!(left[0]["parentCommit"]["id"], one);
    assert_eq!(
        left[0]["details"]["sizeBytes"], "3",
        "what was squashed is in its child"
    );
    let gone = json!({"repo": repo("ev"), "from": by_id("ev", two), "to": by_branch("ev", "master")});
    let text = format!("pick commit tx: commit default/ev@{two} not found\ncommit default/ev@{two} not found");
    assert_eq!(fixture.list(&gone), Err(status(Code::NotFound, text)));
}

/// The texts are those of pachd 2.12.
#[test]
fn only_a_commit_without_children_is_dropped_and_only_one_with_finished_ones_squashed() {
    let fixture = Fixture::new();
    let one = id_of(&fixture.commit("master", "/a", "x")).to_owned();
    let service = &fixture.service;
    let call = &Call::default();
    let request = read(&json!({"commit": by_id("ev", &one)}));
    let text = format!(
        "cannot squash a commit that has no children as that would cause data loss, use the drop operation instead: \
         default/ev@{one}"
    );
    assert_eq!(service.squash_commit(call, &request), Err(status(Code::Unknown, text)));
    let open = fixture.start_on("ev", "master");
    let text = format!("cannot squash until child commit default/ev@{open} is finished");
    assert_eq!(service.squash_commit(call, &request), Err(status(Code::Unknown, text)));
    let text = format!("cannot drop a commit that has children: default/ev@{one}");
    assert_eq!(service.drop_commit(call, &request), Err(status(Code::Unknown, text)));
}

/// The text is that of pachd 2.12.
#[test]
fn an_ancestor_that_a_commit_does_not_have_is_refused() {
    let fixture = Fixture::new();
    let [_, two] = ["/a", "/b"].map(|path| id_of(&fixture.commit("master", path, "x")).to_owned());
    let ancestor = |mark: &str| fixture.inspect(&json!({"commit": by_id("ev", &format!("{two}{mark}"))}));
    assert_eq!(ancestor("^").unwrap()["childCommits"][0]["id"], two);
    let text = format!(
        "pick commit tx: picking commit: invalid offset for ancestor of commit: default/ev.user@{two}, offset \
         requested: 3, offset traversable: 1"
    );
    assert_eq!(ancestor("~3"), Err(status(Code::Unknown, text)));
}

/// Its commits stay and have no branch any more, as in pachd 2.12, also when there is one of that name again.
#[test]
fn a_branch_that_is_made_again_does_not_have_the_commits_of_the_one_before() {
    let fixture = Fixture::new();
    let service = &fixture.service;
    let call = &Call::default();
    let [one, two] = ["/a", "/b"].map(|path| id_of(&fixture.commit("master", path, "x")).to_owned());
    let master = json!({"branch": branch("ev", "master"), "head": by_id("ev", &two)});
    service.delete_branch(call, read(&master)).unwrap();
    service.create_branch(call, read(&master)).unwrap();
    let three = id_of(&fixture.commit("master", "/c", "x")).to_owned();
    let children = |id| fixture.inspect(&json!({"commit": by_id("ev", id)})).unwrap()["childCommits"].take();
    assert_eq!(children(&one), json!([{"repo": repo("ev"), "id": two, "branch": null}]));
    assert_eq!(children(&two)[0]["branch"], branch("ev", "master"));
    let mut heard = None;
    let request = json!({"repo": repo("ev"), "branch": "master", "state": "FINISHED"});
    let listening = service.subscribe_commit(call, &read(&request), &mut |info| {
        heard = Some(serde_json::to_value(info).unwrap());
        ControlFlow::Break(())
    });
    listening.unwrap();
    assert_eq!(id_of(&heard.unwrap()), three);
}

/// http 078–080, follow 036, and pachd 2.12's empty first commit.
#[test]
fn a_branch_is_made_moved_listed_and_forgotten() {
    let fixture = Fixture::new();
    let service = &fixture.service;
    let call = &Call::default();
    let one = id_of(&fixture.commit("master", "/a", "x")).to_owned();
    fixture.commit("master", "/b", "x");
    let empty = json!({"branch": branch("ev", "empty")});
    service.create_branch(call, read(&empty)).unwrap();
    let head = fixture.inspect(&json!({"commit": by_branch("ev", "empty")})).unwrap();
    assert_eq!(head["origin"]["kind"], "AUTO");
    assert!(head["finished"].is_string());
    let moved = json!({"branch": branch("ev", "master"), "head": by_id("ev", &one)});
    service.create_branch(call, read(&moved)).unwrap();
    let info = service
        .inspect_branch(call, &read(&json!({"branch": branch("ev", "master")})))
        .unwrap();
    let info = serde_json::to_value(info).unwrap();
    assert_eq!(info["head"], json!({"repo": repo("ev"), "id": one, "branch": null}));
    let mut names = Vec::new();
    let listed = service.list_branch(call, &read(&json!({"repo": repo("ev")})), &mut |info| {
        names.push(info.branch.unwrap().name);
        ControlFlow::Continue(())
    });
    assert_eq!(
        (listed, names),
        (Ok(()), vec!["empty".to_owned(), "master".to_owned()]),
        "the newest first"
    );
    let piped = json!({"branch": branch("ev", "out"), "provenance": [branch("au", "master")]});
    let piped = service.create_branch(call, read(&piped)).unwrap_err();
    assert_eq!(piped.code, Code::Unimplemented);
    service.delete_branch(call, read(&empty)).unwrap();
    let text = "inspect branch in transaction: branch (id=0, branch=default/ev@empty) not found\nbranch \"empty\" not \
                found in repo default/ev";
    let gone = service.inspect_branch(call, &read(&empty));
    assert_eq!(gone, Err(status(Code::NotFound, text)), "http 079");
    let text = "get branch \"default/ev.user@empty\": branch (id=0, branch=default/ev@empty) not found";
    assert_eq!(
        service.delete_branch(call, read(&empty)),
        Err(status(Code::NotFound, text))
    );
}

#[test]
fn a_deleted_repo_is_gone_with_all_that_is_in_it() {
    let fixture = Fixture::new();
    let id = id_of(&fixture.commit("master", "/a", "x")).to_owned();
    fixture.commit("fork", "/a", "x");
    fixture.start_on("ev", "master");
    let request = json!({"repo": repo("ev")});
    let delete = || {
        fixture
            .service
            .delete_repo(&Call::default(), read(&request))
            .unwrap()
            .deleted
    };
    assert!(delete());
    assert!(!delete(), "pachd says so of one that is not there");
    assert_eq!(
        fixture.list(&request).unwrap_err().message,
        "ensure repo exists: repo default/ev not found"
    );
    assert!(fixture.inspect(&json!({"commit": by_id("ev", &id)})).is_err());
    fixture.service.create_repo(&Call::default(), read(&request)).unwrap();
    fixture.commit("master", "/b", "y");
}

/// p 021–028.
#[test]
fn a_transaction_happens_when_it_is_finished_and_names_its_commits() {
    let fixture = Fixture::new();
    let call = fixture.begin();
    let id = call.transaction.clone().unwrap();
    let request = json!({"branch": branch("ev", "master"), "description": "mark"});
    assert_eq!(fixture.start(&call, &request), Ok(id.clone()));
    let commit = json!({"commit": by_id("ev", &id)});
    let text = format!("pick commit tx: commit default/ev@{id} not found\ncommit default/ev@{id} not found");
    assert_eq!(fixture.inspect(&commit), Err(status(Code::NotFound, text)), "p 023");
    let mut info = fixture.end(&call).unwrap();
    assert!(info["started"].take().is_string());
    let expected = json!({"transaction": {"id": id},
        "requests": [{"createRepo": null, "deleteRepo": null,
            "startCommit": {"parent": null, "description": "mark", "branch": branch("ev", "master")},
            "finishCommit": null, "squashCommitSet": null, "createBranch": null, "deleteBranch": null,
            "updateJobState": null, "stopJob": null, "createPipelineV2": null}],
        "responses": [{"commit": {"repo": repo("ev"), "id": id, "branch": branch("ev", "master")}}],
        "started": null, "version": "1"});
    assert_eq!(info, expected, "p 024");
    let gone = status(Code::NotFound, format!("transactions {id} not found"));
    assert_eq!(fixture.end(&call), Err(gone.clone()), "p 025");
    let request = json!({"transaction": {"id": id}});
    let deleted = fixture.service.delete_transaction(&Call::default(), &read(&request));
    assert_eq!(deleted, Err(gone), "p 026");
    assert_eq!(id_of(&fixture.inspect(&commit).unwrap()), id, "p 027");
    fixture.finish(&commit).unwrap();
}

/// p 029–032.
#[test]
fn a_deleted_transaction_never_happens() {
    let fixture = Fixture::new();
    let call = fixture.begin();
    fixture
        .start(&call, &json!({"branch": branch("ev", "master")}))
        .unwrap();
    let request = json!({"transaction": {"id": call.transaction}});
    fixture
        .service
        .delete_transaction(&Call::default(), &read(&request))
        .unwrap();
    let text = format!("transactions {} not found", call.transaction.clone().unwrap());
    assert_eq!(fixture.end(&call), Err(status(Code::NotFound, text)));
    assert!(fixture.list(&json!({"repo": repo("ev")})).unwrap().is_empty());
}

/// p 033–036 and 052–055.
#[test]
fn a_request_that_is_refused_is_not_in_the_transaction() {
    let fixture = Fixture::new();
    let open = fixture.start_on("ev", "master");
    let call = fixture.begin();
    let text = format!(
        "error running request 1 of 1: start commit in transaction: create commit: parent commit default/ev@{open} has \
         not been finished"
    );
    let refused = fixture.start(&call, &json!({"branch": branch("ev", "master")}));
    assert_eq!(refused, Err(status(Code::Unknown, text)), "p 035");
    let info = fixture.end(&call).unwrap();
    assert_eq!(
        (&info["requests"], &info["version"]),
        (&json!([]), &json!("0")),
        "p 036"
    );

    let call = fixture.begin();
    let id = call.transaction.clone().unwrap();
    fixture.start(&call, &json!({"branch": branch("ev", "x1")})).unwrap();
    let text = format!(
        "error running request 2 of 2: start commit in transaction: create commit: commit default/ev.user@{id} already \
         exists\ninconsistent dependencies: cannot create commit from default/ev@{id}; repo (ev) already has a commit \
         in this transaction"
    );
    let refused = fixture.start(&call, &json!({"branch": branch("ev", "x2")}));
    assert_eq!(refused, Err(status(Code::AlreadyExists, text)), "p 054");
    assert_eq!(
        fixture.end(&call).unwrap()["responses"].as_array().unwrap().len(),
        1,
        "p 055"
    );
}

/// p 042–051.
#[test]
fn commits_of_two_repos_share_an_id_and_are_finished_together() {
    let fixture = Fixture::new();
    let call = fixture.begin();
    let id = call.transaction.clone().unwrap();
    for name in ["ev", "au"] {
        assert_eq!(
            fixture.start(&call, &json!({"branch": branch(name, "master")})),
            Ok(id.clone())
        );
    }
    assert_eq!(fixture.end(&call).unwrap()["version"], "2");
    let call = fixture.begin();
    for name in ["ev", "au"] {
        let request = json!({"commit": by_id(name, &id), "description": "m done"});
        fixture.service.finish_commit(&call, read(&request)).unwrap();
        assert_eq!(fixture.inspect(&request).unwrap()["finishing"], Value::Null);
    }
    let info = fixture.end(&call).unwrap();
    assert_eq!(info["responses"], json!([{"commit": null}, {"commit": null}]));
    for name in ["ev", "au"] {
        let info = fixture
            .inspect(&json!({"commit": by_id(name, &id), "wait": "FINISHED"}))
            .unwrap();
        assert_eq!(info["description"], "m done");
    }
    let mut set = 0;
    let request = read(&json!({"commitSet": {"id": id}}));
    let listed = fixture
        .service
        .inspect_commit_set(&Call::default(), &request, &mut |_| {
            set += 1;
            ControlFlow::Continue(())
        });
    assert_eq!((listed, set), (Ok(()), 2));
}

/// `put` and `get` with `local:DIR` may use what is served meanwhile.
#[test]
fn a_store_that_is_served_takes_local_writers_too() {
    const LINES: usize = 10;
    let fixture = &Fixture::new();
    let served = |n: usize| fixture.service.modify_master(&format!("served {n}\n"));
    let local = Store::open(fixture.dir.path()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| (0..LINES).for_each(served));
        scope.spawn(|| {
            for n in 0..LINES {
                let line = format!("local {n}\n");
                let file_set = local.create_file_set(&mut OneFile(Some(("/log", &line)))).unwrap();
                // Nobody leaves the head open here but this one.
                let id = local.start_commit(&master(), "").unwrap();
                let commit = spoutctl_core::pfs::Commit {
                    repo: master().repo,
                    branch: master().name,
                    id,
                };
                local.add_file_set(&commit, &file_set).unwrap();
                local.finish_commit(&commit, "", None).unwrap();
                assert!(local.wait_commit(&commit, Duration::from_secs(10)).unwrap().is_good());
            }
        });
    });
    let view = fixture
        .service
        .view(&Call::default(), &read(&by_branch("ev", "master")))
        .unwrap();
    let mut log = String::new();
    let file = view.file("/log").unwrap().unwrap();
    view.read(&file, 0).read_to_string(&mut log).unwrap();
    for who in ["served", "local"] {
        let lines: Vec<&str> = log.lines().filter(|line| line.starts_with(who)).collect();
        let expected: Vec<String> = (0..LINES).map(|n| format!("{who} {n}")).collect();
        assert_eq!(lines, expected, "each once, in order");
    }
}

fn master() -> spoutctl_core::pfs::Branch {
    let branch: spoutctl_proto::pfs::Branch = read(&branch("ev", "master"));
    (&branch).try_into().unwrap()
}

impl Service {
    fn modify_master(&self, line: &str) {
        let mut changes = OneFile(Some(("/log", line)));
        self.store
            .modify(&(&master()).into(), &mut changes, &|| Ok(()))
            .unwrap();
        self.changes.tell();
    }
}

#[test]
fn who_waits_for_a_commit_hears_of_its_end() {
    let fixture = &Fixture::new();
    let [finished, dropped] = ["a", "b"].map(|name| fixture.start_on("ev", name));
    std::thread::scope(|scope| {
        let wait = |id: &str| {
            let request = json!({"commit": by_id("ev", id), "wait": "FINISHED"});
            scope.spawn(move || fixture.inspect(&request))
        };
        let waiting = [wait(&finished), wait(&dropped)];
        std::thread::sleep(Duration::from_millis(30));
        fixture.finish(&json!({"commit": by_id("ev", &finished)})).unwrap();
        let set = read(&json!({"commitSet": {"id": dropped}}));
        fixture.service.drop_commit_set(&Call::default(), &set).unwrap();
        let [finished, dropped_info] = waiting.map(|thread| thread.join().unwrap());
        assert!(finished.unwrap()["finished"].is_string());
        let text = format!("inspect finishing or finished commit: commit default/ev@{dropped} was deleted");
        assert_eq!(dropped_info, Err(status(Code::NotFound, text)));
    });
}

#[test]
fn who_waits_is_let_go_when_the_service_stops_or_nobody_listens() {
    let fixture = &Fixture::new();
    let id = fixture.start_on("ev", "master");
    let request = json!({"commit": by_id("ev", &id), "wait": "FINISHED"});
    let call = Call::default();
    call.end();
    let answer = fixture.service.inspect_commit(&call, &read(&request));
    assert_eq!(answer.unwrap_err().code, Code::Cancelled);
    fixture.service.stop();
    assert_eq!(fixture.inspect(&request).unwrap_err().code, Code::Unavailable);
}

/// What would wait without end is ended, and answers so.
fn within_a_minute<T>(work: impl FnOnce(&Call) -> T) -> T {
    let call = Call::default();
    std::thread::scope(|scope| {
        let (done, is_done) = mpsc::channel::<()>();
        let waiting = call.clone();
        scope.spawn(move || {
            if is_done.recv_timeout(Duration::from_mins(1)) == Err(mpsc::RecvTimeoutError::Timeout) {
                waiting.end();
            }
        });
        let answer = work(&call);
        drop(done);
        answer
    })
}

#[test]
fn who_waits_for_a_commit_hears_why_it_cannot_be_finished_and_of_its_end_when_it_can() {
    let fixture = Fixture::new();
    let id = fixture.start_on("ev", "master");
    fixture.add(&id, "/f", "x");
    let database = rusqlite::Connection::open(fixture.dir.path().join("store.sqlite")).unwrap();
    database
        .execute_batch("ALTER TABLE versions RENAME TO elsewhere")
        .unwrap();
    fixture.finish(&json!({"commit": by_id("ev", &id)})).unwrap();
    let request = read(&json!({"commit": by_id("ev", &id), "wait": "FINISHED"}));
    let inspect = |call: &Call| fixture.service.inspect_commit(call, &request);
    let fault = within_a_minute(inspect).unwrap_err();
    assert_eq!(fault.code, Code::Internal, "{fault}");
    assert!(fault.message.contains("no such table"), "{fault}");
    database
        .execute_batch("ALTER TABLE elsewhere RENAME TO versions")
        .unwrap();
    fixture.service.changes.tell();
    // Until the next attempt the one before may be told.
    let mut answer = within_a_minute(inspect);
    let deadline = Instant::now() + Duration::from_mins(1);
    while answer.as_ref().is_err_and(|fault| fault.code == Code::Internal) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
        answer = within_a_minute(inspect);
    }
    assert!(answer.unwrap().finished.is_some());
}

/// Each of a pipeline's output commits is open until its job is done, which is never here.
#[test]
fn a_commit_on_an_open_one_is_refused_at_once() {
    let fixture = Fixture::new();
    let spec = json!({"pipeline": {"name": "tf"}, "transform": {"cmd": ["x"]}, "input": {"pfs": {"repo": "ev", "glob": "/*"}}});
    let request = read(&json!({"createPipelineRequestJson": spec.to_string()}));
    fixture.service.create_pipeline_v2(&Call::default(), &request).unwrap();
    for data in ["1", "2"] {
        fixture.commit("master", "/f", data);
    }
    let head = read(&by_branch("tf", "master"));
    let refused = || {
        let fault = within_a_minute(|call| fixture.service.view(call, &head).map(drop)).unwrap_err();
        assert_eq!(fault.code, Code::Unknown, "{fault}");
        assert!(
            fault.message.starts_with("base commit default/tf@") && fault.message.ends_with(" not finished"),
            "{fault}"
        );
    };
    refused();
    // So is a closed one, which is finished no earlier than what it goes on from.
    let ids = fixture.ids(&json!({"repo": repo("tf"), "all": true}));
    let (second, first) = (&ids[0], &ids[1]);
    let stop = read(&json!({"job": {"pipeline": {"name": "tf"}, "id": second}, "reason": "enough"}));
    fixture.service.stop_job(&Call::default(), &stop).unwrap();
    refused();
    let output: spoutctl_proto::pfs::Branch = read(&branch("tf", "master"));
    let output: spoutctl_core::pfs::Branch = (&output).try_into().unwrap();
    let commit = spoutctl_core::pfs::Commit {
        repo: output.repo,
        branch: output.name,
        id: spoutctl_core::pfs::CommitId::new(second).unwrap(),
    };
    let fault = fixture.service.store.wait_commit(&commit, Duration::ZERO).unwrap_err();
    let on_what = format!("not finished yet: it goes on from default/tf@{first}, which is still open");
    assert!(fault.message.ends_with(&on_what), "{fault}");
}

#[test]
fn what_a_killed_service_has_left_finishing_the_next_one_finishes() {
    let temporary = tempfile::tempdir().unwrap();
    let store = Store::open(temporary.path()).unwrap();
    let name: spoutctl_core::pfs::Repo = (&read::<spoutctl_proto::pfs::Repo>(&repo("ev"))).try_into().unwrap();
    store.create_repo(&name).unwrap();
    let branch = spoutctl_core::pfs::Branch {
        repo: name,
        name: spoutctl_core::pfs::BranchName::new("master").unwrap(),
    };
    // Closed, and nobody there to settle it: as after a kill.
    let id = store
        .change(|work| {
            let id = work.start_commit(&branch, None, "")?;
            work.finish_commit(&(&branch).into(), "", "")?;
            Ok(id)
        })
        .unwrap();
    let service = Service::new(store).unwrap();
    let request = json!({"commit": by_id("ev", id.as_str()), "wait": "FINISHED"});
    assert!(
        service
            .inspect_commit(&Call::default(), &read(&request))
            .unwrap()
            .finished
            .is_some()
    );
}

/// As pachd 2.12 does it: with every field, also those that were not sent.
#[test]
fn a_transaction_tells_its_requests_with_all_their_fields() {
    let fixture = Fixture::new();
    let call = fixture.begin();
    let request = read(&json!({"branch": branch("ev", "b")}));
    fixture.service.create_branch(&call, request).unwrap();
    let info = fixture.end(&call).unwrap();
    let expected = json!({"branch": branch("ev", "b"), "head": null, "provenance": [], "trigger": null,
        "newCommitSet": false, "branchPropagationSpecs": []});
    assert_eq!(info["requests"][0]["createBranch"], expected);
}

/// http 064, gateway 003 and 004; the texts about times are those of pachd 2.12.
#[test]
fn a_file_set_that_is_gone_has_other_words_in_each_call() {
    let fixture = Fixture::new();
    let service = &fixture.service;
    let call = &Call::default();
    let id = fixture.start_on("ev", "master");
    let gone = "38abd3e583563a8ff4b42440d11eb820";
    let add = json!({"commit": by_id("ev", &id), "fileSetId": gone});
    let text = "add file set: path does not exist";
    assert_eq!(service.add_file_set(call, read(&add)), Err(status(Code::Unknown, text)));
    let renew =
        |id: &str, seconds: &str| service.renew_file_set(call, read(&json!({"fileSetId": id, "ttlSeconds": seconds})));
    let text = format!("tracker does not contain item: (fileset/{gone})");
    assert_eq!(renew(gone, "600"), Err(status(Code::NotFound, text)));
    let text = "the operation would create a dangling reference";
    let compose = |ids: &[&str], seconds: &str| {
        service.compose_file_set(call, read(&json!({"fileSetIds": ids, "ttlSeconds": seconds})))
    };
    assert_eq!(compose(&[gone], "600"), Err(status(Code::Unknown, text)));

    let FileSetId(alive) = fixture.upload("/a", "x");
    for (seconds, text) in [
        ("0", "ttl (0) must be at least one second"),
        ("-5", "ttl (-5000000000) must be at least one second"),
        ("1801", "ttl (1801000000000) exceeds max ttl (1800000000000)"),
    ] {
        assert_eq!(renew(&alive, seconds), Err(status(Code::Unknown, text)));
    }
    renew(&alive, "1800").unwrap();
    for seconds in ["0", "1801"] {
        let composed = compose(&[&alive], seconds).unwrap().file_set_id;
        renew(&composed, "60").unwrap();
    }
}

/// As pachd 2.12 answers.
#[test]
fn a_file_of_a_datum_is_not_the_one_without_and_a_comparison_needs_commits() {
    let fixture = Fixture::new();
    let service = &fixture.service;
    let call = &Call::default();
    fixture.commit("master", "/a", "x");
    let file = |datum: &str| json!({"commit": by_branch("ev", "master"), "path": "/a", "datum": datum});
    let inspect = |datum| service.inspect_file(call, read(&json!({"file": file(datum)})));
    let get = |datum| {
        service.get_file(call, read(&json!({"file": file(datum)})), &mut |_| {
            ControlFlow::Continue(())
        })
    };
    let tar = |datum| {
        service.get_file_tar(call, read(&json!({"file": file(datum)})), &mut |_| {
            ControlFlow::Continue(())
        })
    };
    for datum in ["", "default"] {
        inspect(datum).unwrap();
        get(datum).unwrap();
        tar(datum).unwrap();
    }
    let missing = status(Code::NotFound, "file /a not found in repo default/ev at commit ");
    assert_eq!(inspect("d1").err(), Some(missing.clone()));
    assert_eq!((get("d1"), tar("d1")), (Err(missing.clone()), Err(missing)));

    let compare = |request: &Value| service.diff_file(call, read(request), &mut |_| ControlFlow::Continue(()));
    let text = "check new file commit: commit cannot be nil";
    assert_eq!(
        compare(&json!({"newFile": {"path": "/"}})),
        Err(status(Code::Unknown, text))
    );
    let text = "check old file commit: commit cannot be nil";
    let one = json!({"newFile": file(""), "oldFile": {"path": "/"}});
    assert_eq!(compare(&one), Err(status(Code::Unknown, text)));
}
