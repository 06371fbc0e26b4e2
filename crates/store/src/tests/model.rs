//! Random calls against a model that copies whole trees.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use spoutctl_core::history::base_of;

type Tree = BTreeMap<String, Vec<u8>>;

#[derive(Debug, Clone)]
enum Action {
    /// One commit of several file sets, some added twice, and how it ends.
    Commit {
        branch: usize,
        file_sets: Vec<Vec<Step>>,
        twice: bool,
        give_up: bool,
    },
    Drop {
        commit: prop::sample::Index,
    },
    Squash {
        commit: prop::sample::Index,
    },
    Fork {
        branch: usize,
        commit: prop::sample::Index,
    },
}

#[derive(Clone)]
struct ModelCommit {
    parent: Option<CommitId>,
    /// The whole tree; for an errored commit, the one that its children go on from.
    tree: Tree,
    /// The tree with its own changes, whatever they were.
    own_tree: Tree,
    error: String,
}

#[derive(Default)]
struct Model {
    commits: HashMap<CommitId, ModelCommit>,
    order: Vec<CommitId>,
    heads: HashMap<usize, Option<CommitId>>,
}

const BRANCHES: [&str; 3] = ["b0", "b1", "b2"];

impl Model {
    /// The empty commit that the branches get whose only one was dropped.
    fn put_empty_commit(&mut self, store: &Store, dropped: &CommitId) -> Option<CommitId> {
        let mut headless = self.heads.iter().filter(|(_, head)| head.as_ref() == Some(dropped));
        let (name, _) = headless.next()?;
        let id = store.head(&branch(BRANCHES[*name])).unwrap();
        self.order.push(id.clone());
        let empty = ModelCommit {
            parent: None,
            tree: Tree::new(),
            own_tree: Tree::new(),
            error: String::new(),
        };
        self.commits.insert(id.clone(), empty);
        Some(id)
    }
}

fn apply(tree: &mut Tree, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Delete(path) => {
                tree.remove(path);
            }
            Step::Append(path, data) => tree.entry(path.clone()).or_default().extend(data),
        }
    }
}

/// Whether some file lies below another, by looking at every pair.
fn collides(tree: &Tree) -> bool {
    tree.keys()
        .any(|file| tree.keys().any(|other| other.starts_with(&format!("{file}/"))))
}

fn run(store: &Store, model: &mut Model, action: Action) {
    match action {
        Action::Commit {
            branch: on,
            file_sets,
            twice,
            give_up,
        } => {
            let parent = model.heads.get(&on).cloned().flatten();
            let base = parent.as_ref().map(|id| model.commits[id].tree.clone());
            let base = base.unwrap_or_default();
            let open = commit(&store.start_commit(&branch(BRANCHES[on]), "").unwrap());
            let mut tree = base.clone();
            for steps in file_sets {
                let file_set = store.upload(steps.clone());
                for _ in 0..=usize::from(twice) {
                    store.add_file_set(&open, &file_set).unwrap();
                    apply(&mut tree, &steps);
                }
            }
            assert_eq!(store.viewed(&open), tree, "the open commit");
            store.finish_commit(&open, "", give_up.then_some("given up")).unwrap();
            assert_eq!(
                store.viewed(&open),
                tree,
                "the closed commit, which may be settled halfway"
            );
            store.wait_commit(&open, Duration::from_mins(1)).unwrap();
            let error = store.error_of(&open);
            let expected = if give_up {
                error == "given up"
            } else if collides(&tree) {
                error.starts_with("file / directory path collision (")
            } else {
                error.is_empty()
            };
            assert!(expected, "{error:?} for {tree:?}");
            let own_tree = tree.clone();
            let tree = if error.is_empty() { tree } else { base };
            model.heads.insert(on, Some(open.id.clone()));
            model.order.push(open.id.clone());
            let commit = ModelCommit {
                parent,
                tree,
                own_tree,
                error,
            };
            model.commits.insert(open.id, commit);
        }
        Action::Drop { commit } if !model.order.is_empty() => {
            let id = commit.get(&model.order).clone();
            let has_children = model.commits.values().any(|other| other.parent.as_ref() == Some(&id));
            assert_eq!(store.drop_commit(&super::commit(&id)).is_err(), has_children);
            if !has_children {
                let mut parent = model.commits.remove(&id).and_then(|gone| gone.parent);
                model.order.retain(|other| *other != id);
                if parent.is_none() {
                    parent = model.put_empty_commit(store, &id);
                }
                for head in model.heads.values_mut().filter(|head| **head == Some(id.clone())) {
                    head.clone_from(&parent);
                }
            }
        }
        Action::Squash { commit: which } if !model.order.is_empty() => {
            let id = which.get(&model.order).clone();
            let selector = CommitSelector::from(&commit(&id));
            let has_children = model.commits.values().any(|other| other.parent.as_ref() == Some(&id));
            let squashed = store.change(|work| work.squash_commit(&selector));
            assert_eq!(squashed.is_ok(), has_children);
            if has_children {
                let mut parent = model.commits.remove(&id).and_then(|gone| gone.parent);
                model.order.retain(|other| *other != id);
                for child in model
                    .commits
                    .values_mut()
                    .filter(|child| child.parent == Some(id.clone()))
                {
                    child.parent.clone_from(&parent);
                }
                if parent.is_none() {
                    parent = model.put_empty_commit(store, &id);
                }
                for head in model.heads.values_mut().filter(|head| **head == Some(id.clone())) {
                    head.clone_from(&parent);
                }
            }
        }
        Action::Fork {
            branch: name,
            commit: at,
        } if !model.order.is_empty() => {
            let id = at.get(&model.order).clone();
            store
                .create_branch(&branch(BRANCHES[name]), Some(&commit(&id)))
                .unwrap();
            model.heads.insert(name, Some(id));
        }
        Action::Drop { .. } | Action::Squash { .. } | Action::Fork { .. } => {}
    }
}

