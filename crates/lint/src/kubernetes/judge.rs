//! What is asked of many fields: to be there, to be one of a few, to have a form.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::json::{Path, integer, members, text};
use super::names;
use super::refusal::{Fault, Minor, Refusal};

/// Goes through a spec, and keeps what is at fault.
#[derive(Default)]
pub(super) struct Judge {
    /// The keys of the pod's labels.
    pub(super) labels: Vec<String>,
    pub(super) faults: Vec<Fault>,
}

impl Judge {
    pub(super) fn fault(&mut self, path: Path<'_>, what: impl Into<String>) {
        self.refused(path, what, Refusal::Always);
    }

    pub(super) fn refused(&mut self, path: Path<'_>, what: impl Into<String>, refusal: Refusal) {
        self.faults.push(Fault {
            path: path.to_string(),
            what: what.into(),
            refusal,
        });
    }

    /// What is found by `look` is refused since some version only: before, the field was not known, or not looked at.
    pub(super) fn since(&mut self, first: Minor, look: impl FnOnce(&mut Self)) {
        let known = self.faults.len();
        look(self);
        for fault in self.faults.iter_mut().skip(known) {
            if fault.refusal == Refusal::Always {
                fault.refusal = Refusal::Since(first);
            }
        }
    }

    pub(super) fn refused_if(&mut self, path: Path<'_>, what: Option<(&str, Refusal)>) {
        if let Some((what, refusal)) = what {
            self.refused(path, what, refusal);
        }
    }

    pub(super) fn fault_if(&mut self, path: Path<'_>, what: Option<&str>) {
        if let Some(what) = what {
            self.fault(path, what);
        }
    }

    /// Something has to be there and not be empty.
    pub(super) fn required(&mut self, of: &Json, path: Path<'_>, key: &str) -> bool {
        let is_there = match of.get(key) {
            Some(Json::String(text)) => !text.is_empty(),
            Some(Json::Array(elements)) => !elements.is_empty(),
            Some(_) => true,
            None => false,
        };
        if !is_there {
            self.fault(path.key(key), "is missing");
        }
        is_there
    }

    /// A text that is one of a few, if it is there; an empty one is none of them.
    pub(super) fn one_of_given(&mut self, of: &Json, path: Path<'_>, key: &str, known: &[&str]) {
        if of.get(key).and_then(Json::as_str) == Some("") {
            self.fault(path.key(key), "is empty");
        }
        self.one_of(of, path, key, known);
    }

    /// A text that is one of a few; none is the default.
    pub(super) fn one_of(&mut self, of: &Json, path: Path<'_>, key: &str, known: &[&str]) {
        let value = text(of, key);
        if !value.is_empty() && !known.contains(&value) {
            let known: Vec<_> = known.iter().map(|known| format!("`{known}`")).collect();
            self.fault(path.key(key), format!("is none of {}", known.join(", ")));
        }
    }

    /// A text of a certain form; none is no fault.
    pub(super) fn formed(&mut self, of: &Json, path: Path<'_>, key: &str, form: fn(&str) -> Option<&'static str>) {
        let value = text(of, key);
        if !value.is_empty() {
            self.fault_if(path.key(key), form(value));
        }
    }

    pub(super) fn within(&mut self, of: &Json, path: Path<'_>, key: &str, least: i64, most: i64) {
        if integer(of, key).is_some_and(|number| !(least..=most).contains(&number)) {
            self.fault(path.key(key), format!("has to be from {least} to {most}"));
        }
    }

    /// The same key in several elements of a list.
    pub(super) fn unique(&mut self, elements: &[Json], path: Path<'_>, key: &str) {
        let mut seen = HashSet::new();
        for (at, element) in elements.iter().enumerate() {
            let value = text(element, key);
            if !value.is_empty() && !seen.insert(value) {
                self.fault(path.index(at).key(key), format!("is `{value}` a second time"));
            }
        }
    }

    /// Keys and values that are labels.
    pub(super) fn labels(&mut self, of: &Json, path: Path<'_>, key: &str) {
        let path = path.key(key);
        for (name, value) in members(of, key) {
            self.fault_if(path.key(name), names::label_key(name));
            self.fault_if(path.key(name), value.as_str().and_then(names::label_value));
        }
    }
}
