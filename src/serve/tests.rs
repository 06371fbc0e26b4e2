//! The service against the recordings.
