//! Rules about the container: its image, its program and its user.

use super::edit;
use super::finding::{Finding, Findings};
use super::kubernetes::IDS;
use super::reference::is_reference;
use super::rule::{Rule, rule};
use super::version::{Version, Versions};
use super::view::{Spec, Text, shown};
use crate::diagnostic::{Safety, Severity};
use crate::spec::tree::{Member, Value};

const MISSING_TRANSFORM: Rule = rule!("missing-transform", Error, Versions::ALL,
    summary: "a spec without `transform`",
    why: "`transform` says which program runs. Up to 2.7 pachd refuses a spec without one. Since 2.8 it fills one in \
          from its defaults, which have an image and no program, so the spec is accepted and the worker fails the \
          pipeline: nothing to run: no transform.cmd.",
    source: "src/server/pps/server/api_server.go:1878; src/server/worker/worker.go:76",
);
const MISSING_CMD: Rule = rule!("missing-cmd", Error, Versions::ALL,
    summary: "a transform without `cmd`",
    why: "pachd accepts the spec. In 2.x the worker then fails the pipeline: nothing to run: no transform.cmd. In 1.x \
          it runs the image's entrypoint, if the cluster lets it ask Docker for it.",
    source: "src/server/worker/worker.go:76; in 1.13, src/server/worker/worker.go:91",
);
const MISSING_IMAGE: Rule = rule!("missing-image", Warning, Versions::ALL,
    summary: "a transform without an image",
    why: "It is no error: pachd takes an Ubuntu of long ago, in which hardly any program is that a spout needs.",
    source: "src/server/pps/server/api_server.go:2731; in 1.13, src/server/pps/server/api_server.go:2848",
);
const IMAGE_TAG: Rule = rule!("image-tag", Warning, Versions::ALL,
    summary: "an image without a tag, or `latest`",
    why: "What such a name stands for changes, so the spout may run other code after its pod was moved. pachctl warns \
          of it, too, and is taken in by a registry's port.",
    source: "src/internal/ppsutil/decoder.go:156",
);
const IMAGE_BLANK: Rule = rule!("image-blank", Error, Versions::ALL,
    summary: "an image that begins or ends with a blank",
    why: "pachd accepts it, and Kubernetes takes the ReplicationController and refuses each of its pods: must not have \
          leading or trailing whitespace. Nothing fails the pipeline; it never gets a pod. An end of line counts as a \
          blank.",
    source: "created on API servers of 1.25.16 and 1.37.2",
    fixable: Some(Safety::Unsafe),
);
const IMAGE_REFERENCE: Rule = rule!("image-reference", Warning, Versions::ALL,
    summary: "a text that is the name of no image",
    why: "Neither pachd nor the API server looks at an image's name. The node does, and starts no container: \
          InvalidImageName. A name is in lower case; it has one tag at most, and no `https://` in front.",
    source: "https://kubernetes.io/docs/concepts/containers/images/; https://github.com/distribution/reference",
);
const USER_NUMBER: Rule = rule!("user-number", Error, Versions::TWO,
    summary: "a user whose number is too large or below zero",
    why: "A whole number in `transform.user` is what the pod's processes run as, and Kubernetes takes 0 to 2147483647. \
          In a deployment whose workers run as root, or whose security contexts are off, pachd does not look at the \
          number. What is no whole number, such as `root` or `1000:1000`, pachd only writes to its log.",
    source: "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/; created on API servers of \
             1.25.16 and 1.37.2",
);

pub(super) const RULES: &[Rule] = &[
    MISSING_TRANSFORM,
    MISSING_CMD,
    MISSING_IMAGE,
    IMAGE_TAG,
    IMAGE_BLANK,
    IMAGE_REFERENCE,
    USER_NUMBER,
];

pub(super) fn check(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    program(spec, findings);
    if let Some(image) = spec.transform().text("image") {
        image_name(spec, image, findings);
    }
    user(spec, findings);
}

