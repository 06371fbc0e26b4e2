//! Files, file sets, and what becomes of them.

use prost::Message;
use serde::{Deserialize, Serialize};

use super::commit::Commit;
use crate::google::{BytesValue, Timestamp};
use crate::json::{self, enumeration, is_unset, unset};

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct File {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub path: String,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "unset")]
    pub datum: String,
}

enumeration! {
    FileType {
        Reserved = 0 "RESERVED",
        File = 1 "FILE",
        Dir = 2 "DIR",
    }
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FileInfo {
    #[prost(message, optional, tag = "1")]
    pub file: Option<File>,
    #[prost(enumeration = "FileType", tag = "2")]
    #[serde(with = "FileType")]
    pub file_type: i32,
    #[prost(message, optional, tag = "3")]
    pub committed: Option<Timestamp>,
    #[prost(int64, tag = "4")]
    #[serde(with = "json::int64")]
    pub size_bytes: i64,
    #[prost(bytes = "vec", tag = "5")]
    #[serde(with = "json::bytes")]
    pub hash: Vec<u8>,
}

/// One message of the streams that `ModifyFile` and `CreateFileSet` read: exactly one of its fields is set.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ModifyFileRequest {
    #[prost(message, optional, tag = "1")]
    #[serde(alias = "set_commit")]
    pub set_commit: Option<Commit>,
    #[prost(message, optional, tag = "2")]
    #[serde(alias = "add_file")]
    pub add_file: Option<AddFile>,
    #[prost(message, optional, tag = "3")]
    #[serde(alias = "delete_file")]
    pub delete_file: Option<DeleteFile>,
    #[prost(message, optional, tag = "4")]
    #[serde(alias = "copy_file")]
    pub copy_file: Option<CopyFile>,
}

impl ModifyFileRequest {
    /// Appends the message in JSON, as one line of such a stream. Base64 goes straight into the text: it is what an
    /// upload through the gateway spends its time with.
    ///
    /// # Errors
    /// When a value has no form in JSON.
    pub fn write_line(&self, line: &mut String) -> serde_json::Result<()> {
        match self {
            Self {
                add_file:
                    Some(AddFile {
                        path,
                        datum,
                        raw: Some(raw),
                        url: None,
                    }),
                set_commit: None,
                delete_file: None,
                copy_file: None,
            } if datum.is_empty() && !raw.value.is_empty() => {
                line.push_str("{\"addFile\":{\"path\":");
                line.push_str(&serde_json::to_string(path)?);
                line.push_str(",\"raw\":\"");
                json::bytes::append(&raw.value, line);
                line.push_str("\"}}\n");
            }
            other => {
                line.push_str(&json::populated(other)?.to_string());
                line.push('\n');
            }
        }
        Ok(())
    }
}

