//! What pachds of other releases do otherwise than 2.12, one fact a method: the store, and whoever serves it, ask here,
//! and nowhere else. The numbers are recordings `grpc-VERSION`, the same in each folder.

use spoutctl_core::pfs::{Branch, DEFAULT_PROJECT, Repo};
use spoutctl_core::release::Release;

/// The pachd whose behaviour and words these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect(Release);

/// What becomes of a spout's branch when the pipeline is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// It cannot be.
    Refused,
    Unchanged,
    /// Its head is one more commit, finished and empty.
    Emptied,
    /// Its head is one more commit, with its parent's files, which nobody finishes.
    Open,
}

/// The releases whose answers were recorded; of 2.5, those that differ were read in its source.
const KNOWN: [Release; 10] = [
    Release::new(1, 12, 5),
    Release::new(1, 13, 4),
    Release::new(2, 0, 8),
    Release::new(2, 3, 9),
    Release::new(2, 5, 9),
    Release::new(2, 6, 11),
    Release::new(2, 7, 8),
    Release::new(2, 8, 10),
    Release::new(2, 10, 7),
    Release::new(2, 12, 0),
];

impl Default for Dialect {
    fn default() -> Self {
        Self(KNOWN[KNOWN.len() - 1])
    }
}

impl Dialect {
    /// The dialect of a minor version, whatever the patch; `None` if nobody has recorded it.
    pub fn of(release: Release) -> Option<Self> {
        let same = |known: &&Release| (known.major, known.minor) == (release.major, release.minor);
        KNOWN.iter().find(same).map(|known| Self(*known))
    }

    /// Minor versions that there is a dialect of, as one writes them.
    pub fn known() -> Vec<String> {
        let minor = |known: &Release| format!("{}.{}", known.major, known.minor);
        KNOWN.iter().map(minor).collect()
    }

    pub fn release(self) -> Release {
        self.0
    }

    /// The minor version of a 2.x.
    fn minor(self) -> i64 {
        if self.0.major < 2 { -1 } else { i64::from(self.0.minor) }
    }

    fn since(self, minor: i64) -> bool {
        self.minor() >= minor
    }

    /// What a spout that is started again after a stop finds on its branch (387, 392, 445).
    pub fn restart(self) -> Restart {
        match self.0.minor {
            _ if self.is_1_x() => Restart::Unchanged,
            0 | 1 => Restart::Refused,
            2..=5 => Restart::Unchanged,
            6 | 7 => Restart::Emptied,
            _ => Restart::Open,
        }
    }

    /// A pipeline tells when what was done is done again (grpc-1.12 242).
    pub fn tells_when_it_reprocesses(self) -> bool {
        self.0 >= Release::new(1, 13, 0)
    }

    /// Whether pachd says in which step a call was refused: 2.12 says more of them than those before.
    pub fn says(self, step: &str) -> bool {
        match step {
            // 101, 109
            "inspect branch in transaction" | "ensure repo exists" => self.since(8),
            "pipeline was not inspected" => self.since(5),
            step if step.starts_with("unable to inspect ") => self.is_1_x() || self.since(6),
            step if step.starts_with("error running request ") => true,
            step if step.starts_with("error stopping pipeline ") => true,
            "start commit in transaction"
            | "finish commit in transaction"
            | "add file set"
            | "get file"
            | "get file set" => self.since(12),
            _ => true,
        }
    }

    /// The step in which a repo's branches are deleted with it.
    pub fn step_of_deleting_repos(self) -> &'static str {
        if self.since(8) {
            "delete repo"
        } else {
            "error deleting branches"
        }
    }

    /// As error texts name a repo: with its project, where there are any.
    pub fn repo(self, repo: &Repo) -> String {
        if self.has_projects() {
            repo.to_string()
        } else {
            repo.name.to_string()
        }
    }

    /// `repo@branch`
    pub fn branch(self, branch: &Branch) -> String {
        format!("{}@{}", self.repo(&branch.repo), branch.name)
    }

    /// The project that a message names, if it counts.
    pub fn project(self, name: &str) -> &str {
        if self.has_projects() { name } else { DEFAULT_PROJECT }
    }
}

