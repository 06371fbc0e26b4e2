//! Rules about CPU, memory, disk and GPUs.

use super::edit;
use super::finding::{Finding, Findings};
use super::rule::{Rule, rule};
use super::version::Versions;
use super::view::{Fields, Spec, Text, number, shown};
use crate::diagnostic::Safety;

const QUANTITY_INVALID: Rule = rule!("quantity-invalid", Error, Versions::ALL,
    summary: "an amount of memory or disk that Kubernetes cannot read",
    why: "pachd writes the fault into its log and drops the request or limit: the pod runs without it, and is the first to be \
          killed when memory is short. Units are k, M, G, T, P, E and Ki, Mi, Gi, Ti, Pi, Ei; there is no B at their end, and \
          K alone is none.",
    source: "src/internal/ppsutil/util.go:85; run through Kubernetes' own parser, apimachinery 0.29",
    fixable: Some(Safety::Safe),
);
const GPU_SPEC: Rule = rule!("gpu-spec", Error, Versions::ALL,
    summary: "a GPU or a CPU that Kubernetes does not grant",
    why: "pachd passes resources on as they are. Kubernetes refuses a pod that requests GPUs without the same limit, that names \
          no type of GPU, or that asks for less than no CPU.",
    source: "src/internal/ppsutil/util.go:103",
);
const DEFAULT_REQUESTS: Rule = rule!("default-requests", Info, Versions::since(2, 5),
    summary: "a spec that leaves its resources to the defaults",
    why: "Without requests and limits a pod asks for 1 CPU, 256Mi of memory and 1Gi of disk, which may be more than a small \
          spout needs or a small cluster has. From 2.5 to 2.7 {} opts out; since 2.8 the cluster's defaults are merged in, and \
          only {\"cpu\": null, \"memory\": null, \"disk\": null} does.",
    source: "src/server/pps/server/worker_rc.go:732; run with pachd 2.12",
    opt_in: true,
);

pub(super) const RULES: &[Rule] = &[QUANTITY_INVALID, GPU_SPEC, DEFAULT_REQUESTS];

pub(super) fn check(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    let root = spec.root;
    for field in [
        "resource_requests",
        "resource_limits",
        "sidecar_resource_limits",
        "sidecar_resource_requests",
    ] {
        let resources = root.message(field);
        for name in ["memory", "disk"] {
            if let Some(amount) = resources.text(name) {
                quantity(spec, name, amount, findings);
            }
        }
        if let Some((cpu, _)) = resources.number("cpu").filter(|(_, cpu)| *cpu < 0.0) {
            refused(
                Finding::new(&GPU_SPEC, cpu.value.span, "`cpu` cannot be below zero"),
                "write 0 or more",
                findings,
            );
        }
        gpu(field, resources, root.message("resource_limits"), findings);
    }
    if spec.spout
        && root.find("resource_requests").is_none()
        && root.find("resource_limits").is_none()
        && root.node().is_some()
    {
        findings.add(
            Finding::new(
                &DEFAULT_REQUESTS,
                spec.beginning(),
                "nothing says how much CPU and memory this spout needs",
            )
            .note("its pod asks for 1 CPU, 256Mi of memory and 1Gi of disk, unless the cluster has other defaults")
            .help("write \"resource_requests\": {\"cpu\": …, \"memory\": …}"),
        );
    }
}

fn refused(finding: Finding, help: &str, findings: &mut Findings<'_>) {
    findings.add(
        finding
            .note("pachd accepts it; Kubernetes refuses the pod, so the pipeline never runs")
            .help(help),
    );
}

fn gpu(field: &str, resources: Fields<'_>, limits: Fields<'_>, findings: &mut Findings<'_>) {
    let Some(member) = resources.get("gpu") else { return };
    let gpu = Fields::of(&member.value);
    if gpu.node().is_none() {
        return;
    }
    let kind = gpu.get("type");
    if kind.is_none_or(|kind| kind.value.as_str() == Some("")) && !gpu.has_like("type") {
        let span = kind.map_or(member.key.span, |kind| kind.value.span);
        refused(
            Finding::new(&GPU_SPEC, span, "this GPU has no type"),
            "write \"type\": \"nvidia.com/gpu\"",
            findings,
        );
    }
    if field == "resource_requests" && limits.get("gpu").is_none() {
        let finding = Finding::new(
            &GPU_SPEC,
            member.key.span,
            "a GPU is requested, and there is no limit of as many",
        );
        refused(
            finding,
            "write it in `resource_limits`; a request is then not needed",
            findings,
        );
    }
    if let Some(count) = gpu
        .get("number")
        .filter(|count| number(&count.value).is_some_and(|count| count < 0.0))
    {
        refused(
            Finding::new(&GPU_SPEC, count.value.span, "`number` cannot be below zero"),
            "write 1 or more",
            findings,
        );
    }
}

