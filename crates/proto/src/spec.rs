//! The fields of a pipeline's spec and of what pachd tells of a pipeline (Pachyderm 2.12), in the order in which pachd
//! writes them. Older versions of 2.x have no other numbers, only fewer fields.

use super::shape::{Field, Kind, Shape};

const fn one(name: &'static str, tag: u32, kind: Kind) -> Field {
    Field {
        name,
        tag,
        kind,
        repeated: false,
    }
}

const fn many(name: &'static str, tag: u32, kind: Kind) -> Field {
    Field {
        name,
        tag,
        kind,
        repeated: true,
    }
}

const FILE_FORMAT_TYPE: &[&str] = &["UNKNOWN", "CSV", "JSON", "PARQUET"];

const TOLERATION_OPERATOR: &[&str] = &["EMPTY", "EXISTS", "EQUAL"];

const TAINT_EFFECT: &[&str] = &["ALL_EFFECTS", "NO_SCHEDULE", "PREFER_NO_SCHEDULE", "NO_EXECUTE"];

const PIPELINE_STATE: &[&str] = &[
    "PIPELINE_STATE_UNKNOWN",
    "PIPELINE_STARTING",
    "PIPELINE_RUNNING",
    "PIPELINE_RESTARTING",
    "PIPELINE_FAILURE",
    "PIPELINE_PAUSED",
    "PIPELINE_STANDBY",
    "PIPELINE_CRASHING",
];

const JOB_STATE: &[&str] = &[
    "JOB_STATE_UNKNOWN",
    "JOB_CREATED",
    "JOB_STARTING",
    "JOB_RUNNING",
    "JOB_FAILURE",
    "JOB_SUCCESS",
    "JOB_KILLED",
    "JOB_EGRESSING",
    "JOB_FINISHING",
    "JOB_UNRUNNABLE",
];

const PIPELINE_TYPE: &[&str] = &[
    "PIPELINT_TYPE_UNKNOWN",
    "PIPELINE_TYPE_TRANSFORM",
    "PIPELINE_TYPE_SPOUT",
    "PIPELINE_TYPE_SERVICE",
];

static PROJECT: Shape = Shape {
    fields: &[one("name", 1, Kind::String)],
};

static PIPELINE: Shape = Shape {
    fields: &[one("project", 2, Kind::Message(&PROJECT)), one("name", 1, Kind::String)],
};

static TF_JOB: Shape = Shape {
    fields: &[one("tf_job", 1, Kind::String)],
};

static SECRET_MOUNT: Shape = Shape {
    fields: &[
        one("name", 1, Kind::String),
        one("key", 2, Kind::String),
        one("mount_path", 3, Kind::String),
        one("env_var", 4, Kind::String),
    ],
};

static TRANSFORM: Shape = Shape {
    fields: &[
        one("image", 1, Kind::String),
        many("cmd", 2, Kind::String),
        many("err_cmd", 3, Kind::String),
        one("env", 4, Kind::Strings),
        many("secrets", 5, Kind::Message(&SECRET_MOUNT)),
        many("image_pull_secrets", 6, Kind::String),
        many("stdin", 7, Kind::String),
        many("err_stdin", 8, Kind::String),
        many("accept_return_code", 9, Kind::Int64),
        one("debug", 10, Kind::Bool),
        one("user", 11, Kind::String),
        one("working_dir", 12, Kind::String),
        one("dockerfile", 13, Kind::String),
        one("memory_volume", 14, Kind::Bool),
        one("datum_batching", 15, Kind::Bool),
    ],
};

static PARALLELISM_SPEC: Shape = Shape {
    fields: &[one("constant", 1, Kind::Uint64)],
};

static OBJECT_STORAGE_EGRESS: Shape = Shape {
    fields: &[one("url", 1, Kind::String)],
};

static FILE_FORMAT: Shape = Shape {
    fields: &[
        one("type", 1, Kind::Enum(FILE_FORMAT_TYPE)),
        many("columns", 2, Kind::String),
    ],
};

static SECRET: Shape = Shape {
    fields: &[one("name", 1, Kind::String), one("key", 2, Kind::String)],
};

static SQL_DATABASE_EGRESS: Shape = Shape {
    fields: &[
        one("url", 1, Kind::String),
        one("file_format", 2, Kind::Message(&FILE_FORMAT)),
        one("secret", 3, Kind::Message(&SECRET)),
    ],
};

static EGRESS: Shape = Shape {
    fields: &[
        one("URL", 1, Kind::String),
        one("object_storage", 2, Kind::Message(&OBJECT_STORAGE_EGRESS)),
        one("sql_database", 3, Kind::Message(&SQL_DATABASE_EGRESS)),
    ],
};

static GPU_SPEC: Shape = Shape {
    fields: &[one("type", 1, Kind::String), one("number", 2, Kind::Int64)],
};

static RESOURCE_SPEC: Shape = Shape {
    fields: &[
        one("cpu", 1, Kind::Float),
        one("memory", 2, Kind::String),
        one("gpu", 3, Kind::Message(&GPU_SPEC)),
        one("disk", 4, Kind::String),
    ],
};

