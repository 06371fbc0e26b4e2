//! Rules about requests and limits: what each container of the pod gets, and whether Kubernetes grants it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::amounts::FIELDS;
use super::finding::{Finding, Findings};
use super::kubernetes::quantity::Quantity;
use super::kubernetes::resources::{amount_fault, is_huge_page, may_be_overcommitted, name_fault, request_fault};
use super::rule::{Rule, rule};
use super::version::{Version, Versions};
use super::view::{Fields, Spec, number, shown};
use crate::source::Span;
use crate::spec::tree::Member;

const LIMIT_BELOW_REQUEST: Rule = rule!("limit-below-request", Error, Versions::ALL,
    summary: "a limit that is less than what is requested",
    why: "Kubernetes refuses a pod in which a container requests more of something than its limit. The limits of the \
          user's container are those of the one that prepares the pod, too; that one requests 64M of memory unless the \
          spec requests some itself. Before 2.8, or when its defaults are switched off, the sidecar does the same.",
    source: "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/; \
             src/server/pps/server/worker_rc.go:491; created on API servers of 1.25.16 and 1.37.2",
);
const LIMIT_BELOW_DEFAULT_REQUEST: Rule = rule!("limit-below-default-request", Warning, Versions::since(2, 8),
    summary: "a limit that is less than what the cluster's defaults request",
    why: "Since 2.8 a new cluster has defaults that request 1 CPU, 256Mi of memory and 1Gi of disk for the user's \
          container and for the sidecar, and pachd merges them into a spec that has limits alone. Kubernetes refuses a \
          pod in which a container requests more than its limit, so the pipeline fails. `pachctl inspect defaults \
          --cluster` shows what a cluster has.",
    source: "src/internal/clusterstate/v2.8.0/defaults.go:57; created on API servers of 1.25.16 and 1.37.2",
);
const GPU_SPEC: Rule = rule!("gpu-spec", Error, Versions::ALL,
    summary: "a GPU that Kubernetes does not grant",
    why: "The type of a GPU is the name of a resource that a device plugin offers: a domain in lower case, a slash and \
          a name. Kubernetes refuses a pod that requests GPUs without a limit of as many, that names no type, or that \
          asks for less than none. A limit alone is enough. Huge pages need cpu or memory beside them in the same \
          container.",
    source: "https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/; src/internal/ppsutil/util.go:103; created \
             on API servers of 1.25.16 and 1.37.2",
);
const DEFAULT_REQUESTS: Rule = rule!("default-requests", Info, Versions::since(2, 5),
    summary: "a spec that leaves its resources to the defaults",
    why: "Without requests and limits a pod asks for 1 CPU, 256Mi of memory and 1Gi of disk, which may be more than a \
          small spout needs or a small cluster has. From 2.5 to 2.7 {} opts out; since 2.8 the cluster's defaults are \
          merged in, and only {\"cpu\": null, \"memory\": null, \"disk\": null} does.",
    source: "src/server/pps/server/worker_rc.go:732; run with pachd 2.12",
    opt_in: true,
);

pub(super) const RULES: &[Rule] = &[
    LIMIT_BELOW_REQUEST,
    LIMIT_BELOW_DEFAULT_REQUEST,
    GPU_SPEC,
    DEFAULT_REQUESTS,
];

const REFUSED: &str = "pachd accepts it; Kubernetes refuses the pod, and the pipeline fails";

/// Where an amount in the pod comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origin<'a> {
    Spec(&'a Member),
    /// The defaults of a cluster.
    Defaults,
    /// pachd always asks for it.
    Pachd,
}

/// So much of a resource.
#[derive(Debug, Clone)]
pub(super) struct Amount<'a> {
    pub quantity: Quantity,
    /// As Kubernetes would write it.
    pub text: Cow<'a, str>,
    pub origin: Origin<'a>,
}

/// Amounts by the names that Kubernetes has for the resources.
type Amounts<'a> = BTreeMap<&'a str, Amount<'a>>;

/// What one container asks for, and what it may have.
#[derive(Debug, Clone, Default)]
pub(super) struct Container<'a> {
    pub requests: Amounts<'a>,
    pub limits: Amounts<'a>,
}

/// What each container of the pod gets, pachd's and the cluster's defaults included.
pub(super) struct Containers<'a> {
    pub init: Container<'a>,
    pub user: Container<'a>,
    pub sidecar: Container<'a>,
}

/// What a new cluster requests by default, and what the field of a spec is called.
const DEFAULTS: [(&str, &str, &str); 3] = [
    ("cpu", "cpu", "1"),
    ("memory", "memory", "256Mi"),
    ("disk", "ephemeral-storage", "1Gi"),
];

/// Since when pachd merges a cluster's defaults into a spec.
const MERGED: Version = Version::new(2, 8);

/// Since when pachd requests as much for the user's container of a spec that has neither requests nor limits.
const REQUESTED: Version = Version::new(2, 5);

