//! The rules about how a file is written. Each cause of [`crate::spec::syntax`] has one; where a version of pachctl
//! takes a fault more lightly, or more seriously, than the rule says, the finding does, too.

use crate::diagnostic::{Safety, Severity};
use crate::rule::{Rule, rule};
use crate::version::{Version, Versions};

pub(crate) const RULES: &[Rule] = &[
    MISSING_COMMA,
    TRAILING_COMMA,
    EXTRA_COMMA,
    MISSING_COLON,
    EXTRA_COLON,
    WRONG_SEPARATOR,
    MISSING_VALUE,
    MISSING_KEY,
    UNCLOSED_BRACKET,
    WRONG_BRACKET,
    EXTRA_BRACKET,
    NESTED_TOO_DEEP,
    UNCLOSED_STRING,
    MISSING_OPENING_QUOTE,
    SINGLE_QUOTES,
    TYPOGRAPHIC_QUOTES,
    LINE_BREAK_IN_STRING,
    CONTROL_CHARACTER,
    UNKNOWN_ESCAPE,
    JSON_ESCAPE,
    YAML_ESCAPE,
    LONE_SURROGATE,
    UNQUOTED_KEY,
    UNQUOTED_TEXT,
    LITERAL_SPELLING,
    NUMBER_NOT_JSON,
    UNEXPECTED_CHARACTER,
    TRAILING_TEXT,
    COMMENT_IN_JSON,
    CONCATENATED,
    SEPARATOR,
    EMPTY_DOCUMENT,
    EMPTY_ARRAY,
    TOP_LEVEL_ARRAY,
    NOT_A_SPEC,
    BRACE_WITHOUT_JSON,
    LEADING_TAB,
    NOT_UTF8,
    UTF16,
    TAB_INDENTATION,
    INDENTATION,
    COLON_IN_VALUE,
    RESERVED_CHARACTER,
    YAML_SYNTAX,
    ALIAS,
    UNKNOWN_ALIAS,
    EXCESSIVE_ALIASES,
    MERGE_KEY,
    TIMESTAMP,
    NON_STRING_KEY,
    COMPLEX_KEY,
    TAG,
    DIRECTIVE,
];

pub(super) const MISSING_COMMA: Rule = rule!(
    "missing-comma", Error, Versions::ALL,
    summary: "Two members of an object, or two elements of an array, have no comma between them",
    why: "Neither JSON nor YAML can be read on. pachctl names the line of the next token, or none at all; the comma \
          belongs after the value before.",
    source: "pachctl reads it with encoding/json (1.x) or yaml.v3 (2.x): did not find expected ',' or '}'",
    fixable: Some(Safety::Safe),
);

pub(super) const TRAILING_COMMA: Rule = rule!(
    "trailing-comma", Warning, Versions::ALL,
    summary: "A comma stands before a closing bracket",
    why: "pachctl 2.x reads specs as YAML and lets it pass. pachctl 1.x, jq, and pachd itself when the text is sent to \
          it read JSON and refuse it.",
    source: "src/server/pkg/ppsutil/decoder.go in 1.13; src/internal/ppsutil/decoder.go in 2.x",
    fixable: Some(Safety::Safe),
);

pub(super) const EXTRA_COMMA: Rule = rule!(
    "extra-comma", Error, Versions::ALL,
    summary: "A comma has no value before it",
    why: "Neither JSON nor YAML takes an empty entry.",
    source: "encoding/json; yaml.v3",
    fixable: Some(Safety::Safe),
);

pub(super) const MISSING_COLON: Rule = rule!(
    "missing-colon", Error, Versions::ALL,
    summary: "A key and its value have no colon between them",
    why: "Neither JSON nor YAML can be read on.",
    source: "encoding/json; yaml.v3",
    fixable: Some(Safety::Safe),
);

pub(super) const EXTRA_COLON: Rule = rule!(
    "extra-colon", Error, Versions::ALL,
    summary: "A key has two colons",
    why: "Neither JSON nor YAML can be read on.",
    source: "encoding/json; yaml.v3",
    fixable: Some(Safety::Safe),
);

pub(super) const WRONG_SEPARATOR: Rule = rule!(
    "wrong-separator", Error, Versions::ALL,
    summary: "`=`, `=>` or `;` stands where JSON has a colon or a comma",
    why: "Neither JSON nor YAML can be read on.",
    source: "encoding/json; yaml.v3",
    fixable: Some(Safety::Safe),
);