/// A file or a directory of another commit of the repo.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct CopyFile {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub dst: String,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub datum: String,
    #[prost(message, optional, tag = "3")]
    pub src: Option<File>,
    /// To what is there already, instead of in its place.
    #[prost(bool, tag = "4")]
    #[serde(deserialize_with = "unset")]
    pub append: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct AddFile {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub path: String,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub datum: String,
    /// Without them the file is empty.
    #[prost(message, optional, tag = "3")]
    pub raw: Option<BytesValue>,
    #[prost(message, optional, tag = "4")]
    pub url: Option<UrlSource>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct UrlSource {
    #[prost(string, tag = "1")]
    #[serde(rename = "URL", alias = "url", deserialize_with = "unset")]
    pub url: String,
    #[prost(bool, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub recursive: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct DeleteFile {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub path: String,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub datum: String,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CreateFileSetResponse {
    #[prost(string, tag = "1")]
    pub file_set_id: String,
}

enumeration! {
    FileSetType {
        /// The whole tree of the commit.
        Total = 0 "TOTAL",
        /// What the commit changed.
        Diff = 1 "DIFF",
    }
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct GetFileSetRequest {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
    #[prost(enumeration = "FileSetType", tag = "2")]
    #[serde(with = "FileSetType")]
    pub r#type: i32,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AddFileSetRequest {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
    #[prost(string, tag = "2")]
    #[serde(alias = "file_set_id", deserialize_with = "unset")]
    pub file_set_id: String,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RenewFileSetRequest {
    #[prost(string, tag = "1")]
    #[serde(alias = "file_set_id", deserialize_with = "unset")]
    pub file_set_id: String,
    #[prost(int64, tag = "2")]
    #[serde(alias = "ttl_seconds", with = "json::int64", skip_serializing_if = "is_unset")]
    pub ttl_seconds: i64,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ComposeFileSetRequest {
    #[prost(string, repeated, tag = "1")]
    #[serde(alias = "file_set_ids", deserialize_with = "unset")]
    pub file_set_ids: Vec<String>,
    #[prost(int64, tag = "2")]
    #[serde(alias = "ttl_seconds", with = "json::int64", skip_serializing_if = "is_unset")]
    pub ttl_seconds: i64,
}

/// `GetFile` and `GetFileTAR`; the path is a glob.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GetFileRequest {
    #[prost(message, optional, tag = "1")]
    pub file: Option<File>,
    #[prost(string, tag = "2")]
    #[serde(rename = "URL", deserialize_with = "unset")]
    pub url: String,
    #[prost(int64, tag = "3")]
    #[serde(with = "json::int64", skip_serializing_if = "is_unset")]
    pub offset: i64,
    #[prost(message, optional, tag = "4")]
    #[serde(alias = "path_range")]
    pub path_range: Option<PathRange>,
}

/// From `lower` up to, but without, `upper`; an empty end is none.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct PathRange {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "unset")]
    pub lower: String,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub upper: String,
}

impl PathRange {
    /// Whether the path is not before its lower end.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        path >= self.lower.as_str()
    }

    /// Whether its upper end is at the path or before it.
    #[must_use]
    pub fn ends_before(&self, path: &str) -> bool {
        !self.upper.is_empty() && path >= self.upper.as_str()
    }
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct InspectFileRequest {
    #[prost(message, optional, tag = "1")]
    pub file: Option<File>,
}

/// `ListFile`.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ListFileRequest {
    #[prost(message, optional, tag = "1")]
    pub file: Option<File>,
    /// Answers begin after this file.
    #[prost(message, optional, tag = "3")]
    pub pagination_marker: Option<File>,
    /// At most so many; 0 is all.
    #[prost(int64, tag = "4")]
    #[serde(with = "json::int64")]
    pub number: i64,
    #[prost(bool, tag = "5")]
    #[serde(deserialize_with = "unset")]
    pub reverse: bool,
}

/// What [`ListFileRequest`] is for `WalkFile`: the same names, other numbers.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WalkFileRequest {
    #[prost(message, optional, tag = "1")]
    pub file: Option<File>,
    #[prost(message, optional, tag = "2")]
    pub pagination_marker: Option<File>,
    #[prost(int64, tag = "3")]
    #[serde(with = "json::int64", skip_serializing_if = "is_unset")]
    pub number: i64,
    #[prost(bool, tag = "4")]
    #[serde(deserialize_with = "unset")]
    pub reverse: bool,
}

impl From<WalkFileRequest> for ListFileRequest {
    fn from(request: WalkFileRequest) -> Self {
        Self {
            file: request.file,
            pagination_marker: request.pagination_marker,
            number: request.number,
            reverse: request.reverse,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GlobFileRequest {
    #[prost(message, optional, tag = "1")]
    pub commit: Option<Commit>,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "unset")]
    pub pattern: String,
    #[prost(message, optional, tag = "3")]
    #[serde(alias = "path_range")]
    pub path_range: Option<PathRange>,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DiffFileRequest {
    #[prost(message, optional, tag = "1")]
    #[serde(alias = "new_file")]
    pub new_file: Option<File>,
    #[prost(message, optional, tag = "2")]
    #[serde(alias = "old_file")]
    pub old_file: Option<File>,
    /// Has no effect in pachd 2.12 (recording follow 014), and so none here.
    #[prost(bool, tag = "3")]
    #[serde(deserialize_with = "unset")]
    pub shallow: bool,
}

#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DiffFileResponse {
    #[prost(message, optional, tag = "1")]
    pub new_file: Option<FileInfo>,
    #[prost(message, optional, tag = "2")]
    pub old_file: Option<FileInfo>,
}
