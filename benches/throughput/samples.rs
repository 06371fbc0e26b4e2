//! The archives that are measured with, and the programs that are run on them.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use spoutctl_archive::ArchiveWriter;
use tempfile::TempDir;

use crate::Sizes;

/// Archives in a directory on a disk, removed at the end.
pub struct Samples {
    directory: TempDir,
    /// One large file.
    pub large: PathBuf,
    /// Many files of 1 KiB.
    pub many: PathBuf,
    /// Many archives of one file of 1 KiB.
    pub row: PathBuf,
}

impl Samples {
    /// Where further ones may be made.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn make(parent: &Path, sizes: &Sizes) -> Result<Self> {
        let directory = tempfile::tempdir_in(parent)?;
        let path = |name: &str| directory.path().join(name);
        let samples = Self {
            large: path("large.tar"),
            many: path("many.tar"),
            row: path("row.tar"),
            directory,
        };
        let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
        let mut writer = ArchiveWriter::new(BufWriter::new(File::create(&samples.large)?), 0);
        writer.append(b"large", sizes.mib << 20, &mut noise)?;
        writer.finish()?;
        let mut writer = ArchiveWriter::new(BufWriter::new(File::create(&samples.many)?), 0);
        for file in 0..sizes.files {
            let path = format!("{:03}/{file:06}", file / 100);
            writer.append(path.as_bytes(), 1024, &mut noise)?;
        }
        writer.finish()?;
        let mut row = BufWriter::new(File::create(&samples.row)?);
        for file in 0..sizes.commits {
            let mut writer = ArchiveWriter::new(row, 0);
            writer.append(format!("{file:06}").as_bytes(), 1024, &mut noise)?;
            row = writer.finish()?;
        }
        row.into_inner()?.sync_all()?;
        Ok(samples)
    }

    /// A directory that did not exist before; what an earlier run left in it is gone.
    pub fn fresh(&self, name: &str) -> Result<PathBuf> {
        let path = self.directory.path().join(name);
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir(&path)?;
        // What is still on its way to the disk would be measured with the next run.
        run(Command::new("sync").arg("-f").arg(&path))?;
        Ok(path)
    }
}

/// Bytes that no compression makes smaller, the same every time.
struct Noise(u64);

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for bytes in buffer.chunks_mut(8) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            bytes.copy_from_slice(&self.0.to_le_bytes()[..bytes.len()]);
        }
        Ok(buffer.len())
    }
}

/// `spoutctl put FILE` into a new repo at `server`.
pub fn put(server: &str, file: &Path) -> Command {
    let mut command = spoutctl(server);
    command.args(["put", "bench", "--create-repo", "--quiet"]).arg(file);
    command
}

/// The binary, with nothing from this environment.
pub fn spoutctl(server: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spoutctl"));
    command.env_clear().env("PACHD_ADDRESS", server);
    command
}

/// Runs a program that must succeed.
pub fn run(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?}: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// Runs a program that must succeed, and drops what it prints into a pipe.
pub fn drain(command: &mut Command) -> Result<()> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{command:?}"))?;
    if let Some(mut output) = child.stdout.take() {
        let mut buffer = vec![0; 256 << 10];
        while output.read(&mut buffer)? > 0 {}
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("{command:?}: {status}");
    }
    Ok(())
}

pub fn length(file: &Path) -> Result<u64> {
    Ok(fs::metadata(file)?.len())
}
