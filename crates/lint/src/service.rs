//! Rules about a service: its type and its ports.

use super::edit;
use super::finding::{Finding, Findings};
use super::rule::{Rule, rule};
use super::version::Versions;
use super::view::{Fields, Spec, shown};
use crate::diagnostic::{Safety, Severity};
use crate::spec::tree::Member;

const SERVICE_TYPE: Rule = rule!("service-type", Error, Versions::ALL,
    summary: "a service of an unknown type",
    why: "pachd never looks at the type of a spout's service; Kubernetes does, and knows `ClusterIP`, `NodePort` and \
          `LoadBalancer` in just this spelling, so the pipeline fails. That of an ordinary service pachd refuses \
          itself.",
    source: "src/server/pps/server/api_server.go:1980 and 2746",
    fixable: Some(Safety::Safe),
);
const SERVICE_PORT_MISSING: Rule = rule!("service-port-missing", Error, Versions::ALL,
    summary: "a service without an external port, or with an impossible one",
    why: "Kubernetes takes ports from 1 to 65535 and refuses the service otherwise, so the pipeline fails. 1.x makes \
          no service at all when `external_port` is missing, and says nothing.",
    source: "src/server/pps/server/worker_rc.go:1138; in 1.13, src/server/pps/server/worker_rc.go:804",
);
const SERVICE_NODEPORT_RANGE: Rule = rule!("service-nodeport-range", Error, Versions::ALL,
    summary: "a port that is no node port",
    why: "Of a service of type `NodePort`, which is the default, `external_port` is also the port on each node. A \
          cluster keeps 30000 to 32767 for those unless it was set up otherwise, and Kubernetes refuses the service.",
    source: "src/server/pps/server/worker_rc.go:1146",
    fixable: Some(Safety::Unsafe),
);

pub(super) const RULES: &[Rule] = &[SERVICE_TYPE, SERVICE_PORT_MISSING, SERVICE_NODEPORT_RANGE];

const TYPES: [&str; 3] = ["ClusterIP", "LoadBalancer", "NodePort"];
const NODE_PORTS: std::ops::RangeInclusive<f64> = 30000.0..=32767.0;
const PORTS: std::ops::RangeInclusive<f64> = 1.0..=65535.0;

pub(super) fn check(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    // A service beside a spout is a fault as a whole.
    let member = if spec.spout {
        spec.spout_service()
    } else {
        spec.root.get("service")
    };
    let Some(member) = member else { return };
    let service = Fields::of(&member.value);
    if service.node().is_some() {
        kind(spec, service, findings);
        ports(spec, member, service, findings);
    }
}

fn kind(spec: &Spec<'_>, service: Fields<'_>, findings: &mut Findings<'_>) {
    let Some(kind) = service
        .text("type")
        .filter(|kind| !kind.value.is_empty() && !TYPES.contains(&kind.value))
    else {
        return;
    };
    let finding = Finding::new(
        &SERVICE_TYPE,
        kind.span(),
        format!("{} is no type of service", shown(kind.value)),
    )
    .note(if spec.spout {
        "pachd accepts it; Kubernetes refuses the service, and the pipeline fails"
    } else {
        "pachd refuses the spec: the service type is not allowed"
    });
    findings.add(
        match TYPES.iter().find(|known| known.eq_ignore_ascii_case(kind.value)) {
            Some(meant) => finding
                .help(format!("write `{meant}`"))
                .safe_fix(format!("write `{meant}`"), edit::reword(spec.file, kind.node, meant)),
            None => finding.help("write `ClusterIP`, `NodePort` or `LoadBalancer`"),
        },
    );
}

fn ports(spec: &Spec<'_>, member: &Member, service: Fields<'_>, findings: &mut Findings<'_>) {
    let refused = "pachd accepts it; Kubernetes refuses the service, and the pipeline fails";
    if let Some((port, _)) = service
        .number("internal_port")
        .filter(|(_, port)| *port != 0.0 && !PORTS.contains(port))
    {
        findings.add(
            Finding::new(&SERVICE_PORT_MISSING, port.value.span, "no port has this number")
                .note(refused)
                .help("write a port from 1 to 65535"),
        );
    }
    let external = service.get("external_port");
    match (external, service.number("external_port")) {
        (None, _) if service.has_like("external_port") => {}
        (None, _) | (Some(_), Some((_, 0.0))) => {
            let is_1 = spec.version.is_1();
            findings.add(
                Finding::new(
                    &SERVICE_PORT_MISSING,
                    external.map_or(member.key.span, Member::span),
                    "this service has no external port",
                )
                .severity(if is_1 { Severity::Warning } else { Severity::Error })
                .note(if is_1 {
                    "pachd accepts it, makes no service and says nothing"
                } else {
                    refused
                })
                .help("write \"external_port\": 30000 to 32767, or any port with \"type\": \"ClusterIP\""),
            );
        }
        (Some(port), Some((_, number))) if !PORTS.contains(&number) => findings.add(
            Finding::new(&SERVICE_PORT_MISSING, port.value.span, "no port has this number")
                .note(refused)
                .help("write a port from 1 to 65535"),
        ),
        (Some(port), Some((_, number))) => node_port(spec, service, port, number, findings),
        (Some(_), None) => {}
    }
}

fn node_port(spec: &Spec<'_>, service: Fields<'_>, port: &Member, number: f64, findings: &mut Findings<'_>) {
    let kind = service.get("type");
    let is_default = kind.is_none_or(|kind| kind.value.as_str() == Some(""));
    let is_node_port = is_default || kind.is_some_and(|kind| kind.value.as_str() == Some("NodePort"));
    if !is_node_port || NODE_PORTS.contains(&number) || service.has_like("type") && is_default && kind.is_none() {
        return;
    }
    let finding = Finding::new(
        &SERVICE_NODEPORT_RANGE,
        port.value.span,
        format!("{} is no node port", spec.file.slice(port.value.span)),
    )
    .note(
        "pachd accepts it; a cluster keeps 30000 to 32767 for node ports, refuses the service, and the pipeline fails",
    )
    .help("write a port from 30000 to 32767, or \"type\": \"ClusterIP\"");
    let edit = match (kind, service.node()) {
        (Some(kind), _) => edit::set(spec.file, kind, "\"ClusterIP\""),
        (None, Some(node)) => edit::add_first(spec.file, node, "type", "\"ClusterIP\""),
        (None, None) => None,
    };
    let finding = finding.unsafe_fix("make it a `ClusterIP`", edit);
    findings.add(match kind {
        Some(kind) if !is_default => finding.also(kind.span(), "because of this"),
        _ => finding.label("also the port on each node, for `NodePort` is the default type"),
    });
}
