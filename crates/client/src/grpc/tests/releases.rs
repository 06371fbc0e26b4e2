//! What differs between the releases of 2.x: their words, their heads, and what must never be sent to any of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use prost::Message;

use super::scripted::{Answer, Scripted, recording};
use super::{Grpc, Listed, options};
use crate::pachd::{self, Call, Missing, TABLE, fault_of_words, look_up};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::feed::CommitFeed as _;
use spoutctl_core::history::CommitHistory as _;
use spoutctl_core::pfs::{
    Branch, BranchName, Commit, CommitId, FilePath, FileSetId, ProjectName, Repo, RepoName, TransactionId,
};
use spoutctl_core::sink::CommitSink as _;
use spoutctl_core::source::FileSource as _;
use spoutctl_proto::google::Timestamp;
use spoutctl_proto::pfs;
use spoutctl_proto::version::Version;

/// Those that have words, or shapes, of their own.
const OLD: [&str; 2] = ["grpc-2.0", "grpc-2.3"];

const CALLS: [Call; 27] = [
    pachd::INSPECT_CLUSTER,
    pachd::AUTHORIZE,
    pachd::WHO_AM_I,
    pachd::INSPECT_PIPELINE,
    pachd::INSPECT_PROJECT,
    pachd::INSPECT_REPO,
    pachd::LIST_BRANCH,
    pachd::INSPECT_BRANCH,
    pachd::INSPECT_COMMIT,
    pachd::LIST_COMMIT,
    pachd::SUBSCRIBE_COMMIT,
    pachd::INSPECT_FILE,
    pachd::GET_FILE,
    pachd::GET_FILE_TAR,
    pachd::DIFF_FILE,
    pachd::CREATE_FILE_SET,
    pachd::RENEW_FILE_SET,
    pachd::COMPOSE_FILE_SET,
    pachd::CREATE_PIPELINE,
    pachd::CREATE_REPO,
    pachd::START_COMMIT,
    pachd::ADD_FILE_SET,
    pachd::FINISH_COMMIT,
    pachd::DROP_COMMIT_SET,
    pachd::SQUASH_COMMIT_SET,
    pachd::CREATE_BRANCH,
    pachd::FINISH_TRANSACTION,
];

/// A refusal that was recorded: its number, its call, code and words.
struct Refusal {
    number: String,
    call: Option<Call>,
    code: i64,
    words: String,
}

fn refusals(series: &str) -> Vec<Refusal> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/wire")
        .join(series);
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let read = |name: &String| {
        let found = recording(series, &name[..name.find('-')?]);
        let Answer::GRpc { code, words, .. } = found.answer else {
            return None;
        };
        let is_of = |call: &Call| found.path == format!("/{}/{}", call.service, call.name);
        (code != 0).then(|| Refusal {
            number: name.clone(),
            call: CALLS.into_iter().find(is_of),
            code: code.into(),
            words,
        })
    };
    names.iter().filter_map(read).collect()
}

#[test]
fn every_refusal_of_a_call_of_ours_that_old_releases_were_recorded_with_is_in_the_table() {
    for series in OLD {
        let mut count = 0;
        for Refusal {
            number,
            call,
            code,
            words,
        } in refusals(series)
        {
            let Some(call) = call else { continue };
            assert!(look_up(call, code, &words).is_some(), "{series} {number}: {words}");
            count += 1;
        }
        assert!(count > 30, "{series}: {count}");
    }
}

#[test]
fn the_same_step_is_refused_for_the_same_reason_in_every_release() {
    let meaning = |refusal: &Refusal| {
        let failed = fault_of_words(refusal.call?, refusal.code, &refusal.words);
        // A missing pipeline is told by what is missing of it, which is not the same thing everywhere.
        let missing = failed
            .missing
            .filter(|thing| *thing != Missing::Pipeline && refusal.call != Some(pachd::INSPECT_PIPELINE));
        Some((failed.fault.kind, missing, failed.no_such_call))
    };
    let newest: BTreeMap<String, Refusal> = refusals("grpc-2.12")
        .into_iter()
        .map(|refusal| (refusal.number[..3].to_owned(), refusal))
        .collect();
    let mut count = 0;
    for series in OLD {
        for old in refusals(series) {
            let Some(new) = newest.get(&old.number[..3]) else {
                continue;
            };
            assert_eq!(
                meaning(&old),
                meaning(new),
                "{series} {}: {} / {}",
                old.number,
                old.words,
                new.words
            );
            count += 1;
        }
    }
    assert!(count > 4, "{count}");
}

