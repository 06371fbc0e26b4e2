use proptest::prelude::*;

use super::*;

type Shown = Vec<(u64, u64, Vec<u8>, Vec<u8>)>;

/// Number, offset, body and the whole of every message, the input given in blocks of these sizes.
fn split(framing: Framing, input: &[u8], blocks: &[usize], partial: Partial) -> (Shown, Result<Dropped, MessageError>) {
    let (shown, end) = run(Splitter::new(framing, 1000, partial), input, blocks);
    let shown = shown
        .into_iter()
        .map(|(number, offset, body, whole, _)| (number, offset, body, whole));
    (shown.collect(), end)
}

type Told = Vec<(u64, u64, Vec<u8>, Vec<u8>, Option<String>)>;

/// The same with what is wrong with each.
fn run(mut splitter: Splitter, input: &[u8], blocks: &[usize]) -> (Told, Result<Dropped, MessageError>) {
    let mut shown = Vec::new();
    let mut show = |message: Message<'_>| {
        let whole = [
            message.header.unwrap_or_default(),
            message.head,
            message.body,
            message.tail,
        ]
        .concat();
        let null = message.is_null.then(|| "null".to_owned());
        let fault = message.fault.map(ToString::to_string).or(null);
        shown.push((message.number, message.offset, message.body.to_vec(), whole, fault));
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

fn csv() -> Framing {
    Framing::Csv(Dialect::default())
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
        bodies(csv(), b"id,text\n1,\"a\nb\"\n\n2,\"say \"\"x\"\"\"\r\n3,5\" pipe\n"),
        ["1,\"a\nb\"", "2,\"say \"\"x\"\"\"\r", "3,5\" pipe"]
    );
    assert_eq!(bodies(Framing::Netstring, b"5:hello,0:,3:a,b,"), ["hello", "", "a,b"]);
    assert_eq!(bodies(Framing::U32be, b"\0\0\0\x02hi\0\0\0\0"), ["hi", ""]);
    assert_eq!(bodies(Framing::U32le, b"\x02\0\0\0hi\0\0\0\0"), ["hi", ""]);
    assert_eq!(
        bodies(Framing::OctetCounting, b"2 hi11 <34>1 - a\nb"),
        ["hi", "<34>1 - a\nb"]
    );
    assert_eq!(bodies(Framing::Varint, b"\x02hi\0\x82\x80\0ho"), ["hi", "", "ho"]);
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
    let (shown, end) = split(csv(), b"a,b\r\n1,2\r\n3,4", &[], Partial::Keep);
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
        (Framing::U32le, b"\x01\0\0\0a\x02\0\0"),
        (Framing::Varint, b"\x01a\x80"),
        (Framing::OctetCounting, b"1 a2"),
        (Framing::OctetCounting, b"1 a2 b"),
        (Framing::Varint, b"\x01a\x02b"),
        (csv(), b"h\na\n\"b"),
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
    let (_, end) = split(csv(), b"h\n\"b", &[], Partial::Keep);
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
    let (_, end) = split(csv(), b"a,\"b", &[], Partial::Fail);
    assert_eq!(
        end.unwrap_err().to_string(),
        "the header of the input, at byte 0, has no end: the input ends after 4 of its bytes, in a quote that is open"
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
            "message 2 of the input, at byte 2, is not JSON: expected value at line 1 column 1: `]`",
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
            b"\xff\xff\xff\xfe",
            "message 1 of the input, at byte 0, is longer than 1.0 kB",
        ),
        (
            Framing::OctetCounting,
            b"0 ",
            "message 1 of the input, at byte 0, does not begin with its length but with `0`",
        ),
        (
            Framing::OctetCounting,
            b"<34>1 - a",
            "message 1 of the input, at byte 0, does not begin with its length but with `<`",
        ),
        (
            Framing::Varint,
            b"\xff\xff\xff\xff\x07",
            "message 1 of the input, at byte 0, is longer than 1.0 kB",
        ),
        (
            Framing::Varint,
            b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            "message 1 of the input, at byte 0, does not begin with its length but with \
             `\\x80\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x02`",
        ),
        (
            Framing::JournalExport,
            b"A=1\nB\n\x01\0\0\0\0\0\0\0xy",
            "message 1 of the input, at byte 0, is no entry of a journal: no newline follows a value whose length was \
             said",
        ),
        (
            Framing::JsonSequence,
            b"{}",
            "message 1 of the input, at byte 0, is not JSON: it does not begin with a record separator (0x1e), as RFC \
             7464 has it",
        ),
        (
            csv(),
            b"\xff\xfea\0",
            "the header of the input, at byte 0, is not UTF-8: the input begins with the mark of UTF-16LE",
        ),
        (
            Framing::Lines,
            b"\xff\xfe\0\0a\0\0\0",
            "message 1 of the input, at byte 0, is not UTF-8: the input begins with the mark of UTF-32LE",
        ),
        (
            Framing::Lines,
            b"\0\0\xfe\xff\0\0\0a",
            "message 1 of the input, at byte 0, is not UTF-8: the input begins with the mark of UTF-32BE",
        ),
        (
            Framing::Json,
            b"{\0\0\0\"\0\0\0",
            "message 1 of the input, at byte 0, is not UTF-8: the input looks like UTF-32LE",
        ),
    ] {
        let (_, end) = split(framing, input, &[], Partial::Fail);
        assert_eq!(end.unwrap_err().to_string(), expected);
    }
    // `redis-cli --json subscribe` says so first.
    let (_, end) = split(
        Framing::Json,
        &[b"Rea", &[b'd'; 100][..], b"ing\n"].concat(),
        &[],
        Partial::Fail,
    );
    let shown = format!("`Rea{}…`", "d".repeat(37));
    assert!(end.unwrap_err().to_string().ends_with(&shown));
}

