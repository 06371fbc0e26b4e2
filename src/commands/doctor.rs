//! `spoutctl doctor`: looks at everything that a `put` needs, one thing after the other.

mod directory;
mod kafka;
mod network;
mod pachd;

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::{Colour, DoctorArgs};
use crate::commands::calls::Saying;
use crate::commands::denied::advise;
use crate::commands::printing::unless_lost;
use crate::commands::server;
use crate::commands::target::Target;
use crate::failure::Failure;
use crate::settings::{self, Address, Server};
use crate::terminal::{Answer, Terminal};
use kafka::Topics;
use pachyderm_client::Pachd;
use spoutctl_core::exit::Exit;
use spoutctl_core::fault::FaultKind;
use spoutctl_core::pfs::{Branch, CommitId};
use spoutctl_core::pipelines::Pipelines;
use spoutctl_delivery::CommitSink;
use spoutctl_delivery::examination::{
    Check, Dropped, Examination, Finding, NotDropped, OF_DESTINATION, Verdict, drop_open_head,
};
use spoutctl_kafka::standing::Known;

/// Runs the verb.
///
/// # Errors
/// When a commit was to be dropped and was not, or the findings could not be written.
pub fn run(args: &DoctorArgs) -> Result<Exit, Failure> {
    let terminal = Terminal::new(args.verbosity.level());
    let topics = Topics::of(&args.topics)?;
    let mut doctor = Doctor {
        args,
        terminal: &terminal,
        colour: match args.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => settings::colour(terminal.is_on_screen()),
        },
        faults: 0,
        warnings: 0,
        exit: Exit::Done,
        waiting: Vec::new(),
        known: Known::NoBranch,
    };
    let mut looked = doctor.look();
    if let (Ok(()), Some(topics)) = (&looked, &topics) {
        looked = doctor.topics(topics);
    }
    doctor.say_what_waits();
    looked?;
    doctor.summarise()?;
    unless_lost(&terminal)?;
    Ok(doctor.exit)
}

struct Doctor<'a> {
    args: &'a DoctorArgs,
    terminal: &'a Terminal,
    colour: bool,
    faults: usize,
    warnings: usize,
    /// Of the first fault.
    exit: Exit,
    /// What was not checked, to be said in one line.
    waiting: Vec<Finding>,
    /// Where the destination stands in the topics of Kafka.
    known: Known,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Check {
        check: &'static str,
        verdict: &'static str,
        said: &'a str,
        #[serde(skip_serializing_if = "<[String]>::is_empty")]
        details: &'a [String],
        #[serde(skip_serializing_if = "<[String]>::is_empty")]
        next: &'a [String],
    },
    Summary {
        faults: usize,
        warnings: usize,
        exit: u8,
    },
}

