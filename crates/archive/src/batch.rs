//! Several archives as one: their bytes one behind the other, their files as if each were written over the one before.
//!
//! Memory: the index of the files, about 150 bytes a file and twice its path while archives are gathered, and 200 bytes
//! for each archive that is listed. The bytes are where the [`ArchiveBuffer`] has them, which the caller provides; each
//! is copied once, and not at all as long as there is one archive.

use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::archive::{Archive, Batch, MOST_LISTED, Member};
use super::buffer::ArchiveBuffer;
use super::content::ReadAt;
use super::digest::Digest;
use super::index::{LeftOut, Merging, SamePath};
use super::label::{Label, MessageRange};

/// How much is copied at a time: 64 KiB.
const PIECE: usize = 64 << 10;

/// Archives on their way to be one.
pub struct Gathering {
    same_path: SamePath,
    /// While it is the only one: nothing of it is copied.
    only: Option<Box<Archive>>,
    /// What came of the archives so far, once that is asked for.
    files: Option<Merging>,
    /// Where their bytes are copied to.
    held: Option<Box<dyn ArchiveBuffer>>,
    about: Option<About>,
}

/// What is known of the archives besides their files.
struct About {
    numbers: RangeInclusive<u64>,
    count: u64,
    /// Bytes of all of them.
    length: u64,
    listed: Vec<Member>,
    /// Of the digests.
    digest: Sha256,
    label: Label,
    /// The newest one's input, and where in that the first archive begins that is here.
    input: Arc<str>,
    offset: u64,
    last_offset: u64,
    end: u64,
}

impl Gathering {
    #[must_use]
    pub fn new(same_path: SamePath) -> Self {
        Self {
            same_path,
            only: None,
            files: None,
            held: None,
            about: None,
        }
    }

    /// How many archives there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.about.as_ref().map_or(0, |about| about.count)
    }

    /// Bytes of the archives.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.about.as_ref().map_or(0, |about| about.length)
    }

    /// The number of the newest archive.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.about.as_ref().map(|about| *about.numbers.end())
    }

    /// Whether the archive's files can be in one commit with those that are here: none of them is a file where another
    /// is a directory. Of what pachd has already nothing is known here.
    #[must_use]
    pub fn has_room_for(&mut self, archive: &Archive) -> bool {
        match (self.files(), &archive.contents) {
            (Some(files), Ok(more)) => files.has_room_for(more),
            _ => true,
        }
    }

    /// Adds an archive that can be stored; the first one is kept as it is. Its bytes are copied to what `hold` makes,
    /// where there is one, and forgotten otherwise.
    ///
    /// # Errors
    /// When the bytes cannot be held or read. The archives before are then no longer whole.
    pub fn add(
        &mut self,
        archive: Box<Archive>,
        buffer: Option<&dyn Fn() -> Box<dyn ArchiveBuffer>>,
    ) -> io::Result<()> {
        if self.about.is_none() {
            self.about = Some(About::of(&archive));
            self.only = Some(archive);
            return Ok(());
        }
        // Before the only one goes.
        self.files();
        if let Some(only) = self.only.take()
            && let Some(buffer) = buffer
        {
            copy(&only, self.held.insert(buffer()).as_mut())?;
        }
        if let Some(held) = &mut self.held {
            copy(&archive, held.as_mut())?;
        }
        let base = self.length();
        if let (Some(files), Ok(more)) = (&mut self.files, &archive.contents) {
            files.add(more, base);
        }
        if let Some(about) = &mut self.about {
            about.add(&archive);
        }
        Ok(())
    }

    fn files(&mut self) -> Option<&Merging> {
        if let (None, Some(only)) = (&self.files, &self.only) {
            let mut files = Merging::new(self.same_path);
            if let Ok(first) = &only.contents {
                files.add(first, 0);
            }
            self.files = Some(files);
        }
        self.files.as_ref()
    }

    /// The archives as one; a single one as it came. `None` when there is none.
    ///
    /// # Errors
    /// When the bytes cannot be held.
    pub fn finish(self) -> io::Result<Option<Box<Archive>>> {
        let (None, Some(about), Some(files)) = (&self.only, self.about, self.files) else {
            return Ok(self.only);
        };
        Ok(Some(Box::new(Archive {
            number: *about.numbers.end(),
            batch: Some(Batch {
                first: *about.numbers.start(),
                count: about.count,
                listed: about.listed.into(),
                last_offset: about.last_offset,
            }),
            input: about.input,
            offset: about.offset,
            length: about.end - about.offset,
            digest: Digest::new(about.digest.finalize().into()),
            label: about.label,
            contents: Ok(files.finish()),
            left_out: LeftOut::default(),
            held: match self.held {
                Some(held) => held.finish()?,
                None => Arc::new(Forgotten),
            },
        })))
    }
}

