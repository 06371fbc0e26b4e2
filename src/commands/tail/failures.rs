//! How the process ends when a branch cannot be followed.

use crate::failure::Failure;
use spoutctl_core::exit::Exit;
use spoutctl_delivery::following::FollowError;
use spoutctl_delivery::following::cursor::CursorError;

pub(super) fn follow_failure(error: &FollowError) -> Failure {
    let exit = match error {
        FollowError::NoBranch(_) => Exit::NotFound,
        FollowError::NoRepo(_)
        | FollowError::Gone { .. }
        | FollowError::NotOnBranch { .. }
        | FollowError::Rewritten { .. }
        | FollowError::Refused(_) => Exit::Refused,
        FollowError::Unavailable { .. } => Exit::Unavailable,
        FollowError::Local(_) | FollowError::Cursor { .. } => Exit::Input,
    };
    Failure {
        details: error.details(),
        help: error.help().into_iter().collect(),
        denied: error.denied().map(|fault| fault.message.clone()),
        ..Failure::new(exit, error.to_string())
    }
}

pub(in crate::commands) fn cursor_failure(error: &CursorError) -> Failure {
    let exit = match error {
        CursorError::OfAnother { .. } => Exit::Usage,
        CursorError::Io { .. } | CursorError::Unreadable { .. } => Exit::Input,
    };
    Failure {
        details: error.details(),
        help: error.help().into_iter().map(str::to_owned).collect(),
        ..Failure::new(exit, error.to_string())
    }
}
