//! What a client sends: a body as it comes, and the JSON values or gRPC's messages in it, one after the other.
//!
//! Bytes go from the connection through a channel of a few pieces to the thread that reads them, so a slow reader makes
//! the client wait. A body that breaks ends in an error, never in an end. A value may be spread over lines and need not
//! end with one, as with pachd.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use memchr::memchr2;
use prost::Message;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::log::Entry;
use super::shared::Shared;
use crate::serve::{Code, Status};

/// Pieces of a body between the connection and its reader; hyper gives some ten to hundred kilobytes at a time.
const PIECES: usize = 4;
/// A client that sends nothing for so long is given up, as pachd's proxy does.
const SILENCE: Duration = Duration::from_mins(10);
/// A body of which fewer bytes come in the time that a server is patient for is a slow one.
const AT_LEAST: usize = 64 << 10;
/// The longest JSON value: a message of 20 MiB, pachd's default limit, in base64.
const LONGEST_VALUE: usize = 28 << 20;
/// The longest request of a call that takes one. Those have no files' bytes in them, and a value that is read into
/// memory as a whole can take ten times its text: `[]` is two bytes of that and two dozen of this.
pub(super) const LONGEST_REQUEST: usize = 1 << 20;

/// Which way a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Gateway,
    Grpc,
}

/// Starts to take the body from the connection, and gives the end to read it from.
pub(super) fn read(mut body: Incoming, shared: &Arc<Shared>, door: Door, entry: Arc<Entry>) -> BodyReader {
    let (sender, pieces) = mpsc::channel(PIECES);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let places = match door {
            Door::Gateway => &shared.gateway_places,
            Door::Grpc => &shared.grpc_places,
        };
        // Since when less than so many bytes have come.
        let (mut since, mut came) = (Instant::now(), 0);
        loop {
            let gives_way = async {
                sleep_until(since + shared.patience).await;
                places.is_wanted().await;
            };
            let frame = tokio::select! {
                biased;
                frame = timeout(SILENCE, body.frame()) => frame,
                () = gives_way => {
                    let _ = sender.send(Piece::GaveWay).await;
                    return;
                }
            };
            let piece = match frame {
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => {
                        entry.received(data.len());
                        came += data.len();
                        Piece::Data(data)
                    }
                    Err(_trailers) => continue,
                },
                Ok(Some(Err(error))) => Piece::Broken(io::Error::other(error)),
                // The library takes a stream of HTTP/2 that was reset with CANCEL or NO_ERROR for one that has ended.
                Ok(None) if door == Door::Grpc && !body.is_end_stream() => {
                    Piece::Broken(io::Error::new(io::ErrorKind::ConnectionReset, "the stream was reset"))
                }
                Ok(None) => Piece::End,
                Err(_) => Piece::Broken(io::ErrorKind::TimedOut.into()),
            };
            let goes_on = matches!(piece, Piece::Data(_));
            let is_waited_for = sender.capacity() == 0;
            if sender.send(piece).await.is_err() || !goes_on {
                return;
            }
            // Where its reader is slow, its sender is not.
            if is_waited_for || came >= AT_LEAST {
                (since, came) = (Instant::now(), 0);
            }
        }
    });
    BodyReader { pieces, ended: false }
}

enum Piece {
    Data(Bytes),
    End,
    Broken(io::Error),
    /// Another request has its place.
    GaveWay,
}

/// A body, read on a thread that may block.
pub(super) struct BodyReader {
    pieces: mpsc::Receiver<Piece>,
    ended: bool,
}

impl BodyReader {
    /// The next bytes, or `None` at the body's clean end.
    fn next(&mut self) -> Result<Option<Bytes>, Status> {
        if self.ended {
            return Ok(None);
        }
        let broken = |why: String| Status::new(Code::Cancelled, format!("the request's body broke off: {why}"));
        match self.pieces.blocking_recv() {
            Some(Piece::Data(data)) => Ok(Some(data)),
            Some(Piece::End) => {
                self.ended = true;
                Ok(None)
            }
            Some(Piece::Broken(error)) => Err(broken(error.to_string())),
            Some(Piece::GaveWay) => Err(Status::new(
                Code::Unavailable,
                "the request's body came slowly, and others waited for its place",
            )),
            None => Err(broken("the server is shutting down".to_owned())),
        }
    }

