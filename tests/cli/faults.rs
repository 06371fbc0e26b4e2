//! Every fault at every step of `put`, over the wire: each archive is in the repo once and in order, and just what is
//! there was acknowledged.
//!
//! The table is made of [`STEPS`], [`FAULTS`] and [`MODES`]. A [`Proxy`] in front of `serve` does what is wrong; it meets
//! the second archive of three, so that there is one before it and one after it. What is in the repo is read from the
//! store itself.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use spoutctl_core::pfs::Destination;
use spoutctl_delivery::mark::Mark;
use spoutctl_store::Store;

use crate::checker::{Good, Order, Outcome, Promise, Told, Tree};
use crate::early::padded;
use crate::pachd::{Pachd, commits_of, files_of_commit};
use crate::proxy::{Fault, Proxy, refusal};
use crate::runner::{Ran, World, takes_minutes, tar, try_all};
use crate::served::Served;

/// The calls on an archive's way to its commit, and the one that gives a commit up.
const STEPS: &[&str] = &[
    "CreateFileSet",
    "ComposeFileSet",
    "StartCommit",
    "AddFileSet",
    "FinishCommit",
    "InspectCommit",
    "DropCommitSet",
];

/// The same in 1.x, which has no file sets.
const STEPS_OF_1_X: &[&str] = &[
    "InspectRepo",
    "InspectBranch",
    "ListCommitStream",
    "StartCommit",
    "PutFile",
    "FinishCommit",
    "InspectCommit",
    "DeleteCommit",
];

/// Those that only `--staging` makes.
const STAGED_STEPS: &[&str] = &["StartTransaction", "CreateBranch", "FinishTransaction"];

/// Those that only `--route` makes. Its uploads go up beside each other, so nobody can say which part is which.
const ROUTED_STEPS: &[&str] = &[
    "CreateFileSet",
    "StartTransaction",
    "StartCommit",
    "AddFileSet",
    "FinishCommit",
    "FinishTransaction",
    "InspectCommit",
    "DropCommitSet",
];

