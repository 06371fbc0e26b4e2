use proptest::prelude::*;

use super::*;

type Shown = Vec<(u64, u64, Vec<u8>, Vec<u8>)>;

/// Number, offset, body and the whole of every message, the input given in blocks of these sizes.
fn split(framing: Framing, input: &[u8], blocks: &[usize], partial: Partial) -> (Shown, Result<Dropped, MessageError>) {
    let mut splitter = Splitter::new(framing, 1000, partial);
    let mut shown = Vec::new();
    let mut show = |message: Message<'_>| {
        let whole = [
            message.header.unwrap_or_default(),
            message.head,
            message.body,
            message.tail,
        ]
        .concat();
        shown.push((message.number, message.offset, message.body.to_vec(), whole));
        Ok::<_, MessageError>(())
    };
    let (mut rest, mut sizes) = (input, blocks.iter().cycle());
    while !rest.is_empty() {
        let size = sizes.next().copied().unwrap_or(rest.len()).clamp(1, rest.len());
        if let Err(error) = splitter.push(&rest[..size], &mut show) {
            return (shown, Err(error));
        }
        rest = &rest[size..];
    }
    let end = splitter.finish(&mut show);
    (shown, end)
}

fn bodies(framing: Framing, input: &[u8]) -> Vec<String> {
    let (shown, end) = split(framing, input, &[], Partial::Fail);
    end.unwrap();
    shown
        .into_iter()
        .map(|(_, _, body, _)| String::from_utf8(body).unwrap())
        .collect()
}

#[test]
fn each_framing_has_its_own_end() {
    assert_eq!(bodies(Framing::Lines, b"a\r\n\nb\n"), ["a\r", "", "b"]);
    assert_eq!(bodies(Framing::Nul, b"a\nb\0\0"), ["a\nb", ""]);
    assert_eq!(
        bodies(Framing::Delimiter(b"--".to_vec()), b"a-b--c----"),
        ["a-b", "c", ""]
    );
    assert_eq!(
        bodies(
            Framing::Json,
            b" {\"a\": \"}\\\"\"}\n[1,\n2]3 \"x\"true null{}{} -1.5e3 "
        ),
        [
            "{\"a\": \"}\\\"\"}",
            "[1,\n2]",
            "3",
            "\"x\"",
            "true",
            "null",
            "{}",
            "{}",
            "-1.5e3"
        ]
    );
    assert_eq!(
        bodies(
            Framing::Csv,
            b"id,text\n1,\"a\nb\"\n\n2,\"say \"\"x\"\"\"\r\n3,5\" pipe\n"
        ),
        ["1,\"a\nb\"", "2,\"say \"\"x\"\"\"\r", "3,5\" pipe"]
    );
    assert_eq!(bodies(Framing::Netstring, b"5:hello,0:,3:a,b,"), ["hello", "", "a,b"]);
    assert_eq!(bodies(Framing::U32be, b"\0\0\0\x02hi\0\0\0\0"), ["hi", ""]);
}

#[test]
fn a_framing_is_named_as_it_is_typed() {
    assert_eq!("lines".parse(), Ok(Framing::Lines));
    assert_eq!("delimiter=\\x1e\\n".parse(), Ok(Framing::Delimiter(vec![0x1e, b'\n'])));
    for wrong in [
        "line",
        "delimiter=",
        "delimiter=\\q",
        "delimiter=\\x1",
        "delimiter=\\xé1",
        "delimiter=\\",
    ] {
        assert!(wrong.parse::<Framing>().is_err(), "{wrong}");
    }
}

#[test]
fn the_header_is_no_message_and_comes_with_each() {
    let (shown, end) = split(Framing::Csv, b"a,b\r\n1,2\r\n3,4", &[], Partial::Keep);
    end.unwrap();
    assert_eq!(shown[0], (1, 5, b"1,2\r".to_vec(), b"a,b\r\n1,2\r\n".to_vec()));
    assert_eq!(shown[1], (2, 10, b"3,4".to_vec(), b"a,b\r\n3,4\n".to_vec()));
}

