//! A file of tokens and roles.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::roles::{CLUSTER, On, ROOT, SERVE, permissions_of};

/// A token's digest: the token itself is kept nowhere, and the time that comparing takes tells nothing.
pub(super) fn digest(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[derive(Clone)]
pub(super) struct Given {
    pub(super) digest: [u8; 32],
    pub(super) principal: String,
    pub(super) expires: Option<Timestamp>,
}

/// The tokens and roles of a file.
#[derive(Clone)]
pub struct Access {
    pub(super) tokens: Vec<Given>,
    pub(super) roles: Vec<(String, String, String)>,
}

/// Why a file of tokens is none. It names no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAccess {
    #[error("it holds no token")]
    Empty,
    #[error("line {line}: {what}")]
    Line { line: usize, what: String },
}

impl Access {
    /// Reads lines of `PRINCIPAL TOKEN [ROLES] [EXPIRY]`, or of a token alone, whose owner may do everything. Roles are
    /// separated by commas, each for the cluster or, as `ROLE@PROJECT` and `ROLE@PROJECT/REPO`, for a part of it. Lines
    /// that begin with `#` are comments.
    ///
    /// # Errors
    /// The first line that is none of those.
    pub fn parse(text: &str) -> Result<Self, InvalidAccess> {
        let mut access = Self {
            tokens: Vec::new(),
            roles: Vec::new(),
        };
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                access
                    .add(line)
                    .map_err(|what| InvalidAccess::Line { line: number, what })?;
            }
        }
        if access.tokens.is_empty() {
            return Err(InvalidAccess::Empty);
        }
        Ok(access)
    }

    /// Whether it says more than one token that may do everything.
    pub fn names_somebody(&self) -> bool {
        self.tokens.len() > 1 || self.tokens.iter().any(|given| given.principal != SERVE)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (principal, token, rest) = match words.as_slice() {
            [token] => (SERVE, *token, &[][..]),
            [principal, token, rest @ ..] => (*principal, *token, rest),
            [] => return Ok(()),
        };
        let is_principal = principal.split_once(':').is_some_and(|(kind, name)| {
            !name.is_empty() && matches!(kind, "user" | "robot" | "pipeline") || principal == ROOT
        });
        if !is_principal {
            return Err(
                "a line of several words begins with user:NAME, robot:NAME, pipeline:PROJECT/NAME or pach:root"
                    .to_owned(),
            );
        }
        let mut expires = None;
        for word in rest {
            if let Ok(time) = word.parse::<Timestamp>() {
                expires = Some(time);
            } else {
                self.add_roles(principal, word)?;
            }
        }
        if words.len() == 1 || principal == ROOT {
            self.roles
                .push((CLUSTER.to_owned(), principal.to_owned(), "clusterAdmin".to_owned()));
        }
        self.tokens.push(Given {
            digest: digest(token.as_bytes()),
            principal: principal.to_owned(),
            expires,
        });
        Ok(())
    }

    fn add_roles(&mut self, principal: &str, word: &str) -> Result<(), String> {
        for role in word.split(',') {
            let (role, on) = role.split_once('@').unwrap_or((role, ""));
            if permissions_of(role).is_none() {
                return Err(format!(
                    "`{}` is neither a role nor a time such as 2027-01-31T00:00:00Z",
                    role.escape_debug()
                ));
            }
            let on = match on.split_once('/') {
                _ if on.is_empty() => On::Cluster,
                None => On::Project(on.to_owned()),
                Some((project, name)) => On::Repo {
                    project: project.to_owned(),
                    name: name.to_owned(),
                },
            };
            self.roles.push((on.to_string(), principal.to_owned(), role.to_owned()));
        }
        Ok(())
    }
}
