use std::cell::Cell;
use std::fmt::Write as _;
use std::io::{BufReader, Read};
use std::rc::Rc;

use super::super::error::{Ambiguity, ContentErrorKind};
use super::super::header::{EntryKind, NumberFault};
use super::super::pax::PaxFault;
use super::super::samples::{Tar, buffer, files, read_all, reader, seal};
use super::super::sparse::SparseFault;
use super::super::{ArchiveEnd, Links, STANDARD_INPUT, Special};
use super::*;
use spoutctl_core::pfs::FilePath;

fn read(input: &[u8]) -> (Vec<Archive>, Option<ArchiveError>) {
    read_all(input, &Options::default())
}

/// The one archive of `input`, its files and their content.
fn only(input: &[u8]) -> Vec<(String, Vec<u8>)> {
    let (archives, error) = read(input);
    assert!(error.is_none(), "{:?}", error.map(|error| error.details()));
    assert_eq!(archives.len(), 1);
    files(&archives[0])
}

fn expect(files: &[(String, Vec<u8>)], expected: &[(&str, &[u8])]) {
    let expected: Vec<_> = expected.iter().map(|(p, c)| ((*p).to_owned(), c.to_vec())).collect();
    assert_eq!(files, expected);
}

/// The error of an input that holds no complete archive.
fn refused(input: &[u8]) -> ArchiveError {
    let (archives, error) = read(input);
    assert!(archives.is_empty());
    error.unwrap()
}

fn content_error(input: &[u8]) -> ContentErrorKind {
    let (archives, error) = read(input);
    assert!(error.is_none());
    archives[0].contents.as_ref().unwrap_err().problem.kind.clone()
}

fn ambiguity(tar: Tar) -> Ambiguity {
    match refused(&tar.end()).trouble.kind {
        ArchiveErrorKind::Ambiguous(ambiguity) => ambiguity,
        other => panic!("{other:?}"),
    }
}

#[test]
fn archives_are_numbered_and_have_offset_length_and_digest_of_their_own_bytes() {
    let one = Tar::new().file("a", b"1").end();
    let two = Tar::new().file("b", b"2").directory("d").end();
    let input = [&one[..], &[0; 700], &two].concat();
    let (archives, error) = read(&input);
    assert!(error.is_none());
    let numbers: Vec<_> = archives.iter().map(|a| (a.number, a.offset, a.length)).collect();
    let (one_length, two_length) = (one.len() as u64, two.len() as u64);
    assert_eq!(numbers, [(1, 0, one_length), (2, one_length + 700, two_length)]);
    for (archive, bytes) in archives.iter().zip([&one, &two]) {
        let mut held = vec![0; bytes.len()];
        archive.held().read_exact_at(&mut held, 0).unwrap();
        assert_eq!(held, *bytes);
        assert_eq!(archive.digest, Digest::new(Sha256::digest(bytes).into()));
        assert_eq!(archive.digest.to_string().len(), 64);
    }
    expect(&files(&archives[1]), &[("/b", b"2")]);
}

#[test]
fn a_stream_cut_at_any_byte_yields_the_archives_that_ended_before_and_an_error_unless_in_padding() {
    let one = Tar::new().file("a", &[1; 700]).end();
    let two = Tar::new()
        .pax(&[("path", "long/name")])
        .file("x", b"2")
        .directory("d")
        .end();
    let three = Tar::new().extension(b'L', b"other\0").file("y", &[3; 512]).end();
    let padding = [0; 1100];
    let stream = [&one[..], &padding, &two, &padding, &three].concat();
    let mut ends = Vec::new();
    for part in [&one, &two, &three] {
        let start = ends.last().map_or(0, |end| end + padding.len());
        ends.push(start + part.len());
    }
    for cut in 0..=stream.len() {
        let (archives, error) = read(&stream[..cut]);
        let whole = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(archives.len(), whole, "cut at {cut}");
        let last = whole.checked_sub(1).map_or(0, |last| ends[last] + padding.len());
        let between = cut <= last;
        assert_eq!(error.is_none(), between, "cut at {cut}");
        if let Some(error) = error {
            assert_eq!(error.number, whole as u64 + 1, "cut at {cut}");
            assert_eq!(error.offset, last as u64);
            assert!(
                matches!(
                    error.trouble.kind,
                    ArchiveErrorKind::Torn(_) | ArchiveErrorKind::NotAnArchive { .. }
                ),
                "cut at {cut}: {error:?}"
            );
        }
    }
}

#[test]
fn a_torn_entry_is_named_with_its_offset_and_what_came() {
    let one = Tar::new().file("a", &[1; 4096]).raw(&[0; 1024]).raw(&[0; 512]).0;
    assert_eq!(one.len(), 6144);
    let stream = [
        &one[..],
        &[0; 512],
        &Tar::new().directory("logs").file("logs/b.txt", &[2; 4096]).end(),
    ]
    .concat();
    let (archives, error) = read(&stream[..6656 + 1024 + 1320]);
    assert_eq!(archives.len(), 1);
    let error = error.unwrap();
    assert_eq!((error.number, error.offset), (2, 6656));
    assert_eq!(
        error.to_string(),
        "the stream ends inside archive 2, so nothing of it was committed"
    );
    assert_eq!(
        error.details(),
        ["entry `logs/b.txt` (starts at byte 7,168) needs 4,096 bytes, and 1,320 came"]
    );
}

