//! What can be wrong with the way a spec is written, as data: the cause and its place. What a version of pachctl makes
//! of a cause, and how to word it, is for `lint`.

use crate::source::Span;

/// One fault of syntax. A fault that only some versions of pachctl mind is one, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxFault {
    pub cause: Cause,
    /// The cause, not the token at which it shows: for a missing comma, the place after the previous value.
    pub span: Span,
    /// A second place that explains the first: the key before which a comma is missing, the bracket that stays open.
    pub related: Option<Span>,
}

/// How a comment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommentStyle {
    /// `# …`, which YAML knows. YAML wants a blank before it.
    Hash { separated: bool },
    /// `// …`
    Slashes,
    /// `/* … */`
    Block { closed: bool },
}

/// Who minds an escape in a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// Neither JSON nor YAML has it: `\d`.
    Unknown,
    /// JSON has it, the YAML reader of pachctl 2.x has not: `\/`, and a character written as two surrogates.
    JsonOnly(char),
    /// YAML has it, JSON has not: `\x41`.
    YamlOnly(char),
    /// Half of a character: `\ud83d` alone.
    LoneSurrogate,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    // What separates.
    /// Two members or elements with nothing between them.
    MissingComma {
        in_array: bool,
    },
    /// A comma before a closing bracket.
    TrailingComma {
        in_array: bool,
    },
    /// A comma with nothing before it.
    ExtraComma,
    /// A key and a value with nothing between them.
    MissingColon,
    /// A second colon.
    ExtraColon,
    /// `=`, `=>` or `;` where JSON has `expected`.
    WrongSeparator {
        found: &'static str,
        expected: char,
    },
    /// A key without a value; YAML reads null.
    MissingValue,
    /// A value or a colon where a key belongs.
    MissingKey,

    // Brackets.
    /// A bracket that is never closed. `missing` counts all that are open where it is noticed. Beside it is marked the
    /// place where it could be closed, or the bracket that closes it and is indented as if it closed another.
    UnclosedBracket {
        open: char,
        missing: usize,
    },
    /// `]` where `}` belongs, or the reverse.
    WrongBracket {
        found: char,
        expected: char,
    },
    /// A closing bracket with nothing to close, or one that closes the spec too early.
    ExtraBracket {
        found: char,
    },
    /// More brackets within another than are read ([`super::MAX_DEPTH`]).
    TooDeep,

    // Strings.
    /// A string without its closing quote.
    UnclosedString {
        quote: char,
    },
    /// A string without its opening quote.
    MissingOpeningQuote,
    /// `'text'`. A backslash in it is one in YAML, and may be meant as an escape.
    SingleQuotes {
        value: String,
        backslash: bool,
    },
    /// `“text”`
    TypographicQuotes {
        value: String,
    },
    /// A string that goes on in the next line. YAML makes `meaning` of the line break and the blanks around it: a
    /// blank, or a line feed for each empty line.
    LineBreakInString {
        meaning: String,
    },
    /// A control character that is not escaped. YAML takes a tab in a string.
    ControlCharacter {
        character: char,
        in_string: bool,
    },
    Escape(Escape),

    // Words.
    /// A key without quotes; YAML takes it when a blank follows the colon.
    UnquotedKey {
        name: String,
        spaced: bool,
    },
    /// A text without quotes.
    UnquotedValue {
        value: String,
    },
    /// `True`, `NULL`, `~`: what YAML reads as `json`.
    Literal {
        json: &'static str,
    },
    /// A number that JSON has not: `0x1f`, `01`, `1_000`, `+1.5`, `1.`, `.nan`. `json` is the same in JSON, if any.
    OddNumber {
        json: Option<String>,
    },
    /// A character that means nothing here. A blank that is no blank of JSON (`invisible`) can be one.
    UnexpectedCharacter {
        character: char,
        invisible: bool,
    },
    /// Something after the end of a spec that is no spec.
    TrailingText,
    Comment(CommentStyle),

    // Documents.
    /// A second value after the first without `---`.
    Concatenated,
    /// `---` or `...` in a file that begins with `{`.
    DocumentSeparator,
    /// A document of a file that has nothing in it, or null.
    EmptyDocument,
    /// Specs in an array at the top.
    TopLevelArray,
    /// `[]` at the top.
    EmptyArray,
    /// A scalar where a spec belongs.
    NotASpec {
        found: &'static str,
    },
    /// A file that is called YAML and begins with `{`, and is not JSON: pachctl 1.x reads it as JSON.
    BraceWithoutJson,
    /// A tab before the first bracket of a document.
    LeadingTab,
    /// Bytes that are not UTF-8, and how many other places have such.
    NotUtf8 {
        others: usize,
    },
    /// Zero bytes among bytes that are not UTF-8.
    NotText,
    /// UTF-16 with a byte order mark; YAML knows it.
    Utf16,

    // YAML.
    /// The YAML parser stopped; what it says.
    Yaml {
        problem: YamlProblem,
    },
    /// A problem that the reader of pachctl does not have; it was read as that one does.
    Tolerated {
        problem: YamlProblem,
    },
    /// `*name`
    Alias {
        name: String,
    },
    /// `*name` without an `&name` before it.
    UnknownAlias {
        name: String,
    },
    /// Aliases that stand for more than is read ([`super::MAX_ALIASED`]).
    ExcessiveAliases,
    /// `<<: *name`
    MergeKey,
    /// `<<: name`
    MergesNoMap,
    /// `<<` where it is no key.
    MergeWord,
    /// A plain date or time.
    Timestamp,
    /// A key that is a number, a boolean or null.
    NonStringKey {
        name: String,
    },
    /// A mapping or a sequence as a key.
    ComplexKey,
    /// `!!binary`, `!mine`
    Tag {
        tag: String,
    },
    /// `!!bool yes`: a tag and a value that is no such thing, and who refuses it.
    Misfit {
        tag: String,
        before_2_8: bool,
        since_2_8: bool,
    },
    /// `%YAML 1.2`
    Directive {
        accepted: bool,
    },
}