#[test]
fn of_what_is_no_json_the_front_is_shown_unless_it_is_a_message() {
    for (input, shown) in [
        (&b"\xff\xfd oops\n"[..], "column 1: `\u{fffd}\u{fffd}`"),
        // Only the character that was cut is left out.
        (
            &[&[b'x'; 39][..], "ü".as_bytes(), b"\n"].concat(),
            &format!("column 1: `{}…`", "x".repeat(39)),
        ),
        (
            &[&[0xff; 39][..], "ü".as_bytes(), b"\n"].concat(),
            &format!("column 1: `{}…`", "\u{fffd}".repeat(39)),
        ),
        (b"{\"password\": \"hunter2\", 1}\n", "column 25"),
        (b"[\"hunter2\" 1]\n", "column 12"),
        (b"\"hunter\\2\"\n", "column 9"),
        (b" {\"password\": \"hunter2\", 1}\n", "column 25"),
    ] {
        for framing in [Framing::Json, Framing::JsonLines] {
            // A line is one value, with the white space before it.
            if framing == Framing::JsonLines && (input.starts_with(b" ") || input.ends_with(b"oops\n")) {
                continue;
            }
            let (_, end) = split(framing, input, &[], Partial::Fail);
            let error = end.unwrap_err().to_string();
            assert!(error.ends_with(shown), "{error}");
        }
    }
    let (_, end) = split(
        Framing::JsonLines,
        b"  {\"password\": \"hunter2\", 1}\n",
        &[],
        Partial::Fail,
    );
    assert!(!end.unwrap_err().to_string().contains("hunter2"));
}

#[test]
fn a_message_that_is_too_long_is_refused_before_it_is_all_there() {
    for framing in [Framing::Lines, csv(), Framing::Delimiter(b"ab".to_vec())] {
        let mut splitter = Splitter::new(framing, 1000, Partial::Keep);
        let mut seen = 0;
        let error = loop {
            if let Err(error) = splitter.push(&[b'x'; 100], &mut |_| Ok::<_, MessageError>(())) {
                break error;
            }
            seen += 100;
        };
        let is_json = false;
        assert_eq!(error.fault, MessageFault::TooLong { limit: 1000, is_json });
        assert_eq!(seen, 1000);
    }
}

#[test]
fn of_a_message_that_is_too_long_an_array_is_spoken_of_only_where_it_is_json() {
    for (framing, is_json) in [
        (Framing::Json, true),
        (Framing::JsonLines, true),
        (Framing::Lines, false),
        (csv(), false),
        (Framing::U32be, false),
    ] {
        let input = format!("[{}1]\n", "1,".repeat(600));
        let splitter = Splitter::new(framing.clone(), 1000, Partial::Fail);
        let (_, end) = run(splitter, input.as_bytes(), &[]);
        let help = end.unwrap_err().help().unwrap();
        assert!(help.contains("--max-message"), "{framing:?}: {help}");
        assert_eq!(help.contains("jq -c"), is_json, "{framing:?}: {help}");
    }
}

#[test]
fn a_message_whose_length_promised_more_than_came_is_not_whole_though_it_is_passed_over() {
    let body = "x".repeat(2000);
    for (framing, head) in [
        (Framing::U32be, &b"\0\0\x20\0"[..]),
        (Framing::U32le, b"\0\x20\0\0"),
        (Framing::Netstring, b"8192:"),
        (Framing::Varint, b"\x80\x40"),
    ] {
        let input = [head, body.as_bytes()].concat();
        let held = input.len();
        for blocks in [&[][..], &[1], &[999, 3]] {
            let end = |partial| {
                let splitter = Splitter::new(framing.clone(), 1000, partial).going_on(true);
                let (shown, end) = run(splitter, &input, blocks);
                assert_eq!(shown, [], "{framing:?}");
                end
            };
            let fault = MessageFault::Unfinished {
                held,
                can_be_kept: false,
                is_quoted: false,
            };
            let (number, offset) = (1, 0);
            assert_eq!(
                end(Partial::Fail),
                Err(MessageError { number, offset, fault }),
                "{framing:?}"
            );
            assert_eq!(end(Partial::Drop), Ok(Dropped(held)), "{framing:?}");
        }
    }
}

