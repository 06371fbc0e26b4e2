//! Calls that outlive the time that they have: carried out later, or never, with nobody closing a connection.
//!
//! The delivery itself over the gateway, since a minute a call is too long for a test.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use pachyderm_client::gateway::{Gateway, GatewayOptions};
use spoutctl_archive::{self, Archive, ArchiveReader, Files};
use spoutctl_delivery::retry::{Interrupt, SystemClock};
use spoutctl_delivery::spill::SpillBuffers;
use spoutctl_delivery::{Context, Delivery, Incoming, Observer, Options, Settled, Unacknowledged, WriteMode};

use crate::checker::{Order, Outcome, Promise, Told, Tree};
use crate::faults::in_store;
use crate::proxy::{Fault, Proxy};
use crate::runner::tar;
use crate::served::Served;

/// What a call may take.
const TIME_OUT: Duration = Duration::from_millis(400);

#[derive(Default)]
struct Heard(Mutex<Vec<(u64, String)>>);

impl Observer for Heard {
    fn settled(&self, settled: &Settled<'_>) -> Result<(), Unacknowledged> {
        if let Settled::Committed(receipt) | Settled::Already(receipt) = settled {
            let commit = receipt.commit.as_ref().unwrap().to_string();
            self.0.lock().unwrap().push((receipt.archive, commit));
        }
        Ok(())
    }
    fn would_commit(&self, _: &Archive, _: &Files) {}
    fn note(&self, _: &str) {}
}

fn archive_bytes(number: u64) -> Vec<u8> {
    tar(&[("log", format!("{number}\n").as_bytes())])
}

fn incoming(archives: u64) -> Receiver<Incoming> {
    let (sender, incoming) = bounded(0);
    std::thread::spawn(move || {
        let bytes: Vec<u8> = (1..=archives).flat_map(archive_bytes).collect();
        let buffers = SpillBuffers::new(&std::env::temp_dir());
        let mut reader = ArchiveReader::new(bytes.as_slice(), "test".into(), 1, spoutctl_archive::Options::default());
        while let Some(archive) = reader.next_archive(buffers.buffer()).unwrap() {
            sender.send(Incoming::Archive(Box::new(archive))).unwrap();
        }
        sender.send(Incoming::End(Ok(()))).unwrap();
    });
    incoming
}

/// Delivers archives 1 to this number.
fn deliver(proxy: &Proxy, repo: &str, mode: WriteMode, archives: u64) -> Result<Vec<(u64, String)>, String> {
    let mut options = GatewayOptions::new(proxy.url().parse().unwrap());
    options.times.call = TIME_OUT;
    options.times.idle = TIME_OUT;
    let gateway = Gateway::new(options);
    let heard = Arc::new(Heard::default());
    let delivery = Delivery {
        context: Context {
            sink: Arc::new(gateway.unwrap()),
            observer: Arc::clone(&heard) as _,
            clock: Arc::new(SystemClock),
            interrupt: Interrupt::new(),
            retry_for: Duration::from_secs(30),
        },
        ledger: Arc::default(),
        buffers: SpillBuffers::new(&std::env::temp_dir()),
        on_bad: spoutctl_delivery::OnBad::Stop,
        early: None,
        options: Options {
            mode,
            create_repo: true,
            stream: Some("s".parse().unwrap()),
            ..Options::new(repo.parse::<spoutctl_core::pfs::Destination>().unwrap().branch)
        },
    };
    let (_, result) = delivery.run(&incoming(archives));
    result.map_err(|error| error.to_string())?;
    let told = heard.0.lock().unwrap().clone();
    Ok(told)
}

#[test]
fn a_call_that_outlives_its_time_doubles_nothing_and_loses_nothing() {
    const STEPS: &[&str] = &["CreateFileSet", "StartCommit", "AddFileSet", "FinishCommit"];
    type Named = (&'static str, fn() -> Fault);
    let faults: &[Named] = &[
        ("carried out when the next try is under way", || {
            Fault::Hold(TIME_OUT + TIME_OUT / 4)
        }),
        ("carried out much later", || Fault::Hold(4 * TIME_OUT)),
        ("never carried out", || Fault::Stall),
        ("carried out, and the answer stops", || Fault::StallAnswer(1)),
    ];
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let served = Served::over(&store, &[]);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for (at, step) in STEPS.iter().enumerate() {
            for (number, (fault, make)) in faults.iter().enumerate() {
                for mode in [WriteMode::Overwrite, WriteMode::Append] {
                    let (served, store, wrong) = (&served, &store, &wrong);
                    scope.spawn(move || {
                        let repo = format!("r-{at}-{number}-{mode:?}");
                        let proxy = Proxy::before(&served.authority);
                        proxy.at(step, 2, make());
                        let told = deliver(&proxy, &repo, mode, 3);
                        proxy.deliver_late();
                        // Whatever came late is given up by the next run.
                        let checked = told.and_then(|told| {
                            deliver(&proxy, &repo, mode, 0)?;
                            check(store, &repo, mode, told)
                        });
                        if let Err(what) = checked {
                            let met = proxy.met();
                            wrong
                                .lock()
                                .unwrap()
                                .push(format!("{step}, {fault}, {mode:?}: {what} {met:?}"));
                        }
                    });
                }
            }
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check(store: &std::path::Path, repo: &str, mode: WriteMode, told: Vec<(u64, String)>) -> Result<(), String> {
    let tree = |number| {
        let first = if mode == WriteMode::Append { 1 } else { number };
        let log: Vec<String> = (first..=number).map(|number| format!("{number}\n")).collect();
        Tree::from([("log".to_owned(), log.concat().into_bytes())])
    };
    let promise = Promise {
        archives: 3,
        tree: &tree,
        order: Order::AsSent,
        told: Told::Once,
    };
    promise.check(&Outcome {
        acknowledged: told,
        ..in_store(store, repo)
    })
}