/// What the fault is, and the fault.
type Named = (&'static str, fn(&Cell) -> Fault);

const FAULTS: &[Named] = &[
    ("not carried out, connection closed", |_| Fault::Unheard),
    ("carried out, not answered", |_| Fault::LoseAnswer),
    ("carried out, and a proxy says that its connection broke", |_| {
        Fault::Disowned
    }),
    ("carried out after the next call", |_| Fault::Late(1)),
    ("carried out after three calls", |_| Fault::Late(3)),
    ("carried out after six calls", |_| Fault::Late(6)),
    ("carried out when all is over", |_| Fault::Late(usize::MAX)),
    ("carried out twice", |_| Fault::Twice(0)),
    ("carried out twice, the second time answered", |_| Fault::Repeated),
    ("carried out again after the next call", |_| Fault::Twice(1)),
    ("carried out again later", |_| Fault::Twice(3)),
    ("carried out again when all is over", |_| Fault::Twice(usize::MAX)),
    ("only the answer's head", |_| Fault::CutAnswer(0)),
    ("only the answer's first byte", |_| Fault::CutAnswer(1)),
    ("only the request's head", |_| Fault::CutRequest(0)),
    ("only the request's first bytes", |_| Fault::CutRequest(20)),
    ("502", |_| Fault::Answer(502, None)),
    ("503", |_| Fault::Answer(503, None)),
    ("429", |_| Fault::Answer(429, Some(1))),
    ("the server restarts before it", |cell| Fault::Before(cell.restart())),
    ("carried out, and the server restarts", |cell| {
        Fault::After(cell.restart())
    }),
];

/// Those of 1.x besides.
const FAULTS_OF_1_X: &[Named] = &[
    ("half of it carried out", |_| Fault::Half),
    ("carried out after two calls", |_| Fault::Late(2)),
    ("etcd fails", |_| refusal(2, "etcdserver: leader changed")),
    ("words that nobody knows", |_| refusal(2, "0xdeadbeef")),
];

/// How it is put: a name and the flags.
type Mode = (&'static str, &'static [&'static str]);

const MODES: &[Mode] = &[
    ("plain", &["--stream", "s"]),
    ("appending", &["--stream", "s", "--append"]),
    ("with a spool", &["--spool", SPOOL]),
    ("with a spool, in flight", &["--spool", SPOOL, "--in-flight", "3"]),
    ("appending in batches", &["--stream", "s", "--append", BATCHED, "2"]),
    ("in batches, with a spool", &["--spool", SPOOL, BATCHED, "2"]),
    ("staged", &["--stream", "s", "--staging", "staging"]),
    ("staged, with a spool", &["--spool", SPOOL, "--staging", "staging"]),
    ("routed", &["--stream", "s", ROUTE]),
    ("routed, with a spool", &["--spool", SPOOL, ROUTE]),
];

/// Stands for the cell's own.
const SPOOL: &str = "SPOOL";

/// Stands for one by which some files go into a second repo of the cell.
const ROUTE: &str = "ROUTE";

/// Each archive of the table comes as two, which are one commit.
const BATCHED: &str = "--batch-count";

const ARCHIVES: u64 = 3;

/// What the second archive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Second {
    Small,
    /// More than the smallest part takes.
    InParts,
    /// Its parts leave while it comes.
    Early,
}

/// The files of an archive.
fn files(number: u64, second: Second) -> Tree {
    let mut files = Tree::from([
        ("log".to_owned(), format!("{number}\n").into_bytes()),
        (format!("own/{number}"), b"x".to_vec()),
    ]);
    match second {
        Second::InParts if number == 2 => {
            let line = format!("{number} of those that are too large\n");
            files.insert("large".to_owned(), line.repeat(6000).into_bytes());
        }
        Second::Early if number == 2 => {
            files.extend((0..40).map(|part| (format!("part/{part}"), format!("{part}\n").into_bytes())));
        }
        Second::Small | Second::InParts => drop(files.insert("void".to_owned(), Vec::new())),
        Second::Early => {}
    }
    files
}

fn input(second: Second, halved: bool) -> Vec<u8> {
    archives(second, halved).concat()
}

fn archives(second: Second, halved: bool) -> Vec<Vec<u8>> {
    let archive = |number| {
        let files = files(number, second);
        if number == 2 && second == Second::Early {
            let entries = files.iter().map(|(path, data)| padded(path, data));
            return entries.chain([vec![0; 1024]]).collect::<Vec<_>>().concat();
        }
        let files: Vec<(&str, &[u8])> = files.iter().map(|(path, data)| (path.as_str(), &data[..])).collect();
        let (front, rest) = files.split_at(if halved { 1 } else { files.len() });
        let rest = if halved { tar(rest) } else { Vec::new() };
        [tar(front), rest].concat()
    };
    (1..=ARCHIVES).map(archive).collect()
}

/// The files that the commit of an archive shows.
fn tree(number: u64, second: Second, appends: bool) -> Tree {
    let mut tree = Tree::new();
    for number in 1..=number {
        for (path, mut data) in files(number, second) {
            let file = tree.entry(path).or_default();
            if !appends {
                file.clear();
            }
            file.append(&mut data);
        }
    }
    tree
}

/// What nobody can know.
#[derive(PartialEq, Eq)]
enum Knowable {
    Yes,
    /// The next call may be one for the archive before, and then this one's commit is still open.
    Perhaps,
    /// The checker does, afterwards.
    No,
}

/// A network that by itself repeats a request which must not be repeated, while its commit is open: appending, nobody can
/// tell.
fn knowable(step: &str, fault: &str, flags: &[&str]) -> Knowable {
    match (step, fault) {
        ("AddFileSet" | "PutFile", "carried out twice" | "carried out twice, the second time answered")
            if flags.contains(&"--append") =>
        {
            Knowable::No
        }
        ("AddFileSet" | "PutFile", "carried out again after the next call") if flags.contains(&"--append") => {
            Knowable::Perhaps
        }
        _ => Knowable::Yes,
    }
}

/// One cell of the table.
struct Cell {
    repo: String,
    step: &'static str,
    flags: Vec<&'static str>,
    proxy: Proxy,
    world: World,
    store: PathBuf,
    /// Where the server restarts, it is the cell's own.
    served: Arc<Mutex<Served>>,
    table: &'static Table,
}

impl Cell {
    /// Puts `serve` over its store down and up again.
    fn restart(&self) -> Box<dyn FnOnce() + Send> {
        let (served, store, upstream) = (Arc::clone(&self.served), self.store.clone(), self.proxy.upstream());
        let table = self.table;
        Box::new(move || {
            let mut served = served.lock().unwrap();
            served.kill();
            *served = table.serve(&store);
            upstream.is_at(&served.authority);
        })
    }

    fn is_routed(&self) -> bool {
        self.flags.contains(&ROUTE)
    }

    fn second_repo(&self) -> String {
        format!("{}-own", self.repo)
    }

    /// Which call of its kind is one for the second archive. Routed, each archive makes two: of transactions the first starts its
    /// commits and the second closes them.
    fn second(&self) -> usize {
        match (self.is_routed(), self.flags.contains(&SPOOL)) {
            // Behind the first archive's and those that are too large; all of the second that become one are its own.
            _ if self.table.early => {
                if self.step == "CreateFileSet" {
                    8
                } else {
                    1
                }
            }
            (false, _) => 2,
            (true, false) => 3,
            (true, true) => 4,
        }
    }

    fn is_batched(&self) -> bool {
        self.flags.contains(&BATCHED)
    }

    fn second_archive(&self) -> Second {
        match self.step {
            _ if self.table.early => Second::Early,
            "ComposeFileSet" => Second::InParts,
            _ => Second::Small,
        }
    }

    /// Puts what comes: the second archive ends when its parts have met what they are to meet.
    fn put_early(&self) -> Ran {
        let args = self.args();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let (child, mut stdin) = self.world.start(&args);
        let archives = archives(Second::Early, false);
        let [first, second, third] = &archives[..] else {
            unreachable!("there are three")
        };
        stdin.write_all(first).unwrap();
        self.proxy.wait_for("StartCommit", 1);
        let (entries, end) = second.split_at(second.len() - 1024);
        stdin.write_all(entries).unwrap();
        self.proxy.wait_for(self.step, self.second());
        stdin.write_all(&[end, third].concat()).unwrap();
        drop(stdin);
        Ran::from(child.wait_with_output().unwrap())
    }

    fn put(&self, input: &[u8]) -> Ran {
        let args = self.args();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.world.run_with(&args, input)
    }

    fn args(&self) -> Vec<String> {
        let spool = self.world.path("spool").display().to_string();
        let route = format!("--route=own={}", self.second_repo());
        let flags = self.flags.iter().map(|flag| match *flag {
            SPOOL => spool.as_str(),
            ROUTE => route.as_str(),
            flag => flag,
        });
        let mut args = vec!["put", &self.repo, "--create-repo", "--json", "--retry-for", "20s"];
        args.extend(flags);
        args.into_iter().map(str::to_owned).collect()
    }

    /// What is wrong, if anything.
    fn run(&self, fault: Fault) -> Result<(), String> {
        let comes_late = matches!(fault, Fault::Late(_) | Fault::Twice(_));
        match self.step {
            step if self.table.early => {
                // Until its parts have 2 MiB, so that there are enough for some to become one while it comes.
                let too_large = |nth| (2..6).contains(&nth).then_some(Fault::Answer(413, None));
                self.proxy
                    .each("CreateFileSet", too_large)
                    .at(step, self.second(), fault)
            }
            "ComposeFileSet" => {
                // Until its parts are small enough to be several.
                let too_large = |nth| (2..10).contains(&nth).then_some(Fault::Answer(413, None));
                self.proxy.each("CreateFileSet", too_large).at(self.step, 1, fault)
            }
            // A commit that is to be given up: appending, that is done by dropping alone.
            "DropCommitSet" | "DeleteCommit" => {
                let before = if self.table.is_1_x() {
                    ("PutFile", 2)
                } else if self.is_routed() {
                    ("FinishTransaction", 3)
                } else if self.flags.contains(&"--append") {
                    ("AddFileSet", 2)
                } else {
                    ("StartCommit", 2)
                };
                self.proxy
                    .at(before.0, before.1, Fault::LoseAnswer)
                    .at(self.step, 1, fault)
            }
            // Asked once a run; the commits of a new branch are not listed, but for one whose start was not heard.
            "ListCommitStream" => self
                .proxy
                .at("StartCommit", 2, Fault::LoseAnswer)
                .at(self.step, 1, fault),
            "InspectBranch" => self.proxy.at(self.step, 1, fault),
            // The first one is of 2.x, and finds out which pachd this is.
            "InspectRepo" => self.proxy.at(self.step, 2, fault),
            step => self.proxy.at(step, self.second(), fault),
        };
        let ran = if self.table.early {
            self.put_early()
        } else {
            self.put(&input(self.second_archive(), self.is_batched()))
        };
        self.check(&[&ran], comes_late)?;
        if comes_late {
            // It is found and given up by the next run, which has nothing else to do.
            self.proxy.deliver_late();
            let again = self.put(&[]);
            self.check(&[&ran, &again], false)?;
        }
        let missed = self.proxy.missed();
        self.proxy.heal();
        if missed.is_empty() {
            Ok(())
        } else {
            Err(format!("never called: {missed:?}"))
        }
    }

    fn check(&self, runs: &[&Ran], late: bool) -> Result<(), String> {
        let said: String = runs.iter().map(|ran| ran.stderr.as_str()).collect();
        let wrong = |what: String| Err(format!("{what}\n{said}{}", self.proxy.met().join("\n")));
        if runs.iter().any(|ran| ran.code != Some(0)) {
            return wrong("it failed".to_owned());
        }
        let mut outcome = Outcome {
            acknowledged: runs.iter().flat_map(|ran| ran.acknowledged()).collect(),
            ..in_store(&self.store, &self.repo)
        };
        if self.flags.contains(&"--staging") {
            outcome.open += in_store(&self.store, &format!("{}@staging", self.repo)).open;
        }
        if self.is_routed() {
            let other = in_store(&self.store, &self.second_repo());
            outcome.open += other.open;
            let ids = |good: &[Good]| good.iter().map(|good| good.commit.clone()).collect::<Vec<_>>();
            let (here, there) = (ids(&outcome.good), ids(&other.good));
            if here != there {
                return wrong(format!("not together: {here:?} and {there:?}"));
            }
            for (good, other) in outcome.good.iter_mut().zip(other.good) {
                good.tree.extend(other.tree);
            }
        }
        if late {
            outcome.open = 0;
        }
        if self.table.release.is_some() {
            forget_alias(&mut outcome.good);
        }
        if self.is_batched() {
            let good = outcome.good.iter_mut().map(|good| &mut good.archive);
            let told = outcome.acknowledged.iter_mut().map(|(archive, _)| archive);
            // Both halves of each, or what the checker will not have.
            good.chain(told)
                .for_each(|last| *last = if *last % 2 == 0 { *last / 2 } else { 0 });
        }
        let appends = self.flags.contains(&"--append");
        let promise = Promise {
            archives: ARCHIVES,
            tree: &|number| tree(number, self.second_archive(), appends),
            order: Order::AsSent,
            told: Told::Once,
        };
        promise.check(&outcome).or_else(wrong)
    }
}

/// Before 2.6, a branch that is moved has an empty head of its own, on top of the commit that it was moved to.
fn forget_alias(good: &mut Vec<Good>) {
    if let [.., last, alias] = &good[..]
        && alias.archive == 0
        && alias.tree == last.tree
    {
        good.pop();
    }
}

/// What `master` of a repo holds, read from the store in this directory.
pub fn in_store(store: &Path, repo: &str) -> Outcome {
    let store = Store::open_existing(store).unwrap();
    let branch = repo.parse::<Destination>().unwrap().branch;
    let commits = commits_of(&store, &branch);
    let good = commits.iter().filter(|info| info.is_good()).map(|info| Good {
        commit: info.commit.id.to_string(),
        archive: Mark::of(info).map_or(0, |mark| mark.sequence),
        tree: files_of_commit(&store, info),
    });
    Outcome {
        // Where a branch's first commit is dropped, pachd puts an empty one of its own.
        good: good.filter(|good| good.archive > 0 || !good.tree.is_empty()).collect(),
        open: commits.iter().filter(|info| info.is_open()).count(),
        acknowledged: Vec::new(),
    }
}

/// What is run, and against which server.
struct Table {
    scheme: &'static str,
    /// What `serve` answers as, if not the newest.
    release: Option<&'static str>,
    steps: &'static [&'static str],
    modes: &'static [&'static str],
    faults: &'static [&'static str],
    /// Parts of the second archive leave while it comes.
    early: bool,
}

