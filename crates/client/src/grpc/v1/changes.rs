//! What differs between two commits. 1.x answers that in one message, which may not fit: so both are walked through
//! side by side.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use super::{Incoming, Unreadable, V1, WALK_FILE, fault, messages, unreadable};
use spoutctl_core::fault::Fault;
use spoutctl_core::pfs::{Commit, FilePath};
use spoutctl_core::source::FileChange;
use spoutctl_proto::v1;

/// The files of a commit, element by element of their paths (recording 181).
struct Files<'a>(Incoming<'a, v1::FileInfo>);

impl<'a> Files<'a> {
    fn of(pachd: &'a V1, commit: &Commit) -> Result<Self, Fault> {
        let opened = pachd.calls.list(WALK_FILE, messages::file(commit, "/"));
        Ok(Self(opened.map_err(|failed| fault(WALK_FILE, failed))?))
    }

    fn next(&mut self) -> Result<Option<v1::FileInfo>, Fault> {
        loop {
            let info = self.0.next().map_err(|failed| Fault::from(fault(WALK_FILE, failed)));
            match info? {
                Some(info) if info.file_type() != v1::FileType::File => {}
                info => return Ok(info),
            }
        }
    }
}

impl V1 {
    pub(super) fn visit_changes(
        &self,
        new: &Commit,
        old: Option<&Commit>,
        show: &mut dyn FnMut(FileChange) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let mut new = Files::of(self, new)?;
        let mut old = old.map(|old| Files::of(self, old)).transpose()?;
        let mut after = new.next()?;
        let mut before = old.as_mut().map_or(Ok(None), Files::next)?;
        loop {
            let order = match (&before, &after) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(before), Some(after)) => elements(before).cmp(elements(after)),
            };
            let was = if order.is_le() { before.take() } else { None };
            let is = if order.is_ge() { after.take() } else { None };
            if was.is_some() {
                before = old.as_mut().map_or(Ok(None), Files::next)?;
            }
            if is.is_some() {
                after = new.next()?;
            }
            if change(was.as_ref(), is.as_ref())?.is_some_and(|change| show(change).is_break()) {
                return Ok(());
            }
        }
    }
}

fn elements(info: &v1::FileInfo) -> impl Iterator<Item = &str> {
    messages::path_of(info).split('/')
}

/// What became of one path; `None` where it has the same bytes.
fn change(was: Option<&v1::FileInfo>, is: Option<&v1::FileInfo>) -> Result<Option<FileChange>, Fault> {
    let Some(named) = is.or(was) else { return Ok(None) };
    if let (Some(was), Some(is)) = (was, is)
        && (was.size_bytes, &was.hash) == (is.size_bytes, &is.hash)
    {
        return Ok(None);
    }
    let path = FilePath::new(messages::path_of(named));
    let path = path.map_err(|why| unreadable(WALK_FILE)(Unreadable::from(why)))?;
    let size = |info: &v1::FileInfo| info.size_bytes;
    Ok(FileChange::between(path, was.map(size), is.map(size)))
}
