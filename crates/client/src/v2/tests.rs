//! What holds of each call, whichever the way to pachd.

use std::io;
use std::ops::ControlFlow::Break;
use std::time::Duration;

use crate::pachd::{Expected, Login, Pachd};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::{Branch, Commit, CommitId, Destination, FilePath, FileSetId, TransactionId};
use spoutctl_core::pipelines::Submission;
use spoutctl_core::sink::{Change, Changes};

struct Nothing;

impl Changes for Nothing {
    fn next(&mut self) -> io::Result<Option<Change<'_>>> {
        Ok(None)
    }
}

/// A deployment that is not where it is looked for.
pub(crate) fn elsewhere() -> Expected {
    Expected {
        deployment: "the-one-that-is-meant".to_owned(),
        context: "prod".to_owned(),
    }
}

/// Makes each call, to a pachd that is not [`elsewhere`], and counts them: none is made there.
pub(crate) fn assert_nothing_is_done(pachd: &dyn Pachd) -> usize {
    let answers = every_call(pachd);
    for (name, answer) in &answers {
        let fault = answer.as_ref().expect_err(name);
        assert_eq!(fault.kind, FaultKind::Refused, "{name}: {fault}");
        assert!(
            fault.message.contains("not the cluster of context `prod`"),
            "{name}: {fault}"
        );
    }
    answers.len()
}

fn every_call(pachd: &dyn Pachd) -> Vec<(&'static str, Result<(), Fault>)> {
    let branch: Branch = "events".parse::<Destination>().unwrap().branch;
    let (repo, id) = (&branch.repo, CommitId::new("178c44f086034d548c3262f04cf4f1b1").unwrap());
    let commit = Commit {
        repo: repo.clone(),
        branch: branch.name.clone(),
        id: id.clone(),
    };
    let (file_set, second) = (FileSetId("f".to_owned()), Duration::from_secs(1));
    let (file, transaction) = (
        FilePath::new("/a").unwrap(),
        TransactionId("0123456789abcdef".repeat(2)),
    );
    let login = Login {
        url: String::new(),
        state: String::new(),
    };
    let how = Submission {
        update: false,
        reprocess: false,
    };
    let staging = pachd.staging().unwrap();
    let routing = pachd.routing().unwrap();
    vec![
        ("who_am_i", pachd.who_am_i().map(drop)),
        ("oidc_login", pachd.oidc_login().map(drop)),
        ("authenticate", pachd.authenticate(&login, second).map(drop)),
        ("repo_exists", pachd.repo_exists(repo).map(drop)),
        ("inspect_branch", pachd.inspect_branch(&branch).map(drop)),
        ("inspect_commit", pachd.inspect_commit(&commit).map(drop)),
        ("find_commit", pachd.find_commit(repo, &id).map(drop)),
        ("list_commits", pachd.list_commits(&branch, &mut |_| Break(()))),
        ("list_line", pachd.list_line(&commit, &mut |_| Break(()))),
        ("watch", pachd.watch(&branch, &mut |_| Break(()))),
        ("create_repo", pachd.create_repo(repo)),
        ("project_exists", pachd.project_exists(&repo.project).map(drop)),
        ("pipeline_kind", pachd.pipeline_kind(repo).map(drop)),
        ("cluster", pachd.cluster().map(drop)),
        ("missing_permissions", pachd.missing_permissions(repo).map(drop)),
        ("create_file_set", pachd.create_file_set(&mut Nothing).map(drop)),
        ("renew_file_set", pachd.renew_file_set(&file_set, second)),
        (
            "compose_file_set",
            pachd
                .compose_file_set(std::slice::from_ref(&file_set), second)
                .map(drop),
        ),
        ("start_commit", pachd.start_commit(&branch, "").map(drop)),
        ("add_file_set", pachd.add_file_set(&commit, &file_set)),
        ("finish_commit", pachd.finish_commit(&commit, "", None)),
        ("wait_commit", pachd.wait_commit(&commit, second).map(drop)),
        ("drop_commit", pachd.drop_commit(&commit)),
        ("create_branch", staging.create_branch(&branch, None)),
        ("start_transaction", staging.start_transaction().map(drop)),
        ("move_branch", staging.move_branch(&transaction, &branch, &commit)),
        ("finish_transaction", staging.finish_transaction(&transaction)),
        ("delete_transaction", staging.delete_transaction(&transaction)),
        ("list_moves", staging.list_moves(&branch).map(drop)),
        (
            "start_commit_in",
            routing.start_commit_in(&transaction, &branch, "").map(drop),
        ),
        (
            "finish_commit_in",
            routing.finish_commit_in(&transaction, &commit, "", None),
        ),
        ("inspect_file", pachd.inspect_file(&commit, &file).map(drop)),
        ("get_file", pachd.get_file(&commit, &file).map(drop)),
        ("get_file_tar", pachd.get_file_tar(&commit, &file).map(drop)),
        ("diff_files", pachd.diff_files(&commit, None, &mut |_| Break(()))),
        ("list_repos", pachd.list_repos().map(drop)),
        ("list_branches", pachd.list_branches(repo).map(drop)),
        (
            "list_directory",
            pachd.list_directory(&branch, &FilePath::root(), &mut |_| Break(())),
        ),
        ("try_pipeline", pachd.try_pipeline("{}").map(drop)),
        ("submit_pipeline", pachd.submit_pipeline("{}", how).map(drop)),
        ("find_pipeline", pachd.find_pipeline(repo).map(drop)),
        ("output_branch", pachd.output_branch(repo).map(drop)),
        ("stop_pipeline", pachd.stop_pipeline(repo)),
        ("start_pipeline", pachd.start_pipeline(repo)),
    ]
}
