use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::Key;
use super::super::framing::Dialect;
use super::super::naming::{Escape, Template};
use super::*;
use spoutctl_archive::{ArchiveReader, EntryStream, Label, Options};

fn moment(seconds: u64) -> Moment {
    // All of a test's moments have one beginning.
    static BEGIN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    Moment {
        instant: *BEGIN.get_or_init(Instant::now) + Duration::from_secs(seconds),
        time: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn naming(text: &str, key: Option<Key>) -> Template {
    Template::new(text, key, Escape::Nothing).unwrap()
}

fn message(number: u64, body: &[u8]) -> Message<'_> {
    Message {
        number,
        offset: 0,
        head: b"",
        body,
        tail: b"\n",
        header: None,
        columns: Columns::Tabs,
        is_null: false,
        fault: None,
    }
}

/// The archives of these messages, each read at its second.
fn pack(naming: Naming, batching: Batching, messages: &[(u64, &str)]) -> (Vec<Packed>, Result<(), MessageError>) {
    let mut packer = Packer::new(naming, batching);
    let mut done = Vec::new();
    let mut take = |packed| {
        done.push(packed);
        Ok::<_, MessageError>(())
    };
    let mut end = Ok(());
    for ((second, body), number) in messages.iter().zip(1..) {
        end = packer.add(&message(number, body.as_bytes()), moment(*second), &mut take);
        if end.is_err() {
            break;
        }
    }
    packer.close(&mut take).unwrap();
    (done, end)
}

fn files(packed: &Packed) -> BTreeMap<String, String> {
    let mut bytes = Vec::new();
    packed.write_to(&mut bytes).unwrap();
    let mut stream = EntryStream::new(&bytes[..], "test".into());
    let mut files = BTreeMap::new();
    while let Some(mut entry) = stream.next_entry().unwrap() {
        let mut content = String::new();
        let name = String::from_utf8(entry.path().to_vec()).unwrap();
        std::io::Read::read_to_string(&mut entry, &mut content).unwrap();
        files.insert(name, content);
    }
    // Nothing after the end, and nothing missing.
    let buffers = crate::spill::SpillBuffers::new(&std::env::temp_dir());
    let mut reader = ArchiveReader::new(&bytes[..], "test".into(), 1, Options::default());
    let archive = reader.next_archive(buffers.buffer()).unwrap().unwrap();
    assert_eq!(archive.length, bytes.len() as u64);
    files
}

const HUGE: Batching = Batching {
    count: u64::MAX,
    bytes: u64::MAX,
    period: Duration::MAX,
};

#[test]
fn many_messages_make_one_file_and_numbers_tell_which() {
    let count = Batching { count: 2, ..HUGE };
    let naming = Naming::Into(naming("in/data.jsonl", None));
    let (packed, end) = pack(naming, count, &[(0, "a"), (0, "b"), (0, "c")]);
    end.unwrap();
    let facts: Vec<_> = packed
        .iter()
        .map(|p| (p.messages.first, p.messages.last, p.messages.count()))
        .collect();
    assert_eq!(facts, [(1, 2, 2), (3, 3, 1)]);
    assert_eq!(
        files(&packed[0]),
        [("in/data.jsonl".to_owned(), "a\nb\n".to_owned())].into()
    );
    assert_eq!(
        files(&packed[1]),
        [("in/data.jsonl".to_owned(), "c\n".to_owned())].into()
    );
}

#[test]
fn each_message_may_have_a_file_of_its_own() {
    let naming = Naming::Each(naming("{key}", Some(Key::Before(b":".to_vec()))));
    let (packed, end) = pack(naming, HUGE, &[(0, "b:1"), (0, "a:2")]);
    end.unwrap();
    let expected = [("a".to_owned(), "a:2".to_owned()), ("b".to_owned(), "b:1".to_owned())];
    assert_eq!(files(&packed[0]), expected.into());
}

#[test]
fn numbers_go_on_after_those_of_earlier_inputs_and_faults_name_those_of_this_one() {
    let naming = Naming::Each(naming("{seq:3}", None));
    let mut packer = Packer::new(naming, HUGE).after(41);
    let mut done: Vec<Packed> = Vec::new();
    let mut take = |packed| {
        done.push(packed);
        Ok::<_, MessageError>(())
    };
    for number in [1, 2] {
        packer.add(&message(number, b"x"), moment(0), &mut take).unwrap();
    }
    // The same number twice, as no input has it.
    let error = packer.add(&message(2, b"x"), moment(0), &mut take).unwrap_err();
    assert_eq!(error.number, 2);
    packer.close(&mut take).unwrap();
    assert_eq!(done[0].messages.to_string(), "42-43");
    assert_eq!(files(&done[0]).keys().collect::<Vec<_>>(), ["042", "043"]);
}

#[test]
fn an_archive_is_complete_by_bytes_and_a_larger_message_is_one_of_its_own() {
    for each in [false, true] {
        let naming = if each {
            Naming::Each(naming("{uuid}", None))
        } else {
            Naming::Into(naming("f", None))
        };
        let batching = Batching { bytes: 5120, ..HUGE };
        let large = "x".repeat(10_000);
        let medium = "y".repeat(1000);
        let messages = [(0, medium.as_str()), (0, &large), (0, &medium), (0, &medium)];
        let (packed, end) = pack(naming, batching, &messages);
        end.unwrap();
        let facts: Vec<_> = packed.iter().map(|p| (p.messages.first, p.messages.last)).collect();
        assert_eq!(facts, [(1, 1), (2, 2), (3, 4)]);
        for packed in [&packed[0], &packed[2]] {
            let mut bytes = Vec::new();
            packed.write_to(&mut bytes).unwrap();
            assert!(bytes.len() <= 5120, "{}", bytes.len());
        }
    }
}

#[test]
fn an_archive_says_which_messages_it_holds_and_where_the_last_one_stands() {
    for each in [false, true] {
        let naming = if each {
            Naming::Each(naming("{uuid}", None))
        } else {
            Naming::Into(naming("f", None))
        };
        let packer = Packer::new(naming, Batching { count: 2, ..HUGE });
        let mut packer = packer.with_positions(Some(PositionAt::Column(1)));
        let mut done: Vec<Packed> = Vec::new();
        for (body, number) in ["10\ta", "11\tb", "12\tc"].into_iter().zip(1..) {
            let take = &mut |packed| {
                done.push(packed);
                Ok::<_, MessageError>(())
            };
            packer.add(&message(number, body.as_bytes()), moment(0), take).unwrap();
        }
        let fault = packer
            .add(&message(4, b"\td"), moment(0), &mut |_| Ok::<_, MessageError>(()))
            .unwrap_err();
        assert!(matches!(fault.fault, MessageFault::NoPosition { .. }));
        packer
            .close(&mut |packed| {
                done.push(packed);
                Ok::<_, MessageError>(())
            })
            .unwrap();
        let labels: Vec<_> = done
            .iter()
            .map(|packed| {
                let (label, _) = written(packed);
                (label.messages.unwrap().to_string(), label.position.unwrap().bare())
            })
            .collect();
        let expected = [("1-2", "11"), ("3-3", "12")].map(|(range, at)| (range.to_owned(), at.to_owned()));
        assert_eq!(labels, expected);
    }
}

/// What an archive says as it is read, and its length.
fn written(packed: &Packed) -> (Label, u64) {
    let mut bytes = Vec::new();
    packed.write_to(&mut bytes).unwrap();
    let buffers = crate::spill::SpillBuffers::new(&std::env::temp_dir());
    let mut reader = ArchiveReader::new(&bytes[..], "test".into(), 1, Options::default());
    let label = reader.next_archive(buffers.buffer()).unwrap().unwrap().label;
    (label, bytes.len() as u64)
}

/// Of lines with a source, a position and more.
fn by_source(naming: Naming, batching: Batching) -> Packer {
    Packer::new(naming, batching)
        .with_positions(Some(PositionAt::Column(2)))
        .from_sources(Key::Column(1), SourcePositions::default())
        .on_bad(OnBad::Skip)
}

#[test]
fn a_position_for_which_there_is_no_room_ends_the_reading_and_what_came_before_says_all_others() {
    let mut packer = by_source(Naming::Into(naming("f", None)), HUGE);
    let mut none = |_| Ok::<_, MessageError>(());
    let (mut taken, mut error) = (0, None);
    while error.is_none() {
        let line = format!("{}{taken}\t{taken}", "s".repeat(1000));
        match packer.add(&message(taken + 1, line.as_bytes()), moment(0), &mut none) {
            Ok(()) => taken += 1,
            Err(refused) => error = Some(refused),
        }
    }
    let error = error.unwrap();
    // It is not left out, though others that cannot be taken are.
    assert!(matches!(error.fault, MessageFault::NoRoom { .. }), "{error}");
    assert!((60..70).contains(&taken), "{taken}");
    let text = error.to_string();
    let begin = format!("source `{}…`, and", "s".repeat(100));
    assert!(text.contains(&begin), "{text}");
    assert_eq!(packer.tally().skipped, 0);
    let mut done = Vec::new();
    let mut take = |packed| {
        done.push(packed);
        Ok::<_, MessageError>(())
    };
    packer.close(&mut take).unwrap();
    let positions = written(&done[0]).0.positions.unwrap();
    assert!(positions.to_string().len() <= MAX_POSITIONS);
    assert_eq!(positions.sources().unwrap().count() as u64, taken);
}

#[test]
fn the_front_of_a_message_that_is_too_long_tells_no_source_and_no_position() {
    let fault = MessageFault::Oversized { limit: 7, length: 2000 };
    let too_long = Message {
        fault: Some(&fault),
        ..message(2, b"a\t12345")
    };
    let into = || Naming::Into(naming("f", None));
    let by_source = by_source(into(), HUGE);
    let alone = Packer::new(into(), HUGE)
        .with_positions(Some(PositionAt::Column(2)))
        .on_bad(OnBad::Skip);
    for (mut packer, is_by_source) in [(by_source, true), (alone, false)] {
        let mut done = Vec::new();
        let mut take = |packed| {
            done.push(packed);
            Ok::<_, MessageError>(())
        };
        packer.add(&message(1, b"a\t7"), moment(0), &mut take).unwrap();
        packer.add(&too_long, moment(0), &mut take).unwrap();
        packer.close(&mut take).unwrap();
        assert_eq!(packer.tally().skipped, 1);
        let label = written(&done[0]).0;
        assert_eq!(label.position.unwrap().as_json(), "\"7\"");
        let positions = label.positions.map(|positions| positions.to_string());
        assert_eq!(positions.as_deref(), is_by_source.then_some(r#"{"a":"7"}"#));
    }
}

#[test]
fn a_source_s_name_has_a_bound_and_what_is_longer_can_be_left_out() {
    let mut packer = by_source(Naming::Into(naming("f", None)), HUGE);
    let mut none = |_| Ok::<_, MessageError>(());
    let line = |length: usize| format!("{}\t1", "s".repeat(length));
    for (number, length) in [(1, 70_000), (2, MAX_POSITION + 1), (3, MAX_POSITION)] {
        let line = line(length);
        packer
            .add(&message(number, line.as_bytes()), moment(0), &mut none)
            .unwrap();
    }
    assert_eq!(packer.tally().skipped, 2);
    let first = packer.tally().first.as_ref().unwrap().to_string();
    assert!(
        first.ends_with("source it is of: it has more than 4,096 bytes"),
        "{first}"
    );
}

#[test]
fn the_clock_starts_with_the_first_message() {
    let batching = Batching {
        period: Duration::from_secs(5),
        ..HUGE
    };
    let naming = || Naming::Into(naming("f", None));
    let (packed, end) = pack(naming(), batching, &[(10, "a"), (14, "b"), (15, "c"), (19, "d")]);
    end.unwrap();
    let facts: Vec<_> = packed.iter().map(|p| (p.messages.first, p.messages.last)).collect();
    assert_eq!(facts, [(1, 2), (3, 4)]);
    assert_eq!(Packer::new(naming(), batching).deadline(), None);
}

#[test]
fn two_messages_never_share_a_name_and_no_file_is_a_directory() {
    let each = || Naming::Each(naming("{key}", Some(Key::Before(b"|".to_vec()))));
    for (first, second) in [
        ("a/b|1", "a/b|2"),
        ("a|1", "a/b/c|2"),
        ("a/b/c|1", "a|2"),
        ("a/b|1", "a|2"),
    ] {
        let (packed, end) = pack(each(), HUGE, &[(0, "a-b|0"), (0, first), (0, second)]);
        let error = end.unwrap_err();
        assert_eq!(error.number, 3);
        assert!(matches!(error.fault, MessageFault::Clash { other: 2, .. }), "{error}");
        // What came before is an archive all the same.
        assert_eq!((packed.len(), packed[0].messages.last), (1, 2));
    }
    let (_, end) = pack(each(), HUGE, &[(0, "a-b|"), (0, "a.b|"), (0, "a/b|"), (0, "a0|")]);
    end.unwrap();
    // In different archives they are different commits.
    let batching = Batching { count: 1, ..HUGE };
    let (packed, end) = pack(each(), batching, &[(0, "a|1"), (0, "a|2")]);
    end.unwrap();
    assert_eq!(packed.len(), 2);
}

#[test]
fn each_file_of_csv_has_the_header() {
    for each in [false, true] {
        let naming = if each {
            Naming::Each(naming("{key}", Some(Key::Column(1))))
        } else {
            Naming::Into(naming("f.csv", None))
        };
        let mut packer = Packer::new(naming, Batching { count: 1, ..HUGE });
        let mut done = Vec::new();
        for (number, body) in [(1, &b"1"[..]), (2, b"2")] {
            let take = &mut |packed| {
                done.push(packed);
                Ok::<_, MessageError>(())
            };
            let message = Message {
                header: Some(b"id\n"),
                columns: Columns::Csv(Dialect::default()),
                ..message(number, body)
            };
            packer.add(&message, moment(0), take).unwrap();
        }
        let contents: Vec<String> = done.iter().flat_map(|packed| files(packed).into_values()).collect();
        assert_eq!(contents, ["id\n1\n", "id\n2\n"]);
    }
}

proptest! {
    #[test]
    fn what_comes_out_is_what_went_in_message_for_message(
        bodies in prop::collection::vec("[a-z\t]{0,700}", 1..40),
        count in 1..10_u64,
        bytes in 2_048..10_000_u64,
        before in 0..1_000_u64,
        is_each: bool,
    ) {
        let template = |text: &str| naming(text, None);
        let naming = if is_each { Naming::Each(template("{seq:5}")) } else { Naming::Into(template("{seq:5}")) };
        let batching = Batching { count, bytes, ..HUGE };
        let mut packer = Packer::new(naming, batching).after(before);
        let mut done: Vec<Packed> = Vec::new();
        let mut take = |packed| { done.push(packed); Ok::<_, MessageError>(()) };
        for (body, number) in bodies.iter().zip(1..) {
            packer.add(&message(number, body.as_bytes()), moment(0), &mut take).unwrap();
        }
        packer.close(&mut take).unwrap();
        let mut next = before + 1;
        let mut contents = Vec::new();
        for packed in &done {
            let range = packed.messages;
            prop_assert!(range.first == next && range.count() <= count, "{} after {}", range, next);
            next = range.last + 1;
            let files = files(packed);
            let names: Vec<String> = if is_each {
                (range.first..next).map(|number| format!("{number:05}")).collect()
            } else {
                vec![format!("{:05}", range.first)]
            };
            prop_assert!(files.keys().eq(&names));
            contents.extend(files.into_values());
        }
        prop_assert_eq!(next, before + 1 + bodies.len() as u64);
        if is_each {
            prop_assert_eq!(contents, bodies);
        } else {
            prop_assert_eq!(contents.concat(), bodies.iter().map(|body| body.clone() + "\n").collect::<String>());
        }
    }
}

proptest! {
    #[test]
    fn every_archive_says_the_last_position_of_each_source_behind_it_and_is_no_larger_than_asked_for(
        messages in prop::collection::vec(("[ab%c ]{1,2}", prop::option::of("[0-9 ]{1,30}"), "x{0,400}"), 1..60),
        count in 1..9_u64,
        bytes in 3_000..9_000_u64,
        is_each: bool,
    ) {
        let template = |text: &str| naming(text, None);
        let naming = if is_each { Naming::Each(template("{seq:5}")) } else { Naming::Into(template("f")) };
        let mut packer = by_source(naming, Batching { count, bytes, ..HUGE });
        let mut done: Vec<Packed> = Vec::new();
        let mut take = |packed| { done.push(packed); Ok::<_, MessageError>(()) };
        for ((source, position, more), number) in messages.iter().zip(1..) {
            // Without a position it is left out, and its source stays where it was.
            let line = format!("{source}\t{}\t{more}", position.as_deref().unwrap_or_default());
            packer.add(&message(number, line.as_bytes()), moment(0), &mut take).unwrap();
        }
        packer.close(&mut take).unwrap();
        let mut expected = BTreeMap::new();
        let mut rest = messages.iter();
        for packed in &done {
            for (source, position, _) in rest.by_ref().take(usize::try_from(packed.messages.count()).unwrap()) {
                expected.extend(position.as_ref().map(|position| (source.clone(), position.clone())));
            }
            let (label, length) = written(packed);
            let json = serde_json::to_value(label.positions.unwrap()).unwrap();
            prop_assert_eq!(json, serde_json::to_value(&expected).unwrap());
            // The file's end is rounded up.
            prop_assert!(length < bytes + 512 || packed.messages.count() == 1, "{} of {}", length, bytes);
        }
        prop_assert_eq!(rest.count(), 0);
    }
}
