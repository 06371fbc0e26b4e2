//! The documents that an editor has open, and what is known of each.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use lsp_types::{DidChangeTextDocumentParams, Position, PositionEncodingKind, Range, TextDocumentItem, Uri};
use percent_encoding::percent_decode_str;

use spoutctl_lint::Options;
use spoutctl_lint::diagnostic::Diagnostic;
use spoutctl_lint::source::{SourceFile, Span};
use spoutctl_lint::spec::{self, Parsed};

/// How an editor counts columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16,
}

impl Encoding {
    pub(super) fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
        }
    }

    fn length(self, text: &str) -> usize {
        match self {
            Self::Utf8 => text.len(),
            Self::Utf16 => text.encode_utf16().count(),
        }
    }
}

/// What an editor has said of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Editor {
    pub encoding: Encoding,
    /// It takes snippets where something is completed.
    pub takes_snippets: bool,
}

#[derive(Debug)]
pub(super) struct Document {
    pub uri: Uri,
    pub path: Option<PathBuf>,
    pub version: i32,
    pub file: SourceFile,
    /// As it was when it was looked at last.
    pub known: Option<Known>,
    pub editor: Editor,
}

/// What is known of a text.
#[derive(Debug)]
pub(super) struct Known {
    pub options: Options,
    pub diagnostics: Vec<Diagnostic>,
    parsed: OnceCell<Parsed>,
}

impl Known {
    /// The tree of a text, made when it is asked for unless it was kept.
    pub(super) fn parsed(&self, file: &SourceFile) -> &Parsed {
        self.parsed.get_or_init(|| spec::parse(file))
    }
}

#[derive(Debug)]
pub(super) struct Documents {
    editor: Editor,
    open: HashMap<String, Document>,
    changed: BTreeSet<String>,
}

impl Documents {
    pub(super) fn new(editor: Editor) -> Self {
        Self {
            editor,
            open: HashMap::new(),
            changed: BTreeSet::new(),
        }
    }

    pub(super) fn open(&mut self, item: TextDocumentItem) {
        let path = path_of(&item.uri);
        let name = match &path {
            Some(path) => path.to_string_lossy().into_owned(),
            // Its ending says what it is written in.
            None => format!("untitled.{}", item.language_id),
        };
        if is_jsonnet(&name) {
            return;
        }
        let key = item.uri.to_string();
        self.changed.insert(key.clone());
        let document = Document {
            path,
            version: item.version,
            file: SourceFile::new(name, item.text),
            known: None,
            editor: self.editor,
            uri: item.uri,
        };
        self.open.insert(key, document);
    }

    pub(super) fn change(&mut self, params: DidChangeTextDocumentParams) {
        let key = params.text_document.uri.to_string();
        let Some(document) = self.open.get_mut(&key) else {
            return;
        };
        for change in params.content_changes {
            document.change(change.range, &change.text);
        }
        document.version = params.text_document.version;
        self.changed.insert(key);
    }

    pub(super) fn close(&mut self, uri: &Uri) {
        let key = uri.to_string();
        self.open.remove(&key);
        self.changed.remove(&key);
    }

    /// What they are looked at by has changed.
    pub(super) fn all_changed(&mut self) {
        for (key, document) in &mut self.open {
            document.known = None;
            self.changed.insert(key.clone());
        }
    }

    pub(super) fn get_mut(&mut self, uri: &Uri) -> Option<&mut Document> {
        self.open.get_mut(&uri.to_string())
    }

    /// Those that have changed since this was asked last.
    pub(super) fn take_changed(&mut self) -> Vec<Uri> {
        let changed = std::mem::take(&mut self.changed);
        let documents = changed.iter().filter_map(|key| self.open.get(key));
        documents.map(|document| document.uri.clone()).collect()
    }
}

impl Document {
    fn change(&mut self, range: Option<Range>, text: &str) {
        self.known = None;
        let changed = match range {
            None => text.to_owned(),
            Some(range) => {
                let (start, end) = (self.offset(range.start), self.offset(range.end));
                let mut changed = self.file.text().to_owned();
                changed.replace_range(start..end.max(start), text);
                changed
            }
        };
        self.file = self.file.with_text(changed);
    }

    /// Brings what is known up to the text.
    pub(super) fn look(&mut self, options: impl FnOnce() -> Options, leave_out: impl FnOnce(&mut Vec<Diagnostic>)) {
        if self.known.is_some() {
            return;
        }
        let options = options();
        let (checked, parsed) = spoutctl_lint::check_and_keep(&self.file, &options);
        let mut diagnostics = checked.diagnostics;
        leave_out(&mut diagnostics);
        self.known = Some(Known {
            options,
            diagnostics,
            parsed: parsed.map_or_else(OnceCell::new, OnceCell::from),
        });
    }

    /// The byte that a position is before; what is behind a line's end is its end.
    pub(super) fn offset(&self, position: Position) -> usize {
        let text = self.file.text();
        let wanted = usize::try_from(position.line).unwrap_or(usize::MAX);
        let Some(start) = self.file.line_start(wanted) else {
            return text.len();
        };
        let line = text.get(start..).unwrap_or_default();
        let line = line.split('\n').next().unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let column = usize::try_from(position.character).unwrap_or(usize::MAX);
        let within = match self.editor.encoding {
            Encoding::Utf8 => line.floor_char_boundary(column),
            Encoding::Utf16 => {
                let mut counted = 0;
                let before = line.char_indices().find(|(_, c)| {
                    let here = counted;
                    counted += c.len_utf16();
                    here >= column || counted > column
                });
                before.map_or(line.len(), |(at, _)| at)
            }
        };
        start + within
    }

    pub(super) fn position(&self, offset: usize) -> Position {
        let text = self.file.text();
        let offset = text.floor_char_boundary(offset);
        let line = self.file.line_of(offset);
        let start = self.file.line_start(line).unwrap_or_default();
        let column = self.editor.encoding.length(text.get(start..offset).unwrap_or_default());
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Position::new(count(line), count(column))
    }

    pub(super) fn range(&self, span: Span) -> Range {
        Range::new(self.position(span.start), self.position(span.end.max(span.start)))
    }
}

/// What a Jsonnet file says is known once it is evaluated, which `validate` does. As YAML it would be wrong.
fn is_jsonnet(name: &str) -> bool {
    let ending = Path::new(name).extension().and_then(OsStr::to_str);
    ending.is_some_and(|ending| {
        ["jsonnet", "libsonnet"]
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    })
}

fn path_of(uri: &Uri) -> Option<PathBuf> {
    let path = uri.as_str().strip_prefix("file://")?;
    // A host before the path would be another machine's.
    path.starts_with('/').then(|| {
        let decoded = percent_decode_str(path).decode_utf8_lossy();
        PathBuf::from(decoded.as_ref())
    })
}
