//! The pod that pachd makes for a spec: what `pod_spec` and `pod_patch` are applied to.
//!
//! It is that of 2.12, set up as its Helm chart does; older versions have a few volumes and variables less. What
//! only a deployment knows has a value that stands for it; Kubernetes does not look at these.

use serde_json::{Map, Value as Json, json};

use super::resources::{Container, Containers, Origin, has_sidecar_requests};
use super::scheduling::{EFFECTS, OPERATORS};
use super::version::Version;
use super::view::{Fields, Spec, number};

/// The pod's spec before any patch, in the form in which pachd writes it: what is empty is left out.
pub(super) fn pod_spec(spec: &Spec<'_>) -> Json {
    let storage = Storage::of(spec);
    let resources = Containers::of(spec);
    let mut init = container(
        "init",
        "pachyderm/worker",
        &["/app/init"],
        &storage.init,
        &resources.init,
    );
    set(&mut init, "securityContext", restricted(1000));
    let mut code = user_container(spec, &storage.user, &resources.user);
    let sidecar = sidecar_container(spec, &storage.sidecar, &resources.sidecar);
    let mut pod = json!({"volumes": storage.volumes, "restartPolicy": "Always", "terminationGracePeriodSeconds": 0,
        "serviceAccountName": "pachyderm-worker", "automountServiceAccountToken": true});
    if let Some(id) = user_id(spec) {
        set(&mut code, "securityContext", restricted(id));
        let context = json!({"runAsUser": id, "runAsGroup": id, "fsGroup": id, "runAsNonRoot": true,
            "seccompProfile": {"type": "RuntimeDefault"}});
        set(&mut pod, "securityContext", context);
    }
    set(&mut pod, "initContainers", json!([init]));
    set(&mut pod, "containers", json!([code, sidecar]));
    scheduling(spec, &mut pod);
    pod
}

/// The pod's volumes, and where its containers have them.
struct Storage {
    volumes: Vec<Json>,
    init: Vec<Json>,
    user: Vec<Json>,
    sidecar: Vec<Json>,
}

impl Storage {
    fn of(spec: &Spec<'_>) -> Self {
        let has_tmp = spec.version >= Version::new(2, 3);
        let (mut volumes, mut init) = secrets(spec);
        volumes.extend([empty("pach-bin"), empty("pachyderm-worker"), empty("pach-dir-volume")]);
        init.extend([mount("pach-bin", "/pach-bin"), mount("pachyderm-worker", "/pfs")]);
        let mut user = init.clone();
        user.push(mount("pach-dir-volume", "/pach"));
        let mut sidecar = vec![
            mount("pach-dir-volume", "/pach"),
            mount("pachyderm-storage-secret", "/pachyderm-storage-secret"),
        ];
        if has_tmp {
            volumes.extend([empty("user-tmp"), empty("tmp")]);
            user.push(mount("user-tmp", "/tmp"));
            sidecar.push(mount("tmp", "/tmp"));
        }
        volumes.push(json!({"name": "pachyderm-storage-secret", "secret": {"secretName": "pachyderm-storage-secret"}}));
        user.push(mount("pachyderm-storage-secret", "/pachyderm-storage-secret"));
        if spec.spout {
            volumes.push(json!({"name": "pachyderm-pachctl-secret", "secret": {"secretName": "spout-pachctl-secret"}}));
            user.push(mount("pachyderm-pachctl-secret", "/pachctl"));
            sidecar.push(mount("pachyderm-pachctl-secret", "/pachctl"));
        }
        Self {
            volumes,
            init,
            user,
            sidecar,
        }
    }
}

fn user_container(spec: &Spec<'_>, mounts: &[Json], resources: &Container<'_>) -> Json {
    let image = spec.transform().text("image").map_or("", |image| image.value);
    let image = if image.is_empty() { "ubuntu:20.04" } else { image };
    let command = ["/pach-bin/dumb-init", "--", "/pach-bin/worker"];
    let mut code = container("user", image, &command, mounts, resources);
    let ports = json!([{"name": "metrics-user", "containerPort": 9090}]);
    set(&mut code, "ports", ports);
    set(&mut code, "env", user_env(spec));
    code
}

fn sidecar_container(spec: &Spec<'_>, mounts: &[Json], resources: &Container<'_>) -> Json {
    let command = ["/pachd", "--mode", "sidecar"];
    let mut sidecar = container("storage", "pachyderm/pachd", &command, mounts, resources);
    let ports = json!([{"name": "metrics-storage", "containerPort": 9091}]);
    set(&mut sidecar, "ports", ports);
    set(&mut sidecar, "env", sidecar_env(spec, resources));
    let from = json!([{"secretRef": {"name": "pachyderm-storage-secret"}}]);
    set(&mut sidecar, "envFrom", from);
    set(&mut sidecar, "securityContext", restricted(1000));
    sidecar
}