static TRIGGER: Shape = Shape {
    fields: &[
        one("branch", 1, Kind::String),
        one("all", 2, Kind::Bool),
        one("rate_limit_spec", 3, Kind::String),
        one("size", 4, Kind::String),
        one("commits", 5, Kind::Int64),
        one("cron_spec", 6, Kind::String),
    ],
};

static PROPAGATION_SPEC: Shape = Shape {
    fields: &[one("never", 1, Kind::Bool)],
};

static PFS_INPUT: Shape = Shape {
    fields: &[
        one("project", 14, Kind::String),
        one("name", 1, Kind::String),
        one("repo", 2, Kind::String),
        one("repo_type", 13, Kind::String),
        one("branch", 3, Kind::String),
        one("commit", 4, Kind::String),
        one("glob", 5, Kind::String),
        one("join_on", 6, Kind::String),
        one("outer_join", 7, Kind::Bool),
        one("group_by", 8, Kind::String),
        one("lazy", 9, Kind::Bool),
        one("empty_files", 10, Kind::Bool),
        one("s3", 11, Kind::Bool),
        one("trigger", 12, Kind::Message(&TRIGGER)),
        one("propagation_spec", 15, Kind::Message(&PROPAGATION_SPEC)),
        one("reference", 16, Kind::Bool),
    ],
};

static CRON_INPUT: Shape = Shape {
    fields: &[
        one("name", 1, Kind::String),
        one("project", 7, Kind::String),
        one("repo", 2, Kind::String),
        one("commit", 3, Kind::String),
        one("spec", 4, Kind::String),
        one("overwrite", 5, Kind::Bool),
        one("start", 6, Kind::Timestamp),
    ],
};

static INPUT: Shape = Shape {
    fields: &[
        one("pfs", 1, Kind::Message(&PFS_INPUT)),
        many("join", 2, Kind::Message(&INPUT)),
        many("group", 3, Kind::Message(&INPUT)),
        many("cross", 4, Kind::Message(&INPUT)),
        many("union", 5, Kind::Message(&INPUT)),
        one("cron", 6, Kind::Message(&CRON_INPUT)),
    ],
};

static SERVICE: Shape = Shape {
    fields: &[
        one("internal_port", 1, Kind::Int32),
        one("external_port", 2, Kind::Int32),
        one("ip", 3, Kind::String),
        one("type", 4, Kind::String),
    ],
};

static SPOUT: Shape = Shape {
    fields: &[one("service", 1, Kind::Message(&SERVICE))],
};

static DATUM_SET_SPEC: Shape = Shape {
    fields: &[
        one("number", 1, Kind::Int64),
        one("size_bytes", 2, Kind::Int64),
        one("per_worker", 3, Kind::Int64),
    ],
};

static SCHEDULING_SPEC: Shape = Shape {
    fields: &[
        one("node_selector", 1, Kind::Strings),
        one("priority_class_name", 2, Kind::String),
    ],
};

static REPO: Shape = Shape {
    fields: &[
        one("name", 1, Kind::String),
        one("type", 2, Kind::String),
        one("project", 3, Kind::Message(&PROJECT)),
    ],
};

static BRANCH: Shape = Shape {
    fields: &[one("repo", 1, Kind::Message(&REPO)), one("name", 2, Kind::String)],
};

static COMMIT: Shape = Shape {
    fields: &[
        one("repo", 3, Kind::Message(&REPO)),
        one("id", 2, Kind::String),
        one("branch", 1, Kind::Message(&BRANCH)),
    ],
};

static METADATA: Shape = Shape {
    fields: &[one("annotations", 1, Kind::Strings), one("labels", 2, Kind::Strings)],
};

static TOLERATION: Shape = Shape {
    fields: &[
        one("key", 1, Kind::String),
        one("operator", 2, Kind::Enum(TOLERATION_OPERATOR)),
        one("value", 3, Kind::String),
        one("effect", 4, Kind::Enum(TAINT_EFFECT)),
        one("toleration_seconds", 5, Kind::OptionalInt64),
    ],
};

static DETERMINED: Shape = Shape {
    fields: &[many("workspaces", 1, Kind::String)],
};

