//! Writing files: `PutFile` into an open commit, or into a branch, where one commit comes of it.

use std::collections::VecDeque;
use std::io;

use bytes::Bytes;

use super::{V1, commit};
use crate::serve::{Call, Requests, Status};
use spoutctl_core::fault::Fault;
use spoutctl_core::glob::clean;
use spoutctl_core::pfs::is_allowed_in_path;
use spoutctl_core::sink::{Change, Changes, MAX_CHUNK};
use spoutctl_proto::google::Empty;
use spoutctl_proto::v1::{Commit, FileRequest, PutFileRequest};

/// # Errors
/// Each answers a [`Status`], with pachd's text where pachd has one.
impl V1<'_> {
    /// Nothing happens before the stream has ended, and then all of it.
    pub fn put_file(&self, _: &Call, requests: &mut Requests<'_, PutFileRequest>) -> Result<Empty, Status> {
        // Of a stream without a message nothing comes.
        let Some(first) = requests()? else {
            return Ok(Empty {});
        };
        let into = first.file.as_ref().and_then(|file| file.commit.clone());
        let target = commit(into.as_ref())?;
        let mut stream = Stream::of(requests, into);
        let written = match stream.read(first) {
            Ok(()) => self.0.store.modify(&target, &mut stream, &|| Ok(())).map(|_| ()),
            Err(status) => return Err(status),
        };
        stream.settle(written)?;
        self.0.changes.tell();
        Ok(Empty {})
    }

    pub fn delete_file(&self, call: &Call, request: &FileRequest) -> Result<Empty, Status> {
        let mut one = Some(PutFileRequest {
            file: request.file.clone(),
            delete: true,
            ..PutFileRequest::default()
        });
        self.put_file(call, &mut || Ok(one.take()))
    }
}

/// What one message asks for, piece by piece.
enum Asked {
    Deletion(String),
    Bytes(Bytes),
}

/// The messages of a stream as the changes that they ask for. One message is held.
struct Stream<'a, 'b> {
    requests: &'a mut Requests<'b, PutFileRequest>,
    /// What all of them are for.
    into: Option<Commit>,
    /// The file that messages without one go on with.
    path: String,
    asked: VecDeque<Asked>,
    /// What is being given.
    given: Option<Asked>,
    failed: Option<Status>,
}

impl<'a, 'b> Stream<'a, 'b> {
    fn of(requests: &'a mut Requests<'b, PutFileRequest>, into: Option<Commit>) -> Self {
        Self {
            requests,
            into,
            path: String::new(),
            asked: VecDeque::new(),
            given: None,
            failed: None,
        }
    }

    /// What became of the call: why the stream failed says more than that it did.
    fn settle(self, result: Result<(), Fault>) -> Result<(), Status> {
        match (self.failed, result) {
            (Some(status), Err(_)) => Err(status),
            (_, result) => Ok(result?),
        }
    }

    fn read(&mut self, request: PutFileRequest) -> Result<(), Status> {
        // The client of 1.x says of every message of a file that it overwrites: the one that names the file decides.
        let begins = request.file.is_some();
        if let Some(file) = &request.file {
            if file.commit != self.into {
                return Err(Status::unserved("files of several commits in one stream"));
            }
            self.path = if request.delete {
                clean(&file.path)
            } else {
                check_path(&file.path)?
            };
        }
        if !request.url.is_empty() {
            return Err(Status::unserved("files that pachd is to fetch"));
        }
        if request.delimiter != 0 {
            return Err(Status::unserved("files that pachd is to cut"));
        }
        let overwrites = match request.overwrite_index {
            Some(overwrites) if overwrites.index != 0 => {
                return Err(Status::unserved("files that are overwritten in part"));
            }
            overwrites => begins && overwrites.is_some(),
        };
        if (begins && request.delete) || overwrites {
            // Whatever is there: a file, or a directory with all that is in it (100 to 102).
            self.asked.push_back(Asked::Deletion(self.path.clone()));
            if self.path != "/" {
                self.asked.push_back(Asked::Deletion(format!("{}/", self.path)));
            }
        }
        if !request.delete {
            self.asked.push_back(Asked::Bytes(request.value));
        }
        Ok(())
    }

    /// The next piece, however many messages that takes.
    fn advance(&mut self) -> Result<Option<Asked>, Status> {
        loop {
            match self.asked.pop_front() {
                Some(Asked::Bytes(mut bytes)) if bytes.len() > MAX_CHUNK => {
                    let piece = bytes.split_to(MAX_CHUNK);
                    self.asked.push_front(Asked::Bytes(bytes));
                    return Ok(Some(Asked::Bytes(piece)));
                }
                Some(asked) => return Ok(Some(asked)),
                None => match (self.requests)()? {
                    Some(request) => self.read(request)?,
                    None => return Ok(None),
                },
            }
        }
    }
}

impl Changes for Stream<'_, '_> {
    fn next(&mut self) -> io::Result<Option<Change<'_>>> {
        match self.advance() {
            Ok(asked) => self.given = asked,
            Err(status) => {
                self.failed = Some(status.clone());
                return Err(io::Error::other(status));
            }
        }
        Ok(self.given.as_ref().map(|asked| match asked {
            Asked::Deletion(path) => Change::Delete { path },
            Asked::Bytes(data) => Change::append(&self.path, data.clone()),
        }))
    }
}

/// A path as it is kept, or pachd's words and its order (010, 093 to 095, 201 to 212).
fn check_path(path: &str) -> Result<String, Status> {
    let invalid = |path: &str, what: &str| Err(Status::unknown(format!("path ({path}) invalid: {what}")));
    let mut depth = 0_u32;
    // Above the root only where it does not begin with it.
    for element in path.split('/').filter(|_| !path.starts_with('/')) {
        depth = match element {
            "" | "." => depth,
            ".." if depth == 0 => return invalid(path, "traverses above root"),
            ".." => depth - 1,
            _ => depth + 1,
        };
    }
    let cleaned = clean(path);
    if cleaned == "/" || cleaned.chars().any(|c| !matches!(c, ' '..='~')) {
        return invalid(cleaned.trim_end_matches('/'), "only printable ASCII characters allowed");
    }
    match cleaned.chars().find(|c| !is_allowed_in_path(*c)) {
        Some(c) => invalid(&cleaned, &format!("globbing character ({c}) not allowed in path")),
        None => Ok(cleaned),
    }
}
