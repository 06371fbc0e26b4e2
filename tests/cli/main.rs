//! The binary as its users run it: arguments and environment in, streams and exit code out.

mod runner;
mod scripted;

mod gateway;
mod generated;
mod get;
mod layers;
mod memory;
mod put;
mod readme;
