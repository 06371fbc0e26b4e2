//! What a word means that people type.

/// What a flag means that is none.
#[derive(Debug, Clone, Copy)]
pub enum Meaning {
    /// These words; without any, it is so anyway.
    Flags(&'static str),
    /// This option, with the same value.
    Option(&'static str),
    /// Depends on the value: these words, or what to say.
    Value(fn(&str) -> Result<Vec<String>, String>),
    /// A part of the first operand.
    Part(Part),
    /// An operand.
    File,
    /// Something else is to be typed.
    Say(&'static str),
}

impl Meaning {
    pub fn takes_value(self) -> bool {
        matches!(self, Self::Option(_) | Self::Value(_) | Self::Part(_) | Self::File)
    }

    pub fn words(self) -> impl Iterator<Item = &'static str> {
        let words = if let Self::Flags(words) = self { words } else { "" };
        words.split_whitespace()
    }

    /// What is to be typed instead, where it has no value.
    pub fn instead(self) -> String {
        match self {
            Self::Option(option) => format!("{option} VALUE"),
            Self::Part(part) => part.example().to_owned(),
            _ => "see --help".to_owned(),
        }
    }
}

/// A part of `[project/]repo[@branch][:/prefix]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Project,
    Branch,
    Prefix,
}

impl Part {
    pub fn example(self) -> &'static str {
        match self {
            Self::Project => "PROJECT/REPO",
            Self::Branch => "REPO@BRANCH",
            Self::Prefix => "REPO:/PREFIX",
        }
    }

    /// What this part is called.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Branch => "branch",
            Self::Prefix => "prefix",
        }
    }

    /// Whether a value is one part, and nothing of another: `-b HOST:9092` names a broker elsewhere.
    pub fn may_be(self, value: &str) -> bool {
        let between: &[char] = match self {
            Self::Project | Self::Branch => &['/', '@', ':'],
            Self::Prefix => &[],
        };
        !value.is_empty() && !value.contains(between)
    }

    /// The name with this part; `None` where it says another one already.
    pub fn put_into(self, name: &str, value: &str) -> Option<String> {
        let (front, path) = match name.split_once(':') {
            Some((front, path)) => (front, Some(path)),
            None => (name, None),
        };
        let (repo, branch) = match front.split_once('@') {
            Some((repo, branch)) => (repo, Some(branch)),
            None => (front, None),
        };
        let path_of = |path: Option<&str>| path.map_or(String::new(), |path| format!(":{path}"));
        let same = |there: &str| (there == value).then(|| name.to_owned());
        match self {
            Self::Project => match repo.split_once('/') {
                Some((project, _)) => same(project),
                None => Some(format!("{value}/{name}")),
            },
            Self::Branch => match branch {
                Some(branch) => same(branch),
                None => Some(format!("{repo}@{value}{}", path_of(path))),
            },
            Self::Prefix => match path {
                Some(path) => same(path),
                None => Some(format!("{front}:/{}", value.trim_start_matches('/'))),
            },
        }
    }
}

/// Of words there may be several, with blanks between them.
pub struct Synonym {
    /// The verbs for which it counts; all, if empty.
    pub verbs: &'static str,
    pub typed: &'static str,
    pub meaning: Meaning,
}

impl Synonym {
    pub fn is_for(&self, verb: &str, typed: &str) -> bool {
        let has = |words: &str, word| words.split(' ').any(|known| known == word);
        (self.verbs.is_empty() || has(self.verbs, verb)) && has(self.typed, typed)
    }
}

/// What nobody is to be led to by a typing mistake.
pub const DANGEROUS: &[&str] = &[
    "insecure",
    "drop",
    "discard",
    "forget",
    "force",
    "yes",
    "no-auth",
    "no-lint",
    "unsafe-fixes",
    "reprocess",
    "obey-deletions",
];

pub(super) const WITH_PACHD: &str = "put get tail spool squash create doctor config login use-token whoami validate";
pub(super) const WITH_JSON: &str = "put tail doctor config spool squash whoami serve";
pub(super) const WITH_NAME: &str = "put get tail doctor";
pub(super) const WITH_MESSAGES: &str = "put pack";

pub(super) const fn row(verbs: &'static str, typed: &'static str, meaning: Meaning) -> Synonym {
    Synonym { verbs, typed, meaning }
}

pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub(super) fn output_format(value: &str) -> Result<Vec<String>, String> {
    match value {
        "json" | "jsonl" | "ndjson" => Ok(words(&["--json"])),
        "text" | "table" => Ok(Vec::new()),
        _ => Err("--json prints an object a line; without it, it is text".to_owned()),
    }
}
