//! The file server: `GET /pfs/<project>/<repo>/<commit or branch>/<path>` gives a file's bytes, with ranges and
//! conditions, and a directory's entries as lines of text.

use std::io::Read;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use headers::{
    AcceptRanges, CacheControl, ContentRange, ETag, HeaderMapExt, IfMatch, IfModifiedSince, IfNoneMatch, IfRange,
    LastModified, Range,
};
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, VARY};
use hyper::{Method as Verb, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use tokio::sync::{mpsc, oneshot};

use super::answer::{self, Answer, Piece, TEXT, Wanted};
use super::log::{Entry, Subject};
use super::shared::Shared;
use crate::serve::files::Download;
use crate::serve::{Call, Code, Service, Status};
use spoutctl_core::pfs::CommitId;
use spoutctl_proto::pfs::{Branch, Commit, File, FileType, ListFileRequest, Project, Repo, USER};

/// What is read of a file at a time.
const PIECE: usize = 256 << 10;
/// How much of a file is looked at to tell text from bytes.
const SAMPLE: usize = 512;

pub(super) async fn answer(shared: &Arc<Shared>, entry: Arc<Entry>, request: Request<Incoming>) -> Response<Answer> {
    let (request, _body) = request.into_parts();
    let call = match shared.call("pfs_v2.API/GetFile", &request.headers) {
        Ok(call) => call,
        Err(status) => return problem(entry, &status),
    };
    if !matches!(request.method, Verb::GET | Verb::HEAD) {
        let text = format!("unknown HTTP method \"{}\"", request.method);
        return answer::whole(entry, StatusCode::METHOD_NOT_ALLOWED, TEXT, text);
    }
    let path = request.uri.path();
    let Some(file) = file_of(path) else {
        let text = format!("invalid URL; expecting /pfs/<project>/<repo>/<commit|branch>/<path...>, got {path}");
        return answer::whole(entry, StatusCode::NOT_FOUND, TEXT, text);
    };
    entry.about(Subject::of(&serde_json::to_value(&file).unwrap_or_default()));
    let asked = FileRequest {
        headers: request.headers,
        is_head: request.method == Verb::HEAD,
        path: path.to_owned(),
        file,
    };
    let wanted = Wanted(call.clone());
    let (head_sender, head) = oneshot::channel();
    let (sender, mut pieces) = mpsc::channel(answer::PIECES);
    let service = Arc::clone(&shared.service);
    tokio::task::spawn_blocking(move || {
        let mut head_sender = Some(head_sender);
        let mut give_head = |head| head_sender.take().is_some_and(|sender| sender.send(head).is_ok());
        let mut send = |bytes| match sender.blocking_send(Piece::Data(bytes)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        let done = asked.carry_out(&service, &call, &mut give_head, &mut send);
        let _ = sender.blocking_send(match done {
            Ok(()) => Piece::End,
            Err(status) => Piece::Failed(status),
        });
    });
    let Ok(head) = head.await else {
        return match pieces.recv().await {
            Some(Piece::Failed(status)) => problem(entry, &status),
            _ => answer::whole(entry, StatusCode::INTERNAL_SERVER_ERROR, TEXT, "the call has died"),
        };
    };
    let mut response = match head.body {
        Follows::Nothing => answer::whole(entry, head.status, TEXT, Bytes::new()),
        Follows::Lines => answer::pieces(entry, TEXT, None, pieces, wanted),
        Follows::Bytes(size) => answer::bytes_of(entry, head.status, head.kind, size, pieces, wanted),
    };
    response.headers_mut().extend(head.headers);
    response
}

/// What the answer to a request for a file starts with.
struct Head {
    status: StatusCode,
    kind: HeaderValue,
    headers: HeaderMap,
    body: Follows,
}

enum Follows {
    Nothing,
    Lines,
    Bytes(u64),
}

/// An error in the words of pachd's file server (recording http 089).
fn problem(entry: Arc<Entry>, status: &Status) -> Response<Answer> {
    entry.failed(&status.message);
    let text = format!(
        "problem inspecting file: rpc error: code = {:?} desc = {}",
        status.code, status.message
    );
    let mut response = answer::whole(entry, answer::http_status(status.code), TEXT, text);
    response.headers_mut().extend(common_headers(false));
    response
}

fn common_headers(is_final: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // What a finished commit holds stays; a branch moves.
    let cache = CacheControl::new().with_private();
    headers.typed_insert(if is_final { cache } else { cache.with_no_cache() });
    headers.insert(VARY, HeaderValue::from_static("authn-token"));
    headers
}

/// The file that a path means: `/pfs/<project>/<repo>/<commit or branch>/<path>`.
fn file_of(path: &str) -> Option<File> {
    let path = percent_decode_str(path).decode_utf8().ok()?;
    let mut parts = path.strip_prefix("/pfs/")?.splitn(4, '/');
    let (project, name, revision, path) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let repo = Repo {
        name: name.to_owned(),
        r#type: USER.to_owned(),
        project: Some(Project {
            name: project.to_owned(),
        }),
    };
    let commit = match CommitId::new(revision) {
        Ok(id) => Commit {
            id: id.as_str().to_owned(),
            repo: Some(repo),
            branch: None,
        },
        Err(_) => Commit {
            id: String::new(),
            repo: Some(repo.clone()),
            branch: Some(Branch {
                repo: Some(repo),
                name: revision.to_owned(),
            }),
        },
    };
    Some(File {
        commit: Some(commit),
        path: path.to_owned(),
        datum: String::new(),
    })
}

/// A request for a file, on the thread that carries it out.
struct FileRequest {
    headers: HeaderMap,
    is_head: bool,
    path: String,
    file: File,
}

impl FileRequest {
    fn carry_out(
        self,
        service: &Service,
        call: &Call,
        give_head: &mut dyn FnMut(Head) -> bool,
        send: &mut dyn FnMut(Bytes) -> ControlFlow<()>,
    ) -> Result<(), Status> {
        service.authorize_call(call, &self.file)?;
        let names_a_commit = self.file.commit.as_ref().is_some_and(|commit| !commit.id.is_empty());
        let download = service.download(call, &self.file)?;
        let mut headers = common_headers(names_a_commit && download.is_final);
        let etag = etag(&download)?;
        headers.typed_insert(etag.clone());
        let modified = download
            .info
            .committed
            .and_then(|time| jiff::Timestamp::try_from(time).ok())
            .map(|time| LastModified::from(SystemTime::from(time)));
        if let Some(modified) = modified {
            headers.typed_insert(modified);
        }
        if download.info.file_type() == FileType::Dir {
            return self.directory(service, call, headers, give_head, send);
        }
        headers.typed_insert(AcceptRanges::bytes());
        let size = u64::try_from(download.info.size_bytes).unwrap_or(0);
        let selected = self.select(&etag, modified.as_ref(), size);
        let mut head = Head {
            status: StatusCode::OK,
            kind: TEXT,
            headers,
            body: Follows::Nothing,
        };
        let (offset, length) = match selected {
            Selected::Whole => (0, size),
            Selected::Part(offset, length) => {
                head.status = StatusCode::PARTIAL_CONTENT;
                if let Ok(range) = ContentRange::bytes(offset..offset + length, size) {
                    head.headers.typed_insert(range);
                }
                (offset, length)
            }
            Selected::OutOfRange => {
                head.status = StatusCode::RANGE_NOT_SATISFIABLE;
                head.headers.typed_insert(ContentRange::unsatisfied_bytes(size));
                give_head(head);
                return Ok(());
            }
            Selected::Nothing(status) => {
                head.status = status;
                give_head(head);
                return Ok(());
            }
        };
        head.kind = kind_of(&download)?;
        if self.is_head {
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
            head.headers.insert(CONTENT_TYPE, head.kind.clone());
        } else {
            head.body = Follows::Bytes(length);
        }
        if !give_head(head) || self.is_head {
            return Ok(());
        }
        copy(&mut download.read(offset)?.take(length), send)
    }

    /// What of the file is wanted, after the conditions of the request.
    fn select(&self, etag: &ETag, modified: Option<&LastModified>, size: u64) -> Selected {
        if self
            .headers
            .typed_get::<IfMatch>()
            .is_some_and(|wanted| !wanted.precondition_passes(etag))
        {
            return Selected::Nothing(StatusCode::PRECONDITION_FAILED);
        }
        let is_known = match (
            self.headers.typed_get::<IfNoneMatch>(),
            self.headers.typed_get::<IfModifiedSince>(),
        ) {
            (Some(known), _) => !known.precondition_passes(etag),
            (None, Some(since)) => modified.is_some_and(|time| !since.is_modified((*time).into())),
            (None, None) => false,
        };
        if is_known {
            return Selected::Nothing(StatusCode::NOT_MODIFIED);
        }
        let has_changed = |range: IfRange| range.is_modified(Some(etag), modified);
        let Some(range) = self.headers.typed_get::<Range>() else {
            return Selected::Whole;
        };
        if self.headers.typed_get::<IfRange>().is_some_and(has_changed) {
            return Selected::Whole;
        }
        let mut ranges = range.satisfiable_ranges(size).filter_map(|range| part(range, size));
        match (ranges.next(), ranges.next()) {
            (None, _) => Selected::OutOfRange,
            (Some((offset, length)), None) => Selected::Part(offset, length),
            // The whole file answers a request for several parts too.
            (Some(_), Some(_)) => Selected::Whole,
        }
    }

    /// A line an entry: `d` or `-`, size, path.
    fn directory(
        self,
        service: &Service,
        call: &Call,
        headers: HeaderMap,
        give_head: &mut dyn FnMut(Head) -> bool,
        send: &mut dyn FnMut(Bytes) -> ControlFlow<()>,
    ) -> Result<(), Status> {
        let mut head = Head {
            status: StatusCode::OK,
            kind: TEXT,
            headers,
            body: Follows::Lines,
        };
        if !self.path.ends_with('/') {
            head.status = StatusCode::MOVED_PERMANENTLY;
            head.body = Follows::Nothing;
            let location = HeaderValue::from_str(&format!("{}/", self.path));
            head.headers.extend(location.map(|location| (LOCATION, location)));
        } else if self.is_head {
            head.body = Follows::Nothing;
        }
        let has_lines = matches!(head.body, Follows::Lines);
        if !give_head(head) || !has_lines {
            return Ok(());
        }
        let request = ListFileRequest {
            file: Some(self.file),
            ..ListFileRequest::default()
        };
        service.list_file(call, request, &mut |info| {
            let kind = if info.file_type() == FileType::Dir { 'd' } else { '-' };
            let path = info.file.map(|file| file.path).unwrap_or_default();
            send(format!("{kind}\t{}\t{path}\n", info.size_bytes).into())
        })
    }
}

enum Selected {
    Whole,
    /// Offset and length.
    Part(u64, u64),
    OutOfRange,
    /// A status and no bytes.
    Nothing(StatusCode),
}

/// Offset and length of a range, cut to the file's size.
fn part((start, end): (Bound<u64>, Bound<u64>), size: u64) -> Option<(u64, u64)> {
    let start = match start {
        Bound::Included(start) => start,
        Bound::Excluded(start) => start.checked_add(1)?,
        Bound::Unbounded => 0,
    };
    let end = match end {
        Bound::Included(end) => end.saturating_add(1).min(size),
        Bound::Excluded(end) => end.min(size),
        Bound::Unbounded => size,
    };
    (start < end).then(|| (start, end - start))
}

fn etag(download: &Download) -> Result<ETag, Status> {
    use std::fmt::Write as _;
    let mut tag = String::from("\"");
    for byte in &download.info.hash {
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag.parse()
        .map_err(|_| Status::new(Code::Internal, "the hash makes no ETag"))
}

/// Text is shown by a browser, anything else is not interpreted.
fn kind_of(download: &Download) -> Result<HeaderValue, Status> {
    let mut sample = Vec::with_capacity(SAMPLE);
    let mut beginning = download.read(0)?.take(SAMPLE as u64);
    beginning.read_to_end(&mut sample).map_err(|error| unreadable(&error))?;
    let is_text = match std::str::from_utf8(&sample) {
        Ok(_) => true,
        // A character that the sample's end has cut.
        Err(error) => error.error_len().is_none(),
    } && !sample
        .iter()
        .any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace());
    Ok(if is_text {
        TEXT
    } else {
        HeaderValue::from_static("application/octet-stream")
    })
}

fn copy(content: &mut impl Read, send: &mut dyn FnMut(Bytes) -> ControlFlow<()>) -> Result<(), Status> {
    loop {
        let mut piece = vec![0; PIECE];
        let read = content.read(&mut piece).map_err(|error| unreadable(&error))?;
        piece.truncate(read);
        if read == 0 || send(piece.into()).is_break() {
            return Ok(());
        }
    }
}

fn unreadable(error: &std::io::Error) -> Status {
    Status::new(Code::Internal, error.to_string())
}
