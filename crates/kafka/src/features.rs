//! What of librdkafka is built in.

/// Whether the client is built in.
pub const IS_BUILT_IN: bool = cfg!(feature = "librdkafka");

/// Whether it knows TLS and SASL/SCRAM.
pub const HAS_TLS: bool = cfg!(feature = "tls");
