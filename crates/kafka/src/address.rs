//! Which brokers and which topics: `kafka://HOST[:PORT][,HOST…]/TOPIC[,TOPIC…]`.

use std::fmt;
use std::str::FromStr;

const SCHEME: &str = "kafka://";
const DEFAULT_PORT: u16 = 9092;

/// Brokers to begin with, and topics, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    brokers: Vec<String>,
    topics: Vec<String>,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; write kafka://HOST[:PORT][,HOST…]/TOPIC[,TOPIC…]")]
pub struct InvalidAddress(String);

impl Address {
    /// Of a broker and topics, as the variables of a spout's pod have them.
    ///
    /// # Errors
    /// When one of them cannot be what it should.
    pub fn of(hosts: &str, port: Option<&str>, topics: &str) -> Result<Self, InvalidAddress> {
        let default = match port {
            None => DEFAULT_PORT,
            Some(port) => port_of(port)?,
        };
        let brokers = hosts.split(',').map(|host| broker(host, default));
        let mut address = Self {
            brokers: brokers.collect::<Result<_, _>>()?,
            topics: Vec::new(),
        };
        for name in topics.split(',') {
            let topic = topic(name)?;
            if !address.topics.contains(&topic) {
                address.topics.push(topic);
            }
        }
        Ok(address)
    }

    /// As librdkafka takes them.
    pub fn brokers(&self) -> String {
        self.brokers.join(",")
    }

    /// Host and port of each, without the brackets of IPv6.
    pub fn hosts(&self) -> impl Iterator<Item = (&str, u16)> {
        self.brokers.iter().filter_map(|broker| {
            let (host, port) = broker.rsplit_once(':')?;
            Some((host.trim_matches(['[', ']']), port.parse().ok()?))
        })
    }

    pub fn topics(&self) -> &[String] {
        &self.topics
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let Some(rest) = text.strip_prefix(SCHEME) else {
            return Err(InvalidAddress(format!(
                "`{}` is no address of Kafka",
                text.escape_debug()
            )));
        };
        if rest.contains('@') {
            // What stands before it might be a password, and is not shown.
            let why = "an address has no user and no password: they go into --kafka-config FILE";
            return Err(InvalidAddress(why.to_owned()));
        }
        let Some((hosts, topics)) = rest.split_once('/') else {
            return Err(InvalidAddress(format!("`{}` names no topic", text.escape_debug())));
        };
        Self::of(hosts, None, topics)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.brokers.join(","), self.topics.join(","))
    }
}

/// A host, and the port behind it or the default one.
fn broker(text: &str, default: u16) -> Result<String, InvalidAddress> {
    // An address of IPv6 has colons of its own, and stands in brackets.
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port_of(port)?),
        _ => (text, default),
    };
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match inner {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        }
    };
    if !is_host {
        return Err(InvalidAddress(format!("`{}` is no host", text.escape_debug())));
    }
    Ok(format!("{host}:{port}"))
}

fn port_of(text: &str) -> Result<u16, InvalidAddress> {
    let port = text.parse().ok().filter(|port| *port > 0 && !text.starts_with('+'));
    port.ok_or_else(|| InvalidAddress(format!("`{}` is no port", text.escape_debug())))
}

/// What Kafka allows.
fn topic(text: &str) -> Result<String, InvalidAddress> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_name = (1..=249).contains(&text.len()) && text.bytes().all(allowed) && !matches!(text, "." | "..");
    if is_name {
        Ok(text.to_owned())
    } else {
        Err(InvalidAddress(format!(
            "`{}` is no name of a topic",
            text.escape_debug()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_without_a_port_have_that_of_kafka_and_topics_count_once() {
        for (text, whole) in [
            ("kafka://broker/orders", "kafka://broker:9092/orders"),
            ("kafka://a:1,b,[::1]:3/x,y,x", "kafka://a:1,b:9092,[::1]:3/x,y"),
            ("kafka://[fe80::1]/t", "kafka://[fe80::1]:9092/t"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), whole);
        }
        let hosts: Address = "kafka://a:1,[::1]:3/x".parse().unwrap();
        assert_eq!(hosts.hosts().collect::<Vec<_>>(), [("a", 1), ("::1", 3)]);
        let pod = Address::of("broker", Some("9093"), "a,b").unwrap();
        assert_eq!((pod.brokers(), pod.topics().len()), ("broker:9093".to_owned(), 2));
    }

    #[test]
    fn what_is_no_address_is_refused_and_a_password_in_it_is_not_shown() {
        for text in [
            "",
            "kafka:",
            "kafka://",
            "kafka://h",
            "kafka://h/",
            "kafka://h/a,,b",
            "kafka:///t",
            "kafka://h:0/t",
            "kafka://h:+1/t",
            "kafka://h:/t",
            "kafka://h:99999/t",
            "kafka://::1/t",
            "kafka://h/a b",
            "kafka://h/t?x=1",
            "kafka://h/..",
            "http://h/t",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
        let error = "kafka://user:hunter2@h/t".parse::<Address>().unwrap_err().to_string();
        assert!(
            !error.contains("hunter2") && error.contains("--kafka-config"),
            "{error}"
        );
        assert!(Address::of("h", Some("tcp://10.0.0.1:9092"), "t").is_err());
    }
}
