//! Writing files: straight into a branch or an open commit, or into a file set that nobody sees yet.

mod copying;

use std::io;
use std::time::Duration;

use sha2::{Digest, Sha256};

use self::copying::Copying;
use super::datum::is_default;
use super::{Call, Requests, Service, Status};
use crate::{Failure, Refusal};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::pfs::FileSetId;
use spoutctl_core::sink::{Change, Changes, CommitSink as _, MAX_CHUNK};
use spoutctl_proto::google::Empty;
use spoutctl_proto::pfs::{
    AddFile, AddFileSetRequest, ComposeFileSetRequest, CopyFile, CreateFileSetResponse, DeleteFile, FileSetType,
    GetFileSetRequest, ModifyFileRequest, RenewFileSetRequest,
};

/// The time to live of a composed file set that none is said for.
const LONG: Duration = Duration::from_mins(30);

impl Service {
    /// Writes into the commit, or the branch, that the first message names. Nothing happens before the stream has
    /// ended, and then all of it.
    ///
    /// # Errors
    /// When the stream breaks, a path is none, or the commit is not open.
    pub fn modify_file(&self, call: &Call, requests: &mut Requests<'_, ModifyFileRequest>) -> Result<Empty, Status> {
        // Both texts are pachd's (recordings http 023, 022).
        let first = requests()?.ok_or_else(|| Status::unknown("EOF"))?;
        let named = first
            .set_commit
            .ok_or_else(|| Status::unknown("first message must be a commit"))?;
        let commit = self.pick(&named)?;
        let copy = |request| self.copying(call, request);
        let mut stream = Stream::of(requests, &copy);
        // Once more: the repo may have been made since the first message came.
        let allowed = || self.authorize_call(call, &named).map_err(Failure::from);
        let written = self.store.modify(&commit, &mut stream, &allowed);
        stream.settle(written)?;
        self.changes.tell();
        Ok(Empty {})
    }

    /// # Errors
    /// As [`Service::modify_file`].
    pub fn create_file_set(
        &self,
        call: &Call,
        requests: &mut Requests<'_, ModifyFileRequest>,
    ) -> Result<CreateFileSetResponse, Status> {
        let copy = |request| self.copying(call, request);
        let mut stream = Stream::of(requests, &copy);
        let made = self.store.create_file_set(&mut stream);
        Ok(self.told(&stream.settle(made)?))
    }

    /// A file set of what a commit holds.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn get_file_set(&self, call: &Call, request: &GetFileSetRequest) -> Result<CreateFileSetResponse, Status> {
        let commit = request.commit.clone().unwrap_or_default();
        // So that one that is being finished is.
        self.view(call, &commit).map_err(self.within("get file set"))?;
        let is_total = request.r#type() == FileSetType::Total;
        Ok(self.told(&self.store.file_set_of(&self.pick(&commit)?, is_total)?))
    }

    /// Puts what a file set holds into an open commit.
    ///
    /// # Errors
    /// `NotFound`; when the commit is not open, or the file set has expired.
    pub fn add_file_set(&self, call: &Call, request: AddFileSetRequest) -> Result<Empty, Status> {
        let named = request.commit.ok_or_else(|| Status::unknown("commit cannot be nil"))?;
        let commit = self.pick(&named)?;
        let file_set = self.file_set(&request.file_set_id)?;
        self.change_authorized(call, &named, |work| work.add_file_set(&commit, &file_set))?;
        Ok(Empty {})
    }

    /// # Errors
    /// When it has expired, or the time is shorter than a second or longer than half an hour.
    #[expect(clippy::needless_pass_by_value, reason = "each call takes its message")]
    pub fn renew_file_set(&self, _call: &Call, request: RenewFileSetRequest) -> Result<Empty, Status> {
        let ttl = request.ttl_seconds;
        let seconds = u64::try_from(ttl).map_err(|_| {
            let nanoseconds = i128::from(ttl) * 1_000_000_000;
            Status::from(Failure::from(Refusal::TtlTooShort(nanoseconds)))
        })?;
        let file_set = self.file_set(&request.file_set_id)?;
        let renewed = self.store.renew_file_set(&file_set, Duration::from_secs(seconds));
        renewed.map_err(|fault| match fault.kind {
            // This call alone has a code for it (recording gateway 003).
            FaultKind::FileSetGone => Status::not_found(fault.message),
            _ => fault.into(),
        })?;
        Ok(Empty {})
    }

    /// Without a time the new one lives for half an hour, where pachd's does for ever.
    ///
    /// # Errors
    /// When one has expired.
    #[expect(clippy::needless_pass_by_value, reason = "each call takes its message")]
    pub fn compose_file_set(
        &self,
        _call: &Call,
        request: ComposeFileSetRequest,
    ) -> Result<CreateFileSetResponse, Status> {
        let parts = request.file_set_ids.iter().map(|id| self.file_set(id));
        let parts: Vec<FileSetId> = parts.collect::<Result<_, _>>()?;
        let ttl = match u64::try_from(request.ttl_seconds) {
            Ok(0) => LONG,
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => Duration::ZERO,
        };
        Ok(self.told(&self.store.compose_file_set(&parts, ttl)?))
    }
}

