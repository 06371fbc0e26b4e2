use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use spoutctl_archive::EntryStream;

use super::*;
use crate::messages::key::Key;
use crate::messages::naming::{Escape, Naming, Template};
use crate::messages::packing::{Batching, Nulls, OnBad};

/// The offsets of a partition, and their values.
type Records = Vec<(u64, Option<Vec<u8>>)>;

/// What a broker has, partition by partition: offsets and values, with gaps; and where it ends behind the last of them.
#[derive(Debug, Clone)]
struct Log {
    partitions: Vec<(Records, u64)>,
}

/// A source that shows a log in an order of its own, and dies after so many records.
struct Scripted<'a> {
    log: &'a Log,
    next: Vec<u64>,
    /// Of which partition the next one comes, over and over.
    order: VecDeque<usize>,
    left: usize,
    begun: Instant,
}

impl RecordSource for Scripted<'_> {
    fn next(&mut self, _: Option<Instant>, show: &mut Show<'_>) -> Result<Came, PackError> {
        let Some(left) = self.left.checked_sub(1) else {
            return Err(PackError::Input(std::io::Error::other("killed")));
        };
        self.left = left;
        for _ in 0..self.order.len() * self.log.partitions.len() {
            let at = self.order.pop_front().unwrap_or(0) % self.log.partitions.len();
            self.order.push_back(at + 1);
            let Some((offset, value)) = self.log.partitions[at]
                .0
                .iter()
                .find(|(offset, _)| *offset >= self.next[at])
            else {
                continue;
            };
            let partition = u32::try_from(at).unwrap();
            show(Event::Record(record(partition, *offset, None, value.as_deref())))?;
            self.next[at] = offset + 1;
            return Ok(Came::Something);
        }
        Ok(Came::End)
    }

    fn passed(&mut self, tell: &mut dyn FnMut(&str, u32, u64)) {
        for (at, (records, end)) in self.log.partitions.iter().enumerate() {
            if records.iter().all(|(offset, _)| *offset < self.next[at]) {
                tell("t", u32::try_from(at).unwrap(), *end);
            }
        }
    }

    fn now(&self) -> Moment {
        Moment {
            instant: self.begun,
            time: Timestamp::UNIX_EPOCH,
        }
    }
}

fn record<'a>(partition: u32, offset: u64, key: Option<&'a [u8]>, value: Option<&'a [u8]>) -> Record<'a> {
    Record {
        topic: "t",
        partition,
        offset,
        key,
        value,
        time: None,
        headers: Some(&[]),
    }
}

fn each(name: &str) -> Naming {
    let key = name.contains("{key}").then_some(Key::Record);
    Naming::Each(Template::new(name, key, Escape::Keys).unwrap())
}

fn batches_of(count: u64) -> Batching {
    Batching {
        count,
        bytes: 1 << 30,
        period: Duration::from_hours(1),
    }
}

fn values() -> RecordFormat {
    RecordFormat {
        form: Form::Value(Framing::Lines),
        limit: 1 << 20,
        shares_file: false,
    }
}

/// The files of an archive that a reading makes, and the positions behind it.
type Made = (Vec<(String, Vec<u8>)>, Positions);

fn files(packed: &Packed) -> Vec<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    packed.write_to(&mut bytes).unwrap();
    let label = spoutctl_archive::label_of(&bytes[..]);
    assert_eq!(
        label.positions, packed.positions,
        "the archive says where its partitions go on"
    );
    let mut stream = EntryStream::new(&bytes[..], "test".into());
    let mut files = Vec::new();
    while let Some(mut entry) = stream.next_entry().unwrap() {
        let mut content = Vec::new();
        let name = String::from_utf8(entry.path().to_vec()).unwrap();
        std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
        files.push((name, content));
    }
    files
}

