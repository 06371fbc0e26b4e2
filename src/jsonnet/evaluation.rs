//! Evaluates a template in this process, without a bound on time and memory: [`super::evaluate`] puts it into one that
//! has these.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rsjsonnet_lang::arena::Arena;
use rsjsonnet_lang::interner::{InternedStr, StrInterner};
use rsjsonnet_lang::lexer::Lexer;
use rsjsonnet_lang::parser::Parser;
use rsjsonnet_lang::program::{
    Callbacks, EvalError, EvalErrorKind, EvalStackTraceItem, ImportError, LoadError, NativeError, Program, Thunk, Value,
};
use rsjsonnet_lang::span::{SpanContextId, SpanId, SpanManager};
use rsjsonnet_lang::token::{Token, TokenKind};
use serde_json::Value as Json;

use super::exchange::{Evaluated, Fault, Import, Request};
use super::faults::{self, Explained};
use super::{dialect, places};
use spoutctl_lint::spec::MAX_DEPTH;

/// Calls in calls; the default of the reference implementation and of the one in pachd.
const MOST_FRAMES: usize = 500;

/// The most that is read of an imported file.
const LARGEST_IMPORT: u64 = 16 << 20;

/// # Errors
/// What is wrong with the template, or with its arguments.
pub(super) fn evaluate(request: &Request) -> Result<Evaluated, Fault> {
    let arena = Arena::new();
    let mut program = Program::new(&arena);
    program.set_max_stack(MOST_FRAMES);
    let text = dialect::with_library(request.text.as_bytes());
    let (context, _) = program.span_manager_mut().insert_source_context(text.len());
    let mut imports = Imports::new(request, context);
    let evaluated = run(&mut program, context, &text, request, &mut imports);
    let json = evaluated.map_err(|failed| {
        let explained = match failed {
            Failed::Load(error) => faults::of_text(&error),
            Failed::Evaluation(error) => faults::of_evaluation(&error),
        };
        imports.locate(explained, program.span_manager())
    })?;
    let no_json = |error| Fault::of_all(format!("what comes of it is no JSON that is read here: {error}"));
    let result: Json = serde_json::from_str(&json).map_err(no_json)?;
    if depth(&result) > MAX_DEPTH {
        return Err(Fault::of_all(format!(
            "what comes of it nests more than {MAX_DEPTH} levels deep"
        )));
    }
    let syntax = Syntax::read(request, &result);
    if let Some(span) = syntax.grouped {
        return Err(Fault {
            message: "a number has no `_` in pachd, which has go-jsonnet 0.20".to_owned(),
            span,
            missing: None,
        });
    }
    Ok(Evaluated {
        result,
        places: syntax.places,
        comments: syntax.comments,
        is_function: syntax.is_function,
        imports: imports.made,
    })
}

/// [`serde_json`] has seen to it that this comes to an end.
fn depth(value: &Json) -> usize {
    let below = match value {
        Json::Array(elements) => elements.iter().map(depth).max(),
        Json::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    1 + below.unwrap_or_default()
}

enum Failed {
    Load(LoadError),
    Evaluation(EvalError),
}

/// The result as JSON.
fn run<'p>(
    program: &mut Program<'p>,
    context: SpanContextId,
    text: &[u8],
    request: &Request,
    imports: &mut Imports<'p>,
) -> Result<String, Failed> {
    let thunk = program
        .load_source(context, text, true, &request.name)
        .map_err(Failed::Load)?;
    let mut value = program.eval_value(&thunk, imports).map_err(Failed::Evaluation)?;
    // A template may do without a function; what is given is then passed over, as pachd does.
    if value.is_function() {
        let function = program.value_to_thunk(&value);
        let mut named: Vec<(InternedStr<'p>, Thunk<'p>)> = request
            .arguments
            .iter()
            .map(|(name, value)| {
                let name = program.intern_str(name);
                (name, program.value_to_thunk(&Value::string(value)))
            })
            .collect();
        value = loop {
            match program.eval_call(&function, &[], &named, imports) {
                Ok(value) => break value,
                Err(error) => {
                    let count = named.len();
                    named.retain(|(name, _)| !(request.is_lenient && is_unknown(&error, name.value())));
                    if named.len() == count {
                        return Err(Failed::Evaluation(error));
                    }
                }
            }
        };
    }
    program.manifest_json(&value, false).map_err(Failed::Evaluation)
}

