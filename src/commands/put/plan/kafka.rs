//! `put --from kafka://…`: from what was typed to topics that are read.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use crate::cli::MessageArgs;
use crate::cli::kafka::{self, Envelope, From, KafkaArgs};
use crate::failure::Failure;
use spoutctl_core::exit::Exit;
use spoutctl_core::named_file;
use spoutctl_delivery::messages::Framing;
use spoutctl_delivery::messages::records::{Form, RecordFormat};
use spoutctl_kafka::address::Address;
use spoutctl_kafka::placing::{OnGap, Start};
use spoutctl_kafka::properties::Properties;

/// How long a file of settings may be: 1 MiB.
const LONGEST: u64 = 1 << 20;

/// What is to be read, and what becomes of a record.
#[derive(Clone)]
#[cfg_attr(not(feature = "kafka"), allow(dead_code, reason = "only what reads Kafka needs it"))]
pub(in crate::commands::put) struct Topics {
    pub address: Address,
    pub properties: Properties,
    pub start: Start,
    pub on_gap: OnGap,
    pub until_end: bool,
    pub retry_for: Duration,
    pub format: RecordFormat,
}

impl Topics {
    /// What was asked for, if it was.
    ///
    /// # Errors
    /// What cannot be meant, before anything is read.
    pub fn of(args: &KafkaArgs, messages: &MessageArgs, retry_for: Duration) -> Result<Option<Self>, Failure> {
        let KafkaArgs {
            from,
            kafka_config,
            start,
            on_gap,
            until_end,
            envelope,
        } = args;
        let address = match from {
            None => return Ok(None),
            Some(From::Kafka(address)) => address.clone(),
            Some(From::WithUser(error)) => return Err(Failure::new(Exit::Usage, error.to_string())),
            Some(From::Pod) => of_pod(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()))?,
        };
        if !spoutctl_kafka::IS_BUILT_IN {
            return Err(Failure::new(Exit::Usage, "this spoutctl was built without Kafka").help(
                "in a clone: cargo install --path . --features kafka-tls; to build it takes make, perl and a C++ \
                       compiler",
            ));
        }
        let form = match (envelope, &messages.messages) {
            (Some(Envelope::Json), _) => Form::Envelope,
            (None, None) => Form::Value(Framing::Lines),
            (None, Some(framing)) if Form::can_be(framing) => Form::Value(framing.clone()),
            (None, Some(_)) => {
                let text = "values of Kafka are told apart by lines, nul, delimiter=STR, netstring or u32be";
                return Err(Failure::new(Exit::Usage, text).help("--envelope json makes a line of JSON of each record"));
            }
        };
        Ok(Some(Self {
            address,
            properties: kafka_config.as_deref().map(properties).transpose()?.unwrap_or_default(),
            start: start.unwrap_or_default(),
            on_gap: match on_gap {
                Some(kafka::OnGap::Continue) => OnGap::Continue,
                Some(kafka::OnGap::Stop) | None => OnGap::Stop,
            },
            until_end: *until_end,
            retry_for,
            format: RecordFormat {
                form,
                limit: usize::try_from(messages.max_message).unwrap_or(usize::MAX),
                shares_file: messages.into.is_some(),
            },
        }))
    }
}

/// Brokers and topics of the variables of a spout's pod.
fn of_pod(variable: &dyn Fn(&str) -> Option<String>) -> Result<Address, Failure> {
    let missing = |name: &str| {
        Failure::new(
            Exit::Usage,
            format!("--from kafka needs the variable {name}, which is not set"),
        )
        .help("in a spec it stands in transform.env; or name all of it: --from kafka://HOST:PORT/TOPIC")
    };
    let host = variable("HOST").ok_or_else(|| missing("HOST"))?;
    let topic = variable("TOPIC").ok_or_else(|| missing("TOPIC"))?;
    Address::of(&host, variable("PORT").as_deref(), &topic).map_err(|error| {
        Failure::new(
            Exit::Usage,
            format!("HOST, PORT and TOPIC name no topic of Kafka: {error}"),
        )
    })
}

fn properties(file: &Path) -> Result<Properties, Failure> {
    let bytes = named_file::read_or_pipe(file, LONGEST);
    let bytes = bytes.with_context(|| format!("cannot read {}", file.display()))?;
    let wrong = |why: String| Failure::new(Exit::Usage, format!("{} {why}", file.display()));
    let text = String::from_utf8(bytes).map_err(|_| wrong("is no text".to_owned()))?;
    let parsed = Properties::parse(&text, &|name| std::env::var(name).ok());
    parsed.map_err(|error| {
        wrong(error.to_string()).help("a line is NAME=VALUE, and ${NAME} in a value a variable of the environment")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_a_pod_name_brokers_and_topics_and_what_is_missing_is_named() {
        let pod = |variables: &[(&str, &str)]| {
            of_pod(&|name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let address = pod(&[("HOST", "kafka.example.com"), ("PORT", "9093"), ("TOPIC", "a,b")]).unwrap();
        assert_eq!(address.to_string(), "kafka://kafka.example.com:9093/a,b");
        assert_eq!(
            pod(&[("HOST", "h"), ("TOPIC", "t")]).unwrap().to_string(),
            "kafka://h:9092/t"
        );
        assert!(pod(&[("HOST", "h")]).unwrap_err().heading.contains("TOPIC"));
        assert!(
            pod(&[("HOST", "h"), ("TOPIC", "t"), ("PORT", "tcp://x")])
                .unwrap_err()
                .heading
                .contains("no port")
        );
    }
}