#[test]
fn a_varint_that_no_int32_is_is_no_length() {
    let longest = b"\xff\xff\xff\xff\x07";
    for goes_on in [false, true] {
        let end = |input: &[u8], blocks: &[usize]| {
            let splitter = Splitter::new(Framing::Varint, 1000, Partial::Fail).going_on(goes_on);
            run(splitter, input, blocks).1.unwrap_err().fault
        };
        for blocks in [&[][..], &[1]] {
            let fault = end(longest, blocks);
            assert!(!matches!(fault, MessageFault::NotALength { .. }), "{fault}");
            for (wrong, found) in [
                (&b"\x80\x80\x80\x80\x08rest"[..], r"\x80\x80\x80\x80\x08"),
                (
                    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01rest",
                    r"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                ),
            ] {
                let found = found.to_owned();
                let form = LengthForm::Varint;
                assert_eq!(end(wrong, blocks), MessageFault::NotALength { found, form });
            }
        }
    }
}

#[test]
fn a_byte_of_csv_is_none_that_ends_a_line_and_what_is_wrong_with_it_is_said() {
    assert_eq!(one_byte("\""), Ok(b'"'));
    assert_eq!("\"".parse(), Ok(Quote(Some(b'"'))));
    assert_eq!("'".parse(), Ok(Quote(Some(b'\''))));
    assert_eq!("none".parse(), Ok(Quote(None)));
    let of_end = Err("the end of a line cannot be that".to_owned());
    assert_eq!(one_byte(r"\n"), of_end);
    let why = r"\n".parse::<Quote>().unwrap_err();
    assert!(why.starts_with("the end of a line cannot be that"), "{why}");
    let why = "''".parse::<Quote>().unwrap_err();
    assert!(why.contains("write one byte") && why.ends_with("none"), "{why}");
}

#[test]
fn what_stands_around_fields_is_not_guessed_to_tell_them_apart() {
    let framing = Framing::Csv(Dialect {
        quote: Some(b'|'),
        ..Dialect::default()
    });
    let mut splitter = Splitter::new(framing, 1000, Partial::Fail);
    splitter
        .push(b"|a|;|b|\n|1;|;2\n", &mut |message| {
            let Columns::Csv(dialect) = message.columns else {
                panic!("no columns");
            };
            assert_eq!(dialect.column(message.body, 2), Some(b"2".to_vec()));
            Ok::<_, MessageError>(())
        })
        .unwrap();
    assert_eq!(splitter.guessed_delimiter().unwrap().delimiter, ';');
}

fn dialect(delimiter: Option<u8>, has_header: bool) -> Framing {
    Framing::Csv(Dialect {
        delimiter,
        has_header,
        ..Dialect::default()
    })
}

#[expect(clippy::needless_pass_by_value, reason = "tests name a framing each")]
fn wholes(framing: Framing, input: &[u8]) -> Vec<String> {
    let partial = framing.usual_partial();
    let (shown, end) = split(framing.clone(), input, &[], partial);
    assert_eq!(end, Ok(Dropped(0)));
    // However the bytes come.
    for blocks in [[1], [2], [3]] {
        assert_eq!(split(framing.clone(), input, &blocks, partial).0, shown, "{blocks:?}");
    }
    let text = |(_, _, _, whole): (u64, u64, Vec<u8>, Vec<u8>)| String::from_utf8(whole).unwrap();
    shown.into_iter().map(text).collect()
}

#[test]
fn csv_is_taken_as_spreadsheets_and_other_countries_write_it() {
    // A Mac's, with carriage returns alone; a quoted one, and one at the end, are none of those.
    assert_eq!(
        wholes(csv(), b"a,b\r1,\"x\ry\"\r3,4\r"),
        ["a,b\r1,\"x\ry\"\r", "a,b\r3,4\r"]
    );
    assert_eq!(wholes(csv(), b"a,b\r1,2\r3,4"), ["a,b\r1,2\r", "a,b\r3,4\r"]);
    // A stray one in a file with newlines belongs to its field.
    assert_eq!(wholes(csv(), b"a,b\r\n1,x\ry\r\n"), ["a,b\r\n1,x\ry\r\n"]);
    // Where text with CR LF was written as text once more, nothing is changed; a Mac's empty records are none.
    assert_eq!(
        wholes(csv(), b"a,b\r\r\n1,2\r\r\n3,4"),
        ["a,b\r\r\n1,2\r\r\n", "a,b\r\r\n3,4\n"]
    );
    assert_eq!(wholes(csv(), b"a,b\r\r\r1,2\r\r"), ["a,b\r1,2\r"]);
    assert_eq!(wholes(csv(), b"a,b\r\r"), [""; 0]);
    // The last record of a file needs no line break.
    assert_eq!(wholes(csv(), b"a,b\n1,2\n3,\"4\""), ["a,b\n1,2\n", "a,b\n3,\"4\"\n"]);
    // Quotes with line breaks, whatever tells columns apart.
    for delimiter in [';', '\t', '|', ','] {
        let header = format!("id{delimiter}text\r\n");
        let record = format!("1{delimiter}\"x\ny; \"\"q\"\"\"\r\n");
        let input = header.clone() + &record + &record;
        let expected = vec![header + &record; 2];
        assert_eq!(wholes(csv(), input.as_bytes()), expected);
        let byte = u8::try_from(delimiter).ok();
        assert_eq!(wholes(dialect(byte, true), input.as_bytes()), expected);
    }
    // Where commas are in the header, others count only when it is said.
    assert_eq!(wholes(csv(), b"a,b;c\n1,2;\"3\n"), ["a,b;c\n1,2;\"3\n"]);
    assert_eq!(
        wholes(dialect(Some(b';'), true), b"a,b;c\n1,2;\"3\n\"\n"),
        ["a,b;c\n1,2;\"3\n\"\n"]
    );
}

#[test]
fn an_empty_line_of_a_single_column_is_a_record() {
    // As COPY of PostgreSQL writes a NULL that is alone in its row.
    assert_eq!(wholes(csv(), b"note\n\na\n\n"), ["note\n\n", "note\na\n", "note\n\n"]);
    assert_eq!(
        wholes(csv(), b"\"a,b\"\r\n\r\nx\r\n"),
        ["\"a,b\"\r\n\r\n", "\"a,b\"\r\nx\r\n"]
    );
    // Without a header there is none before the first record, which shows how many columns there are.
    assert_eq!(wholes(dialect(None, false), b"\n\na\n\n"), ["a\n", "\n"]);
    assert_eq!(
        wholes(dialect(Some(b':'), true), b"note\n\na\n"),
        ["note\n\n", "note\na\n"]
    );
    // Of several columns, and before the first record, it is none.
    assert_eq!(wholes(csv(), b"\n\na;b\n\n1;2\n\n"), ["a;b\n1;2\n"]);
    assert_eq!(wholes(dialect(Some(b':'), true), b"a:b\n\n1:2\n"), ["a:b\n1:2\n"]);
    assert_eq!(wholes(dialect(None, false), b"\n1;2\n\n3;4\n"), ["1;2\n", "3;4\n"]);
}

#[test]
fn what_excel_writes_before_csv_is_no_record_and_stays() {
    let mark = "\u{feff}";
    let with = |rest: &str| format!("{mark}{rest}");
    assert_eq!(
        wholes(csv(), with("a;b\r\n1;\"x\ny\"\r\n").as_bytes()),
        [with("a;b\r\n1;\"x\ny\"\r\n")]
    );
    assert_eq!(
        wholes(csv(), with("\"a\nb\";c\r\n1;2\r\n").as_bytes()),
        [with("\"a\nb\";c\r\n1;2\r\n")]
    );
    assert_eq!(
        wholes(csv(), b"sep=|\r\na|b,c\r\n1|\"x\ny\"\r\n"),
        ["sep=|\r\na|b,c\r\n1|\"x\ny\"\r\n"]
    );
    // Without a header it stands before the first record, and is none of it.
    let (shown, _) = split(dialect(None, false), with("1;a\n2;b\n").as_bytes(), &[1], Partial::Keep);
    assert_eq!(shown[0], (1, 3, b"1;a".to_vec(), with("1;a\n").into_bytes()));
    assert_eq!(shown[1], (2, 7, b"2;b".to_vec(), b"2;b\n".to_vec()));
    for utf16 in [&b"\xff\xfea\0"[..], b"\xfe\xff\0a"] {
        let (_, end) = split(csv(), utf16, &[1], Partial::Keep);
        assert!(matches!(end.unwrap_err().fault, MessageFault::Encoded { .. }));
    }
}

#[test]
fn an_escape_takes_the_meaning_of_what_follows() {
    let mysql = Framing::Csv(Dialect {
        escape: Some(b'\\'),
        has_header: false,
        ..Dialect::default()
    });
    let input = b"1,\"a\\\"b\",x\\\ny\n2,\"c\\\\\",\\N\n";
    assert_eq!(wholes(mysql, input), ["1,\"a\\\"b\",x\\\ny\n", "2,\"c\\\\\",\\N\n"]);
}

fn quoted_by(quote: Option<u8>) -> Framing {
    Framing::Csv(Dialect {
        delimiter: Some(b'\t'),
        quote,
        ..Dialect::default()
    })
}

#[test]
fn where_quotes_mean_nothing_they_are_as_other_bytes_are() {
    // As `mysql --batch` prints it.
    let batch = b"id\tname\n1\t\"open\n2\t\"a\"b\n3\t\"\n";
    let expected = ["id\tname\n1\t\"open\n", "id\tname\n2\t\"a\"b\n", "id\tname\n3\t\"\n"];
    assert_eq!(wholes(quoted_by(None), batch), expected);
    // As `sqlite3` does with `.mode quote`.
    let quote = b"'id'\t'a'\n1\t'it''s\nx'\n2\tNULL\n";
    let expected = ["'id'\t'a'\n1\t'it''s\nx'\n", "'id'\t'a'\n2\tNULL\n"];
    assert_eq!(wholes(quoted_by(Some(b'\'')), quote), expected);
}

#[test]
fn a_quote_that_takes_the_next_lines_with_it_is_told_by_what_follows_its_end() {
    let torn = "is no CSV: a quoted field that goes over the end of a line goes on behind its closing quote";
    for (input, places) in [
        (
            &b"id\tname\n1\t\"open\n2\ta \"b\" c\n3\tx\n"[..],
            vec![Some(torn), None],
        ),
        (b"id\tname\n1\t\"open\n2\t\"b\"\n3\tx\n", vec![Some(torn), None]),
        (
            b"id\tname\n1\t\"open\n2\tit is 5\" long\n3\tx\n",
            vec![Some(torn), None],
        ),
        // Whole fields, with line breaks and doubled quotes, and space by hand.
        (b"id\tname\n1\t\"a\nb\"\n2\t\"a\n\"\"b\"\"\" \t\n", vec![None, None]),
        (b"id\tname\r\n1\t\"a\r\nb\"\r\n", vec![None]),
        // Within one line it harms nobody.
        (b"id\tname\n1\t\"a\"b\n\"x\ny\"\t\"a\"b\n", vec![None, None]),
        (b"id\tname\n1\t\"open\n2\ta \"b\" c", vec![Some(torn)]),
    ] {
        for blocks in [&[][..], &[1], &[2], &[5]] {
            let splitter = Splitter::new(quoted_by(Some(b'"')), 1000, Partial::Keep).going_on(true);
            let (shown, end) = run(splitter, input, blocks);
            assert_eq!(end, Ok(Dropped(0)));
            let faults: Vec<_> = shown.iter().map(|told| told.4.as_deref()).collect();
            assert_eq!(faults, places, "{}", String::from_utf8_lossy(input));
        }
    }
    // In a header, whatever is to become of messages.
    let splitter = Splitter::new(quoted_by(Some(b'"')), 1000, Partial::Keep).going_on(true);
    let (_, end) = run(splitter, b"\"id\tname\n1\t\"open\n2\tx\n", &[]);
    assert_eq!(
        (end.clone().unwrap_err().number, end.unwrap_err().fault),
        (0, MessageFault::BehindQuote)
    );
}

#[test]
fn carriage_returns_before_newlines_go_where_that_is_asked() {
    for (framing, input, expected) in [
        (Framing::Lines, &b"a\r\nb\r\r\nc\n"[..], vec!["a\n", "b\r\n", "c\n"]),
        (csv(), b"a,b\r\n1,2\r\n", vec!["a,b\n1,2\n"]),
    ] {
        for blocks in [&[][..], &[1]] {
            let splitter = Splitter::new(framing.clone(), 1000, Partial::Keep).stripping_returns(true);
            let (shown, _) = run(splitter, input, blocks);
            let wholes: Vec<_> = shown.iter().map(|told| String::from_utf8_lossy(&told.3)).collect();
            assert_eq!(wholes, expected);
        }
    }
}

#[test]
fn carriage_returns_without_end_are_not_held() {
    for (limit, has_header) in [(16, true), (16, false), (2, true), (2, false), (1, false)] {
        for returns in [1, 2, 8, 9, 10, 1000] {
            let input = [b"x", &vec![b'\r'; returns][..], b"1;2\r"].concat();
            let new = || Splitter::new(dialect(Some(b';'), has_header), limit, Partial::Keep).going_on(true);
            let (shown, end) = run(new(), &input, &[]);
            for blocks in [[1], [7]] {
                let case = format!("{limit}, {has_header}, {returns}, {blocks:?}");
                assert_eq!(run(new(), &input, &blocks), (shown.clone(), end.clone()), "{case}");
            }
            if limit == 16 {
                assert_eq!(end, Ok(Dropped(0)));
                assert_eq!(shown.last().map(|(.., body, _, _)| body.as_slice()), Some(&b"1;2"[..]));
                assert_eq!(shown.len(), returns + usize::from(!has_header));
            }
        }
    }
    // What ends a record has done so before anything else comes, also of one that is too long.
    for front in [&b"x"[..], &[b'y'; 20]] {
        let mut splitter = Splitter::new(dialect(None, false), 16, Partial::Keep).going_on(true);
        let mut shown = Vec::new();
        for block in [front, &[b'\r'; 500], &[b'\r'; 500]] {
            let mut show = |message: Message<'_>| -> Result<(), MessageError> {
                shown.push(message.body.to_vec());
                Ok(())
            };
            splitter.push(block, &mut show).unwrap();
        }
        assert_eq!(shown[0], front[..front.len().min(16)]);
        assert!(splitter.held.len() <= 1);
    }
    let input = [&[b'y'; 20][..], &[b'\r'; 1000], b"1;2\r"].concat();
    for blocks in [&[][..], &[1], &[7]] {
        let splitter = Splitter::new(dialect(Some(b';'), false), 16, Partial::Keep).going_on(true);
        let (shown, end) = run(splitter, &input, blocks);
        assert_eq!(end, Ok(Dropped(0)));
        assert_eq!(shown[0].2, [b'y'; 16]);
        assert_eq!(shown.last().unwrap().2, b"1;2");
    }
}

