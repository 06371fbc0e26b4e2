//! Call by call what the recordings say pachd does.

use std::sync::mpsc;

use super::*;

fn fault<T>(result: Result<T, Fault>) -> (FaultKind, String) {
    match result {
        Ok(_) => panic!("the call succeeded"),
        Err(fault) => (fault.kind, fault.message),
    }
}

#[test]
fn a_repo_is_made_once() {
    let Fixture { store, .. } = &Fixture::new();
    assert!(store.repo_exists(&repo("events")).unwrap());
    assert!(!store.repo_exists(&repo("nope")).unwrap());
    assert_eq!(
        fault(store.create_repo(&repo("events"))),
        (FaultKind::AlreadyExists, "repo default/events already exists".into())
    );
}

#[test]
fn what_is_not_there_is_not_found_in_pachds_words() {
    let Fixture { store, .. } = &Fixture::new();
    let nowhere = Branch {
        repo: repo("nope"),
        name: BranchName::new("master").unwrap(),
    };
    let no_repo = (FaultKind::NotFound, "repo default/nope not found".to_owned());
    assert_eq!(
        fault(store.start_commit(&nowhere, "")),
        (
            FaultKind::NotFound,
            format!("start commit in transaction: {}", no_repo.1)
        )
    );
    assert_eq!(fault(store.inspect_branch(&nowhere)), no_repo);
    assert_eq!(
        fault(store.list_commits(&nowhere, &mut |_| ControlFlow::Continue(()))),
        no_repo
    );
    assert_eq!(store.inspect_branch(&branch("nope")).unwrap(), None);
    assert!(store.history(&branch("nope")).is_empty());
    let id = "7714b08ced514a96998009c3f69effb5";
    let gone = commit(&CommitId::new(id).unwrap());
    let text = format!("pick commit tx: commit default/events@{id} not found\ncommit default/events@{id} not found");
    assert_eq!(fault(store.inspect_commit(&gone)), (FaultKind::NotFound, text.clone()));
    let file_set = store.upload([append("/a", "x")]);
    assert_eq!(
        fault(store.add_file_set(&gone, &file_set)),
        (FaultKind::NotFound, text.clone())
    );
    assert_eq!(
        fault(store.finish_commit(&gone, "", None)),
        (FaultKind::NotFound, format!("finish commit in transaction: {text}"))
    );
    assert_eq!(fault(store.drop_commit(&gone)).0, FaultKind::NotFound);
    assert_eq!(fault(store.wait_commit(&gone, Duration::ZERO)).0, FaultKind::NotFound);
}

#[test]
fn an_open_head_admits_no_second_commit() {
    let Fixture { store, .. } = &Fixture::new();
    let id = store
        .start_commit(&branch("master"), "spoutctl stream=4f1d seq=7")
        .unwrap();
    let open = store.inspect_commit(&commit(&id)).unwrap();
    assert!(open.is_open());
    assert_eq!(open.description, "spoutctl stream=4f1d seq=7");
    assert_eq!(
        fault(store.start_commit(&branch("master"), "")),
        (
            FaultKind::HeadOpen,
            format!(
                "start commit in transaction: create commit: parent commit default/events@{id} has not been finished"
            )
        )
    );
    assert!(store.start_commit(&branch("other"), "").is_ok());
}

#[test]
fn a_finished_commit_takes_nothing_more() {
    let Fixture { store, .. } = &Fixture::new();
    let done = store.put([append("/a", "x")]);
    let file_set = store.upload([append("/a", "y")]);
    let text = format!("commit default/events@{} has already finished", done.id);
    let expected = (FaultKind::AlreadyFinished, text);
    assert_eq!(fault(store.finish_commit(&done, "late", None)), expected);
    assert_eq!(fault(store.add_file_set(&done, &file_set)), expected);
    assert_eq!(store.text(&done, "/a"), "x");
    assert_eq!(store.inspect_commit(&done).unwrap().description, "");
}

