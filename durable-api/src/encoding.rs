use std::{any::type_name, fmt, str::FromStr};

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::Payload;

/// How values become bytes. Its name is stored beside every payload, so a change of setting
/// affects what is written from then on and never what was written before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Encoding {
    /// Compact binary. Not self-describing: types that need to be (`serde_json::Value`, `flatten`,
    /// `untagged`) are refused at their first use.
    #[default]
    Bincode,
    /// JSON: readable in the database, and open to every type that serde can describe.
    Json,
}

impl Encoding {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bincode => "bincode",
            Self::Json => "json",
        }
    }

    /// Encodes `value`.
    ///
    /// # Errors
    /// When the value's `Serialize` fails, or the encoding cannot express it.
    pub fn encode<T: Serialize + ?Sized>(self, value: &T) -> Result<Payload, CodecError> {
        let bytes = match self {
            Self::Bincode => {
                bincode::serde::encode_to_vec(value, BINCODE).map_err(|e| e.to_string())
            }
            Self::Json => serde_json::to_vec(value).map_err(|e| e.to_string()),
        };
        let bytes = bytes.map_err(|message| CodecError {
            action: "encode",
            type_name: type_name::<T>(),
            encoding: self.as_str().to_owned(),
            message,
        })?;
        Ok(Payload::new(self.as_str(), bytes))
    }
}

const BINCODE: bincode::config::Configuration = bincode::config::standard();

/// Sizes of payloads, in bytes, up to which decoding takes no more room than 16 times as much: 1 MiB, and what an engine accepts by default.
const SMALL: usize = 1 << 20;
const LARGE: usize = 64 << 20;

/// What decoding larger ones may take: 16 GiB, 16 times what any store holds.
const HUGE: usize = LARGE.saturating_mul(256);

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Encoding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "bincode" => Ok(Self::Bincode),
            "json" => Ok(Self::Json),
            other => Err(format!(
                "encoding `{other}` is not known to this version (it knows bincode and json)"
            )),
        }
    }
}

impl Payload {
    /// Decodes the payload by the encoding it names.
    ///
    /// # Errors
    /// When the encoding is unknown, or the bytes are not a `T`, wholly and to the last byte.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, CodecError> {
        self.encoding
            .parse()
            .and_then(|encoding| decode(encoding, &self.bytes))
            .map_err(|message| CodecError {
                action: "decode",
                type_name: type_name::<T>(),
                encoding: self.encoding.to_string(),
                message,
            })
    }
}

fn decode<T: DeserializeOwned>(encoding: Encoding, bytes: &Bytes) -> Result<T, String> {
    match encoding {
        Encoding::Bincode => {
            // Bytes that are not a `T` may name any length, and the decoder makes room for it first. At most 16 bytes of a value come from one of its bytes.
            let decoded = if bytes.len() <= SMALL {
                let config = BINCODE.with_limit::<{ 16 * SMALL }>();
                bincode::serde::decode_from_slice(bytes, config)
            } else if bytes.len() <= LARGE {
                let config = BINCODE.with_limit::<{ 16 * LARGE }>();
                bincode::serde::decode_from_slice(bytes, config)
            } else {
                let config = BINCODE.with_limit::<HUGE>();
                bincode::serde::decode_from_slice(bytes, config)
            };
            let (value, read) = decoded.map_err(|error| error.to_string())?;
            match bytes.len() - read {
                0 => Ok(value),
                left => Err(format!("{left} bytes are left over")),
            }
        }
        Encoding::Json => serde_json::from_slice(bytes).map_err(|error| error.to_string()),
    }
}

/// A value could not be encoded or decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {action} a value of type `{type_name}` as {encoding}: {message}")]
pub struct CodecError {
    /// `encode` or `decode`.
    pub action: &'static str,
    /// The Rust type.
    pub type_name: &'static str,
    /// The encoding's name.
    pub encoding: String,
    /// What is wrong.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_round_trips_and_names_itself() {
        for encoding in [Encoding::Bincode, Encoding::Json] {
            let payload = encoding.encode(&("tea", 3u32)).unwrap();
            assert_eq!(payload.encoding, encoding.as_str());
            assert_eq!(
                payload.decode::<(String, u32)>().unwrap(),
                ("tea".into(), 3)
            );
        }
    }

    #[test]
    fn bytes_left_over_are_an_error() {
        let payload = Encoding::Bincode.encode(&(1u8, 2u8)).unwrap();
        let error = payload.decode::<u8>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot decode a value of type `u8` as bincode: 1 bytes are left over"
        );
    }

    /// A number that is read as a text is the text's length: one that is made room for before the bytes are looked at would end the process.
    #[test]
    fn a_length_beyond_the_bytes_is_an_error_and_not_an_allocation() {
        for number in [1 << 28, 1 << 40, 1 << 46, 1 << 62, u64::MAX] {
            let payload = Encoding::Bincode.encode(&number).unwrap();
            assert!(payload.decode::<String>().is_err(), "{number}");
            assert!(payload.decode::<Option<String>>().is_err(), "{number}");
            assert!(payload.decode::<Bytes>().is_err(), "{number}");
            assert!(payload.decode::<Vec<u64>>().is_err(), "{number}");
        }
    }

    #[test]
    fn values_that_take_the_least_room_for_what_they_are_decode_at_every_size() {
        for length in [1, 1_000, 1 << 19, (1 << 20) - 4, 1 << 20, 3 << 20] {
            let values = vec![1_u128; length];
            let payload = Encoding::Bincode.encode(&values).unwrap();
            assert_eq!(payload.decode::<Vec<u128>>().unwrap().len(), length);
        }
    }

    #[test]
    fn an_unknown_encoding_is_named() {
        let error = Payload::new("cbor", vec![1]).decode::<u8>().unwrap_err();
        assert!(error.to_string().contains("`cbor` is not known"), "{error}");
    }
}
