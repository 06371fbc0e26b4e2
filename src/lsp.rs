//! A language server: what `validate` says, while it is being typed.
//!
//! An adapter over `lsp-server` and `lsp-types`. Nothing waits here and nothing runs beside it: the messages of a
//! client are taken one after the other, and diagnostics are told when no more of them wait, so that a fast typist
//! is not answered about what stands there no longer.

mod answers;
mod completion;
mod context;
mod documents;
mod symbols;

use std::path::{Path, PathBuf};

use crossbeam_channel::{SendError, TryRecvError};
use lsp_server::{Connection, ErrorCode, Message, Notification, ProtocolError, Request, Response};
use lsp_types::notification::{self, Notification as _};
use lsp_types::request::{self, Request as _};
use lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionProviderCapability, CompletionOptions, HoverProviderCapability,
    InitializeParams, MessageType, OneOf, PositionEncodingKind, PublishDiagnosticsParams, ServerCapabilities,
    ServerInfo, ShowMessageParams, TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
    TextDocumentSyncSaveOptions, Uri,
};
use serde::de::DeserializeOwned;

use documents::{Document, Documents, Editor, Encoding};
use spoutctl_lint::Options;
use spoutctl_lint::diagnostic::Diagnostic;

/// How specs are looked at, which is not for this module to find out.
pub trait Settings {
    /// For a file of that path; for one that has none, such as a new one, as for the directory that we are in.
    fn options(&self, path: Option<&Path>) -> Options;

    /// Takes out what is turned off for this file.
    fn leave_out(&self, path: &Path, diagnostics: &mut Vec<Diagnostic>);

    /// Something was saved, or changed by somebody else, which may have been what options are taken from.
    fn reload(&mut self);

    /// What is wrong with what they are taken from, once.
    fn take_complaints(&self) -> Vec<String>;
}

/// Why a session ended before it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("the editor does not speak the language server protocol: {0}")]
    Protocol(#[from] ProtocolError),
    #[error("the editor is gone")]
    Gone,
    #[error("the editor's `initialize` cannot be read: {0}")]
    Initialize(#[from] serde_json::Error),
}

impl<T> From<SendError<T>> for SessionError {
    fn from(_: SendError<T>) -> Self {
        Self::Gone
    }
}

/// Serves one editor until it says `exit`.
///
/// # Errors
/// When the editor goes without a word, or says what is no LSP.
pub fn serve(connection: &Connection, settings: &mut dyn Settings) -> Result<(), SessionError> {
    let (id, params) = connection.initialize_start()?;
    let params: InitializeParams = serde_json::from_value(params)?;
    let editor = Editor {
        encoding: encoding(&params),
        takes_snippets: takes_snippets(&params),
    };
    let answer = serde_json::json!({
        "capabilities": capabilities(editor.encoding),
        "serverInfo": ServerInfo { name: "spoutctl".to_owned(), version: Some(env!("CARGO_PKG_VERSION").to_owned()) },
    });
    connection.initialize_finish(id, answer)?;
    if watches_files(&params) {
        connection.sender.send(watch_settings().into())?;
    }
    let mut session = Session {
        connection,
        settings,
        documents: Documents::new(editor),
    };
    session.run()
}

/// UTF-8 where the editor can, for then nothing has to be counted anew.
fn encoding(params: &InitializeParams) -> Encoding {
    let general = params.capabilities.general.as_ref();
    let offered = general.and_then(|general| general.position_encodings.as_ref());
    match offered {
        Some(kinds) if kinds.contains(&PositionEncodingKind::UTF8) => Encoding::Utf8,
        _ => Encoding::Utf16,
    }
}

/// Whether what is completed may say where the cursor goes.
fn takes_snippets(params: &InitializeParams) -> bool {
    let document = params.capabilities.text_document.as_ref();
    let completion = document.and_then(|document| document.completion.as_ref());
    let item = completion.and_then(|completion| completion.completion_item.as_ref());
    item.is_some_and(|item| item.snippet_support == Some(true))
}

/// Whether the editor watches files for a server that asks for it.
fn watches_files(params: &InitializeParams) -> bool {
    let workspace = params.capabilities.workspace.as_ref();
    let watched = workspace.and_then(|workspace| workspace.did_change_watched_files.as_ref());
    watched.is_some_and(|watched| watched.dynamic_registration == Some(true))
}

/// Asks to be told of a changed `spoutctl.toml`: of one that is saved an editor says nothing to a server for specs.
fn watch_settings() -> Request {
    let method = request::RegisterCapability::METHOD.to_owned();
    let params = serde_json::json!({"registrations": [{
        "id": "settings",
        "method": notification::DidChangeWatchedFiles::METHOD,
        "registerOptions": {"watchers": [{"globPattern": "**/spoutctl.toml"}]},
    }]});
    Request::new("settings".to_owned().into(), method, params)
}

fn capabilities(encoding: Encoding) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(encoding.kind()),
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::Supported(true)),
            ..TextDocumentSyncOptions::default()
        })),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(vec!["\"".to_owned(), ":".to_owned(), " ".to_owned()]),
            ..CompletionOptions::default()
        }),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX, CodeActionKind::SOURCE_FIX_ALL]),
            ..CodeActionOptions::default()
        })),
        document_symbol_provider: Some(OneOf::Left(true)),
        ..ServerCapabilities::default()
    }
}

