//! What a round has left in its store, and what was said of it, in the checker's words.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, RangeInclusive};
use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use spoutctl_archive::Digest;
use spoutctl_core::history::CommitHistory;
use spoutctl_core::pfs::{Branch, Commit, CommitInfo, Destination, FilePath, RepoName};
use spoutctl_delivery::mark::{Mark, Stage};
use spoutctl_delivery::retrieval;
use spoutctl_store::Store;

use crate::checker::{Good, Outcome, Tree};
use crate::mode::Mode;
use crate::producing::archive;

/// Larger files are told apart by their digests, so that a round of them fits into memory.
const SHOWN: usize = 64 << 10;

/// The files of one archive, or message, as the checker compares them.
pub fn tree(mode: Mode, number: u64) -> Tree {
    let files = mode.files(number).into_iter();
    files.map(|(path, content)| (path, compared(content))).collect()
}

fn compared(content: Vec<u8>) -> Vec<u8> {
    if content.len() > SHOWN {
        Sha256::digest(&content).to_vec()
    } else {
        content
    }
}

/// What the branch holds. Each archive is looked up in the commit that is marked as its own, and the newest commit has to
/// have those of all.
pub fn outcome(mode: Mode, store: &Path) -> anyhow::Result<Outcome> {
    let store = Store::open_existing(store)?;
    let branch = "events".parse::<Destination>()?.branch;
    let mut all = Vec::new();
    store.list_commits(&branch, &mut |info| {
        all.push(info);
        ControlFlow::Continue(())
    })?;
    let mut reading = Reading {
        mode,
        store: &store,
        branch: &branch,
        digests: BTreeMap::new(),
    };
    let mut outcome = Outcome::default();
    for info in all.iter().rev() {
        outcome.open += usize::from(info.is_open());
        // Where the first commit of a branch is dropped, pachd leaves an empty one of its own; `--staging` begins with one,
        // or with two on 2.0.
        let is_beginning = info.description.is_empty() && (info.parent.is_none() || mode == Mode::Staging);
        if info.is_good() && !is_beginning {
            outcome.good.extend(reading.held(info)?);
        }
    }
    if let Some(newest) = all.iter().find(|info| info.is_good()) {
        for good in &outcome.good {
            let there = reading.tree(newest, good.archive)?;
            ensure!(
                there == good.tree,
                "{} is not in the newest commit any more",
                good.archive
            );
        }
    }
    Ok(outcome)
}

struct Reading<'a> {
    mode: Mode,
    store: &'a Store,
    branch: &'a Branch,
    digests: BTreeMap<u64, [u8; 32]>,
}

impl Reading<'_> {
    /// What a commit holds that is marked as one of ours whose data are whole: its archives, or its messages.
    fn held(&mut self, info: &CommitInfo) -> anyhow::Result<Vec<Good>> {
        let mark = Mark::of(info).with_context(|| format!("{} has no mark", info.commit))?;
        ensure!(mark.stage == Stage::Done, "{} is marked {mark}", info.commit);
        let numbers = if self.mode == Mode::Messages {
            let messages = mark.messages.with_context(|| format!("{mark} counts no messages"))?;
            messages.first..=messages.last
        } else {
            let digest = self.digest(mark.first..=mark.sequence)?;
            ensure!(mark.digest == digest, "{} is marked {mark}", info.commit);
            mark.first..=mark.sequence
        };
        let good = |number| {
            Ok(Good {
                commit: info.commit.id.to_string(),
                archive: number,
                tree: self.tree(info, number)?,
            })
        };
        numbers.map(good).collect()
    }

    /// Of several archives it is the digest of theirs.
    fn digest(&mut self, numbers: RangeInclusive<u64>) -> anyhow::Result<Digest> {
        let mut each = Vec::new();
        for number in numbers {
            let digest = match self.digests.get(&number) {
                Some(digest) => *digest,
                None => Sha256::digest(archive(self.mode, number)?).into(),
            };
            self.digests.insert(number, digest);
            each.push(digest);
        }
        Ok(Digest::new(match each[..] {
            [one] => one,
            _ => Sha256::digest(each.concat()).into(),
        }))
    }

    /// What a commit holds of these files.
    fn tree(&self, info: &CommitInfo, number: u64) -> anyhow::Result<Tree> {
        let mut tree = Tree::new();
        for (path, _) in self.mode.files(number) {
            let mut repo = self.branch.repo.clone();
            if self.mode == Mode::Routes && path.starts_with("r/") {
                repo.name = RepoName::new("other")?;
            }
            let commit = Commit {
                repo,
                branch: self.branch.name.clone(),
                id: info.commit.id.clone(),
            };
            let mut content = Vec::new();
            retrieval::copy_file(self.store, &commit, &FilePath::new(&format!("/{path}"))?, &mut content)
                .with_context(|| format!("{commit}: {path}"))?;
            tree.insert(path, compared(content));
        }
        Ok(tree)
    }
}

/// What a line of `--json` says: archives, or messages, that are safe in the spool, or in a commit.
pub enum Line {
    Spooled(u64),
    Committed(RangeInclusive<u64>, String),
    Other,
}

impl Line {
    pub fn parse(mode: Mode, line: &str) -> anyhow::Result<Self> {
        // The kernel keeps whole what was written before a kill.
        let line: Value = serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))?;
        Ok(match line["type"].as_str() {
            Some("spooled") => Self::Spooled(number(&line, "seq")?),
            Some("commit" | "already") => {
                let commit = line["commit"].as_str().unwrap_or_default().to_owned();
                let several = if mode == Mode::Messages { "messages" } else { "archives" };
                let numbers = if line[several].is_object() {
                    number(&line[several], "first")?..=number(&line[several], "last")?
                } else {
                    let one = number(&line, "archive")?;
                    one..=one
                };
                Self::Committed(numbers, commit)
            }
            _ => Self::Other,
        })
    }
}

fn number(line: &Value, field: &str) -> anyhow::Result<u64> {
    line[field].as_u64().with_context(|| format!("no {field}: {line}"))
}
