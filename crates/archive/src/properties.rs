//! Properties of the framing: what goes in comes out, or an error does. Never something else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::samples::{buffer, files};
use super::{Archive, ArchiveError, ArchiveReader, ArchiveWriter, Options, STANDARD_INPUT, open_input};

/// A file's path and content.
type Entry = (String, Vec<u8>);

#[derive(Debug, Clone, Copy)]
enum Format {
    Gnu,
    Ustar,
    Pax,
    Ours,
}

#[derive(Debug, Clone)]
struct Sample {
    format: Format,
    /// Of our own format alone.
    deletions: Vec<String>,
    entries: Vec<Entry>,
    padding: usize,
}

impl Sample {
    fn bytes(&self) -> Vec<u8> {
        match self.format {
            Format::Ours => self.written_by_us(),
            Format::Gnu => self.written_by_tar(&tar::Header::new_gnu()),
            Format::Ustar | Format::Pax => self.written_by_tar(&tar::Header::new_ustar()),
        }
    }

    fn written_by_us(&self) -> Vec<u8> {
        let mut writer = ArchiveWriter::new(Vec::new(), 0);
        for path in self.deletions() {
            writer.delete(&path.as_bytes()[1..]).unwrap();
        }
        for (path, content) in &self.entries {
            writer
                .append(path.as_bytes(), content.len() as u64, &content[..])
                .unwrap();
        }
        writer.finish().unwrap()
    }

    fn written_by_tar(&self, header: &tar::Header) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, content) in &self.entries {
            let mut header = header.clone();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            if matches!(self.format, Format::Pax) {
                let records = [("mtime", &b"1.5"[..]), ("path", path.as_bytes())];
                builder.append_pax_extensions(records).unwrap();
                header.set_path("short").unwrap();
                header.set_cksum();
                builder.append(&header, &content[..]).unwrap();
            } else {
                builder.append_data(&mut header, path, &content[..]).unwrap();
            }
        }
        builder.into_inner().unwrap()
    }

    /// The paths that the archive deletes.
    fn deletions(&self) -> Vec<String> {
        let ours = matches!(self.format, Format::Ours);
        let paths: BTreeSet<_> = self
            .deletions
            .iter()
            .filter(|_| ours)
            .map(|path| format!("/{path}"))
            .collect();
        paths.into_iter().collect()
    }

    /// What the archive holds: the last entry of each path.
    fn files(&self) -> Vec<Entry> {
        let files: BTreeMap<_, _> = self
            .entries
            .iter()
            .map(|(path, content)| (format!("/{path}"), content.clone()))
            .collect();
        files.into_iter().collect()
    }
}

fn entry() -> impl Strategy<Value = Entry> {
    // Directories and files have different names, so that no path is both.
    let directories = vec(prop::sample::select(vec!["d", "d-e", "directory"]), 0..30);
    let name = prop::sample::select(vec!["f", "g", "a name", "g.tar"]);
    let content = prop_oneof![
        (0..1500_usize).prop_map(|length| vec![0; length]),
        vec(any::<u8>(), 0..1500)
    ];
    (directories, name, content).prop_map(|(directories, name, content)| {
        let mut path = directories;
        path.push(name);
        (path.join("/"), content)
    })
}

fn sample() -> impl Strategy<Value = Sample> {
    let format = prop::sample::select(vec![Format::Gnu, Format::Ustar, Format::Pax, Format::Ours]);
    // Paths that may also be among the entries, or their directories.
    let deletion = prop_oneof![
        entry().prop_map(|(path, _)| path),
        "[a-zA-Z0-9 =%~._-]{1,40}x(/[a-zA-Z0-9 =%~._-]{1,200}x){0,3}"
    ];
    (format, vec(deletion, 0..8), vec(entry(), 1..6), 0..1200_usize).prop_map(
        |(format, deletions, entries, padding)| Sample {
            format,
            deletions,
            entries,
            padding,
        },
    )
}

