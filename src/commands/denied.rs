//! What mends it when pachd does not know us, or does not let us: that depends on which token it got, and where that is
//! from.

use std::time::Duration;

use crate::commands::server::other_door;
use crate::failure::Failure;
use crate::settings::{Address, Origin, Server};

/// Adds to a failure which token was sent and what mends it, where pachd's words are about that.
pub(super) fn advise(mut failure: Failure, server: &Server) -> Failure {
    let Some(words) = failure.denied.take() else {
        return by_the_other_door(failure, server);
    };
    if let Some(lack) = Lack::read(&words) {
        failure.details.push(format!("the token is that of {}", whence(server)));
        failure.help.push(lack.grant());
        return failure;
    }
    if let (Address::Sidecar(_), Some((_, from))) = (&server.address, &server.token)
        && words.contains("corrupted or has expired")
    {
        failure
            .details
            .push(format!("the token is that of {from}, which pachd gave to this pod"));
        failure.help.push(
            "an update of the pipeline revokes it a second before this pod ends, and the next pod has one of its own: \
             within 16 s it goes on. Where this pod stays, its pipeline's token was revoked: update the pipeline"
                .to_owned(),
        );
        return failure;
    }
    failure.details.push(match (&server.token, &server.passed_over) {
        (Some((_, from)), _) => format!("the token is that of {from}"),
        (None, Some(context)) => format!(
            "no token was sent: that of context `{}` is for another address, {}",
            context.name.escape_debug(),
            context
                .address
                .as_ref()
                .map_or_else(|| "which it does not name".to_owned(), ToString::to_string)
        ),
        (None, None) => "no token was sent".to_owned(),
    });
    failure.help.push(remedy(server));
    failure
}

/// What both adapters say of a server that is no pachd for them.
const STRANGERS: [&str; 2] = ["is not a pachd gateway", "is no pachd that speaks gRPC"];
/// Somebody waits for the error.
const WITHIN: Duration = Duration::from_secs(3);

/// Adds which address is the right one, where pachd speaks the other protocol at the same port.
fn by_the_other_door(mut failure: Failure, server: &Server) -> Failure {
    let texts = std::iter::once(&failure.heading).chain(&failure.details);
    let is_stranger = texts
        .into_iter()
        .any(|text| STRANGERS.iter().any(|stranger| text.contains(stranger)));
    if is_stranger && let Some(other) = other_door(server, WITHIN) {
        failure.help.push(format!("pachd answers at {other}: use that address"));
    }
    failure
}

fn whence(server: &Server) -> String {
    match &server.token {
        Some((_, from)) => from.to_string(),
        None => "nobody".to_owned(),
    }
}

fn remedy(server: &Server) -> String {
    match &server.token {
        Some((_, Origin::Context { name, .. })) => format!(
            "spoutctl auth login --context {name} gets a new token, or spoutctl auth use-token --context {name} takes \
             one"
        ),
        Some((_, from)) => format!(
            "put another token there: {from}; or keep one in a context: spoutctl auth login, or spoutctl auth \
             use-token for a robot's"
        ),
        None => match (&server.context, &server.passed_over) {
            (Some(context), _) => format!(
                "spoutctl auth login --context {}, or give a token by PACH_TOKEN or --token-file FILE",
                context.name
            ),
            (None, Some(context)) => format!(
                "--context {} sends its token all the same; or give one by PACH_TOKEN or --token-file FILE",
                context.name
            ),
            (None, None) => format!(
                "spoutctl auth login --pachd {} --context NAME gets a token (spoutctl auth use-token takes one); or \
                 give one by PACH_TOKEN or --token-file FILE",
                server.address
            ),
        },
    }
}

/// A permission that somebody has not.
#[derive(Debug, PartialEq, Eq)]
struct Lack<'a> {
    subject: &'a str,
    permissions: Vec<&'a str>,
    /// `REPO`, `PROJECT`, `CLUSTER`.
    kind: &'a str,
    name: &'a str,
}

