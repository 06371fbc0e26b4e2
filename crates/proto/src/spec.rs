//! A pipeline's spec and what pachd tells of a pipeline (Pachyderm 2.12), as they are read and written.

use super::schema::MessageSchema;
use spoutctl_fields::version::Versions;
use spoutctl_fields::{
    COMMIT, DATUM_SET_SPEC, DETERMINED, EGRESS, Enumeration, Field, INPUT, Kind, METADATA, Message, PARALLELISM_SPEC,
    PIPELINE, RESOURCE_SPEC, SCHEDULING_SPEC, SERVICE, SPEC, SPOUT, TF_JOB, TOLERATION, TRANSFORM,
};

/// `CreatePipelineRequest`: a spec.
pub const CREATE_PIPELINE_REQUEST: MessageSchema = MessageSchema(&SPEC);

/// `PipelineInfo`: a pipeline as pachd has it.
pub const PIPELINE_INFO: MessageSchema = MessageSchema(&INFO);

/// `JobInfo`: a job, with what of its pipeline's spec its workers would need.
pub const JOB_INFO: MessageSchema = MessageSchema(&JOB);

/// `JobSetInfo`: the jobs of one id.
pub const JOB_SET_INFO: MessageSchema = MessageSchema(&JOB_SET);

const fn one(name: &'static str, tag: u32, kind: Kind) -> Field {
    Field {
        name,
        tag: Some(tag),
        kind,
        repeated: false,
        versions: Versions::TWO,
    }
}

const fn many(name: &'static str, tag: u32, kind: Kind) -> Field {
    Field {
        repeated: true,
        ..one(name, tag, kind)
    }
}

static PIPELINE_STATE: Enumeration = Enumeration {
    name: "PipelineState",
    values: &[
        "PIPELINE_STATE_UNKNOWN",
        "PIPELINE_STARTING",
        "PIPELINE_RUNNING",
        "PIPELINE_RESTARTING",
        "PIPELINE_FAILURE",
        "PIPELINE_PAUSED",
        "PIPELINE_STANDBY",
        "PIPELINE_CRASHING",
    ],
};

static JOB_STATE: Enumeration = Enumeration {
    name: "JobState",
    values: &[
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
    ],
};

static PIPELINE_TYPE: Enumeration = Enumeration {
    name: "PipelineType",
    values: &[
        "PIPELINT_TYPE_UNKNOWN",
        "PIPELINE_TYPE_TRANSFORM",
        "PIPELINE_TYPE_SPOUT",
        "PIPELINE_TYPE_SERVICE",
    ],
};

static DETAILS: Message = Message {
    name: "Details",
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

static INFO: Message = Message {
    name: "PipelineInfo",
    fields: &[
        one("pipeline", 1, Kind::Message(&PIPELINE)),
        one("version", 2, Kind::Uint64),
        one("spec_commit", 3, Kind::Message(&COMMIT)),
        one("stopped", 4, Kind::Bool),
        one("state", 5, Kind::Enum(&PIPELINE_STATE)),
        one("reason", 6, Kind::String),
        one("last_job_state", 8, Kind::Enum(&JOB_STATE)),
        one("parallelism", 9, Kind::Uint64),
        one("type", 10, Kind::Enum(&PIPELINE_TYPE)),
        one("auth_token", 11, Kind::String),
        one("details", 12, Kind::Message(&DETAILS)),
        one("user_spec_json", 13, Kind::String),
        one("effective_spec_json", 14, Kind::String),
        one("metadata", 15, Kind::Strings),
    ],
};

static JOB_NAME: Message = Message {
    name: "Job",
    fields: &[one("pipeline", 1, Kind::Message(&PIPELINE)), one("id", 2, Kind::String)],
};

static JOB_DETAILS: Message = Message {
    name: "Details",
    fields: &[
        one("transform", 1, Kind::Message(&TRANSFORM)),
        one("parallelism_spec", 2, Kind::Message(&PARALLELISM_SPEC)),
        one("resource_requests", 7, Kind::Message(&RESOURCE_SPEC)),
        one("resource_limits", 8, Kind::Message(&RESOURCE_SPEC)),
        one("input", 10, Kind::Message(&INPUT)),
        one("salt", 11, Kind::String),
        one("datum_tries", 15, Kind::Int64),
        one("sidecar_resource_requests", 19, Kind::Message(&RESOURCE_SPEC)),
    ],
};

static PROCESS_STATS: Message = Message {
    name: "ProcessStats",
    fields: &[
        one("download_bytes", 4, Kind::Int64),
        one("upload_bytes", 5, Kind::Int64),
    ],
};

static JOB: Message = Message {
    name: "JobInfo",
    fields: &[
        one("job", 1, Kind::Message(&JOB_NAME)),
        one("pipeline_version", 2, Kind::Uint64),
        one("output_commit", 3, Kind::Message(&COMMIT)),
        one("data_processed", 5, Kind::Int64),
        one("data_total", 7, Kind::Int64),
        one("stats", 10, Kind::Message(&PROCESS_STATS)),
        one("state", 11, Kind::Enum(&JOB_STATE)),
        one("reason", 12, Kind::String),
        one("created", 13, Kind::Timestamp),
        one("started", 14, Kind::Timestamp),
        one("finished", 15, Kind::Timestamp),
        one("details", 16, Kind::Message(&JOB_DETAILS)),
    ],
};

static JOB_SET_NAME: Message = Message {
    name: "JobSet",
    fields: &[one("id", 1, Kind::String)],
};

static JOB_SET: Message = Message {
    name: "JobSetInfo",
    fields: &[
        one("job_set", 1, Kind::Message(&JOB_SET_NAME)),
        many("jobs", 2, Kind::Message(&JOB)),
    ],
};
