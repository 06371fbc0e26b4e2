//! Files that are read whole because somebody named them: a token, a certificate, a cursor, a configuration. Never more
//! than a bound, so that an endless one takes no memory, and nothing that might block for ever where a file is meant.
//!
//! Words only: what is in them is for whoever named them.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use crate::quantity::Size;

/// Reads a regular file of at most `limit` bytes. Nothing else is opened: whoever opens a FIFO waits for its writer.
///
/// # Errors
/// When it cannot be read, is no regular file, or is longer.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(invalid(format!("it is {}, and a file is expected", kind(&metadata))));
    }
    bounded(path, limit)
}

/// The same, where a pipe will do, too: `<(COMMAND)` of a shell, `/dev/stdin`.
///
/// # Errors
/// When it cannot be read, is a directory, or is longer.
pub fn read_or_pipe(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let metadata = std::fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(invalid("it is a directory, and a file is expected".to_owned()));
    }
    bounded(path, limit)
}

fn bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(invalid(format!(
            "it has more than {}, and such a file is shorter",
            Size(limit)
        )));
    }
    Ok(bytes)
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

fn kind(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_bound_and_no_further() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert_eq!(read_or_pipe(&path, 5).unwrap(), b"12345");
        for read in [read, read_or_pipe] {
            let error = read(&path, 4).unwrap_err();
            assert_eq!(error.to_string(), "it has more than 4 B, and such a file is shorter");
        }
        assert_eq!(
            read(&directory.path().join("none"), 5).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[test]
    fn what_is_no_file_is_named_and_not_opened() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        // Would wait for a writer for ever.
        assert_eq!(
            read(&fifo, 5).unwrap_err().to_string(),
            "it is a FIFO, and a file is expected"
        );
        assert!(
            read(Path::new("/dev/zero"), 5)
                .unwrap_err()
                .to_string()
                .contains("a device")
        );
        // Endless, and read only so far.
        assert!(
            read_or_pipe(Path::new("/dev/zero"), 5)
                .unwrap_err()
                .to_string()
                .contains("more than")
        );
        assert!(
            read_or_pipe(directory.path(), 5)
                .unwrap_err()
                .to_string()
                .contains("a directory")
        );
    }
}