#[test]
fn json_comes_in_lines_and_in_sequences() {
    let lines = b"\xef\xbb\xbf{\"a\": 1}\r\n\n  \n[2]\n3";
    let (shown, end) = split(Framing::JsonLines, lines, &[1], Partial::Fail);
    assert_eq!(shown.len(), 2);
    assert_eq!(
        shown[0],
        (1, 0, b"{\"a\": 1}".to_vec(), b"\xef\xbb\xbf{\"a\": 1}\r\n".to_vec())
    );
    // More digits may have been to come.
    assert!(matches!(end.unwrap_err().fault, MessageFault::Unfinished { .. }));
    assert_eq!(wholes(Framing::JsonLines, b"{}\n{\"b\": 2}"), ["{}\n", "{\"b\": 2}\n"]);
    assert_eq!(
        wholes(Framing::Json, b"\xef\xbb\xbf{}\n\n\xef\xbb\xbf[1]"),
        ["{}\n", "[1]\n"]
    );
    assert_eq!(
        wholes(Framing::JsonSequence, b"\x1e{\"a\":\n1}\n\x1e\x1e\"x\"\x1e7\n"),
        ["\x1e{\"a\":\n1}\n", "\x1e\"x\"\n", "\x1e7\n"]
    );
    // What has no line feed behind it may have been cut off.
    let (_, end) = split(Framing::JsonSequence, b"\x1e12", &[], Partial::Fail);
    assert!(matches!(end.unwrap_err().fault, MessageFault::Unfinished { .. }));
}

