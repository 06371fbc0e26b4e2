//! The fields of a spec: which there are in which version, and of what type. One table, from the definitions of the
//! messages in Pachyderm 1.12, 1.13 and 2.0 to 2.12.

use super::{Enumeration, Field, Message, Type};
use crate::version::{Version, Versions};

const fn one(name: &'static str, kind: Type, versions: Versions) -> Field {
    Field {
        name,
        kind,
        repeated: false,
        versions,
    }
}

const fn many(name: &'static str, kind: Type, versions: Versions) -> Field {
    Field {
        name,
        kind,
        repeated: true,
        versions,
    }
}

pub(crate) static SPEC: Message = Message {
    fields: &[
        one("pipeline", Type::Message(&PIPELINE), Versions::ALL),
        one("tf_job", Type::Message(&TF_JOB), Versions::ALL),
        one("transform", Type::Message(&TRANSFORM), Versions::ALL),
        one("parallelism_spec", Type::Message(&PARALLELISM_SPEC), Versions::ALL),
        one("hashtree_spec", Type::Message(&HASHTREE_SPEC), Versions::ONE),
        one("egress", Type::Message(&EGRESS), Versions::ALL),
        one("update", Type::Bool, Versions::ALL),
        one("output_branch", Type::String, Versions::ALL),
        one("s3_out", Type::Bool, Versions::ALL),
        one("resource_requests", Type::Message(&RESOURCE_SPEC), Versions::ALL),
        one("resource_limits", Type::Message(&RESOURCE_SPEC), Versions::ALL),
        one("sidecar_resource_limits", Type::Message(&RESOURCE_SPEC), Versions::ALL),
        one("input", Type::Message(&INPUT), Versions::ALL),
        one("description", Type::String, Versions::ALL),
        one("cache_size", Type::String, Versions::ONE),
        one("enable_stats", Type::Bool, Versions::ONE),
        one("reprocess", Type::Bool, Versions::ALL),
        one("max_queue_size", Type::Int64, Versions::ONE),
        one("service", Type::Message(&SERVICE), Versions::ALL),
        one("spout", Type::Message(&SPOUT), Versions::ALL),
        one("chunk_spec", Type::Message(&CHUNK_SPEC), Versions::ONE),
        one("datum_timeout", Type::Duration, Versions::ALL),
        one("job_timeout", Type::Duration, Versions::ALL),
        one("salt", Type::String, Versions::ALL),
        one("standby", Type::Bool, Versions::ONE),
        one("datum_tries", Type::Int64, Versions::ALL),
        one("scheduling_spec", Type::Message(&SCHEDULING_SPEC), Versions::ALL),
        one("pod_spec", Type::String, Versions::ALL),
        one("pod_patch", Type::String, Versions::ALL),
        one("spec_commit", Type::Opaque, Versions::ALL),
        one("metadata", Type::Message(&METADATA), Versions::ALL),
        one("autoscaling", Type::Bool, Versions::since(1, 13)),
        one("reprocess_spec", Type::String, Versions::since(1, 13)),
        one("datum_set_spec", Type::Message(&DATUM_SET_SPEC), Versions::TWO),
        many("tolerations", Type::Message(&TOLERATION), Versions::since(2, 5)),
        one(
            "sidecar_resource_requests",
            Type::Message(&RESOURCE_SPEC),
            Versions::since(2, 6),
        ),
        one(
            "details_json",
            Type::String,
            Versions::between(Version::new(2, 7), Version::new(2, 7)),
        ),
        one("dry_run", Type::Bool, Versions::since(2, 7)),
        one("determined", Type::Message(&DETERMINED), Versions::since(2, 7)),
        one("maximum_expected_uptime", Type::Duration, Versions::since(2, 9)),
    ],
};

static PIPELINE: Message = Message {
    fields: &[
        one("name", Type::String, Versions::ALL),
        one("project", Type::Message(&PROJECT), Versions::since(2, 5)),
    ],
};

static PROJECT: Message = Message {
    fields: &[one("name", Type::String, Versions::since(2, 5))],
};

static TRANSFORM: Message = Message {
    fields: &[
        one("image", Type::String, Versions::ALL),
        many("cmd", Type::String, Versions::ALL),
        many("err_cmd", Type::String, Versions::ALL),
        one("env", Type::Strings, Versions::ALL),
        many("secrets", Type::Message(&SECRET_MOUNT), Versions::ALL),
        many("image_pull_secrets", Type::String, Versions::ALL),
        many("stdin", Type::String, Versions::ALL),
        many("err_stdin", Type::String, Versions::ALL),
        many("accept_return_code", Type::Int64, Versions::ALL),
        one("debug", Type::Bool, Versions::ALL),
        one("user", Type::String, Versions::ALL),
        one("working_dir", Type::String, Versions::ALL),
        one("dockerfile", Type::String, Versions::ALL),
        one("build", Type::Message(&BUILD_SPEC), Versions::ONE),
        one("memory_volume", Type::Bool, Versions::since(2, 4)),
        one("datum_batching", Type::Bool, Versions::since(2, 5)),
    ],
};

