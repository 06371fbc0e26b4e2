//! All projects, repos and pipelines; and one pipeline with its spec, and what `validate` says of it.

use maud::{Markup, html};
use serde_json::Value;

use super::address::Address;
use super::layout::{self, time};
use crate::serve::{Call, Service, Status};
use spoutctl_core::pfs::Repo;
use spoutctl_core::quantity::Size;
use spoutctl_lint::diagnostic::Severity;
use spoutctl_lint::source::SourceFile;
use spoutctl_lint::{Options, check};

const REPOS: usize = 500;

pub(super) fn page(service: &Service, call: &Call) -> Result<Markup, Status> {
    let projects = service.store.projects()?;
    let mut repos = service.listed(call, service.store.repos()?, |record| &record.repo)?;
    repos.sort_by_key(|record| record.repo.to_string());
    let pipelines = service.listed(call, service.store.pipelines()?, |record| &record.name)?;
    let release = service.dialect().release();
    let body = html! {
        h2 { "Repos" }
        @if repos.is_empty() {
            p class="hint" { "None yet. " code { "spoutctl put events --create-repo" } " makes one." }
        } @else {
            table class="wide" {
                thead {
                    tr {
                        th { "repo" } th { "branches" } th class="number" { "size" } th { "made" } th { "description" }
                    }
                }
                tbody {
                    @for record in repos.iter().take(REPOS) {
                        tr {
                            td { (layout::repo(&record.repo)) }
                            td { (record.branches.join(", ")) }
                            td class="number" { (Size(record.size_bytes)) }
                            td { (time(Some(record.created))) }
                            td { (record.description) }
                        }
                    }
                }
            }
            @if repos.len() > REPOS { p class="hint" { "and " (repos.len() - REPOS) " more" } }
        }
        h2 { "Pipelines" }
        @if pipelines.is_empty() {
            p class="hint" { "None yet. " code { "spoutctl create -f SPEC" } " makes one." }
        } @else {
            table class="wide" {
                thead {
                    tr {
                        th { "pipeline" } th class="number" { "version" } th { "state" } th { "branch" }
                        th { "updated" }
                    }
                }
                tbody {
                    @for record in pipelines.iter().take(REPOS) {
                        tr {
                            td {
                                a href=(Address::Pipeline(record.name.clone()).link()) {
                                    span class="project" { (record.name.project) "/" } (record.name.name)
                                }
                            }
                            td class="number" { (record.version) }
                            td { @if record.stopped { "stopped" } @else { "started" } }
                            td { (record.output_branch) }
                            td { (time(Some(record.updated))) }
                        }
                    }
                }
            }
        }
        h2 { "Projects" }
        ul {
            @for project in &projects {
                li { (project.name) @if !project.description.is_empty() { " – " (project.description) } }
            }
        }
        p class="hint" { "As Pachyderm " (release.major) "." (release.minor) " has it." }
    };
    Ok(layout::page("Store", &html! { h1 { "What is here" } }, None, &body))
}

pub(super) fn pipeline(service: &Service, name: &Repo) -> Result<Markup, Status> {
    let record = service.store.pipeline(name)?;
    let spec = pretty(&record.submitted);
    let file = SourceFile::new(format!("{}.json", name.name), spec.as_str());
    let findings = check(&file, &Options::default()).diagnostics;
    let body = html! {
        dl {
            dt { "writes" } dd { (layout::repo(name)) "@" (record.output_branch) }
            dt { "version" } dd { (record.version) }
            dt { "state" } dd { @if record.stopped { "stopped" } @else { "started" } }
            dt { "created" } dd {
                (time(Some(record.created)))
                @if !record.created_by.is_empty() { " by " (record.created_by) }
            }
            dt { "updated" } dd { (time(Some(record.updated))) }
        }
        h2 { "What validate says" }
        @if findings.is_empty() {
            p class="hint" { "Nothing wrong." }
        } @else {
            ul class="findings" {
                @for finding in &findings {
                    li {
                        span class=(if finding.severity == Severity::Error { "state bad" } else { "state open" }) {
                            (finding.severity)
                        }
                        " line " (file.position(finding.primary.span.start).line) ": " (finding.message) " "
                        code class="hint" { "[" (finding.rule) "]" }
                        @if let Some(help) = &finding.help { div class="hint" { (help) } }
                    }
                }
            }
        }
        h2 { "Spec" }
        pre { (spec) }
    };
    let title = format!("Pipeline {name}");
    Ok(layout::page(&title, &html! { h1 { "Pipeline " (name) } }, None, &body))
}

fn pretty(text: &str) -> String {
    let spec = serde_json::from_str::<Value>(text).and_then(|spec| serde_json::to_string_pretty(&spec));
    spec.unwrap_or_else(|_| text.to_owned())
}