#[test]
fn the_last_description_counts_unless_it_is_empty() {
    let Fixture { store, .. } = &Fixture::new();
    for (at_the_end, kept) in [("mark done", "mark done"), ("", "mark")] {
        let id = store.start_commit(&branch("master"), "mark").unwrap();
        store.finish_commit(&commit(&id), at_the_end, None).unwrap();
        assert_eq!(store.inspect_commit(&commit(&id)).unwrap().description, kept);
    }
}

#[test]
fn a_file_set_added_twice_doubles_what_it_appends_and_nothing_else() {
    let Fixture { store, .. } = &Fixture::new();
    for (steps, content) in [
        (vec![append("/a", "one")], "oneone"),
        (overwrite("/a", "one").to_vec(), "one"),
    ] {
        let file_set = store.upload(steps);
        let open = commit(&store.start_commit(&branch("twice"), "").unwrap());
        store.add_file_set(&open, &file_set).unwrap();
        store.add_file_set(&open, &file_set).unwrap();
        store.finish_commit(&open, "", None).unwrap();
        assert_eq!(store.text(&open, "/a"), content);
        assert_eq!(store.inspect_commit(&open).unwrap().size_bytes, content.len() as u64);
        store.drop_commit(&open).unwrap();
    }
}

#[test]
fn composed_file_sets_apply_in_their_order() {
    let Fixture { store, .. } = &Fixture::new();
    let first = store.upload(overwrite("/big", "one"));
    let second = store.upload([append("/big", "two")]);
    let ttl = Duration::from_mins(10);
    for (parts, content) in [([&first, &second], "onetwo"), ([&second, &first], "one")] {
        let composed = store.compose_file_set(&parts.map(Clone::clone), ttl).unwrap();
        let open = commit(&store.start_commit(&branch("master"), "").unwrap());
        store.add_file_set(&open, &composed).unwrap();
        store.finish_commit(&open, "", None).unwrap();
        assert_eq!(store.text(&open, "/big"), content);
    }
}

#[test]
fn a_file_set_lives_ten_minutes_and_is_renewed_for_thirty_at_most() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let open = commit(&store.start_commit(&branch("master"), "").unwrap());
    let kept = store.upload([append("/kept", "x")]);
    let left = store.upload([append("/left", "x")]);
    fixture.let_pass(599);
    store.renew_file_set(&kept, Duration::from_mins(30)).unwrap();
    assert_eq!(
        fault(store.renew_file_set(&left, Duration::from_hours(1))),
        (
            FaultKind::Refused,
            "ttl (3600000000000) exceeds max ttl (1800000000000)".into()
        )
    );
    fixture.let_pass(1);
    let gone = (FaultKind::FileSetGone, "add file set: path does not exist".to_owned());
    assert_eq!(fault(store.add_file_set(&open, &left)), gone);
    assert_eq!(
        fault(store.renew_file_set(&left, Duration::from_mins(1))).0,
        FaultKind::FileSetGone
    );
    let parts = [kept.clone(), left];
    assert_eq!(
        fault(store.compose_file_set(&parts, Duration::from_mins(1))).0,
        FaultKind::FileSetGone
    );
    fixture.let_pass(1_798);
    store.add_file_set(&open, &kept).unwrap();
    fixture.let_pass(1);
    assert_eq!(fault(store.add_file_set(&open, &kept)), gone);
    let never = FileSetId("00000000000000000000000000000000".into());
    assert_eq!(fault(store.add_file_set(&open, &never)), gone);
}

#[test]
fn expired_file_sets_take_their_archives_along_and_leave_those_of_commits() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let committed = store.put([append("/committed", "x")]);
    let open = commit(&store.start_commit(&branch("master"), "").unwrap());
    let added = store.upload([append("/added", "x")]);
    store.add_file_set(&open, &added).unwrap();
    store.upload([append("/left", "x")]);
    let same_bytes = store.upload([append("/left", "x")]);
    store.renew_file_set(&same_bytes, Duration::from_mins(30)).unwrap();
    assert_eq!(fixture.archives_on_disk().len(), 3);
    fixture.let_pass(700);
    store.upload([append("/new", "x")]);
    assert_eq!(
        fixture.archives_on_disk().len(),
        4,
        "the renewed one still needs the shared archive"
    );
    fixture.let_pass(1_200);
    store.upload([append("/newer", "x")]);
    assert_eq!(
        fixture.archives_on_disk().len(),
        3,
        "those of two commits and the newest"
    );
    store.finish_commit(&open, "", None).unwrap();
    assert_eq!(store.text(&open, "/added"), "x");
    assert_eq!(store.text(&committed, "/committed"), "x");
}

