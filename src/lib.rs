//! spoutctl: every complete tar archive on standard input becomes one finished Pachyderm commit.
//!
//! # Architecture
//!
//! ```text
//! stdin ─ messages ─ stdout                                        pack
//! stdin ─ (messages) ─ archive ─ delivery ─(CommitSink)─ grpc | gateway | store    put
//! Kafka ─ kafka ─ messages ─ archive ─ delivery                     put --from
//! file of streams ─ put, put, …                                     run
//! stdout ───────────────────── retrieval ─(FileSource)─ grpc | gateway | store     get
//! history ──── squashing ─(CommitSink, SquashingSink)─ grpc | gateway | store   squash
//! stdout ───────────────────── following ─(CommitFeed)─ grpc | gateway | store     tail
//!                                    HTTP ─ serve ─── store        serve
//! files ─ (jsonnet) ─ spec ─ lint ─ report ─ stdout                validate
//! editor ─ lsp ─ spec ─ lint ─ editor                              lsp
//! answers ─ scaffold ─ lint ─ files                                create
//! stdout ──────── examination ─(CommitSink, Pipelines)─ grpc | gateway | store     doctor
//! files ─ spec ─ lint ─(Pipelines)─ grpc | gateway                  create -f
//! ```
//!
//! Cargo holds the layers: a crate sees what its manifest names, and nothing else.
//!
//! | crate | what it is | sees |
//! |---|---|---|
//! | [`spoutctl_core`] | the words (repos, branches, commits, faults) and the ports | – |
//! | [`spoutctl_archive`] | bytes → complete archives → entries | core |
//! | [`spoutctl_fields`] | the fields of a spec, by version | – |
//! | [`spoutctl_proto`] | pachd's messages | core, fields |
//! | [`pachyderm_client`] | pachd through gRPC or the gateway: implements the ports | core, archive, proto |
//! | [`spoutctl_lint`] | specs, rules, reports | fields |
//! | [`spoutctl_store`] | the embedded store, which implements the ports, and `serve`, pachd's APIs over it | core, proto, lint |
//! | [`spoutctl_delivery`] | `put`, `tail`, `get`, `squash`, messages, `doctor`: the domain, over the ports | core, archive |
//! | [`spoutctl_kafka`] | Kafka's topics through librdkafka, as a source of records for delivery; with the feature `kafka` | core, delivery |
//! | this one | [`cli`], [`commands`], [`settings`], [`terminal`], [`metrics`], [`otlp`], [`jsonnet`], [`lsp`], [`scaffold`], [`failure`] | all |
//!
//! The domain knows no server, terminal or environment. It uses ports: [`CommitSink`](spoutctl_core::sink::CommitSink),
//! [`FileSource`](spoutctl_core::source::FileSource), [`CommitHistory`](spoutctl_core::history::CommitHistory),
//! [`CommitFeed`](spoutctl_core::feed::CommitFeed), [`Pipelines`](spoutctl_core::pipelines::Pipelines); adapters
//! implement them, and a verb in [`commands`] introduces the two. Here clap and anyhow are used, and nowhere else.
//!
//! # What `put` promises
//!
//! One complete archive is one finished commit: never half of one, never twice, in order, and acknowledged only when
//! the server says that the commit is finished without an error. [`spoutctl_archive`] decides where an archive ends;
//! [`spoutctl_delivery`] has the rules by which it becomes a commit.
//!
//! # What `tail` promises
//!
//! Each finished commit of a branch once, in order, whatever breaks on the way; a history that was rewritten is said,
//! and never guessed about. [`spoutctl_delivery::following`] has the rules.
//!
//! # Bounds
//!
//! Everything that grows has a bound, and everything that waits has a time-out:
//!
//! | what | bound | where |
//! |---|---|---|
//! | bytes of archives held in memory, all together | 8 MiB, then an unnamed temporary file, or nothing where the input is a regular file | [`spoutctl_delivery::spill`] |
//! | files of an archive that came and did not leave yet; that left early | the path and 56 bytes each; 16 bytes each | [`spoutctl_delivery::early`] |
//! | bytes that leave early in one part | 32 MiB, read from where the archive is held | [`spoutctl_delivery::early`] |
//! | bytes that leave in one part when the archive is complete | 32 MiB; of more than 2 GiB a 64th, at most 256 MiB | `delivery::upload` |
//! | what is held of an archive with `--hold-limit` | that, 64 MiB and 8 MiB of memory; then the producer waits | [`spoutctl_delivery::early`] |
//! | file sets of an archive that is still read | 15 of each 16, 256, 4,096 … parts; renewed every 3 min | [`spoutctl_delivery::early`] |
//! | what tells whether a file was changed that is read again | 128 KiB a GiB of an archive | [`spoutctl_delivery::rereading`] |
//! | archives in hand | one being read, one being sent, and those that wait to be finished (`--in-flight`) | [`commands::put`] |
//! | archives that arrive while a commit is begun, with `--batch adaptive` | 128, and `--batch-bytes` and one more | `delivery::arriving` |
//! | archives that become one commit together | `--batch-bytes`, 64 MiB, held as one archive is; about 150 bytes a file and twice its path; 1,000 are listed | [`spoutctl_delivery::batching`] |
//! | archives that wait in a spool | `--spool-limit`, 1 GiB on disk; then the producer is held back; 25 MB in memory | [`spoutctl_delivery::spool`] |
//! | the index of an archive's entries | about 100 bytes an entry and its path, at most 4,096 bytes each | [`spoutctl_archive`] |
//! | what links to directories stand for | 1,048,576 files, 64 MiB of paths | [`spoutctl_archive`] |
//! | what a commit changed, while it is copied | about 50 bytes a file and its path | [`spoutctl_delivery::retrieval`] |
//! | one extension header; a sparse map | 1 MiB; 1,048,576 segments an archive | [`spoutctl_archive`] |
//! | a zstd window | 128 MiB, as zstd's own default | [`spoutctl_archive`] |
//! | what a template may take to be evaluated | 10 s of computing, 512 MiB, 500 calls in calls, in a process of its own | [`jsonnet`] |
//! | a spec file; what `validate` keeps | 16 MiB; the text of files in which something was found | [`commands::validate`] |
//! | a file that is read because somebody named it: cursor, token, certificates, configurations, journal, script | 1 MiB to 64 MiB; no device, no FIFO where a file is meant | [`spoutctl_core::named_file`] |
//! | what `create -f` keeps; a script that becomes a part of a spec | the texts of all its specs; 1 MiB | [`commands::create`] |
//! | names of CSV files that grow in this run, with `--append` | about 100 bytes a file and its name | [`spoutctl_delivery::messages`] |
//! | records of Kafka that were fetched ahead; one of them, framed | 16 MiB and one answer of a broker, 8 MiB, decompressed; `--max-message`, 16 MiB | [`spoutctl_kafka`] |
//! | partitions of Kafka that have series of their own | 1,000 a stream, three each; where they end is asked every 10 s | [`metrics`] |
//! | positions of partitions, or by source, in a mark and in an archive | 64 KiB of text: 3,000 partitions at least; more are refused | [`spoutctl_core::positions`], [`spoutctl_archive::SourcePositions`] |
//! | messages that are no archive yet | `--batch-bytes`, 64 MiB, or one of `--max-message`, 16 MiB, where that is more; and the one that is read meanwhile | [`spoutctl_delivery::messages`] |
//! | one piece of a file; how many are on their way | 256 KiB; 5, and as many early, with `--route` 3 more for each repo | [`spoutctl_delivery::MAX_CHUNK`] |
//! | what `squash` holds of a history | 16 bytes a commit, and as many for each that goes; about 100 bytes a named stream | [`spoutctl_delivery::squashing`] |
//! | how late `squash` may find that a branch was made | 100 commits | [`spoutctl_delivery::squashing`] |
//! | what `tail` holds of a history, however long | 16,384 commits (10 MB), 1,000 ids; 10,000 changed files of a commit | [`spoutctl_delivery::following`], [`commands::tail`] |
//! | how late `tail` may find what no subscription tells | 1 s at first, 5 s later | [`spoutctl_delivery::following`] |
//! | trying without success | `--retry-for`, 10 min | [`spoutctl_delivery::retry`] |
//! | a question to a broker of Kafka; partitions that were added | 5 s; found within 30 s | [`spoutctl_kafka`] |
//! | a call, a stream without a whole message; a list | 60 s; an hour | [`pachyderm_client::gateway`], [`pachyderm_client::grpc`] |
//! | paths of an archive, or of a commit of 2.x, that the store writes down or settles before others come in | 5,000 | [`spoutctl_store`] |
//! | what a server may send unasked; a message | 4 MiB; 32 MiB | [`pachyderm_client::grpc`] |
//! | one wait for a commit to be finished | 60 s, then it is asked again; as long as pachd answers that it works on it, without end | `delivery::finishing` |
//! | a file set that is not in a commit yet | 10 min, renewed every 3 min while it is needed | `delivery::keep_alive` |
//! | looks at a commit that somebody else has finished or dropped | 3 new ones, then it is refused | `delivery::committing` |
//! | an archive that is staged anew, since its branch was moved | 20 times | `delivery::committing` |
//! | what `--resume` knows of earlier runs | about 290 bytes a commit of the stream | `delivery::ready` |
//! | what `get` holds until it finds `repo@branch.N` | about 600 bytes a commit, N of them | [`spoutctl_delivery::retrieval`] |
//! | the same answer that nobody knows | 5 times | [`spoutctl_delivery::retry`] |
//! | a producer that failed and leaves its output open | 5 s, then it is killed | [`commands::put`] |
//! | the pause before a producer is started again | 1 s, doubled up to 1 min | [`commands::put`] |
//! | the pause before a stream of `run` is started again; streams on one connection | as of a producer; 16 | [`commands::run`] |
//! | bytes of archives held in memory by all streams of `run` | 8 MiB for each `tmp-dir`, as by one `put`; each stream of messages holds up to `batch-bytes` besides | [`commands::put`] |
//! | the code of `serve --as-spout -- CMD` | 32 KiB of a line; killed code that the system does not let go is waited for 5 s | [`commands::serve`] |
//! | after an interrupt | `--grace`, 25 s | [`commands::put`] |
//! | a client of ours that takes nothing, or sends nothing | 10 min; 30 s for a head | [`spoutctl_store::serve`] |
//! | who asks for figures, or whether it is ready | 16 connections, 10 s for a head | [`metrics`] |
//! | what waits for an OpenTelemetry collector; how long the end of the process waits for it | 2,048 spans, then they are dropped; 2 s | [`otlp`] |
//! | a page for a browser | 50 commits, 200 files or changes, 64 KiB of a text, a picture of 8 MiB; lines that differ: 600 of 20 files, looked for in 32 MiB | [`spoutctl_store::serve::page`] |
//! | names that a shell is offered | 300 ms from the key, 1,000 | [`commands::completion`] |
//! | what clients of ours can make us hold | some 60 MiB a call: 256 at the gateway, 256 in gRPC; 512 connections | [`spoutctl_store::serve`] |
//!
//! Without an end, until an interrupt: the input, which may be silent for days; a producer that has closed its output
//! and still runs, and an acknowledgement command that does not end, which are told; and a commit that pachd is
//! finishing.

