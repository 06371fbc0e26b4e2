//! Several spouts that divide the partitions of Kafka's topics among themselves, each with a spec, a repo and a stream
//! of its own.

use std::ops::ControlFlow;

use crate::cli::{ServerArgs, SharingArgs};
use crate::commands::pipelines::failure;
use crate::commands::server;
use crate::commands::target::Target;
use crate::failure::Failure;
use crate::scaffold::Draft;
use crate::terminal::Terminal;
use spoutctl_core::assignment::Assignment;
use spoutctl_core::exit::Exit;
use spoutctl_core::pfs::Branch;
use spoutctl_core::pipelines::State;
use spoutctl_core::positions::Positions;
use spoutctl_delivery::CommitSink;
use spoutctl_delivery::mark::{Mark, Stage};

/// A draft for each spout: that one, or as many as were wished for.
///
/// # Errors
/// What cannot be divided; where those that read so far are not known, or not stopped.
pub(super) fn divided(
    args: &SharingArgs,
    draft: &Draft,
    server: &ServerArgs,
    terminal: &Terminal,
) -> Result<Vec<Draft>, Failure> {
    let (Some(spouts), Some(count)) = (args.spouts, args.topic_partitions) else {
        return Ok(vec![draft.clone()]);
    };
    let usage = |what: String| Failure::new(Exit::Usage, what);
    if draft.template().has_consumer() {
        let what = "--spouts divides the partitions of Kafka's topics, which put reads by itself";
        return Err(usage(what.to_owned()).help("--template kafka"));
    }
    if spouts > count {
        let what = format!("{spouts} spouts cannot each have one of {count} partitions");
        return Err(usage(what).help(format!("--spouts {count} is the most")));
    }
    let before = before(args, count, server, terminal)?;
    let topics = before.topics(draft, terminal)?;
    let name = draft.name.as_deref().unwrap_or_default();
    let shares = Assignment::divided(count, spouts).into_iter().enumerate();
    let of_share = |(at, share): (usize, Assignment)| {
        let mut one = Draft {
            name: Some(format!("{name}-{at}")),
            ..draft.clone()
        };
        one.more = vec!["--partitions".to_owned(), share.to_string()];
        for start in before.starts(&topics, &share, count)? {
            one.more.extend(["--start-at".to_owned(), start]);
        }
        Ok(one)
    };
    shares.map(of_share).collect()
}

/// Where those are that have read the topics so far.
struct Before(Vec<(Branch, Positions)>);

fn before(args: &SharingArgs, count: u32, server: &ServerArgs, terminal: &Terminal) -> Result<Before, Failure> {
    if args.positions_of.is_empty() {
        return Ok(Before(Vec::new()));
    }
    let server = server::find(server)?;
    let pachd = server::pachd(&server, terminal)?;
    let sink = server::existing_sink(&server, terminal)?;
    let mut all: Vec<(Branch, Positions)> = Vec::new();
    for named in &args.positions_of {
        let Some(target) = Target::of(Some(named), &server)? else {
            continue;
        };
        let branch = target.destination.branch;
        if let Some(pachd) = &pachd {
            let found = pachd.find_pipeline(&branch.repo);
            let found = found.map_err(|fault| failure(&format!("cannot ask for pipeline {}", branch.repo), &fault))?;
            if found.is_some_and(|running| running.state != State::Stopped) {
                let what = format!("{} is not stopped: where it is now, it is not for long", branch.repo);
                let stop = format!("pachctl stop pipeline {}", branch.repo.for_pachctl(""));
                return Err(Failure::new(Exit::Refused, what).help(stop));
            }
        }
        let positions = newest(&*sink, &branch)?;
        let beyond = positions.iter().find(|(_, partition, _)| *partition >= count);
        if let Some((topic, partition, _)) = beyond {
            let what = format!("{branch} has read {topic} [{partition}], and --topic-partitions says {count}");
            return Err(Failure::new(Exit::Usage, what).help("say how many there are now"));
        }
        if let Some((other, before)) = all.first()
            && before.cluster() != positions.cluster()
        {
            let what = format!("{other} and {branch} are of two clusters of Kafka");
            return Err(Failure::new(Exit::Usage, what));
        }
        all.push((branch, positions));
    }
    Ok(Before(all))
}

