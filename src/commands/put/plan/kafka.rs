//! `put --from kafka://…`: from what was typed to topics that are read.

use std::time::Duration;

use crate::cli::MessageArgs;
use crate::cli::kafka::{self, Envelope, KafkaArgs};
use crate::commands::kafka::{address, properties, share};
use crate::failure::Failure;
use spoutctl_core::exit::Exit;
use spoutctl_delivery::messages::Framing;
use spoutctl_delivery::messages::records::{Form, RecordFormat};
use spoutctl_kafka::address::Address;
use spoutctl_kafka::placing::{OnGap, Start};
use spoutctl_kafka::properties::Properties;
use spoutctl_kafka::share::Share;

/// What is to be read, and what becomes of a record.
#[derive(Clone)]
#[cfg_attr(not(feature = "kafka"), allow(dead_code, reason = "only what reads Kafka needs it"))]
pub(in crate::commands::put) struct Topics {
    pub address: Address,
    pub properties: Properties,
    pub start: Start,
    pub on_gap: OnGap,
    pub share: Share,
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
            share: part,
            on_gap,
            until_end,
            envelope,
        } = args;
        let Some(from) = from else { return Ok(None) };
        let address = address(from)?;
        let form = match (envelope, &messages.messages) {
            (Some(Envelope::Json), _) => Form::Envelope,
            (None, None) => Form::Value(Framing::Lines),
            // Octet counting has no empty message, and Kafka has.
            (None, Some(framing)) if framing.is_of_bytes() && *framing != Framing::OctetCounting => {
                Form::Value(framing.clone())
            }
            (None, Some(_)) => {
                let text =
                    "values of Kafka are told apart by lines, nul, delimiter=STR, netstring, u32be, u32le or varint";
                return Err(Failure::new(Exit::Usage, text).help("--envelope json makes a line of JSON of each record"));
            }
        };
        Ok(Some(Self {
            share: share(part, &address)?,
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