/// `CreatePipelineRequest`: a spec.
pub static CREATE_PIPELINE_REQUEST: Shape = Shape {
    fields: &[
        one("pipeline", 1, Kind::Message(&PIPELINE)),
        one("tf_job", 2, Kind::Message(&TF_JOB)),
        one("transform", 3, Kind::Message(&TRANSFORM)),
        one("parallelism_spec", 4, Kind::Message(&PARALLELISM_SPEC)),
        one("egress", 5, Kind::Message(&EGRESS)),
        one("update", 6, Kind::Bool),
        one("output_branch", 7, Kind::String),
        one("s3_out", 8, Kind::Bool),
        one("resource_requests", 9, Kind::Message(&RESOURCE_SPEC)),
        one("resource_limits", 10, Kind::Message(&RESOURCE_SPEC)),
        one("sidecar_resource_limits", 11, Kind::Message(&RESOURCE_SPEC)),
        one("input", 12, Kind::Message(&INPUT)),
        one("description", 13, Kind::String),
        one("reprocess", 15, Kind::Bool),
        one("service", 17, Kind::Message(&SERVICE)),
        one("spout", 18, Kind::Message(&SPOUT)),
        one("datum_set_spec", 19, Kind::Message(&DATUM_SET_SPEC)),
        one("datum_timeout", 20, Kind::Duration),
        one("job_timeout", 21, Kind::Duration),
        one("salt", 22, Kind::String),
        one("datum_tries", 23, Kind::Int64),
        one("scheduling_spec", 24, Kind::Message(&SCHEDULING_SPEC)),
        one("pod_spec", 25, Kind::String),
        one("pod_patch", 26, Kind::String),
        one("spec_commit", 27, Kind::Message(&COMMIT)),
        one("metadata", 28, Kind::Message(&METADATA)),
        one("reprocess_spec", 29, Kind::String),
        one("autoscaling", 30, Kind::Bool),
        many("tolerations", 34, Kind::Message(&TOLERATION)),
        one("sidecar_resource_requests", 35, Kind::Message(&RESOURCE_SPEC)),
        one("dry_run", 37, Kind::Bool),
        one("determined", 38, Kind::Message(&DETERMINED)),
        one("maximum_expected_uptime", 39, Kind::Duration),
    ],
};

static PIPELINE_DETAILS: Shape = Shape {
    fields: &[
        one("transform", 1, Kind::Message(&TRANSFORM)),
        one("tf_job", 2, Kind::Message(&TF_JOB)),
        one("parallelism_spec", 3, Kind::Message(&PARALLELISM_SPEC)),
        one("egress", 4, Kind::Message(&EGRESS)),
        one("created_at", 5, Kind::Timestamp),
        one("updated_at", 39, Kind::Timestamp),
        one("created_by", 40, Kind::String),
        one("recent_error", 6, Kind::String),
        one("workers_requested", 7, Kind::Int64),
        one("workers_available", 8, Kind::Int64),
        one("output_branch", 9, Kind::String),
        one("resource_requests", 10, Kind::Message(&RESOURCE_SPEC)),
        one("resource_limits", 11, Kind::Message(&RESOURCE_SPEC)),
        one("sidecar_resource_limits", 12, Kind::Message(&RESOURCE_SPEC)),
        one("input", 13, Kind::Message(&INPUT)),
        one("description", 14, Kind::String),
        one("salt", 16, Kind::String),
        one("reason", 17, Kind::String),
        one("service", 19, Kind::Message(&SERVICE)),
        one("spout", 20, Kind::Message(&SPOUT)),
        one("datum_set_spec", 21, Kind::Message(&DATUM_SET_SPEC)),
        one("datum_timeout", 22, Kind::Duration),
        one("job_timeout", 23, Kind::Duration),
        one("datum_tries", 24, Kind::Int64),
        one("scheduling_spec", 25, Kind::Message(&SCHEDULING_SPEC)),
        one("pod_spec", 26, Kind::String),
        one("pod_patch", 27, Kind::String),
        one("s3_out", 28, Kind::Bool),
        one("metadata", 29, Kind::Message(&METADATA)),
        one("reprocess_spec", 30, Kind::String),
        one("unclaimed_tasks", 31, Kind::Int64),
        one("worker_rc", 32, Kind::String),
        one("autoscaling", 33, Kind::Bool),
        many("tolerations", 34, Kind::Message(&TOLERATION)),
        one("sidecar_resource_requests", 35, Kind::Message(&RESOURCE_SPEC)),
        one("determined", 36, Kind::Message(&DETERMINED)),
        one("maximum_expected_uptime", 37, Kind::Duration),
        one("workers_started_at", 38, Kind::Timestamp),
    ],
};

/// `PipelineInfo`: a pipeline as pachd has it.
pub static PIPELINE_INFO: Shape = Shape {
    fields: &[
        one("pipeline", 1, Kind::Message(&PIPELINE)),
        one("version", 2, Kind::Uint64),
        one("spec_commit", 3, Kind::Message(&COMMIT)),
        one("stopped", 4, Kind::Bool),
        one("state", 5, Kind::Enum(PIPELINE_STATE)),
        one("reason", 6, Kind::String),
        one("last_job_state", 8, Kind::Enum(JOB_STATE)),
        one("parallelism", 9, Kind::Uint64),
        one("type", 10, Kind::Enum(PIPELINE_TYPE)),
        one("auth_token", 11, Kind::String),
        one("details", 12, Kind::Message(&PIPELINE_DETAILS)),
        one("user_spec_json", 13, Kind::String),
        one("effective_spec_json", 14, Kind::String),
        one("metadata", 15, Kind::Strings),
    ],
};