    /// Reads what is left and forgets it: a client that is still sending does not hear an answer.
    pub fn drain(&mut self) {
        while let Ok(Some(_)) = self.next() {}
    }
}

/// The JSON values of a body. What is held is one value and the piece that it ends in.
pub(super) struct Values {
    pub body: BodyReader,
    held: BytesMut,
}

impl Values {
    pub fn of(body: BodyReader) -> Self {
        Self {
            body,
            held: BytesMut::new(),
        }
    }

    /// The bytes of the next value, or `None` at the end of the body.
    ///
    /// # Errors
    /// When the body breaks, ends inside a value, or holds something else.
    pub fn next(&mut self) -> Result<Option<Bytes>, Status> {
        self.next_up_to(LONGEST_VALUE)
    }

    /// As [`Values::next`], of a value that has no more bytes than that.
    ///
    /// # Errors
    /// Also when it has more.
    pub fn next_up_to(&mut self, longest: usize) -> Result<Option<Bytes>, Status> {
        let mut scanner = Scanner::default();
        loop {
            let end = scanner.scan(&self.held)?;
            // White space before a value counts for nothing, so there may be any amount of it.
            let space = scanner.skip_space();
            self.held.advance(space);
            let end = end.map(|end| end - space);
            let size = end.unwrap_or(self.held.len());
            if size > longest {
                return Err(too_large(size, longest));
            }
            if let Some(end) = end {
                return Ok(Some(self.held.split_to(end).freeze()));
            }
            match self.body.next()? {
                Some(piece) => self.held.extend_from_slice(&piece),
                None if scanner.is_inside() => return Err(Status::invalid("unexpected EOF")),
                None => return Ok(None),
            }
        }
    }
}

/// The largest message of gRPC: pachd's default limit.
const LARGEST_MESSAGE: usize = 20 << 20;

/// gRPC's messages in a body, each with its length before it. What is held is one message and the piece that it ends
/// in.
pub(super) struct Messages {
    body: BodyReader,
    held: BytesMut,
}

impl Messages {
    pub fn of(body: BodyReader) -> Self {
        Self {
            body,
            held: BytesMut::new(),
        }
    }

    /// The next message, or `None` at the end of the body.
    ///
    /// # Errors
    /// When the body breaks, ends inside a message, or holds something else.
    pub fn next<M: Message + Default>(&mut self) -> Result<Option<M>, Status> {
        self.next_up_to(LARGEST_MESSAGE)
    }

    /// As [`Messages::next`], of a message that has no more bytes than that.
    ///
    /// # Errors
    /// Also when it has more.
    pub fn next_up_to<M: Message + Default>(&mut self, largest: usize) -> Result<Option<M>, Status> {
        let message = self.next_bytes(largest)?.map(M::decode).transpose();
        message.map_err(|error| unmarshalled(&error))
    }

    /// The next message as it came.
    ///
    /// # Errors
    /// As [`Messages::next_up_to`].
    pub fn next_bytes(&mut self, largest: usize) -> Result<Option<Bytes>, Status> {
        const HEAD: usize = 5;
        if !self.fill(HEAD)? {
            return if self.held.is_empty() { Ok(None) } else { Err(cut_off()) };
        }
        let mut head = self.held.split_to(HEAD);
        if head.get_u8() != 0 {
            return Err(Status::new(Code::Unimplemented, "grpc: Decompressor is not installed"));
        }
        let length = usize::try_from(head.get_u32()).unwrap_or(usize::MAX);
        if length > largest {
            return Err(too_large(length, largest));
        }
        if !self.fill(length)? {
            return Err(cut_off());
        }
        Ok(Some(self.held.split_to(length).freeze()))
    }

