//! Figures, and a trace of each commit, for a collector of OpenTelemetry: OTLP over HTTP, with the feature `otlp`.
//!
//! Whether anything is sent, where to and as whom the environment says, by the variables that OpenTelemetry has for it.
//! The figures are those of [`metrics`](crate::metrics), which are counted once. Nothing waits for a collector: what is
//! sent is handed over here, and a thread of its own sends it.
//!
//! | module | part of it |
//! |---|---|
//! | `sending` | what runs: the traces' queue, the figures' turns, the end of both |
//! | `environment` | what the variables say |
//! | `posting` | a request, and what is said where it fails |
//! | `request` | figures in OpenTelemetry's words |
//! | `trace`, `endpoints` | what is told of a commit; the variables that name a collector |
//! | `absent` | a build without it |
//!
//! Bounds: 2,048 spans that wait, unless `OTEL_BSP_MAX_QUEUE_SIZE` says another number, and others are dropped; 10 s a
//! request, unless `OTEL_EXPORTER_OTLP_TIMEOUT` does; 4 MiB of an answer; 2 s at the end of the process.

#[cfg(not(feature = "otlp"))]
mod absent;
mod endpoints;
#[cfg(feature = "otlp")]
mod environment;
#[cfg(feature = "otlp")]
mod posting;
#[cfg(feature = "otlp")]
mod request;
#[cfg(feature = "otlp")]
mod sending;
mod trace;

#[cfg(not(feature = "otlp"))]
pub use absent::Otlp;
#[cfg(feature = "otlp")]
pub use sending::Otlp;
pub use trace::{Attribute, CommitTrace, StepTrace};
