//! The nouns of Pachyderm's file system, spelled as pachd spells them.
//!
//! Every name and id is a type of its own, valid from the moment it exists. This module knows no server, no archive and
//! no terminal.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::glob::Glob;

/// The project that pachd assumes when none is named.
pub const DEFAULT_PROJECT: &str = "default";
/// The branch that pachctl and we assume when none is named.
pub const DEFAULT_BRANCH: &str = "master";

/// Why a name, a path, a `DEST` or a `SOURCE` cannot be what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidName {
    message: String,
}

impl InvalidName {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $noun:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $type(String);

        impl $type {
            /// # Errors
            /// When a character is none of `a-z A-Z 0-9 _ -`, the only ones that pachd takes (recording http 009).
            pub fn new(name: &str) -> Result<Self, InvalidName> {
                check_name($noun, name)?;
                Ok(Self(name.to_owned()))
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// A project's name.
    ProjectName, "project"
);
name!(
    /// A repo's name.
    RepoName, "repo"
);
name!(
    /// A branch's name.
    BranchName, "branch"
);

impl Default for ProjectName {
    fn default() -> Self {
        Self(DEFAULT_PROJECT.to_owned())
    }
}

impl Default for BranchName {
    fn default() -> Self {
        Self(DEFAULT_BRANCH.to_owned())
    }
}

fn check_name(noun: &str, name: &str) -> Result<(), InvalidName> {
    if name.is_empty() {
        return Err(InvalidName::new(format!("the {noun} has no name")));
    }
    match name
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
    {
        None => Ok(()),
        Some(c) => Err(InvalidName::new(format!(
            "{noun} `{}` has the character `{}`; pachd takes letters, digits, `_` and `-`",
            name.escape_debug(),
            c.escape_debug()
        ))),
    }
}

/// A repo of type `user`: the only kind that holds data of ours.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Repo {
    pub project: ProjectName,
    pub name: RepoName,
}

impl fmt::Display for Repo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.project, self.name)
    }
}

impl Repo {
    /// How pachctl is told of something in the repo: `events@master`, and `--project` where it is not the default one.
    /// No pachctl knows `project/repo`, and those before 2.5 know no `--project`.
    #[must_use]
    pub fn for_pachctl(&self, behind: &str) -> String {
        if self.project.as_str() == DEFAULT_PROJECT {
            format!("{}{behind}", self.name)
        } else {
            format!("{}{behind} --project {}", self.name, self.project)
        }
    }
}

/// A branch of a repo.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Branch {
    pub repo: Repo,
    pub name: BranchName,
}

impl Branch {
    /// The commit of this id that was started on it.
    #[must_use]
    pub fn commit(&self, id: CommitId) -> Commit {
        Commit {
            repo: self.repo.clone(),
            branch: self.name.clone(),
            id,
        }
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.repo, self.name)
    }
}

/// A commit's id: a version-4 UUID in 32 lower-case hex digits. Nothing else is ever sent as one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CommitId(String);

impl CommitId {
    /// # Errors
    /// When `id` is no version-4 UUID in 32 hex digits.
    pub fn new(id: &str) -> Result<Self, InvalidName> {
        let hex = id.len() == 32 && id.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
        let version_4 = hex && id.as_bytes()[12] == b'4';
        if version_4 {
            Ok(Self(id.to_owned()))
        } else {
            Err(InvalidName::new(format!(
                "`{}` is no commit id: 32 hex digits, the 13th of them a 4",
                id.escape_debug()
            )))
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One commit of one repo.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Commit {
    pub repo: Repo,
    /// The branch that it was started on. pachd 2.0 to 2.5 knows a commit by branch and id together, and every request
    /// names both; later ones look at the id alone, and there it may be any branch.
    pub branch: BranchName,
    pub id: CommitId,
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.repo, self.id)
    }
}

/// Who began a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    #[default]
    User,
    /// pachd itself: a branch's first, empty commit, or what it puts on a pipeline's branch.
    Auto,
    /// pachd 2.0 to 2.5 itself: a branch's head that stands for a commit of another branch.
    Alias,
}

/// What pachd tells of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    pub commit: Commit,
    pub origin: Origin,
    pub parent: Option<Commit>,
    pub description: String,
    pub started: Option<Timestamp>,
    /// Set once `FinishCommit` was called: nothing can be written to it any more.
    pub finishing: Option<Timestamp>,
    /// Set once pachd has compacted and checked it.
    pub finished: Option<Timestamp>,
    /// Empty for a good commit. A commit that finished with an error is not part of any later one's content.
    pub error: String,
    /// Bytes of the whole tree, as far as pachd knows them.
    pub size_bytes: u64,
}