/// Why YAML cannot be read on, as far as it is known better than the parser's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum YamlProblem {
    /// A tab where blanks indent.
    TabIndent,
    /// A tab before a comment, or on a line on which nothing stands. What follows can be read.
    TabBeforeNothing,
    /// A line that is indented like none before it.
    Indentation,
    /// A bracket of a flow collection without its other half.
    UnclosedFlow { open: char },
    /// Two entries of a flow collection without a comma.
    MissingComma,
    /// A quoted scalar without its end.
    UnclosedQuote,
    /// A line with a key and no colon.
    MissingColon,
    /// `key: a: b`: a plain value with a colon and a blank in it.
    ColonInValue,
    /// An escape that YAML has not.
    Escape,
    /// A character that starts no value, such as `@` or a back quote.
    ReservedCharacter(char),
    /// A `-` right before a comma or a bracket.
    DashInFlow,
    /// A `#` right after another token.
    CommentAgainstToken,
    /// Too many levels.
    TooDeep,
    /// Anything else, in the parser's words.
    Other(String),
}

impl Cause {
    /// Whether it leaves open what belongs into what, so that the tree of the document is a guess.
    #[must_use]
    pub fn unsettles_structure(&self) -> bool {
        matches!(
            self,
            Self::UnclosedBracket { .. }
                | Self::WrongBracket { .. }
                | Self::ExtraBracket { .. }
                | Self::TooDeep
                | Self::UnclosedString { .. }
                | Self::MissingKey
                | Self::TrailingText
                | Self::ComplexKey
                | Self::ExcessiveAliases
                | Self::Yaml { .. }
        )
    }

    /// Whether no reader of JSON or YAML gets past it. What only one of the two minds, and what can be read and is no
    /// spec, does not.
    #[must_use]
    pub fn stops_readers(&self) -> bool {
        matches!(
            self,
            Self::MissingComma { .. }
                | Self::ExtraComma
                | Self::MissingColon
                | Self::ExtraColon
                | Self::WrongSeparator { .. }
                | Self::MissingKey
                | Self::UnclosedBracket { .. }
                | Self::WrongBracket { .. }
                | Self::ExtraBracket { .. }
                | Self::TooDeep
                | Self::UnclosedString { .. }
                | Self::MissingOpeningQuote
                | Self::TypographicQuotes { .. }
                | Self::ControlCharacter { in_string: false, .. }
                | Self::Escape(Escape::Unknown)
                | Self::UnexpectedCharacter { .. }
                | Self::TrailingText
                | Self::Comment(CommentStyle::Slashes | CommentStyle::Block { .. })
                | Self::Concatenated
                | Self::NotUtf8 { .. }
                | Self::NotText
                | Self::Yaml { .. }
                | Self::UnknownAlias { .. }
                | Self::ExcessiveAliases
                | Self::ComplexKey
        )
    }
}