#[test]
fn an_end_without_two_zero_blocks_is_torn() {
    for (zeros, torn) in [
        (0, Torn::NoEnd),
        (100, Torn::Header { came: 100 }),
        (512, Torn::OneZeroBlock { came: 0 }),
        (1000, Torn::OneZeroBlock { came: 488 }),
    ] {
        let error = refused(&Tar::new().file("a", b"1").raw(&vec![0; zeros]).0);
        assert!(
            matches!(error.trouble.kind, ArchiveErrorKind::Torn(found) if found == torn),
            "{zeros}"
        );
        assert!(error.details()[0].contains("`a`"), "{:?}", error.details());
    }
}

#[test]
fn a_lenient_end_is_that_of_the_input_behind_whole_entries_and_nowhere_else() {
    let options = Options {
        end: ArchiveEnd::Lenient,
        ..Options::default()
    };
    let whole = Tar::new().file("a", b"1").file("b", &[2; 700]);
    let complete = whole.clone().end();
    let (expected, _) = read_all(&complete, &options);
    let first = Tar::new().file("0", b"").end();
    for zeros in [0, 100, 512, 700, 1023, 1024] {
        for before in [&[][..], &first] {
            let input = [before, &whole.0, &vec![0; zeros]].concat();
            let (archives, error) = read_all(&input, &options);
            assert!(error.is_none(), "{zeros}: {error:?}");
            let last = archives.last().unwrap();
            // As it will be read again, from a spool: with its end.
            assert_eq!((last.digest, last.length), (expected[0].digest, complete.len() as u64));
            let mut held = vec![0; complete.len()];
            last.held().read_exact_at(&mut held, 0).unwrap();
            assert_eq!(held, complete);
            let notes: Vec<_> = last.notes().collect();
            let note = format!(
                "the input ends without {} of the 1,024 zero bytes at an archive's end, and was taken as whole",
                spoutctl_core::quantity::grouped(1024 - zeros as u64)
            );
            assert_eq!(notes, if zeros == 1024 { vec![] } else { vec![note] });
        }
    }
    let torn = |input: &[u8]| {
        let error = read_all(input, &options).1.unwrap();
        matches!(error.trouble.kind, ArchiveErrorKind::Torn(_))
    };
    // Within a header, data, padding, and behind an extension header without its entry.
    for cut in [100, 512, 700, 1500, 1600, 2000, 2047] {
        assert!(torn(&whole.0[..cut]), "{cut}");
    }
    assert!(torn(&Tar::new().file("a", b"").pax(&[("path", "p")]).0));
    assert!(torn(&Tar::new().file("a", b"").raw(&[0; 300]).raw(b"x").0));
    let lone = Tar::new().file("a", b"").raw(&[0; 512]).file("b", b"");
    let error = read_all(&lone.end(), &options).1.unwrap();
    assert!(matches!(error.trouble.kind, ArchiveErrorKind::LoneZeroBlock));
}

#[test]
fn a_missing_end_is_refused_with_what_mends_it() {
    for zeros in [0, 512] {
        let bytes = Tar::new().file("a", b"1").raw(&vec![0; zeros]).0;
        let help = refused(&bytes).help().unwrap();
        assert!(help.contains("(cat x.tar; head -c 1024 /dev/zero)"), "{help}");
        assert!(help.contains("--archive-end lenient"), "{help}");
    }
    assert_eq!(refused(&Tar::new().file("a", b"1").0[..700]).help(), None);
}

#[test]
fn a_lone_zero_block_is_refused() {
    let stream = Tar::new().file("a", b"1").raw(&[0; 512]).file("b", b"2").end();
    let error = refused(&stream);
    assert!(matches!(error.trouble.kind, ArchiveErrorKind::LoneZeroBlock));
    assert_eq!(error.trouble.at, 1536);
}

#[test]
fn after_an_error_and_after_the_end_there_is_nothing_more() {
    let good = Tar::new().file("a", b"1").end();
    let stream = [&good[..], b"garbage", &[7; 600], &good].concat();
    let mut reader = reader(&stream, Options::default());
    assert!(reader.next_archive(buffer()).unwrap().is_some());
    assert!(reader.next_archive(buffer()).is_err());
    assert!(reader.next_archive(buffer()).unwrap().is_none());
}

