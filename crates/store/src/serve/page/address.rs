//! The addresses of pages: read from a request, and written into links.

use std::borrow::Cow;
use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use spoutctl_core::pfs::{CommitId, ProjectName, Repo, RepoName};

/// What stands for itself in a query or a segment of a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Where all pages but the first are.
const BELOW: &str = "/page/";

/// What a page is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    Overview,
    Style,
    Script,
    Pipeline(Repo),
    Repo {
        repo: Repo,
        branch: Option<String>,
        /// The newest commit that is shown.
        from: Option<CommitId>,
    },
    Commit {
        repo: Repo,
        id: CommitId,
        /// With a slash at its end.
        directory: String,
        /// The last path of the page before.
        after: String,
    },
    File {
        repo: Repo,
        id: CommitId,
        path: String,
    },
    Picture {
        repo: Repo,
        id: CommitId,
        path: String,
    },
    Diff {
        repo: Repo,
        old: CommitId,
        new: CommitId,
        /// The one file whose lines are shown; else those of the first few.
        path: Option<String>,
    },
    Live(Repo),
}

/// Whether the path is that of a page, or would be.
pub fn is_page(path: &str) -> bool {
    path == "/" || path.starts_with(BELOW)
}

impl Address {
    pub fn of(path: &str, query: &str) -> Option<Self> {
        if path == "/" {
            return Some(Self::Overview);
        }
        let path = percent_decode_str(path.strip_prefix(BELOW)?).decode_utf8().ok()?;
        let value = |name: &str| value_of(query, name);
        let parts: Vec<&str> = path.split('/').collect();
        let id = |text: &str| CommitId::new(text).ok();
        Some(match parts.as_slice() {
            ["style.css"] => Self::Style,
            ["live.js"] => Self::Script,
            ["pipeline", project, name] => Self::Pipeline(repo(project, name)?),
            ["live", project, name] => Self::Live(repo(project, name)?),
            ["repo", project, name] => Self::Repo {
                repo: repo(project, name)?,
                branch: value("branch"),
                from: value("from").map(|text| id(&text).ok_or(())).transpose().ok()?,
            },
            ["commit", project, name, commit] => Self::Commit {
                repo: repo(project, name)?,
                id: id(commit)?,
                directory: value("in").unwrap_or_else(|| "/".to_owned()),
                after: value("after").unwrap_or_default(),
            },
            ["file", project, name, commit] => Self::File {
                repo: repo(project, name)?,
                id: id(commit)?,
                path: value("path")?,
            },
            ["picture", project, name, commit] => Self::Picture {
                repo: repo(project, name)?,
                id: id(commit)?,
                path: value("path")?,
            },
            ["diff", project, name, old, new] => Self::Diff {
                repo: repo(project, name)?,
                old: id(old)?,
                new: id(new)?,
                path: value("path"),
            },
            _ => return None,
        })
    }

    /// Whose content it shows.
    pub fn repo(&self) -> Option<&Repo> {
        match self {
            Self::Overview | Self::Style | Self::Script | Self::Pipeline(_) => None,
            Self::Repo { repo, .. }
            | Self::Commit { repo, .. }
            | Self::File { repo, .. }
            | Self::Picture { repo, .. }
            | Self::Diff { repo, .. }
            | Self::Live(repo) => Some(repo),
        }
    }

    /// As a link writes it.
    pub fn link(&self) -> String {
        match self {
            Self::Overview => "/".to_owned(),
            Self::Style => format!("{BELOW}style.css"),
            Self::Script => format!("{BELOW}live.js"),
            Self::Pipeline(name) => format!("{BELOW}pipeline/{name}"),
            Self::Live(repo) => format!("{BELOW}live/{repo}"),
            Self::Repo { repo, branch, from } => {
                let from = from.as_ref().map(CommitId::as_str);
                with_query(
                    format!("{BELOW}repo/{repo}"),
                    &[("branch", branch.as_deref()), ("from", from)],
                )
            }
            Self::Commit {
                repo,
                id,
                directory,
                after,
            } => {
                let directory = Some(directory.as_str()).filter(|directory| *directory != "/");
                let after = Some(after.as_str()).filter(|after| !after.is_empty());
                with_query(
                    format!("{BELOW}commit/{repo}/{id}"),
                    &[("in", directory), ("after", after)],
                )
            }
            Self::File { repo, id, path } => with_query(format!("{BELOW}file/{repo}/{id}"), &[("path", Some(path))]),
            Self::Picture { repo, id, path } => {
                with_query(format!("{BELOW}picture/{repo}/{id}"), &[("path", Some(path))])
            }
            Self::Diff { repo, old, new, path } => {
                with_query(format!("{BELOW}diff/{repo}/{old}/{new}"), &[("path", path.as_deref())])
            }
        }
    }

    /// A commit with its files from the root on.
    pub fn of_commit(repo: &Repo, id: &CommitId) -> Self {
        Self::Commit {
            repo: repo.clone(),
            id: id.clone(),
            directory: "/".to_owned(),
            after: String::new(),
        }
    }
}

/// Where the file server has a file's bytes.
pub(super) fn bytes_of(repo: &Repo, id: &CommitId, path: &str) -> String {
    format!("/pfs/{repo}/{id}{}", utf8_percent_encode(path, PLAIN))
}

fn repo(project: &str, name: &str) -> Option<Repo> {
    Some(Repo {
        project: ProjectName::new(project).ok()?,
        name: RepoName::new(name).ok()?,
    })
}

fn with_query(mut path: String, values: &[(&str, Option<&str>)]) -> String {
    let mut sign = '?';
    for (name, value) in values {
        if let Some(value) = value {
            let _ = write!(path, "{sign}{name}={}", utf8_percent_encode(value, PLAIN));
            sign = '&';
        }
    }
    path
}

fn value_of(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(other, _)| *other == name)?;
    percent_decode_str(value).decode_utf8().ok().map(Cow::into_owned)
}