/// Whether the template itself has no parameter of that name.
fn is_unknown(error: &EvalError, name: &str) -> bool {
    matches!(&error.kind, EvalErrorKind::UnknownCallParam { span: None, param_name } if param_name == name)
}

/// What imports gave, each file once.
struct Imports<'p> {
    context: SpanContextId,
    /// The directory that nothing may be imported from outside of.
    root: Option<PathBuf>,
    files: HashMap<PathBuf, Thunk<'p>>,
    /// Which file a place is in, and where that file is.
    sources: Vec<(SpanContextId, PathBuf, String)>,
    made: Vec<Import>,
    /// Why the last one failed.
    why: Option<String>,
}

impl Imports<'_> {
    fn new(request: &Request, context: SpanContextId) -> Self {
        let directory = request.directory.as_ref();
        Self {
            context,
            root: directory.and_then(|directory| directory.canonicalize().ok()),
            files: HashMap::new(),
            sources: Vec::new(),
            made: Vec::new(),
            why: None,
        }
    }

    /// The file that an import names, which is where it says, and below the template's own directory.
    fn find(&mut self, spans: &SpanManager, from: SpanId, path: &str) -> Result<PathBuf, String> {
        let (context, start, end) = spans.get_span(from);
        if let Some(span) = dialect::within((start, end)).filter(|_| context == self.context) {
            self.made.push(Import {
                span,
                path: path.to_owned(),
            });
        }
        if path.starts_with("http://") || path.starts_with("https://") {
            return Err("nothing is fetched from the network here".to_owned());
        }
        let Some(root) = &self.root else {
            return Err("what is read from standard input has no directory to import from".to_owned());
        };
        let importer = self.sources.iter().find(|(known, ..)| *known == context);
        let directory = importer.and_then(|(_, file, _)| file.parent()).unwrap_or(root);
        let found = directory.join(path).canonicalize().map_err(|error| error.to_string())?;
        if !found.starts_with(root) {
            return Err("it is outside of the template's directory".to_owned());
        }
        Ok(found)
    }

    fn read(&mut self, spans: &SpanManager, from: SpanId, path: &str) -> Result<(PathBuf, Vec<u8>), ImportError> {
        let read = self.find(spans, from, path).and_then(|found| {
            let bytes = read_file(&found).map_err(|error| error.to_string())?;
            Ok((found, bytes))
        });
        read.map_err(|why| {
            self.why = Some(why);
            ImportError
        })
    }

    /// Where in the template the fault is: of what is in an imported file, that is said in words.
    fn locate(&self, explained: Explained, spans: &SpanManager) -> Fault {
        let mut message = explained.message;
        if let Some(why) = self.why.as_ref().filter(|_| explained.is_import) {
            message = format!("{message}: {why}");
        }
        let mut places = explained.spans.iter().filter_map(|span| {
            let (context, start, end) = spans.get_span(*span);
            Some((context, dialect::within((start, end))?))
        });
        let source = places.clone().next().and_then(|(context, (start, _))| {
            let (_, file, text) = self.sources.iter().find(|(known, ..)| *known == context)?;
            let line = text.get(..start)?.matches('\n').count() + 1;
            Some(format!("{}:{line}", file.file_name()?.to_string_lossy()))
        });
        if let Some(source) = source {
            message = format!("{message} (in {source})");
        }
        let place = places.find(|(context, _)| *context == self.context);
        Fault {
            message,
            span: place.map_or((0, 0), |(_, span)| span),
            missing: explained.missing,
        }
    }
}

/// A regular file only: reading from anything else may wait for ever.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_IMPORT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_IMPORT {
        return Err(io::Error::other("it is larger than 16 MiB"));
    }
    Ok(bytes)
}