/// Empty lists of a table are all of it.
fn is_listed(list: &[&str], name: &str) -> bool {
    list.is_empty() || list.contains(&name)
}

impl Table {
    const fn whole(scheme: &'static str) -> Self {
        Self {
            scheme,
            release: None,
            steps: &[],
            modes: &[],
            faults: &[],
            early: false,
        }
    }

    /// The calls of parts that leave while their archive comes.
    const fn early(scheme: &'static str) -> Self {
        Self {
            steps: &["CreateFileSet", "ComposeFileSet"],
            modes: &["plain", "appending"],
            early: true,
            ..Self::whole(scheme)
        }
    }

    fn serve(&self, store: &Path) -> Served {
        let args: Vec<&str> = self
            .release
            .iter()
            .flat_map(|release| ["--pachyderm", release])
            .collect();
        Served::over(store, &args)
    }

    fn is_1_x(&self) -> bool {
        self.release.is_some_and(|release| release.starts_with("1."))
    }

    /// The cells in an order that spreads those that take long.
    fn cells(&self) -> impl Iterator<Item = (&'static str, &'static Named, &'static Mode)> {
        let (usual, staged) = if self.is_1_x() {
            (STEPS_OF_1_X, &[][..])
        } else {
            (STEPS, STAGED_STEPS)
        };
        let is_step = move |step: &str, flags: &[&str]| {
            if flags.contains(&ROUTE) {
                ROUTED_STEPS.contains(&step)
            } else {
                flags.contains(&"--staging") || usual.contains(&step)
            }
        };
        let steps = move || {
            let steps = usual.iter().chain(staged).copied();
            steps.filter(|step| is_listed(self.steps, step))
        };
        let more = if self.is_1_x() { FAULTS_OF_1_X } else { &[] };
        let faults = FAULTS.iter().chain(more);
        let faults = faults.filter(|(name, _)| is_listed(self.faults, name));
        faults.flat_map(move |fault| {
            steps().flat_map(move |step| {
                let modes = MODES.iter().filter(|(name, _)| is_listed(self.modes, name));
                let modes = modes.filter(move |(_, flags)| is_step(step, flags));
                let modes = modes.filter(move |_| can_happen(step, fault.0));
                modes.map(move |mode| (step, fault, mode))
            })
        })
    }
}