#[test]
fn no_input_only_zeros_and_archives_without_files_are_told_apart() {
    for (input, seen) in [(vec![], Seen::Nothing), (vec![0; 1500], Seen::OnlyZeros(1500))] {
        let mut reader = reader(&input, Options::default());
        assert!(reader.next_archive(buffer()).unwrap().is_none());
        assert_eq!(reader.seen(), seen);
    }
    for empty in [
        Tar::new().directory("d").directory("./"),
        Tar::new().global_pax(&[("comment", "none")]),
    ] {
        expect(&only(&empty.end()), &[]);
    }
}

#[test]
fn an_archive_may_start_anywhere_behind_padding() {
    let archive = Tar::new().file("a", b"1").end();
    for zeros in [1, 100, 511, 512, 513, 10_000] {
        let stream = [&archive[..], &vec![0; zeros], &archive].concat();
        let (archives, error) = read(&stream);
        assert!(error.is_none());
        assert_eq!(archives.len(), 2);
        assert_eq!(archives[1].offset, (archive.len() + zeros) as u64);
    }
}

#[test]
fn a_header_without_a_name_is_found_behind_any_padding() {
    // As the `tar` crate writes PAX headers.
    let archive = Tar::new()
        .header(b"", b'x', 9, b"")
        .data(b"9 path=b\n")
        .file("a", b"1")
        .end();
    for zeros in [0, 1, 100, 400, 511, 512, 700, 10_240] {
        let (archives, error) = read(&[&archive[..], &vec![0; zeros], &archive].concat());
        assert!(error.is_none(), "{zeros}");
        assert_eq!(archives[1].offset, (archive.len() + zeros) as u64);
        assert_eq!(archives[1].digest, archives[0].digest);
        expect(&files(&archives[1]), &[("/b", b"1")]);
    }
}

#[test]
fn one_zero_byte_before_a_header_is_padding_although_the_checksum_fits_both_ways() {
    let archive = Tar::new().file("a", b"1").end();
    // The sum's own field moves, too; with a NUL at its end it reads the same.
    let mut gnu: Block = archive[..512].try_into().unwrap();
    gnu[148..156].copy_from_slice(b"0000000\0");
    let sum = gnu[..148]
        .iter()
        .chain(&gnu[156..])
        .map(|byte| u64::from(*byte))
        .sum::<u64>()
        + 256;
    gnu[148..156].copy_from_slice(format!("{sum:07o}\0").as_bytes());
    let archive = [&gnu[..], &archive[512..]].concat();
    let mut shifted = ZERO_BLOCK;
    shifted[1..].copy_from_slice(&archive[..511]);
    assert!(Header::new(&shifted).is_ok());
    let (archives, error) = read(&[&archive[..], &[0], &archive].concat());
    assert!(error.is_none());
    expect(&files(&archives[1]), &[("/a", b"1")]);
}

#[test]
fn input_that_is_no_tar_is_recognised() {
    for (input, words, help) in [
        (&b"\xfd7zXZ\0rest"[..], "xz-compressed", "xz -dc | spoutctl"),
        (b"PK\x03\x04rest", "a zip archive", "bsdtar"),
        (b"BZh9rest", "bzip2", "bzip2 -dc"),
        (b"hello\n", "plain text", "tar cf - FILE"),
        (b"{\"a\":1}", "JSON", "tar cf - FILE"),
        (b"<html>", "an HTML page", "login"),
    ] {
        for input in [input.to_vec(), [input, &[b' '; 600]].concat()] {
            let error = refused(&input);
            assert_eq!(error.to_string(), "standard input is no tar archive");
            assert!(error.details()[0].contains(words), "{:?}", error.details());
            assert!(error.help().unwrap().contains(help));
        }
    }
}

#[test]
fn bytes_after_an_archive_that_are_no_header_are_refused_with_their_offset() {
    let archive = Tar::new().file("a", b"1").end();
    for zeros in [0, 77, 1024] {
        let stream = [&archive[..], &vec![0; zeros], &[b'x'; 600]].concat();
        let (archives, error) = read(&stream);
        assert_eq!(archives.len(), 1);
        let error = error.unwrap();
        assert_eq!(error.trouble.at, (archive.len() + zeros) as u64);
        assert_eq!(error.to_string(), "what follows archive 1 is no tar archive");
    }
}

#[test]
fn a_header_with_a_wrong_checksum_is_refused() {
    let mut stream = Tar::new().file("a", b"1").file("b", b"2").end();
    stream[1024] = b'c';
    let error = refused(&stream);
    assert!(matches!(error.trouble.kind, ArchiveErrorKind::Checksum { .. }));
    assert_eq!(error.trouble.at, 1024);
    stream[0] = b'c';
    assert!(matches!(
        refused(&stream).trouble.kind,
        ArchiveErrorKind::Checksum { .. }
    ));
}

/// Counts reads, and fails the test when one comes that must not.
struct Reluctant<'a> {
    bytes: &'a [u8],
    allowed: Rc<Cell<bool>>,
    step: usize,
}

impl Read for Reluctant<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        assert!(
            !self.bytes.is_empty() || self.allowed.get(),
            "more was asked for than the archive has"
        );
        let count = self.step.min(buffer.len()).min(self.bytes.len());
        buffer[..count].copy_from_slice(&self.bytes[..count]);
        self.bytes = &self.bytes[count..];
        Ok(count)
    }
}

