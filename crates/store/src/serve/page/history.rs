//! A repo: its branches, and the commits of one of them.

use std::ops::ControlFlow;

use maud::{Markup, html};

use super::address::Address;
use super::layout::{self, time};
use crate::serve::{Code, Service, Status};
use crate::{BranchRecord, CommitRecord, CommitSelector};
use spoutctl_core::pfs::{CommitId, DEFAULT_BRANCH, Repo};
use spoutctl_core::quantity::Size;

const COMMITS: usize = 50;

pub(super) fn page(
    service: &Service,
    repo: &Repo,
    branch: Option<&str>,
    from: Option<&CommitId>,
) -> Result<Markup, Status> {
    let record = service.store.repo(repo)?;
    let branches = service.store.branches(repo)?;
    let names: Vec<&str> = branches.iter().map(|record| record.branch.name.as_str()).collect();
    let shown = match branch {
        Some(name) if !names.contains(&name) => {
            return Err(Status::not_found(format!("there is no branch {name} in {repo}")));
        }
        Some(name) => Some(name),
        None => names
            .iter()
            .find(|name| **name == DEFAULT_BRANCH)
            .or(names.first())
            .copied(),
    };
    let (commits, older) = match shown {
        Some(branch) => commits(service, repo, branch, from)?,
        None => (Vec::new(), None),
    };
    let of_branch = |branch: &str, from: Option<CommitId>| Address::Repo {
        repo: repo.clone(),
        branch: Some(branch.to_owned()),
        from,
    };
    let body = html! {
        @if !record.description.is_empty() { p { (record.description) } }
        nav class="branches" { @for record in &branches { (tab(record, shown, &of_branch)) } }
        @if commits.is_empty() { p class="hint" { "No commit yet. They appear here as they arrive." } } @else {
            table class="wide" {
                thead {
                    tr {
                        th { "commit" } th { "state" } th { "finished" } th class="number" { "size" }
                        th { "stream" } th { "message" }
                    }
                }
                tbody { @for commit in &commits { (row(commit)) } }
            }
        }
        @if let (Some(branch), Some(older)) = (shown, older) {
            p { a rel="next" href=(of_branch(branch, Some(older)).link()) { "older commits" } }
        }
    };
    let heading = html! { h1 { (repo) } };
    // Older pages do not change.
    let live = Some(repo).filter(|_| from.is_none());
    Ok(layout::page(&repo.to_string(), &heading, live, &body))
}

fn tab(record: &BranchRecord, shown: Option<&str>, address: &dyn Fn(&str, Option<CommitId>) -> Address) -> Markup {
    let name = record.branch.name.as_str();
    let current = (shown == Some(name)).then_some("page");
    html! {
        a href=(address(name, None).link()) aria-current=[current] {
            (name)
            @if record.is_output { span class="hint" title="a pipeline writes it" { " output" } }
        }
    }
}

fn row(record: &CommitRecord) -> Markup {
    let (message, mark) = layout::message_and_mark(&record.info.description);
    html! {
        tr {
            td { (layout::commit(record)) }
            td { (layout::state(record)) }
            td { (time(record.info.finished)) }
            td class="number" { (Size(record.info.size_bytes)) }
            td { @if let Some(mark) = mark { (layout::stream(mark)) } }
            td class="message" { (message) }
        }
    }
}

/// A page of a branch's commits, the newest first, and the first of the next page.
fn commits(
    service: &Service,
    repo: &Repo,
    branch: &str,
    from: Option<&CommitId>,
) -> Result<(Vec<CommitRecord>, Option<CommitId>), Status> {
    let selector = CommitSelector {
        repo: repo.clone(),
        id: from.cloned(),
        branch: Some(branch.to_owned()),
        is_of_branch: false,
        back: 0,
    };
    let mut commits = Vec::new();
    let mut older = None;
    let listed = service.store.line(&selector, &mut |record| {
        if commits.len() == COMMITS {
            older = Some(record.info.commit.id);
            return ControlFlow::Break(());
        }
        commits.push(record);
        ControlFlow::Continue(())
    });
    match listed.map_err(Status::from) {
        // A branch without a head.
        Err(status) if status.code == Code::NotFound && from.is_none() => Ok((Vec::new(), None)),
        listed => listed.map(|()| (commits, older)),
    }
}