impl<'a> Containers<'a> {
    pub(super) fn of(spec: &Spec<'a>) -> Self {
        let root = spec.root;
        let limits = amounts(root.message("resource_limits"));
        let has = |field: &str| root.get(field).is_some();
        let says_nothing = !has("resource_requests") && !has("resource_limits");
        let user = Container {
            requests: if says_nothing && spec.version >= REQUESTED {
                defaults().collect()
            } else {
                requests(spec, "resource_requests")
            },
            limits: limits.clone(),
        };
        // It gets what the user's container asks for, except for devices.
        let mut init = Container {
            requests: pachd_asks(),
            limits,
        };
        for name in super::kubernetes::resources::STANDARD {
            if let Some(amount) = user.requests.get(name) {
                init.requests.insert(name, amount.clone());
            }
        }
        let sidecar = Container {
            requests: if has_sidecar_requests(spec) {
                requests(spec, "sidecar_resource_requests")
            } else {
                pachd_asks()
            },
            limits: amounts(root.message("sidecar_resource_limits")),
        };
        Self { init, user, sidecar }
    }
}

/// Whether the sidecar has requests of a spec or of the cluster's defaults, in place of pachd's own.
pub(super) fn has_sidecar_requests(spec: &Spec<'_>) -> bool {
    let field = "sidecar_resource_requests";
    spec.root.get(field).is_some() || spec.version >= MERGED && spec.root.find(field).is_none()
}

fn defaults<'a>() -> impl Iterator<Item = (&'a str, Amount<'a>)> {
    DEFAULTS
        .into_iter()
        .map(|(_, kubernetes, text)| (kubernetes, given(text, Origin::Defaults)))
}

fn pachd_asks<'a>() -> Amounts<'a> {
    [("cpu", "0"), ("memory", "64M")]
        .map(|(name, text)| (name, given(text, Origin::Pachd)))
        .into_iter()
        .collect()
}

fn given<'a>(text: &'a str, origin: Origin<'a>) -> Amount<'a> {
    Amount {
        quantity: Quantity::parse(text).unwrap_or(Quantity::ZERO),
        text: text.into(),
        origin,
    }
}

/// The requests of a field, merged into the defaults of a cluster that has them.
fn requests<'a>(spec: &Spec<'a>, field: &str) -> Amounts<'a> {
    let fields = spec.root.message(field);
    let mut amounts = amounts(fields);
    let is_switched_off = spec.root.find(field).is_some() && spec.root.get(field).is_none();
    let is_merged = spec.version >= MERGED && !is_switched_off;
    for (name, kubernetes, text) in DEFAULTS {
        if is_merged && fields.find(name).is_none() {
            amounts
                .entry(kubernetes)
                .or_insert_with(|| given(text, Origin::Defaults));
        }
    }
    amounts
}

/// What a spec says, without what pachd drops. A later one of the same name replaces an earlier one: a GPU of the type
/// `memory` is an amount of memory.
fn amounts(of: Fields<'_>) -> Amounts<'_> {
    let mut amounts = Amounts::new();
    if let Some((member, cores)) = of.number("cpu")
        && let Some(quantity) = Quantity::cores(cores)
    {
        let origin = Origin::Spec(member);
        let text = cores.to_string().into();
        amounts.insert("cpu", Amount { quantity, text, origin });
    }
    for (name, kubernetes) in [("memory", "memory"), ("disk", "ephemeral-storage")] {
        if let Some((member, text)) = of.get(name).and_then(|member| Some((member, member.value.as_str()?)))
            && let Some(quantity) = Quantity::parse(text)
        {
            let (text, origin) = (text.into(), Origin::Spec(member));
            amounts.insert(kubernetes, Amount { quantity, text, origin });
        }
    }
    if let Some(member) = of.get("gpu") {
        let gpu = Fields::of(&member.value);
        let kind = gpu.text("type").map_or("", |kind| kind.value);
        if gpu.node().is_some() && !kind.is_empty() {
            let count = gpu
                .get("number")
                .and_then(|count| number(&count.value))
                .unwrap_or_default();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it saturates; what is no i64 is told as a wrong type"
            )]
            let count = count as i64;
            let (quantity, origin) = (Quantity::whole(count), Origin::Spec(member));
            let text = count.to_string().into();
            amounts.insert(kind, Amount { quantity, text, origin });
        }
    }
    amounts
}

