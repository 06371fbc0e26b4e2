//! The file of streams: what each is to do, or what is wrong and where.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::fifos::{Identity, identity};
use crate::cli::streams::{ELSEWHERE, Mistake, Shape, StreamOptions};
use crate::cli::{PutArgs, RunArgs};
use crate::commands::preferences::{self, file_failure};
use crate::commands::put::{self, input::is_fifo};
use crate::failure::Failure;
use crate::settings::preferences::Preference;
use crate::settings::streams::{Stream, Streams, Value};
use crate::settings::{Address, Surroundings, preferences as preferred};
use spoutctl_core::exit::Exit;
use spoutctl_delivery::mark::StreamName;

/// What a stream is to do.
#[derive(Debug)]
pub(super) struct Definition {
    pub name: Arc<str>,
    /// The command line that says the same.
    pub words: Vec<OsString>,
    /// What holds besides, since it is preferred and these words do not say it.
    pub preferred: Vec<(&'static str, OsString)>,
    pub args: PutArgs,
}

impl Definition {
    /// Whether it does the same.
    pub fn is_as(&self, other: &Self) -> bool {
        self.words == other.words && self.preferred == other.preferred
    }

    /// Refuses what is no FIFO any more: it would be read from its beginning at each start.
    ///
    /// # Errors
    /// Where there is one.
    pub fn check_fifos(&self) -> Result<(), Failure> {
        let mut files = self.args.files.iter().filter(|_| !self.args.commits.resume);
        match files.find(|file| file.exists() && !is_fifo(file)) {
            Some(file) => {
                let file = file.display();
                let text = format!("{file} is no FIFO any more; nothing was sent");
                Err(Failure::new(Exit::Input, text).help(format!("move it away, and: mkfifo {file}")))
            }
            None => Ok(()),
        }
    }
}

/// What is wrong with an option, or with the whole, and what mends it.
struct Wrong<'a> {
    key: Option<&'a str>,
    what: String,
    help: Option<String>,
}

impl<'a> Wrong<'a> {
    fn new(key: impl Into<Option<&'a str>>, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            what: what.into(),
            help: Some(help.into()),
        }
    }
}

/// All streams of the file that `run` names.
///
/// # Errors
/// When it cannot be read, or says what cannot be meant.
pub(super) fn read(run: &RunArgs) -> Result<Vec<Definition>, Failure> {
    let wishes = preferences_of_streams()?;
    let wishes: Vec<(&'static str, &OsStr)> = wishes.iter().map(|said| (said.name, said.value.as_os_str())).collect();
    let options = StreamOptions::new(&wishes);
    let known: Vec<&str> = options.keys().collect();
    let streams = Streams::load(&run.file, &known, ELSEWHERE).map_err(|error| file_failure(&error))?;
    let mut definitions = Vec::new();
    let mut taken = Taken::default();
    for stream in &streams.streams {
        let at = |wrong: Wrong<'_>| {
            let error = streams.wrong(stream.place(wrong.key), wrong.what, wrong.help);
            file_failure(&error)
        };
        let definition = define(stream, &options, &wishes, run).map_err(at)?;
        taken.check(&definition).map_err(at)?;
        // What is missing may come, and is met when the stream starts; what cannot be meant never can.
        if let Err(failure) = put::check(&definition.args)
            && failure.exit == Exit::Usage
        {
            let located = streams.wrong(&stream.at, format!("{}: {}", stream.name, failure.heading), None);
            return Err(Failure {
                heading: located.to_string(),
                ..failure
            });
        }
        definitions.push(definition);
    }
    Ok(definitions)
}

/// What is preferred for `put`, but for what holds for all streams together.
fn preferences_of_streams() -> Result<Vec<Preference>, Failure> {
    let here = std::env::current_dir().ok();
    let gathered = preferred::gather("put", &Surroundings::ours(), here.as_deref());
    let mut gathered = gathered.map_err(|error| file_failure(&error))?;
    gathered.retain(|said| !ELSEWHERE.iter().any(|(name, _)| *name == said.name));
    gathered.iter().try_for_each(preferences::check)?;
    Ok(gathered)
}