#[test]
fn entries_of_a_journal_may_hold_empty_lines() {
    let one = b"__CURSOR=s=1;i=2\nMESSAGE=plain\n".as_slice();
    let two = b"MESSAGE\n\x06\0\0\0\0\0\0\0a\n\nb\n=\n_PID=1\n".as_slice();
    let input = [one, b"\n", two, b"\n\n"].concat();
    for blocks in [&[][..], &[1], &[7]] {
        let (shown, end) = split(Framing::JournalExport, &input, blocks, Partial::Fail);
        assert_eq!(end, Ok(Dropped(0)));
        let bodies: Vec<&[u8]> = shown.iter().map(|told| told.2.as_slice()).collect();
        assert_eq!(bodies, [one, two]);
        assert_eq!(shown[1].3, [two, b"\n"].concat());
    }
    assert_eq!(journal::field(two, b"MESSAGE"), Some(&b"a\n\nb\n="[..]));
    assert_eq!(journal::field(two, b"_PID"), Some(&b"1"[..]));
    assert_eq!(journal::field(two, b"PID"), None);
    let (_, end) = split(Framing::JournalExport, one, &[], Partial::Fail);
    assert!(matches!(
        end.unwrap_err().fault,
        MessageFault::Unfinished { can_be_kept: true, .. }
    ));
    let (shown, _) = split(Framing::JournalExport, one, &[], Partial::Keep);
    assert_eq!(shown[0].2, one);
}

