//! Any bytes as names, and any text as what a user or a server calls things: rules hold, and what is written in one
//! form is read back.
#![no_main]

use std::collections::BTreeMap;
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use spoutctl_archive::{ArchiveWriter, Digest, EntryStream, Options, escape_path, unescape_path};
use spoutctl_core::pfs::{
    BranchName, CommitId, Destination, FilePath, ProjectName, RepoName, Revision, Source, is_allowed_in_path,
};
use spoutctl_delivery::mark::{Mark, Stage, StreamName};
use spoutctl_fuzz::{content, frame_bytes};

fuzz_target!(|data: &[u8]| {
    let names: Vec<&[u8]> = data.split(|byte| *byte == 0).filter(|name| !name.is_empty()).collect();
    for name in &names {
        escape_and_unescape(name);
        let text = String::from_utf8_lossy(name);
        path(&text);
        words(&text);
        mark(&text);
    }
    through_an_archive(&names);
});

/// The name with its elements alone, each behind a slash.
fn normal(name: &[u8]) -> Vec<u8> {
    let elements = name.split(|byte| *byte == b'/');
    let elements = elements.filter(|element| !element.is_empty() && *element != b".");
    elements.flat_map(|element| [b"/", element].concat()).collect()
}

fn escape_and_unescape(name: &[u8]) {
    let Some(path) = escape_path(name) else {
        assert!(normal(name).is_empty(), "a name without a path");
        return;
    };
    assert_eq!(FilePath::new(&path).expect("a path that pachd takes").as_str(), path);
    assert_eq!(unescape_path(&path), Some(normal(name)));
}

fn path(text: &str) {
    match FilePath::new(text) {
        Ok(path) => {
            let normal = path.as_str();
            assert_eq!(
                FilePath::new(normal).as_ref(),
                Ok(&path),
                "normalising twice changes it"
            );
            assert!(normal.starts_with('/') && normal.chars().all(is_allowed_in_path));
            assert!(
                path.is_root()
                    || normal[1..]
                        .split('/')
                        .all(|element| !matches!(element, "" | "." | ".."))
            );
            if let Some(name) = unescape_path(normal) {
                assert!(!name.contains(&0));
                let again = escape_path(&name).unwrap_or_else(|| "/".to_owned());
                assert_eq!(again, normal, "two paths for one name");
            }
        }
        Err(error) => shown(&error.to_string()),
    }
    // Nothing is known of its form here; it must not panic.
    let _ = unescape_path(text);
}

fn words(text: &str) {
    match Destination::from_str(text) {
        Ok(destination) => {
            // Written out, it names its project and its branch, and so leaves no doubt.
            let again = format!("{}:{}", destination.branch, destination.prefix);
            let written = Destination {
                names_project: true,
                doubtful_prefix: None,
                ..destination
            };
            assert_eq!(Destination::from_str(&again), Ok(written));
        }
        Err(error) => shown(&error.to_string()),
    }
    match Source::from_str(text) {
        Ok(source) => {
            let revision = match &source.revision {
                Revision::Branch(name) => name.as_str(),
                Revision::Commit(id) => id.as_str(),
            };
            let path = source.path.as_ref().map(FilePath::as_str).or(source.pattern.as_deref());
            let path = path.map(|path| format!(":{path}")).unwrap_or_default();
            let again = format!("{}@{revision}{}{path}", source.repo, source.relative);
            let written = Source {
                names_project: true,
                ..source
            };
            assert_eq!(Source::from_str(&again), Ok(written));
        }
        Err(error) => shown(&error.to_string()),
    }
    let refusals = [
        ProjectName::new(text).err(),
        RepoName::new(text).err(),
        BranchName::new(text).err(),
        CommitId::new(text).err(),
    ];
    for error in refusals.iter().flatten() {
        shown(&error.to_string());
    }
    if let Ok(digest) = Digest::from_str(text) {
        assert_eq!(digest.to_string(), text);
    }
}

/// What a mark says is what was written, whatever a user's message before it looks like.
fn mark(text: &str) {
    if let Ok(mark) = Mark::from_str(text) {
        assert_eq!(mark.to_string().parse().as_ref(), Ok(&mark));
    }
    let (stream, message) = text.split_once(' ').unwrap_or((text, ""));
    match StreamName::from_str(stream) {
        Ok(stream) => {
            let mark = Mark {
                stream,
                sequence: text.len() as u64,
                first: text.len() as u64,
                digest: Digest::new([7; 32]),
                messages: None,
                positions: None,
                has_asides: text.len() % 2 == 1,
                stage: Stage::Started,
            };
            for stage in [Stage::Started, Stage::Done, Stage::GivenUp] {
                let mark = mark.at(stage);
                let description = mark.description(Some(message));
                let last = description.lines().next_back().unwrap_or_default();
                assert_eq!(last.parse().as_ref(), Ok(&mark));
            }
        }
        Err(error) => shown(&error.to_string()),
    }
}

/// What the writer writes, both readers read back.
fn through_an_archive(names: &[&[u8]]) {
    let mut writer = ArchiveWriter::new(Vec::new(), 0);
    let mut written = Vec::new();
    for name in names.iter().filter(|name| !name.ends_with(b"/")) {
        let content = [b"content of ", *name].concat();
        writer
            .append(name, content.len() as u64, &content[..])
            .expect("a name of a file");
        written.push((*name, content));
    }
    let bytes = writer.finish().expect("memory");
    let mut stream = EntryStream::new(&bytes[..], "input".into());
    for (name, content) in &written {
        let entry = stream.next_entry().expect("an archive of ours").expect("another entry");
        assert_eq!((entry.path(), entry.size()), (*name, content.len() as u64));
    }
    assert!(matches!(stream.next_entry(), Ok(None)));
    let options = Options {
        escape_paths: true,
        ..Options::default()
    };
    let framed = frame_bytes(&bytes, 65_536, &options);
    assert!(framed.error.is_none());
    let Some(archive) = framed.archives.first() else {
        assert!(written.is_empty());
        return;
    };
    // A name of the root, or a file that is also a directory, is rightly refused.
    if let Ok(files) = &archive.contents {
        let expected: BTreeMap<_, _> = written
            .iter()
            .filter_map(|(name, content)| Some((escape_path(name)?, content)))
            .collect();
        assert!(files.iter().map(|file| file.path).eq(expected.keys()));
        for (index, expected) in expected.values().enumerate() {
            assert_eq!(content(archive, index), **expected);
        }
    }
}

/// What is shown to a user has no control characters of somebody else's.
fn shown(text: &str) {
    assert!(!text.is_empty() && !text.chars().any(char::is_control), "{text:?}");
}
