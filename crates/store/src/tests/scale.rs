//! That nothing grows with what is already there, as far as a quick test can tell.

use super::*;

/// A budget that a healthy debug build keeps many times over, and a scan of everything at each step does not.
const SOON: Duration = Duration::from_secs(10);

/// What this thread has computed so far, where the system tells: a busy machine makes nothing slow.
fn computed() -> Duration {
    static BEGUN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| BEGUN.get_or_init(Instant::now).elapsed(), Duration::from_nanos)
}

#[test]
fn ten_thousand_small_files_are_one_quick_commit() {
    let Fixture { store, .. } = &Fixture::new();
    let name = |n: u32| format!("/d{}/file-{n}", n % 100);
    let begun = computed();
    let done = store.put((0..10_000).flat_map(|n| overwrite(&name(n), n.to_string())));
    assert_eq!(store.error_of(&done), "");
    let tree = store.tree(&done);
    let taken = computed().saturating_sub(begun);
    assert!(taken < SOON, "{taken:?}");
    assert_eq!(tree.len(), 10_000);
    assert!((0..10_000).all(|n| tree[&name(n)] == n.to_string().as_bytes()));
    let info = store.inspect_file(&done, &path("/d7")).unwrap().unwrap();
    assert_eq!(info.kind, FileKind::Directory);
}

#[test]
fn a_long_history_stays_quick() {
    let Fixture { store, .. } = &Fixture::new();
    let [even, odd] = [0, 1].map(|n| {
        let mut steps = overwrite("/latest", n.to_string()).to_vec();
        steps.push(append("/log", "x"));
        store.upload(steps)
    });
    let begun = computed();
    let mut last = None;
    for file_set in [even, odd].iter().cycle().take(2_000) {
        let open = commit(&store.start_commit(&branch("master"), "").unwrap());
        store.add_file_set(&open, file_set).unwrap();
        store.finish_commit(&open, "", None).unwrap();
        last = Some(open);
    }
    let last = last.unwrap();
    assert_eq!(store.history(&branch("master")).len(), 2_000);
    assert_eq!(store.text(&last, "/latest"), "1");
    assert_eq!(store.text(&last, "/log").len(), 2_000);
    assert_eq!(store.tree(&last).len(), 2);
    let taken = computed().saturating_sub(begun);
    assert!(taken < SOON, "{taken:?}");
}