#[test]
fn of_server_sent_events_the_data_are_the_messages() {
    // The examples of the HTML standard, and what it says of line ends.
    for (input, expected) in [
        (&b"data: YHOO\ndata: +2\ndata: 10\n\n"[..], vec!["YHOO\n+2\n10\n"]),
        (
            b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            vec!["first event\n", "second event\n", " third event\n"],
        ),
        (b"data\n\ndata\ndata\n\n", vec!["\n", "\n\n"]),
        (b"data:test\n\ndata: test\n\n", vec!["test\n", "test\n"]),
        (
            b"\xef\xbb\xbfdata: a\r\rdata: b\r\n\r\ndata: c\n\r\n:\r\n\r\n",
            vec!["a\n", "b\n", "c\n"],
        ),
        (b"event: x\n\nretry: 10\ndataset: no\n\n", vec![]),
    ] {
        assert_eq!(wholes(Framing::Events, input), expected, "{}", input.escape_ascii());
    }
    let (shown, _) = split(Framing::Events, b"data: a\r\n\r\ndata: b\n\n", &[1], Partial::Fail);
    assert_eq!((shown[0].1, shown[1].1), (0, 11));
    let (_, end) = split(Framing::Events, b"data: a\n\ndata: b\n", &[], Partial::Fail);
    assert_eq!(end.unwrap_err().offset, 9);
    let (_, end) = split(Framing::Events, b"data: a\n\n: ping\n", &[], Partial::Fail);
    assert_eq!(end, Ok(Dropped(0)));
}

#[test]
fn what_is_no_event_stream_is_said_to_be_none_and_is_not_passed_over() {
    let fault = |input: &[u8], limit: usize| {
        let (shown, end) = run(Splitter::new(Framing::Events, limit, Partial::Fail), input, &[1]);
        assert_eq!(shown.len(), 0);
        end.map(|_| ()).map_err(|error| error.fault)
    };
    for input in [&b"{\"a\": 1}\n\n{\"a\": 2}\n\n"[..], b"one\ntwo\n", b"a,b\n1,2\n\n"] {
        assert_eq!(
            fault(input, 1000),
            Err(MessageFault::NoEvents),
            "{}",
            input.escape_ascii()
        );
    }
    // In a stream that does not end it is said when there is more of it than a message may have.
    let mut endless = Splitter::new(Framing::Events, 1000, Partial::Fail);
    let mut show = |_: Message<'_>| Ok::<(), MessageError>(());
    assert_eq!(endless.push(&b"line\n".repeat(200), &mut show), Ok(()));
    let error = endless.push(b"one more\n", &mut show).unwrap_err();
    assert_eq!(error.fault, MessageFault::NoEvents);
    // What `curl -i` puts before the events is passed over, as all readers pass over it.
    let headers = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: x\n\n";
    assert_eq!(wholes(Framing::Events, headers), ["x\n"]);
    assert_eq!(fault(b": nothing yet\n\n", 1000), Ok(()));
}

#[test]
fn a_line_that_a_block_cuts_may_still_be_the_first_of_an_event_stream() {
    let strange = b"ident: twelve\r\ndata: b\n\n";
    for limit in 10..30 {
        let read = |blocks: &[usize]| run(Splitter::new(Framing::Events, limit, Partial::Fail), strange, blocks);
        let whole = read(&[strange.len()]);
        for block in 1..strange.len() {
            assert_eq!(read(&[block]), whole, "a limit of {limit}, blocks of {block}");
        }
    }
}