impl CommitInfo {
    /// Whether its data may be read and built on.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.finished.is_some() && self.error.is_empty()
    }

    /// Whether it may still be written to.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.finishing.is_none() && self.finished.is_none()
    }
}

/// What pachd tells of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchInfo {
    /// It may have been started on another branch.
    pub head: Option<Commit>,
    /// A branch with provenance is some pipeline's output: only that pipeline may write it (recordings http 105–107).
    pub has_provenance: bool,
}

/// Which kind of pipeline owns an output branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PipelineKind {
    Transform,
    Spout,
    Service,
    Unknown,
}

/// The id of a file set: uploaded changes that no commit holds yet and nobody sees.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileSetId(pub String);

/// The id of a transaction: calls that pachd keeps until they are carried out together, or never.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TransactionId(pub String);

/// File or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    File,
    Directory,
}

/// What pachd tells of a path in a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    pub kind: FileKind,
    pub size_bytes: u64,
}

/// A path in a repo: absolute, normalised, and one that pachd takes. The root is `/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilePath(String);

impl FilePath {
    /// Normalises `path` (`./a`, `/a`, `a//b`, `a/` become `/a`, `/a`, `/a/b`, `/a`) and checks it.
    ///
    /// # Errors
    /// When it has a `..` element or a character that pachd refuses (recordings http 028–042).
    pub fn new(path: &str) -> Result<Self, InvalidName> {
        let mut normal = String::with_capacity(path.len() + 1);
        for element in path.split('/') {
            match element {
                "" | "." => {}
                ".." => {
                    return Err(InvalidName::new(format!(
                        "path `{}` has a `..` element, which pachd refuses",
                        path.escape_debug()
                    )));
                }
                _ => {
                    normal.push('/');
                    normal.push_str(element);
                }
            }
        }
        if let Some(c) = normal.chars().find(|c| !is_allowed_in_path(*c)) {
            return Err(InvalidName::new(format!(
                "path `{}` has the character `{}`, which pachd refuses",
                path.escape_debug(),
                c.escape_debug()
            )));
        }
        if normal.is_empty() {
            normal.push('/');
        }
        Ok(Self(normal))
    }

    #[must_use]
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0 == "/"
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether pachd takes this character in a path: printable ASCII without the characters of its globs
/// (recordings http 035–040; the set is the one in pachd's own path check).
#[must_use]
pub fn is_allowed_in_path(c: char) -> bool {
    matches!(c, ' '..='~') && !matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '!' | '(' | ')' | '@' | '+' | '^')
}

/// Where archives go: `[project/]repo[@branch][:/prefix]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub branch: Branch,
    /// Whether the text said which project; else it is `default`, or what the user's context says.
    pub names_project: bool,
    /// The directory that every path is put under; `/` unless said.
    pub prefix: FilePath,
    /// The prefix as it was written, where that is one word and could be meant for a branch: `repo:master`.
    pub doubtful_prefix: Option<String>,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.branch)?;
        if self.prefix == FilePath::root() {
            return Ok(());
        }
        write!(f, ":{}", self.prefix)
    }
}

impl FromStr for Destination {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let Reference {
            repo,
            names_project,
            revision: branch,
            path,
        } = split_reference(text)?;
        if branch.is_some_and(|b| CommitId::new(b).is_ok()) {
            return Err(InvalidName::new(
                "a commit cannot be written again: name a branch after the `@`",
            ));
        }
        let name = BranchName::new(branch.unwrap_or(DEFAULT_BRANCH))?;
        Ok(Self {
            branch: Branch { repo, name },
            names_project,
            prefix: FilePath::new(path.unwrap_or("/"))?,
            doubtful_prefix: path
                .filter(|path| branch.is_none() && BranchName::new(path).is_ok())
                .map(str::to_owned),
        })
    }
}

/// A branch or a commit, as the part after `@` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revision {
    Branch(BranchName),
    Commit(CommitId),
}

/// A commit's relative, as pachctl writes it behind a branch or a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relative {
    Itself,
    /// `^`, `^^`, `^3`, also with `~`: so many parents back.
    Ancestor(u64),
    /// `.1`: by its number from the beginning of the history.
    Number(u64),
}

impl fmt::Display for Relative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Itself => Ok(()),
            Self::Ancestor(count) => write!(f, "^{count}"),
            Self::Number(number) => write!(f, ".{number}"),
        }
    }
}