pub(super) const MISSING_VALUE: Rule = rule!(
    "missing-value", Warning, Versions::ALL,
    summary: "A key has no value",
    why: "pachctl 1.x refuses it. pachctl 2.x reads null, which is as if the key were not there: `\"spout\":` without \
          a value makes an ordinary pipeline.",
    source: "encoding/json; yaml.v3",
);

pub(super) const MISSING_KEY: Rule = rule!(
    "missing-key", Error, Versions::ALL,
    summary: "A value stands in an object without a key",
    why: "Neither JSON nor a spec in YAML has a place for it.",
    source: "encoding/json; yaml.v3",
);

pub(super) const UNCLOSED_BRACKET: Rule = rule!(
    "unclosed-bracket", Error, Versions::ALL,
    summary: "A bracket is never closed",
    why: "What belongs into what is not known, so the file cannot be read. Where the brackets and the indentation \
          disagree, that place is marked.",
    source: "encoding/json; yaml.v3",
    fixable: Some(Safety::Unsafe),
);

pub(super) const WRONG_BRACKET: Rule = rule!(
    "wrong-bracket", Error, Versions::ALL,
    summary: "A bracket is closed by one of the other kind",
    why: "What belongs into what is not known, so the file cannot be read.",
    source: "encoding/json; yaml.v3",
    fixable: Some(Safety::Unsafe),
);

pub(super) const EXTRA_BRACKET: Rule = rule!(
    "extra-bracket", Error, Versions::ALL,
    summary: "A closing bracket closes nothing, or the whole spec too early",
    why: "What follows is not part of the spec, so the file cannot be read.",
    source: "encoding/json; yaml.v3",
    fixable: Some(Safety::Unsafe),
);

pub(super) const NESTED_TOO_DEEP: Rule = rule!(
    "nested-too-deep", Error, Versions::ALL,
    summary: "Brackets nest deeper than any spec",
    why: "The deepest fields of a spec are some ten levels down. What is deeper than 100 is not read.",
    source: "our own bound",
);

pub(super) const UNCLOSED_STRING: Rule = rule!(
    "unclosed-string", Error, Versions::ALL,
    summary: "A string has no closing quote",
    why: "All that follows would be part of the string, up to the next quote.",
    source: "encoding/json; yaml.v3",
    fixable: Some(Safety::Unsafe),
);

pub(super) const MISSING_OPENING_QUOTE: Rule = rule!(
    "missing-opening-quote", Error, Versions::ALL,
    summary: "A string has a closing quote and no opening one",
    why: "pachctl 1.x refuses it. YAML takes the quote for a part of the text.",
    source: "encoding/json; yaml.v3",
    fixable: Some(Safety::Unsafe),
);

pub(super) const SINGLE_QUOTES: Rule = rule!(
    "single-quotes", Warning, Versions::ALL,
    summary: "A string of a JSON file has single quotes",
    why: "pachctl 2.x reads specs as YAML and lets it pass. pachctl 1.x and jq refuse it. In such a string a backslash \
          is a backslash.",
    source: "encoding/json; yaml.v3",
    fixable: Some(Safety::Safe),
);

pub(super) const TYPOGRAPHIC_QUOTES: Rule = rule!(
    "typographic-quotes", Error, Versions::ALL,
    summary: "A string has quotes that only typographers use",
    why: "Word processors and web pages put them in. To JSON they are no quotes; to YAML they are part of the text.",
    source: "encoding/json; yaml.v3",
    fixable: Some(Safety::Unsafe),
);

pub(super) const LINE_BREAK_IN_STRING: Rule = rule!(
    "line-break-in-string", Warning, Versions::ALL,
    summary: "A string goes on in the next line",
    why: "pachctl 1.x refuses it. pachctl 2.x reads specs as YAML, which makes one blank of the line break, so that it \
          is not what it looks like.",
    source: "encoding/json; yaml.v3",
    fixable: Some(Safety::Safe),
);

pub(super) const CONTROL_CHARACTER: Rule = rule!(
    "control-character", Error, Versions::ALL,
    summary: "A control character is not written as an escape",
    why: "JSON has no control characters in strings, and YAML only tabs. U+0085, U+2028 and U+2029 end a line to the \
          YAML reader of pachctl 2.x, outside of quotes and brackets, and in comments everywhere, so that what follows \
          is no part of the value or of the comment.",
    source: "encoding/json; yaml.v3 readerc.go, yamlprivateh.go",
    fixable: Some(Safety::Safe),
);

