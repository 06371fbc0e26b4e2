//! The fields of a spec, from the definitions of the messages in Pachyderm 1.12, 1.13 and 2.0 to 2.12.

use super::message::{Enumeration, Field, Kind, Message};
use super::version::{Version, Versions};

const ALL: Versions = Versions::ALL;
const TWO: Versions = Versions::TWO;

const fn since(major: u8, minor: u8) -> Versions {
    Versions::since(major, minor)
}

const fn only(major: u8, minor: u8) -> Versions {
    let version = Version::new(major, minor);
    Versions::between(version, version)
}

const fn one(name: &'static str, tag: u32, kind: Kind, versions: Versions) -> Field {
    Field {
        name,
        tag: Some(tag),
        kind,
        repeated: false,
        versions,
    }
}

const fn many(name: &'static str, tag: u32, kind: Kind, versions: Versions) -> Field {
    Field {
        repeated: true,
        ..one(name, tag, kind, versions)
    }
}

/// What went with 1.13.
const fn old(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        tag: None,
        kind,
        repeated: false,
        versions: Versions::ONE,
    }
}

/// A spec.
pub static SPEC: Message = Message {
    name: "CreatePipelineRequest",
    fields: &[
        one("pipeline", 1, Kind::Message(&PIPELINE), ALL),
        one("tf_job", 2, Kind::Message(&TF_JOB), ALL),
        one("transform", 3, Kind::Message(&TRANSFORM), ALL),
        one("parallelism_spec", 4, Kind::Message(&PARALLELISM_SPEC), ALL),
        one("egress", 5, Kind::Message(&EGRESS), ALL),
        one("update", 6, Kind::Bool, ALL),
        one("output_branch", 7, Kind::String, ALL),
        one("s3_out", 8, Kind::Bool, ALL),
        one("resource_requests", 9, Kind::Message(&RESOURCE_SPEC), ALL),
        one("resource_limits", 10, Kind::Message(&RESOURCE_SPEC), ALL),
        one("sidecar_resource_limits", 11, Kind::Message(&RESOURCE_SPEC), ALL),
        one("input", 12, Kind::Message(&INPUT), ALL),
        one("description", 13, Kind::String, ALL),
        one("reprocess", 15, Kind::Bool, ALL),
        one("service", 17, Kind::Message(&SERVICE), ALL),
        one("spout", 18, Kind::Message(&SPOUT), ALL),
        one("datum_set_spec", 19, Kind::Message(&DATUM_SET_SPEC), TWO),
        one("datum_timeout", 20, Kind::Duration, ALL),
        one("job_timeout", 21, Kind::Duration, ALL),
        one("salt", 22, Kind::String, ALL),
        one("datum_tries", 23, Kind::Int64, ALL),
        one("scheduling_spec", 24, Kind::Message(&SCHEDULING_SPEC), ALL),
        one("pod_spec", 25, Kind::String, ALL),
        one("pod_patch", 26, Kind::String, ALL),
        one("spec_commit", 27, Kind::Internal(&COMMIT), ALL),
        one("metadata", 28, Kind::Message(&METADATA), ALL),
        one("reprocess_spec", 29, Kind::String, since(1, 13)),
        one("autoscaling", 30, Kind::Bool, since(1, 13)),
        many("tolerations", 34, Kind::Message(&TOLERATION), since(2, 5)),
        one(
            "sidecar_resource_requests",
            35,
            Kind::Message(&RESOURCE_SPEC),
            since(2, 6),
        ),
        one("dry_run", 37, Kind::Bool, since(2, 7)),
        one("determined", 38, Kind::Message(&DETERMINED), since(2, 7)),
        one("maximum_expected_uptime", 39, Kind::Duration, since(2, 9)),
        old("hashtree_spec", Kind::Message(&HASHTREE_SPEC)),
        old("cache_size", Kind::String),
        old("enable_stats", Kind::Bool),
        old("max_queue_size", Kind::Int64),
        old("chunk_spec", Kind::Message(&CHUNK_SPEC)),
        old("standby", Kind::Bool),
        one("details_json", 36, Kind::String, only(2, 7)),
    ],
};

pub static PIPELINE: Message = Message {
    name: "Pipeline",
    fields: &[
        one("project", 2, Kind::Message(&PROJECT), since(2, 5)),
        one("name", 1, Kind::String, ALL),
    ],
};

pub static PROJECT: Message = Message {
    name: "Project",
    fields: &[one("name", 1, Kind::String, since(2, 5))],
};

pub static TRANSFORM: Message = Message {
    name: "Transform",
    fields: &[
        one("image", 1, Kind::String, ALL),
        many("cmd", 2, Kind::String, ALL),
        many("err_cmd", 3, Kind::String, ALL),
        one("env", 4, Kind::Strings, ALL),
        many("secrets", 5, Kind::Message(&SECRET_MOUNT), ALL),
        many("image_pull_secrets", 6, Kind::String, ALL),
        many("stdin", 7, Kind::String, ALL),
        many("err_stdin", 8, Kind::String, ALL),
        many("accept_return_code", 9, Kind::Int64, ALL),
        one("debug", 10, Kind::Bool, ALL),
        one("user", 11, Kind::String, ALL),
        one("working_dir", 12, Kind::String, ALL),
        one("dockerfile", 13, Kind::String, ALL),
        one("memory_volume", 14, Kind::Bool, since(2, 4)),
        one("datum_batching", 15, Kind::Bool, since(2, 5)),
        old("build", Kind::Message(&BUILD_SPEC)),
    ],
};

