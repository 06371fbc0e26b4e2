//! `--route` where somebody else, or a run that was killed, has left the commits of one id in different states.

use std::sync::Arc;

use super::scripted::{archive_with, branch, deliver_bytes_to, stream};
use super::stored;
use crate::mark::{Mark, Stage};
use crate::routing::{IfMissing, Routed, Routes};
use crate::*;
use spoutctl_core::glob::Glob;
use spoutctl_core::pfs::{Branch, Commit, Destination};

fn logs() -> Branch {
    "logs".parse::<Destination>().unwrap().branch
}

fn routed(store: Arc<dyn CommitSink>) -> Arc<Routed> {
    let logs_go_there = vec![(Glob::new("/logs/**").unwrap(), logs())];
    let routes = Routes::new(branch(), logs_go_there).unwrap();
    Arc::new(Routed::new(store, routes, IfMissing::Refuse))
}

fn archive(number: u64) -> Vec<u8> {
    archive_with(&[
        (format!("logs/{number}"), b"l".to_vec()),
        (number.to_string(), b"r".to_vec()),
    ])
}

#[test]
fn what_a_killed_run_left_open_is_given_up_also_where_somebody_has_finished_one_half_of_it() {
    for half in [branch(), logs()] {
        let (store, _directory) = stored::store(&[branch(), logs()]);
        let store = Arc::new(store);
        let sink = routed(Arc::clone(&store) as _);
        deliver_bytes_to(Arc::clone(&sink) as _, archive(1), stream("s", true)).unwrap();
        let mark = Mark::of(&stored::line(store.as_ref(), &branch())[0]).unwrap();
        let left = Mark {
            first: 2,
            sequence: 2,
            ..mark
        };
        let description = left.at(Stage::Started).to_string();
        let id = sink.start_commit(&branch(), &description).unwrap();
        let commit = Commit {
            repo: half.repo.clone(),
            branch: half.name.clone(),
            id,
        };
        store.finish_commit(&commit, &description, None).unwrap();
        let both = [archive(1), archive(2)].concat();
        let ended = deliver_bytes_to(Arc::clone(&sink) as _, both, stream("s", true)).unwrap();
        assert_eq!((ended.already, ended.committed), (vec![1], vec![2]), "{half}");
        for branch in [branch(), logs()] {
            let line = stored::line(store.as_ref(), &branch);
            assert!(line.iter().all(|info| info.finished.is_some()), "{line:?}");
            assert!(
                line[0].is_good() && Mark::of(&line[0]).unwrap().sequence == 2,
                "{line:?}"
            );
        }
    }
}
