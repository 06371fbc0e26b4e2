//! What the API server of Kubernetes takes and refuses, as far as a pipeline's objects go: names, amounts, a pod.
//!
//! The rules are those of Kubernetes 1.25 to 1.37, and were held to what API servers, or their strategies of creation,
//! of 1.25.16 and 1.37.2 say; what lies between is read from the gates.
//! They know no spec: where a value came from is for the families of rules to say.

mod claim;
mod container;
mod decode;
mod dns;
pub(super) mod json;
mod judge;
pub(super) mod names;
pub(super) mod network;
pub(super) mod pod;
pub(super) mod quantity;
mod refusal;
pub(super) mod resources;
mod scheduling;
mod security;
mod storage;
mod volume;
mod windows;

pub(super) use decode::pod_spec;
pub(super) use refusal::{Fault, Refusal};
pub use refusal::{Minor, UnknownMinor};
pub(super) use scheduling::{toleration_fault, tolerations_fault};
pub(super) use security::{IDS, apparmor_profile, seccomp_profile};
