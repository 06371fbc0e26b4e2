//! Copies of what another commit holds, as the changes that they come to: nothing is held but one piece of one file.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;

use crate::serve::datum::is_default;
use crate::serve::files::not_there;
use crate::serve::{Call, Code, Service, Status};
use crate::{FileEntry, Store, View, bounds_of_directory};
use spoutctl_core::glob::clean;
use spoutctl_core::sink::{Change, MAX_CHUNK};
use spoutctl_proto::pfs::CopyFile;

/// A file or a directory on its way.
pub(super) struct Copying {
    source: View<Arc<Store>>,
    /// The path that is copied, and what it becomes.
    from: String,
    to: String,
    /// What is in the way, and goes first.
    deletions: VecDeque<String>,
    page: VecDeque<FileEntry>,
    /// The bounds of what is left of a directory; empty of a file.
    after: String,
    before: String,
    reader: Option<(String, Box<dyn Read + Send>)>,
    at_hand: AtHand,
}

/// The change that is told next.
enum AtHand {
    Nothing,
    Delete(String),
    Append { path: String, data: Bytes },
}

impl Service {
    /// # Errors
    /// `NotFound`.
    pub(super) fn copying(&self, call: &Call, request: CopyFile) -> Result<Copying, Status> {
        if !is_default(&request.datum) {
            return Err(Status::unserved("a datum"));
        }
        let file = request.src.ok_or_else(|| Status::unknown("file cannot be nil"))?;
        let commit = file.commit.clone().unwrap_or_default();
        self.authorize_reading(call, &self.pick(&commit)?.repo)?;
        let source = self.view(call, &commit)?;
        let from = clean(&file.path).trim_end_matches('/').to_owned();
        let to = clean(&request.dst).trim_end_matches('/').to_owned();
        let (after, before) = match from.as_str() {
            "" => ("/".to_owned(), "0".to_owned()),
            directory => bounds_of_directory(directory),
        };
        let page: VecDeque<FileEntry> = if from.is_empty() { None } else { source.file(&from)? }
            .into_iter()
            .collect();
        if page.is_empty() && source.files(&after, &before)?.is_empty() {
            return Err(not_there(&source, self.dialect, &file));
        }
        let deletions = if request.append || to.is_empty() {
            VecDeque::new()
        } else {
            [to.clone(), format!("{to}/")].into()
        };
        Ok(Copying {
            source,
            from,
            to,
            deletions,
            page,
            after,
            before,
            reader: None,
            at_hand: AtHand::Nothing,
        })
    }
}

impl Copying {
    /// Goes on to the next change, and tells whether there is one.
    ///
    /// # Errors
    /// What reading ends with.
    pub(super) fn advance(&mut self) -> Result<bool, Status> {
        if let Some(path) = self.deletions.pop_front() {
            self.at_hand = AtHand::Delete(path);
            return Ok(true);
        }
        loop {
            if let Some((path, reader)) = &mut self.reader {
                let mut data = Vec::with_capacity(MAX_CHUNK);
                let limit = u64::try_from(MAX_CHUNK).unwrap_or(u64::MAX);
                let read = reader.take(limit).read_to_end(&mut data);
                read.map_err(|error| Status::new(Code::Internal, error.to_string()))?;
                // An empty file is one piece of nothing.
                let is_first = !matches!(&self.at_hand, AtHand::Append { path: before, .. } if before == path);
                if !data.is_empty() || is_first {
                    self.at_hand = AtHand::Append {
                        path: path.clone(),
                        data: data.into(),
                    };
                    return Ok(true);
                }
                self.reader = None;
            }
            if self.page.is_empty() {
                self.page = self.source.files(&self.after, &self.before)?.into();
            }
            let Some(file) = self.page.pop_front() else {
                return Ok(false);
            };
            if file.path != self.from {
                file.path.clone_into(&mut self.after);
            }
            let path = format!("{}{}", self.to, &file.path[self.from.len()..]);
            let reader = Box::new(self.source.read(&file, 0));
            self.reader = Some((path, reader));
        }
    }

    /// The change that [`Copying::advance`] has come to.
    pub(super) fn change(&self) -> Option<Change<'_>> {
        match &self.at_hand {
            AtHand::Nothing => None,
            AtHand::Delete(path) => Some(Change::Delete { path }),
            AtHand::Append { path, data } => Some(Change::append(path, data.clone())),
        }
    }
}