/// Takes `master^2` apart.
fn split_relative(revision: &str) -> Result<(&str, Relative), InvalidName> {
    let Some(at) = revision.find(['^', '~', '.']) else {
        return Ok((revision, Relative::Itself));
    };
    let (name, relative) = revision.split_at(at);
    let mut signs = relative.chars();
    let sign = signs.next().unwrap_or('^');
    let count = match signs.as_str() {
        "" => Some(1),
        more if more.chars().all(|c| c == sign) => u64::try_from(relative.len()).ok(),
        digits => digits.parse().ok(),
    };
    match (sign, count) {
        ('.', Some(number)) if number > 0 && relative.len() > 1 => Ok((name, Relative::Number(number))),
        ('^' | '~', Some(0)) => Ok((name, Relative::Itself)),
        ('^' | '~', Some(count)) => Ok((name, Relative::Ancestor(count))),
        _ => Err(InvalidName::new(format!(
            "`{}` names no commit: ^ is the parent, ^3 the third ancestor, .1 the first commit of the branch",
            relative.escape_debug()
        ))),
    }
}

/// What is read: `[project/]repo[@branch-or-commit][:/path-or-glob]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub repo: Repo,
    /// As in [`Destination`].
    pub names_project: bool,
    pub revision: Revision,
    pub relative: Relative,
    /// The path, if one was named.
    pub path: Option<FilePath>,
    /// A pattern instead of a path: [`Glob::new`] takes it.
    pub pattern: Option<String>,
}

/// Whether it can be no path, but a pattern.
fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '[', '{', '('])
}

impl FromStr for Source {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let Reference {
            repo,
            names_project,
            revision,
            path,
        } = split_reference(text)?;
        let (revision, relative) = split_relative(revision.unwrap_or(DEFAULT_BRANCH))?;
        let (path, pattern) = match path {
            Some(path) if is_pattern(path) => {
                Glob::new(path).map_err(|error| InvalidName::new(error.to_string()))?;
                (None, Some(path.to_owned()))
            }
            path => (path.map(FilePath::new).transpose()?, None),
        };
        Ok(Self {
            repo,
            names_project,
            revision: match CommitId::new(revision) {
                Ok(id) => Revision::Commit(id),
                Err(_) => Revision::Branch(BranchName::new(revision)?),
            },
            relative,
            path,
            pattern,
        })
    }
}

/// What is followed: `[project/]repo[@branch][:/glob]`.
#[derive(Debug, Clone)]
pub struct Followed {
    pub branch: Branch,
    /// As in [`Destination`].
    pub names_project: bool,
    /// Which paths are of interest, if not all.
    pub glob: Option<Glob>,
}

impl FromStr for Followed {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let Reference {
            repo,
            names_project,
            revision: branch,
            path: pattern,
        } = split_reference(text)?;
        if branch.is_some_and(|b| CommitId::new(b).is_ok()) {
            return Err(InvalidName::new(
                "a commit is not followed: name a branch after the `@`, and the commit with --from",
            ));
        }
        let glob = pattern.map(Glob::new).transpose();
        Ok(Self {
            branch: Branch {
                repo,
                name: BranchName::new(branch.unwrap_or(DEFAULT_BRANCH))?,
            },
            names_project,
            glob: glob.map_err(|error| InvalidName::new(error.to_string()))?,
        })
    }
}

/// The parts of `[project/]repo[@revision][:path]`.
struct Reference<'a> {
    repo: Repo,
    names_project: bool,
    revision: Option<&'a str>,
    path: Option<&'a str>,
}

