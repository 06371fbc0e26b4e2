use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;

use super::super::{Batching, Escape, Framing, Naming, Partial, Template};
use super::*;

type Wishes = Rc<RefCell<VecDeque<u64>>>;

/// Plays arrivals, each at its second.
struct Played {
    begin: Instant,
    second: u64,
    arrivals: Vec<(u64, io::Result<&'static str>)>,
    /// What comes after them.
    end: Arrival,
    /// At which seconds an archive is wished for; each wish stays until it is fulfilled.
    wishes: Wishes,
}

impl ByteSource for Played {
    fn read(&mut self, buffer: &mut [u8], until: Option<Instant>, in_hand: bool) -> io::Result<Arrival> {
        let next = self.arrivals.first().map_or(u64::MAX, |(second, _)| *second);
        let wish = self.wishes.borrow().front().copied();
        if let Some(wish) = wish.filter(|wish| in_hand && *wish < next) {
            self.second = self.second.max(wish);
            return Ok(Arrival::Wanted);
        }
        if self.arrivals.is_empty() {
            return Ok(self.end);
        }
        let at = self.begin + Duration::from_secs(self.arrivals[0].0);
        if let Some(until) = until.filter(|until| *until <= at) {
            self.second = until.duration_since(self.begin).as_secs();
            return Ok(Arrival::Silence);
        }
        let (second, arrival) = self.arrivals.remove(0);
        self.second = second;
        let text = arrival?.as_bytes();
        buffer[..text.len()].copy_from_slice(text);
        Ok(Arrival::Bytes(text.len()))
    }

    fn is_wanted(&self) -> bool {
        self.wishes.borrow().front().is_some_and(|wish| *wish <= self.second)
    }

    fn now(&self) -> Moment {
        Moment {
            instant: self.begin + Duration::from_secs(self.second),
            time: Timestamp::UNIX_EPOCH,
        }
    }
}

/// First and last of each archive, and how it ended.
fn play(arrivals: Vec<(u64, io::Result<&'static str>)>) -> (Vec<(u64, u64)>, Packing, Result<(), PackError>) {
    play_to(arrivals, Arrival::End, Partial::Fail, &[])
}

fn play_to(
    arrivals: Vec<(u64, io::Result<&'static str>)>,
    end: Arrival,
    partial: Partial,
    wishes: &[u64],
) -> (Vec<(u64, u64)>, Packing, Result<(), PackError>) {
    let mut source = Played {
        begin: Instant::now(),
        second: 0,
        arrivals,
        end,
        wishes: Rc::new(RefCell::new(wishes.iter().copied().collect())),
    };
    let wishes = Rc::clone(&source.wishes);
    let name = Template::new("f", None, Escape::Nothing).unwrap();
    let batching = Batching {
        count: 3,
        ..Batching::default()
    };
    let (mut packing, mut archives) = (Packing::default(), Vec::new());
    let end = pack(
        &mut source,
        Splitter::new(Framing::Lines, 100, partial),
        Packer::new(Naming::Into(name), batching),
        &mut packing,
        &mut |packed| {
            archives.push((packed.messages.first, packed.messages.last));
            wishes.borrow_mut().pop_front();
            Ok(())
        },
    );
    (archives, packing, end)
}

#[test]
fn a_message_waits_no_longer_than_the_period() {
    let (archives, packing, end) = play(vec![(0, Ok("a\n")), (3, Ok("b\n")), (60, Ok("c\nd\ne\nf\n"))]);
    end.unwrap();
    assert_eq!(archives, [(1, 2), (3, 5), (6, 6)]);
    assert_eq!((packing.messages, packing.archives), (6, 3));
}

#[test]
fn messages_go_when_they_are_wished_for_and_those_that_come_before_that_go_together() {
    let arrivals = vec![(0, Ok("a\n")), (1, Ok("b\n")), (2, Ok("c\n")), (5, Ok("d\n"))];
    let (archives, _, end) = play_to(arrivals, Arrival::End, Partial::Fail, &[0, 3]);
    end.unwrap();
    assert_eq!(archives, [(1, 1), (2, 3), (4, 4)]);
}

#[test]
fn an_archive_that_a_bound_has_closed_fulfils_the_wish() {
    let arrivals = vec![(0, Ok("a\nb\nc\nd\n")), (1, Ok("e\n"))];
    let (archives, _, end) = play_to(arrivals, Arrival::End, Partial::Fail, &[0]);
    end.unwrap();
    assert_eq!(archives, [(1, 3), (4, 5)]);
}

#[test]
fn when_we_are_told_to_end_the_front_of_a_message_is_no_message() {
    for partial in [Partial::Keep, Partial::Drop, Partial::Fail] {
        let (archives, packing, end) = play_to(vec![(0, Ok("a\nb\nhalf"))], Arrival::Stop, partial, &[]);
        end.unwrap();
        assert_eq!((archives, packing.dropped), (vec![(1, 2)], 4), "{partial:?}");
        assert!(packing.stopped);
    }
}

#[test]
fn an_idle_input_makes_no_archive() {
    let (archives, _, end) = play(vec![(1000, Ok("a")), (2000, Ok("\n")), (2001, Ok("b\n"))]);
    end.unwrap();
    assert_eq!(archives, [(1, 2)]);
    let (archives, _, end) = play(Vec::new());
    end.unwrap();
    assert!(archives.is_empty());
}

#[test]
fn what_came_before_a_fault_is_handed_over_first() {
    let broken = || io::Error::other("broken");
    let (archives, _, end) = play(vec![(0, Ok("a\nb\n")), (1, Err(broken()))]);
    assert_eq!(archives, [(1, 2)]);
    assert!(matches!(end, Err(PackError::Input(_))));
    let (archives, _, end) = play(vec![(0, Ok("a\nb"))]);
    assert_eq!(archives, [(1, 1)]);
    assert!(matches!(end, Err(PackError::Message(_))));
}

#[test]
fn whoever_takes_archives_and_goes_is_given_no_more() {
    let mut source = Played {
        begin: Instant::now(),
        second: 0,
        arrivals: vec![(0, Ok("a\n")), (9, Ok("b\n"))],
        end: Arrival::End,
        wishes: Wishes::default(),
    };
    let name = Template::new("f", None, Escape::Nothing).unwrap();
    let mut calls = 0;
    let end = pack(
        &mut source,
        Splitter::new(Framing::Lines, 100, Partial::Fail),
        Packer::new(Naming::Into(name), Batching::default()),
        &mut Packing::default(),
        &mut |_| {
            calls += 1;
            Err(io::ErrorKind::BrokenPipe.into())
        },
    );
    assert!(matches!(end, Err(PackError::Output(_))));
    assert_eq!(calls, 1);
}