/// What only reads is the same, late or twice, and only a stream of messages has halves.
fn can_happen(step: &str, fault: &str) -> bool {
    let only_reads = ["InspectRepo", "InspectBranch", "ListCommitStream"].contains(&step);
    match fault {
        "half of it carried out" => step == "PutFile",
        _ => !(only_reads && fault.starts_with("carried out ")),
    }
}

/// Where those before 2.6 need another way: a commit is given up only once it is finished, a branch that is moved gets a head
/// of its own, and 2.0 has other words.
const fn before_2_6(release: &'static str) -> Table {
    Table {
        scheme: "grpc",
        release: Some(release),
        steps: &[
            "StartCommit",
            "AddFileSet",
            "FinishCommit",
            "InspectCommit",
            "DropCommitSet",
            "CreateBranch",
            "FinishTransaction",
        ],
        modes: &[
            "appending",
            "with a spool, in flight",
            "staged, with a spool",
            "routed, with a spool",
        ],
        faults: &[
            "not carried out, connection closed",
            "carried out, not answered",
            "carried out, and a proxy says that its connection broke",
            "carried out after three calls",
            "carried out when all is over",
            "carried out twice",
            "carried out again later",
            "503",
            "carried out, and the server restarts",
        ],
        early: false,
    }
}

/// Where tests that take minutes are wanted.
fn whatever_meets_a_call(table: &'static Table) {
    if takes_minutes("SPOUTCTL_TEST_FAULTS", "faults") {
        run(table);
    }
}