#[test]
fn every_rule_that_names_a_recording_of_an_old_release_is_the_one_that_fits_it() {
    let mut count = 0;
    for rule in TABLE {
        let Some((series, number)) = rule
            .seen
            .split_once(' ')
            .filter(|(series, _)| series.starts_with("grpc-"))
        else {
            continue;
        };
        let refusals = refusals(series);
        let refusal = refusals.iter().find(|refusal| refusal.number.starts_with(number));
        let refusal = refusal.unwrap_or_else(|| panic!("{}", rule.seen));
        let found = look_up(
            refusal.call.unwrap_or(pachd::INSPECT_REPO),
            refusal.code,
            &refusal.words,
        )
        .unwrap();
        assert!(std::ptr::eq(found, rule), "{}: {}", rule.seen, found.seen);
        count += 1;
    }
    assert!(count > 10, "{count}");
}

fn version(major: u32, minor: u32) -> Answer {
    let version = Version {
        major,
        minor,
        ..Version::default()
    };
    Answer::ok(vec![version.encode_to_vec()])
}

fn serving(first: Answer, answers: Vec<Answer>) -> (Scripted, Grpc) {
    let server = Scripted::start([vec![first], answers].concat());
    let grpc = Grpc::new(options(&server)).unwrap();
    (server, grpc)
}

fn id(digit: char) -> CommitId {
    CommitId::new(&format!(
        "{}4{}",
        digit.to_string().repeat(12),
        digit.to_string().repeat(19)
    ))
    .unwrap()
}

fn events() -> Branch {
    "events".parse::<spoutctl_core::pfs::Destination>().unwrap().branch
}

/// A commit as 2.0 to 2.5 name one.
fn old_commit(branch: &str, digit: char) -> pfs::Commit {
    pfs::Commit {
        repo: None,
        id: id(digit).to_string(),
        branch: Some(pfs::Branch {
            repo: Some((&events().repo).into()),
            name: branch.to_owned(),
        }),
    }
}

fn old_info(commit: pfs::Commit, parent: Option<pfs::Commit>, kind: pfs::OriginKind) -> pfs::CommitInfo {
    pfs::CommitInfo {
        commit: Some(commit),
        parent_commit: parent,
        origin: Some(pfs::CommitOrigin { kind: kind.into() }),
        finished: Some(Timestamp::from(jiff::Timestamp::UNIX_EPOCH)),
        ..pfs::CommitInfo::default()
    }
}

fn one(message: &impl Message) -> Answer {
    Answer::ok(vec![message.encode_to_vec()])
}

#[test]
fn the_head_of_a_moved_branch_of_2_3_is_the_commit_that_it_was_moved_to() {
    use pfs::OriginKind::{Alias, User};
    let head = pfs::BranchInfo {
        head: Some(old_commit("master", 'a')),
        ..pfs::BranchInfo::default()
    };
    let alias = old_info(old_commit("master", 'a'), Some(old_commit("staging", 'b')), Alias);
    let real = old_info(old_commit("staging", 'b'), None, User);
    let (_server, grpc) = serving(version(2, 3), vec![one(&head), one(&alias), one(&real)]);
    let found = grpc.inspect_branch(&events()).unwrap().unwrap().head.unwrap();
    assert_eq!((found.branch.as_str(), found.id), ("staging", id('b')));
}