static BUILD_SPEC: Message = Message {
    fields: &[
        one("path", Type::String, Versions::ONE),
        one("language", Type::String, Versions::ONE),
        one("image", Type::String, Versions::ONE),
    ],
};

static SECRET_MOUNT: Message = Message {
    fields: &[
        one("name", Type::String, Versions::ALL),
        one("key", Type::String, Versions::ALL),
        one("mount_path", Type::String, Versions::ALL),
        one("env_var", Type::String, Versions::ALL),
    ],
};

static SPOUT: Message = Message {
    fields: &[
        one("overwrite", Type::Bool, Versions::ONE),
        one("service", Type::Message(&SERVICE), Versions::ALL),
        one("marker", Type::String, Versions::ONE),
    ],
};

static SERVICE: Message = Message {
    fields: &[
        one("internal_port", Type::Int32, Versions::ALL),
        one("external_port", Type::Int32, Versions::ALL),
        one("ip", Type::String, Versions::ALL),
        one("type", Type::String, Versions::ALL),
    ],
};

static SCHEDULING_SPEC: Message = Message {
    fields: &[
        one("node_selector", Type::Strings, Versions::ALL),
        one("priority_class_name", Type::String, Versions::ALL),
    ],
};

static RESOURCE_SPEC: Message = Message {
    fields: &[
        one("cpu", Type::Float, Versions::ALL),
        one("memory", Type::String, Versions::ALL),
        one("gpu", Type::Message(&GPU_SPEC), Versions::ALL),
        one("disk", Type::String, Versions::ALL),
    ],
};

static GPU_SPEC: Message = Message {
    fields: &[
        one("type", Type::String, Versions::ALL),
        one("number", Type::Int64, Versions::ALL),
    ],
};

static PARALLELISM_SPEC: Message = Message {
    fields: &[
        one("constant", Type::Uint64, Versions::ALL),
        one("coefficient", Type::Float, Versions::ONE),
    ],
};

static HASHTREE_SPEC: Message = Message {
    fields: &[one("constant", Type::Uint64, Versions::ONE)],
};

static EGRESS: Message = Message {
    fields: &[
        one("URL", Type::String, Versions::ALL),
        one(
            "object_storage",
            Type::Message(&OBJECT_STORAGE_EGRESS),
            Versions::since(2, 2),
        ),
        one(
            "sql_database",
            Type::Message(&SQL_DATABASE_EGRESS),
            Versions::since(2, 2),
        ),
    ],
};

static METADATA: Message = Message {
    fields: &[
        one("annotations", Type::Strings, Versions::ALL),
        one("labels", Type::Strings, Versions::ALL),
    ],
};

static TF_JOB: Message = Message {
    fields: &[one("tf_job", Type::String, Versions::ALL)],
};

static DETERMINED: Message = Message {
    fields: &[many("workspaces", Type::String, Versions::since(2, 7))],
};

static DATUM_SET_SPEC: Message = Message {
    fields: &[
        one("number", Type::Int64, Versions::TWO),
        one("size_bytes", Type::Int64, Versions::TWO),
        one("per_worker", Type::Int64, Versions::TWO),
    ],
};

static CHUNK_SPEC: Message = Message {
    fields: &[
        one("number", Type::Int64, Versions::ONE),
        one("size_bytes", Type::Int64, Versions::ONE),
    ],
};

static TOLERATION: Message = Message {
    fields: &[
        one("key", Type::String, Versions::since(2, 5)),
        one("operator", Type::Enum(&TOLERATION_OPERATOR), Versions::since(2, 5)),
        one("value", Type::String, Versions::since(2, 5)),
        one("effect", Type::Enum(&TAINT_EFFECT), Versions::since(2, 5)),
        one("toleration_seconds", Type::Int64, Versions::since(2, 5)),
    ],
};

static INPUT: Message = Message {
    fields: &[
        one("pfs", Type::Message(&PFS_INPUT), Versions::ALL),
        many("join", Type::Message(&INPUT), Versions::ALL),
        many("group", Type::Message(&INPUT), Versions::ALL),
        many("cross", Type::Message(&INPUT), Versions::ALL),
        many("union", Type::Message(&INPUT), Versions::ALL),
        one("cron", Type::Message(&CRON_INPUT), Versions::ALL),
        one("git", Type::Message(&GIT_INPUT), Versions::ONE),
    ],
};