fn run(table: &'static Table) {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let served = Arc::new(Mutex::new(table.serve(&store)));
    try_all(16, table.cells().enumerate(), |(number, cell)| {
        let (step, (fault, make), (mode, flags)) = cell;
        let own = fault.contains("restarts");
        let (store, served) = if own {
            let store = directory.path().join(format!("store-{number}"));
            let served = Arc::new(Mutex::new(table.serve(&store)));
            (store, served)
        } else {
            (store.clone(), Arc::clone(&served))
        };
        let proxy = Proxy::before(&served.lock().unwrap().authority);
        let cell = Cell {
            repo: format!("cell-{number}"),
            step,
            flags: flags.to_vec(),
            world: World::at(&format!("{}://{}", table.scheme, proxy.authority())),
            proxy,
            store,
            served,
            table,
        };
        let knowable = knowable(step, fault, flags);
        let what = match cell.run(make(&cell)) {
            Ok(()) if knowable == Knowable::No => "nobody could know, and the checker does not see it".to_owned(),
            Err(what) if knowable == Knowable::Yes => what,
            Ok(()) | Err(_) => return Ok(()),
        };
        Err(format!("{step}, {fault}, {mode}: {what}"))
    });
}

#[test]
fn whatever_meets_a_call_over_http_each_archive_is_there_once_and_in_order() {
    const HTTP: Table = Table::whole("http");
    whatever_meets_a_call(&HTTP);
}

