//! `EditMetadata`: notes of users about what is here.

use super::commits::selector;
use super::{Call, Service, Status};
use crate::{Dialect, Edit as Change, Failure, Subject};
use spoutctl_core::pfs::{self, ProjectName};
use spoutctl_proto::google::Empty;
use spoutctl_proto::metadata::{BranchPicker, CommitPicker, Edit, EditMetadataRequest, ProjectPicker, RepoPicker};
use spoutctl_proto::pfs::{Branch, Commit, Project, Repo, USER};

fn project(picker: Option<&ProjectPicker>) -> Project {
    Project {
        name: picker.map(|picker| picker.name.clone()).unwrap_or_default(),
    }
}

fn repo(picker: Option<&RepoPicker>) -> Result<Repo, Status> {
    let name = picker.and_then(|picker| picker.name.as_ref());
    let name = name.ok_or_else(|| Status::unknown("repo picker cannot be nil"))?;
    Ok(Repo {
        name: name.name.clone(),
        r#type: if name.r#type.is_empty() {
            USER.to_owned()
        } else {
            name.r#type.clone()
        },
        project: Some(project(name.project.as_ref())),
    })
}

fn branch(picker: Option<&BranchPicker>) -> Result<Branch, Status> {
    let name = picker.and_then(|picker| picker.name.as_ref());
    let name = name.ok_or_else(|| Status::unknown("branch picker cannot be nil"))?;
    Ok(Branch {
        repo: Some(repo(name.repo.as_ref())?),
        name: name.name.clone(),
    })
}

fn commit(picker: &CommitPicker) -> Result<Commit, Status> {
    if let Some(named) = &picker.id {
        return Ok(Commit {
            repo: Some(repo(named.repo.as_ref())?),
            id: named.id.clone(),
            branch: None,
        });
    }
    let branch = branch(picker.branch_head.as_ref())?;
    Ok(Commit {
        repo: branch.repo.clone(),
        id: String::new(),
        branch: Some(branch),
    })
}

/// What an edit is about. A pipeline's notes are those of its repo.
fn subject(dialect: Dialect, edit: &Edit) -> Result<Subject, Failure> {
    if let Some(picker) = &edit.project {
        return Ok(Subject::Project(ProjectName::try_from(&project(Some(picker)))?));
    }
    if let Some(picker) = &edit.commit {
        return Ok(Subject::Commit(selector(dialect, &commit(picker)?)?));
    }
    if let Some(picker) = &edit.branch {
        return Ok(Subject::Branch(pfs::Branch::try_from(&branch(Some(picker))?)?));
    }
    if let Some(picker) = &edit.repo {
        return Ok(Subject::Repo(pfs::Repo::try_from(&repo(Some(picker))?)?));
    }
    if edit.cluster.is_some() {
        return Ok(Subject::Cluster);
    }
    if let Some(name) = edit.pipeline.as_ref().and_then(|picker| picker.name.as_ref()) {
        let named = Repo {
            name: name.name.clone(),
            r#type: USER.to_owned(),
            project: Some(project(name.project.as_ref())),
        };
        return Ok(Subject::Repo(pfs::Repo::try_from(&named)?));
    }
    Err(Status::unknown("unknown target <nil>").into())
}

fn change(edit: &Edit) -> Result<Change, Status> {
    if let Some(replace) = &edit.replace {
        return Ok(Change::Replace(replace.replacement.clone()));
    }
    if let Some(pair) = &edit.add_key {
        return Ok(Change::Add(pair.key.clone(), pair.value.clone()));
    }
    if let Some(pair) = &edit.edit_key {
        return Ok(Change::Set(pair.key.clone(), pair.value.clone()));
    }
    let key = edit.delete_key.as_ref().map(|key| key.key.clone());
    key.map(Change::Delete)
        .ok_or_else(|| Status::unknown("unknown edit <nil>"))
}

impl Service {
    /// All of the edits, or none.
    ///
    /// # Errors
    /// The first that is refused.
    pub fn edit_metadata(&self, _: &Call, request: &EditMetadataRequest) -> Result<Empty, Status> {
        let dialect = self.dialect;
        self.change(|work| {
            for (number, edit) in request.edits.iter().enumerate() {
                let carry_out =
                    || -> Result<(Subject, Change), Failure> { Ok((subject(dialect, edit)?, change(edit)?)) };
                let done = carry_out().and_then(|(subject, change)| work.edit_metadata(&subject, &change));
                done.map_err(|failure| failure.within(format!("edit #{number}")))?;
            }
            Ok(())
        })?;
        Ok(Empty {})
    }
}