impl Doctor<'_> {
    fn look(&mut self) -> Result<(), Failure> {
        let server = match server::find(&self.args.server) {
            Ok(server) => server,
            Err(failure) => {
                self.say(&of_failure(Check::Address, failure));
                let rest = [Check::Dns, Check::Tcp, Check::Version, Check::Auth];
                return self.wait_for(Check::Address, &rest);
            }
        };
        if let Err(error) = server.address.check() {
            self.say(&of_failure(Check::Address, server::usage(&error)));
            let rest = [Check::Dns, Check::Tcp, Check::Version, Check::Auth];
            return self.wait_for(Check::Address, &rest);
        }
        self.say(&address(&server));
        match &server.address {
            Address::Local(directory) => {
                for finding in directory::look(directory) {
                    let is_fault = finding.is_fault();
                    self.say(&finding);
                    if is_fault {
                        return self.wait_for(finding.check, &[]);
                    }
                }
            }
            address => {
                if let Some(broken) = self.network(&server, address) {
                    return self.wait_for(broken, &[Check::Version, Check::Cluster, Check::Auth]);
                }
            }
        }
        self.store(&server)
    }

    /// The way to pachd; which check found it broken, if one did.
    fn network(&mut self, server: &Server, address: &Address) -> Option<Check> {
        let mut broken = None;
        network::look(server, address, self.args.timeout, &mut |finding| {
            if finding.is_fault() {
                broken = Some(finding.check);
            }
            self.say(&finding);
        });
        broken
    }

    /// Pachd, or the store in a directory, and the destination in it.
    fn store(&mut self, server: &Server) -> Result<(), Failure> {
        let Some(pachd) = server::pachd_within(server, self.args.timeout, Saying::where_wanted(self.terminal))? else {
            let sink = server::sink(server, self.terminal)?;
            return self.destination(server, None, sink.as_ref());
        };
        for check in [Check::Version, Check::Cluster, Check::Auth] {
            let finding = match check {
                Check::Version => pachd::version(&*pachd, server, self.args.timeout),
                Check::Cluster => pachd::cluster(&*pachd, server),
                _ => pachd::auth(&*pachd, server),
            };
            self.say(&finding);
            if finding.is_fault() {
                let rest = [Check::Cluster, Check::Auth];
                let at = rest.iter().position(|other| *other == check).map_or(0, |at| at + 1);
                return self.wait_for(check, &rest[at..]);
            }
        }
        self.destination(server, Some(&*pachd), &*pachd)
    }

    fn destination(
        &mut self,
        server: &Server,
        pachd: Option<&dyn Pachd>,
        sink: &dyn CommitSink,
    ) -> Result<(), Failure> {
        let Some(target) = Target::of(self.args.destination.as_ref(), server)? else {
            return Ok(());
        };
        let target = target.with_output_branch(server, Duration::ZERO, self.terminal)?;
        // A sidecar does not say which release it is; in its pod nobody is stopped.
        let release = pachd.and_then(|pachd| pachd.version().ok()).unwrap_or_default();
        let branch = &target.destination.branch;
        let examination = Examination {
            sink,
            pipelines: pachd.map(|pachd| pachd as &dyn Pipelines),
            branch,
            is_own: target.is_own,
            starts_again: !(release.starts_with("2.0.") || release.starts_with("2.1.")),
            now: Timestamp::now(),
        };
        if let Some(id) = &self.args.drop {
            self.drop(sink, branch, id, server)?;
        }
        examination.run(&mut |finding| self.say(&pachd::explained(finding, server)));
        if self.args.topics.from.is_some() {
            self.known = kafka::known(
                sink,
                branch,
                self.args.topics.stream.as_ref().or(target.stream.as_ref()),
            );
        }
        Ok(())
    }

    /// The way to Kafka, and what there is.
    fn topics(&mut self, topics: &Topics) -> Result<(), Failure> {
        let known = std::mem::replace(&mut self.known, Known::NoBranch);
        topics.look(&known, self.args.timeout, &mut |finding| self.say(&finding));
        Ok(())
    }

    fn drop(&self, sink: &dyn CommitSink, branch: &Branch, id: &CommitId, server: &Server) -> Result<(), Failure> {
        if !self.args.yes {
            let question = format!("Drop commit {id} of {branch}, and what it holds, for good?");
            match self.terminal.ask(&question) {
                Answer::Yes => {}
                Answer::No => return Err(Failure::new(Exit::Usage, "nothing was changed")),
                Answer::Nobody => {
                    let text = "this asks first, and there is no terminal to ask at";
                    return Err(Failure::new(Exit::Usage, text).help("say --yes"));
                }
            }
        }
        let dropped = drop_open_head(sink, branch, id).map_err(|error| not_dropped(&error, server))?;
        self.terminal.status(&match dropped {
            Dropped::Gone => format!("commit {id} is dropped, and {branch} is free"),
            Dropped::FinishedWithError => format!(
                "commit {id} is finished with an error, and {branch} is free; to drop it we lack a permission on the \
                 cluster"
            ),
            Dropped::Left => {
                format!(
                    "commit {id} is ended with an error, so that nobody sees its data; it stays in the history of \
                         {branch}"
                )
            }
        });
        Ok(())
    }

    /// What cannot be looked at before `first` is right.
    fn wait_for(&mut self, first: Check, rest: &[Check]) -> Result<(), Failure> {
        let of_destination: &[Check] = match self.args.destination {
            Some(_) => &OF_DESTINATION,
            None => &[],
        };
        for check in rest.iter().chain(of_destination) {
            self.say(&Finding::not_checked(*check, first));
        }
        match &self.args.drop {
            Some(id) => Err(Failure::new(self.exit, format!("commit {id} was not dropped"))
                .help(format!("mend what is said of {} first", first.name()))),
            None => Ok(()),
        }
    }

    fn say(&mut self, finding: &Finding) {
        match finding.verdict {
            Verdict::Fault(exit) => {
                self.faults += 1;
                if self.exit == Exit::Done {
                    self.exit = exit;
                }
            }
            Verdict::Warning => self.warnings += 1,
            Verdict::Fine | Verdict::NotChecked => {}
        }
        let verdict = word(finding.verdict);
        if self.args.json {
            let line = Line::Check {
                check: finding.check.name(),
                verdict,
                said: &finding.said,
                details: &finding.details,
                next: &finding.next,
            };
            // Of strings alone; it cannot fail.
            self.terminal.result(&serde_json::to_string(&line).unwrap_or_default());
            return;
        }
        if finding.verdict == Verdict::NotChecked {
            return self.waiting.push(finding.clone());
        }
        self.say_what_waits();
        let verdict = self.painted(finding.verdict, &format!("{verdict:<8}"));
        // The names of Kafka's checks are longer.
        let width = if self.args.topics.from.is_some() { 10 } else { 9 };
        self.terminal
            .result(&format!("{verdict} {:<width$} {}", finding.check.name(), finding.said));
        let begin = " ".repeat(9 + width);
        for detail in &finding.details {
            self.terminal.result(&format!("{begin} {detail}"));
        }
        for next in &finding.next {
            self.terminal.result(&format!("{begin} help: {next}"));
        }
    }

    fn painted(&self, verdict: Verdict, text: &str) -> String {
        let colour = match verdict {
            _ if !self.colour => return text.to_owned(),
            Verdict::Fine => "\x1b[32m",
            Verdict::Warning => "\x1b[33m",
            Verdict::Fault(_) => "\x1b[31m",
            Verdict::NotChecked => "\x1b[2m",
        };
        format!("{colour}{text}\x1b[0m")
    }

    fn say_what_waits(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        for same in waiting.chunk_by(|one, other| one.said == other.said) {
            let names: Vec<&str> = same.iter().map(|finding| finding.check.name()).collect();
            let said = &same[0].said;
            self.terminal.result(&format!("-        {}: {said}", names.join(", ")));
        }
    }

    fn summarise(&mut self) -> Result<(), Failure> {
        if self.args.json {
            let line = Line::Summary {
                faults: self.faults,
                warnings: self.warnings,
                exit: self.exit.code(),
            };
            let line = serde_json::to_string(&line).map_err(anyhow::Error::from)?;
            self.terminal.result(&line);
        }
        Ok(())
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fine => "ok",
        Verdict::Warning => "warning",
        Verdict::Fault(_) => "fault",
        Verdict::NotChecked => "-",
    }
}

fn of_failure(check: Check, failure: Failure) -> Finding {
    Finding {
        details: failure.details,
        next: failure.help,
        ..Finding::fault(check, failure.exit, failure.heading)
    }
}

fn address(server: &Server) -> Finding {
    let said = format!("{} ({})", server.address, server.address_from);
    let mut finding = Finding::fine(Check::Address, said);
    if !server.warnings.is_empty() {
        finding.verdict = Verdict::Warning;
        finding.details.clone_from(&server.warnings);
    }
    finding
}

fn not_dropped(error: &NotDropped, server: &Server) -> Failure {
    let failure = Failure::new(Exit::Refused, error.to_string());
    match error {
        NotDropped::NothingOpen { .. } => failure.help("nothing keeps anybody from writing there"),
        NotDropped::Another { branch, found } => {
            failure.help(format!("to drop that one: spoutctl doctor {branch} --drop {found}"))
        }
        NotDropped::Fault { fault, .. } => advise(
            Failure {
                exit: if fault.is_passing() {
                    Exit::Unavailable
                } else {
                    Exit::Refused
                },
                denied: (fault.kind == FaultKind::Denied).then(|| fault.message.clone()),
                ..failure
            },
            server,
        ),
    }
}
