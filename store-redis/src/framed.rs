//! How payloads of messages, events and streams are written: the length of the encoding's name, the name, the
//! bytes. `scripts/checkpoints.lua` makes checkpoints of them.
use bytes::{Buf as _, Bytes};
use durable_api::Payload;

pub(crate) fn pack(payload: &Payload) -> Vec<u8> {
    let mut packed = Vec::with_capacity(4 + payload.encoding.len() + payload.bytes.len());
    // The engine refuses names that are anywhere near this long.
    let length = u32::try_from(payload.encoding.len()).unwrap_or(u32::MAX);
    packed.extend(length.to_be_bytes());
    packed.extend(payload.encoding.as_bytes());
    packed.extend(&payload.bytes);
    packed
}

/// The payload; `None` when it is damaged.
pub(crate) fn unpack(packed: impl Into<Bytes>) -> Option<Payload> {
    let mut packed = packed.into();
    let length = usize::try_from(packed.try_get_u32().ok()?).ok()?;
    if length > packed.len() {
        return None;
    }
    let encoding = String::from_utf8(packed.split_to(length).into()).ok()?;
    Some(Payload::new(encoding, packed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_back_and_what_was_cut_off_does_not() {
        for payload in [
            Payload::new("bincode", vec![0_u8, 255, 13]),
            Payload::new("", Vec::new()),
            Payload::new("✨", vec![7_u8; 70_000]),
        ] {
            let packed = pack(&payload);
            assert_eq!(unpack(packed.clone()), Some(payload.clone()));
            for length in 0..4 + payload.encoding.len() {
                assert_eq!(unpack(packed[..length].to_vec()), None, "{length}");
            }
        }
    }
}