impl About {
    fn of(first: &Archive) -> Self {
        let mut about = Self {
            numbers: first.number..=first.number,
            count: 0,
            length: 0,
            listed: Vec::new(),
            digest: Sha256::new(),
            label: first.label.clone(),
            input: Arc::clone(&first.input),
            offset: first.offset,
            last_offset: first.offset,
            end: first.offset,
        };
        about.add(first);
        about
    }

    fn add(&mut self, archive: &Archive) {
        if self.count > 0 {
            self.label = Label {
                messages: joined(self.label.messages, archive.label.messages),
                position: archive.label.position.clone(),
                positions: archive.label.positions.clone(),
                refused: None,
                asides: std::mem::take(&mut self.label.asides).and(&archive.label.asides),
            };
        }
        self.numbers = *self.numbers.start()..=archive.number;
        self.count += 1;
        self.length += archive.length;
        self.digest.update(archive.digest.as_bytes());
        if self.input != archive.input || archive.offset < self.end {
            self.input = Arc::clone(&archive.input);
            self.offset = archive.offset;
        }
        self.last_offset = archive.offset;
        self.end = archive.offset + archive.length;
        if self.listed.len() < MOST_LISTED {
            self.listed.push(Member::of(archive));
        }
    }
}

/// The messages of two archives, if there are none between them.
fn joined(before: Option<MessageRange>, behind: Option<MessageRange>) -> Option<MessageRange> {
    let (before, behind) = (before?, behind?);
    (before.last.checked_add(1) == Some(behind.first)).then_some(MessageRange {
        first: before.first,
        last: behind.last,
    })
}

fn copy(archive: &Archive, to: &mut dyn ArchiveBuffer) -> io::Result<()> {
    let mut piece = vec![0; PIECE.min(usize::try_from(archive.length).unwrap_or(PIECE))];
    let mut offset = 0;
    while offset < archive.length {
        let length = usize::try_from(archive.length - offset).map_or(PIECE, |left| left.min(PIECE));
        archive.held.read_exact_at(&mut piece[..length], offset)?;
        to.write_all(&piece[..length])?;
        offset += length as u64;
    }
    Ok(())
}

/// Bytes that nobody wanted to have kept.
struct Forgotten;

impl ReadAt for Forgotten {
    fn read_exact_at(&self, _: &mut [u8], _: u64) -> io::Result<()> {
        Err(io::Error::other("the bytes of these archives were not kept"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::super::samples::{Tar, buffer, files, read_all};
    use super::*;

    fn gathered(archives: &[Vec<u8>], same_path: SamePath) -> Box<Archive> {
        let options = Options {
            obey_deletions: true,
            ..Options::default()
        };
        let (read, error) = read_all(&archives.concat(), &options);
        assert!(error.is_none());
        let mut gathering = Gathering::new(same_path);
        for archive in read {
            assert!(gathering.has_room_for(&archive));
            gathering.add(Box::new(archive), Some(&buffer)).unwrap();
        }
        gathering.finish().unwrap().unwrap()
    }

    fn sparse(name: &str, map: &str, size: &str, data: &[u8]) -> Tar {
        Tar::new()
            .pax(&[("GNU.sparse.size", size), ("GNU.sparse.map", map)])
            .file(name, data)
    }

    #[test]
    fn sparse_files_of_several_archives_keep_their_holes_each() {
        let archives = [
            sparse("a", "1,2", "4", b"aa").file("plain", b"p").end(),
            sparse("b", "0,1,3,1", "5", b"bb").end(),
            sparse("a", "2,1", "3", b"c").end(),
        ];
        let expected = [("/a", &b"\0\0c"[..]), ("/b", b"b\0\0b\0"), ("/plain", b"p")];
        let expected = expected.map(|(path, content)| (path.to_owned(), content.to_vec()));
        assert_eq!(files(&gathered(&archives, SamePath::Replaces)), expected);
    }

    #[test]
    fn what_a_later_archive_deletes_is_gone_unless_it_comes_again() {
        let delete = |path: &str| Tar::new().global_pax(&[("SPOUTCTL.delete.0", path)]);
        let archives = [
            Tar::new().file("a", b"1").file("b", b"1").file("d/f", b"1").end(),
            delete("a").file("b", b"2").end(),
            // A file where there was a directory, which is gone with it.
            delete("d/f").file("d", b"3").end(),
            delete("b").file("b", b"4").end(),
        ];
        for (same_path, b) in [(SamePath::Replaces, b"4"), (SamePath::Follows, b"4")] {
            let batch = gathered(&archives, same_path);
            let expected = [("/b".to_owned(), b.to_vec()), ("/d".to_owned(), b"3".to_vec())];
            assert_eq!(files(&batch), expected, "{same_path:?}");
            let deletions: Vec<&str> = batch.contents.as_ref().unwrap().deletions().collect();
            assert_eq!(deletions, ["/a", "/b", "/d/f"]);
            assert_eq!(batch.numbers(), 1..=4);
        }
    }
}
