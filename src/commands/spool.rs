//! `spoutctl spool`: what a spool holds, and what somebody decides about it.

use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use serde::Serialize;

use crate::cli::{self, SpoolArgs};
use crate::commands::printing::print;
use crate::commands::put;
use crate::commands::put::plan;
use crate::commands::put::spooling::failure;
use crate::failure::Failure;
use crate::terminal::{Answer, Terminal};
use spoutctl_core::exit::Exit;
use spoutctl_core::quantity::{Size, counted, grouped};
use spoutctl_delivery::spool::{Contents, HeldBack, Item, Spool};

/// How many of the archives that wait are named one by one.
const NAMED: usize = 20;

/// Runs the verb.
///
/// # Errors
/// When there is no spool, it cannot be used, or what was asked for does not apply.
pub fn run(args: &SpoolArgs) -> Result<Exit, Failure> {
    let terminal = Arc::new(Terminal::new(args.verbosity.level()));
    let decision = &args.decision;
    if !decision.send && (args.acknowledging.ack_fd.is_some() || args.acknowledging.ack_command.is_some()) {
        return Err(Failure::new(Exit::Usage, "only what is sent is acknowledged").help("add --send"));
    }
    if decision.send {
        return send(args);
    }
    if let Some(sequence) = decision.resend {
        let spool = open(&args.dir)?;
        spool.resend(sequence).map_err(|error| failure(&error))?;
        terminal.status(&format!(
            "archive {sequence} goes first with the next `put`, or `spool --send`"
        ));
        return Ok(Exit::Done);
    }
    if let Some(sequence) = decision.forget {
        let spool = open(&args.dir)?;
        agree(args, &terminal, &format!("Give archive {sequence} up, for good?"))?;
        spool.forget(sequence).map_err(|error| failure(&error))?;
        terminal.status(&format!("archive {sequence} is given up"));
        return Ok(Exit::Done);
    }
    if decision.discard {
        return discard(args, &terminal);
    }
    show(args, &terminal)
}

fn open(dir: &Path) -> Result<Spool, Failure> {
    Spool::open_existing(dir).map_err(|error| failure(&error))
}

/// The `put` that took the archives in, once more and without an input.
fn send(args: &SpoolArgs) -> Result<Exit, Failure> {
    let contents = Contents::look(&args.dir).map_err(|error| failure(&error))?;
    let Some(options) = contents.options else {
        return Err(Failure::new(Exit::Usage, "the spool has not taken anything in yet"));
    };
    let line = plan::command_line(&args.dir, &options);
    let mut put = cli::parse_put(line)
        .map_err(|error| anyhow!(error).context("what the spool remembers of its `put` cannot be understood"))?;
    let remembered = put.server.pachd.take();
    put.server = args.server.clone();
    if put.server.pachd.is_none() && put.server.context.is_none() {
        put.server.pachd = remembered;
    }
    put.commits.create_repo = args.create_repo;
    put.trying = args.trying.clone();
    put.verbosity = args.verbosity.clone();
    put.json = args.json;
    put.acknowledging = args.acknowledging.clone();
    put.commits.in_flight = args.in_flight;
    // A repo for what cannot be taken was named when it was taken in.
    if let Some(on_bad) = &args.on_bad {
        put.entries.on_bad = on_bad.clone();
    }
    put::send_spool(&put, plan::count_messages(&options))
}

fn discard(args: &SpoolArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let spool = open(&args.dir)?;
    let (archives, bytes) = spool.waiting();
    if archives == 0 {
        terminal.status("nothing waits");
        return Ok(Exit::Done);
    }
    let archives = counted(archives as u64, "archive");
    agree(
        args,
        terminal,
        &format!("Give {archives} ({}) up, for good?", Size(bytes)),
    )?;
    spool.discard().map_err(|error| failure(&error))?;
    terminal.status(&format!("{archives} given up"));
    Ok(Exit::Done)
}

/// Asks, unless `--yes` has answered already.
fn agree(args: &SpoolArgs, terminal: &Terminal, question: &str) -> Result<(), Failure> {
    if args.yes {
        return Ok(());
    }
    match terminal.ask(question) {
        Answer::Yes => Ok(()),
        Answer::No => Err(Failure::new(Exit::Usage, "nothing was changed")),
        Answer::Nobody => {
            Err(Failure::new(Exit::Usage, "this asks first, and there is no terminal to ask at").help("say --yes"))
        }
    }
}

fn show(args: &SpoolArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let contents = Contents::look(&args.dir).map_err(|error| failure(&error))?;
    if args.json {
        let text = serde_json::to_string(&Shown::new(&contents)).map_err(anyhow::Error::from)?;
        return print(terminal, &text);
    }
    print(terminal, &describe(&contents).join("\n"))
}

fn describe(contents: &Contents) -> Vec<String> {
    let bytes: u64 = contents.waiting.iter().map(|item| item.length).sum();
    let waiting = contents.waiting.len() as u64;
    let mut lines = vec![
        format!("accepted   {}", grouped(contents.accepted)),
        format!("waiting    {} ({})", grouped(waiting), Size(bytes)),
        format!("stream     {}", contents.stream),
    ];
    if contents.messages > 0 {
        lines.push(format!("messages   {}", grouped(contents.messages)));
    }
    if let Some(destination) = contents.options.as_ref().and_then(|options| options.0.get("DEST")) {
        lines.push(format!("goes to    {destination}"));
    }
    if let Some(pid) = contents.used_by {
        lines.push(format!("used by    process {pid}"));
    }
    for item in contents.waiting.iter().take(NAMED) {
        let Item {
            sequence,
            digest,
            length,
        } = item;
        lines.push(format!("  archive {sequence}   {}   sha256 {digest}", Size(*length)));
    }
    if contents.waiting.len() > NAMED {
        lines.push(format!("  and {} more", grouped(waiting - NAMED as u64)));
    }
    if let Some(held) = &contents.held_back {
        lines.push(format!("held back: archive {}: {}", held.sequence, held.reason));
    }
    let aside = contents.damaged.iter();
    lines.extend(aside.map(|path| format!("set aside: {}", path.display())));
    lines
}

/// `--json`. Fields are only ever added.
#[derive(Serialize)]
struct Shown<'a> {
    stream: &'a str,
    accepted: u64,
    /// The number of the newest message in them; 0 where there are none.
    messages: u64,
    destination: Option<&'a str>,
    used_by: Option<u32>,
    waiting: Vec<ShownItem>,
    held_back: Option<&'a HeldBack>,
    damaged: Vec<String>,
}

#[derive(Serialize)]
struct ShownItem {
    seq: u64,
    digest: String,
    bytes: u64,
}

impl<'a> Shown<'a> {
    fn new(contents: &'a Contents) -> Self {
        let destination = contents.options.as_ref().and_then(|options| options.0.get("DEST"));
        let item = |item: &Item| ShownItem {
            seq: item.sequence,
            digest: item.digest.to_string(),
            bytes: item.length,
        };
        Self {
            stream: contents.stream.as_str(),
            accepted: contents.accepted,
            messages: contents.messages,
            destination: destination.map(String::as_str),
            used_by: contents.used_by,
            waiting: contents.waiting.iter().map(item).collect(),
            held_back: contents.held_back.as_ref(),
            damaged: contents.damaged.iter().map(|path| path.display().to_string()).collect(),
        }
    }
}