#[test]
fn paths_that_pachd_refuses_are_refused_in_its_words() {
    let Fixture { store, dir, .. } = &Fixture::new();
    let relative = "relative file paths are not allowed";
    let ascii = "only printable ASCII characters allowed";
    for (path, why) in [
        ("../x", relative),
        ("/a/../b", relative),
        ("./c", relative),
        ("", ascii),
        ("/é", ascii),
        ("/a*b", "globbing character (*) not allowed in path"),
        ("/a?b", "globbing character (?) not allowed in path"),
        ("/a[b", "globbing character ([) not allowed in path"),
        ("/a+b", "globbing character (+) not allowed in path"),
        ("/", "a file needs a name"),
        ("//", "a file needs a name"),
    ] {
        let steps = [append("/before", "x"), append(path, "x"), append("/after", "x")];
        let refusal = fault(store.create_file_set(&mut Steps::new(steps)));
        let given = if why == "a file needs a name" { "/" } else { path };
        assert_eq!(refusal, (FaultKind::Refused, format!("path ({given}) invalid: {why}")));
    }
    assert!(files_below(&dir.join(INCOMING)).is_empty());
    assert!(files_below(&dir.join(ARCHIVES)).is_empty());
}

#[test]
fn paths_that_pachd_takes_become_what_it_makes_of_them() {
    let Fixture { store, .. } = &Fixture::new();
    let long = format!("/{}", "n".repeat(300));
    let steps = ["dir/", "/a//b", "/a b", "//lead", &long].map(|path| append(path, path));
    let done = store.put(steps);
    assert_eq!(store.error_of(&done), "");
    let tree = store.tree(&done);
    let names: Vec<&str> = tree.keys().map(String::as_str).collect();
    assert_eq!(names, ["/a b", "/a/b", "/dir", "/lead", &long]);
}

#[test]
fn a_deleted_directory_stays_and_a_deleted_file_goes() {
    let Fixture { store, .. } = &Fixture::new();
    store.put([append("/d/1", "x"), append("/d/2", "x")]);
    for directory in ["/d/", "/d", "/d/1/"] {
        let done = store.put([delete(directory)]);
        assert_eq!(store.tree(&done).len(), 2, "{directory}");
    }
    let done = store.put([delete("/d/1")]);
    assert_eq!(store.tree(&done).into_keys().collect::<Vec<_>>(), ["/d/2"]);
    let done = store.put([delete("/d/2"), delete("/never")]);
    assert_eq!(store.tree(&done).len(), 0);
    assert_eq!(store.inspect_file(&done, &path("/d")).unwrap(), None);
    assert_eq!(store.inspect_commit(&done).unwrap().size_bytes, 0);
}

#[test]
fn pieces_of_one_path_make_one_file_wherever_they_stand() {
    let Fixture { store, .. } = &Fixture::new();
    let done = store.put([
        append("/a", "1"),
        append("/a", "2"),
        append("/b", "x"),
        append("/a", "3"),
        append("/empty", ""),
        append("/c", "old"),
        delete("/c"),
        append("/c", "new"),
        append("/gone", "x"),
        delete("/gone"),
    ]);
    assert_eq!(store.text(&done, "/a"), "123");
    assert_eq!(store.text(&done, "/c"), "new");
    assert_eq!(store.text(&done, "/empty"), "");
    assert_eq!(store.inspect_file(&done, &path("/gone")).unwrap(), None);
    let more = store.put([append("/a", "4"), append("/empty", "")]);
    assert_eq!(store.text(&more, "/a"), "1234");
    assert_eq!(store.text(&done, "/a"), "123", "an older commit stays as it was");
}