/// Of the whole table, what doubled bytes once: always tried.
#[test]
fn what_a_proxy_lost_the_answer_to_is_not_appended_again() {
    const fn lost(scheme: &'static str) -> Table {
        Table {
            steps: &["StartCommit", "AddFileSet", "FinishCommit"],
            modes: &["appending"],
            faults: &["carried out, and a proxy says that its connection broke"],
            ..Table::whole(scheme)
        }
    }
    const HTTP: Table = lost("http");
    const GRPC: Table = lost("grpc");
    run(&HTTP);
    run(&GRPC);
}

#[test]
fn a_server_that_is_not_there_yet_is_waited_for_with_everything_on_disk() {
    let gateway = Pachd::start_after(Duration::from_secs(1));
    let world = World::at(&gateway.url());
    let spool = world.path("spool").display().to_string();
    let ran = world.run_with(
        &["put", "events", "--spool", &spool, "--retry-for", "10s"],
        &input(Second::Small, false),
    );
    let published = gateway.published();
    let there: Vec<String> = published.iter().map(|(id, _)| format!("default/events@{id}")).collect();
    assert_eq!((ran.expect(0).commits(), there.len() as u64), (there, ARCHIVES));
}

#[test]
fn whatever_meets_a_call_over_grpc_each_archive_is_there_once_and_in_order() {
    const GRPC: Table = Table::whole("grpc");
    whatever_meets_a_call(&GRPC);
}

#[test]
fn whatever_meets_a_call_of_an_early_part_over_http_each_archive_is_there_once_and_in_order() {
    const HTTP: Table = Table::early("http");
    whatever_meets_a_call(&HTTP);
}

#[test]
fn whatever_meets_a_call_of_an_early_part_over_grpc_each_archive_is_there_once_and_in_order() {
    const GRPC: Table = Table::early("grpc");
    whatever_meets_a_call(&GRPC);
}

#[test]
fn whatever_meets_a_call_of_2_0_each_archive_is_there_once_and_in_order() {
    const OF_2_0: Table = before_2_6("2.0");
    whatever_meets_a_call(&OF_2_0);
}

#[test]
fn whatever_meets_a_call_of_2_3_each_archive_is_there_once_and_in_order() {
    const OF_2_3: Table = before_2_6("2.3");
    whatever_meets_a_call(&OF_2_3);
}

/// Nothing is sent beforehand there: what breaks off costs the commit.
#[test]
fn whatever_meets_a_call_of_1_13_each_archive_is_there_once_and_in_order() {
    const OF_1_13: Table = Table {
        release: Some("1.13"),
        modes: &[
            "plain",
            "appending",
            "with a spool",
            "with a spool, in flight",
            "in batches, with a spool",
        ],
        ..Table::whole("grpc")
    };
    whatever_meets_a_call(&OF_1_13);
}
