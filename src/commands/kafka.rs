//! What is typed of Kafka, for the verbs that read it: brokers, topics and settings.

use std::path::Path;

use anyhow::Context;

use crate::cli::kafka::{From, ShareArgs};
use crate::failure::Failure;
use spoutctl_core::exit::Exit;
use spoutctl_core::named_file;
use spoutctl_kafka::address::Address;
use spoutctl_kafka::properties::Properties;
use spoutctl_kafka::share::Share;

/// How long a file of settings may be: 1 MiB.
const LONGEST: u64 = 1 << 20;

/// Brokers and topics, if there is a client that could read them.
///
/// # Errors
/// What cannot be meant, or that Kafka is not built in.
pub(super) fn address(from: &From) -> Result<Address, Failure> {
    let address = match from {
        From::Kafka(address) => address.clone(),
        From::WithUser(error) => return Err(Failure::new(Exit::Usage, error.to_string())),
        From::Pod => of_pod(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()))?,
    };
    if spoutctl_kafka::IS_BUILT_IN {
        return Ok(address);
    }
    Err(Failure::new(Exit::Usage, "this spoutctl was built without Kafka").help(
        "the files of a release have it; in a clone: cargo install --path . --features kafka-tls, which takes make, \
         perl and a C++ compiler",
    ))
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

/// Which partitions of its topics.
///
/// # Errors
/// What cannot be meant.
pub(super) fn share(args: &ShareArgs, address: &Address) -> Result<Share, Failure> {
    let share = Share::new(args.partitions.clone(), args.start_at.clone(), address.topics());
    share.map_err(|why| Failure::new(Exit::Usage, why))
}

/// Settings of librdkafka, of a file that somebody named.
///
/// # Errors
/// When it cannot be read, or sets what is not to be set.
pub(super) fn properties(file: &Path) -> Result<Properties, Failure> {
    let bytes = named_file::read_or_pipe(file, LONGEST);
    let bytes = bytes.with_context(|| format!("cannot read {}", file.display()))?;
    let wrong = |why: String| Failure::new(Exit::Usage, format!("{} {why}", file.display()));
    let text = String::from_utf8(bytes).map_err(|_| wrong("is no text".to_owned()))?;
    let parsed = Properties::parse(&text, &|name| std::env::var(name).ok());
    let mut properties = parsed.map_err(|error| {
        wrong(error.to_string()).help("a line is NAME=VALUE, and ${NAME} in a value a variable of the environment")
    })?;
    properties.trust_unless_said(std::env::var("SSL_CERT_FILE").ok().filter(|file| !file.is_empty()));
    Ok(properties)
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
