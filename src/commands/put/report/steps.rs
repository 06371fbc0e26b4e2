//! How long each step of a commit took, for `--verbose` and for traces.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use spoutctl_core::quantity::{grouped, milliseconds};
use spoutctl_delivery::Step;

/// The steps of those archives that are no finished commit yet. An archive that failed ends the run.
#[derive(Default)]
pub(super) struct Steps(Mutex<BTreeMap<u64, Vec<Taken>>>);

/// A step that is done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    pub step: Step,
    pub took: Duration,
    pub ended: SystemTime,
}

impl Steps {
    pub fn took(&self, archive: u64, step: Step, took: Duration) {
        let ended = SystemTime::now();
        let taken = Taken { step, took, ended };
        self.0.lock().entry(archive).or_default().push(taken);
    }

    /// Those that were taken for an archive, once; what is older is forgotten with it.
    pub fn of(&self, archive: u64) -> Vec<Taken> {
        let mut steps = self.0.lock();
        let newer = steps.split_off(&(archive + 1));
        let mut older = std::mem::replace(&mut *steps, newer);
        older.remove(&archive).unwrap_or_default()
    }
}

/// In their order. What a step took that was done again is added up.
pub(super) fn in_words(archive: u64, taken: &[Taken]) -> Option<String> {
    let mut steps: BTreeMap<Step, Duration> = BTreeMap::new();
    for Taken { step, took, .. } in taken {
        *steps.entry(*step).or_default() += *took;
    }
    let steps: Vec<String> = steps
        .into_iter()
        .map(|(step, took)| format!("{} {}", name(step), milliseconds(took)))
        .collect();
    (!steps.is_empty()).then(|| format!("archive {}: {}", grouped(archive), steps.join(", ")))
}

pub(super) fn name(step: Step) -> &'static str {
    match step {
        Step::Upload => "upload",
        Step::Start => "start",
        Step::Add => "add",
        Step::Close => "close",
        Step::Move => "move",
        Step::Finish => "finish",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_in_their_order_once_and_what_was_done_again_is_added_up() {
        let steps = Steps::default();
        steps.took(7, Step::Finish, Duration::from_secs(83));
        steps.took(7, Step::Upload, Duration::from_millis(1200));
        steps.took(7, Step::Start, Duration::from_millis(2));
        steps.took(7, Step::Start, Duration::from_millis(3));
        steps.took(8, Step::Upload, Duration::ZERO);
        assert_eq!(
            in_words(7, &steps.of(7)).unwrap(),
            "archive 7: upload 1,200 ms, start 5 ms, finish 1 min 23 s"
        );
        assert_eq!(in_words(7, &steps.of(7)), None);
        assert_eq!(in_words(8, &steps.of(8)).unwrap(), "archive 8: upload 0 ms");
    }
}