#[test]
fn utf_16_is_refused_with_its_mark_or_without() {
    for (framing, input) in [
        (Framing::Lines, &b"\xff\xfea\0\n\0"[..]),
        (Framing::Lines, b"\xfe\xff\0a\0\n"),
        (csv(), b"i\0d\0\n\0"),
        (csv(), b"\0i\0d\0\n"),
        (Framing::JsonLines, b"{\0}\0\n\0"),
    ] {
        for blocks in [&[][..], &[1]] {
            let (shown, end) = split(framing.clone(), input, blocks, Partial::Keep);
            assert_eq!(shown.len(), 0);
            let fault = end.unwrap_err().fault;
            assert!(matches!(fault, MessageFault::Encoded { .. }), "{fault:?}");
        }
    }
    // A line may hold any bytes, and so may a field.
    let (shown, _) = split(Framing::Lines, b"\xff\0a\0b\n", &[1], Partial::Keep);
    assert_eq!(shown[0].2, b"\xff\0a\0b");
    assert_eq!(wholes(csv(), b"id\0,b\n1,a\0b\n"), ["id\0,b\n1,a\0b\n"]);
}

#[test]
fn where_a_wrong_message_is_said_to_be_does_not_depend_on_the_blocks() {
    let journal: &[u8] = b"A=1\nMESSAGE\n\x03\0\0\0\0\0\0\0longer than its length says\n\n";
    let named_badly: &[u8] = b"MESSAGE IS LONG\n\0\0\0\0\0\0\0\0more\n\n";
    let no_name = MessageFault::NotAnEntry {
        why: "a line of it begins with no name of a field",
    };
    for (framing, input, fault) in [
        (
            Framing::JournalExport,
            journal,
            MessageFault::NotAnEntry {
                why: "no newline follows a value whose length was said",
            },
        ),
        (Framing::JournalExport, named_badly, no_name.clone()),
        (Framing::JournalExport, b"A=1\nMESSAGE_AND MORE\n\n", no_name.clone()),
        (Framing::JournalExport, b"{\"MESSAGE\": \"a\"}\n", no_name),
        (
            Framing::Netstring,
            b"-1333333333333:,",
            MessageFault::NotALength {
                found: "-13".into(),
                form: LengthForm::Netstring,
            },
        ),
        (
            Framing::Netstring,
            b"-2000:,",
            MessageFault::NotALength {
                found: "-2".into(),
                form: LengthForm::Netstring,
            },
        ),
    ] {
        for limit in (8..40).chain([1000]) {
            for goes_on in [false, true] {
                let splitter = || Splitter::new(framing.clone(), limit, Partial::Fail).going_on(goes_on);
                let (_, end) = run(splitter(), input, &[]);
                let error = end.clone().unwrap_err();
                assert_eq!(error.offset, 0, "{error:?}");
                assert!(
                    error.fault == fault || error.fault == (MessageFault::TooLong { limit, is_json: false }),
                    "{error:?}"
                );
                for block in [1, 2, 3, 5, 7] {
                    assert_eq!(run(splitter(), input, &[block]).1, end, "{limit} {goes_on} {block}");
                }
            }
        }
    }
}

#[test]
fn a_length_of_minus_one_is_a_null_and_no_other_is_negative() {
    let input = b"\0\0\0\x02v1\xff\xff\xff\xff\0\0\0\x02v3";
    let (shown, _) = run(Splitter::new(Framing::U32be, 1000, Partial::Fail), input, &[1]);
    let facts = |shown: &Told| -> Vec<(Vec<u8>, bool)> {
        shown.iter().map(|told| (told.2.clone(), told.4.is_some())).collect()
    };
    let expected = [(b"v1".to_vec(), false), (Vec::new(), true), (b"v3".to_vec(), false)];
    assert_eq!(facts(&shown), expected);
    let (shown, _) = run(
        Splitter::new(Framing::Netstring, 1000, Partial::Fail),
        b"2:v1,-1:,2:v3,",
        &[1],
    );
    assert_eq!(facts(&shown), expected);
    assert_eq!(shown[1].3, b"-1:,");
    for wrong in [&b"-2:,"[..], b"-:,", b"-11:,", b"--1:,"] {
        let (_, end) = run(Splitter::new(Framing::Netstring, 1000, Partial::Fail), wrong, &[1]);
        assert!(matches!(end.unwrap_err().fault, MessageFault::NotALength { .. }));
    }
}

