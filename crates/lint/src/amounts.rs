//! Rules about amounts of memory, disk and CPU, each by itself.

use super::edit;
use super::finding::{Finding, Findings};
use super::kubernetes::quantity::Quantity;
use super::rule::{Rule, rule};
use super::version::Versions;
use super::view::{Spec, Text, shown};
use crate::diagnostic::Safety;

const QUANTITY_INVALID: Rule = rule!("quantity-invalid", Error, Versions::ALL,
    summary: "an amount of memory or disk that Kubernetes cannot read",
    why: "pachd writes the fault into its log and drops the request or limit: the pod runs without it, and is the \
          first to be killed when memory is short. Units are k, M, G, T, P, E and Ki, Mi, Gi, Ti, Pi, Ei; there is no \
          B at their end, and K alone is none.",
    source: "src/internal/ppsutil/util.go:85; \
             https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/",
    fixable: Some(Safety::Unsafe),
);
const QUANTITY_FRACTION: Rule = rule!("quantity-fraction", Warning, Versions::ALL,
    summary: "an amount of memory or disk that is no whole number of bytes",
    why: "`m` is a thousandth: `512m` of memory is half a byte, and with such a limit no container starts. Docker's \
          `512m` is Kubernetes' `512M`. A fraction such as `1.1Gi` is rounded up to a byte, and newer API servers warn \
          of it.",
    source: "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#meaning-of-memory; created \
             on API servers of 1.25.16 and 1.37.2",
    fixable: Some(Safety::Unsafe),
);
const QUANTITY_WITHOUT_NUMBER: Rule = rule!("quantity-without-number", Warning, Versions::ALL,
    summary: "an amount without a digit, which is read as 0",
    why: "The parser of Kubernetes takes a unit or a sign alone for 0, so `Gi` is a request of nothing. pachd says \
          nothing of it.",
    source: "apimachinery, pkg/api/resource/quantity.go; created on API servers of 1.25.16 and 1.37.2",
);
const AMOUNT_NEGATIVE: Rule = rule!("amount-negative", Error, Versions::ALL,
    summary: "an amount below zero",
    why: "pachd passes it on, Kubernetes refuses the pod, and the pipeline fails.",
    source: "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/; created on API servers of \
             1.25.16 and 1.37.2",
);
const MEMORY_TOO_SMALL: Rule = rule!("memory-too-small", Warning, Versions::ALL,
    summary: "a memory limit with which no container starts",
    why: "Kubernetes takes any limit. A node needs some megabytes to start a container at all, and kills it before it \
          runs when there are less. Docker's least is 6 MB.",
    source: "https://docs.docker.com/engine/containers/resource_constraints/",
);

pub(super) const RULES: &[Rule] = &[
    QUANTITY_INVALID,
    QUANTITY_FRACTION,
    QUANTITY_WITHOUT_NUMBER,
    AMOUNT_NEGATIVE,
    MEMORY_TOO_SMALL,
];

pub(super) const FIELDS: [&str; 4] = [
    "resource_requests",
    "resource_limits",
    "sidecar_resource_limits",
    "sidecar_resource_requests",
];

/// The least memory that Docker starts a container with.
const LEAST_MEMORY: i64 = 6 << 20;

pub(super) fn check(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    for field in FIELDS {
        let resources = spec.root.message(field);
        for name in ["memory", "disk"] {
            if let Some(amount) = resources.text(name).filter(|amount| !amount.value.is_empty()) {
                let is_limit = name == "memory" && field.ends_with("limits");
                judge(spec, name, amount, is_limit, findings);
            }
        }
        let cpu = resources.number("cpu");
        if let Some((cpu, _)) =
            cpu.filter(|(_, cpu)| *cpu < 0.0 && Quantity::cores(*cpu).is_some_and(Quantity::is_negative))
        {
            negative(cpu.value.span, "`cpu`", findings);
        }
    }
}

fn negative(span: crate::source::Span, name: &str, findings: &mut Findings<'_>) {
    findings.add(
        Finding::new(&AMOUNT_NEGATIVE, span, format!("{name} cannot be below zero"))
            .note("pachd accepts it; Kubernetes refuses the pod, and the pipeline fails")
            .help("write 0 or more"),
    );
}