#[test]
fn an_archive_is_answered_before_anything_behind_it_is_read() {
    let archive = Tar::new().file("a", &[1; 3000]).end();
    for step in [1, 7, 512, 1 << 20] {
        let allowed = Rc::new(Cell::new(false));
        let input = Reluctant {
            bytes: &archive,
            allowed: Rc::clone(&allowed),
            step,
        };
        let mut reader = ArchiveReader::new(BufReader::new(input), Arc::from("x"), 1, Options::default());
        assert!(reader.next_archive(buffer()).unwrap().is_some());
        allowed.set(true);
        assert!(reader.next_archive(buffer()).unwrap().is_none());
    }
}

struct Faulty<'a> {
    bytes: &'a [u8],
    interrupted: bool,
}

impl Read for Faulty<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.bytes.is_empty() {
            return Err(io::Error::other("the cable is out"));
        }
        let count = 100.min(buffer.len());
        self.bytes.read(&mut buffer[..count])
    }
}

#[test]
fn an_interrupted_read_is_tried_again_and_a_failed_one_ends_the_stream() {
    let one = Tar::new().file("a", b"1").end();
    let stream = [&one[..], &one[..700]].concat();
    let input = Faulty {
        bytes: &stream,
        interrupted: false,
    };
    let mut reader = ArchiveReader::new(BufReader::new(input), Arc::from(STANDARD_INPUT), 1, Options::default());
    assert!(reader.next_archive(buffer()).unwrap().is_some());
    let error = reader.next_archive(buffer()).unwrap_err();
    assert!(matches!(error.trouble.kind, ArchiveErrorKind::Read(_)));
    assert_eq!(
        error.to_string(),
        "standard input cannot be read inside archive 2, so nothing of it was committed"
    );
}

struct Full;