fn split_reference(text: &str) -> Result<Reference<'_>, InvalidName> {
    let (head, path) = match text.split_once(':') {
        Some((head, path)) => (head, Some(path)),
        None => (text, None),
    };
    if path.is_some_and(|path| path.starts_with("//")) {
        return Err(InvalidName::new(format!(
            "`{}://` begins an address, and no name: write [project/]repo[@branch][:/path]",
            head.escape_debug()
        )));
    }
    let (repo, revision) = match head.split_once('@') {
        Some((repo, revision)) => (repo, Some(revision)),
        None => (head, None),
    };
    let (project, name) = match repo.split_once('/') {
        Some((project, name)) => (Some(project), name),
        None => (None, repo),
    };
    Ok(Reference {
        repo: Repo {
            project: ProjectName::new(project.unwrap_or(DEFAULT_PROJECT))?,
            name: RepoName::new(name)?,
        },
        names_project: project.is_some(),
        revision,
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_names_project_branch_and_prefix_or_gets_the_defaults() {
        let short: Destination = "events".parse().unwrap();
        assert_eq!(short.branch.to_string(), "default/events@master");
        assert!(!short.names_project);
        assert!("default/events".parse::<Destination>().unwrap().names_project);
        assert!(short.prefix.is_root());
        let long: Destination = "p1/events@live:/a//b/".parse().unwrap();
        assert_eq!(long.branch.to_string(), "p1/events@live");
        assert_eq!(long.prefix.as_str(), "/a/b");
        let doubtful = |text: &str| text.parse::<Destination>().unwrap().doubtful_prefix;
        assert_eq!(doubtful("events:live").as_deref(), Some("live"));
        for text in ["events", "events:/live", "events@b:live", "events:a/b"] {
            assert_eq!(doubtful(text), None, "{text}");
        }
    }

    #[test]
    fn an_address_is_no_name() {
        for text in ["pfs://events", "pfs://p/events@b:/x", "local://st"] {
            let error = text.parse::<Destination>().unwrap_err().to_string();
            assert!(error.contains("begins an address"), "{error}");
            assert!(text.parse::<Source>().is_err(), "{text}");
            assert!(text.parse::<Followed>().is_err(), "{text}");
        }
        let error = "p\n://events".parse::<Destination>().unwrap_err().to_string();
        assert!(error.contains(r"`p\n://`"), "{error}");
    }

    #[test]
    fn a_destination_is_never_a_commit_and_never_a_name_that_pachd_refuses() {
        for text in [
            "events@3fb3cdfe1fce41649b650606d4c86d35",
            "bad name!",
            "",
            "a/b/c",
            "e:/../x",
            "e:/a*",
            "@x",
        ] {
            assert!(text.parse::<Destination>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_followed_is_a_branch_with_a_pattern_or_without() {
        let followed: Followed = "p1/events@live:/a/*".parse().unwrap();
        assert_eq!(followed.branch.to_string(), "p1/events@live");
        assert!(followed.glob.unwrap().covers("/a/b"));
        assert!("events".parse::<Followed>().unwrap().glob.is_none());
        for text in ["events@3fb3cdfe1fce41649b650606d4c86d35", "events:/[", "a b"] {
            assert!(text.parse::<Followed>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_source_tells_a_commit_from_a_branch() {
        let by_id: Source = "events@3fb3cdfe1fce41649b650606d4c86d35:/a".parse().unwrap();
        assert!(matches!(by_id.revision, Revision::Commit(_)));
        let by_branch: Source = "events@00000000000000000000000000000000".parse().unwrap();
        assert!(matches!(by_branch.revision, Revision::Branch(_)));
    }

    #[test]
    fn a_source_may_name_a_relative_of_a_commit_as_pachctl_does() {
        for (text, relative) in [
            ("events", Relative::Itself),
            ("events@live^", Relative::Ancestor(1)),
            ("events@live^^:/a", Relative::Ancestor(2)),
            ("events@live~3", Relative::Ancestor(3)),
            ("events@3fb3cdfe1fce41649b650606d4c86d35^2", Relative::Ancestor(2)),
            ("events@live.1", Relative::Number(1)),
            ("events@live^0", Relative::Itself),
        ] {
            assert_eq!(text.parse::<Source>().unwrap().relative, relative, "{text}");
        }
        for text in [
            "e@live^~",
            "e@live^x",
            "e@live.",
            "e@live.0",
            "e@live.-1",
            "e@^",
            "e@live^99999999999999999999",
        ] {
            assert!(text.parse::<Source>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_source_may_name_files_by_a_pattern() {
        let source: Source = "events:/a/*.csv".parse().unwrap();
        assert_eq!((source.path, source.pattern.as_deref()), (None, Some("/a/*.csv")));
        assert!("events:/[".parse::<Source>().is_err());
    }

    #[test]
    fn paths_are_normalised_and_those_that_pachd_refuses_are_refused() {
        for (given, normal) in [
            ("./a", "/a"),
            ("/a", "/a"),
            ("a//b", "/a/b"),
            ("a/", "/a"),
            ("/", "/"),
            ("", "/"),
        ] {
            assert_eq!(FilePath::new(given).unwrap().as_str(), normal);
        }
        for given in [
            "../x", "/a/../b", "/a*b", "/a?b", "/a[b", "/a\nb", "/é", "/a@b", "/a+b", "/a(b",
        ] {
            assert!(FilePath::new(given).is_err(), "{given}");
        }
    }
}