fn run(
    source: &mut dyn RecordSource,
    format: RecordFormat,
    packer: Packer,
    from: &Positions,
) -> (Vec<Made>, Result<(), PackError>) {
    let mut made = Vec::new();
    let mut packing = Packing::default();
    let end = pack_records(source, format, packer, from.clone(), &mut packing, &mut |packed| {
        let positions = packed.positions.clone().unwrap().partitions().unwrap();
        made.push((files(&packed), positions));
        Ok(())
    });
    (made, end)
}

fn log() -> impl Strategy<Value = Log> {
    let value = proptest::option::weighted(0.9, proptest::collection::vec(any::<u8>(), 0..9));
    let records = proptest::collection::vec((1..4_u64, value), 0..12);
    let partition = (records, 0..3_u64).prop_map(|(records, behind)| {
        let mut offset = 0;
        let records: Vec<_> = records
            .into_iter()
            .map(|(step, value)| {
                // A step of more than one leaves out what was compacted, aborted, or the end of a transaction.
                offset += step;
                (offset - 1, value)
            })
            .collect();
        (records, offset + behind)
    });
    proptest::collection::vec(partition, 1..5).prop_map(|partitions| Log { partitions })
}

proptest! {
    /// Whatever the order between partitions, the size of batches, and however often reading dies: of what is committed
    /// each record is there once, in the order of its partition, and at the end all of them are.
    #[test]
    fn readings_that_die_and_go_on_behind_the_newest_commit_take_each_record_once_and_in_order(
        log in log(),
        order in proptest::collection::vec(0..5_usize, 1..9),
        lives in proptest::collection::vec((0..20_usize, 0..4_usize), 0..8),
        count in 1..6_u64,
    ) {
        let mut committed: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut in_order: Vec<Vec<u64>> = vec![Vec::new(); log.partitions.len()];
        let mut positions = Positions::new(Some("cluster"));
        (0..).zip(&log.partitions).for_each(|(partition, _)| positions.set("t", partition, 0));
        // The last life ends by itself.
        for (left, lost) in lives.into_iter().chain([(usize::MAX, 0)]) {
            let next = (0..).zip(&log.partitions).map(|(partition, _)| positions.of("t", partition).unwrap());
            let mut source = Scripted {
                log: &log,
                next: next.collect(),
                order: order.iter().copied().collect(),
                left,
                begun: Instant::now(),
            };
            let packer = Packer::new(each("{partition}-{offset}"), batches_of(count));
            let (made, end) = run(&mut source, values(), packer, &positions);
            prop_assert!(end.is_ok() || left < usize::MAX);
            // The newest commits may have come to nothing.
            let whole = if end.is_ok() { made.len() } else { made.len().saturating_sub(lost) };
            for (files, behind) in made.into_iter().take(whole) {
                for (name, content) in files {
                    let (partition, offset) = name.split_once('-').unwrap();
                    in_order[partition.parse::<usize>().unwrap()].push(offset.parse().unwrap());
                    prop_assert!(committed.insert(name, content).is_none(), "a record is there twice");
                }
                positions = behind;
            }
        }
        for (at, (records, end)) in log.partitions.iter().enumerate() {
            let offsets: Vec<u64> = records.iter().map(|(offset, _)| *offset).collect();
            prop_assert_eq!(&in_order[at], &offsets);
            for (offset, value) in records {
                let expected = value.clone().unwrap_or_default();
                prop_assert_eq!(&committed[&format!("{at}-{offset}")], &expected);
            }
            // Behind what is no record, once a commit was made when all was read.
            let last = records.last().map_or(0, |(offset, _)| offset + 1);
            let next = positions.of("t", u32::try_from(at).unwrap()).unwrap();
            prop_assert!(next == last || next == *end, "{} is neither {} nor {}", next, last, end);
        }
    }
}

/// Shows these events, then ends.
struct Listed<'a>(VecDeque<Event<'a>>);