impl ArchiveBuffer for Full {
    fn write_all(&mut self, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn finish(self: Box<Self>) -> io::Result<Arc<dyn ReadAt + Send + Sync>> {
        Err(io::ErrorKind::StorageFull.into())
    }
}

#[test]
fn an_archive_that_cannot_be_kept_is_an_error_of_this_side() {
    let archive = Tar::new().file("a", b"1").end();
    let error = reader(&archive, Options::default())
        .next_archive(Box::new(Full))
        .unwrap_err();
    assert!(matches!(error.trouble.kind, ArchiveErrorKind::Buffer(_)));
}

#[test]
fn pax_path_link_and_size_win_over_the_header() {
    let tar = Tar::new()
        .pax(&[("path", "real"), ("size", "3")])
        .header(b"fake", b'0', 0, b"")
        .data(b"abc")
        .pax(&[("linkpath", "real")])
        .hard_link("link", "nothing");
    expect(&only(&tar.end()), &[("/link", b"abc"), ("/real", b"abc")]);
}

#[test]
fn a_pax_size_belongs_to_the_entry_and_not_to_a_gnu_long_name_between() {
    let inner = Tar::new().file("smuggled", b"x").0;
    let tar = Tar::new()
        .pax(&[("size", &inner.len().to_string())])
        .extension(b'L', b"outer\0")
        .header(b"outer", b'0', 0, b"")
        .data(&inner);
    expect(&only(&tar.end()), &[("/outer", &inner)]);
}

#[test]
fn empty_pax_values_fall_back_to_the_header_and_global_ones_end_with_their_archive() {
    let one = Tar::new()
        .global_pax(&[("path", "everywhere")])
        .file("a", b"1")
        .pax(&[("path", "")])
        .file("b", b"2")
        .end();
    let two = Tar::new().file("c", b"3").end();
    let (archives, error) = read(&[one, two].concat());
    assert!(error.is_none());
    expect(&files(&archives[0]), &[("/b", b"2"), ("/everywhere", b"1")]);
    expect(&files(&archives[1]), &[("/c", b"3")]);
}

#[test]
fn what_parsers_read_differently_is_refused() {
    let pax = || Tar::new().pax(&[("path", "a")]);
    for (tar, expected) in [
        (pax().pax(&[("path", "b")]).file("f", b""), Ambiguity::TwoPaxHeaders),
        (
            Tar::new()
                .extension(b'L', b"a\0")
                .extension(b'L', b"b\0")
                .file("f", b""),
            Ambiguity::TwoLongNames,
        ),
        (
            Tar::new()
                .extension(b'K', b"a\0")
                .extension(b'K', b"b\0")
                .file("f", b""),
            Ambiguity::TwoLongLinks,
        ),
        (pax().extension(b'L', b"b\0").file("f", b""), Ambiguity::PathAndLongName),
        (
            Tar::new().extension(b'L', b"b\0").pax(&[("path", "a")]).file("f", b""),
            Ambiguity::PathAndLongName,
        ),
        (
            Tar::new()
                .extension(b'K', b"b\0")
                .pax(&[("linkpath", "a")])
                .symlink("f", "x"),
            Ambiguity::LinkPathAndLongLink,
        ),
        (
            Tar::new()
                .extension(b'K', b"b\0")
                .pax(&[("linkpath", "")])
                .symlink("f", "x"),
            Ambiguity::LinkPathAndLongLink,
        ),
        (
            Tar::new()
                .extension(b'L', b"a\0")
                .pax(&[("path", "a"), ("GNU.sparse.name", "b")])
                .file("f", b""),
            Ambiguity::PathAndLongName,
        ),
        (pax(), Ambiguity::NoEntry),
        (pax().global_pax(&[("path", "b")]).file("f", b""), Ambiguity::NoEntry),
        (Tar::new().extension(b'L', b"a\0b").file("f", b""), Ambiguity::BehindNul),
    ] {
        assert_eq!(ambiguity(tar), expected);
    }
}

#[test]
fn a_gnu_name_and_a_pax_path_that_agree_are_one_name() {
    let both = Tar::new()
        .extension(b'L', b"long\0")
        .pax(&[("path", "long")])
        .file("f", b"1")
        .pax(&[("linkpath", "long"), ("path", "link")])
        .extension(b'K', b"long\0")
        .extension(b'L', b"link\0")
        .symlink("l", "x");
    expect(&only(&both.end()), &[("/link", b"1"), ("/long", b"1")]);
}

#[test]
fn a_malformed_pax_record_is_refused_where_it_stands() {
    let error = refused(&Tar::new().extension(b'x', b"9 path=a\n8 path=b\n").file("f", b"").end());
    assert!(matches!(
        error.trouble.kind,
        ArchiveErrorKind::Pax {
            fault: PaxFault::WrongLength
        }
    ));
    assert_eq!(error.trouble.at, 512 + 9);
}

#[test]
fn an_extension_header_of_more_than_a_mebibyte_is_refused_before_it_is_read() {
    for kind in [b'x', b'g', b'L', b'K'] {
        let error = refused(&Tar::new().header(b"e", kind, (1 << 20) + 1, b"").end());
        assert!(matches!(error.trouble.kind, ArchiveErrorKind::ExtensionTooLong { .. }));
    }
}

#[test]
fn gnu_long_names_and_links_count_up_to_their_nul() {
    let long = "d/".repeat(100) + "file";
    let tar = Tar::new()
        .extension(b'L', format!("{long}\0").as_bytes())
        .file("short", b"1")
        .extension(b'K', format!("{long}\0").as_bytes())
        .symlink("link", "short");
    expect(&only(&tar.end()), &[(&format!("/{long}"), b"1"), ("/link", b"1")]);
}

#[test]
fn the_prefix_of_a_name_counts_with_the_posix_magic_alone() {
    let with_prefix = |magic: &'static [u8]| {
        move |block: &mut [u8; 512]| {
            block[257..265].copy_from_slice(magic);
            block[345..348].copy_from_slice(b"dir");
        }
    };
    let posix = Tar::new().header_with(b"f", b'0', 0, b"", with_prefix(b"ustar\x0000"));
    expect(&only(&posix.end()), &[("/dir/f", b"")]);
    for magic in [b"ustar  \0", b"\0\0\0\0\0\0\0\0"] {
        let other = Tar::new().header_with(b"f", b'0', 0, b"", with_prefix(magic));
        expect(&only(&other.end()), &[("/f", b"")]);
    }
}

#[test]
fn v7_headers_are_read_and_a_slash_at_the_end_makes_a_directory() {
    let v7 = |block: &mut [u8; 512]| block[257..265].fill(0);
    let tar = Tar::new()
        .header_with(b"d/", 0, 0, b"", v7)
        .header_with(b"d/f", 0, 2, b"", v7)
        .data(b"xy")
        .header_with(b"g", b'1', 0, b"d/f", v7);
    expect(&only(&tar.end()), &[("/d/f", b"xy"), ("/g", b"xy")]);
}

#[test]
fn a_directory_with_data_is_refused_rather_than_emptied() {
    let kind = content_error(&Tar::new().file("d/", b"data").end());
    assert_eq!(kind, ContentErrorKind::DirectoryWithData { size: 4 });
}

#[test]
fn sizes_that_no_offset_reaches_are_refused() {
    let sized = |value: [u8; 12]| {
        let tar = Tar::new().header_with(b"f", b'0', 0, b"", |block| block[124..136].copy_from_slice(&value));
        match refused(&tar.end()).trouble.kind {
            ArchiveErrorKind::Number {
                field: "size", fault, ..
            } => fault,
            other => panic!("{other:?}"),
        }
    };
    let base_256 = |value: u64| {
        let mut field = [0; 12];
        field[0] = 0x80;
        field[4..].copy_from_slice(&value.to_be_bytes());
        field
    };
    assert_eq!(sized(base_256(u64::MAX)), NumberFault::TooLarge);
    assert_eq!(sized(base_256(1 << 63)), NumberFault::TooLarge);
    // Within range, but not where it stands.
    assert_eq!(sized(base_256((1 << 63) - 1)), NumberFault::TooLarge);
    assert_eq!(sized([0xff; 12]), NumberFault::Negative);
    assert_eq!(sized(*b"0000000zz00\0"), NumberFault::Malformed);
    let pax = Tar::new().pax(&[("size", "9223372036854775807")]).file("f", b"");
    assert!(matches!(
        refused(&pax.end()).trouble.kind,
        ArchiveErrorKind::Number { .. }
    ));
}