fn judge(spec: &Spec<'_>, name: &str, amount: Text<'_>, is_memory_limit: bool, findings: &mut Findings<'_>) {
    let Some(quantity) = Quantity::parse(amount.value) else {
        return invalid(spec, name, amount, findings);
    };
    if !amount.value.contains(|c: char| c.is_ascii_digit()) {
        findings.add(
            Finding::new(
                &QUANTITY_WITHOUT_NUMBER,
                amount.span(),
                format!("{} is read as 0", shown(amount.value)),
            )
            .note(format!("pachd accepts it, and the pod asks for no {name}"))
            .help("write a number before the unit, such as `1Gi`"),
        );
    } else if quantity.is_negative() {
        negative(amount.span(), &format!("`{name}`"), findings);
    } else if !quantity.is_whole() {
        fraction(spec, name, amount, findings);
    } else if is_memory_limit && quantity > Quantity::ZERO && quantity < Quantity::whole(LEAST_MEMORY) {
        findings.add(
            Finding::new(
                &MEMORY_TOO_SMALL,
                amount.span(),
                format!("with {} of memory no container starts", shown(amount.value)),
            )
            .note("pachd and Kubernetes accept it; the node kills the container before it runs")
            .help("write 6Mi or more; an amount without a unit is in bytes"),
        );
    }
}

fn fraction(spec: &Spec<'_>, name: &str, amount: Text<'_>, findings: &mut Findings<'_>) {
    let small = amount.value.strip_suffix(['n', 'u', 'm']);
    let message = match small {
        Some(_) => format!("{} of {name} is a part of a byte", shown(amount.value)),
        None => format!("{} is no whole number of bytes", shown(amount.value)),
    };
    let finding = Finding::new(&QUANTITY_FRACTION, amount.span(), message);
    let thousandths = small.filter(|_| amount.value.ends_with('m'));
    findings.add(match thousandths {
        Some(number) => {
            let meant = format!("{number}M");
            let edit = edit::reword(spec.file, amount.node, &meant);
            finding
                .note("`m` is a thousandth to Kubernetes, which accepts it; with such a limit no container starts")
                .help(format!("write `{meant}`, or `{meant}i`"))
                .unsafe_fix(format!("write `{meant}`"), edit)
        }
        None if small.is_some() => finding
            .note("`n` and `u` are billionths and millionths to Kubernetes, which accepts them")
            .help("write a unit such as `Mi`"),
        None => finding
            .note("Kubernetes accepts it and rounds it up; newer API servers warn of it")
            .help("write it in a smaller unit, such as `1100Mi`"),
    });
}

fn invalid(spec: &Spec<'_>, name: &str, amount: Text<'_>, findings: &mut Findings<'_>) {
    let finding = Finding::new(
        &QUANTITY_INVALID,
        amount.span(),
        format!("{} is no amount that Kubernetes can read", shown(amount.value)),
    )
    .note(format!(
        "pachd accepts it, writes a line into its log and drops it: the pod has no such {name}, nor the \
         cluster's default"
    ));
    findings.add(match meant(amount.value) {
        Some(meant) => {
            let edit = edit::reword(spec.file, amount.node, &meant);
            finding
                .help(format!("write `{meant}`"))
                .unsafe_fix(format!("write `{meant}`"), edit)
        }
        None => finding.help("write a number and a unit: k, M, G, T or Ki, Mi, Gi, Ti, such as `512Mi`"),
    });
}

/// What somebody surely means by it. A comma may be a point or set thousands apart, which is a thousand times as much,
/// so only one before one or two digits is read; the same holds for a blank between digits.
fn meant(text: &str) -> Option<String> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && !",.".contains(c))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let number = match number.split_once(',') {
        Some((whole, part)) if matches!(part.len(), 1 | 2) && !whole.is_empty() => format!("{whole}.{part}"),
        Some(_) => return None,
        None => number.to_owned(),
    };
    let lower = unit.trim().to_lowercase();
    let plain = lower
        .strip_suffix("bytes")
        .or_else(|| lower.strip_suffix("byte"))
        .or_else(|| lower.strip_suffix('b'));
    let unit = match plain.unwrap_or(&lower).trim() {
        "" => "",
        "k" => "k",
        "m" => "M",
        "g" => "G",
        "t" => "T",
        "p" => "P",
        "e" => "E",
        "ki" => "Ki",
        "mi" => "Mi",
        "gi" => "Gi",
        "ti" => "Ti",
        "pi" => "Pi",
        "ei" => "Ei",
        _ => return None,
    };
    let meant = format!("{number}{unit}");
    let has_digit = number.contains(|c: char| c.is_ascii_digit());
    (has_digit && Quantity::parse(&meant).is_some()).then_some(meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_never_ten_times_as_much() {
        for (text, is_meant) in [
            ("64K", "64k"),
            ("2GB", "2G"),
            ("512 MiB", "512Mi"),
            ("1kb", "1k"),
            ("1,5Gi", "1.5Gi"),
            (" 1Gi", "1Gi"),
        ] {
            assert_eq!(meant(text).as_deref(), Some(is_meant), "{text}");
        }
        for text in [
            "lots", "GB", "1.2.3G", "1,000", "1,000Mi", "1 000", "1_000", "1,2,3", ",5G",
        ] {
            assert_eq!(meant(text), None, "{text}");
        }
    }
}