impl<'a> Lack<'a> {
    /// Reads
    /// `robot:ci is not authorized to perform this operation - needs permissions [REPO_WRITE] on REPO default/events.`
    /// (auth 012), whatever stands before and after it.
    fn read(words: &'a str) -> Option<Self> {
        let (before, after) = words.split_once(" is not authorized to perform this operation - needs permissions [")?;
        let (permissions, after) = after.split_once("] on ")?;
        let mut place = after.split_whitespace();
        let kind = place.next()?;
        Some(Self {
            subject: before.split_whitespace().next_back()?,
            permissions: permissions.split_whitespace().collect(),
            kind: kind.trim_end_matches('.'),
            name: place.next().unwrap_or_default().trim_end_matches(['.', ',', ';']),
        })
    }

    fn grant(&self) -> String {
        let Self {
            subject, kind, name, ..
        } = self;
        let permissions = self.permissions.join(", ");
        let repo = (*kind == "REPO").then(|| name.split_once('/')).flatten();
        match (repo, self.role()) {
            (Some((project, repo)), Some(role)) => format!(
                "{subject} lacks {permissions}; an owner of the repo grants it: pachctl auth set repo {repo} {role} \
                 {subject} --project {project}"
            ),
            _ => format!(
                "{subject} lacks {permissions} on {} {name}; `pachctl auth roles-for-permission {}` shows which roles \
                 have it",
                kind.to_lowercase(),
                self.permissions.first().unwrap_or(&"PERMISSION")
            ),
        }
    }

    /// The least of pachd's roles on a repo that has all of them.
    fn role(&self) -> Option<&'static str> {
        const READER: [&str; 9] = [
            "REPO_READ",
            "REPO_INSPECT_COMMIT",
            "REPO_LIST_COMMIT",
            "REPO_LIST_BRANCH",
            "REPO_LIST_FILE",
            "REPO_INSPECT_FILE",
            "REPO_ADD_PIPELINE_READER",
            "REPO_REMOVE_PIPELINE_READER",
            "PIPELINE_LIST_JOB",
        ];
        const WRITER: [&str; 5] = [
            "REPO_WRITE",
            "REPO_DELETE_COMMIT",
            "REPO_CREATE_BRANCH",
            "REPO_DELETE_BRANCH",
            "REPO_ADD_PIPELINE_WRITER",
        ];
        const OWNER: [&str; 2] = ["REPO_MODIFY_BINDINGS", "REPO_DELETE"];
        let all_in = |sets: &[&[&str]]| {
            let in_one = |permission: &&str| sets.iter().any(|set| set.contains(permission));
            !self.permissions.is_empty() && self.permissions.iter().all(in_one)
        };
        if all_in(&[&READER]) {
            Some("repoReader")
        } else if all_in(&[&READER, &WRITER]) {
            Some("repoWriter")
        } else {
            all_in(&[&READER, &WRITER, &OWNER]).then_some("repoOwner")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_becomes_the_line_that_grants_what_is_missing() {
        let words = "StartCommit: start commit in transaction: robot:ci is not authorized to perform this operation - \
                     needs permissions [REPO_WRITE] on REPO team/events. Run `pachctl auth roles-for-permission` to \
                     find roles";
        let lack = Lack::read(words).unwrap();
        assert_eq!(
            lack.grant(),
            "robot:ci lacks REPO_WRITE; an owner of the repo grants it: pachctl auth set repo events repoWriter \
             robot:ci --project team"
        );
        for (permissions, role) in [
            (vec!["REPO_READ", "REPO_LIST_FILE"], Some("repoReader")),
            (vec!["REPO_READ", "REPO_WRITE"], Some("repoWriter")),
            (vec!["REPO_DELETE"], Some("repoOwner")),
            (vec!["CLUSTER_DELETE_ALL"], None),
            (vec![], None),
        ] {
            let lack = Lack {
                permissions,
                ..Lack::read(words).unwrap()
            };
            assert_eq!(lack.role(), role, "{lack:?}");
        }
    }

    #[test]
    fn what_is_lacked_on_a_cluster_is_for_an_administrator() {
        let words = "DropCommitSet: user:a@b is not authorized to perform this operation - needs permissions \
                     [CLUSTER_DELETE_ALL] on CLUSTER . Run x";
        let help = Lack::read(words).unwrap().grant();
        assert!(
            help.starts_with("user:a@b lacks CLUSTER_DELETE_ALL on cluster"),
            "{help}"
        );
        assert!(help.contains("roles-for-permission CLUSTER_DELETE_ALL"), "{help}");
        assert_eq!(Lack::read("no authentication token (try logging in)"), None);
    }
}
