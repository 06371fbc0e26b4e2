//! gzip and zstd in front of the framing, recognised by their first bytes.
//!
//! Everything that a decoder has is handed out before another byte is asked for: the archive that ends in it must not
//! wait for a producer that has nothing more to say. What is wrong with a member at its end (its checksum, or that it
//! has none) therefore comes after the archives in it.
//!
//! Memory: the input buffer, the decoder's output (32 KiB for gzip, 128 KiB for zstd), and the window that a zstd frame
//! asks for, at most 128 MiB (`zstd --long`, `zstd --ultra -22`); up to level 19 that is 8 MiB.

use std::fmt;
use std::io::{self, BufRead, Read, Write};

use flate2::write::GzDecoder;
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, InBuffer, Operation, OutBuffer};

use spoutctl_core::quantity::grouped;

const INPUT_BUFFER: usize = 256 << 10;
const ZSTD_OUTPUT: usize = 128 << 10;

/// The largest window that a zstd frame may ask for, as a power of two: 128 MiB, what `zstd -d` itself takes.
const WINDOW_LOG_MAX: u32 = 27;

/// How data are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Gzip,
    Zstd,
}

/// What a format's first bytes are.
enum Start {
    Of(Format),
    Plain,
    /// More of them have to come.
    Undecided,
}

impl Format {
    /// How many bytes [`Format::of`] has to see, where there are as many.
    pub const TOLD_BY: usize = MAGIC;

    /// How an input is compressed that starts with these bytes; `None` where it is not.
    #[must_use]
    pub fn of(first: &[u8]) -> Option<Self> {
        match Start::of(first) {
            Start::Of(format) => Some(format),
            Start::Plain | Start::Undecided => None,
        }
    }
}

impl Start {
    fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(&GZIP_MAGIC) {
            return Self::Of(Format::Gzip);
        }
        // A skippable frame has one of sixteen magic numbers, and another frame may follow it.
        let skippable = [
            bytes.first().map_or(0x50, |first| first & 0x0f | 0x50),
            0x2a,
            0x4d,
            0x18,
        ];
        if bytes.starts_with(&ZSTD_MAGIC) || bytes.starts_with(&skippable) {
            return Self::Of(Format::Zstd);
        }
        let may_become = |magic: &[u8]| magic.starts_with(bytes);
        if may_become(&GZIP_MAGIC) || may_become(&ZSTD_MAGIC) || may_become(&skippable) {
            Self::Undecided
        } else {
            Self::Plain
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// What is wrong with compressed data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompressionFault {
    #[error("the checksum at the end of a member is not that of its content")]
    Checksum,
    #[error("the input ends inside a member")]
    Truncated,
    #[error("the data cannot be decompressed ({0})")]
    Corrupt(String),
    #[error("other bytes follow the last member")]
    TrailingBytes,
    #[error("a frame asks for a window of more than 128 MiB")]
    Window,
    #[error("it was compressed with a dictionary")]
    Dictionary,
}

/// Compressed input that cannot be read on. It travels inside an [`io::Error`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "at byte {} of the compressed input, byte {} of what is in it: {fault}",
    grouped(*compressed),
    grouped(*decompressed)
)]
pub struct CompressionError {
    pub format: Format,
    pub fault: CompressionFault,
    /// Bytes of compressed input before the place where it showed.
    pub compressed: u64,
    /// Bytes that were decompressed before it showed.
    pub decompressed: u64,
    /// How many of these came from members before the damaged one: what follows them cannot be trusted.
    pub member: u64,
}

impl CompressionError {
    /// What to do next.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let options = match self.fault {
            CompressionFault::Window => "--long=31",
            CompressionFault::Dictionary => "-D DICTIONARY",
            _ => return None,
        };
        Some(format!("unpack it first: zstd -dc {options} FILE | spoutctl …"))
    }
}

