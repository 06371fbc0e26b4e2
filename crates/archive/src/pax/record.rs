//! One PAX record, as it is written.

/// Appends the record `length key=value\n`, the length of which counts its own digits.
pub(crate) fn push_record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    let length = record_length(key, value);
    records.extend_from_slice(format!("{length} {key}=").as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}

/// The bytes of a record with all that belongs to it.
pub(crate) fn record_length(key: &str, value: &[u8]) -> usize {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    length
}
