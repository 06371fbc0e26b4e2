//! The last lines on standard error: how much was found, and what would mend it.

use super::checking::Findings;
use crate::cli::ValidateArgs;
use spoutctl_core::quantity::{counted, grouped};
use spoutctl_lint::diagnostic::{Diagnostic, Safety, Severity};

#[derive(Debug)]
pub(super) struct Summary {
    errors: usize,
    warnings: usize,
    remarks: usize,
    specs: usize,
    skipped: usize,
    /// Files with nothing in them that is a spec.
    without_spec: usize,
    /// What was mended, or would be with --diff, in so many files.
    mended: (usize, usize),
    /// What is left and could be mended.
    safe: usize,
    not_safe: usize,
    max_warnings: Option<usize>,
    /// How many were looked at.
    files: usize,
}

impl Summary {
    pub(super) fn new(checked: &Findings, max_warnings: Option<usize>) -> Self {
        let count = |wanted: &dyn Fn(&Diagnostic) -> bool| checked.diagnostics().filter(|found| wanted(found)).count();
        let of = |severity| count(&|found| found.severity == severity);
        let mended_by = |safety| count(&|found| found.fix.as_ref().is_some_and(|fix| fix.safety == safety));
        Self {
            errors: of(Severity::Error),
            warnings: of(Severity::Warning),
            remarks: of(Severity::Info),
            specs: checked.specs,
            skipped: checked.skipped,
            without_spec: checked.without_spec,
            mended: (
                checked.mended.iter().map(|mended| mended.fixed).sum(),
                checked.mended.len(),
            ),
            safe: mended_by(Safety::Safe),
            not_safe: mended_by(Safety::Unsafe),
            max_warnings,
            files: checked.reports.len(),
        }
    }

    fn too_many_warnings(&self) -> bool {
        self.max_warnings.is_some_and(|most| self.warnings > most)
    }

    pub(super) fn fails(&self) -> bool {
        self.errors > 0 || self.too_many_warnings()
    }

    pub(super) fn lines(&self, args: &ValidateArgs) -> Vec<String> {
        let mut lines = Vec::new();
        let (fixed, files) = self.mended;
        if fixed > 0 {
            let would = if args.mending.diff { "would be mended" } else { "mended" };
            lines.push(format!(
                "{} {would} in {}",
                counted(fixed as u64, "fault"),
                counted(files as u64, "file")
            ));
        }
        if self.files > 0 {
            lines.push(self.first_line(args));
        }
        if self.too_many_warnings() {
            let most = self.max_warnings.unwrap_or_default();
            lines.push(format!(
                "error: {} and no more than {most} are allowed",
                counted(self.warnings as u64, "warning")
            ));
        }
        lines
    }

    fn offer(&self, flag: &str, mends: usize) -> String {
        let all = self.errors + self.warnings + self.remarks;
        let which = match (mends, all) {
            (1, 1) => "it".to_owned(),
            (2, 2) => "both".to_owned(),
            (mends, all) if mends == all => "all of them".to_owned(),
            (mends, _) => format!("{} of them", grouped(mends as u64)),
        };
        format!("; {flag} mends {which}")
    }

    fn first_line(&self, args: &ValidateArgs) -> String {
        let mut parts: Vec<String> = [
            (self.errors, "error"),
            (self.warnings, "warning"),
            (self.remarks, "remark"),
        ]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| counted(number as u64, what))
        .collect();
        if parts.is_empty() {
            parts.push("nothing wrong".to_owned());
        }
        let judged = self.files - self.without_spec;
        let looked_at = match self.specs {
            0 if judged > 0 && self.without_spec > 0 => counted(judged as u64, "file"),
            0 => counted(self.files as u64, "file"),
            specs => counted(specs as u64, "spec"),
        };
        let mut line = format!("{} in {looked_at}", parts.join(", "));
        if self.skipped > 0 {
            let pipelines = counted(self.skipped as u64, "ordinary pipeline");
            line = format!("{line}; {pipelines} skipped (--all)");
        }
        match self.without_spec {
            0 => {}
            1 => line.push_str("; 1 file holds no spec"),
            more => line.push_str(&format!("; {} files hold no spec", grouped(more as u64))),
        }
        // When something was to be mended, what is left is what that could not do.
        let is_mending = args.mending.fix || args.mending.diff;
        match (self.safe, self.not_safe) {
            _ if args.mending.unsafe_fixes => {}
            (safe, _) if safe > 0 && !is_mending => line.push_str(&self.offer("--fix", safe)),
            (_, 0) => {}
            (_, more) => line.push_str(&self.offer("--unsafe-fixes", more)),
        }
        line
    }
}