pub(super) const UNKNOWN_ESCAPE: Rule = rule!(
    "unknown-escape", Error, Versions::ALL,
    summary: "A backslash is followed by what it does not go with",
    why: "Neither JSON nor YAML knows it. A backslash itself is written twice.",
    source: "encoding/json; yaml.v3",
);

pub(super) const JSON_ESCAPE: Rule = rule!(
    "json-escape-unsupported", Error, Versions::ALL,
    summary: "An escape of JSON that the YAML reader of pachctl does not know",
    why: "`\\/` and a character written as two surrogates are right in JSON, and pachctl 2.x, which reads specs as \
          YAML, says `found unknown escape character`. So does 1.x of a file that does not begin with `{`.",
    source: "yaml.v3 scannerc.go",
    fixable: Some(Safety::Safe),
);

pub(super) const YAML_ESCAPE: Rule = rule!(
    "yaml-escape", Warning, Versions::ALL,
    summary: "An escape of YAML in a JSON file",
    why: "pachctl 2.x reads specs as YAML and lets it pass. pachctl 1.x and jq refuse it.",
    source: "encoding/json; yaml.v3 scannerc.go",
    fixable: Some(Safety::Safe),
);

pub(super) const LONE_SURROGATE: Rule = rule!(
    "lone-surrogate", Error, Versions::ALL,
    summary: "An escape stands for half a character",
    why: "pachctl 1.x puts a replacement character there, pachctl 2.x refuses it.",
    source: "encoding/json; yaml.v3 scannerc.go",
);

pub(super) const UNQUOTED_KEY: Rule = rule!(
    "unquoted-key", Warning, Versions::ALL,
    summary: "A key of a JSON file has no quotes",
    why: "pachctl 2.x reads specs as YAML and lets it pass when a blank follows the colon. pachctl 1.x and jq refuse \
          it.",
    source: "encoding/json; yaml.v3",
    fixable: Some(Safety::Safe),
);

pub(super) const UNQUOTED_TEXT: Rule = rule!(
    "unquoted-text", Warning, Versions::ALL,
    summary: "A text of a JSON file has no quotes",
    why: "pachctl 2.x reads specs as YAML and lets it pass. pachctl 1.x and jq refuse it.",
    source: "encoding/json; yaml.v3",
    fixable: Some(Safety::Safe),
);

pub(super) const LITERAL_SPELLING: Rule = rule!(
    "literal-spelling", Warning, Versions::ALL,
    summary: "`true`, `false` or `null` of a JSON file is spelled as YAML allows",
    why: "pachctl 2.x reads specs as YAML and lets it pass. pachctl 1.x and jq refuse it.",
    source: "encoding/json; yaml.v3 resolve.go",
    fixable: Some(Safety::Safe),
);

pub(super) const NUMBER_NOT_JSON: Rule = rule!(
    "number-not-json", Error, Versions::ALL,
    summary: "A number is written as JSON has none",
    why: "Other bases, underscores, a plus sign, a point without digits on both sides, `.nan`: pachctl 2.8 and later \
          hand the text on as JSON and fail, but for `.5`, which they complete; before, `010` was 8. `.nan` and \
          `.inf` have no JSON, and every version fails.",
    source: "src/internal/ppsutil/decoder.go: integer value does not match regexp; invalid number literal",
    fixable: Some(Safety::Unsafe),
);

pub(super) const UNEXPECTED_CHARACTER: Rule = rule!(
    "unexpected-character", Error, Versions::ALL,
    summary: "A character means nothing where it stands",
    why: "Some cannot be seen: a no-break space or a mark without width, often from a web page.",
    source: "encoding/json; yaml.v3",
    fixable: Some(Safety::Safe),
);

pub(super) const TRAILING_TEXT: Rule = rule!(
    "trailing-text", Error, Versions::ALL,
    summary: "Something that is no spec follows the end of a spec",
    why: "Neither JSON nor YAML takes it.",
    source: "encoding/json; yaml.v3",
);

pub(super) const COMMENT_IN_JSON: Rule = rule!(
    "comment-in-json", Warning, Versions::ALL,
    summary: "A JSON file has a comment",
    why: "`//` and `/*` are comments to no version of pachctl. `#` is one to pachctl 2.x, which reads YAML; pachctl \
          1.x and jq refuse it.",
    source: "encoding/json; yaml.v3",
    fixable: Some(Safety::Safe),
);