fn container(name: &str, image: &str, command: &[&str], mounts: &[Json], resources: &Container<'_>) -> Json {
    json!({"name": name, "image": image, "command": command, "resources": lists(resources), "volumeMounts": mounts,
        "imagePullPolicy": "IfNotPresent"})
}

fn restricted(id: i64) -> Json {
    json!({"runAsUser": id, "runAsGroup": id, "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
        "capabilities": {"drop": ["all"]}})
}

fn set(of: &mut Json, key: &str, value: Json) {
    if let Some(members) = of.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
}

fn empty(name: &str) -> Json {
    json!({"name": name, "emptyDir": {}})
}

fn mount(name: &str, path: &str) -> Json {
    json!({"name": name, "mountPath": path})
}

/// The volumes of mounted secrets, and their mounts.
fn secrets(spec: &Spec<'_>) -> (Vec<Json>, Vec<Json>) {
    let mounted = spec.transform().messages("secrets").filter_map(|secret| {
        let path = secret.text("mount_path").filter(|path| !path.value.is_empty())?;
        let name = secret.text("name").map_or("", |name| name.value);
        Some((
            json!({"name": name, "secret": {"secretName": name}}),
            mount(name, path.value),
        ))
    });
    mounted.unzip()
}

/// The number that the processes run as, when the spec names one.
fn user_id(spec: &Spec<'_>) -> Option<i64> {
    spec.transform().text("user")?.value.parse().ok()
}

fn lists(of: &Container<'_>) -> Json {
    let mut lists = Map::new();
    for (name, amounts) in [("requests", &of.requests), ("limits", &of.limits)] {
        let list: Map<String, Json> = amounts
            .iter()
            .map(|(name, amount)| ((*name).to_owned(), Json::from(amount.text.as_ref())))
            .collect();
        if !list.is_empty() {
            lists.insert(name.to_owned(), Json::Object(list));
        }
    }
    Json::Object(lists)
}

