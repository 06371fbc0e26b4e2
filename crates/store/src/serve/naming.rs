//! What is said of names in messages that are none.

use super::status::Status;
use crate::Failure;
use spoutctl_proto::names::NameError;

impl From<NameError> for Status {
    fn from(error: NameError) -> Self {
        match error {
            NameError::NotFound(..) => Self::not_found(error.to_string()),
            _ => Self::unknown(error.to_string()),
        }
    }
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        Status::from(error).into()
    }
}