#[test]
fn a_path_that_is_file_and_directory_ends_the_commit_with_an_error() {
    for (before, steps, path) in [
        (vec![], vec![append("/p", "x"), append("/p/q", "x")], "/p/q"),
        (vec![append("/a", "x")], vec![append("/a/b", "x")], "/a/b"),
        (vec![append("/a/b/c", "x")], vec![append("/a/b", "x")], "/a/b/c"),
        (vec![append("/a", "x")], vec![append("/a/b/c/d", "x")], "/a/b/c/d"),
        // Another name sorts in between, which pachd's own check does not see through.
        (
            vec![],
            vec![append("/a", "x"), append("/a-x", "x"), append("/a/b", "x")],
            "/a/b",
        ),
        (
            vec![append("/a/b", "x"), append("/a-x", "x")],
            vec![append("/a", "x")],
            "/a/b",
        ),
        (
            vec![append("/a", "x")],
            vec![append("/a", "y"), append("/a/b", "x")],
            "/a/b",
        ),
    ] {
        let Fixture { store, .. } = &Fixture::new();
        let parent = store.put(before);
        let bad = store.put(steps);
        assert_eq!(
            store.error_of(&bad),
            format!("file / directory path collision ({path})")
        );
        assert!(store.inspect_commit(&bad).unwrap().finished.is_some());
        let next = store.put([append("/z", "x")]);
        let mut expected = store.tree(&parent);
        expected.insert("/z".into(), b"x".to_vec());
        assert_eq!(store.tree(&next), expected, "nothing of the bad one is in the next");
        let parent = store.inspect_commit(&next).unwrap().parent;
        assert_eq!(parent.map(|parent| parent.id), Some(bad.id));
    }
}

#[test]
fn a_file_may_become_a_directory_when_it_is_deleted_in_the_same_commit() {
    let Fixture { store, .. } = &Fixture::new();
    store.put([append("/a", "x"), append("/ab", "x"), append("/a.b", "x")]);
    let turned = store.put([append("/a/b", "x"), delete("/a")]);
    assert_eq!(store.error_of(&turned), "");
    let back = store.put([delete("/a/b"), append("/a", "x")]);
    assert_eq!(store.error_of(&back), "");
    assert_eq!(store.tree(&back).into_keys().collect::<Vec<_>>(), ["/a", "/a.b", "/ab"]);
}

#[test]
fn the_data_of_a_commit_given_up_is_never_seen() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let good = store.put([append("/a", "x")]);
    let mut given_up = Vec::new();
    for n in 0..3 {
        let file_set = store.upload([append("/a", n.to_string()), append("/b", "y")]);
        let open = commit(&store.start_commit(&branch("master"), "mark").unwrap());
        store.add_file_set(&open, &file_set).unwrap();
        store.finish_commit(&open, "mark given-up", Some("given up")).unwrap();
        given_up.push(open);
    }
    let info = store.inspect_commit(&given_up[2]).unwrap();
    assert_eq!((info.error.as_str(), info.size_bytes), ("given up", 0));
    assert_eq!(info.description, "mark given-up");
    assert_eq!(info.parent.as_ref().map(|parent| &parent.id), Some(&given_up[1].id));
    let (kind, text) = fault(store.inspect_file(&given_up[2], &path("/a")));
    assert_eq!(kind, FaultKind::NotFound);
    assert!(
        text.contains("finished with an error") && text.contains("given up"),
        "{text}"
    );
    let next = store.put([append("/a", "z")]);
    assert_eq!(store.text(&next, "/a"), "xz");
    assert_eq!(store.tree(&next).len(), 1);
    assert_eq!(store.text(&good, "/a"), "x");
    fixture.let_pass(700);
    store.upload([]);
    assert_eq!(
        fixture.archives_on_disk().len(),
        5,
        "pachd serves them, and so do we until they are dropped"
    );
}