struct Session<'a> {
    connection: &'a Connection,
    settings: &'a mut dyn Settings,
    documents: Documents,
}

impl Session<'_> {
    fn run(&mut self) -> Result<(), SessionError> {
        loop {
            let message = match self.connection.receiver.try_recv() {
                Ok(message) => message,
                Err(TryRecvError::Disconnected) => return Err(SessionError::Gone),
                Err(TryRecvError::Empty) => {
                    self.tell_changed()?;
                    self.connection.receiver.recv().map_err(|_| SessionError::Gone)?
                }
            };
            match message {
                Message::Request(request) => {
                    if self.connection.handle_shutdown(&request)? {
                        return Ok(());
                    }
                    let response = self.answer(request);
                    self.connection.sender.send(response.into())?;
                }
                Message::Notification(notification) => self.note(notification)?,
                Message::Response(_) => {}
            }
        }
    }

    /// Diagnostics of what has changed since they were told last.
    fn tell_changed(&mut self) -> Result<(), SessionError> {
        for uri in self.documents.take_changed() {
            let Some(document) = self.documents.get_mut(&uri) else {
                continue;
            };
            look_at(document, &*self.settings);
            let document = &*document;
            let params = PublishDiagnosticsParams {
                diagnostics: answers::diagnostics(document, &uri),
                version: Some(document.version),
                uri,
            };
            self.publish(params)?;
        }
        for message in self.settings.take_complaints() {
            let params = ShowMessageParams {
                typ: MessageType::ERROR,
                message,
            };
            let method = notification::ShowMessage::METHOD.to_owned();
            self.connection.sender.send(Notification::new(method, params).into())?;
        }
        Ok(())
    }

    fn publish(&self, params: PublishDiagnosticsParams) -> Result<(), SessionError> {
        let method = notification::PublishDiagnostics::METHOD.to_owned();
        let notification = Notification::new(method, params);
        Ok(self.connection.sender.send(notification.into())?)
    }

    fn note(&mut self, notification: Notification) -> Result<(), SessionError> {
        match notification.method.as_str() {
            notification::DidOpenTextDocument::METHOD => {
                if let Some(params) = read::<notification::DidOpenTextDocument>(notification) {
                    self.documents.open(params.text_document);
                }
            }
            notification::DidChangeTextDocument::METHOD => {
                if let Some(params) = read::<notification::DidChangeTextDocument>(notification) {
                    self.documents.change(params);
                }
            }
            notification::DidSaveTextDocument::METHOD | notification::DidChangeWatchedFiles::METHOD => {
                self.settings.reload();
                self.documents.all_changed();
            }
            notification::DidCloseTextDocument::METHOD => {
                if let Some(params) = read::<notification::DidCloseTextDocument>(notification) {
                    let uri = params.text_document.uri;
                    self.documents.close(&uri);
                    return self.publish(PublishDiagnosticsParams {
                        uri,
                        diagnostics: Vec::new(),
                        version: None,
                    });
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn answer(&mut self, request: Request) -> Response {
        match request.method.as_str() {
            request::HoverRequest::METHOD => self.with::<request::HoverRequest>(request, |params| {
                let at = &params.text_document_position_params;
                (at.text_document.uri.clone(), answers::hover)
            }),
            request::Completion::METHOD => self.with::<request::Completion>(request, |params| {
                let at = &params.text_document_position;
                (at.text_document.uri.clone(), completion::completion)
            }),
            request::CodeActionRequest::METHOD => self.with::<request::CodeActionRequest>(request, |params| {
                (params.text_document.uri.clone(), answers::code_actions)
            }),
            request::DocumentSymbolRequest::METHOD => self.with::<request::DocumentSymbolRequest>(request, |params| {
                (params.text_document.uri.clone(), symbols::symbols)
            }),
            _ => Response::new_err(
                request.id,
                ErrorCode::MethodNotFound as i32,
                format!("spoutctl answers no {}", request.method),
            ),
        }
    }

    /// Answers a request about a document; with nothing, if that is not open.
    fn with<R: request::Request>(
        &mut self,
        request: Request,
        of: impl FnOnce(&R::Params) -> (Uri, fn(&Document, &R::Params) -> R::Result),
    ) -> Response
    where
        R::Params: DeserializeOwned,
    {
        let id = request.id;
        let params: R::Params = match serde_json::from_value(request.params) {
            Ok(params) => params,
            Err(error) => return Response::new_err(id, ErrorCode::InvalidParams as i32, error.to_string()),
        };
        let (uri, answer) = of(&params);
        let Some(document) = self.documents.get_mut(&uri) else {
            return Response::new_ok(id, serde_json::Value::Null);
        };
        look_at(document, &*self.settings);
        Response::new_ok(id, answer(document, &params))
    }
}

fn read<N: notification::Notification>(notification: Notification) -> Option<N::Params> {
    // What cannot be read has no effect; there is nobody to answer to.
    serde_json::from_value(notification.params).ok()
}

/// Brings what is known of a document up to its text.
fn look_at(document: &mut Document, settings: &dyn Settings) {
    let path: Option<PathBuf> = document.path.clone();
    document.look(
        || settings.options(path.as_deref()),
        |diagnostics| {
            if let Some(path) = &path {
                settings.leave_out(path, diagnostics);
            }
        },
    );
}
