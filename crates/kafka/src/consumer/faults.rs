//! What librdkafka's errors mean, and what is said of them.

use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::address::Address;
use spoutctl_core::quantity::elapsed;
use spoutctl_delivery::messages::records::SourceError;

/// What becomes of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It does not concern us.
    Nothing,
    /// A position is not there.
    OutOfRange,
    /// librdkafka tries again by itself.
    Passing,
    /// Nothing that can be waited for; or nobody knows whether a record is lost.
    Lasting,
}

pub(super) fn sort(error: &KafkaError, has_group: bool) -> Trouble {
    let Some(code) = error.rdkafka_error_code() else {
        return Trouble::Lasting;
    };
    if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
        return Trouble::Lasting;
    }
    match code {
        Code::AutoOffsetReset | Code::OffsetOutOfRange => Trouble::OutOfRange,
        // It looks for the group's coordinator, which we never need unless a group is named.
        Code::GroupAuthorizationFailed | Code::CoordinatorNotAvailable | Code::NotCoordinator if !has_group => {
            Trouble::Nothing
        }
        // The watcher sees whether it is gone for good.
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => Trouble::Nothing,
        Code::AllBrokersDown
        | Code::BrokerTransportFailure
        | Code::Resolve
        | Code::Authentication
        | Code::SSL
        | Code::OperationTimedOut
        | Code::TimedOutQueue
        | Code::RequestTimedOut
        | Code::LeaderNotAvailable
        | Code::NotLeaderForPartition
        | Code::BrokerNotAvailable
        | Code::ReplicaNotAvailable
        | Code::NetworkException
        | Code::CoordinatorLoadInProgress
        | Code::CoordinatorNotAvailable
        | Code::NotCoordinator
        | Code::OffsetNotAvailable
        | Code::KafkaStorageError
        | Code::WaitingForCoordinator
        | Code::UnknownLeaderEpoch
        | Code::FencedLeaderEpoch => Trouble::Passing,
        _ => Trouble::Lasting,
    }
}

/// Whether brokers do not want us, or we not them.
pub(super) fn is_about_us(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(Code::Authentication | Code::SSL | Code::SaslAuthenticationFailed | Code::UnsupportedSASLMechanism)
    )
}

/// Whether it is the connection that is not as one side wants it, and not who we are.
pub(super) fn is_about_tls(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(Code::SSL)
}

/// Whether a broker does not take our certificate, or wants one that we have not. With TLS 1.3 it says so when the
/// connection is made already, and librdkafka takes it for one that broke.
pub(super) fn refuses_certificate(complaint: &str) -> bool {
    // bad_certificate up to certificate_unknown, unknown_ca, access_denied, certificate_required: RFC 8446, 6.2.
    let number = complaint.split_once("SSL alert number ").map_or("", |(_, rest)| rest);
    let digits = number.split(|letter: char| !letter.is_ascii_digit()).next();
    matches!(
        digits.and_then(|digits| digits.parse().ok()),
        Some(42..=46 | 48 | 49 | 116_u8)
    )
}

pub(super) fn is_missing(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(Code::UnknownTopicOrPartition | Code::UnknownTopic)
    )
}

/// The topic is there, and has no such partition.
pub(super) fn is_no_partition(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(Code::UnknownPartition)
}

/// librdkafka's words for it, without the name of the call that failed.
pub(super) fn words(error: &KafkaError) -> String {
    match error.rdkafka_error_code() {
        // `Name (its words)`
        Some(code) => {
            let text = code.to_string();
            let inner = text.split_once(" (").and_then(|(_, rest)| rest.strip_suffix(')'));
            inner.unwrap_or(&text).to_owned()
        }
        None => error.to_string(),
    }
}

fn error(what: String) -> SourceError {
    SourceError {
        what,
        details: Vec::new(),
        help: Vec::new(),
        passes: false,
    }
}

pub(super) fn unusable(cause: &KafkaError) -> SourceError {
    error(format!("Kafka's partitions cannot be read: {}", words(cause)))
}

pub(super) fn lasting(cause: &KafkaError, complaint: Option<String>, address: &Address) -> SourceError {
    SourceError {
        details: complaint.into_iter().collect(),
        help: vec!["start again: it goes on behind the newest commit".to_owned()],
        passes: true,
        ..error(format!("{address} cannot be read any further: {}", words(cause)))
    }
}

