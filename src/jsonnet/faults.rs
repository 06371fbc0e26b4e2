//! What an evaluator finds wrong, in words, and where.

use std::fmt::Debug;

use rsjsonnet_lang::lexer::LexError;
use rsjsonnet_lang::parser::ParseError;
use rsjsonnet_lang::program::{
    AnalyzeError, EvalError, EvalErrorKind as Kind, EvalErrorValueType, EvalStackTraceItem, LoadError,
};
use rsjsonnet_lang::span::SpanId;

/// A fault in words.
#[derive(Default)]
pub(super) struct Explained {
    pub message: String,
    /// Where it is, the nearest first.
    pub spans: Vec<SpanId>,
    pub is_import: bool,
    /// The argument that is missing.
    pub missing: Option<String>,
}

impl Explained {
    fn at(message: impl Into<String>, span: impl Into<Option<SpanId>>) -> Self {
        Self {
            message: message.into(),
            spans: span.into().into_iter().collect(),
            ..Self::default()
        }
    }
}

/// Of a text that cannot be read.
pub(super) fn of_text(error: &LoadError) -> Explained {
    match error {
        LoadError::Lex(error) => lexical(error),
        LoadError::Parse(ParseError::Expected { span, instead, .. }) => {
            let found = format!("{instead:?}");
            let found = match found.as_str() {
                "EndOfFile" => "the end of the file".to_owned(),
                other => name_of(other),
            };
            Explained::at(format!("{found} is not expected here"), *span)
        }
        LoadError::Analyze(error) => analysis(error),
    }
}

fn lexical(error: &LexError) -> Explained {
    let (LexError::InvalidChar { span, .. }
    | LexError::InvalidUtf8 { span, .. }
    | LexError::UnfinishedMultilineComment { span }
    | LexError::LeadingZeroInNumber { span }
    | LexError::MissingFracDigits { span }
    | LexError::MissingExpDigits { span }
    | LexError::MissingDigitAfterUnderscore { span }
    | LexError::ExpOverflow { span }
    | LexError::InvalidEscapeInString { span, .. }
    | LexError::IncompleteUnicodeEscape { span }
    | LexError::InvalidUtf16EscapeSequence { span, .. }
    | LexError::UnfinishedString { span }
    | LexError::MissingLineBreakAfterTextBlockStart { span }
    | LexError::MissingWhitespaceTextBlockStart { span }
    | LexError::InvalidTextBlockTermination { span }) = error;
    Explained::at(name_of(&format!("{error:?}")), *span)
}

fn analysis(error: &AnalyzeError) -> Explained {
    match error {
        AnalyzeError::UnknownVariable { span, name } => Explained::at(format!("there is no variable `{name}`"), *span),
        AnalyzeError::SelfOutsideObject { self_span: span }
        | AnalyzeError::SuperOutsideObject { super_span: span }
        | AnalyzeError::DollarOutsideObject { dollar_span: span } => {
            Explained::at("this stands for an object, and is in none", *span)
        }
        AnalyzeError::RepeatedLocalName {
            repeated_span, name, ..
        }
        | AnalyzeError::RepeatedFieldName {
            repeated_span, name, ..
        }
        | AnalyzeError::RepeatedParamName {
            repeated_span, name, ..
        } => Explained::at(format!("`{name}` is there twice"), *repeated_span),
        AnalyzeError::PositionalArgAfterNamed { arg_span } => {
            Explained::at("an argument without a name is behind one that has a name", *arg_span)
        }
        AnalyzeError::TextBlockAsImportPath { span } | AnalyzeError::ComputedImportPath { span } => {
            Explained::at("the path of an import has to be a plain string", *span)
        }
    }
}

/// Of an evaluation that failed.
pub(super) fn of_evaluation(error: &EvalError) -> Explained {
    let mut explained = of_kind(&error.kind);
    explained
        .spans
        .extend(error.stack_trace.iter().rev().filter_map(span_of));
    explained
}