fn program(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    const NO_PROGRAM: &str = "pachd accepts it, and the worker fails the pipeline: nothing to run: no transform.cmd";
    let (root, transform) = (spec.root, spec.transform());
    if root.node().is_none() || !spec.whole {
        return;
    }
    if root.get("transform").is_none() {
        let null = root.find("transform");
        let is_misplaced = root.find("cmd").is_some() || root.find("image").is_some();
        if null.is_none() && (is_misplaced || root.has_like("transform")) {
            return;
        }
        let is_filled = spec.version >= Version::new(2, 8) && null.is_none();
        let (span, message) = match null {
            Some(member) => (member.span(), "`transform` is null, so nothing says what runs"),
            None => (
                spec.beginning(),
                "this spec has no `transform`, so nothing says what runs",
            ),
        };
        findings.add(
            Finding::new(&MISSING_TRANSFORM, span, message)
                .note(if is_filled {
                    NO_PROGRAM
                } else {
                    "pachd refuses the spec: pipeline must specify a transform"
                })
                .help("write \"transform\": {\"image\": \"my/image:1\", \"cmd\": [\"my-program\"]}"),
        );
        return;
    }
    let Some(member) = root.get("transform").filter(|_| transform.node().is_some()) else {
        return;
    };
    if transform.get("build").is_some() {
        return;
    }
    let cmd = transform.get("cmd");
    let is_empty = cmd.is_some_and(|cmd| matches!(&cmd.value.value, Value::Array(elements) if elements.is_empty()));
    if is_empty || cmd.is_none() && !transform.has_like("cmd") && root.find("cmd").is_none() {
        let is_1 = spec.version.is_1();
        findings.add(
            Finding::new(
                &MISSING_CMD,
                cmd.map_or(member.key.span, Member::span),
                "this transform has no `cmd`, so there is nothing to run",
            )
            .severity(if is_1 { Severity::Warning } else { Severity::Error })
            .note(if is_1 {
                "the worker runs the image's entrypoint if it can ask Docker for it, and fails the pipeline if not"
            } else {
                NO_PROGRAM
            })
            .help("write \"cmd\": [\"my-program\", \"its\", \"arguments\"]"),
        );
        return; // whoever has no program yet has no image either
    }
    let is_blank = transform.text("image").is_some_and(|image| image.value.is_empty());
    if is_blank || transform.get("image").is_none() && !transform.has_like("image") && root.find("image").is_none() {
        let image = if spec.version.is_1() {
            "ubuntu:16.04"
        } else {
            "ubuntu:20.04"
        };
        findings.add(
            Finding::new(
                &MISSING_IMAGE,
                transform.get("image").map_or(member.key.span, Member::span),
                "this transform has no image",
            )
            .note(format!(
                "pachd takes {image}, unless the cluster has a default of its own"
            ))
            .help(format!(
                "name an image with a tag; write \"image\": \"{image}\" if that is the one"
            )),
        );
    }
}

fn tag(image: Text<'_>, findings: &mut Findings<'_>) {
    let (name, digest) = image.value.split_once('@').unwrap_or((image.value, ""));
    let last = name.rsplit('/').next().unwrap_or(name);
    let finding = match last.split_once(':') {
        _ if !digest.is_empty() || image.value.is_empty() || image.value.contains('$') => return,
        Some((_, "latest")) => Finding::new(&IMAGE_TAG, image.span(), "`latest` is another image from time to time"),
        Some((_, tag)) if !tag.is_empty() => return,
        _ => Finding::new(
            &IMAGE_TAG,
            image.span(),
            format!("image {} has no tag, so it is `latest`", shown(image.value)),
        ),
    };
    findings.add(
        finding
            .note("the spout may run other code whenever its pod is started anew")
            .help("name a version, such as `python:3.13`, or a digest"),
    );
}

fn image_name(spec: &Spec<'_>, image: Text<'_>, findings: &mut Findings<'_>) {
    let trimmed = image.value.trim();
    if trimmed != image.value {
        let edit = edit::reword(spec.file, image.node, trimmed);
        findings.add(
            Finding::new(
                &IMAGE_BLANK,
                image.span(),
                format!("image {} begins or ends with a blank", shown(image.value)),
            )
            .note("pachd accepts it; Kubernetes refuses each pod, and the pipeline waits for one for ever")
            .help("delete the blank")
            .unsafe_fix("delete the blank", edit),
        );
        return;
    }
    if image.value.is_empty() || image.value.contains('$') {
        return;
    }
    if !is_reference(image.value) {
        findings.add(
            Finding::new(
                &IMAGE_REFERENCE,
                image.span(),
                format!("no image can be named {}", shown(image.value)),
            )
            .note("pachd and Kubernetes accept it; the node cannot pull it, and the container never starts")
            .help("write a name such as `registry.example.com/team/image:1.0`, in lower case"),
        );
        return;
    }
    tag(image, findings);
}

fn user(spec: &Spec<'_>, findings: &mut Findings<'_>) {
    let Some(user) = spec.transform().text("user") else {
        return;
    };
    // Go reads a sign and leading zeros, and nothing beyond 64 bits.
    let number = user.value.parse::<i64>().ok().filter(|number| !IDS.contains(number));
    if number.is_some() {
        findings.add(
            Finding::new(
                &USER_NUMBER,
                user.span(),
                format!("no process can run as user {}", shown(user.value)),
            )
            .note("pachd accepts it; Kubernetes refuses the pod, and the pipeline fails")
            .help("write a number from 0 to 2147483647"),
        );
    }
}
