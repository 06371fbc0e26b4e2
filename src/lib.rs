//! spoutctl: every complete tar archive on standard input becomes one finished Pachyderm commit.

pub mod archive;
pub mod delivery;
pub mod fault;
pub mod gateway;
pub mod history;
pub mod pfs;
pub mod retrieval;
pub mod store;