pub(super) fn unreachable(address: &Address, why: &str, waited: Duration) -> SourceError {
    SourceError {
        details: vec![why.to_owned()],
        help: vec![format!("see that a broker answers: kcat -L -b {}", address.brokers())],
        passes: true,
        ..error(format!(
            "no broker of {} answers, for {}",
            address.brokers(),
            elapsed(waited)
        ))
    }
}

/// What brokers said to who we are.
pub(super) fn refused(complaint: &str) -> SourceError {
    SourceError {
        details: vec![complaint.to_owned()],
        help: vec![
            "see security.protocol, sasl.mechanism, sasl.username, sasl.password and ssl.ca.location in the file of \
             --kafka-config; a client certificate is in ssl.certificate.location, and its key in ssl.key.location"
                .to_owned(),
        ],
        ..error("Kafka's broker and we do not agree who we are, or how to talk".to_owned())
    }
}

pub(super) fn no_topic(topic: &str, address: &Address) -> SourceError {
    SourceError {
        help: vec![format!("what there is: kcat -L -b {}", address.brokers())],
        ..error(format!("topic {topic} does not exist at {}", address.brokers()))
    }
}

pub(super) fn gone(topic: &str, address: &Address) -> SourceError {
    SourceError {
        details: vec!["it was there when this began; what came of it before is committed".to_owned()],
        help: vec![
            "where it was deleted on purpose, end this spout; one made anew begins with --on-gap continue".to_owned(),
        ],
        ..error(format!("topic {topic} is no longer at {}", address.brokers()))
    }
}

pub(super) fn of_topic(topic: &str, cause: &KafkaError) -> SourceError {
    let help = match cause.rdkafka_error_code() {
        Some(Code::TopicAuthorizationFailed) => {
            vec!["whoever keeps the brokers may allow it: operations Read and Describe on the topic".to_owned()]
        }
        _ => Vec::new(),
    };
    SourceError {
        help,
        ..error(format!("topic {topic} cannot be read: {}", words(cause)))
    }
}

pub(super) fn without_tls() -> SourceError {
    SourceError {
        help: vec!["in a clone: cargo install --path . --features kafka-tls".to_owned()],
        ..error("--kafka-config asks for TLS or SASL, and this spoutctl was built without them".to_owned())
    }
}

pub(super) fn no_mechanism(mechanism: &str) -> SourceError {
    let default = "GSSAPI, which is Kerberos, is the mechanism where sasl.mechanism names no other";
    let is_default = mechanism.eq_ignore_ascii_case("GSSAPI");
    SourceError {
        details: is_default.then(|| default.to_owned()).into_iter().collect(),
        help: vec![
            "sasl.mechanism may be PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER".to_owned(),
            "whoever has a client certificate needs none: security.protocol=SSL, ssl.certificate.location and \
             ssl.key.location"
                .to_owned(),
        ],
        ..error(format!(
            "--kafka-config asks for the SASL mechanism {mechanism}, and spoutctl does not have it"
        ))
    }
}

/// A setting that librdkafka does not take. Its value may be secret.
pub(super) fn settings(cause: &KafkaError) -> SourceError {
    let what = match cause {
        KafkaError::ClientConfig(_, description, name, value) => {
            let is_secret = ["password", "secret", "key", "pem", "token", "oauthbearer.config"]
                .iter()
                .any(|word| name.contains(word));
            let said = if is_secret && !value.is_empty() {
                description.replace(value.as_str(), "…")
            } else {
                description.clone()
            };
            format!("librdkafka does not take {name}: {said}")
        }
        KafkaError::ClientCreation(why) => format!("librdkafka does not take these settings: {why}"),
        other => format!("librdkafka does not take these settings: {other}"),
    };
    let help = if what.contains("ssl.ca.location") {
        "the system's certificates come with its package ca-certificates; others are named in the file of \
         --kafka-config: ssl.ca.location=FILE"
    } else {
        "its settings: https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md"
    };
    SourceError {
        help: vec![help.to_owned()],
        ..error(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_about_our_certificate_is_told_from_a_connection_that_breaks() {
        let alert =
            |number: u8| format!("ssl://h:1/bootstrap: Receive failed: error: SSL alert number {number} (after 3ms)");
        assert!(
            [42, 46, 48, 116]
                .into_iter()
                .all(|number| refuses_certificate(&alert(number)))
        );
        assert!(
            ![0, 40, 80, 255]
                .into_iter()
                .any(|number| refuses_certificate(&alert(number)))
        );
        assert!(!refuses_certificate("ssl://h:1/bootstrap: Disconnected (after 42ms)"));
    }
}