    /// Whether so many bytes are held now; not if the body ends before.
    fn fill(&mut self, length: usize) -> Result<bool, Status> {
        while self.held.len() < length {
            match self.body.next()? {
                Some(piece) => self.held.extend_from_slice(&piece),
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}

/// What is no message of the call's.
pub(super) fn unmarshalled(error: &prost::DecodeError) -> Status {
    Status::new(Code::Internal, format!("grpc: error unmarshalling request: {error}"))
}

fn cut_off() -> Status {
    Status::new(Code::Internal, "unexpected EOF")
}

/// In gRPC's words, which pachd lets through (recording gateway 005).
fn too_large(size: usize, longest: usize) -> Status {
    let text = format!("grpc: received message larger than max ({size} vs. {longest})");
    Status::new(Code::ResourceExhausted, text)
}

/// Finds the end of a JSON object without reading it: brackets outside of strings are counted.
#[derive(Debug, Default)]
struct Scanner {
    /// Where the object starts: after white space.
    start: usize,
    scanned: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Scanner {
    fn is_inside(&self) -> bool {
        self.depth > 0
    }

    /// How many bytes of white space there were before the object. They are not in the bytes that come next.
    fn skip_space(&mut self) -> usize {
        self.scanned -= self.start;
        std::mem::take(&mut self.start)
    }

    /// Where the object ends in `bytes`, which are those of the call before and more.
    fn scan(&mut self, bytes: &[u8]) -> Result<Option<usize>, Status> {
        while let Some(rest) = bytes.get(self.scanned..).filter(|rest| !rest.is_empty()) {
            if self.in_string && !self.escaped {
                // Nearly all of a body is the strings that bytes are in.
                let plain = memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                if plain > 0 {
                    self.scanned += plain;
                    continue;
                }
            }
            let byte = &rest[0];
            self.scanned += 1;
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Ok(Some(self.scanned));
                    }
                }
                b'"' if self.depth > 0 => self.in_string = true,
                b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => self.start = self.scanned,
                _ if self.depth > 0 => {}
                other => {
                    let text = format!(
                        "invalid character '{}' looking for beginning of value",
                        other.escape_ascii()
                    );
                    return Err(Status::invalid(text));
                }
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spoutctl_proto::pfs::Project;

    use proptest::prelude::*;

    fn values(pieces: &[&[u8]], end: Piece) -> (Vec<String>, Result<(), Status>) {
        let (sender, receiver) = mpsc::channel(pieces.len() + 1);
        for piece in pieces {
            sender
                .try_send(Piece::Data(Bytes::copy_from_slice(piece)))
                .ok()
                .unwrap();
        }
        sender.try_send(end).ok().unwrap();
        let mut values = Values::of(BodyReader {
            pieces: receiver,
            ended: false,
        });
        let mut found = Vec::new();
        loop {
            match values.next() {
                Ok(Some(value)) => found.push(String::from_utf8(value.to_vec()).unwrap()),
                Ok(None) => return (found, Ok(())),
                Err(status) => return (found, Err(status)),
            }
        }
    }

    #[test]
    fn values_need_no_lines() {
        let body = b" {\"a\":\"}\\\"{\"}{}\n\n[{\n}]\r\n";
        let (found, end) = values(&[body], Piece::End);
        assert_eq!(found, ["{\"a\":\"}\\\"{\"}", "{}", "[{\n}]"]);
        end.unwrap();
    }

    #[test]
    fn a_body_that_ends_inside_a_value_or_breaks_is_an_error() {
        let (found, end) = values(&[b"{}{\"a\":"], Piece::End);
        assert_eq!((found.len(), end), (1, Err(Status::invalid("unexpected EOF"))));
        let (_, end) = values(&[b"{}"], Piece::Broken(io::ErrorKind::ConnectionReset.into()));
        assert_eq!(end.unwrap_err().code, Code::Cancelled);
    }

    #[test]
    fn white_space_is_not_held() {
        let space = [b' '; 1 << 10];
        let (sender, pieces) = mpsc::channel(200);
        for _ in 0..100 {
            sender
                .try_send(Piece::Data(Bytes::copy_from_slice(&space)))
                .ok()
                .unwrap();
        }
        sender.try_send(Piece::Data(Bytes::from_static(b" {}"))).ok().unwrap();
        sender.try_send(Piece::End).ok().unwrap();
        let mut values = Values::of(BodyReader { pieces, ended: false });
        assert_eq!(values.next().unwrap().unwrap(), "{}");
        assert!(values.held.capacity() <= 4 << 10, "{}", values.held.capacity());
    }

    #[test]
    fn a_value_that_is_too_long_is_refused_however_it_comes() {
        let value = b"  {\"a\":\"0123456789\"}";
        for cut in 0..value.len() {
            let (sender, pieces) = mpsc::channel(4);
            let (first, second) = value.split_at(cut);
            for piece in [first, second] {
                sender
                    .try_send(Piece::Data(Bytes::copy_from_slice(piece)))
                    .ok()
                    .unwrap();
            }
            let mut values = Values::of(BodyReader { pieces, ended: false });
            let refused = values.next_up_to(17).unwrap_err();
            assert_eq!(refused.code, Code::ResourceExhausted, "{cut}");
            assert_eq!(values.next_up_to(18).unwrap().unwrap(), value[2..], "{cut}");
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in ["x", "{}}", "\"a\"", "1"] {
            let (_, end) = values(&[body.as_bytes()], Piece::End);
            assert_eq!(end.unwrap_err().code, Code::InvalidArgument, "{body}");
        }
    }

    fn messages(pieces: &[&[u8]], end: Piece) -> (Vec<String>, Result<(), Status>) {
        let (sender, receiver) = mpsc::channel(pieces.len() + 1);
        for piece in pieces {
            let piece = Piece::Data(Bytes::copy_from_slice(piece));
            sender.try_send(piece).ok().unwrap();
        }
        sender.try_send(end).ok().unwrap();
        let mut messages = Messages::of(BodyReader {
            pieces: receiver,
            ended: false,
        });
        let mut found = Vec::new();
        loop {
            match messages.next_up_to::<Project>(100) {
                Ok(Some(message)) => found.push(message.name),
                Ok(None) => return (found, Ok(())),
                Err(status) => return (found, Err(status)),
            }
        }
    }

    /// With its length before it.
    fn framed(name: &str) -> Vec<u8> {
        let message = Project { name: name.to_owned() }.encode_to_vec();
        [&[0][..], &u32::try_from(message.len()).unwrap().to_be_bytes(), &message].concat()
    }

    #[test]
    fn a_message_that_is_cut_off_too_large_or_compressed_is_refused() {
        let whole = framed("one");
        for end in 1..whole.len() {
            let (found, end) = messages(&[&whole, &whole[..end]], Piece::End);
            assert_eq!((found.len(), end.unwrap_err().code), (1, Code::Internal));
        }
        let (found, end) = messages(&[&whole], Piece::Broken(io::ErrorKind::ConnectionReset.into()));
        assert_eq!((found.len(), end.unwrap_err().code), (1, Code::Cancelled));
        let (_, end) = messages(&[&framed(&"x".repeat(99))], Piece::End);
        assert_eq!(end.unwrap_err().code, Code::ResourceExhausted);
        let (_, end) = messages(&[&[1, 0, 0, 0, 0]], Piece::End);
        assert_eq!(end.unwrap_err().code, Code::Unimplemented);
        let (_, end) = messages(&[&[0, 0, 0, 0, 2, 0xff, 0xff]], Piece::End);
        assert_eq!(end.unwrap_err().code, Code::Internal);
    }

    proptest! {
        #[test]
        fn messages_are_the_same_however_the_body_is_cut(
            names in prop::collection::vec("[a-z]{0,20}", 0..6),
            cuts in prop::collection::vec(0_usize..200, 0..8),
        ) {
            let body: Vec<u8> = names.iter().flat_map(|name| framed(name)).collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(body.len())).collect();
            cuts.extend([0, body.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &body[cut[0]..cut[1]]).collect();
            let (found, end) = messages(&pieces, Piece::End);
            prop_assert_eq!(found, names);
            end.unwrap();
        }
    }

    proptest! {
        #[test]
        fn values_are_the_same_however_the_body_is_cut(
            strings in prop::collection::vec("[a-z\"\\\\{}\\[\\] \n]{0,20}", 0..6),
            cuts in prop::collection::vec(0_usize..200, 0..8),
        ) {
            let lines: Vec<String> = strings
                .iter()
                .map(|text| serde_json::json!({"addFile": {"path": text}}).to_string())
                .collect();
            let body = lines.join("\n");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(body.len())).collect();
            cuts.extend([0, body.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &body.as_bytes()[cut[0]..cut[1]]).collect();
            let (found, end) = values(&pieces, Piece::End);
            prop_assert_eq!(found, lines);
            end.unwrap();
        }
    }
}