#[test]
fn the_parent_of_a_listed_commit_of_2_3_is_the_next_one_and_never_an_alias() {
    use pfs::OriginKind::User;
    let list = [
        old_info(old_commit("staging", 'c'), Some(old_commit("staging", 'a')), User),
        old_info(old_commit("staging", 'b'), Some(old_commit("staging", 'd')), User),
        old_info(old_commit("master", 'e'), None, User),
    ];
    let list = Answer::ok(list.iter().map(Message::encode_to_vec).collect());
    let (_server, grpc) = serving(version(2, 3), vec![list]);
    let mut seen = Vec::new();
    grpc.list_commits(&events(), &mut |info| {
        let parent = info.parent.map(|parent| (parent.branch.to_string(), parent.id));
        seen.push((info.commit.branch.to_string(), info.commit.id, parent));
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    let named = |branch: &str, digit| (branch.to_owned(), id(digit));
    let expected = [
        (named("staging", 'c'), Some(named("staging", 'b'))),
        (named("staging", 'b'), Some(named("master", 'e'))),
        (named("master", 'e'), None),
    ];
    let seen: Vec<_> = seen
        .into_iter()
        .map(|(branch, id, parent)| ((branch, id), parent))
        .collect();
    assert_eq!(seen, expected);
}

#[test]
fn an_id_alone_is_looked_for_on_each_branch_of_2_3_and_then_in_the_list() {
    use pfs::OriginKind::User;
    let branch = |name: &str| pfs::BranchInfo {
        branch: Some(pfs::Branch {
            repo: Some((&events().repo).into()),
            name: name.to_owned(),
        }),
        ..pfs::BranchInfo::default()
    };
    let branches = || Answer::ok(vec![branch("new").encode_to_vec(), branch("master").encode_to_vec()]);
    let missing = || Answer::refusal(5, &format!("commit events@new={} not found", id('a')));
    let found = || one(&old_info(old_commit("gone", 'a'), None, User));
    // On the second branch; on none, since its branch was deleted; nowhere.
    let (server, grpc) = serving(
        version(2, 3),
        vec![
            branches(),
            missing(),
            one(&old_info(old_commit("master", 'a'), None, User)),
            branches(),
            missing(),
            missing(),
            found(),
            found(),
            branches(),
            missing(),
            missing(),
            Answer::ok(Vec::new()),
        ],
    );
    let repo = events().repo;
    assert_eq!(
        grpc.find_commit(&repo, &id('a')).unwrap().commit.branch.as_str(),
        "master"
    );
    assert_eq!(
        grpc.find_commit(&repo, &id('a')).unwrap().commit.branch.as_str(),
        "gone"
    );
    assert_eq!(grpc.find_commit(&repo, &id('a')).unwrap_err().kind, FaultKind::NotFound);
    assert!(
        server
            .seen()
            .iter()
            .skip(1)
            .all(|seen| !commits_in(&seen.path, &seen.messages).is_empty() || seen.path.contains("/List"))
    );
}

#[test]
fn a_project_is_refused_where_there_are_none_since_its_repo_would_be_another() {
    let repo = Repo {
        project: ProjectName::new("team").unwrap(),
        ..events().repo
    };
    let refused = |result: Result<bool, Fault>| {
        let fault = result.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Refused);
        assert!(fault.message.contains("before 2.5"), "{fault}");
    };
    let (server, grpc) = serving(version(2, 3), vec![]);
    refused(grpc.repo_exists(&repo));
    refused(grpc.create_repo(&repo).map(|()| true));
    refused(
        grpc.inspect_branch(&Branch {
            repo: repo.clone(),
            ..events()
        })
        .map(|found| found.is_some()),
    );
    assert_eq!(server.seen().len(), 1);
    // A sidecar does not tell its release, and is asked whether it has the calls.
    let unknown = |what: &str| Answer::refusal(12, &format!("unknown {what}"));
    let (_server, grpc) = serving(
        unknown("service versionpb_v2.API"),
        vec![
            unknown("service versionpb.API"),
            Answer::refusal(2, "repo cannot be nil"),
            unknown("method InspectProject for service pfs_v2.API"),
        ],
    );
    refused(grpc.repo_exists(&repo));
}

/// The commits in the messages of a call. A call that is not listed here is one that nobody has looked at.
fn commits_in(path: &str, messages: &[Vec<u8>]) -> Vec<pfs::Commit> {
    fn read<M: Message + Default>(
        messages: &[Vec<u8>],
        commits: impl Fn(M) -> Vec<Option<pfs::Commit>>,
    ) -> Vec<pfs::Commit> {
        let all = messages.iter().map(|bytes| M::decode(bytes.as_slice()).unwrap());
        all.flat_map(commits).flatten().collect()
    }
    let of_file = |file: Option<pfs::File>| file.and_then(|file| file.commit);
    let name = path.rsplit('/').next().unwrap();
    match name {
        "InspectCommit" => read(messages, |m: pfs::InspectCommitRequest| vec![m.commit]),
        "ListCommit" => read(messages, |m: pfs::ListCommitRequest| vec![m.from, m.to]),
        "SubscribeCommit" => read(messages, |m: pfs::SubscribeCommitRequest| vec![m.from]),
        "StartCommit" => read(messages, |m: pfs::StartCommitRequest| vec![m.parent]),
        "AddFileSet" => read(messages, |m: pfs::AddFileSetRequest| vec![m.commit]),
        "FinishCommit" => read(messages, |m: pfs::FinishCommitRequest| vec![m.commit]),
        "CreateBranch" => read(messages, |m: pfs::CreateBranchRequest| vec![m.head]),
        "InspectFile" => read(messages, |m: pfs::InspectFileRequest| vec![of_file(m.file)]),
        "WalkFile" => read(messages, |m: pfs::WalkFileRequest| vec![of_file(m.file)]),
        "GetFile" | "GetFileTAR" => read(messages, |m: pfs::GetFileRequest| vec![of_file(m.file)]),
        "DiffFile" => read(messages, |m: pfs::DiffFileRequest| {
            vec![of_file(m.new_file), of_file(m.old_file)]
        }),
        // These hold none: a commit set is an id, and changes of a file set are of no commit.
        "DropCommitSet" | "CreateFileSet" | "RenewFileSet" | "ComposeFileSet" | "GetVersion" | "InspectCluster"
        | "InspectProject" | "InspectRepo" | "CreateRepo" | "InspectBranch" | "ListBranch" | "Authorize" | "WhoAmI"
        | "InspectPipeline" | "CreatePipeline" | "CreatePipelineV2" | "StartTransaction" | "ListTransaction"
        | "FinishTransaction" | "DeleteTransaction" => Vec::new(),
        other => panic!("nobody has looked at {other}"),
    }
}

/// Makes every call of the ports that names a commit; each is refused, which does not matter.
fn make_every_call(grpc: &Grpc, branch: &Branch, other: &Branch, id: &CommitId, path: &FilePath) {
    use std::ops::ControlFlow::Break;
    let on = |branch: &Branch| Commit {
        repo: branch.repo.clone(),
        branch: branch.name.clone(),
        id: id.clone(),
    };
    let (commit, old) = (on(branch), on(other));
    let transaction = TransactionId("0123456789abcdef".repeat(2));
    let time = std::time::Duration::from_secs(1);
    let _ = grpc.repo_exists(&branch.repo);
    let _ = grpc.inspect_branch(branch);
    let _ = grpc.inspect_commit(&commit);
    let _ = grpc.find_commit(&branch.repo, id);
    let _ = grpc.list_commits(branch, &mut |_| Break(()));
    let _ = grpc.list_line(&commit, &mut |_| Break(()));
    let _ = grpc.watch(branch, &mut |_| Break(()));
    let _ = grpc.create_file_set(&mut Listed(vec![(Some("a"), "/a")]));
    let _ = grpc.add_file_set(&commit, &FileSetId("f".to_owned()));
    let _ = grpc.start_commit(branch, "mark");
    let _ = grpc.finish_commit(&commit, "mark done", None);
    let _ = grpc.finish_commit(&commit, "mark given-up", Some("given up"));
    let _ = grpc.wait_commit(&commit, time);
    let _ = grpc.drop_commit(&commit);
    let _ = grpc.inspect_file(&commit, path);
    let _ = grpc.inspect_file(&commit, &FilePath::root());
    let _ = grpc.get_file(&commit, path).map(drop);
    let _ = grpc.get_file_tar(&commit, path).map(drop);
    let _ = grpc.diff_files(&commit, Some(&old), &mut |_| Break(()));
    let _ = grpc.diff_files(&commit, None, &mut |_| Break(()));
    let staging = grpc.staging().unwrap();
    let _ = staging.create_branch(other, Some(&commit));
    let _ = staging.create_branch(other, None);
    let _ = staging.move_branch(&transaction, other, &commit);
    let _ = staging.list_moves(branch);
    let routing = grpc.routing().unwrap();
    let _ = routing.start_commit_in(&transaction, branch, "mark");
    let _ = routing.finish_commit_in(&transaction, &commit, "mark done", None);
}

fn branches() -> impl Strategy<Value = (Branch, Branch)> {
    ("[a-zA-Z0-9_-]{1,12}", "[a-zA-Z0-9_-]{1,12}", "[a-zA-Z0-9_-]{1,12}").prop_map(|(repo, name, other)| {
        let repo = Repo {
            project: ProjectName::new("default").unwrap(),
            name: RepoName::new(&repo).unwrap(),
        };
        let on = |name: &str| Branch {
            repo: repo.clone(),
            name: BranchName::new(name).unwrap(),
        };
        (on(&name), on(&other))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn every_commit_that_is_sent_names_its_branch_to_every_release(
        (branch, other) in branches(),
        hex in "[0-9a-f]{12}4[0-9a-f]{19}",
        path in "(/[a-z0-9]{1,8}){1,3}",
        minor in prop_oneof![Just(0_u32), Just(3), Just(5), Just(6), Just(12)],
    ) {
        let id = CommitId::new(&hex).unwrap();
        let refusals = vec![Answer::refusal(2, "not today"); 64];
        let (server, grpc) = serving(version(2, minor), refusals);
        make_every_call(&grpc, &branch, &other, &id, &FilePath::new(&path).unwrap());
        let mut count = 0;
        for seen in server.seen() {
            for commit in commits_in(&seen.path, &seen.messages) {
                let named = commit.branch.unwrap_or_default();
                let of_repo = named.repo.unwrap_or_default();
                prop_assert!(!named.name.is_empty(), "{}", seen.path);
                prop_assert_eq!(&of_repo.name, branch.repo.name.as_str(), "{}", seen.path);
                prop_assert!(commit.id.is_empty() || commit.id == hex, "{}: {}", seen.path, commit.id);
                count += 1;
            }
        }
        prop_assert!(count >= 16, "{}", count);
    }
}
