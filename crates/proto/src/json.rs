//! How protobuf's values look in JSON: 64-bit integers and times are strings, bytes are base64, enums are names.
//!
//! What is written is what pachd writes. What is read is what any protobuf library writes: integers also as numbers,
//! enums also by number, either alphabet of base64 with or without padding, and `null` for what is not set.

use std::fmt;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// [`STANDARD`] as quick as this machine can.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static QUICK: LazyLock<base64::engine::simd::Simd> = LazyLock::new(|| base64::engine::simd::Simd::standard(LENIENT));
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static QUICK: LazyLock<GeneralPurpose> = LazyLock::new(|| STANDARD);

/// `null` is a value that is not set.
pub(super) fn unset<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Whether a field of a request has the value of one that is not set.
pub(super) fn is_unset<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A request in JSON without the fields that are not set, as clients write one: what a server knows nothing of is then
/// only there when it matters. Numbers of 64 bits and enums, whose texts tell nothing, leave themselves out
/// (`is_unset`); a message that is set stays, however empty it is.
///
/// # Errors
/// When a value has no form in JSON.
pub fn populated(request: &impl Serialize) -> serde_json::Result<Value> {
    let mut value = serde_json::to_value(request)?;
    prune(&mut value);
    Ok(value)
}

fn prune(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| match member {
                Value::Null | Value::Bool(false) => false,
                Value::String(text) => !text.is_empty(),
                Value::Array(items) => !items.is_empty(),
                _ => true,
            });
            members.values_mut().for_each(prune);
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}

/// Unsigned integers of 64 bits; nothing here counts beyond the signed ones.
pub(super) mod uint64 {
    use super::{Deserializer, Integer, not_an_integer};

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let number = deserializer.deserialize_any(Integer)?;
        u64::try_from(number).map_err(|_| not_an_integer(number))
    }
}

/// 64-bit integers.
pub(super) mod int64 {
    use super::{Deserializer, Integer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub fn serialize<S: Serializer>(number: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        deserializer.deserialize_any(Integer)
    }
}

/// The text is pachd's, as that of [`Encoded`].
fn not_an_integer<E: de::Error>(value: impl fmt::Debug) -> E {
    E::custom(format_args!("invalid value for int64 type: {value:?}"))
}

struct Integer;

impl Visitor<'_> for Integer {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a 64-bit integer, or a string that holds one")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<i64, E> {
        text.parse().map_err(|_| not_an_integer(text))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<i64, E> {
        i64::try_from(number).map_err(|_| not_an_integer(number))
    }

    fn visit_unit<E: de::Error>(self) -> Result<i64, E> {
        Ok(0)
    }
}

pub(super) mod bytes {
    use super::{Deserializer, QUICK, STANDARD, Serializer};
    use base64::Engine as _;
    use base64::display::Base64Display;
    use prost::bytes::BytesMut;

    pub fn append(bytes: &[u8], text: &mut BytesMut) {
        let start = text.len();
        // Four characters for three bytes, and for what is left of three.
        text.resize(start + bytes.len().div_ceil(3) * 4, 0);
        let written = QUICK.encode_slice(bytes, &mut text[start..]);
        debug_assert_eq!(written, Ok(text.len() - start));
    }

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(bytes, &STANDARD))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        super::bytes_value(deserializer).map(Option::unwrap_or_default)
    }
}

/// Bytes that may be unset (`google.protobuf.BytesValue`).
pub(super) fn bytes_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    deserializer.deserialize_any(Encoded)
}

struct Encoded;

impl Visitor<'_> for Encoded {
    type Value = Option<Vec<u8>>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("bytes in base64")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let decoded = if text.contains(['-', '_']) {
            URL_SAFE.decode(text)
        } else {
            QUICK.decode(text)
        };
        // The text is pachd's (recording http 025); where in the line it stands is put before it by who has the line.
        decoded
            .map(Some)
            .map_err(|_| E::custom(format_args!("invalid value for bytes type: {text:?}")))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// An enum: on the wire a number, in JSON a name. A name that is not known is read as its first value, as with every
/// field that is not known. A field of this type is an `i32` with `#[serde(with = "Type")]`.
macro_rules! enumeration {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $number:literal $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
        #[repr(i32)]
        pub enum $type {
            $($(#[$variant_doc])* $variant = $number,)*
        }

        impl $type {
            /// As pachd writes it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// # Errors
            /// As the serializer's.
            #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
            pub fn serialize<S: serde::Serializer>(number: &i32, serializer: S) -> Result<S::Ok, S::Error> {
                match number {
                    $($number => serializer.serialize_str($name),)*
                    other => serializer.serialize_i32(*other),
                }
            }

            /// # Errors
            /// When it is neither a name nor a number.
            pub fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
                struct Names;

                impl serde::de::Visitor<'_> for Names {
                    type Value = i32;

                    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                        f.write_str("the name of a value")
                    }

                    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<i32, E> {
                        Ok(match name {
                            $($name => $number,)*
                            _ => 0,
                        })
                    }

                    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<i32, E> {
                        Ok(i32::try_from(number).unwrap_or(0))
                    }

                    fn visit_unit<E: serde::de::Error>(self) -> Result<i32, E> {
                        Ok(0)
                    }
                }

                deserializer.deserialize_any(Names)
            }
        }
    };
}
pub(super) use enumeration;
