//! The names of an archive's files: no two messages take the same one, unless they may.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::messages::error::MessageFault;
use crate::messages::framing::Message;
use crate::messages::naming::Template;
use crate::messages::policy::SameName;
use spoutctl_core::pfs::FilePath;

/// The names of an archive's files, and whose they are.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: BTreeMap<FilePath, u64>,
}

impl Names {
    pub(super) fn take(
        &mut self,
        template: &Template,
        message: &Message<'_>,
        number: u64,
        time: Timestamp,
        same_name: SameName,
    ) -> Result<FilePath, MessageFault> {
        let path = template.path(message, number, time)?;
        let may_be_there = same_name == SameName::Last && self.taken.contains_key(&path);
        if let Some((with, other)) = self.in_the_way(&path).filter(|_| !may_be_there) {
            return Err(MessageFault::Clash {
                name: path.to_string(),
                with: with.to_string(),
                other,
            });
        }
        self.taken.insert(path.clone(), message.number);
        Ok(path)
    }

    /// A file of this name, of a name above, or of one below: no tree holds both.
    fn in_the_way(&self, path: &FilePath) -> Option<(&FilePath, u64)> {
        let text = path.as_str();
        let above = text.match_indices('/').skip(1).map(|(at, _)| &text[..at]);
        let above = above.filter_map(|directory| FilePath::new(directory).ok());
        let above = above.filter_map(|directory| self.taken.get_key_value(&directory));
        let same = self.taken.get_key_value(path).into_iter();
        let below = FilePath::new(&format!("{text}/ "))
            .ok()
            .into_iter()
            .filter_map(|first| self.taken.range(first..).next())
            .filter(|(other, _)| {
                other
                    .as_str()
                    .strip_prefix(text)
                    .is_some_and(|rest| rest.starts_with('/'))
            });
        same.chain(above)
            .chain(below)
            .next()
            .map(|(path, number)| (path, *number))
    }
}
