//! `spoutctl create`: from answers to a spec that has no fault, and the files of a spout to begin with; with -f, from
//! specs to pipelines.

mod questions;
mod restarting;
mod sharing;
mod submission;
mod writing;

use std::io;
use std::path::{Path, PathBuf};

use super::validate::project_options;
use crate::cli::CreateArgs;
use crate::failure::Failure;
use crate::scaffold::{self, Draft, Format, Program, command_line};
use crate::settings::Address;
use crate::settings::project::{self, Project};
use crate::terminal::{Terminal, dialogue};
use questions::Questions;
use spoutctl_core::exit::Exit;
use spoutctl_core::named_file;
use spoutctl_core::quantity::counted;
use spoutctl_lint::Options;
use spoutctl_lint::version::Version;
use writing::NewFile;

/// Runs the verb.
///
/// # Errors
/// When an answer is missing or wrong, or a file is there already or cannot be written.
pub fn run(args: &CreateArgs) -> Result<Exit, Failure> {
    let terminal = Terminal::new(args.verbosity.level());
    let project = project()?;
    let options = project_options(args.pachyderm, project.as_ref());
    if !args.submission.files.is_empty() {
        return submission::run(args, &options, project.as_ref(), &terminal);
    }
    let mut draft = draft(args)?;
    let asks = !args.no_input && !draft.missing().is_empty() && dialogue::is_possible();
    if asks {
        // Whoever is asked a dozen questions had better not be told afterwards that a flag was wrong.
        refuse_objections(args, &draft, &options)?;
        if draft.name.is_some() {
            Plan::new(args, &draft, &[], &options).refuse_existing(args, &draft)?;
        }
        let questions = Questions::new(&terminal, &options)?;
        if let Err(interrupted) = questions.ask(&mut draft) {
            return Ok(interrupted.exit());
        }
        let all = sharing::divided(&args.sharing, &draft, &args.server, &terminal)?;
        let plan = Plan::new(args, &draft, &all, &options);
        plan.check(args, &draft, &all, &options)?;
        match questions.confirm(&plan.spec, plan.output.as_deref()) {
            Err(interrupted) => return Ok(interrupted.exit()),
            Ok(false) => {
                terminal.status("nothing is written");
                return Ok(Exit::Done);
            }
            Ok(true) => {}
        }
        return plan.write(args, &draft, &terminal);
    }
    refuse_missing(&draft)?;
    let all = sharing::divided(&args.sharing, &draft, &args.server, &terminal)?;
    let plan = Plan::new(args, &draft, &all, &options);
    plan.check(args, &draft, &all, &options)?;
    plan.write(args, &draft, &terminal)
}

/// The project's file: what `validate` looks for here.
fn project() -> Result<Option<Project>, Failure> {
    let directory = std::env::current_dir().ok();
    let path = directory.and_then(|directory| project::find(&directory));
    let project = path.map(|path| project::load(&path)).transpose();
    project.map_err(|error| Failure {
        help: error.help().map(str::to_owned).into_iter().collect(),
        ..Failure::new(Exit::Usage, error.to_string())
    })
}

/// What the command line answers.
fn draft(args: &CreateArgs) -> Result<Draft, Failure> {
    let answers = &args.answers;
    let program = program(args)?;
    let brings_one = answers.template.filter(|template| template.brings_program(false));
    if let (Some(_), Some(template)) = (&program, brings_one) {
        let text = format!("template {} brings its own program", template.name);
        return Err(Failure::new(Exit::Usage, text).help("leave --template out, or say nothing of what is run"));
    }
    Ok(Draft {
        name: args.name.clone(),
        project: answers.project.clone(),
        description: answers.description.clone(),
        image: answers.image.clone(),
        template: answers.template,
        with_code: args.writing.with_code.is_some(),
        program,
        more: Vec::new(),
        env: answers.env.clone(),
        secrets: answers.secret.clone(),
        output_branch: answers.output_branch.clone(),
        cpu: answers.cpu,
        memory: answers.memory.clone(),
        metrics_port: answers.metrics_port,
    })
}