#[test]
fn a_last_message_without_its_end_is_kept_dropped_or_a_fault() {
    let (shown, end) = split(Framing::Lines, b"a\nbc", &[], Partial::Keep);
    assert_eq!((shown.len(), end), (2, Ok(Dropped(0))));
    assert_eq!(shown[1].3, b"bc\n");
    let (shown, end) = split(Framing::Lines, b"a\nbc", &[], Partial::Drop);
    assert_eq!((shown.len(), end), (1, Ok(Dropped(2))));
    for (framing, input) in [
        (Framing::Lines, &b"a\nbc"[..]),
        (Framing::Json, b"{}{\"a\": 1"),
        (Framing::Netstring, b"1:a,5:hell"),
        (Framing::U32be, b"\0\0\0\x01a\0\0\0\x02b"),
        (Framing::Csv, b"h\na\n\"b"),
    ] {
        let (shown, end) = split(framing, input, &[], Partial::Fail);
        assert_eq!(shown.len(), 1);
        let error = end.unwrap_err();
        assert_eq!(error.number, 2);
        assert!(matches!(error.fault, MessageFault::Unfinished { .. }), "{error}");
    }
    // What was promised cannot be made up.
    let (_, end) = split(Framing::Netstring, b"5:hell", &[], Partial::Keep);
    assert!(end.is_err());
    let (_, end) = split(Framing::Csv, b"h\n\"b", &[], Partial::Keep);
    assert!(end.is_err());
}

#[test]
fn a_number_at_the_very_end_is_whole_only_for_those_who_say_so() {
    for input in [&b"{} 12"[..], b"{} -", b"{} 1e", b"{} tru"] {
        let (shown, end) = split(Framing::Json, input, &[], Partial::Fail);
        assert_eq!(shown.len(), 1);
        assert!(matches!(end.unwrap_err().fault, MessageFault::Unfinished { .. }));
        let (_, end) = split(Framing::Json, input, &[], Partial::Drop);
        assert_eq!(end, Ok(Dropped(input.len() - 3)));
    }
    let (shown, end) = split(Framing::Json, b"{} true", &[], Partial::Fail);
    assert_eq!((shown.len(), end), (2, Ok(Dropped(0))));
    let (_, end) = split(Framing::Json, b"{} trux", &[], Partial::Fail);
    assert!(matches!(end.unwrap_err().fault, MessageFault::NotJson { .. }));
    let mut splitter = Splitter::new(Framing::Json, 1000, Partial::Fail).ending_numbers(true);
    let mut shown = Vec::new();
    let mut show = |message: Message<'_>| -> Result<(), MessageError> {
        shown.push(message.body.to_vec());
        Ok(())
    };
    splitter.push(b"1 23", &mut show).unwrap();
    splitter.finish(&mut show).unwrap();
    assert_eq!(shown, [b"1".to_vec(), b"23".to_vec()]);
}

#[test]
fn a_header_that_is_cut_off_is_called_that() {
    let (_, end) = split(Framing::Csv, b"a,\"b", &[], Partial::Fail);
    assert_eq!(
        end.unwrap_err().to_string(),
        "the header of the input, at byte 0, has no end: the input ends after 4 of its bytes"
    );
}