/// Bytes that come in pieces of odd sizes.
struct Pieces<'a> {
    bytes: &'a [u8],
    sizes: &'a [usize],
    turn: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.turn += 1;
        let size = self.sizes.get(self.turn % self.sizes.len().max(1)).copied();
        let count = size.unwrap_or(usize::MAX).min(buffer.len());
        self.bytes.read(&mut buffer[..count])
    }
}

fn read(bytes: &[u8], sizes: &[usize]) -> (Vec<Archive>, Option<ArchiveError>) {
    let pieces = Pieces { bytes, sizes, turn: 0 };
    let capacity = sizes.iter().sum::<usize>() % 2000 + 1;
    let input = BufReader::with_capacity(capacity, open_input(pieces));
    let options = Options {
        obey_deletions: true,
        ..Options::default()
    };
    let mut reader = ArchiveReader::new(input, Arc::from(STANDARD_INPUT), 1, options);
    let mut archives = Vec::new();
    loop {
        match reader.next_archive(buffer()) {
            Ok(Some(archive)) => archives.push(archive),
            Ok(None) => return (archives, None),
            Err(error) => return (archives, Some(error)),
        }
    }
}

/// The samples as one stream, and where each archive and each header in it is.
fn stream(samples: &[Sample]) -> (Vec<u8>, Vec<(usize, usize)>, Vec<usize>) {
    let (mut bytes, mut archives, mut headers) = (Vec::new(), Vec::new(), Vec::new());
    for sample in samples {
        let archive = sample.bytes();
        let start = bytes.len();
        let mut found: Vec<_> = tar::Archive::new(&archive[..])
            .entries()
            .unwrap()
            .raw(true)
            .map(|entry| start + usize::try_from(entry.unwrap().raw_header_position()).unwrap())
            .collect();
        headers.append(&mut found);
        bytes.extend_from_slice(&archive);
        archives.push((start, bytes.len()));
        bytes.resize(bytes.len() + sample.padding, 0);
    }
    (bytes, archives, headers)
}

