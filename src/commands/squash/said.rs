//! What is printed of each commit, and at the end.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::terminal::Terminal;
use spoutctl_core::pfs::{Branch, CommitId};
use spoutctl_core::quantity::{counted, grouped};
use spoutctl_delivery::squashing::{Fate, Plan, Reason};

/// What became of the branch's commits.
pub(super) struct Count {
    commits: u64,
    squashed: u64,
    others: u64,
    stays: BTreeMap<Reason, u64>,
    /// pachd's own, of the first that it refused.
    words: Option<String>,
}

impl Count {
    pub fn of(plan: &Plan) -> Self {
        Self {
            commits: plan.commits() as u64,
            squashed: 0,
            others: 0,
            stays: plan.stays.clone(),
            words: None,
        }
    }

    pub fn add(&mut self, fate: Fate) {
        match fate {
            Fate::Squashed { others } => {
                self.squashed += 1;
                self.others += others as u64;
            }
            Fate::Stays(reason, more) => {
                *self.stays.entry(reason).or_default() += 1;
                if reason == Reason::Refused {
                    self.words = self.words.take().or(more);
                }
            }
        }
    }

    pub fn stays(&self, reason: Reason) -> u64 {
        self.stays.get(&reason).copied().unwrap_or_default()
    }

    pub fn words(&self) -> Option<String> {
        self.words.clone()
    }

    /// Those of which nothing became, because it ended before.
    fn left(&self) -> u64 {
        let known = self.stays.values().sum::<u64>() + self.squashed;
        self.commits.saturating_sub(known)
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    Squashed {
        commit: &'a str,
        others: usize,
        dry_run: bool,
    },
    Kept {
        commit: &'a str,
        reason: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<&'a str>,
    },
    Summary {
        complete: bool,
        dry_run: bool,
        project: &'a str,
        repo: &'a str,
        branch: &'a str,
        commits: u64,
        squashed: u64,
        others: u64,
        kept: BTreeMap<&'a str, u64>,
    },
}

/// Says it.
pub(super) struct Said<'a> {
    terminal: &'a Terminal,
    json: bool,
    dry_run: bool,
}

impl<'a> Said<'a> {
    pub fn new(terminal: &'a Terminal, json: bool, dry_run: bool) -> Self {
        Self {
            terminal,
            json,
            dry_run,
        }
    }

    pub fn fate(&mut self, id: &CommitId, fate: &Fate) {
        let commit = id.as_str();
        match fate {
            Fate::Squashed { others } if self.json => self.line(&Line::Squashed {
                commit,
                others: *others,
                dry_run: self.dry_run,
            }),
            Fate::Squashed { .. } => self.terminal.result(commit),
            Fate::Stays(reason, more) if self.json => self.line(&Line::Kept {
                commit,
                reason: reason.key(),
                detail: more.as_deref(),
            }),
            Fate::Stays(reason, more) => {
                let more = more.as_ref().map_or(String::new(), |more| format!(": {more}"));
                self.terminal.detail(&format!("{id} stays: {reason}{more}"));
            }
        }
    }

    pub fn summary(&self, branch: &Branch, count: &Count, complete: bool) {
        if self.json {
            let kept = count.stays.iter().map(|(reason, count)| (reason.key(), *count));
            self.line(&Line::Summary {
                complete,
                dry_run: self.dry_run,
                project: branch.repo.project.as_str(),
                repo: branch.repo.name.as_str(),
                branch: branch.name.as_str(),
                commits: count.commits,
                squashed: count.squashed,
                others: count.others,
                kept: kept.collect(),
            });
        }
        let done = if self.dry_run { "would be squashed" } else { "squashed" };
        let squashed = counted(count.squashed, "commit");
        let others = match count.others {
            0 => String::new(),
            others => format!(", with {} of pipelines", grouped(others)),
        };
        self.terminal.status(&format!("{squashed} {done}{others}"));
        for (reason, count) in &count.stays {
            self.terminal.status(&format!("  {} kept: {reason}", grouped(*count)));
        }
        if !complete && count.left() > 0 {
            self.terminal
                .status(&format!("  {} not come to", grouped(count.left())));
        }
    }

    fn line(&self, line: &Line<'_>) {
        // Of texts and numbers alone, which always have a form in JSON.
        self.terminal.result(&serde_json::to_string(line).unwrap_or_default());
    }
}