#[test]
fn links_devices_and_directories_have_no_data_whatever_their_size_says() {
    let options = Options {
        special: Special::Skip,
        links: Links::Skip,
        ..Options::default()
    };
    let mut tar = Tar::new();
    for kind in b"123456" {
        tar = tar.header(b"entry", *kind, 4096, b"target");
    }
    let (archives, error) = read_all(&tar.file("f", b"1").end(), &options);
    assert!(error.is_none());
    expect(&files(&archives[0]), &[("/f", b"1")]);
    assert_eq!(archives[0].skipped().len(), 5);
}

#[test]
fn special_entries_are_refused_by_name_or_skipped_with_a_note() {
    for (kind, data, expected) in [
        (b'3', false, EntryKind::CharacterDevice),
        (b'4', false, EntryKind::BlockDevice),
        (b'6', false, EntryKind::Fifo),
        (b'D', true, EntryKind::DumpDirectory),
        (b'M', true, EntryKind::Continuation),
        (b'N', true, EntryKind::OldLongNames),
        (b'!', true, EntryKind::Unknown(b'!')),
    ] {
        let content: &[u8] = if data { b"some data" } else { b"" };
        let entry = || {
            Tar::new()
                .file("a", b"1")
                .header(b"odd", kind, content.len() as u64, b"")
                .data(content)
                .file("b", b"2")
        };
        assert_eq!(content_error(&entry().end()), ContentErrorKind::Special(expected));
        let skip = Options {
            special: Special::Skip,
            ..Options::default()
        };
        let (archives, _) = read_all(&entry().end(), &skip);
        expect(&files(&archives[0]), &[("/a", b"1"), ("/b", b"2")]);
        let [note] = archives[0].skipped() else {
            panic!("{:?}", archives[0].skipped())
        };
        assert_eq!((note.kind, note.count, note.first.name.as_str()), (expected, 1, "odd"));
        assert_eq!(note.first.offset, 1024);
    }
}

/// GNU tar says in records of PAX what it says by a type of its own in its own format.
#[test]
fn incremental_dumps_and_later_volumes_are_special_in_pax_format_too() {
    let dump = || {
        let tar = Tar::new().pax(&[("GNU.dumpdir", "Ya\0Nb\0\0")]);
        tar.header(b"d/", b'5', 0, b"").file("d/a", b"1")
    };
    let volume = || {
        let tar = Tar::new().global_pax(&[("GNU.volume.filename", "big"), ("GNU.volume.offset", "3")]);
        tar.file("GNUFileParts/big.2", b"rest").file("d/a", b"1")
    };
    for (tar, kind) in [
        (dump as fn() -> Tar, EntryKind::DumpDirectory),
        (volume, EntryKind::Continuation),
    ] {
        assert_eq!(content_error(&tar().end()), ContentErrorKind::Special(kind));
        let skip = Options {
            special: Special::Skip,
            ..Options::default()
        };
        let (archives, _) = read_all(&tar().end(), &skip);
        expect(&files(&archives[0]), &[("/d/a", b"1")]);
    }
}

#[test]
fn a_volume_label_is_no_file() {
    let tar = Tar::new().header(b"label", b'V', 0, b"").file("a", b"1");
    expect(&only(&tar.end()), &[("/a", b"1")]);
}

#[test]
fn a_problem_with_the_contents_spoils_its_archive_and_not_the_next() {
    let bad = Tar::new()
        .file("a*", b"1")
        .file("../b", b"2")
        .file("c", &[3; 5000])
        .end();
    let good = Tar::new().file("d", b"4").end();
    let (archives, error) = read(&[bad, good].concat());
    assert!(error.is_none());
    let problem = archives[0].contents.as_ref().unwrap_err();
    assert_eq!(
        problem.to_string(),
        "archive 1 cannot be stored, so nothing of it was committed"
    );
    assert_eq!(
        problem.details(),
        ["entry `a*` (starts at byte 0): the path has the character `*`, which pachd refuses"]
    );
    assert!(problem.help().unwrap().contains("--escape-paths"));
    expect(&files(&archives[1]), &[("/d", b"4")]);
}