fn deletions(archive: &Archive) -> Vec<String> {
    let files = archive.contents.as_ref().unwrap();
    files.deletions().map(str::to_owned).collect()
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    vec(1..3000_usize, 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn archives_of_every_writer_come_out_as_they_went_in(samples in vec(sample(), 0..4), sizes in sizes()) {
        let (bytes, places, _) = stream(&samples);
        let (archives, error) = read(&bytes, &sizes);
        prop_assert!(error.is_none());
        prop_assert_eq!(archives.len(), samples.len());
        for ((archive, sample), (start, end)) in archives.iter().zip(&samples).zip(places) {
            prop_assert_eq!(files(archive), sample.files());
            prop_assert_eq!(deletions(archive), sample.deletions());
            prop_assert_eq!((archive.offset, archive.length), (start as u64, (end - start) as u64));
        }
    }

    #[test]
    fn a_cut_stream_yields_what_was_whole_before_the_cut(
        samples in vec(sample(), 1..4), cut in any::<Index>(), sizes in sizes(),
    ) {
        let (bytes, places, _) = stream(&samples);
        let cut = cut.index(bytes.len());
        let (archives, error) = read(&bytes[..cut], &sizes);
        let whole = places.iter().filter(|(_, end)| *end <= cut).count();
        prop_assert_eq!(archives.len(), whole);
        for (archive, sample) in archives.iter().zip(&samples) {
            prop_assert_eq!(files(archive), sample.files());
            prop_assert_eq!(deletions(archive), sample.deletions());
        }
        // A header without a name starts like padding; the `tar` crate writes such.
        let begun = |start: usize| bytes[start..cut].iter().any(|byte| *byte != 0);
        let inside = places.iter().any(|(start, end)| *start < cut && cut < *end && begun(*start));
        prop_assert_eq!(error.is_some(), inside);
    }

    #[test]
    fn a_changed_byte_in_a_header_never_changes_what_comes_out(
        samples in vec(sample(), 1..4), header in any::<Index>(), at in 0..512_usize, byte in any::<u8>(),
    ) {
        let (mut bytes, _, headers) = stream(&samples);
        prop_assume!(!headers.is_empty());
        let at = headers[header.index(headers.len())] + at;
        bytes[at] = byte;
        let (archives, error) = read(&bytes, &[]);
        // Either nobody can tell the difference (a blank for another in a number), or it is an error.
        prop_assert!(error.is_some() || archives.len() == samples.len());
        for (archive, sample) in archives.iter().zip(&samples) {
            prop_assert_eq!(files(archive), sample.files());
            prop_assert_eq!(deletions(archive), sample.deletions());
        }
    }

    #[test]
    fn a_changed_byte_anywhere_never_moves_a_boundary_unnoticed(
        samples in vec(sample(), 1..4), at in any::<Index>(), byte in any::<u8>(),
    ) {
        let (mut bytes, places, _) = stream(&samples);
        let at = at.index(bytes.len());
        let padded = places.iter().all(|(start, end)| at < *start || *end <= at);
        prop_assume!(!padded);
        bytes[at] = byte;
        let (archives, _) = read(&bytes, &[]);
        for (archive, (start, end)) in archives.iter().zip(&places) {
            prop_assert_eq!((archive.offset, archive.length), (*start as u64, (end - start) as u64));
        }
    }

    #[test]
    fn compressed_streams_hold_what_went_in(
        samples in vec((sample(), any::<bool>()), 1..4), sizes in sizes(), cut in any::<Index>(),
    ) {
        let mut bytes = Vec::new();
        for (sample, gzip) in &samples {
            let mut archive = sample.bytes();
            archive.resize(archive.len() + sample.padding, 0);
            let member = if *gzip {
                let mut member = Vec::new();
                let level = flate2::Compression::fast();
                flate2::bufread::GzEncoder::new(&archive[..], level).read_to_end(&mut member).unwrap();
                member
            } else {
                zstd::stream::encode_all(&archive[..], 1).unwrap()
            };
            bytes.extend_from_slice(&member);
        }
        let (archives, error) = read(&bytes, &sizes);
        prop_assert!(error.is_none(), "{:?}", error);
        prop_assert_eq!(archives.len(), samples.len());
        let (cut_archives, _) = read(&bytes[..cut.index(bytes.len())], &sizes);
        for (archive, (sample, _)) in archives.iter().zip(&samples).chain(cut_archives.iter().zip(&samples)) {
            prop_assert_eq!(files(archive), sample.files());
            prop_assert_eq!(deletions(archive), sample.deletions());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(
        samples in vec(sample(), 0..3), noise in vec(any::<u8>(), 0..2000),
        changes in vec((any::<Index>(), any::<u8>()), 0..20), seals in any::<bool>(),
    ) {
        let (mut bytes, _, headers) = stream(&samples);
        bytes.extend_from_slice(&noise);
        for (at, byte) in changes {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        if seals {
            // With right checksums the damage gets past the first check.
            for header in headers {
                super::samples::seal((&mut bytes[header..header + 512]).try_into().unwrap());
            }
        }
        let (archives, _) = read(&bytes, &[]);
        for archive in archives.iter().filter(|archive| archive.contents.is_ok()) {
            let total: usize = files(archive).iter().map(|(_, content)| content.len()).sum();
            prop_assert_eq!(total as u64, archive.contents.as_ref().unwrap().total_bytes());
        }
    }
}

/// Files that ask for all that formats differ in: long names, links, holes, sizes around a block.
fn plant(root: &Path, long_names: bool) -> BTreeMap<String, Vec<u8>> {
    let mut expected = BTreeMap::new();
    let mut put = |path: &str, content: &[u8]| {
        let file = root.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
        expected.insert(format!("/{path}"), content.to_vec());
    };
    for size in [0, 1, 511, 512, 513, 100_000] {
        put(&format!("sizes/{size}"), &vec![b's'; size]);
    }
    put(&format!("{}/f", "d".repeat(60)), b"a long directory");
    if long_names {
        put(&format!("{}{}", "deep/".repeat(40), "n".repeat(120)), b"long");
    }
    let holes = root.join("holes");
    let file = File::create(&holes).unwrap();
    // More parts than a header has room for.
    for at in 0..60 {
        file.write_all_at(&[b'h'; 700], at * 40_960).unwrap();
    }
    file.set_len(3_000_000).unwrap();
    expected.insert("/holes".to_owned(), fs::read(&holes).unwrap());
    let empty = File::create(root.join("nothing-but-a-hole")).unwrap();
    empty.set_len(1_000_000).unwrap();
    expected.insert("/nothing-but-a-hole".to_owned(), vec![0; 1_000_000]);
    fs::hard_link(root.join("sizes/513"), root.join("hard")).unwrap();
    expected.insert("/hard".to_owned(), vec![b's'; 513]);
    std::os::unix::fs::symlink("../hard", root.join("sizes/symbolic")).unwrap();
    expected.insert("/sizes/symbolic".to_owned(), vec![b's'; 513]);
    expected
}

fn is_gnu_tar() -> bool {
    let version = Command::new("tar").arg("--version").output();
    version.is_ok_and(|output| output.stdout.starts_with(b"tar (GNU tar)"))
}

/// Says that a test was skipped, or fails where nothing may be skipped (`SPOUTCTL_TEST_NO_SKIP`, set by CI).
fn skip(reason: &str) {
    assert!(std::env::var_os("SPOUTCTL_TEST_NO_SKIP").is_none(), "skipped: {reason}");
    // Past the test harness, which keeps what a passing test prints.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("skipped: {reason}\n").as_bytes());
}

#[test]
fn archives_of_gnu_tar_in_all_its_formats_come_out_as_they_went_in() {
    if !is_gnu_tar() {
        skip("`tar` is not GNU tar here");
        return;
    }
    let short = tempfile::tempdir().unwrap();
    let long = tempfile::tempdir().unwrap();
    let short_files = plant(short.path(), false);
    let long_files = plant(long.path(), true);
    let sparse = ["--sparse", "--hole-detection=raw"];
    let with_sparse = |more: &[&'static str]| [&sparse[..], more].concat();
    let mut whole = Vec::new();
    let mut expected = Vec::new();
    for (arguments, is_long) in [
        (vec!["--format=v7"], false),
        (vec!["--format=ustar"], false),
        (vec!["--format=oldgnu"], true),
        (vec!["--format=gnu"], true),
        (vec!["--format=pax"], true),
        (vec!["--format=gnu", "--label=name"], true),
        (vec!["--format=pax", "--label=name"], true),
        (vec!["--format=gnu", "--blocking-factor=1"], true),
        (vec!["--format=gnu", "--gzip"], true),
        (with_sparse(&["--format=gnu"]), true),
        (with_sparse(&["--format=oldgnu"]), true),
        (with_sparse(&["--format=pax", "--sparse-version=0.0"]), true),
        (with_sparse(&["--format=pax", "--sparse-version=0.1"]), true),
        (with_sparse(&["--format=pax", "--sparse-version=1.0"]), true),
    ] {
        let (directory, files_in) = if is_long {
            (long.path(), &long_files)
        } else {
            (short.path(), &short_files)
        };
        let output = Command::new("tar")
            .args(&arguments)
            .args(["-c", "-f", "-", "-C"])
            .arg(directory)
            .arg(".")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {:?}",
            output.stderr.escape_ascii()
        );
        let (archives, error) = read(&output.stdout, &[]);
        assert!(
            error.is_none(),
            "{arguments:?}: {:?}",
            error.map(|error| error.details())
        );
        assert_eq!(archives.len(), 1);
        let contents = archives[0].contents.as_ref();
        assert!(contents.is_ok(), "{arguments:?}: {:?}", contents.unwrap_err().details());
        let found: BTreeMap<_, _> = files(&archives[0]).into_iter().collect();
        assert!(found == *files_in, "{arguments:?}");
        if !arguments.contains(&"--gzip") {
            whole.extend_from_slice(&output.stdout);
            expected.push(files_in);
        }
    }
    let (archives, error) = read(&whole, &[4000, 17, 65536]);
    assert!(error.is_none());
    assert_eq!(archives.len(), expected.len());
    for (archive, expected) in archives.iter().zip(expected) {
        assert!(files(archive).into_iter().collect::<BTreeMap<_, _>>() == *expected);
    }
}

/// Two archives with deletions, one of them of deletions alone, as one stream.
fn stream_with_deletions() -> Vec<u8> {
    let mut stream = Vec::new();
    for round in ["first", "second"] {
        let mut writer = ArchiveWriter::new(stream, 1_700_000_000);
        for number in 0..30_000 {
            writer.delete(format!("gone/{round}/{number:06}").as_bytes()).unwrap();
        }
        if round == "first" {
            writer.append(b"kept", 4, &b"kept"[..]).unwrap();
        }
        stream = writer.finish().unwrap();
    }
    let mut writer = ArchiveWriter::new(stream, 1_700_000_000);
    writer.append(b"last", 4, &b"last"[..]).unwrap();
    writer.finish().unwrap()
}

/// Runs a program that reads our stream from a file, if it is there, and answers what it wrote to its two streams.
fn read_by(command: &[&str], archive: &Path) -> Option<(String, String)> {
    let (program, arguments) = command.split_first().unwrap();
    let Ok(output) = Command::new(program).args(arguments).arg(archive).output() else {
        skip(&format!("no `{program}` here"));
        return None;
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}: {out} {err}");
    Some((out, err))
}

#[test]
fn deletions_are_passed_over_by_other_readers() {
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("a.tar");
    fs::write(&archive, stream_with_deletions()).unwrap();
    if is_gnu_tar() {
        let (out, err) = read_by(&["tar", "-ti", "-f"], &archive).unwrap();
        assert_eq!((out.as_str(), err.as_str()), ("kept\n./\nlast\n", ""));
    } else {
        skip("`tar` is not GNU tar here");
    }
    let bsdtar = ["bsdtar", "--options", "read_concatenated_archives", "-tf"];
    if let Some((out, err)) = read_by(&bsdtar, &archive) {
        assert_eq!((out.as_str(), err.as_str()), ("kept\n./\nlast\n", ""));
    }
    let script = "import sys, tarfile; print(*tarfile.open(sys.argv[1], ignore_zeros=True).getnames())";
    if let Some((out, err)) = read_by(&["python3", "-c", script], &archive) {
        assert_eq!((out.as_str(), err.as_str()), ("kept . last\n", ""));
    }
}

#[test]
fn what_we_write_gnu_tar_reads() {
    if !is_gnu_tar() {
        skip("`tar` is not GNU tar here");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("a.tar");
    let mut writer = ArchiveWriter::new(File::create(&archive).unwrap(), 1_700_000_000);
    let names = ["short".to_owned(), "deep/".repeat(60) + "file", "caf\u{e9}".to_owned()];
    writer.append_directory(b"empty").unwrap();
    for name in &names {
        writer.append(name.as_bytes(), 600, &[7; 600][..]).unwrap();
    }
    writer.finish().unwrap();
    let out = directory.path().join("out");
    fs::create_dir(&out).unwrap();
    let output = Command::new("tar")
        .arg("-xf")
        .arg(&archive)
        .arg("-C")
        .arg(&out)
        .output()
        .unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        output.stderr.escape_ascii()
    );
    assert!(out.join("empty").is_dir());
    for name in &names {
        assert_eq!(fs::read(out.join(name)).unwrap(), [7; 600]);
    }
}
