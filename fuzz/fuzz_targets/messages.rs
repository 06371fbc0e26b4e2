//! Telling messages apart: whatever the bytes are, and in whatever blocks they come, the messages are the same, in order, and no
//! longer than is taken.
//!
//! The first three bytes choose the framing, what is taken and how, and the size of the blocks.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spoutctl_delivery::messages::framing::Dialect;
use spoutctl_delivery::messages::key::PositionAt;
use spoutctl_delivery::messages::{Framing, Key, Message, MessageError, Partial, Splitter};

/// A message: number, offset, body, whole, header, and what is wrong with it.
#[derive(Debug, PartialEq)]
struct Shown {
    number: u64,
    offset: u64,
    body: Vec<u8>,
    whole: Vec<u8>,
    header: Option<Vec<u8>>,
    is_null: bool,
    fault: Option<String>,
    key: Option<Vec<u8>>,
    position: Option<String>,
}

/// What the first bytes ask for.
struct Choice {
    framing: Framing,
    limit: usize,
    partial: Partial,
    goes_on: bool,
    strips: bool,
    block: usize,
}

impl Choice {
    fn of([framing, how, block]: [u8; 3]) -> Self {
        let csv = |delimiter, has_header, escape| {
            Framing::Csv(Dialect {
                delimiter,
                escape,
                quote: [Some(b'"'), None, Some(b'\'')][usize::from(how >> 5) % 3],
                has_header,
            })
        };
        let framings = [
            Framing::Lines,
            Framing::Nul,
            Framing::Delimiter(b"\r\n".to_vec()),
            Framing::Json,
            Framing::JsonLines,
            Framing::JsonSequence,
            csv(None, true, None),
            csv(None, false, None),
            csv(Some(b';'), true, Some(b'\\')),
            Framing::Netstring,
            Framing::U32be,
            Framing::JournalExport,
            Framing::Events,
            Framing::U32le,
            Framing::Varint,
            Framing::OctetCounting,
        ];
        let bit = |at: u8| how >> at & 1 == 1;
        Self {
            framing: framings[usize::from(framing) % framings.len()].clone(),
            limit: if bit(0) { 16 } else { 1 << 16 },
            partial: [Partial::Keep, Partial::Drop, Partial::Fail][usize::from(how >> 1 & 3) % 3],
            goes_on: bit(3),
            strips: bit(4),
            block: usize::from(block).max(1),
        }
    }

    fn splitter(&self) -> Splitter {
        Splitter::new(self.framing.clone(), self.limit, self.partial)
            .going_on(self.goes_on)
            .stripping_returns(self.strips)
    }

    fn read(&self, input: &[u8], block: usize) -> (Vec<Shown>, Result<usize, MessageError>) {
        let mut splitter = self.splitter();
        let mut shown = Vec::new();
        let mut show = |message: Message<'_>| {
            shown.push(told(&message));
            Ok::<_, MessageError>(())
        };
        for block in input.chunks(block) {
            if let Err(error) = splitter.push(block, &mut show) {
                return (shown, Err(error));
            }
        }
        let end = splitter.finish(&mut show);
        (shown, end.map(|dropped| dropped.0))
    }
}

fn told(message: &Message<'_>) -> Shown {
    let key = [
        Key::Json("/id".to_owned()),
        Key::Column(2),
        Key::Field("MESSAGE".to_owned()),
    ];
    Shown {
        number: message.number,
        offset: message.offset,
        body: message.body.to_vec(),
        whole: [message.head, message.body, message.tail].concat(),
        header: message.header.map(<[u8]>::to_vec),
        is_null: message.is_null,
        fault: message.fault.map(ToString::to_string),
        key: key.iter().find_map(|key| key.of(message).ok()),
        position: PositionAt::Json("/0/a".to_owned())
            .of(message)
            .ok()
            .map(|position| position.as_json().to_owned()),
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, input)) = input.split_first_chunk::<3>() else {
        return;
    };
    let choice = Choice::of(*choice);
    let whole = choice.read(input, input.len().max(1));
    assert_eq!(choice.read(input, choice.block), whole, "the blocks matter");
    let (shown, end) = &whole;
    let mut offset = 0;
    for (message, number) in shown.iter().zip(1..) {
        assert_eq!(message.number, number, "a message is missing");
        assert!(
            message.offset >= offset && message.offset <= input.len() as u64,
            "out of order"
        );
        assert!(message.body.len() <= choice.limit, "longer than is taken");
        assert!(choice.goes_on || message.fault.is_none(), "shown though it is wrong");
        // A position says what the library would read there.
        if let Some(position) = &message.position {
            assert!(serde_json::from_str::<serde::de::IgnoredAny>(position).is_ok());
        }
        offset = message.offset;
    }
    if let Err(error) = end {
        let lines = error.help().into_iter().chain([error.to_string()]);
        for line in lines {
            assert!(!line.chars().any(char::is_control), "a control character in {line:?}");
        }
    }
});
