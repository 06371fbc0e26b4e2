//! That nothing grows with what is already there, as far as a quick test can tell.

use super::*;

/// What this thread has computed so far, where the system tells: a busy machine makes nothing slow.
fn computed() -> Duration {
    static BEGUN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| BEGUN.get_or_init(Instant::now).elapsed(), Duration::from_nanos)
}

/// How much `work` makes this thread compute.
fn measured<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begun = computed();
    let done = work();
    (computed().saturating_sub(begun), done)
}

#[test]
fn ten_times_the_small_files_of_a_commit_take_no_hundred_times_the_work() {
    let Fixture { store, .. } = &Fixture::new();
    let name = |n: u32| format!("/d{}/file-{n}", n % 100);
    let put = |count: u32| {
        let steps = (0..count).flat_map(|n| overwrite(&name(n), n.to_string()));
        measured(|| {
            let done = store.put(steps);
            assert_eq!(store.error_of(&done), "");
            let tree = store.tree(&done);
            (done, tree)
        })
    };
    let (few, _) = put(1_000);
    let (many, (done, tree)) = put(10_000);
    assert!(many < few * 40, "1,000 take {few:?}, 10,000 take {many:?}");
    assert_eq!(tree.len(), 10_000);
    assert!((0..10_000).all(|n| tree[&name(n)] == n.to_string().as_bytes()));
    let info = store.inspect_file(&done, &path("/d7")).unwrap().unwrap();
    assert_eq!(info.kind, FileKind::Directory);
}

#[test]
fn the_last_commits_of_a_long_history_take_what_the_first_did() {
    let Fixture { store, .. } = &Fixture::new();
    let [even, odd] = [0, 1].map(|n| {
        let mut steps = overwrite("/latest", n.to_string()).to_vec();
        steps.push(append("/log", "x"));
        store.upload(steps)
    });
    let mut file_sets = [even, odd].into_iter().cycle();
    let mut commits = |count: usize| {
        measured(|| {
            let mut last = None;
            for file_set in file_sets.by_ref().take(count) {
                let open = commit(&store.start_commit(&branch("master"), "").unwrap());
                store.add_file_set(&open, &file_set).unwrap();
                store.finish_commit(&open, "", None).unwrap();
                last = Some(open);
            }
            last.unwrap()
        })
    };
    let (first, _) = commits(200);
    commits(1_600);
    let (later, last) = commits(200);
    // Whatever looks at all of them for each takes nineteen times as much.
    assert!(later < first * 6, "the first 200 take {first:?}, the last {later:?}");
    assert_eq!(store.history(&branch("master")).len(), 2_000);
    assert_eq!(store.text(&last, "/latest"), "1");
    assert_eq!(store.text(&last, "/log").len(), 2_000);
    assert_eq!(store.tree(&last).len(), 2);
}