fn program(args: &CreateArgs) -> Result<Option<Program>, Failure> {
    let usage = |text: String| Failure::new(Exit::Usage, text);
    if let Some(line) = &args.answers.cmd {
        let words = command_line(line).map_err(|error| usage(format!("--cmd: {error}")))?;
        return Ok(Some(Program::Command(words)));
    }
    if let Some(path) = &args.answers.stdin_script {
        let text = read_script(path).map_err(|error| {
            Failure::new(Exit::Input, format!("cannot read {}", path.display())).detail(error.to_string())
        })?;
        return Ok(Some(Program::script(&text)));
    }
    if args.command.is_empty() {
        return Ok(None);
    }
    let words = args.command.iter().map(|word| word.to_str().map(str::to_owned));
    let words: Option<Vec<String>> = words.collect();
    let words = words.ok_or_else(|| usage("the command is not UTF-8, and a spec has to be".to_owned()))?;
    Ok(Some(Program::Command(words)))
}

/// The most that a script may have: it becomes a part of a spec, and those have kilobytes.
const LONGEST_SCRIPT: u64 = 1 << 20;

fn read_script(path: &Path) -> io::Result<String> {
    let bytes = named_file::read_or_pipe(path, LONGEST_SCRIPT).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput if !path.is_dir() => {
            io::Error::other("it is larger than 1 MiB: put it into the image")
        }
        _ => error,
    })?;
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is no UTF-8, and a spec has to be"))
}

fn refuse_missing(draft: &Draft) -> Result<(), Failure> {
    let missing = draft.missing();
    if missing.is_empty() {
        return Ok(());
    }
    let mut failure = Failure::new(
        Exit::Usage,
        format!("{} missing, and nobody is asked", counted_answers(missing.len())),
    );
    let width = missing.iter().map(|missing| missing.argument().chars().count()).max();
    let width = width.unwrap_or_default();
    for missing in &missing {
        failure = failure.detail(format!("{:width$}   {}", missing.argument(), missing.what()));
    }
    Err(failure.help("add them; on a terminal, and without --no-input, they are asked for"))
}

fn counted_answers(count: usize) -> String {
    let are = if count == 1 { "is" } else { "are" };
    format!("{} {are}", counted(count as u64, "answer"))
}

/// What is to be written, and where.
struct Plan {
    spec: String,
    /// `None` is standard output.
    output: Option<PathBuf>,
}

impl Plan {
    /// Of a draft, and of all specs that are made of it.
    fn new(args: &CreateArgs, draft: &Draft, all: &[Draft], options: &Options) -> Self {
        let writing = &args.writing;
        let ending = writing.output.as_ref().and_then(|path| path.extension()?.to_str());
        let format = writing.format.map(Format::from);
        let format = format.or_else(|| ending.and_then(Format::of_ending));
        let format = format.unwrap_or(Format::Json);
        let output = match &writing.output {
            Some(path) if path.as_os_str() == "-" => None,
            Some(path) => Some(path.clone()),
            None => {
                let name = draft.name.as_deref().unwrap_or_default();
                let name = format!("{name}.{}", format.ending());
                Some(writing.with_code.as_deref().unwrap_or(Path::new("")).join(name))
            }
        };
        let spec = |draft: &Draft| {
            let spec = draft.spec(format);
            match &writing.schema {
                Some(schema) => with_schema(&spec, format, schema),
                None => spec,
            }
        };
        // pachctl 1.x reads specs in JSON one behind the other.
        let between = match format {
            Format::Json if options.version < Version::new(2, 0) => "",
            _ => "---\n",
        };
        let spec = all.iter().map(spec).collect::<Vec<_>>().join(between);
        Self { spec, output }
    }

    /// Looks at everything before anything is written.
    fn check(&self, args: &CreateArgs, draft: &Draft, all: &[Draft], options: &Options) -> Result<(), Failure> {
        all.iter()
            .try_for_each(|draft| refuse_objections(args, draft, options))?;
        self.refuse_schema(args, options)?;
        self.refuse_existing(args, draft)
    }