impl RecordSource for Listed<'_> {
    fn next(&mut self, _: Option<Instant>, show: &mut Show<'_>) -> Result<Came, PackError> {
        match self.0.pop_front() {
            None => Ok(Came::End),
            Some(event) => show(event).map(|()| Came::Something),
        }
    }

    fn now(&self) -> Moment {
        Moment {
            instant: Instant::now(),
            time: Timestamp::UNIX_EPOCH,
        }
    }
}

fn of(format: RecordFormat, packer: Packer, records: &[Record<'_>]) -> (Vec<Made>, Result<(), PackError>) {
    let mut positions = Positions::new(None);
    positions.set("t", 0, 0);
    let events = records.iter().map(|record| Event::Record(*record)).collect();
    run(&mut Listed(events), format, packer, &positions)
}

fn into_one() -> Packer {
    Packer::new(
        Naming::Into(Template::new("all", None, Escape::Nothing).unwrap()),
        batches_of(100),
    )
}

#[test]
fn a_record_that_cannot_be_taken_comes_again_and_those_before_it_do_not() {
    let records = [
        record(0, 5, None, Some(b"good")),
        record(0, 6, None, Some(b"two\nlines")),
    ];
    let format = RecordFormat {
        shares_file: true,
        ..values()
    };
    let (made, end) = of(format.clone(), into_one(), &records);
    assert!(end.unwrap_err().to_string().contains("holds `\\n`"));
    assert_eq!(made.len(), 1);
    assert_eq!(
        made[0].1.of("t", 0),
        Some(6),
        "it goes on at the one that was not taken"
    );
    let (made, end) = of(format, into_one().on_bad(OnBad::Skip), &records);
    end.unwrap();
    assert_eq!(
        (made[0].0[0].1.as_slice(), made[0].1.of("t", 0)),
        (&b"good\n"[..], Some(7))
    );
}

#[test]
fn a_record_that_came_before_ends_the_reading_whatever_may_be_left_out() {
    let records = [record(0, 5, None, Some(b"a")), record(0, 5, None, Some(b"a"))];
    let (made, end) = of(values(), into_one().on_bad(OnBad::Skip), &records);
    assert!(end.unwrap_err().to_string().contains("t [0] goes on at 6"));
    assert_eq!(made[0].1.of("t", 0), Some(6));
}

#[test]
fn tombstones_are_told_from_empty_values_where_frames_can_say_so() {
    let records = [
        record(0, 0, None, Some(b"")),
        record(0, 1, None, None),
        record(0, 2, None, Some(b"x")),
    ];
    for (framing, expected) in [
        (Framing::Netstring, &b"0:,-1:,1:x,"[..]),
        (Framing::U32be, b"\0\0\0\0\xff\xff\xff\xff\0\0\0\x01x"),
        (Framing::U32le, b"\0\0\0\0\xff\xff\xff\xff\x01\0\0\0x"),
        (Framing::Varint, b"\0\0\x01x"),
        (Framing::Lines, b"\n\nx\n"),
        (Framing::Nul, b"\0\0x\0"),
        (Framing::Delimiter(b"--".to_vec()), b"----x--"),
    ] {
        let format = RecordFormat {
            form: Form::Value(framing),
            shares_file: true,
            ..values()
        };
        let (made, end) = of(format.clone(), into_one(), &records);
        end.unwrap();
        assert_eq!(made[0].0[0].1, expected);
        let (made, _) = of(format.clone(), into_one().with_nulls(Nulls::Skip), &records);
        assert_eq!(made[0].1.of("t", 0), Some(3), "what is left out does not come again");
        assert!(of(format, into_one().with_nulls(Nulls::Fail), &records).1.is_err());
    }
}

#[test]
fn an_envelope_says_all_of_a_record_and_what_is_no_text_in_base64() {
    let headers = [
        Header {
            name: "trace",
            value: Some(b"a"),
        },
        Header {
            name: "trace",
            value: Some(b"\xff"),
        },
        Header {
            name: "none",
            value: None,
        },
    ];
    let time = Timestamp::from_millisecond(1_764_000_000_123).ok();
    let records = [
        Record {
            time,
            headers: Some(&headers),
            ..record(0, 7, Some("schlüssel".as_bytes()), Some(b"{\"a\":\"\n\"}"))
        },
        record(0, 8, Some(b"\xfe"), None),
        record(0, 9, None, Some(b"\xff\0")),
    ];
    let format = RecordFormat {
        form: Form::Envelope,
        limit: 1 << 20,
        shares_file: true,
    };
    let (made, end) = of(format, into_one(), &records);
    end.unwrap();
    let text = String::from_utf8(made[0].0[0].1.clone()).unwrap();
    let expected = [
        r#"{"topic":"t","partition":0,"offset":7,"timestamp":"2025-11-24T16:00:00.123Z","key":"schlüssel","headers":[{"name":"trace","value":"a"},{"name":"trace","value_base64":"/w=="},{"name":"none","value":null}],"value":"{\"a\":\"\n\"}"}"#,
        r#"{"topic":"t","partition":0,"offset":8,"timestamp":null,"key_base64":"/g==","headers":[],"value":null}"#,
        r#"{"topic":"t","partition":0,"offset":9,"timestamp":null,"key":null,"headers":[],"value_base64":"/wA="}"#,
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn headers_that_cannot_be_told_are_a_fault_of_their_record_where_they_are_wanted() {
    let untold = Record {
        headers: None,
        ..record(0, 5, None, Some(b"untold"))
    };
    let records = [untold, record(0, 6, None, Some(b"good"))];
    let format = RecordFormat {
        form: Form::Envelope,
        ..values()
    };
    let (made, end) = of(format.clone(), into_one(), &records);
    assert!(
        end.unwrap_err()
            .to_string()
            .contains("a header whose name is not UTF-8")
    );
    assert!(made.is_empty());
    let (made, end) = of(format, into_one().on_bad(OnBad::Skip), &records);
    end.unwrap();
    assert!(made[0].0[0].1.ends_with(b"\"value\":\"good\"}\n"));
    assert_eq!(made[0].1.of("t", 0), Some(7));
    let (made, end) = of(values(), into_one(), &records);
    end.unwrap();
    assert_eq!(made[0].0[0].1, b"untold\ngood\n");
}

#[test]
fn names_are_made_of_what_the_source_says_of_a_record() {
    let time = Timestamp::from_millisecond(1_764_000_000_000).ok();
    let one = Record {
        time,
        ..record(3, 42, Some(b"a/b"), Some(b"v"))
    };
    let packer = Packer::new(
        each("{topic}/{partition}/{offset:5}-{key}-{time:%Y%m%d}"),
        batches_of(9),
    );
    let (made, end) = of(values(), packer, &[one]);
    end.unwrap();
    assert_eq!(made[0].0, [("t/3/00042-a%2Fb-20251124".to_owned(), b"v".to_vec())]);
    let (made, end) = of(
        values(),
        Packer::new(each("{key}"), batches_of(9)),
        &[record(0, 1, None, Some(b"v"))],
    );
    assert!(end.unwrap_err().to_string().contains("its record has none"));
    assert!(made.is_empty());
}

#[test]
fn a_partition_that_is_placed_goes_on_there_and_a_value_that_is_too_long_is_told() {
    let placed = Event::Placed {
        topic: "t",
        partition: 1,
        next: 9,
    };
    let events = VecDeque::from([
        Event::Record(record(0, 0, None, Some(b"x"))),
        placed,
        Event::Record(record(1, 9, None, Some(b"too long"))),
    ]);
    let format = RecordFormat { limit: 3, ..values() };
    let (made, end) = run(&mut Listed(events), format, into_one(), &Positions::new(None));
    assert!(end.unwrap_err().to_string().contains("8 bytes long"));
    assert_eq!(made[0].1.to_string(), "/t:1,9");
}