#[test]
fn what_is_no_message_is_named_with_its_place() {
    for (framing, input, expected) in [
        (
            Framing::Json,
            &b"{}\n{\"a\" 1}"[..],
            "message 2 of the input, at byte 3, is not JSON: expected `:` at line 1 column 6",
        ),
        (
            Framing::Json,
            b"1 ]",
            "message 2 of the input, at byte 2, is not JSON: expected value at line 1 column 1",
        ),
        (
            Framing::Netstring,
            b"1:a,x",
            "message 2 of the input, at byte 4, does not begin with its length but with `x`",
        ),
        (
            Framing::Netstring,
            b"1:ab",
            "message 1 of the input, at byte 0, has no comma after its last byte, as netstrings have",
        ),
        (
            Framing::Netstring,
            b"2000:",
            "message 1 of the input, at byte 0, is longer than 1.0 kB",
        ),
        (
            Framing::U32be,
            b"\xff\xff\xff\xff",
            "message 1 of the input, at byte 0, is longer than 1.0 kB",
        ),
    ] {
        let (_, end) = split(framing, input, &[], Partial::Fail);
        assert_eq!(end.unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_message_that_is_too_long_is_refused_before_it_is_all_there() {
    for framing in [Framing::Lines, Framing::Csv, Framing::Delimiter(b"ab".to_vec())] {
        let mut splitter = Splitter::new(framing, 1000, Partial::Keep);
        let mut seen = 0;
        let error = loop {
            if let Err(error) = splitter.push(&[b'x'; 100], &mut |_| Ok::<_, MessageError>(())) {
                break error;
            }
            seen += 100;
        };
        assert_eq!(error.fault, MessageFault::TooLong { limit: 1000 });
        assert_eq!(seen, 1000);
    }
}

/// Messages and the bytes that hold them.
fn framed() -> impl Strategy<Value = (Framing, Vec<Vec<u8>>, Vec<u8>)> {
    let any = prop::collection::vec(any::<u8>(), 0..40);
    let many = |one: BoxedStrategy<Vec<u8>>| prop::collection::vec(one, 0..20);
    let without = |bytes: &'static [u8]| {
        any.clone()
            .prop_map(move |body| body.into_iter().filter(|byte| !bytes.contains(byte)).collect())
            .boxed()
    };
    let ended = |messages: &[Vec<u8>], end: &[u8]| -> Vec<u8> {
        messages.iter().flat_map(|body| [body, end].concat()).collect()
    };
    prop_oneof![
        many(without(b"\n")).prop_map(move |m| (Framing::Lines, m.clone(), ended(&m, b"\n"))),
        many(without(b"\0")).prop_map(move |m| (Framing::Nul, m.clone(), ended(&m, b"\0"))),
        many(without(b">")).prop_map(move |m| (Framing::Delimiter(b"><>".to_vec()), m.clone(), ended(&m, b"><>"))),
        many(any.clone().boxed()).prop_map(|m| {
            let bytes = m
                .iter()
                .flat_map(|body| [format!("{}:", body.len()).as_bytes(), body, b","].concat());
            (Framing::Netstring, m.clone(), bytes.collect())
        }),
        many(any.clone().boxed()).prop_map(|m| {
            let bytes = m
                .iter()
                .flat_map(|body| [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat());
            (Framing::U32be, m.clone(), bytes.collect())
        }),
        many(json_values()).prop_map(move |m| (Framing::Json, m.clone(), ended(&m, b" \n"))),
        many(csv_records())
            .prop_map(move |m| { (Framing::Csv, m.clone(), [&b"header\n"[..], &ended(&m, b"\n")].concat()) }),
    ]
}

fn json_values() -> BoxedStrategy<Vec<u8>> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(serde_json::Value::from),
        any::<String>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
    .prop_map(|value| serde_json::to_vec(&value).unwrap())
    .boxed()
}

fn csv_records() -> BoxedStrategy<Vec<u8>> {
    let field = prop_oneof![
        "[a-z0-9 ]{1,8}",
        "[a-z,\"\r\n]{0,12}".prop_map(|text| format!("\"{}\"", text.replace('"', "\"\"")))
    ];
    prop::collection::vec(field, 1..4)
        .prop_map(|fields| fields.join(",").into_bytes())
        .boxed()
}

proptest! {
    #[test]
    fn what_comes_out_is_what_went_in_wherever_the_blocks_end(
        (framing, messages, bytes) in framed(),
        blocks in prop::collection::vec(1_usize..30, 1..6),
    ) {
        let (shown, end) = split(framing, &bytes, &blocks, Partial::Fail);
        prop_assert_eq!(end, Ok(Dropped(0)));
        let bodies: Vec<Vec<u8>> = shown.iter().map(|(_, _, body, _)| body.clone()).collect();
        prop_assert_eq!(&bodies, &messages);
        for (number, offset, body, _) in &shown {
            prop_assert_eq!(&messages[usize::try_from(*number).unwrap() - 1], body);
            let at = usize::try_from(*offset).unwrap();
            prop_assert!(bytes[at..].windows(body.len().max(1)).next().is_some() || body.is_empty());
        }
    }

    #[test]
    fn no_bytes_make_it_panic_and_blocks_never_matter(
        which in 0_usize..7,
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(&b"\n\"{}[]:,0123 "[..])], 0..300),
        blocks in prop::collection::vec(1_usize..30, 1..6),
    ) {
        let framings = [
            Framing::Lines, Framing::Nul, Framing::Delimiter(b"12".to_vec()), Framing::Json, Framing::Csv,
            Framing::Netstring, Framing::U32be,
        ];
        let whole = split(framings[which].clone(), &bytes, &[], Partial::Drop);
        let pieces = split(framings[which].clone(), &bytes, &blocks, Partial::Drop);
        prop_assert_eq!(whole, pieces);
    }
}