pub static BUILD_SPEC: Message = Message {
    name: "BuildSpec",
    fields: &[
        old("path", Kind::String),
        old("language", Kind::String),
        old("image", Kind::String),
    ],
};

pub static SECRET_MOUNT: Message = Message {
    name: "SecretMount",
    fields: &[
        one("name", 1, Kind::String, ALL),
        one("key", 2, Kind::String, ALL),
        one("mount_path", 3, Kind::String, ALL),
        one("env_var", 4, Kind::String, ALL),
    ],
};

pub static SPOUT: Message = Message {
    name: "Spout",
    fields: &[
        one("service", 1, Kind::Message(&SERVICE), ALL),
        old("overwrite", Kind::Bool),
        old("marker", Kind::String),
    ],
};

pub static SERVICE: Message = Message {
    name: "Service",
    fields: &[
        one("internal_port", 1, Kind::Int32, ALL),
        one("external_port", 2, Kind::Int32, ALL),
        one("ip", 3, Kind::String, ALL),
        one("type", 4, Kind::String, ALL),
    ],
};

pub static SCHEDULING_SPEC: Message = Message {
    name: "SchedulingSpec",
    fields: &[
        one("node_selector", 1, Kind::Strings, ALL),
        one("priority_class_name", 2, Kind::String, ALL),
    ],
};

pub static RESOURCE_SPEC: Message = Message {
    name: "ResourceSpec",
    fields: &[
        one("cpu", 1, Kind::Float, ALL),
        one("memory", 2, Kind::String, ALL),
        one("gpu", 3, Kind::Message(&GPU_SPEC), ALL),
        one("disk", 4, Kind::String, ALL),
    ],
};

pub static GPU_SPEC: Message = Message {
    name: "GPUSpec",
    fields: &[one("type", 1, Kind::String, ALL), one("number", 2, Kind::Int64, ALL)],
};

pub static PARALLELISM_SPEC: Message = Message {
    name: "ParallelismSpec",
    fields: &[one("constant", 1, Kind::Uint64, ALL), old("coefficient", Kind::Double)],
};

pub static HASHTREE_SPEC: Message = Message {
    name: "HashtreeSpec",
    fields: &[old("constant", Kind::Uint64)],
};

pub static EGRESS: Message = Message {
    name: "Egress",
    fields: &[
        one("URL", 1, Kind::String, ALL),
        one("object_storage", 2, Kind::Message(&OBJECT_STORAGE_EGRESS), since(2, 2)),
        one("sql_database", 3, Kind::Message(&SQL_DATABASE_EGRESS), since(2, 2)),
    ],
};

pub static METADATA: Message = Message {
    name: "Metadata",
    fields: &[
        one("annotations", 1, Kind::Strings, ALL),
        one("labels", 2, Kind::Strings, ALL),
    ],
};

pub static TF_JOB: Message = Message {
    name: "TFJob",
    fields: &[one("tf_job", 1, Kind::String, ALL)],
};

pub static DETERMINED: Message = Message {
    name: "Determined",
    fields: &[many("workspaces", 1, Kind::String, since(2, 7))],
};

pub static DATUM_SET_SPEC: Message = Message {
    name: "DatumSetSpec",
    fields: &[
        one("number", 1, Kind::Int64, TWO),
        one("size_bytes", 2, Kind::Int64, TWO),
        one("per_worker", 3, Kind::Int64, TWO),
    ],
};

pub static CHUNK_SPEC: Message = Message {
    name: "ChunkSpec",
    fields: &[old("number", Kind::Int64), old("size_bytes", Kind::Int64)],
};

pub static TOLERATION: Message = Message {
    name: "Toleration",
    fields: &[
        one("key", 1, Kind::String, since(2, 5)),
        one("operator", 2, Kind::Enum(&TOLERATION_OPERATOR), since(2, 5)),
        one("value", 3, Kind::String, since(2, 5)),
        one("effect", 4, Kind::Enum(&TAINT_EFFECT), since(2, 5)),
        one("toleration_seconds", 5, Kind::OptionalInt64, since(2, 5)),
    ],
};

pub static INPUT: Message = Message {
    name: "Input",
    fields: &[
        one("pfs", 1, Kind::Message(&PFS_INPUT), ALL),
        many("join", 2, Kind::Message(&INPUT), ALL),
        many("group", 3, Kind::Message(&INPUT), ALL),
        many("cross", 4, Kind::Message(&INPUT), ALL),
        many("union", 5, Kind::Message(&INPUT), ALL),
        one("cron", 6, Kind::Message(&CRON_INPUT), ALL),
        old("git", Kind::Message(&GIT_INPUT)),
    ],
};