/// What is so in some minor versions of 2.x, before the first of which 1.x is: `6..` is since 2.6, `..0` is 1.x alone.
macro_rules! facts {
    ($($(#[doc = $doc:literal])+ $name:ident: $minors:expr;)+) => {
        impl Dialect {
            $($(#[doc = $doc])+ pub fn $name(self) -> bool {
                ($minors).contains(&self.minor())
            })+
        }
    };
}

facts! {
    /// Its services are those of 1.x (101, 102), and so are its words.
    is_1_x: ..0;
    /// A commit is finished when the call that closes it answers, or stays open (grpc-1.13 031, 035, 036).
    finishes_at_once: ..0;
    /// A branch that has no commit gets an empty one (138, 139, 244); before, it has no head (grpc-1.13 057).
    heads_every_branch: 0..;
    /// A spout's own branch is written by its sidecar alone (grpc-1.13 244–248).
    closes_outputs: 0..;
    /// An output branch is refused to others than its pipeline before its head is looked at (seen on 2.0.8, 2.3.9,
    /// 2.5.9).
    looks_at_outputs_first: 0..6;
    /// A branch that pipelines read is not deleted, since it has subvenance; from 2.8 on, since it is in their
    /// provenance.
    minds_subvenance: 0..8;
    /// What speaks against the deletion of a repo is said with what was checked (source).
    says_what_it_checks: 6..;
    /// Repos are listed with those made last first (seen on 1.13.4, 2.0.8, 2.3.9, 2.5.9; source); since, by their
    /// names.
    lists_newest_repos_first: ..8;
    /// What was written into a commit that its writer has given up is shown, also with what is before it (154;
    /// grpc-1.13 073, 074).
    shows_what_is_given_up: 0..;
    /// A commit forgets a branch that is deleted (grpc-2.3 190; the rest: source).
    forgets_deleted_branches: 6..;
    /// Before, `project` in a message is passed over (118), and names have none.
    has_projects: 5..;
    /// A commit is known by its branch and its id together, is named `repo@branch=id`, and a branch that is moved onto
    /// a commit of another one gets a commit of its own, an alias of it (172–178).
    commits_are_of_branches: 0..6;
    /// Commits in answers have a `repo` (013).
    commits_have_repos: 6..;
    /// Commits in answers have their `branch` (121).
    commits_have_branches: ..12;
    /// `InspectCommit` waits for FINISHING; before, it answers at once (measured).
    waits_for_finishing: 5..;
    /// What is not there, or there already, has a code (101–105); before, both are *unknown*, all but what the storage
    /// layer says (274, 317).
    has_codes: 1..;
    /// The main server says of a call that it does not know that it is a bug (094, 411–413).
    calls_unknown_calls_a_bug: 0..4;
    /// `POST /api/…`
    has_gateway: 8..;
    /// `DropCommitSet` of an id that no commit has is no error (418).
    drops_what_is_gone: 6..;
    /// Deleting a branch that is not there is an error (189).
    minds_missing_branches: 8..;
    /// A subscription to a repo that is not there ends; before, it is silent (027).
    minds_missing_repos: 8..;
    /// A head that ended with a collision is not read (145, 146).
    minds_collisions: 12..;
    /// The first commit of a spout's branch has a description (378).
    describes_first_commits: 8..;
    /// Commits and branches tell when they were made and changed.
    tells_times: 11..;
    /// Of a commit that is not finished, a list of ancestors tells an upper bound of its size (484).
    lists_bounds_in_line: 6..;
    /// An upper bound of a commit's size is told also outside of lists (019).
    bounds_everywhere: ..8;
    /// A commit has details also before it is finished (015).
    details_everywhere: 6..;
    /// A commit that its writer has given up has a size as any other (153).
    sizes_what_is_given_up: ..1;
    /// `DeleteRepo` tells whether there was a repo (093).
    tells_of_deleted_repos: 8..;
    /// Projects are listed in the order of their making; before, the newest first (415).
    lists_oldest_projects_first: 7..;
    /// Whether a missing project is said with how it was looked for (118).
    finds_projects_by_name: 9..;
    /// The default project, too, tells when it was made (415).
    dates_default_project: 7..;
    /// A spout that another pipeline reads from is updated only while it is stopped: the database minds otherwise (seen
    /// on 2.8.10, 2.10.7 and 2.12.0).
    minds_updates_under_readers: 8..;
    /// A spout's code has a process group of its own, and what is left of the group when the code ends is killed.
    groups_spout_code: 5..;
    /// Who may do what is told by roles.
    has_roles: 0..;
    /// Spouts' code inherits where the database is.
    has_database: 0..;
    /// Spouts' code inherits where to find Loki.
    has_loki: 3..;
    /// Spouts' code inherits where the server's own coverage goes.
    measures_coverage: 6..;
    /// A file set's id is a token: 32 hex digits, a dot, 64 hex digits (020).
    file_sets_have_tokens: 12..;
    /// `started_time` of `ListCommit` counts (257).
    lists_by_time: 6..;
}
