//! pachd's errors as data: a code that a program acts on, and a text that says what happened.
//!
//! The codes are gRPC's, which both doors of pachd speak. This module knows no HTTP and no SQL. What a fault of the
//! store means here stands in one place, [`Status::from`]; pachd's texts come with the fault.

use std::fmt;

use crate::{Dialect, Failure};
use spoutctl_core::fault::{Fault, FaultKind};
use spoutctl_core::glob::InvalidGlob;

/// gRPC's codes, those that we answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    Cancelled = 1,
    /// Most of pachd's refusals.
    Unknown = 2,
    InvalidArgument = 3,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

impl Code {
    /// The number on the wire.
    pub fn number(self) -> i32 {
        self as i32
    }
}

/// Why a call was not carried out, in pachd's words where pachd has some.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Status {
    pub code: Code,
    pub message: String,
}

impl Status {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// A refusal without a code of its own, as most of pachd's.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self::new(Code::Unknown, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    /// A request that cannot be read.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    /// What pachd has and this server has not, by its name.
    pub fn unserved(what: &str) -> Self {
        Self::new(Code::Unimplemented, format!("spoutctl serve does not serve {what}"))
    }

    pub fn without_logs() -> Self {
        let message = "spoutctl serve keeps no logs: what the code of a spout prints is on serve's standard error";
        Self::new(Code::Unimplemented, message)
    }

    /// As the pachd of a dialect codes it: in 2.0, what is missing or there already is *unknown*, all but what its
    /// storage says (recordings grpc-2.0 101–111, 274, 317).
    #[must_use]
    pub fn coded(mut self, dialect: Dialect) -> Self {
        let is_plain = matches!(self.code, Code::NotFound | Code::AlreadyExists);
        if is_plain && !dialect.has_codes() && !self.message.contains("does not contain item") {
            self.code = Code::Unknown;
        }
        self
    }

    /// With pachd's name of the step that failed before it: `prefix: message`.
    #[must_use]
    pub fn within(self, prefix: impl fmt::Display) -> Self {
        Self {
            code: self.code,
            message: format!("{prefix}: {}", self.message),
        }
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        Fault::from(failure).into()
    }
}

impl From<InvalidGlob> for Status {
    fn from(invalid: InvalidGlob) -> Self {
        Self::unknown(invalid.to_string())
    }
}

impl From<Fault> for Status {
    fn from(fault: Fault) -> Self {
        let code = match fault.kind {
            FaultKind::NotFound => Code::NotFound,
            FaultKind::AlreadyExists => Code::AlreadyExists,
            FaultKind::Denied => Code::PermissionDenied,
            FaultKind::TooLarge => Code::ResourceExhausted,
            FaultKind::Unavailable => Code::Unavailable,
            // The disk of this store, which the client can do nothing about.
            FaultKind::Local => Code::Internal,
            FaultKind::Refused
            | FaultKind::HeadOpen
            | FaultKind::OutputBranch
            | FaultKind::AlreadyFinished
            | FaultKind::FileSetGone
            | FaultKind::Unknown
            | FaultKind::Unrecognised => Code::Unknown,
        };
        Self::new(code, fault.message)
    }
}
