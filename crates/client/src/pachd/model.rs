//! What releases of Pachyderm 2.x do in their own way, as far as a client has to mind it: told by a number here, and
//! nowhere else. Facts and recordings of each release: `docs/versions.md`.
//!
//! Most of what differs needs no number. Words of refusal stand in one table, with those of every release; a call that
//! is not there says so; and an answer's own shape tells what it is about. What is left is what has to be known
//! *before* something is asked.

use spoutctl_core::release::Release;

/// What has to be minded. The default is what is safe for all of 2.x.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Model {
    pub commits: Commits,
    pub projects: Projects,
}

/// What a commit is known by. Every request names repo, branch and id, which all of 2.x takes; see
/// [`spoutctl_core::pfs::Commit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Commits {
    /// 2.0 to 2.5: a branch and an id together. Whoever has an id alone looks for its branch first. A branch that is
    /// moved gets a head of its own, an alias (recordings 2.3 172 to 178 and 186).
    #[default]
    ByBranchAndId,
    /// Since 2.6: the id.
    ById,
}

/// What a repo's project is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Projects {
    /// 2.0 to 2.4: nothing, the field is passed over (recording 2.3 118): what is meant for a project would land beside
    /// it.
    None,
    /// Since 2.5.
    #[default]
    Known,
}

impl Model {
    #[must_use]
    pub fn of(release: Release) -> Self {
        Self {
            commits: if release >= Release::new(2, 6, 0) {
                Commits::ById
            } else {
                Commits::ByBranchAndId
            },
            projects: if release >= Release::new(2, 5, 0) {
                Projects::Known
            } else {
                Projects::None
            },
        }
    }

    /// Of a server that does not tell its release (a sidecar), by whether it has calls for projects (recordings 461).
    #[must_use]
    pub fn by_calls(has_projects: bool) -> Self {
        let projects = if has_projects { Projects::Known } else { Projects::None };
        Self {
            projects,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_came_with_2_5_and_commits_by_id_with_2_6() {
        let of = |text: &str| {
            let Model { commits, projects } = Model::of(text.parse().unwrap());
            (commits, projects)
        };
        assert_eq!(of("2.0.8"), (Commits::ByBranchAndId, Projects::None));
        assert_eq!(of("2.4.6"), (Commits::ByBranchAndId, Projects::None));
        assert_eq!(of("2.5.9"), (Commits::ByBranchAndId, Projects::Known));
        assert_eq!(of("2.6.0"), (Commits::ById, Projects::Known));
        assert_eq!(of("2.12.0"), (Commits::ById, Projects::Known));
    }

    #[test]
    fn who_does_not_tell_its_release_is_treated_as_the_most_particular_that_it_can_be() {
        assert_eq!(Model::by_calls(false), Model::of(Release::new(2, 0, 0)));
        assert_eq!(Model::by_calls(true), Model::of(Release::new(2, 5, 0)));
    }
}
