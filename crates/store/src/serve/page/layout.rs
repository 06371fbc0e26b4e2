//! What all pages have: the head, the way back, and how commits and tables look.

use jiff::{SignedDuration, Timestamp};
use maud::{DOCTYPE, Markup, html};

use super::address::Address;
use crate::CommitRecord;
use spoutctl_core::pfs::{Origin, Repo};
use spoutctl_core::quantity::age;

/// A whole page. `live` is the repo whose changes make it be asked for again.
pub(super) fn page(title: &str, heading: &Markup, live: Option<&Repo>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · spoutctl" }
                link rel="stylesheet" href=(Address::Style.link());
                @if let Some(repo) = live {
                    script src=(Address::Script.link()) data-live=(Address::Live(repo.clone()).link()) defer {}
                }
            }
            body {
                header { a class="home" href="/" { "spoutctl serve" } (heading) }
                main { (body) }
                footer { "Read-only. What is shown is what " code { "pachctl" } " and " code { "spoutctl" } " see." }
            }
        }
    }
}

/// A repo's name with the way to it.
pub(super) fn repo(repo: &Repo) -> Markup {
    let address = Address::Repo {
        repo: repo.clone(),
        branch: None,
        from: None,
    };
    html! { a href=(address.link()) { span class="project" { (repo.project) "/" } (repo.name) } }
}

/// The first of a commit's id, with the way to it.
pub(super) fn commit(record: &CommitRecord) -> Markup {
    let commit = &record.info.commit;
    html! {
        a class="id" title=(commit.id) href=(Address::of_commit(&commit.repo, &commit.id).link()) {
            (short(commit.id.as_str()))
        }
    }
}

pub(super) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// Whether it may be read, in a word.
pub(super) fn state(record: &CommitRecord) -> Markup {
    let info = &record.info;
    html! {
        @if !info.error.is_empty() {
            span class="state bad" title=(info.error) { "failed" }
        } @else if info.finished.is_some() {
            span class="state good" { "finished" }
        } @else if info.finishing.is_some() {
            span class="state open" { "finishing" }
        } @else {
            span class="state open" { "open" }
        }
        @if info.origin == Origin::Auto { " " span class="state" title="pachd made it, not a client" { "auto" } }
    }
}

/// What somebody wrote about a commit, and what `spoutctl put` keeps there: the last line, which begins with its
/// version.
pub(super) fn message_and_mark(description: &str) -> (&str, Option<&str>) {
    let (message, last) = description.rsplit_once('\n').unwrap_or(("", description));
    if last.starts_with("spoutctl/") {
        (message, Some(last))
    } else {
        (description, None)
    }
}

/// The stream and number of a mark.
pub(super) fn stream(mark: &str) -> Markup {
    let field = |name: &str| {
        let mut fields = mark.split(' ').filter_map(|field| field.split_once('='));
        fields.find(|(other, _)| *other == name).map(|(_, value)| value)
    };
    html! {
        span class="stream" title=(mark) {
            (field("stream").unwrap_or("?")) " #" (field("seq").unwrap_or("?"))
            @if let Some(messages) = field("messages") { ", messages " (messages) }
        }
    }
}

/// How long ago, with the time itself where a pointer rests on it.
pub(super) fn time(time: Option<Timestamp>) -> Markup {
    let Some(time) = time else { return html! { "–" } };
    let since = Timestamp::now().duration_since(time);
    let since = std::time::Duration::try_from(since.max(SignedDuration::ZERO)).unwrap_or_default();
    html! { time datetime=(time) title=(time) { (age(since)) " ago" } }
}