pub(super) const CONCATENATED: Rule = rule!(
    "concatenated-specs", Error, Versions::TWO,
    summary: "A spec follows another without `---`",
    why: "pachctl 1.x reads JSON values one after another. pachctl 2.x reads YAML and says `did not find expected \
          <document start>`.",
    source: "src/internal/ppsutil/decoder.go",
    fixable: Some(Safety::Safe),
);

pub(super) const SEPARATOR: Rule = rule!(
    "multi-doc-separator", Error, Versions::ONE,
    summary: "Specs in JSON are separated by `---`",
    why: "pachctl 1.x reads a file that begins with `{` as JSON values one after another, and knows no `---`.",
    source: "src/server/pkg/ppsutil/decoder.go",
    fixable: Some(Safety::Safe),
);

pub(super) const EMPTY_DOCUMENT: Rule = rule!(
    "empty-document", Error, Versions::ALL,
    summary: "A document of the file is empty",
    why: "pachctl 2.8 and later say `expected a mapping or a sequence; got 8`, the versions before that no pipeline is \
          specified.",
    source: "src/internal/ppsutil/decoder.go",
    fixable: Some(Safety::Unsafe),
);

pub(super) const EMPTY_ARRAY: Rule = rule!(
    "empty-array", Error, Versions::ALL,
    summary: "The file is an empty array",
    why: "There is no spec in it. Before 2.1, pachctl reads no arrays at all.",
    source: "src/internal/ppsutil/decoder.go:115",
);

pub(super) const TOP_LEVEL_ARRAY: Rule = rule!(
    "top-level-array", Error, Versions::between(Version::OLDEST, Version::new(2, 0)),
    summary: "Specs stand in an array",
    why: "pachctl 2.1 and later read an array of specs; the versions before do not.",
    source: "src/server/pkg/ppsutil/decoder.go",
);

pub(super) const NOT_A_SPEC: Rule = rule!(
    "not-a-spec", Error, Versions::ALL,
    summary: "A document is no object",
    why: "A spec is an object with `pipeline`, `transform` and `spout`.",
    source: "src/internal/ppsutil/decoder.go: expected a mapping or a sequence",
);

pub(super) const BRACE_WITHOUT_JSON: Rule = rule!(
    "brace-without-json", "yaml", Error, Versions::ONE,
    summary: "A YAML file begins with `{` and is not JSON",
    why: "pachctl 1.x never looks at the name: what begins with `{` is JSON to it.",
    source: "src/server/pkg/ppsutil/decoder.go:57-67",
);

pub(super) const LEADING_TAB: Rule = rule!(
    "leading-tab", Error, Versions::ALL,
    summary: "A tab stands before the first bracket",
    why: "YAML knows no tab there: `found character that cannot start any token`.",
    source: "yaml.v3 scannerc.go",
    fixable: Some(Safety::Safe),
);

/// Its example is no text, so its bytes are shown.
pub(super) const NOT_UTF8: Rule = Rule {
    summary: "The file has bytes that are not UTF-8",
    why: "pachctl 2.x says `invalid leading UTF-8 octet`. pachctl 1.x replaces them.",
    source: "yaml.v3 readerc.go",
    bad: "(bytes, as a hex dump) 22 4b e4 73 65 22\n",
    good: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/specs/ok/not-utf-8.json")),
    ..Rule::plain("not-utf-8", Severity::Error, Versions::ALL)
};

/// Its example is no text, so its bytes are shown.
pub(super) const UTF16: Rule = Rule {
    summary: "The file is UTF-16",
    why: "YAML allows it; jq, and pachd itself when the text is sent to it, do not.",
    source: "yaml.v3 readerc.go",
    bad: "(bytes, as a hex dump) ff fe 7b 00 0a 00 20 00 20 00\n",
    good: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/specs/ok/utf-16.json")),
    ..Rule::plain("utf-16", Severity::Warning, Versions::ALL)
};

pub(super) const TAB_INDENTATION: Rule = rule!(
    "tab-indentation", "yaml", Error, Versions::ALL,
    summary: "A line of YAML is indented by a tab",
    why: "YAML knows only blanks there: `found character that cannot start any token`.",
    source: "yaml.v3 scannerc.go",
    fixable: Some(Safety::Unsafe),
);

pub(super) const INDENTATION: Rule = rule!(
    "yaml-indentation", "yaml", Error, Versions::ALL,
    summary: "A line of YAML is indented like none around it",
    why: "Indentation says what belongs into what, and this line fits nowhere.",
    source: "yaml.v3 parserc.go",
);

