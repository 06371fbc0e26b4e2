//! What a linter found, as text: for a person, for an editor, for each of the places that collect such things.
//!
//! An adapter: it knows diagnostics, their files and the list of rules. It knows no stream; whoever calls it decides
//! where the text goes. All that it prints of a file is made harmless for a terminal, and escaped as the format wants
//! it.

mod concise;
mod escape;
mod found;
mod github;
mod gitlab;
mod json;
mod junit;
mod page;
mod pretty;
mod sarif;

pub use found::FileReport;
pub use page::page;
pub use pretty::Style;

/// How a report looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// With the source beside it, for a terminal.
    Pretty,
    /// `path:line:col: severity[rule]: message`, a line each.
    Concise,
    /// One JSON object, with fixes.
    Json,
    /// Workflow commands of GitHub Actions.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// SARIF 2.1.0.
    Sarif,
    /// `JUnit` XML.
    Junit,
}

/// The whole report. Empty, or it ends in a newline.
#[must_use]
pub fn render(format: Format, files: &[FileReport], style: Style) -> String {
    match format {
        Format::Pretty => pretty::render(files, style),
        Format::Concise => concise::render(files),
        Format::Json => json::render(files),
        Format::Github => github::render(files),
        Format::Gitlab => gitlab::render(files),
        Format::Sarif => sarif::render(files),
        Format::Junit => junit::render(files),
    }
}

#[cfg(test)]
mod tests;