impl Service {
    /// Since 2.12 its id comes with a token, without which pachd takes it, too (recordings grpc-2.12 020, 127).
    fn told(&self, file_set: &FileSetId) -> CreateFileSetResponse {
        let id = &file_set.0;
        CreateFileSetResponse {
            file_set_id: if self.dialect.file_sets_have_tokens() {
                format!("{id}.{}", token_of(id))
            } else {
                id.clone()
            },
        }
    }

    /// Which file set is meant by an id.
    fn file_set(&self, text: &str) -> Result<FileSetId, Status> {
        if text.len() < ID_LENGTH {
            let kind = if self.dialect.file_sets_have_tokens() {
                "Token"
            } else {
                "ID"
            };
            let length = text.len();
            let message = format!("parsing fileset.{kind}: too short to be {kind} len={length}");
            return Err(Status::unknown(message));
        }
        Ok(FileSetId(match text.split_once('.') {
            Some((id, token)) if token == token_of(id) => id.to_owned(),
            _ => text.to_owned(),
        }))
    }
}

/// Of a file set, in hex digits.
const ID_LENGTH: usize = 32;

/// The same for the same id, whoever asks.
fn token_of(id: &str) -> String {
    let digest = Sha256::digest(id.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The messages of a stream as the changes that they ask for. One message is held.
struct Stream<'a, 'b> {
    requests: &'a mut Requests<'b, ModifyFileRequest>,
    /// Begins a copy.
    copy: &'a dyn Fn(CopyFile) -> Result<Copying, Status>,
    copying: Option<Copying>,
    at_hand: Option<AtHand>,
    failed: Option<Status>,
}

/// The message at hand, and how much of its bytes has been given.
struct AtHand {
    path: String,
    /// None of a deletion.
    bytes: Option<bytes::Bytes>,
    given: usize,
}

impl<'a, 'b> Stream<'a, 'b> {
    fn of(
        requests: &'a mut Requests<'b, ModifyFileRequest>,
        copy: &'a dyn Fn(CopyFile) -> Result<Copying, Status>,
    ) -> Self {
        Self {
            requests,
            copy,
            copying: None,
            at_hand: None,
            failed: None,
        }
    }

    /// What became of the call: why the stream failed says more than that it did.
    fn settle<T>(self, result: Result<T, Fault>) -> Result<T, Status> {
        match (self.failed, result) {
            (Some(status), Err(_)) => Err(status),
            (_, result) => Ok(result?),
        }
    }

    /// The next message; of one that asks for a copy, that is begun, and `None` is answered as at the end.
    fn read(&mut self) -> Result<Option<AtHand>, Status> {
        let Some(request) = (self.requests)()? else {
            return Ok(None);
        };
        let ModifyFileRequest {
            set_commit,
            add_file,
            delete_file,
            copy_file,
        } = request;
        if let Some(copy) = copy_file {
            if set_commit.is_some() || add_file.is_some() || delete_file.is_some() {
                return Err(Status::unknown("unrecognized message type"));
            }
            self.copying = Some((self.copy)(copy)?);
            return Ok(None);
        }
        match (set_commit, add_file, delete_file) {
            (None, Some(AddFile { url: Some(source), .. }), None) => Err(unreachable(&source.url)),
            (None, Some(AddFile { path, datum, raw, .. }), None) if is_default(&datum) => Ok(Some(AtHand {
                path,
                bytes: Some(raw.unwrap_or_default().value),
                given: 0,
            })),
            (None, None, Some(DeleteFile { path, datum })) if is_default(&datum) => Ok(Some(AtHand {
                path,
                bytes: None,
                given: 0,
            })),
            (None, Some(_), None) | (None, None, Some(_)) => Err(Status::unserved("a datum")),
            // Both texts are pachd's.
            (Some(_), None, None) => Err(Status::unknown("cannot set commit")),
            _ => Err(Status::unknown("unrecognized message type")),
        }
    }
}

/// As a pachd without a way out says it.
fn unreachable(url: &str) -> Status {
    Status::unknown(format!("error accessing {url}: this server reaches no other"))
}

impl Changes for Stream<'_, '_> {
    fn next(&mut self) -> io::Result<Option<Change<'_>>> {
        let failed = |stream: &mut Self, status: Status| {
            stream.failed = Some(status.clone());
            Err(io::Error::other(status))
        };
        let is_used = |at_hand: &AtHand| at_hand.bytes.as_ref().is_none_or(|bytes| at_hand.given >= bytes.len());
        if self.at_hand.as_ref().is_none_or(is_used) {
            loop {
                match self.copying.as_mut().map(Copying::advance) {
                    Some(Ok(true)) => return Ok(self.copying.as_ref().and_then(Copying::change)),
                    Some(Err(status)) => return failed(self, status),
                    Some(Ok(false)) => self.copying = None,
                    None => {}
                }
                self.at_hand = match self.read() {
                    Ok(at_hand) => at_hand,
                    Err(status) => return failed(self, status),
                };
                if self.copying.is_none() {
                    break;
                }
            }
        }
        let Some(at_hand) = &mut self.at_hand else {
            return Ok(None);
        };
        let path = at_hand.path.as_str();
        Ok(Some(match &at_hand.bytes {
            None => Change::Delete { path },
            Some(bytes) => {
                let start = at_hand.given;
                let end = bytes.len().min(start + MAX_CHUNK);
                at_hand.given = end;
                Change::Append {
                    path,
                    data: bytes.slice(start..end),
                }
            }
        }))
    }
}
