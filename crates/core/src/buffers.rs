//! Buffers whose bytes are handed on without a copy, and which are filled again once nobody has them any more.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Few buffers that are filled again and again: memory that is new has to be cleared by the system first, page by page.
#[derive(Debug)]
pub struct Buffers {
    /// Those that were handed on, oldest first.
    lent: VecDeque<Bytes>,
    most: usize,
}

impl Buffers {
    /// Remembers so many that were handed on; where more are in use, further ones are made.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            lent: VecDeque::with_capacity(most),
            most,
        }
    }

    /// One to be filled. What it holds, if anything, is of no use.
    pub fn take(&mut self) -> BytesMut {
        match self.lent.pop_front().map(Bytes::try_into_mut) {
            Some(Ok(buffer)) => return buffer,
            Some(Err(in_use)) if self.lent.len() + 1 < self.most => self.lent.push_front(in_use),
            Some(Err(_)) | None => {}
        }
        BytesMut::new()
    }

    /// Its bytes, to be handed on.
    pub fn lend(&mut self, buffer: BytesMut) -> Bytes {
        let has_room = buffer.capacity() > 0;
        let bytes = buffer.freeze();
        if has_room && self.lent.len() < self.most {
            self.lent.push_back(bytes.clone());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lend(buffers: &mut Buffers, byte: u8) -> (Bytes, *const u8) {
        let mut buffer = buffers.take();
        buffer.resize(1000, 0);
        buffer.fill(byte);
        let bytes = buffers.lend(buffer);
        let place = bytes.as_ptr();
        (bytes, place)
    }

    #[test]
    fn a_buffer_is_filled_again_once_nobody_has_any_part_of_it_and_never_before() {
        let mut buffers = Buffers::new(2);
        let (first, place) = lend(&mut buffers, 1);
        let part = first.slice(10..20);
        drop(first);
        let (second, other) = lend(&mut buffers, 2);
        assert_ne!(place, other);
        assert_eq!((&part[..], &second[..]), (&[1; 10][..], &[2; 1000][..]));
        drop(part);
        let (third, again) = lend(&mut buffers, 3);
        assert_eq!((place, &third[..]), (again, &[3; 1000][..]));
        assert_eq!(second[..], [2; 1000]);
    }

    #[test]
    fn one_that_never_held_anything_keeps_no_other_from_being_filled_again() {
        let mut buffers = Buffers::new(2);
        let nothing = buffers.take();
        buffers.lend(nothing);
        let (first, place) = lend(&mut buffers, 1);
        drop(first);
        assert_eq!(lend(&mut buffers, 2).1, place);
    }

    #[test]
    fn those_that_somebody_keeps_are_forgotten() {
        let mut buffers = Buffers::new(2);
        let kept: Vec<(Bytes, *const u8)> = (1..=5).map(|byte| lend(&mut buffers, byte)).collect();
        assert!(buffers.lent.len() <= 2);
        for (number, (bytes, _)) in (1..).zip(&kept) {
            assert_eq!(bytes[..], [number; 1000]);
        }
    }
}
