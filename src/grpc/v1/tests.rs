//! What is asked of 1.13 and understood of its answers, on what a real one was asked and said.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// One recorded call.
pub(super) struct Recording {
    pub number: String,
    pub requests: Vec<Vec<u8>>,
    pub responses: Vec<Vec<u8>>,
    pub code: String,
    pub message: String,
}

pub(super) fn recordings() -> Vec<Recording> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wire/grpc-1.13");
    let mut all: Vec<Recording> = fs::read_dir(folder)
        .unwrap()
        .map(|file| read(&file.unwrap().path()))
        .collect();
    all.sort_by(|a, b| a.number.cmp(&b.number));
    all
}

fn read(path: &Path) -> Recording {
    let recording: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let messages = |side: &str| {
        let messages = recording[side].as_array().unwrap().iter();
        messages
            .map(|message| from_hex(message["hex"].as_str().unwrap()))
            .collect()
    };
    Recording {
        number: path.file_name().unwrap().to_str().unwrap()[..3].to_owned(),
        requests: messages("requests"),
        responses: messages("responses"),
        code: recording["status"]["code"].as_str().unwrap().to_owned(),
        message: recording["status"]["message"].as_str().unwrap().to_owned(),
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}
