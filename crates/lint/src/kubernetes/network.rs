//! Addresses and ranges of them, which newer API servers read more strictly.

use std::net::IpAddr;

use super::refusal::{Minor, Refusal};

/// Since when an address has one spelling: no leading zeros, no IPv4 within IPv6, no bits beyond a range's length.
const STRICT: Minor = Minor::new(36);

/// Why a text is no address; it goes on after the text.
pub(crate) fn address_fault(text: &str) -> Option<(&'static str, Refusal)> {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) if address.to_ipv4_mapped().is_some() => {
            Some(("is an IPv4 address written as one of IPv6", Refusal::Since(STRICT)))
        }
        Ok(_) => None,
        Err(_) if without_leading_zeros(text).is_some() => Some(("has leading zeros", Refusal::Since(STRICT))),
        Err(_) => Some(("is no IP address", Refusal::Always)),
    }
}

/// Why a text is no range of addresses, such as 10.0.0.0/8.
pub(crate) fn range_fault(text: &str) -> Option<(&'static str, Refusal)> {
    let none = Some(("is no list of ranges, such as 10.0.0.0/8", Refusal::Always));
    let Some((address, length)) = text.split_once('/') else {
        return none;
    };
    let read = address.parse().ok().or_else(|| without_leading_zeros(address));
    let bits = length
        .parse::<u32>()
        .ok()
        .filter(|_| length.bytes().all(|byte| byte.is_ascii_digit()));
    let (Some(read), Some(bits)) = (read, bits) else {
        return none;
    };
    let (value, width) = match read {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    if bits > width {
        return none;
    }
    let beyond = 1_u128.checked_shl(width - bits).map_or(u128::MAX, |first| first - 1);
    let is_long = length.len() > 1 && length.starts_with('0');
    let fault = match address_fault(address) {
        Some(fault) => fault,
        None if is_long => ("has leading zeros", Refusal::Since(STRICT)),
        None if value & beyond != 0 => ("has bits beyond the length of the range", Refusal::Since(STRICT)),
        None => return None,
    };
    Some(fault)
}

/// An address of IPv4 as older API servers read it: `010.0.0.1`.
fn without_leading_zeros(text: &str) -> Option<IpAddr> {
    let parts: Vec<&str> = text.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() != 4 || !parts.iter().all(is_number) {
        return None;
    }
    let parts: Vec<&str> = parts
        .into_iter()
        .map(|part| match part.trim_start_matches('0') {
            "" => "0",
            digits => digits,
        })
        .collect();
    parts.join(".").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_anywhere_is_told_from_what_only_new_servers_refuse() {
        for text in ["10.0.0.1", "::1"] {
            assert_eq!(address_fault(text), None, "{text}");
        }
        for text in ["10.0.0.01", "::ffff:1.2.3.4"] {
            assert_eq!(address_fault(text).unwrap().1, Refusal::Since(STRICT), "{text}");
        }
        for text in [
            "",
            "x",
            "256.1.1.1",
            "10.0.0",
            "fe80::1%eth0",
            " 10.0.0.1",
            "10.0.0.1/24",
        ] {
            assert_eq!(address_fault(text).unwrap().1, Refusal::Always, "{text}");
        }
    }

    #[test]
    fn a_range_has_its_length_and_nothing_beyond_it() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "::/0", "fd00::/8", "10.1.2.3/32"] {
            assert_eq!(range_fault(text), None, "{text}");
        }
        for text in ["10.0.0.1/8", "010.0.0.0/8", "10.0.0.0/08", "fd00::1/8"] {
            assert_eq!(range_fault(text).unwrap().1, Refusal::Since(STRICT), "{text}");
        }
        for text in ["10.0.0.0", "10.0.0.0/33", "x/8", "10.0.0.0/", "10.0.0.0/+8"] {
            assert_eq!(range_fault(text).unwrap().1, Refusal::Always, "{text}");
        }
    }
}