/// What the newest commit says of the stream that a spout has by itself.
fn newest(sink: &dyn CommitSink, branch: &Branch) -> Result<Positions, Failure> {
    let own = branch.repo.to_string();
    let mut found = None;
    let mut is_settled = true;
    let listed = sink.list_commits(branch, &mut |info| {
        let mark = Mark::of(&info).filter(|mark| mark.stage == Stage::Done && info.error.is_empty());
        let mark = mark.filter(|mark| [own.as_str(), "kafka"].contains(&mark.stream.as_str()));
        let positions = mark.and_then(|mark| mark.positions);
        found = positions.and_then(|positions| positions.partitions().ok());
        is_settled = info.finished.is_some();
        match found {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    });
    listed.map_err(|fault| failure(&format!("cannot read the commits of {branch}"), &fault))?;
    match found {
        Some(positions) if is_settled => Ok(positions),
        Some(_) => Err(Failure::new(
            Exit::Unavailable,
            format!("pachd is still finishing the newest commit of {branch}"),
        )
        .help("try again when it has")),
        None => Err(Failure::new(
            Exit::Usage,
            format!("no commit of {branch} says where partitions of Kafka go on"),
        )
        .help("name those that have read the topics, and leave out those that have read nothing")),
    }
}

impl Before {
    /// What `--start-at` says of the partitions of a spout: the furthest that anybody has who reads one, since whoever
    /// had it before, and has committed nothing since, was not as far as whoever has it now. Also of those that the
    /// spout has read itself: its stream may have another name now, or its commits stand on another branch.
    ///
    /// # Errors
    /// Where none of them reads a partition: somebody does who was not named, and is further.
    fn starts(&self, topics: &[&str], share: &Assignment, count: u32) -> Result<Vec<String>, Failure> {
        let mut starts = Vec::new();
        for topic in topics {
            let mut offsets = Vec::new();
            for partition in (0..count).filter(|partition| share.contains(*partition)) {
                let all = self.0.iter().map(|(_, positions)| positions);
                let reads = |positions: &&Positions| positions.knows(topic) && positions.reads(topic, partition);
                let readers = all.filter(reads).map(|positions| positions.of(topic, partition));
                // One that its reader has not begun with was added since.
                let furthest = readers.max().ok_or_else(|| self.unread(topic, partition))?;
                offsets.push(format!("{partition}={}", furthest.unwrap_or(0)));
            }
            starts.push(format!("{topic}:{}", offsets.join(",")));
        }
        Ok(starts)
    }

    /// Of the topics of a draft those that somebody has read.
    ///
    /// # Errors
    /// When there is none.
    fn topics<'a>(&self, draft: &'a Draft, terminal: &Terminal) -> Result<Vec<&'a str>, Failure> {
        if self.0.is_empty() {
            return Ok(Vec::new());
        }
        let named = draft.env.iter().filter(|variable| variable.name == "TOPIC");
        let named = named.flat_map(|variable| variable.value.split(','));
        let is_known = |topic: &&str| self.0.iter().any(|(_, positions)| positions.knows(topic));
        let (known, unknown): (Vec<_>, Vec<_>) = named.partition(is_known);
        if known.is_empty() {
            let what = match unknown[..] {
                [] => "--positions-of wants to know the topics".to_owned(),
                _ => format!("none of {} has read {}", self.named(), unknown.join(", ")),
            };
            return Err(Failure::new(Exit::Usage, what).help("name them as they are read: --env TOPIC=orders,clicks"));
        }
        for topic in unknown {
            terminal.note(&format!(
                "none of {} has read {topic}: it begins where --start says",
                self.named()
            ));
        }
        Ok(known)
    }

    fn named(&self) -> String {
        let named: Vec<_> = self.0.iter().map(|(branch, _)| branch.to_string()).collect();
        named.join(", ")
    }

    fn unread(&self, topic: &str, partition: u32) -> Failure {
        let what = format!(
            "as their newest commits say, none of {} reads {topic} [{partition}]",
            self.named()
        );
        Failure::new(Exit::Usage, what)
            .help("name all that read the topic: --positions-of REPO,…")
            .help(format!(
                "where its reader has committed nothing yet, write the specs without --positions-of, and into each the \
                 offsets by hand: --start-at {topic}:{partition}=OFFSET"
            ))
    }
}
