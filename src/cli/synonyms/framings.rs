//! What framings of messages are called elsewhere.

/// What is meant by a name that no framing has: the words to be typed, or what to say of it.
pub(super) fn meant(typed: &str) -> Option<Result<Vec<String>, &'static str>> {
    const OTHERS: &str = "such messages are not told apart here: --messages lines takes what a consumer prints line by \
                          line, --messages u32be, u32le and varint any bytes behind their length";
    let lower = typed.to_ascii_lowercase();
    let framing = match lower.as_str() {
        "line" | "lines" | "text" | "newline" => "lines",
        "null" | "nul" => "nul",
        "json" => "json",
        "ndjson" | "jsonl" => "ndjson",
        "json-seq" | "jsonseq" | "rfc7464" | "geojson-seq" => "json-seq",
        "csv" => "csv",
        "netstring" | "netstrings" => "netstring",
        "octet-counting" | "octet-counted" | "rfc6587" | "syslog-tcp" => "octet-counting",
        "u32be" | "u32" | "uint32" | "int32" => "u32be",
        "u32le" => "u32le",
        "varint" | "protobuf-delimited" | "delimited-protobuf" | "protodelim" | "uvarint" => "varint",
        "journal-export" | "journal" | "journald" | "export" => "journal-export",
        "sse" | "event-stream" | "eventsource" | "server-sent-events" => "sse",
        "tsv" | "tab" => {
            return Some(Err(
                "--messages csv --csv-delimiter tab takes columns apart at tabs; where quotes mean nothing, --messages \
                 lines does, and --key-column counts tabs there, too",
            ));
        }
        "syslog" => {
            return Some(Err(
                "--messages lines takes syslog as it stands in files, --messages octet-counting as RFC 6587 sends it: \
                 a length and a blank before each",
            ));
        }
        "gelf" => return Some(Err("--messages nul takes GELF as it comes over TCP")),
        "cloudevents" => return Some(Err("--messages ndjson takes events as JSON, one a line")),
        "delimiter" => return Some(Err("write what ends a message: --messages delimiter=STR")),
        "length" | "length-prefixed" | "frames" => {
            return Some(Err(
                "--messages u32be or u32le takes a length in four bytes before each, --messages varint one as \
                 protobuf writes it, --messages netstring and octet-counting one in digits",
            ));
        }
        "protobuf" => {
            return Some(Err(
                "--messages varint takes what protobuf's writeDelimitedTo and protodelim write; without a length \
                 before each, messages of protobuf cannot be told apart",
            ));
        }
        "u16be" | "msgpack" | "cbor" | "avro" | "parquet" | "xml" | "yaml" | "logfmt" | "raw" | "binary" | "bytes" => {
            return Some(Err(OTHERS));
        }
        _ => return None,
    };
    // As it is, it was refused for another reason.
    (framing != typed).then(|| Ok(vec!["--messages".to_owned(), framing.to_owned()]))
}
