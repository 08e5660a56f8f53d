use std::{borrow::Cow, fmt};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Encoded bytes, with the name of their encoding: what a store keeps of a value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// The encoding: `bincode`, `json`, or the name of one that a later version knows.
    pub encoding: Cow<'static, str>,
    /// The encoded value.
    pub bytes: Bytes,
}

impl Payload {
    /// Bytes in an encoding.
    pub fn new(encoding: impl Into<Cow<'static, str>>, bytes: impl Into<Bytes>) -> Self {
        Self {
            encoding: encoding.into(),
            bytes: bytes.into(),
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({}, {} bytes)", self.encoding, self.bytes.len())
    }
}