#[test]
fn files_larger_than_the_limit_are_refused_and_sparse_ones_count_expanded() {
    let options = Options {
        max_entry_size: 1000,
        ..Options::default()
    };
    let sparse = Tar::new()
        .pax(&[
            ("GNU.sparse.size", "1001"),
            ("GNU.sparse.numblocks", "1"),
            ("GNU.sparse.map", "0,3"),
        ])
        .file("f", b"abc");
    for tar in [Tar::new().file("f", &[0; 1001]), sparse] {
        let (archives, _) = read_all(&tar.end(), &options);
        let problem = archives[0].contents.as_ref().unwrap_err();
        let expected = ContentErrorKind::TooLarge {
            size: 1001,
            limit: 1000,
        };
        assert_eq!(problem.problem.kind, expected);
        assert!(problem.help().unwrap().contains("--max-entry-size"));
    }
    let (archives, _) = read_all(&Tar::new().file("f", &[0; 1000]).end(), &options);
    assert!(archives[0].contents.is_ok());
}

#[test]
fn the_prefix_of_the_destination_is_put_before_every_path() {
    let options = Options {
        prefix: FilePath::new("/in/here").unwrap(),
        ..Options::default()
    };
    let tar = Tar::new()
        .file("a", b"1")
        .hard_link("h", "a")
        .symlink("d/s", "../a")
        .symlink("abs", "/a")
        .directory(".");
    let (archives, _) = read_all(&tar.end(), &options);
    expect(
        &files(&archives[0]),
        &[
            ("/in/here/a", b"1"),
            ("/in/here/abs", b"1"),
            ("/in/here/d/s", b"1"),
            ("/in/here/h", b"1"),
        ],
    );
}

const SPARSE: &[u8] = b"abcdef";

fn expanded() -> Vec<u8> {
    [&b"abc"[..], &[0; 97], b"def", &[0; 20]].concat()
}

fn old_sparse(parts: &[(u64, u64)], extended: &[&[(u64, u64)]], real_size: u64) -> Tar {
    let put = |block: &mut [u8; 512], at: usize, parts: &[(u64, u64)]| {
        for (index, (offset, length)) in parts.iter().enumerate() {
            let at = at + 24 * index;
            block[at..at + 11].copy_from_slice(format!("{offset:011o}").as_bytes());
            block[at + 12..at + 23].copy_from_slice(format!("{length:011o}").as_bytes());
        }
    };
    let mut tar = Tar::new().header_with(b"f", b'S', 6, b"", |block| {
        block[257..265].copy_from_slice(b"ustar  \0");
        put(block, 386, parts);
        block[482] = u8::from(!extended.is_empty());
        block[483..494].copy_from_slice(format!("{real_size:011o}").as_bytes());
    });
    for (index, parts) in extended.iter().enumerate() {
        let mut block = [0; 512];
        put(&mut block, 0, parts);
        block[504] = u8::from(index + 1 < extended.len());
        tar = tar.raw(&block);
    }
    tar.data(SPARSE)
}

#[test]
fn sparse_files_of_all_four_notations_are_expanded() {
    let old = old_sparse(&[(0, 3), (100, 3), (123, 0)], &[], 123);
    let full: Vec<_> = (0..21).map(|at| (60 + at, 0)).collect();
    let chain = old_sparse(&[(0, 1), (1, 1), (2, 1), (50, 0)], &[&full, &[(100, 3), (123, 0)]], 123);
    let zero = Tar::new()
        .pax(&[
            ("GNU.sparse.size", "123"),
            ("GNU.sparse.numblocks", "2"),
            ("GNU.sparse.offset", "0"),
            ("GNU.sparse.numbytes", "3"),
            ("GNU.sparse.offset", "100"),
            ("GNU.sparse.numbytes", "3"),
        ])
        .file("f", SPARSE);
    let one = Tar::new()
        .pax(&[
            ("GNU.sparse.name", "f"),
            ("GNU.sparse.size", "123"),
            ("GNU.sparse.numblocks", "2"),
            ("GNU.sparse.map", "0,3,100,3"),
        ])
        .file("GNUSparseFile.1/f", SPARSE);
    let mut map = b"2\n0\n3\n100\n3\n".to_vec();
    map.resize(512, 0);
    let two = Tar::new()
        .pax(&[
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.name", "f"),
            ("GNU.sparse.realsize", "123"),
        ])
        .file("GNUSparseFile.1/f", &[&map[..], SPARSE].concat());
    for tar in [old, chain, zero, one, two] {
        let tar = tar.file("next", b"n");
        expect(&only(&tar.end()), &[("/f", &expanded()), ("/next", b"n")]);
    }
}

