//! Addresses, and what of a description is whose.

use proptest::prelude::*;

use super::address::Address;
use super::layout::message_and_mark;
use spoutctl_core::pfs::{CommitId, ProjectName, Repo, RepoName};

fn repo() -> Repo {
    Repo {
        project: ProjectName::new("team").unwrap(),
        name: RepoName::new("events").unwrap(),
    }
}

fn id() -> CommitId {
    CommitId::new("0123456789ab4cde8123456789abcdef").unwrap()
}

proptest! {
    #[test]
    fn a_link_leads_to_the_page_that_it_was_made_for(path in "\\PC{0,40}", after in "\\PC{0,20}") {
        let (directory, path) = (format!("/{path}/"), format!("/{path}"));
        let addresses = [
            Address::Overview,
            Address::Pipeline(repo()),
            Address::Live(repo()),
            Address::Repo { repo: repo(), branch: Some(after.clone()), from: Some(id()) },
            Address::Commit { repo: repo(), id: id(), directory, after },
            Address::File { repo: repo(), id: id(), path: path.clone() },
            Address::Picture { repo: repo(), id: id(), path: path.clone() },
            Address::Diff { repo: repo(), old: id(), new: id(), path: None },
            Address::Diff { repo: repo(), old: id(), new: id(), path: Some(path) },
        ];
        for address in addresses {
            let link = address.link();
            let uri: hyper::Uri = link.parse().unwrap();
            prop_assert_eq!(Address::of(uri.path(), uri.query().unwrap_or_default()), Some(address), "{}", link);
        }
    }
}

#[test]
fn the_mark_is_the_last_line_and_the_rest_is_somebodys_own() {
    let mark = "spoutctl/1 stream=s seq=3 sha256=00 done";
    assert_eq!(message_and_mark(mark), ("", Some(mark)));
    assert_eq!(message_and_mark(&format!("one\ntwo\n{mark}")), ("one\ntwo", Some(mark)));
    assert_eq!(message_and_mark("one\ntwo"), ("one\ntwo", None));
}
