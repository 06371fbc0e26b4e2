//! The bytes around a file's content in a tar archive: header, extension, padding, end.

use tar::{EntryType, Header};

pub(super) const BLOCK: usize = 512;
/// Two zero blocks: what an archive ends with.
pub(super) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// The header blocks of one entry. Their length depends on the name alone, so that a size can be filled in later.
///
/// A name that fits neither the ustar field nor its prefix gets a PAX record; a size of 8 GiB or more is written in
/// base 256, which every reader of the last twenty years takes. Times are zero, so that the same content is the same
/// bytes. (pachd writes the mode 0, which makes an extracted file unreadable; recordings follow 015–016.)
pub(super) fn header(name: &str, size: u64, kind: EntryType, mode: u32) -> Vec<u8> {
    let mut blocks = Vec::with_capacity(BLOCK);
    let mut header = Header::new_ustar();
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_entry_type(kind);
    if let Some((prefix, base)) = ustar_name(name) {
        set_name(&mut header, prefix, base);
    } else {
        push_pax_path(&mut blocks, name);
        set_name(&mut header, "", &name[name.len().saturating_sub(100)..]);
    }
    header.set_cksum();
    blocks.extend_from_slice(header.as_bytes());
    blocks
}

/// How many zero bytes follow `size` bytes of content.
pub(super) fn padding(size: u64) -> usize {
    let tail = size % BLOCK as u64;
    usize::try_from((BLOCK as u64 - tail) % BLOCK as u64).unwrap_or(0)
}

/// The name as prefix and rest, when it fits. Paths are ASCII, so any byte is a place to cut.
fn ustar_name(name: &str) -> Option<(&str, &str)> {
    if name.len() <= 100 {
        return Some(("", name));
    }
    name.match_indices('/')
        .map(|(at, _)| (&name[..at], &name[at + 1..]))
        .find(|(prefix, base)| !prefix.is_empty() && prefix.len() <= 155 && !base.is_empty() && base.len() <= 100)
}

/// `Header::set_path` refuses names with a leading `/`, which pachd's archives have.
fn set_name(header: &mut Header, prefix: &str, base: &str) {
    if let Some(ustar) = header.as_ustar_mut() {
        ustar.name[..base.len()].copy_from_slice(base.as_bytes());
        ustar.prefix[..prefix.len()].copy_from_slice(prefix.as_bytes());
    }
}

fn push_pax_path(blocks: &mut Vec<u8>, name: &str) {
    let record = pax_record("path", name);
    let mut header = Header::new_ustar();
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(record.len() as u64);
    header.set_entry_type(EntryType::XHeader);
    set_name(&mut header, "", "PaxHeader");
    header.set_cksum();
    blocks.extend_from_slice(header.as_bytes());
    blocks.extend_from_slice(record.as_bytes());
    blocks.resize(blocks.len() + padding(record.len() as u64), 0);
}

/// `LEN KEY=VALUE\n`, where LEN counts the whole record, its own digits included.
fn pax_record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len() + 1;
    loop {
        let record = format!("{length}{rest}");
        if record.len() == length {
            return record;
        }
        length = record.len();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn names_and_sizes(bytes: &[u8]) -> Vec<(String, u64)> {
        let mut archive = tar::Archive::new(bytes);
        let entries = archive.entries().unwrap();
        entries
            .map(|entry| {
                let entry = entry.unwrap();
                let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
                (name, entry.size())
            })
            .collect()
    }

    #[test]
    fn names_of_every_length_are_read_back_whole() {
        for length in [1, 99, 100, 101, 155, 156, 255, 256, 257, 300, 990, 1_000, 9_990, 9_995] {
            for element in [3, 60, 99, 100, 101, 200] {
                let name: String = (0..length)
                    .map(|at| {
                        if at % (element + 1) == 0 && at + 1 < length {
                            '/'
                        } else {
                            'n'
                        }
                    })
                    .collect();
                let mut bytes = header(&name, 0, EntryType::Regular, 0o644);
                bytes.extend_from_slice(&END);
                assert_eq!(names_and_sizes(&bytes), [(name, 0)], "{length} {element}");
            }
        }
    }

    #[test]
    fn the_headers_length_does_not_depend_on_the_size() {
        let small = header("/big", 0, EntryType::Regular, 0o644);
        let large = header("/big", 9 << 30, EntryType::Regular, 0o644);
        assert_eq!(small.len(), large.len());
        let read = Header::from_byte_slice(&large);
        assert_eq!(read.size().unwrap(), 9 << 30);
    }

    #[test]
    fn a_pax_record_counts_its_own_digits() {
        for length in 1..1_200 {
            let value = "v".repeat(length);
            let record = pax_record("path", &value);
            let (count, _) = record.split_once(' ').unwrap();
            assert_eq!(count.parse::<usize>().unwrap(), record.len());
        }
    }

    #[test]
    fn content_is_padded_to_whole_blocks() {
        for (size, zeros) in [(0, 0), (1, 511), (511, 1), (512, 0), (513, 511)] {
            assert_eq!(padding(size), zeros);
        }
        let mut bytes = header("a", 3, EntryType::Regular, 0o644);
        bytes.extend_from_slice(b"abc");
        bytes.resize(bytes.len() + padding(3), 0);
        bytes.extend_from_slice(&END);
        let mut archive = tar::Archive::new(&bytes[..]);
        let mut content = String::new();
        let mut entries = archive.entries().unwrap();
        entries.next().unwrap().unwrap().read_to_string(&mut content).unwrap();
        assert_eq!(content, "abc");
        assert!(entries.next().is_none());
    }
}