fn quantity(spec: &Spec<'_>, name: &str, amount: Text<'_>, findings: &mut Findings<'_>) {
    if is_quantity(amount.value) {
        return;
    }
    let finding = Finding::new(
        &QUANTITY_INVALID,
        amount.span(),
        format!("{} is no amount that Kubernetes can read", shown(amount.value)),
    )
    .note(format!(
        "pachd accepts it, writes a line into its log and drops it: the pod has no such {name}"
    ));
    findings.add(match meant(amount.value) {
        Some((meant, safety)) => {
            let edit = edit::reword(spec.file, amount.node, &meant).into_iter().collect();
            finding
                .help(format!("write `{meant}`"))
                .fix(safety, format!("write `{meant}`"), edit)
        }
        None => finding.help("write a number and a unit: k, M, G, T or Ki, Mi, Gi, Ti, such as `512Mi`"),
    });
}

const UNITS: [&str; 14] = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti"];

/// Whether Kubernetes' own parser takes it: a signed decimal number and a unit or an exponent of ten.
fn is_quantity(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (number, unit) = split(unsigned);
    let exponent = || {
        let digits = unit
            .strip_prefix(['e', 'E'])
            .map(|digits| digits.strip_prefix(['+', '-']).unwrap_or(digits));
        digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    is_decimal(number) && (UNITS.contains(&unit) || ["Pi", "Ei"].contains(&unit) || exponent())
}

fn split(text: &str) -> (&str, &str) {
    let number = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    text.split_at_checked(number).unwrap_or((text, ""))
}

fn is_decimal(number: &str) -> bool {
    number.bytes().any(|byte| byte.is_ascii_digit()) && number.matches('.').count() <= 1
}

/// What somebody surely means by it. Only `K` can be nothing but `k`; of the others a person should know that GB is G.
fn meant(text: &str) -> Option<(String, Safety)> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace() && *c != ',').collect();
    let (number, unit) = split(&compact);
    let lower = unit.to_lowercase();
    let plain = lower
        .strip_suffix("bytes")
        .or_else(|| lower.strip_suffix("byte"))
        .or_else(|| lower.strip_suffix('b'));
    let unit = match plain.unwrap_or(&lower) {
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
    let is_only_k = text
        .strip_suffix('K')
        .is_some_and(|number| is_decimal(number) && meant == format!("{number}k"));
    let safety = if is_only_k { Safety::Safe } else { Safety::Unsafe };
    is_quantity(&meant).then_some((meant, safety))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_those_of_kubernetes() {
        for text in [
            "1", "1.5", ".5", "1.", "512Mi", "1G", "1k", "100m", "1e3", "1E3", "1e-3", "+1Gi", "1E", "2Ei",
        ] {
            assert!(is_quantity(text), "{text}");
        }
        for text in [
            "", "K", "1K", "2GB", "512 Mi", "1Kb", "MB", "1e", "1.2.3", ".", "-", "1mi", "0x10", "1ki",
        ] {
            assert!(!is_quantity(text), "{text}");
        }
    }

    #[test]
    fn only_a_lone_upper_case_k_is_mended_without_a_look() {
        let told = |text: &str| meant(text);
        assert_eq!(told("64K"), Some(("64k".to_owned(), Safety::Safe)));
        assert_eq!(told("2GB"), Some(("2G".to_owned(), Safety::Unsafe)));
        assert_eq!(told("512 MiB"), Some(("512Mi".to_owned(), Safety::Unsafe)));
        assert_eq!(told("1kb"), Some(("1k".to_owned(), Safety::Unsafe)));
        assert_eq!(told("1,000"), Some(("1000".to_owned(), Safety::Unsafe)));
        for text in ["lots", "GB", "1.2.3G"] {
            assert_eq!(told(text), None, "{text}");
        }
    }
}