/// Input that is decompressed if it is compressed, else passed as it is.
pub struct Input<R> {
    raw: Raw<R>,
    state: State,
    /// Decompressed bytes wait in `output[taken..end]`. Its length may be more: clearing it for every few bytes that
    /// come would cost more than decompressing them.
    output: Vec<u8>,
    taken: usize,
    end: usize,
    /// Bytes that ever waited there.
    decompressed: u64,
    /// How many of them had waited there when the current member began.
    member: u64,
    /// An error that waits until what was decompressed before it is consumed.
    failed: Option<CompressionError>,
}

enum State {
    /// Nothing was read yet.
    Start,
    Plain,
    Gzip(Box<GzDecoder<Vec<u8>>>),
    Zstd(Zstd),
    /// Behind a member: another, or the end.
    Between(Format),
}

struct Zstd {
    decoder: ZstdDecoder<'static>,
    /// How many bytes the decoder wants next. It gets no more than these, so that one step decodes one block at most:
    /// a step that fails takes its output with it, and that must not be the block before a bad checksum.
    wanted: usize,
    /// The output of the last step filled the room it had: there may be more of it.
    full: bool,
}

/// Opens `reader`, which is not read before the first bytes are asked for.
pub fn open_input<R: Read>(reader: R) -> Input<R> {
    Input {
        raw: Raw::new(reader),
        state: State::Start,
        output: Vec::new(),
        taken: 0,
        end: 0,
        decompressed: 0,
        member: 0,
        failed: None,
    }
}

impl<R> Input<R> {
    /// What is read from.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.raw.reader
    }

    /// How the input is compressed; `None` if it is not, or if nothing was read yet.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        match &self.state {
            State::Start | State::Plain => None,
            State::Gzip(_) => Some(Format::Gzip),
            State::Zstd(_) => Some(Format::Zstd),
            State::Between(format) => Some(*format),
        }
    }
}

impl<R: Read> Input<R> {
    /// Goes one step towards more output. `false` at the end of the input.
    fn step(&mut self) -> io::Result<bool> {
        match &mut self.state {
            State::Plain => Ok(false),
            State::Start => {
                self.state = match recognise(&mut self.raw)? {
                    Some(format) => begin(format)?,
                    None => State::Plain,
                };
                Ok(true)
            }
            State::Between(Format::Gzip) if self.raw.skip_zeros()? => Ok(true),
            State::Between(format) => {
                let format = *format;
                if self.raw.fill()?.is_empty() {
                    return Ok(false);
                }
                self.member = self.decompressed;
                match recognise(&mut self.raw)? {
                    Some(format) => self.state = begin(format)?,
                    None => self.fail(format, CompressionFault::TrailingBytes),
                }
                Ok(true)
            }
            State::Gzip(_) => self.step_gzip(),
            State::Zstd(_) => self.step_zstd(),
        }
    }

    fn fail(&mut self, format: Format, fault: CompressionFault) {
        self.failed = Some(CompressionError {
            format,
            fault,
            compressed: self.raw.offset,
            decompressed: self.decompressed,
            member: self.member,
        });
    }

    fn step_gzip(&mut self) -> io::Result<bool> {
        let State::Gzip(decoder) = &mut self.state else {
            return Ok(true);
        };
        let bytes = self.raw.fill()?;
        let at_end = bytes.is_empty();
        // At the end of the input one byte more tells whether the member is whole: only then it is not taken.
        let step = decoder.write(if at_end { &[0] } else { bytes });
        let fault = match step {
            Ok(0) => match decoder.try_finish() {
                Ok(()) => {
                    self.state = State::Between(Format::Gzip);
                    return Ok(true);
                }
                Err(_) => CompressionFault::Checksum,
            },
            _ if at_end => CompressionFault::Truncated,
            Ok(count) => {
                self.raw.consume(count);
                match decoder.flush() {
                    Ok(()) => {
                        self.take_gzip_output();
                        return Ok(true);
                    }
                    Err(error) => CompressionFault::Corrupt(error.to_string()),
                }
            }
            Err(error) => CompressionFault::Corrupt(error.to_string()),
        };
        if !at_end && let State::Gzip(decoder) = &mut self.state {
            // This fails again, but hands out first what was decompressed before the fault.
            let _ = decoder.flush();
        }
        self.take_gzip_output();
        self.fail(Format::Gzip, fault);
        Ok(true)
    }