pub(super) fn check(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    let root = spec.root;
    for field in FIELDS {
        gpu(root.message(field), findings);
    }
    let containers = Containers::of(spec);
    for (container, of, is_init) in [
        (&containers.user, "the user's container", false),
        (&containers.init, "the container that prepares the pod", true),
        (&containers.sidecar, "the sidecar", false),
    ] {
        if !is_init && let Some((name, member)) = huge_pages_alone(container) {
            let message = format!("{of} has {}, and neither cpu nor memory", shown(name));
            let finding = Finding::new(&GPU_SPEC, value_span(member), message);
            findings.add(finding.note(REFUSED).help("write `cpu` or `memory` beside them"));
        }
        for (name, request) in &container.requests {
            // What it has from the user's container is told of that one.
            if is_init && !matches!(request.origin, Origin::Pachd) {
                continue;
            }
            pair(name, request, container.limits.get(name), of, findings);
        }
    }
    let has = |field: &str| root.find(field).is_some();
    if spec.spout && !has("resource_requests") && !has("resource_limits") && root.node().is_some() {
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

/// A request and its limit.
fn pair(name: &str, request: &Amount<'_>, limit: Option<&Amount<'_>>, of: &str, findings: &mut Findings<'_>) {
    let is_wrong = |amount: &Amount<'_>| amount_fault(name, amount.quantity).is_some();
    if is_wrong(request) || limit.is_some_and(is_wrong) || name_fault(name).is_some() {
        return; // said of the amount, or of the name
    }
    let Some(why) = request_fault(name, request.quantity, limit.map(|limit| limit.quantity)) else {
        return;
    };
    let what = if name == "ephemeral-storage" { "disk" } else { name };
    if !may_be_overcommitted(name) {
        if let Origin::Spec(member) = request.origin {
            let finding = Finding::new(
                &GPU_SPEC,
                member.key.span,
                format!("this request of {} {why}", shown(name)),
            );
            let finding = match limit.map(|limit| limit.origin) {
                Some(Origin::Spec(limit)) => finding.also(limit.key.span, "this is the limit"),
                _ => finding,
            };
            findings.add(
                finding
                    .note(REFUSED)
                    .help("write the limit alone; the request is then the same"),
            );
        }
        return;
    }
    let Some(limit) = limit else { return };
    let Origin::Spec(place) = limit.origin else { return };
    let span = value_span(place);
    let finding = match request.origin {
        Origin::Spec(member) => Finding::new(
            &LIMIT_BELOW_REQUEST,
            span,
            format!("{of} requests more {what} than this limit"),
        )
        .also(value_span(member), "so much is requested"),
        Origin::Defaults => Finding::new(
            &LIMIT_BELOW_DEFAULT_REQUEST,
            span,
            format!(
                "{of} requests {} of {what} by default, which is more than this limit",
                request.text
            ),
        ),
        Origin::Pachd => Finding::new(
            &LIMIT_BELOW_REQUEST,
            span,
            format!(
                "{of} requests {} of {what}, which is more than this limit",
                request.text
            ),
        ),
    };
    let requests = if of == "the sidecar" {
        "sidecar_resource_requests"
    } else {
        "resource_requests"
    };
    let field = if what == "disk" { "disk" } else { name };
    findings.add(match request.origin {
        Origin::Spec(_) => finding.note(REFUSED).help("raise the limit, or lower the request"),
        Origin::Defaults => finding
            .note(format!("with the defaults of a new cluster {REFUSED}"))
            .help(format!("raise the limit, or write `{field}` in `{requests}`, too")),
        Origin::Pachd => finding
            .note(REFUSED)
            .help(format!("raise the limit, or write `{field}` in `{requests}`, too")),
    });
}

/// Huge pages of a container that has nothing to use them with.
fn huge_pages_alone<'a, 'b>(of: &'b Container<'a>) -> Option<(&'b str, &'a Member)> {
    let mut all = of.limits.iter().chain(&of.requests);
    if all.clone().any(|(name, _)| matches!(*name, "cpu" | "memory")) {
        return None;
    }
    all.find_map(|(name, amount)| match amount.origin {
        Origin::Spec(member) if is_huge_page(name) => Some((*name, member)),
        _ => None,
    })
}

fn value_span(member: &Member) -> Span {
    member.value.span
}

/// A GPU's type and number.
fn gpu(resources: Fields<'_>, findings: &mut Findings<'_>) {
    let Some(member) = resources.get("gpu") else { return };
    let gpu = Fields::of(&member.value);
    if gpu.node().is_none() {
        return;
    }
    let kind = gpu.get("type");
    if kind.is_none_or(|kind| kind.value.as_str() == Some("")) && !gpu.has_like("type") {
        let span = kind.map_or(member.key.span, |kind| kind.value.span);
        findings.add(
            Finding::new(&GPU_SPEC, span, "this GPU has no type")
                .note(REFUSED)
                .help("write \"type\": \"nvidia.com/gpu\""),
        );
    }
    let Some(name) = gpu.text("type").filter(|kind| !kind.value.is_empty()) else {
        return;
    };
    if let Some(why) = name_fault(name.value) {
        findings.add(
            Finding::new(
                &GPU_SPEC,
                name.span(),
                format!("no GPU is of the type {}: it {why}", shown(name.value)),
            )
            .note(REFUSED)
            .help("write the name that the device plugin has for it, such as `nvidia.com/gpu`"),
        );
        return;
    }
    let amount = amounts(resources).remove(name.value);
    if let Some(why) = amount.and_then(|amount| amount_fault(name.value, amount.quantity)) {
        let span = gpu.get("number").map_or(member.key.span, |count| count.value.span);
        findings.add(
            Finding::new(&GPU_SPEC, span, format!("the number of {} {why}", shown(name.value)))
                .note(REFUSED)
                .help("write 1 or more"),
        );
    }
}