fn span_of(item: &EvalStackTraceItem) -> Option<SpanId> {
    match item {
        EvalStackTraceItem::Expr { span }
        | EvalStackTraceItem::Variable { span, .. }
        | EvalStackTraceItem::Import { span } => Some(*span),
        EvalStackTraceItem::Call { span, .. }
        | EvalStackTraceItem::ArrayItem { span, .. }
        | EvalStackTraceItem::ObjectField { span, .. } => *span,
        EvalStackTraceItem::CompareArrayItem { .. }
        | EvalStackTraceItem::CompareObjectField { .. }
        | EvalStackTraceItem::ManifestArrayItem { .. }
        | EvalStackTraceItem::ManifestObjectField { .. } => None,
    }
}

fn of_kind(kind: &Kind) -> Explained {
    match kind {
        Kind::StackOverflow => Explained::at("more than 500 calls in calls", None),
        Kind::InfiniteRecursion => Explained::at("a value that needs itself", None),
        Kind::UnknownObjectField { span, field_name } => {
            Explained::at(format!("there is no field `{field_name}`"), *span)
        }
        Kind::FieldOfNonObject { span } => Explained::at("a field of what is no object", *span),
        Kind::CondIsNotBool { span, got_type } => Explained::at(
            format!("a condition is true or false, and this is {}", type_of(*got_type)),
            *span,
        ),
        Kind::CalleeIsNotFunction { span, got_type } => Explained::at(
            format!("a function is called, and this is {}", type_of(*got_type)),
            *span,
        ),
        Kind::TooManyCallArgs { span, num_params } => {
            Explained::at(format!("a function of {num_params} parameters is given more"), *span)
        }
        Kind::UnknownCallParam { span, param_name } => {
            Explained::at(format!("there is no parameter `{param_name}`"), *span)
        }
        Kind::RepeatedCallParam { span, param_name } => {
            Explained::at(format!("parameter `{param_name}` is given twice"), *span)
        }
        Kind::CallParamNotBound { span, param_name } => Explained {
            missing: span.is_none().then(|| param_name.clone()),
            ..Explained::at(format!("parameter `{param_name}` has no value"), *span)
        },
        Kind::InvalidBinaryOpTypes {
            span,
            lhs_type,
            rhs_type,
            ..
        } => {
            let (left, right) = (type_of(*lhs_type), type_of(*rhs_type));
            Explained::at(format!("no such operation on {left} and {right}"), *span)
        }
        Kind::DivByZero { span } => Explained::at("a division by zero", *span),
        Kind::NumberOverflow { span } => Explained::at("a number that is too large", *span),
        Kind::InvalidStdFuncArgType {
            func_name,
            arg_index,
            got_type,
            ..
        } => {
            let (number, got) = (arg_index + 1, type_of(*got_type));
            Explained::at(format!("argument {number} of std.{func_name} must not be {got}"), None)
        }
        Kind::AssertFailed { span, message } => {
            let message = message.as_deref().unwrap_or("an assertion does not hold");
            Explained::at(message, *span)
        }
        Kind::ExplicitError { span, message } => Explained::at(message, *span),
        Kind::ImportFailed { span, path } => Explained {
            is_import: true,
            ..Explained::at(format!("`{path}` cannot be imported"), *span)
        },
        Kind::UnknownExtVar { name } => Explained::at(
            format!("there is no external variable `{name}`; pachd has none at all"),
            None,
        ),
        Kind::ManifestFunction => Explained::at("a function is left in what comes of it", None),
        Kind::Other { span, message } => Explained::at(message, *span),
        other => Explained::at(name_of(&format!("{other:?}")), None),
    }
}

fn type_of(got: EvalErrorValueType) -> String {
    let name = name_of(&debug(got));
    match name.as_str() {
        "null" => name,
        "array" | "object" => format!("an {name}"),
        _ => format!("a {name}"),
    }
}

fn debug(value: impl Debug) -> String {
    format!("{value:?}")
}

/// `InvalidEscapeInString { … }` as `invalid escape in string`.
fn name_of(shown: &str) -> String {
    let name = shown
        .split(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .unwrap_or(shown);
    let mut words = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}