pub static PFS_INPUT: Message = Message {
    name: "PFSInput",
    fields: &[
        one("project", 14, Kind::String, since(2, 5)),
        one("name", 1, Kind::String, ALL),
        one("repo", 2, Kind::String, ALL),
        one("repo_type", 13, Kind::String, TWO),
        one("branch", 3, Kind::String, ALL),
        one("commit", 4, Kind::String, ALL),
        one("glob", 5, Kind::String, ALL),
        one("join_on", 6, Kind::String, ALL),
        one("outer_join", 7, Kind::Bool, ALL),
        one("group_by", 8, Kind::String, ALL),
        one("lazy", 9, Kind::Bool, ALL),
        one("empty_files", 10, Kind::Bool, ALL),
        one("s3", 11, Kind::Bool, ALL),
        one("trigger", 12, Kind::Message(&TRIGGER), ALL),
        one("propagation_spec", 15, Kind::Message(&PROPAGATION_SPEC), since(2, 12)),
        one("reference", 16, Kind::Bool, since(2, 12)),
    ],
};

pub static CRON_INPUT: Message = Message {
    name: "CronInput",
    fields: &[
        one("name", 1, Kind::String, ALL),
        one("project", 7, Kind::String, since(2, 5)),
        one("repo", 2, Kind::String, ALL),
        one("commit", 3, Kind::String, ALL),
        one("spec", 4, Kind::String, ALL),
        one("overwrite", 5, Kind::Bool, ALL),
        one("start", 6, Kind::Timestamp, ALL),
    ],
};

pub static GIT_INPUT: Message = Message {
    name: "GitInput",
    fields: &[
        old("name", Kind::String),
        old("url", Kind::String),
        old("branch", Kind::String),
        old("commit", Kind::String),
    ],
};

pub static OBJECT_STORAGE_EGRESS: Message = Message {
    name: "ObjectStorageEgress",
    fields: &[one("url", 1, Kind::String, since(2, 2))],
};

pub static SQL_DATABASE_EGRESS: Message = Message {
    name: "SQLDatabaseEgress",
    fields: &[
        one("url", 1, Kind::String, since(2, 2)),
        one("file_format", 2, Kind::Message(&FILE_FORMAT), since(2, 2)),
        one("secret", 3, Kind::Message(&SECRET), since(2, 2)),
    ],
};

pub static FILE_FORMAT: Message = Message {
    name: "FileFormat",
    fields: &[
        one("type", 1, Kind::Enum(&FILE_FORMAT_TYPE), since(2, 2)),
        many("columns", 2, Kind::String, since(2, 2)),
    ],
};

pub static TRIGGER: Message = Message {
    name: "Trigger",
    fields: &[
        one("branch", 1, Kind::String, ALL),
        one("all", 2, Kind::Bool, ALL),
        one("rate_limit_spec", 3, Kind::String, since(2, 6)),
        one("size", 4, Kind::String, ALL),
        one("commits", 5, Kind::Int64, ALL),
        one("cron_spec", 6, Kind::String, ALL),
    ],
};

pub static PROPAGATION_SPEC: Message = Message {
    name: "PropagationSpec",
    fields: &[one("never", 1, Kind::Bool, since(2, 12))],
};

pub static SECRET: Message = Message {
    name: "Secret",
    fields: &[
        one("name", 1, Kind::String, since(2, 2)),
        one("key", 2, Kind::String, since(2, 2)),
    ],
};

pub static COMMIT: Message = Message {
    name: "Commit",
    fields: &[
        one("repo", 3, Kind::Message(&REPO), TWO),
        one("id", 2, Kind::String, TWO),
        one("branch", 1, Kind::Message(&BRANCH), TWO),
    ],
};

pub static REPO: Message = Message {
    name: "Repo",
    fields: &[
        one("name", 1, Kind::String, TWO),
        one("type", 2, Kind::String, TWO),
        one("project", 3, Kind::Message(&PROJECT), TWO),
    ],
};

pub static BRANCH: Message = Message {
    name: "Branch",
    fields: &[
        one("repo", 1, Kind::Message(&REPO), TWO),
        one("name", 2, Kind::String, TWO),
    ],
};

pub static TOLERATION_OPERATOR: Enumeration = Enumeration {
    name: "TolerationOperator",
    values: &["EMPTY", "EXISTS", "EQUAL"],
};

pub static TAINT_EFFECT: Enumeration = Enumeration {
    name: "TaintEffect",
    values: &["ALL_EFFECTS", "NO_SCHEDULE", "PREFER_NO_SCHEDULE", "NO_EXECUTE"],
};

pub static FILE_FORMAT_TYPE: Enumeration = Enumeration {
    name: "Type",
    values: &["UNKNOWN", "CSV", "JSON", "PARQUET"],
};

/// Every message that a person may write.
pub static MESSAGES: &[&Message] = &[
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