impl<'p> Callbacks<'p> for Imports<'p> {
    fn import(&mut self, program: &mut Program<'p>, from: SpanId, path: &str) -> Result<Thunk<'p>, ImportError> {
        let (found, bytes) = self.read(program.span_manager(), from, path)?;
        if let Some(known) = self.files.get(&found) {
            return Ok(known.clone());
        }
        let with_library = dialect::with_library(&bytes);
        let (context, _) = program.span_manager_mut().insert_source_context(with_library.len());
        let text = String::from_utf8_lossy(&bytes).into_owned();
        self.sources.push((context, found.clone(), text));
        match program.load_source(context, &with_library, true, path) {
            Ok(thunk) => {
                self.files.insert(found, thunk.clone());
                Ok(thunk)
            }
            Err(error) => {
                let explained = faults::of_text(&error);
                let located = self.locate(explained, program.span_manager());
                self.why = Some(located.message);
                Err(ImportError)
            }
        }
    }

    fn import_str(&mut self, program: &mut Program<'p>, from: SpanId, path: &str) -> Result<String, ImportError> {
        let (_, bytes) = self.read(program.span_manager(), from, path)?;
        String::from_utf8(bytes).map_err(|_| {
            self.why = Some("it is not UTF-8".to_owned());
            ImportError
        })
    }

    fn import_bin(&mut self, program: &mut Program<'p>, from: SpanId, path: &str) -> Result<Vec<u8>, ImportError> {
        self.read(program.span_manager(), from, path).map(|(_, bytes)| bytes)
    }

    fn trace(&mut self, _: &mut Program<'p>, _: &str, _: &[EvalStackTraceItem]) {}

    fn native_call(
        &mut self,
        _: &mut Program<'p>,
        _: InternedStr<'p>,
        _: &[Value<'p>],
    ) -> Result<Value<'p>, NativeError> {
        Err(NativeError)
    }
}

/// What the text of a template says without being evaluated.
#[derive(Default)]
struct Syntax {
    places: Vec<(usize, usize)>,
    comments: Vec<(usize, usize)>,
    is_function: bool,
    /// The first number whose digits are in groups.
    grouped: Option<(usize, usize)>,
}

impl Syntax {
    /// Of a text that was evaluated, so it can be read.
    fn read(request: &Request, result: &Json) -> Self {
        let arena = Arena::new();
        let interner = StrInterner::new();
        let mut spans = SpanManager::new();
        let text = request.text.as_bytes();
        let (context, _) = spans.insert_source_context(text.len());
        let lexer = Lexer::new(&arena, &arena, &interner, &mut spans, context, text);
        let Ok(tokens) = lexer.lex_to_eof(true) else {
            return Self::default();
        };
        let (comments, tokens): (Vec<_>, Vec<_>) = tokens
            .into_iter()
            .filter(|token| token.kind != TokenKind::Whitespace)
            .partition(|token| token.kind == TokenKind::Comment);
        let place = |token: &Token<'_, '_>| {
            let (_, start, end) = spans.get_span(token.span);
            (start, end)
        };
        let comments = comments.iter().map(place).collect();
        let numbers = tokens.iter().filter(|token| matches!(token.kind, TokenKind::Number(_)));
        let is_grouped = |place: &(usize, usize)| request.text.get(place.0..place.1).is_some_and(|n| n.contains('_'));
        let grouped = numbers.map(place).find(is_grouped);
        let parser = Parser::new(&arena, &arena, &interner, &mut spans, tokens);
        let Ok(root) = parser.parse_root_expr() else {
            return Self::default();
        };
        let arguments: Vec<String> = request.arguments.iter().map(|(name, _)| name.clone()).collect();
        // It has to live as long as what it is made of.
        let root = arena.alloc(root);
        let walked = places::walk(root, &arguments, result, &spans);
        Self {
            places: walked.places,
            comments,
            is_function: walked.is_function,
            grouped,
        }
    }
}