#[test]
fn an_empty_error_is_none() {
    let Fixture { store, .. } = &Fixture::new();
    let id = store.start_commit(&branch("master"), "").unwrap();
    store.finish_commit(&commit(&id), "", Some("")).unwrap();
    assert!(store.inspect_commit(&commit(&id)).unwrap().is_good());
}

#[test]
fn a_dropped_commit_is_gone_and_its_parent_is_the_head_again() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let kept = store.put([append("/a", "1")]);
    let finished = store.put([append("/a", "2"), append("/b", "x")]);
    let open = commit(&store.start_commit(&branch("master"), "").unwrap());
    let (kind, text) = fault(store.drop_commit(&finished));
    assert_eq!(kind, FaultKind::Refused);
    assert!(text.contains("has children"), "{text}");
    store.drop_commit(&open).unwrap();
    assert_eq!(store.head(&branch("master")), Some(finished.id.clone()));
    store.drop_commit(&finished).unwrap();
    assert_eq!(store.head(&branch("master")), Some(kept.id.clone()));
    assert_eq!(fault(store.inspect_commit(&finished)).0, FaultKind::NotFound);
    assert_eq!(fault(store.drop_commit(&finished)).0, FaultKind::NotFound);
    let next = store.put([append("/a", "3")]);
    assert_eq!(store.tree(&next), BTreeMap::from([("/a".to_owned(), b"13".to_vec())]));
    let history: Vec<CommitId> = store
        .history(&branch("master"))
        .into_iter()
        .map(|i| i.commit.id)
        .collect();
    assert_eq!(history, [next.id, kept.id.clone()]);
    fixture.let_pass(700);
    store.upload([]);
    assert_eq!(
        fixture.archives_on_disk().len(),
        2,
        "the dropped one's archive is not kept"
    );
    assert_eq!(store.text(&kept, "/a"), "1");
}

/// As pachd 2.12 does, where every branch has a head.
#[test]
fn the_first_commit_dropped_leaves_an_empty_one() {
    let Fixture { store, .. } = &Fixture::new();
    let only = store.put([append("/a", "1")]);
    store.drop_commit(&only).unwrap();
    let [empty] = &store.history(&branch("master"))[..] else {
        panic!("one commit")
    };
    assert!(empty.is_good() && empty.parent.is_none() && empty.commit.id != only.id);
    assert!(store.tree(&empty.commit).is_empty());
    let again = store.put([append("/b", "1")]);
    assert_eq!(store.tree(&again).into_keys().collect::<Vec<_>>(), ["/b"]);
}

#[test]
fn waiting_ends_when_the_commit_is_finished_or_the_time_is_over() {
    let Fixture { store, .. } = &Fixture::new();
    let open = commit(&store.start_commit(&branch("master"), "").unwrap());
    assert_eq!(
        fault(store.wait_commit(&open, Duration::from_millis(20))).0,
        FaultKind::Unavailable
    );
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| store.wait_commit(&open, Duration::from_secs(10)));
        std::thread::sleep(Duration::from_millis(30));
        store.finish_commit(&open, "", None).unwrap();
        assert!(waiting.join().unwrap().unwrap().is_good());
    });
}

/// There may be more to settle than that, of others.
#[test]
fn who_waits_for_no_time_settles_nothing() {
    let Fixture { store, .. } = &Fixture::in_slices_of(1);
    let file_set = store.upload((0..50).map(|file| append(&format!("/{file}"), "x")));
    let closed = commit(&store.start_commit(&branch("master"), "").unwrap());
    store.add_file_set(&closed, &file_set).unwrap();
    store
        .change(|work| work.finish_commit(&(&closed).into(), "", ""))
        .unwrap();
    let message = format!("commit {closed} is not finished yet");
    assert_eq!(
        fault(store.wait_commit(&closed, Duration::ZERO)),
        (FaultKind::Unavailable, message)
    );
    assert!(store.wait_commit(&closed, Duration::from_mins(1)).unwrap().is_good());
}