    fn take_gzip_output(&mut self) {
        if let State::Gzip(decoder) = &mut self.state {
            self.output.clear();
            std::mem::swap(&mut self.output, decoder.get_mut());
            self.end = self.output.len();
            self.decompressed += self.end as u64;
        }
    }

    fn step_zstd(&mut self) -> io::Result<bool> {
        let State::Zstd(zstd) = &mut self.state else {
            return Ok(true);
        };
        let bytes = if zstd.full { &[] } else { self.raw.fill()? };
        if bytes.is_empty() && !zstd.full {
            self.fail(Format::Zstd, CompressionFault::Truncated);
            return Ok(true);
        }
        let mut input = InBuffer::around(&bytes[..bytes.len().min(zstd.wanted)]);
        self.output.resize(ZSTD_OUTPUT, 0);
        let mut output = OutBuffer::around(self.output.as_mut_slice());
        let step = zstd.decoder.run(&mut input, &mut output);
        let (read, written) = (input.pos(), output.pos());
        zstd.full = written == ZSTD_OUTPUT;
        self.end = written;
        self.raw.consume(read);
        self.decompressed += written as u64;
        match step {
            Ok(0) => self.state = State::Between(Format::Zstd),
            Ok(wanted) => zstd.wanted = wanted,
            Err(error) => {
                let text = error.to_string();
                self.fail(Format::Zstd, zstd_fault(text));
            }
        }
        Ok(true)
    }
}

/// The library tells its errors apart by their words alone.
fn zstd_fault(text: String) -> CompressionFault {
    if text.contains("checksum") {
        CompressionFault::Checksum
    } else if text.contains("too much memory") {
        CompressionFault::Window
    } else if text.contains("Dictionary mismatch") {
        CompressionFault::Dictionary
    } else {
        CompressionFault::Corrupt(text)
    }
}

fn begin(format: Format) -> io::Result<State> {
    Ok(match format {
        Format::Gzip => State::Gzip(Box::new(GzDecoder::new(Vec::new()))),
        Format::Zstd => {
            let mut decoder = ZstdDecoder::new()?;
            decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))?;
            State::Zstd(Zstd {
                decoder,
                wanted: MAGIC,
                full: false,
            })
        }
    })
}

impl<R: Read> BufRead for Input<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.taken == self.end && !matches!(self.state, State::Plain) {
            if let Some(error) = &self.failed {
                return Err(io::Error::new(io::ErrorKind::InvalidData, error.clone()));
            }
            (self.taken, self.end) = (0, 0);
            if !self.step()? {
                break;
            }
        }
        match self.state {
            State::Plain => self.raw.fill(),
            _ => Ok(&self.output[self.taken..self.end]),
        }
    }

    fn consume(&mut self, count: usize) {
        match self.state {
            State::Plain => self.raw.consume(count),
            _ => self.taken = self.end.min(self.taken + count),
        }
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        self.consume(count);
        Ok(count)
    }
}

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const ZSTD_MAGIC: [u8; MAGIC] = [0x28, 0xb5, 0x2f, 0xfd];

/// Bytes of a zstd frame's magic number; gzip's is shorter.
const MAGIC: usize = 4;

/// What the next bytes start. No more are waited for than it takes to tell.
fn recognise<R: Read>(raw: &mut Raw<R>) -> io::Result<Option<Format>> {
    loop {
        match Start::of(raw.bytes()) {
            Start::Of(format) => return Ok(Some(format)),
            Start::Undecided if raw.more()? => {}
            Start::Undecided | Start::Plain => return Ok(None),
        }
    }
}

/// The input as it comes, with a buffer that can look ahead.
struct Raw<R> {
    reader: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Bytes consumed.
    offset: u64,
}

