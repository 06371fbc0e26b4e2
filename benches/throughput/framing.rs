//! Framing alone, in memory, next to the `tar` crate's reader and to the digest alone.

use std::fs;
use std::hint::black_box;
use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use sha2::{Digest, Sha256};
use spoutctl_archive::{ArchiveBuffer, ArchiveReader, Options, ReadAt};

use crate::Sizes;
use crate::race::{Race, Work, timed};
use crate::samples::Samples;

pub fn measure(samples: &Samples, sizes: &Sizes) -> Result<()> {
    let title = format!("framing alone: one file of {} MiB", sizes.mib);
    frame(&title, &samples.large, Work::Bytes(sizes.mib << 20), sizes.rounds)?;
    let title = format!("framing alone: {} files of 1 KiB", sizes.files);
    frame(&title, &samples.many, Work::Files(sizes.files), sizes.rounds)
}

fn frame(title: &str, file: &Path, work: Work, rounds: u64) -> Result<()> {
    let bytes = fs::read(file)?;
    Race::new(title, work)
        .contender("ArchiveReader, with the digest, into nothing", || {
            timed(|| {
                let mut reader = ArchiveReader::new(&bytes[..], "bench".into(), 1, Options::default());
                let archive = reader.next_archive(Box::new(Nothing))?;
                ensure!(archive.is_some_and(|archive| archive.contents.is_ok()), "no archive");
                Ok(())
            })
        })
        .contender("SHA-256 alone", || {
            timed(|| {
                black_box(Sha256::digest(&bytes));
                Ok(())
            })
        })
        .contender("tar::Archive, without a digest", || {
            timed(|| {
                for entry in tar::Archive::new(&bytes[..]).entries()? {
                    let mut entry = entry?;
                    black_box(entry.path()?.as_os_str());
                    io::copy(&mut entry, &mut io::sink())?;
                }
                Ok(())
            })
        })
        .run(rounds)
}

/// Keeps nothing.
struct Nothing;

impl ArchiveBuffer for Nothing {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        black_box(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<Arc<dyn ReadAt + Send + Sync>> {
        Ok(Arc::new(*self))
    }
}

impl ReadAt for Nothing {
    fn read_exact_at(&self, _: &mut [u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