static PFS_INPUT: Message = Message {
    fields: &[
        one("name", Type::String, Versions::ALL),
        one("repo", Type::String, Versions::ALL),
        one("branch", Type::String, Versions::ALL),
        one("commit", Type::String, Versions::ALL),
        one("glob", Type::String, Versions::ALL),
        one("join_on", Type::String, Versions::ALL),
        one("outer_join", Type::Bool, Versions::ALL),
        one("group_by", Type::String, Versions::ALL),
        one("lazy", Type::Bool, Versions::ALL),
        one("empty_files", Type::Bool, Versions::ALL),
        one("s3", Type::Bool, Versions::ALL),
        one("trigger", Type::Message(&TRIGGER), Versions::ALL),
        one("repo_type", Type::String, Versions::TWO),
        one("project", Type::String, Versions::since(2, 5)),
        one(
            "propagation_spec",
            Type::Message(&PROPAGATION_SPEC),
            Versions::since(2, 12),
        ),
        one("reference", Type::Bool, Versions::since(2, 12)),
    ],
};

static CRON_INPUT: Message = Message {
    fields: &[
        one("name", Type::String, Versions::ALL),
        one("repo", Type::String, Versions::ALL),
        one("commit", Type::String, Versions::ALL),
        one("spec", Type::String, Versions::ALL),
        one("overwrite", Type::Bool, Versions::ALL),
        one("start", Type::Timestamp, Versions::ALL),
        one("project", Type::String, Versions::since(2, 5)),
    ],
};

static GIT_INPUT: Message = Message {
    fields: &[
        one("name", Type::String, Versions::ONE),
        one("url", Type::String, Versions::ONE),
        one("branch", Type::String, Versions::ONE),
        one("commit", Type::String, Versions::ONE),
    ],
};

static OBJECT_STORAGE_EGRESS: Message = Message {
    fields: &[one("url", Type::String, Versions::since(2, 2))],
};

static SQL_DATABASE_EGRESS: Message = Message {
    fields: &[
        one("url", Type::String, Versions::since(2, 2)),
        one("file_format", Type::Message(&FILE_FORMAT), Versions::since(2, 2)),
        one("secret", Type::Message(&SECRET), Versions::since(2, 2)),
    ],
};

static FILE_FORMAT: Message = Message {
    fields: &[
        one("type", Type::Enum(&FILE_FORMAT_TYPE), Versions::since(2, 2)),
        many("columns", Type::String, Versions::since(2, 2)),
    ],
};

static TRIGGER: Message = Message {
    fields: &[
        one("branch", Type::String, Versions::ALL),
        one("all", Type::Bool, Versions::ALL),
        one("cron_spec", Type::String, Versions::ALL),
        one("size", Type::String, Versions::ALL),
        one("commits", Type::Int64, Versions::ALL),
        one("rate_limit_spec", Type::String, Versions::since(2, 6)),
    ],
};

static PROPAGATION_SPEC: Message = Message {
    fields: &[one("never", Type::Bool, Versions::since(2, 12))],
};

static SECRET: Message = Message {
    fields: &[
        one("name", Type::String, Versions::since(2, 2)),
        one("key", Type::String, Versions::since(2, 2)),
    ],
};

static TOLERATION_OPERATOR: Enumeration = Enumeration {
    values: &["EMPTY", "EXISTS", "EQUAL"],
};

static TAINT_EFFECT: Enumeration = Enumeration {
    values: &["ALL_EFFECTS", "NO_SCHEDULE", "PREFER_NO_SCHEDULE", "NO_EXECUTE"],
};

static FILE_FORMAT_TYPE: Enumeration = Enumeration {
    values: &["UNKNOWN", "CSV", "JSON", "PARQUET"],
};

/// Every message.
pub(super) static ALL: &[&Message] = &[
    &SPEC,
    &PIPELINE,
    &PROJECT,
    &TRANSFORM,
    &BUILD_SPEC,
    &SECRET_MOUNT,
    &SPOUT,
    &SERVICE,
    &SCHEDULING_SPEC,
    &RESOURCE_SPEC,
    &GPU_SPEC,
    &PARALLELISM_SPEC,
    &HASHTREE_SPEC,
    &EGRESS,
    &METADATA,
    &TF_JOB,
    &DETERMINED,
    &DATUM_SET_SPEC,
    &CHUNK_SPEC,
    &TOLERATION,
    &INPUT,
    &PFS_INPUT,
    &CRON_INPUT,
    &GIT_INPUT,
    &OBJECT_STORAGE_EGRESS,
    &SQL_DATABASE_EGRESS,
    &FILE_FORMAT,
    &TRIGGER,
    &PROPAGATION_SPEC,
    &SECRET,
];