impl<R: Read> Raw<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: vec![0; INPUT_BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
            offset: 0,
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// The bytes at hand; reads only when there are none.
    fn fill(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.more()?;
        }
        Ok(self.bytes())
    }

    /// Reads once, behind what is at hand; `false` at the end of the input.
    fn more(&mut self) -> io::Result<bool> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(count) => {
                    self.end += count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// Skips zero bytes at hand; whether there were any.
    fn skip_zeros(&mut self) -> io::Result<bool> {
        let zeros = self.fill()?.iter().take_while(|byte| **byte == 0).count();
        self.consume(zeros);
        Ok(zeros > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use flate2::write::GzEncoder;

    use super::super::samples::{Tar, buffer, files};
    use super::super::{ArchiveErrorKind, ArchiveReader, Options, STANDARD_INPUT};
    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
        encoder.include_checksum(true).unwrap();
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Gives `step` bytes at a time, and fails the test when it is asked for more than it has.
    struct Silent<'a> {
        bytes: &'a [u8],
        step: usize,
        ends: bool,
    }

    impl Read for Silent<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            assert!(self.ends || !self.bytes.is_empty(), "asked for more than was needed");
            let count = self.step.min(buffer.len());
            self.bytes.read(&mut buffer[..count])
        }
    }

    fn input(bytes: &[u8], step: usize) -> Input<Silent<'_>> {
        let ends = true;
        open_input(Silent { bytes, step, ends })
    }

    fn read_all(bytes: &[u8], step: usize) -> Result<Vec<u8>, (Vec<u8>, CompressionError)> {
        let mut out = Vec::new();
        match input(bytes, step).read_to_end(&mut out) {
            Ok(_) => Ok(out),
            Err(error) => Err((out, error.downcast().unwrap())),
        }
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u32;
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(length)
        .collect()
    }

    #[test]
    fn plain_input_is_passed_as_it_is_however_short() {
        for text in [&b""[..], b"\x1f", b"\x28\xb5", b"\x50\x2a\x4dx", b"plain", b"\x1f\x8c"] {
            for step in [1, 100] {
                assert_eq!(read_all(text, step).unwrap(), text);
            }
        }
    }

    #[test]
    fn members_in_a_row_are_one_content_gzip_or_zstd_or_both() {
        let (zeros, noise) = (vec![0; 300_000], noise(200_000));
        let skippable = b"\x5a\x2a\x4d\x18\x03\0\0\0xyz";
        let members = [
            gzip(&noise),
            gzip(b""),
            vec![0; 1000],
            zstd(&zeros),
            skippable.to_vec(),
            zstd(&noise),
            gzip(&zeros),
            vec![0; 3],
        ]
        .concat();
        let expected = [&noise[..], &zeros, &noise, &zeros].concat();
        for step in [1, 3, 1000, 1 << 20] {
            assert!(read_all(&members, step).unwrap() == expected, "{step}");
        }
    }

    #[test]
    fn all_that_can_be_decompressed_comes_before_more_is_asked_for() {
        let mut content = vec![0; 200_000];
        content.extend_from_slice(&noise(50_000));
        content.resize(400_000, 7);
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&content).unwrap();
        encoder.flush().unwrap();
        let gzip = encoder.get_ref().clone();
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
        encoder.write_all(&content).unwrap();
        encoder.flush().unwrap();
        let zstd = encoder.get_ref().clone();
        for bytes in [gzip, zstd] {
            for (step, size) in [(1, 4096), (1 << 20, 1), (1 << 20, 1000), (1 << 20, 1 << 20)] {
                let mut input = open_input(Silent {
                    bytes: &bytes,
                    step,
                    ends: false,
                });
                let mut out = Vec::new();
                let mut buffer = vec![0; size];
                while out.len() < content.len() {
                    let count = input.read(&mut buffer).unwrap();
                    out.extend_from_slice(&buffer[..count]);
                }
                assert!(out == content);
            }
        }
    }

    #[test]
    fn a_bad_checksum_comes_after_the_archives_of_its_member() {
        let archives = [
            Tar::new().file("a", &noise(3000)).end(),
            Tar::new().file("b", &vec![0; 100_000]).end(),
        ]
        .concat();
        for mut bytes in [gzip(&archives), zstd(&archives)] {
            let format = input(&bytes, 9);
            assert!(format.format().is_none());
            // The last four bytes are gzip's length, zstd's checksum.
            let last = bytes.len() - 1;
            bytes[last] ^= 0x55;
            for step in [1, 100, 1 << 20] {
                let mut reader =
                    ArchiveReader::new(input(&bytes, step), Arc::from(STANDARD_INPUT), 1, Options::default());
                for path in ["/a", "/b"] {
                    let archive = reader.next_archive(buffer()).unwrap().unwrap();
                    assert_eq!(files(&archive)[0].0, path);
                }
                let error = reader.next_archive(buffer()).unwrap_err();
                let ArchiveErrorKind::Compressed(compressed) = &error.trouble.kind else {
                    panic!("{error:?}")
                };
                assert_eq!(compressed.fault, CompressionFault::Checksum);
                assert_eq!(compressed.decompressed, archives.len() as u64);
                assert!(error.to_string().ends_with("are damaged after archive 2"), "{error}");
            }
        }
    }

    #[test]
    fn a_member_cut_at_any_byte_is_an_error_after_what_it_held() {
        let content = noise(2000);
        for bytes in [gzip(&content), zstd(&content)] {
            for cut in 4..bytes.len() {
                let (out, error) = read_all(&bytes[..cut], 1 << 20).unwrap_err();
                assert_eq!(error.fault, CompressionFault::Truncated, "cut at {cut}");
                assert_eq!(error.compressed, cut as u64);
                assert_eq!(error.decompressed, out.len() as u64);
                assert!(content.starts_with(&out));
            }
        }
    }

    #[test]
    fn other_bytes_behind_a_member_are_refused_with_both_offsets() {
        for member in [gzip(b"content"), zstd(b"content")] {
            for tail in [&b"x"[..], b"plain text", b"\x1f"] {
                let bytes = [&member, tail].concat();
                let (out, error) = read_all(&bytes, 5).unwrap_err();
                assert_eq!(out, b"content");
                assert_eq!(error.fault, CompressionFault::TrailingBytes);
                assert_eq!((error.compressed, error.decompressed), (member.len() as u64, 7));
            }
        }
    }

    #[test]
    fn what_was_decompressed_before_damaged_data_comes_first() {
        let content = noise(500_000);
        for bytes in [gzip(&content), zstd(&content)] {
            let mut damaged = bytes.clone();
            damaged.truncate(300_000);
            damaged.resize(400_000, 0xff);
            let (out, error) = read_all(&damaged, 1 << 20).unwrap_err();
            assert_ne!(error.fault, CompressionFault::TrailingBytes);
            assert!(out.len() > 100_000, "{} {error}", out.len());
            assert!(content.starts_with(&out[..100_000]));
        }
    }

    #[test]
    fn a_zstd_frame_that_asks_for_too_much_memory_is_refused() {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
        encoder
            .set_parameter(zstd::stream::raw::CParameter::WindowLog(28))
            .unwrap();
        encoder.write_all(b"content").unwrap();
        encoder.flush().unwrap();
        let bytes = encoder.finish().unwrap();
        let (_, error) = read_all(&bytes, 1000).unwrap_err();
        assert_eq!(error.fault, CompressionFault::Window);
        assert!(error.help().unwrap().contains("--long=31"));
    }

    #[test]
    fn what_was_compressed_with_a_dictionary_is_told_so() {
        // A frame with nothing in it, that names dictionary 7.
        let bytes = b"\x28\xb5\x2f\xfd\x21\x07\0\x01\0\0";
        let (_, error) = read_all(bytes, 1000).unwrap_err();
        assert_eq!(error.fault, CompressionFault::Dictionary);
        assert!(error.help().unwrap().contains("-D DICTIONARY FILE"));
    }

    #[test]
    fn an_error_stays_an_error() {
        let bytes = [&gzip(b"content")[..], b"tail"].concat();
        let mut input = input(&bytes, 100);
        assert!(input.read_to_end(&mut Vec::new()).is_err());
        assert!(input.fill_buf().is_err());
        assert_eq!(input.format(), Some(Format::Gzip));
    }
}