/// What user's code and sidecar both get.
fn common(spec: &Spec<'_>) -> [Json; 18] {
    let project = spec.project().map_or("default", |name| name.value);
    [
        value("PACH_ROOT", "/pach"),
        value("PACH_NAMESPACE", "default"),
        value("STORAGE_BACKEND", DEPLOYED),
        value("STORAGE_URL", DEPLOYED),
        value("POSTGRES_USER", DEPLOYED),
        json!({"name": "POSTGRES_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "postgres", "key": DEPLOYED}}}),
        value("POSTGRES_DATABASE", DEPLOYED),
        value("PG_BOUNCER_HOST", DEPLOYED),
        value("PG_BOUNCER_PORT", DEPLOYED),
        value("PEER_PORT", "1653"),
        value("PPS_SPEC_COMMIT", DEPLOYED),
        value("PPS_PROJECT_NAME", project),
        value("PPS_PIPELINE_NAME", spec.name().map_or("", |name| name.value)),
        value("LOKI_SERVICE_HOST", DEPLOYED),
        value("LOKI_SERVICE_PORT", DEPLOYED),
        value("GOCOVERDIR", "/tmp"),
        // The worker speaks to no database, so that these two are empty, and an empty value is left out.
        json!({"name": "POSTGRES_PORT"}),
        json!({"name": "POSTGRES_HOST"}),
    ]
}

fn of_user() -> [Json; 5] {
    [
        value("PACH_IN_WORKER", "true"),
        of_pod("PPS_WORKER_IP", "status.podIP"),
        value("PPS_ETCD_PREFIX", DEPLOYED),
        of_pod("PPS_POD_NAME", "metadata.name"),
        value("PPS_WORKER_GRPC_PORT", "1080"),
    ]
}

fn of_sidecar() -> [Json; 5] {
    [
        value("PORT", "1650"),
        of_pod("PACHD_POD_NAME", "metadata.name"),
        value("GC_PERCENT", "100"),
        value("PROMETHEUS_PORT", "9091"),
        value("STORAGE_UPLOAD_CONCURRENCY_LIMIT", "100"),
    ]
}

fn level() -> Json {
    value("PACHYDERM_LOG_LEVEL", "info")
}

/// Stands for a text that only a deployment knows.
const DEPLOYED: &str = "x";

fn value(name: &str, value: &str) -> Json {
    json!({"name": name, "value": value})
}

/// A variable that Kubernetes sets to a field of the pod.
fn of_pod(name: &str, path: &str) -> Json {
    json!({"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}})
}

fn reference(name: &str, secret: Fields<'_>) -> Json {
    let text = |key: &str| secret.text(key).map_or("", |text| text.value);
    json!({"name": name, "valueFrom": {"secretKeyRef": {"name": text("name"), "key": text("key")}}})
}

fn user_env(spec: &Spec<'_>) -> Json {
    let transform = spec.transform();
    let mut env: Vec<Json> = transform
        .message("env")
        .members()
        .iter()
        .map(|member| match member.value.as_str().unwrap_or_default() {
            "" => json!({"name": member.key.name}),
            written => value(&member.key.name, written),
        })
        .collect();
    for secret in transform.messages("secrets") {
        if let Some(name) = secret.text("env_var").filter(|name| !name.value.is_empty()) {
            env.push(reference(name.value, secret));
        }
    }
    env.extend(of_user().into_iter().chain(common(spec)).chain([level()]));
    Json::Array(env)
}

fn sidecar_env(spec: &Spec<'_>, resources: &Container<'_>) -> Json {
    let mut env: Vec<Json> = of_sidecar().into_iter().chain(common(spec)).collect();
    let secret = spec.root.message("egress").message("sql_database").message("secret");
    if secret.node().is_some() {
        env.push(reference("PACHYDERM_SQL_PASSWORD", secret));
    }
    env.push(level());
    // Of a list without memory, too.
    let has_limits = spec.root.get("sidecar_resource_limits").is_some();
    for (name, is_there, amounts) in [
        ("K8S_MEMORY_LIMIT", has_limits, &resources.limits),
        ("K8S_MEMORY_REQUEST", has_sidecar_requests(spec), &resources.requests),
    ] {
        if is_there {
            let memory = amounts.get("memory").map_or_else(
                || "0".to_owned(),
                |amount| match amount.origin {
                    // Of a fraction the digits depend on how it is written.
                    Origin::Spec(_) => amount.quantity.decimal().unwrap_or_else(|| DEPLOYED.to_owned()),
                    _ => DEPLOYED.to_owned(),
                },
            );
            env.push(value(name, &memory));
        }
    }
    Json::Array(env)
}

fn scheduling(spec: &Spec<'_>, pod: &mut Json) {
    let pull: Vec<Json> = spec
        .transform()
        .texts("image_pull_secrets")
        .map(|name| json!({"name": name.value}))
        .collect();
    let scheduling = spec.root.message("scheduling_spec");
    let selector: Map<String, Json> = scheduling
        .message("node_selector")
        .members()
        .iter()
        .map(|member| {
            (
                member.key.name.clone(),
                Json::from(member.value.as_str().unwrap_or_default()),
            )
        })
        .collect();
    let tolerations: Vec<Json> = spec.root.messages("tolerations").map(toleration).collect();
    let class = scheduling.text("priority_class_name").map_or("", |class| class.value);
    for (key, value, is_there) in [
        ("imagePullSecrets", Json::from(pull.clone()), !pull.is_empty()),
        ("nodeSelector", Json::from(selector.clone()), !selector.is_empty()),
        ("tolerations", Json::from(tolerations.clone()), !tolerations.is_empty()),
        ("priorityClassName", Json::from(class), !class.is_empty()),
    ] {
        if is_there {
            set(pod, key, value);
        }
    }
}

fn toleration(of: Fields<'_>) -> Json {
    let mut made = Map::new();
    for (key, field) in [("key", "key"), ("value", "value")] {
        if let Some(text) = of.text(field).filter(|text| !text.value.is_empty()) {
            made.insert(key.to_owned(), Json::from(text.value));
        }
    }
    let operators = [("EXISTS", "Exists"), ("EQUAL", "Equal")];
    let effects = [
        ("NO_SCHEDULE", "NoSchedule"),
        ("PREFER_NO_SCHEDULE", "PreferNoSchedule"),
        ("NO_EXECUTE", "NoExecute"),
    ];
    for (key, all, names) in [
        ("operator", &OPERATORS[..], &operators[..]),
        ("effect", &EFFECTS, &effects),
    ] {
        let chosen = of.chosen(key, all);
        if let Some((_, name)) = names.iter().find(|(name, _)| Some(*name) == chosen) {
            made.insert(key.to_owned(), Json::from(*name));
        }
    }
    if let Some(seconds) = of.get("toleration_seconds").and_then(|member| number(&member.value)) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it saturates, and any number of seconds is taken"
        )]
        made.insert("tolerationSeconds".to_owned(), Json::from(seconds as i64));
    }
    Json::Object(made)
}