#[test]
fn what_cannot_be_taken_is_shown_and_the_next_one_follows() {
    let long = "x".repeat(2000);
    let inputs = [
        (Framing::Lines, format!("a\n{long}\nb\n")),
        (Framing::JsonLines, format!("1 \nnot json\n\"{long}\"\n2\n")),
        (Framing::Json, format!("1 ] \"{long}\" 2 ")),
        (
            Framing::JsonSequence,
            format!("\x1e1\n\x1e{{\"a\": \x1e2\n\x1e\"{long}\"\n?\x1e3\n"),
        ),
        (csv(), format!("h\na\n\"{long}\n\"\nb\n")),
        (Framing::Netstring, format!("1:a,2000:{long},1:b,")),
        (
            Framing::U32le,
            format!("\x01\0\0\0a\x78\x07\0\0{}\x01\0\0\0b", &long[..1912]),
        ),
        (Framing::JournalExport, format!("A=a\n\nA={long}\n\nA=b\n\n")),
        (Framing::Events, format!("data: a\n\ndata: {long}\n\ndata: b\n\n")),
    ];
    for (framing, input) in inputs {
        let going_on = || Splitter::new(framing.clone(), 1000, Partial::Keep).going_on(true);
        let whole = run(going_on(), input.as_bytes(), &[]);
        assert_eq!(whole.1, Ok(Dropped(0)), "{framing:?}");
        assert!(whole.0.first().unwrap().4.is_none() && whole.0.last().unwrap().4.is_none());
        let wrong: Vec<&str> = whole.0.iter().filter_map(|told| told.4.as_deref()).collect();
        assert!(
            wrong.iter().any(|why| why.contains("more than 1.0 kB are not taken")),
            "{framing:?}: {wrong:?}"
        );
        let kept = whole.0.iter().all(|told| told.2.len() <= 1000);
        assert!(kept, "{framing:?}");
        for blocks in [&[1][..], &[7], &[999], &[1001, 3]] {
            assert_eq!(
                run(going_on(), input.as_bytes(), blocks),
                whole,
                "{framing:?} {blocks:?}"
            );
        }
        // Unasked it ends there.
        let stopping = run(
            Splitter::new(framing.clone(), 1000, Partial::Keep),
            input.as_bytes(),
            &[],
        );
        assert_eq!((stopping.0.len(), stopping.1.is_err()), (1, true), "{framing:?}");
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
        many(any.clone().boxed()).prop_map(|m| {
            let bytes = m
                .iter()
                .flat_map(|body| [&u32::try_from(body.len()).unwrap().to_le_bytes()[..], body].concat());
            (Framing::U32le, m.clone(), bytes.collect())
        }),
        many(prop::collection::vec(0..=255_u8, 1..40).boxed()).prop_map(|m| {
            let bytes = m
                .iter()
                .flat_map(|body| [format!("{} ", body.len()).as_bytes(), body].concat());
            (Framing::OctetCounting, m.clone(), bytes.collect())
        }),
        many(prop::collection::vec(0..=255_u8, 0..300).boxed()).prop_map(|m| {
            let framed = |body: &Vec<u8>| {
                let mut bytes = Vec::new();
                lengths::push_varint(&mut bytes, body.len());
                [bytes.as_slice(), body].concat()
            };
            (Framing::Varint, m.clone(), m.iter().flat_map(framed).collect())
        }),
        many(json_values()).prop_map(move |m| (Framing::Json, m.clone(), ended(&m, b" \n"))),
        many(json_values()).prop_map(move |m| (Framing::JsonLines, m.clone(), ended(&m, b"\n\r\n"))),
        many(json_values()).prop_map(|m| {
            let bytes = m.iter().flat_map(|body| [&b"\x1e"[..], body, b"\n"].concat());
            (Framing::JsonSequence, m.clone(), bytes.collect())
        }),
        many("([A-Z_]{1,5}=[a-z=]{0,9}\n){1,3}".prop_map(String::into_bytes).boxed()).prop_map(move |m| (
            Framing::JournalExport,
            m.clone(),
            ended(&m, b"\n")
        )),
        (
            many("[a-z: ]{0,9}(\n[a-z: ]{0,9}){0,2}".prop_map(String::into_bytes).boxed()),
            0..3_usize
        )
            .prop_map(|(m, end)| {
                let end = ["\n", "\r", "\r\n"][end];
                let event = |body: &Vec<u8>| {
                    let body = String::from_utf8(body.clone()).unwrap();
                    format!("data: {}{end}{end}", body.replace('\n', &format!("{end}data: "))).into_bytes()
                };
                (Framing::Events, m.clone(), m.iter().flat_map(event).collect())
            }),
        many(csv_records()).prop_map(move |m| { (csv(), m.clone(), [&b"header\n"[..], &ended(&m, b"\n")].concat()) }),
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
        which in 0_usize..16,
        bytes in prop::collection::vec(
            prop_oneof![
                any::<u8>(),
                prop::sample::select(&b"\n\r\"{}[]:;,-0123 \x1e=\xef\xbb\xbf\xff\xfe"[..]),
                prop::sample::select(&b"data: \n"[..]),
            ],
            0..300,
        ),
        blocks in prop::collection::vec(1_usize..30, 1..6),
        goes_on: bool,
        strips: bool,
        limit in 5_usize..100,
    ) {
        let framings = [
            Framing::Lines, Framing::Nul, Framing::Delimiter(b"12".to_vec()), Framing::Json, csv(),
            Framing::Netstring, Framing::U32be, Framing::JsonLines, Framing::JsonSequence, Framing::JournalExport,
            Framing::Events, dialect(None, false), dialect(Some(b';'), true), Framing::U32le, Framing::Varint,
            Framing::OctetCounting,
            quoted_by(None),
        ];
        for partial in [Partial::Drop, Partial::Keep] {
            let splitter = || {
                let splitter = Splitter::new(framings[which].clone(), limit, partial);
                splitter.going_on(goes_on).stripping_returns(strips)
            };
            let whole = run(splitter(), &bytes, &[]);
            prop_assert_eq!(run(splitter(), &bytes, &blocks), whole);
        }
    }
}