#![allow(
    clippy::must_use_candidate,
    reason = "this crate is not published: its callers are all here"
)]

pub mod cli;
pub mod commands;
pub mod failure;
pub mod jsonnet;
pub mod lsp;
pub mod metrics;
pub mod otlp;
pub mod scaffold;
pub mod settings;
pub mod terminal;

use std::ffi::OsString;

use failure::Failure;
use spoutctl_core::exit::Exit;
use terminal::{Terminal, Verbosity};

/// Runs the command that `args` say, the program's name first, and answers how the process is to end.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    if commands::group::guard::is_meant(&args) {
        return commands::group::guard::keep_watch();
    }
    if commands::jsonnet::is_meant(&args) {
        return commands::jsonnet::run();
    }
    if let Some(exit) = commands::completion::answer(&args) {
        return exit;
    }
    let (cli, args, matches) = match cli::synonyms::parse(&args) {
        Ok(understood) => understood,
        Err(error) => {
            // Help and version go to standard output, mistakes to standard error; a closed pipe is no mistake.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    let useful = cli::effects::check(&matches).map_err(|why| Failure::new(Exit::Usage, why));
    match useful
        .and_then(|()| commands::preferences::apply(cli, &args))
        .and_then(|cli| {
            terminal::log::choose(cli.verb.log_form());
            commands::dispatch(cli.verb)
        }) {
        Ok(exit) => exit,
        Err(failure) => {
            failure.show(&Terminal::new(Verbosity::Quiet));
            failure.exit
        }
    }
}