/// One thread's transaction is as good as another process's.
#[test]
fn who_does_not_get_in_in_time_is_told_so_whoever_is_in() {
    let mut fixture = Fixture::new();
    fixture.store.database = fixture.store.database.with_patience(Duration::from_millis(50));
    let store = &fixture.store;
    let (is_in, wait_in) = mpsc::channel();
    let (leave, wait_leave) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            store.change(|_| {
                is_in.send(()).unwrap();
                let _ = wait_leave.recv();
                Ok(())
            })
        });
        wait_in.recv().unwrap();
        let (told, answer) = mpsc::channel();
        scope.spawn(move || told.send(store.start_commit(&branch("master"), "")));
        let answer = answer.recv_timeout(Duration::from_mins(1));
        drop(leave);
        let (kind, message) = fault(answer.unwrap());
        assert_eq!(kind, FaultKind::Unavailable);
        assert!(message.contains("another change keeps"), "{message}");
    });
}

/// pachd takes both, and cannot delete the other repo any more.
#[test]
fn neither_head_nor_parent_is_of_another_repo() {
    let Fixture { store, .. } = &Fixture::new();
    let first = store.put([append("/f", "x")]);
    store.create_repo(&repo("other")).unwrap();
    let elsewhere = Branch {
        repo: repo("other"),
        ..branch("master")
    };
    let message = format!("commit {first} is of another repo than branch default/other@master");
    let refused = (FaultKind::Refused, message);
    assert_eq!(fault(store.create_branch(&elsewhere, Some(&first))), refused);
    let parent = CommitSelector::from(&first);
    let (kind, message) = fault(store.change(|work| work.start_commit(&elsewhere, Some(&parent), "")));
    assert_eq!(kind, FaultKind::Refused);
    assert!(message.ends_with(&refused.1), "{message}");
    assert!(store.change(|work| work.delete_repo(&repo("events"), false)).unwrap());
}

#[test]
fn no_repo_here_belongs_to_a_pipeline() {
    let Fixture { store, .. } = &Fixture::new();
    assert_eq!(store.pipeline_kind(&repo("events")).unwrap(), None);
    store.put([append("/a", "x")]);
    assert!(!store.inspect_branch(&branch("master")).unwrap().unwrap().has_provenance);
}

#[test]
fn history_is_shown_newest_first_and_stops_when_told() {
    let Fixture { store, .. } = &Fixture::new();
    let ids: Vec<CommitId> = (0..5).map(|n| store.put([append("/a", n.to_string())]).id).collect();
    let history = store.history(&branch("master"));
    let shown: Vec<&CommitId> = history.iter().map(|info| &info.commit.id).collect();
    assert_eq!(shown, ids.iter().rev().collect::<Vec<_>>());
    assert_eq!(history[4].parent, None);
    assert_eq!(history[0].parent.as_ref(), Some(&history[1].commit));
    assert_eq!(history[0].commit.branch, branch("master").name);
    assert_eq!(history[0].finished, Some(Timestamp::from_second(START).unwrap()));
    let mut seen = 0;
    store
        .list_commits(&branch("master"), &mut |info| {
            seen += 1;
            // The store may be asked meanwhile.
            assert!(store.inspect_commit(&info.commit).unwrap().is_good());
            if seen == 2 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .unwrap();
    assert_eq!(seen, 2);
}

#[test]
fn a_project_is_a_space_of_names_of_its_own() {
    let Fixture { store, .. } = &Fixture::new();
    let elsewhere = Branch {
        repo: Repo {
            project: ProjectName::new("p1").unwrap(),
            name: RepoName::new("events").unwrap(),
        },
        name: BranchName::new("master").unwrap(),
    };
    store.create_repo(&elsewhere.repo).unwrap();
    let id = store.start_commit(&elsewhere, "").unwrap();
    assert_eq!(store.inspect_branch(&branch("master")).unwrap(), None);
    assert_eq!(fault(store.inspect_commit(&commit(&id))).0, FaultKind::NotFound);
}