    fn refuse_schema(&self, args: &CreateArgs, options: &Options) -> Result<(), Failure> {
        let Some(schema) = &args.writing.schema else {
            return Ok(());
        };
        if schema.is_empty() || schema.contains(|c: char| c.is_control() || c == ' ') {
            return Err(Failure::new(
                Exit::Usage,
                "--schema is a URL, or the path of a file without blanks",
            ));
        }
        if self.spec.starts_with('{') && options.version < Version::new(2, 7) {
            let failure = Failure::new(Exit::Usage, "pachctl before 2.7 refuses `$schema` in a spec");
            return Err(failure.help("--format yaml says it in a comment"));
        }
        Ok(())
    }

    fn refuse_existing(&self, args: &CreateArgs, draft: &Draft) -> Result<(), Failure> {
        writing::refuse_existing(&self.files(args, draft), args.writing.force)
    }

    fn files(&self, args: &CreateArgs, draft: &Draft) -> Vec<NewFile> {
        let mut files = Vec::new();
        if let Some(directory) = &args.writing.with_code {
            let spec = self.output.as_deref().unwrap_or(Path::new("SPEC"));
            // The README stands beside it, or speaks of it as it was named.
            let spec = spec.strip_prefix(directory).unwrap_or(spec).display().to_string();
            files.extend(scaffold::files(draft, &spec).into_iter().map(|file| NewFile {
                path: directory.join(file.name),
                text: file.text,
                is_executable: file.is_executable,
            }));
        }
        files.extend(self.output.clone().map(|path| NewFile {
            path,
            text: self.spec.clone(),
            is_executable: false,
        }));
        files
    }

    fn write(&self, args: &CreateArgs, draft: &Draft, terminal: &Terminal) -> Result<Exit, Failure> {
        let files = self.files(args, draft);
        writing::write_all(&files, args.writing.force)?;
        match &self.output {
            None => terminal.whole_result(self.spec.as_bytes()),
            Some(_) => files
                .iter()
                .for_each(|file| terminal.result(&file.path.display().to_string())),
        }
        super::printing::unless_lost(terminal)?;
        let programs = draft.programs();
        if !programs.is_empty() {
            terminal.status(&format!("the image has to have {}", programs.join(", ")));
        }
        for secret in &draft.secrets {
            let key = secret
                .key()
                .map_or_else(String::new, |key| format!(" with the key {key}"));
            terminal.status(&format!("the cluster has to have a secret {}{key}", secret.name));
        }
        if let Some(spec) = &self.output {
            // A store in a directory, which may be what verbs ask here, makes no pipelines.
            let is_local =
                super::server::find(&args.server).is_ok_and(|server| matches!(server.address, Address::Local(_)));
            let pachd = if is_local { " --pachd ADDRESS" } else { "" };
            let spec = spec.display().to_string();
            terminal.status(&format!(
                "next: spoutctl create -f {}{pachd}",
                shell_words::quote(&spec)
            ));
        }
        Ok(Exit::Done)
    }
}

/// Says which schema an editor is to hold a spec to: in YAML a comment that pachctl does not see, in JSON a key that it
/// takes out.
fn with_schema(spec: &str, format: Format, schema: &str) -> String {
    match format {
        Format::Yaml => format!("# yaml-language-server: $schema={schema}\n{spec}"),
        Format::Json => {
            let schema = serde_json::Value::from(schema);
            spec.replacen("{\n", &format!("{{\n  \"$schema\": {schema},\n"), 1)
        }
    }
}

/// The linter's findings as what they are here: wrong answers.
fn refuse_objections(args: &CreateArgs, draft: &Draft, options: &Options) -> Result<(), Failure> {
    let found = draft.objections(options);
    if found.is_empty() || args.no_lint {
        return Ok(());
    }
    let heading = "such a spec would not pass `spoutctl validate`, so nothing is written";
    let mut failure = Failure::new(Exit::Usage, heading);
    for found in found {
        failure = failure.detail(format!("{}[{}]: {}", found.severity, found.rule, found.message));
        failure.details.extend(found.note.map(|note| format!("  note: {note}")));
        failure.details.extend(found.help.map(|help| format!("  help: {help}")));
    }
    Err(failure.help("--no-lint writes it all the same"))
}