fn define<'a>(
    stream: &'a Stream,
    options: &StreamOptions,
    wishes: &[(&'static str, &OsStr)],
    run: &RunArgs,
) -> Result<Definition, Wrong<'a>> {
    if let Err(why) = stream.name.parse::<StreamName>() {
        return Err(Wrong::new(None, why.to_string(), "name the stream otherwise"));
    }
    let mut said = Vec::new();
    for one in &stream.said {
        let values = match (options.shape(&one.key), &one.value) {
            (Some(Shape::Flag), Value::Flag(true)) => Vec::new(),
            (Some(Shape::Flag), Value::Flag(false)) => continue,
            (Some(Shape::One | Shape::Many), Value::One(text)) => vec![text.as_str()],
            (Some(Shape::Many | Shape::Words), Value::Many(texts)) if !texts.is_empty() => {
                texts.iter().map(String::as_str).collect()
            }
            (shape, _) => return Err(misshapen(&one.key, shape)),
        };
        said.push((one.key.as_str(), values));
    }
    let has = |key: &str| said.iter().any(|(name, _)| *name == key);
    // What a killed run has left is given up by the next one of the same name. Spools have one of their own, and topics
    // the one that put gives them.
    if !["spool", "stream", "from"].iter().any(|key| has(key)) {
        said.push(("stream", vec![&stream.name]));
    }
    let words = options.words(&said);
    let preferred = wishes
        .iter()
        .filter(|(name, _)| !said.iter().any(|(key, _)| key == name));
    let preferred = preferred.map(|(name, value)| (*name, (*value).to_owned())).collect();
    let args = options.parse(&words);
    let mut args = args.map_err(|Mistake { key, what }| Wrong {
        key: key
            .and_then(|key| stream.said.iter().find(|said| said.key == key))
            .map(|said| said.key.as_str()),
        what: format!("{}: {what}", stream.name),
        help: None,
    })?;
    check_input(&args)?;
    args.json = run.json;
    args.verbosity = run.verbosity.clone();
    args.trying.grace = run.grace;
    Ok(Definition {
        name: stream.name.as_str().into(),
        words,
        preferred,
        args,
    })
}

fn misshapen(key: &str, shape: Option<Shape>) -> Wrong<'_> {
    let (what, help) = match shape {
        Some(Shape::Flag) => ("true or false", format!("write {key} = true")),
        Some(Shape::Words) => ("a list of words", format!("write {key} = [\"sh\", \"-c\", \"…\"]")),
        Some(Shape::Many) => ("a list of texts", format!("write {key} = [\"…\"]")),
        Some(Shape::One) | None => ("one text", format!("write {key} = \"…\"")),
    };
    Wrong::new(key, format!("`{key}` is {what}"), help)
}

/// Refuses a stream without a place or an input, and one whose input a second start would send a second time.
fn check_input(args: &PutArgs) -> Result<(), Wrong<'static>> {
    if args.destination.is_none() {
        return Err(Wrong::new(
            None,
            "nothing says where the commits of this stream go",
            "write destination = \"[project/]repo[@branch][:/prefix]\"",
        ));
    }
    if args.files.iter().any(|file| file == Path::new("-")) {
        return Err(Wrong::new(
            "files",
            "standard input is none of a stream's",
            "name a FIFO, or a command that reads what you mean",
        ));
    }
    if args.files.is_empty() && args.production.command.is_empty() && args.kafka.from.is_none() {
        return Err(Wrong::new(
            None,
            "nothing says what this stream reads",
            "write command = [\"…\"], files = [\"…\"] or from = \"kafka://HOST/TOPIC\"",
        ));
    }
    if !args.commits.resume && !args.files.iter().all(|file| is_fifo(file)) {
        return Err(Wrong::new(
            "files",
            "what is no FIFO is read from its beginning at each start, and would be committed again",
            "write resume = true, which skips what is committed already; or name FIFOs, which have to be there",
        ));
    }
    Ok(())
}

/// What one stream alone can have.
#[derive(Default)]
struct Taken {
    spools: BTreeMap<PathBuf, Arc<str>>,
    /// By pachd, branch, and name.
    names: BTreeMap<[String; 3], Arc<str>>,
    fifos: BTreeMap<Identity, Arc<str>>,
}

impl Taken {
    fn check(&mut self, definition: &Definition) -> Result<(), Wrong<'static>> {
        let name = || Arc::clone(&definition.name);
        let args = &definition.args;
        let refuse = |key, what: &str, help: &str, by: Option<Arc<str>>| match by {
            Some(by) => Err(Wrong::new(key, format!("{what} is that of the stream {by}"), help)),
            None => Ok(()),
        };
        if let Some(spool) = &args.spooling.spool {
            let by = self.spools.insert(real(spool), name());
            refuse("spool", "this spool", "give each its own", by)?;
        }
        for fifo in args.files.iter().filter_map(|file| identity(file)) {
            refuse(
                "files",
                "this FIFO",
                "give each its own",
                self.fifos.insert(fifo, name()),
            )?;
        }
        // What cannot be found out cannot be meant, which the check of the whole says.
        if let Ok(Some((address, branch, stream))) = put::known_by(args) {
            let address = match address {
                Address::Local(directory) => Address::Local(real(&directory)),
                address => address,
            };
            let key = [address.to_string(), branch.to_string(), stream.to_string()];
            let what = format!("the name {stream} on {branch}");
            let help = "give each its own: stream = \"NAME\"";
            refuse("stream", &what, help, self.names.insert(key, name()))?;
        }
        Ok(())
    }
}

/// The same of one, by whichever name, that is there or could be made.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.canonicalize().unwrap_or_else(|_| {
        let parts = absolute.parent().zip(absolute.file_name());
        parts.map_or_else(|| absolute.clone(), |(parent, name)| real(parent).join(name))
    })
}