pub(super) const COLON_IN_VALUE: Rule = rule!(
    "colon-in-value", "yaml", Error, Versions::ALL,
    summary: "A plain value of YAML has a colon and a blank in it",
    why: "YAML takes it for a second key: `mapping values are not allowed in this context`. Quotes make a text of it.",
    source: "yaml.v3 scannerc.go",
);

pub(super) const RESERVED_CHARACTER: Rule = rule!(
    "reserved-character", "yaml", Error, Versions::ALL,
    summary: "A plain value of YAML has a character that it must not have there",
    why: "None begins with `@`, a back quote or `%`, which are reserved. Between brackets a `?` ends it, as in \
          `[curl, http://h/p?x=1]`: `did not find expected ',' or ']'`. Quotes make a text of it.",
    source: "yaml.v3 scannerc.go",
);

pub(super) const YAML_SYNTAX: Rule = rule!(
    "yaml-syntax", "yaml", Error, Versions::ALL,
    summary: "The YAML cannot be read",
    why: "pachctl refuses the file. Two things only other readers refuse, and these are warnings: a `-` right before a \
          comma or a bracket, and a comment right behind another token.",
    source: "yaml.v3",
    fixable: Some(Safety::Safe),
);

pub(super) const ALIAS: Rule = rule!(
    "yaml-alias", "yaml", Error, Versions::since(2, 8),
    summary: "A spec uses an alias",
    why: "pachctl 2.8 and later say `alias nodes not supported`; the versions before take it.",
    source: "src/internal/ppsutil/decoder.go",
);

pub(super) const UNKNOWN_ALIAS: Rule = rule!(
    "unknown-alias", "yaml", Error, Versions::ALL,
    summary: "An alias has no anchor before it",
    why: "YAML cannot be read on: `unknown anchor`.",
    source: "yaml.v3",
);

pub(super) const EXCESSIVE_ALIASES: Rule = rule!(
    "excessive-aliases", "yaml", Error, Versions::ALL,
    summary: "Aliases stand for more than is read, or for themselves",
    why: "All aliases of a file may stand for 10,000 values together. pachctl has a bound, too.",
    source: "yaml.v3 decode.go: document contains excessive aliasing",
);

pub(super) const MERGE_KEY: Rule = rule!(
    "yaml-merge-key", "yaml", Error, Versions::ALL,
    summary: "A spec uses a merge key",
    why: "pachctl 1.x refuses `<<`, 2.0 to 2.7 take it, 2.8 and later say `tag \"!!merge\" unsupported`. What is \
          merged has to be a mapping or a list of mappings.",
    source: "src/internal/ppsutil/decoder.go",
);

pub(super) const TIMESTAMP: Rule = rule!(
    "yaml-timestamp", "yaml", Error, Versions::ALL,
    summary: "A plain value is a date to YAML",
    why: "pachctl 2.8 and later say `tag \"!!timestamp\" unsupported`; the versions before make `2020-01-01T00:00:00Z` \
          of `2020-01-01`.",
    source: "src/internal/ppsutil/decoder.go",
    fixable: Some(Safety::Safe),
);

pub(super) const NON_STRING_KEY: Rule = rule!(
    "non-string-key", "yaml", Error, Versions::ALL,
    summary: "A key is no string",
    why: "`8080:` is a number to YAML, and the keys of a spec are strings: `mapping keys must be strings`.",
    source: "src/internal/ppsutil/decoder.go",
    fixable: Some(Safety::Safe),
);

pub(super) const COMPLEX_KEY: Rule = rule!(
    "complex-key", "yaml", Error, Versions::ALL,
    summary: "A key is a list or a mapping",
    why: "The keys of a spec are strings.",
    source: "src/internal/ppsutil/decoder.go",
);

pub(super) const TAG: Rule = rule!(
    "yaml-tag", "yaml", Error, Versions::since(2, 0),
    summary: "A value has a tag that pachctl does not know, or one that does not fit it",
    why: "pachctl 2.8 and later know strings, numbers, booleans and null: `tag unsupported`. That is also said of a \
          plain `<<` that is no key. A tag that does not fit, such as `!!bool yes`, is refused by each version since \
          2.0.",
    source: "src/internal/ppsutil/decoder.go",
    fixable: Some(Safety::Safe),
);

pub(super) const DIRECTIVE: Rule = rule!(
    "yaml-directive", "yaml", Error, Versions::ALL,
    summary: "A `%YAML` directive names another version than 1.1",
    why: "pachctl says `found incompatible YAML document`. It reads YAML 1.2 without the directive.",
    source: "yaml.v3 parserc.go",
    fixable: Some(Safety::Safe),
);