#[test]
fn a_bad_sparse_map_spoils_its_archive_and_not_the_framing() {
    for (records, data, fault) in [
        (vec![("size", "5"), ("map", "0,3,2,3")], SPARSE, SparseFault::Order),
        (vec![("size", "5"), ("map", "0,6")], SPARSE, SparseFault::BehindEnd),
        (vec![("size", "9"), ("map", "0,5")], SPARSE, SparseFault::StoredSize),
        (vec![("size", "9"), ("map", "0,6,x")], SPARSE, SparseFault::Malformed),
        (vec![("size", "9"), ("map", "0,6,7")], SPARSE, SparseFault::Malformed),
        (vec![("size", "-9"), ("map", "0,6")], SPARSE, SparseFault::Malformed),
        (vec![("map", "0,6")], SPARSE, SparseFault::NoSize),
        (
            vec![("size", "9"), ("numblocks", "2"), ("map", "0,6")],
            SPARSE,
            SparseFault::Count,
        ),
        (vec![("major", "2"), ("minor", "0")], SPARSE, SparseFault::Version),
        (vec![("realtime", "2")], SPARSE, SparseFault::Malformed),
        (
            vec![("major", "1"), ("minor", "0"), ("realsize", "9")],
            b"1\n0\n",
            SparseFault::Malformed,
        ),
        (
            vec![("major", "1"), ("minor", "0"), ("realsize", "9")],
            b"1\n0\n6\n",
            SparseFault::StoredSize,
        ),
        (
            vec![("offset", "0"), ("offset", "6"), ("size", "9")],
            SPARSE,
            SparseFault::Malformed,
        ),
    ] {
        let records: Vec<_> = records
            .into_iter()
            .map(|(key, value)| (format!("GNU.sparse.{key}"), value))
            .collect();
        let records: Vec<_> = records.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        let stream = [
            Tar::new().pax(&records).file("f", data).file("g", b"1").end(),
            Tar::new().file("h", b"2").end(),
        ]
        .concat();
        let (archives, error) = read(&stream);
        assert!(error.is_none());
        let problem = &archives[0].contents.as_ref().unwrap_err().problem;
        assert_eq!(problem.kind, ContentErrorKind::Sparse(fault), "{records:?}");
        expect(&files(&archives[1]), &[("/h", b"2")]);
    }
}

#[test]
fn an_old_sparse_map_that_goes_on_behind_its_end_is_refused() {
    assert_eq!(
        ambiguity(old_sparse(&[(0, 3)], &[&[(100, 3)]], 123)),
        Ambiguity::SparseEnd
    );
}

#[test]
fn sparse_files_of_one_archive_share_a_limit_of_parts() {
    let segments = 300_000;
    let mut map = format!("{segments}\n");
    for at in 0..segments {
        writeln!(map, "{}\n1", at * 2).unwrap();
    }
    let mut data = map.into_bytes();
    data.resize(data.len().next_multiple_of(512) + segments, 0);
    let file = Tar::new()
        .pax(&[
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.realsize", "600000"),
        ])
        .file("f", &data)
        .0;
    let (archives, _) = read(&Tar::new().raw(&file).raw(&file).raw(&file).end());
    assert_eq!(archives[0].contents.as_ref().unwrap().len(), 1);
    let (archives, _) = read(&Tar::new().raw(&file.repeat(4)).end());
    let problem = &archives[0].contents.as_ref().unwrap_err().problem;
    assert_eq!(problem.kind, ContentErrorKind::Sparse(SparseFault::TooManySegments));
}

#[test]
fn a_header_with_bytes_above_127_may_have_its_checksum_from_signed_numbers() {
    let mut block: [u8; 512] = Tar::new().file("caf\u{e9}", b"").0.try_into().unwrap();
    seal(&mut block);
    block[148..156].fill(b' ');
    let sum: i64 = block.iter().map(|byte| i64::from(byte.cast_signed())).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let options = Options {
        escape_paths: true,
        ..Options::default()
    };
    let (archives, error) = read_all(&Tar::new().raw(&block).end(), &options);
    assert!(error.is_none());
    expect(&files(&archives[0]), &[("/caf%C3%A9", b"")]);
}

#[test]
fn a_file_as_input_is_named_in_every_error() {
    let mut reader = ArchiveReader::new(&b"hello\n"[..], Arc::from("two\n.tar"), 3, Options::default());
    let error = reader.next_archive(buffer()).unwrap_err();
    assert_eq!(error.number, 3);
    assert_eq!(error.to_string(), "`two\\n.tar` is no tar archive");
    let cut = Tar::new().file("a", b"1").0;
    let mut reader = ArchiveReader::new(&cut[..], Arc::from("b.tar"), 3, Options::default());
    let error = reader.next_archive(buffer()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`b.tar` ends inside archive 3, so nothing of it was committed"
    );
}

#[test]
fn the_index_takes_less_than_a_hundred_bytes_an_entry_beside_its_path() {
    let mut stream = Vec::new();
    let entries = 20_000;
    let mut path_bytes = 0;
    for number in 0..entries {
        let name = format!("some/directory/{}/file-{number:06}", number % 100);
        path_bytes += name.len() + 1;
        stream.extend_from_slice(&Tar::new().header(name.as_bytes(), b'0', 0, b"").0);
    }
    let (archives, _) = read(&Tar::new().raw(&stream).end());
    let files = archives[0].contents.as_ref().unwrap();
    assert_eq!(files.len(), entries);
    assert!(files.allocated() < path_bytes + path_bytes / 4 + 100 * entries);
    assert!(files.allocated() < path_bytes + 100 * entries);
}
