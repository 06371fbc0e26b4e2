//! The checker of the promise: every archive is in the repo once, whole and in order, and just what is there was
//! acknowledged.
//!
//! One for every way in which we try to break it: the scripted sink here, the table of faults over the wire and the
//! wrong deliveries in `tests/cli`, the soak. So it knows nothing of the delivery and nothing of this crate.

use std::collections::BTreeMap;

/// Files by path.
pub type Tree = BTreeMap<String, Vec<u8>>;

/// A commit that is finished without an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Good {
    pub commit: String,
    /// The number that its mark has.
    pub archive: u64,
    pub tree: Tree,
}

/// What there is when all is over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Oldest first.
    pub good: Vec<Good>,
    /// How many commits nobody has finished: they block the branch.
    pub open: usize,
    /// An archive's number and its commit, in the order of the acknowledgements of all runs.
    pub acknowledged: Vec<(u64, String)>,
}

/// In which order archives may be in the repo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    AsSent,
    /// Several were in flight, and one of them may have failed: it comes after those behind it.
    AsTheyWent,
}

/// How often an archive may be acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Once,
    /// A run that was killed may not have noted what it had told.
    AgainAfterAKill,
}

/// What was promised.
pub struct Promise<'a> {
    /// These were sent: 1 to this number.
    pub archives: u64,
    /// The files that an archive's commit shows.
    pub tree: &'a dyn Fn(u64) -> Tree,
    pub order: Order,
    pub told: Told,
}

impl Promise<'_> {
    /// # Errors
    /// What is not as it was promised.
    pub fn check(&self, outcome: &Outcome) -> Result<(), String> {
        self.check_commits(&outcome.good)?;
        if outcome.open > 0 {
            return Err(format!("{} commits are open", outcome.open));
        }
        self.check_acknowledgements(outcome)
    }

    fn check_commits(&self, good: &[Good]) -> Result<(), String> {
        let mut numbers: Vec<u64> = good.iter().map(|good| good.archive).collect();
        if self.order == Order::AsTheyWent {
            numbers.sort_unstable();
        }
        if !numbers.iter().copied().eq(1..=self.archives) {
            return Err(format!("of {} archives, these are there: {numbers:?}", self.archives));
        }
        for Good { commit, archive, tree } in good {
            let expected = (self.tree)(*archive);
            if *tree != expected {
                let (tree, expected) = (shown(tree), shown(&expected));
                return Err(format!(
                    "commit {commit} of archive {archive} holds {tree}, not {expected}"
                ));
            }
        }
        Ok(())
    }

    fn check_acknowledgements(&self, outcome: &Outcome) -> Result<(), String> {
        let mut told = BTreeMap::new();
        for (archive, commit) in &outcome.acknowledged {
            let there = outcome
                .good
                .iter()
                .any(|good| good.archive == *archive && good.commit == *commit);
            if !there {
                return Err(format!(
                    "archive {archive} was acknowledged as commit {commit}, which does not hold it"
                ));
            }
            let before = told.insert(*archive, commit);
            if before.is_some() && self.told == Told::Once {
                return Err(format!("archive {archive} was acknowledged twice"));
            }
            if before.is_none() && told.len() as u64 != *archive && self.order == Order::AsSent {
                return Err(format!("archive {archive} was acknowledged before an older one"));
            }
        }
        if told.len() as u64 == self.archives {
            Ok(())
        } else {
            let told: Vec<_> = told.keys().collect();
            Err(format!(
                "of {} archives, these were acknowledged: {told:?}",
                self.archives
            ))
        }
    }
}

/// Paths, and contents as far as a line has room for them.
fn shown(tree: &Tree) -> String {
    let file = |(path, content): (&String, &Vec<u8>)| {
        let begin = String::from_utf8_lossy(&content[..content.len().min(20)]).into_owned();
        format!("{path} ({} bytes, {begin:?})", content.len())
    };
    let files: Vec<String> = tree.iter().map(file).collect();
    format!("[{}]", files.join(", "))
}