/// What differs between two trees: each path with what it was and is.
fn difference(old: &Tree, new: &Tree) -> Vec<FileChange> {
    let paths: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let size = |tree: &Tree, file: &String| tree.get(file).map(|content| content.len() as u64);
    paths
        .into_iter()
        .filter(|file| old.get(*file) != new.get(*file))
        .filter_map(|file| FileChange::between(path(file), size(old, file), size(new, file)))
        .collect()
}

/// Each good commit against nothing, against what it was built on, and against the first that the model has.
fn compare_changes(store: &Store, model: &Model) {
    let good = |id: &CommitId| model.commits.get(id).filter(|commit| commit.error.is_empty());
    let first = model.order.iter().find(|id| good(id).is_some());
    for (id, new) in model.commits.iter().filter(|(id, _)| good(id).is_some()) {
        let base = base_of(store, &store.inspect_commit(&commit(id)).unwrap()).unwrap();
        let line = std::iter::successors(new.parent.as_ref(), |id| model.commits[*id].parent.as_ref());
        let expected = line.into_iter().find(|id| good(id).is_some());
        assert_eq!(base.as_ref().map(|info| &info.commit.id), expected);
        for old in [None, expected, first] {
            let old_tree = old.and_then(good).map(|commit| commit.tree.clone()).unwrap_or_default();
            let expected = difference(&old_tree, &new.tree);
            assert_eq!(store.changes(&commit(id), old.map(commit).as_ref()), expected);
        }
    }
}

fn compare(store: &Store, model: &Model) {
    compare_changes(store, model);
    for (index, name) in BRANCHES.iter().enumerate() {
        let head = model.heads.get(&index).cloned().flatten();
        assert_eq!(store.head(&branch(name)), head);
        let line = std::iter::successors(head, |id| model.commits[id].parent.clone());
        let listed = store.history(&branch(name)).into_iter().map(|info| info.commit.id);
        assert_eq!(listed.collect::<Vec<_>>(), line.collect::<Vec<_>>());
    }
    for (id, expected) in &model.commits {
        let commit = commit(id);
        let info = store.inspect_commit(&commit).unwrap();
        let parent = info.parent.map(|parent| parent.id);
        assert_eq!((&parent, &info.error), (&expected.parent, &expected.error));
        assert_eq!(store.viewed(&commit), expected.own_tree);
        if !expected.error.is_empty() {
            assert!(store.get_file_tar(&commit, &path("/")).is_err());
            continue;
        }
        assert_eq!(store.tree(&commit), expected.tree);
        let size: usize = expected.tree.values().map(Vec::len).sum();
        assert_eq!(info.size_bytes, size as u64);
        for (file, content) in &expected.tree {
            let found = store.inspect_file(&commit, &path(file)).unwrap().unwrap();
            assert_eq!((found.kind, found.size_bytes), (FileKind::File, content.len() as u64));
            assert_eq!(store.text(&commit, file).as_bytes(), content);
        }
    }
}

fn a_path() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["/a", "/a-x", "/a/b", "/a/b/c", "/a0", "/b", "/a/c"]).prop_map(str::to_owned)
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => a_path().prop_map(Step::Delete),
        2 => (a_path(), "[x-z]{0,3}").prop_map(|(path, data)| Step::Append(path, data.into_bytes())),
    ]
}

fn an_action() -> impl Strategy<Value = Action> {
    let file_sets = prop::collection::vec(prop::collection::vec(a_step(), 0..4), 1..3);
    let any_commit = any::<prop::sample::Index>;
    prop_oneof![
        6 => (0..BRANCHES.len(), file_sets, any::<bool>(), prop::bool::weighted(0.15)).prop_map(
            |(branch, file_sets, twice, give_up)| Action::Commit { branch, file_sets, twice, give_up }
        ),
        2 => any_commit().prop_map(|commit| Action::Drop { commit }),
        2 => any_commit().prop_map(|commit| Action::Squash { commit }),
        1 => (0..BRANCHES.len(), any_commit()).prop_map(|(branch, commit)| Action::Fork { branch, commit }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_a_map_of_whole_trees_does(
            actions in prop::collection::vec(an_action(), 1..16),
            slices in prop::sample::select(vec![1, 2, 5_000]),
        ) {
        let fixture = Fixture::in_slices_of(slices);
        let mut model = Model::default();
        for action in actions {
            run(&fixture.store, &mut model, action);
        }
        compare(&fixture.store, &model);
        // And so does another process that comes later, when what nobody needs any more has gone.
        fixture.let_pass(3_600);
        fixture.store.upload([]);
        compare(&Store::open(&fixture.dir).unwrap(), &model);
    }
}
