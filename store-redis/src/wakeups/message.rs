//! What scripts publish (`scripts/wakeups.lua`): `c`, `e`, or `w` and ids, each after its length and a colon.
use durable_api::store::Wakeup;

/// The hints of a message. One that says something else may concern anybody.
pub(super) fn hints(message: &[u8]) -> Vec<Wakeup> {
    match message {
        b"c" => vec![Wakeup::Claimable],
        b"e" => vec![Wakeup::Enqueued],
        [b'w', ids @ ..] => workflows(ids).unwrap_or_else(|| vec![Wakeup::Everything]),
        _ => vec![Wakeup::Everything],
    }
}

fn workflows(mut ids: &[u8]) -> Option<Vec<Wakeup>> {
    let mut hints = Vec::new();
    while !ids.is_empty() {
        let colon = ids.iter().position(|byte| *byte == b':')?;
        let length: usize = std::str::from_utf8(&ids[..colon]).ok()?.parse().ok()?;
        let (id, rest) = ids[colon + 1..].split_at_checked(length)?;
        hints.push(Wakeup::workflow(std::str::from_utf8(id).ok()?));
        ids = rest;
    }
    Some(hints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_hints_and_rubbish_is_a_hint_for_everybody() {
        let workflow = Wakeup::workflow;
        for (message, expected) in [
            ("c", vec![Wakeup::Claimable]),
            ("e", vec![Wakeup::Enqueued]),
            ("w3:a:b", vec![workflow("a:b")]),
            (
                "w1:a0:4:✨x",
                vec![workflow("a"), workflow(""), workflow("✨x")],
            ),
            ("", vec![Wakeup::Everything]),
            ("w5:a", vec![Wakeup::Everything]),
            ("wa", vec![Wakeup::Everything]),
            ("x", vec![Wakeup::Everything]),
        ] {
            assert_eq!(hints(message.as_bytes()), expected, "{message}");
        }
    }
}
