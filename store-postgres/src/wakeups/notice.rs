use std::{
    collections::HashSet,
    hash::{BuildHasher as _, RandomState},
};

use durable_api::store::Wakeup;

use crate::database::Schema;

/// How many hints fit into one notification, which has less than 8000 bytes.
pub(super) const CAPACITY: usize = (7_999 - 2 * DIGITS) / DIGITS;

/// How many characters a number takes.
const DIGITS: usize = 16;

/// In the place of the origin: nobody's own.
const ANYBODY: &str = "anybody.........";

/// In the place of a workflow's key: a character that is no hexadecimal digit.
const CLAIMABLE: &str = "claimable.......";
const ENQUEUED: &str = "enqueued........";
const EVERYTHING: &str = "everything......";

/// On which channel the notifications of a schema travel, and by which name this store signs its own.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(super) channel: String,
    origin: String,
}

impl Address {
    pub(super) fn new(schema: &Schema) -> Self {
        Self {
            channel: format!("durable_{}", number(Wakeup::key(schema.name()))),
            // Whom it meets twice gets a hint twice.
            origin: number(RandomState::new().hash_one(schema.name())),
        }
    }

    /// The text of a notification: the origin, then the hints.
    pub(super) fn write(&self, hints: impl IntoIterator<Item = Wakeup>) -> String {
        Self::sign(self.origin.clone(), hints)
    }

    /// The text of a notification that this store itself hears, too.
    pub(super) fn write_unsigned(hints: impl IntoIterator<Item = Wakeup>) -> String {
        Self::sign(ANYBODY.to_owned(), hints)
    }

    fn sign(mut text: String, hints: impl IntoIterator<Item = Wakeup>) -> String {
        for hint in hints {
            match hint {
                Wakeup::Workflow(key) => text.push_str(&number(key)),
                Wakeup::Claimable => text.push_str(CLAIMABLE),
                Wakeup::Enqueued => text.push_str(ENQUEUED),
                // Also for what this version does not know.
                _ => text.push_str(EVERYTHING),
            }
        }
        text
    }

    /// What others say by a notification. What cannot be read may mean anything.
    pub(super) fn read(&self, text: &str) -> HashSet<Wakeup> {
        if text.starts_with(&self.origin) {
            return HashSet::new();
        }
        let hints = text.get(DIGITS..).unwrap_or(EVERYTHING);
        hints.as_bytes().chunks(DIGITS).map(hint).collect()
    }
}

fn hint(bytes: &[u8]) -> Wakeup {
    let text = str::from_utf8(bytes).unwrap_or_default();
    match text {
        CLAIMABLE => Wakeup::Claimable,
        ENQUEUED => Wakeup::Enqueued,
        _ if text.len() == DIGITS => {
            u64::from_str_radix(text, 16).map_or(Wakeup::Everything, Wakeup::Workflow)
        }
        _ => Wakeup::Everything,
    }
}

fn number(number: u64) -> String {
    format!("{number:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(schema: &str) -> Address {
        Address::new(&Schema::new(schema).expect("is a name"))
    }

    #[test]
    fn hints_arrive_at_others_as_they_were_and_not_at_oneself() {
        let (one, other) = (address("s"), address("s"));
        assert_eq!(one.channel, other.channel);
        let hints = [
            Wakeup::Workflow(0),
            Wakeup::Workflow(u64::MAX),
            Wakeup::workflow("w"),
            Wakeup::Claimable,
            Wakeup::Enqueued,
            Wakeup::Everything,
        ];
        let text = one.write(hints);
        assert_eq!(other.read(&text), HashSet::from(hints));
        assert_eq!(one.read(&text), HashSet::new());
    }

    #[test]
    fn unsigned_hints_arrive_at_oneself() {
        let text = Address::write_unsigned([Wakeup::workflow("w")]);
        let hints = HashSet::from([Wakeup::workflow("w")]);
        assert_eq!(address("s").read(&text), hints);
    }

    #[test]
    fn a_full_notification_is_not_too_long() {
        let hints = (0..CAPACITY as u64).map(Wakeup::Workflow);
        assert!(address("s").write(hints).len() < 8_000);
    }

    #[test]
    fn what_cannot_be_read_may_mean_anything() {
        for text in [
            "",
            "x",
            "0123456789abcdefx",
            "0123456789abcdef01234567\u{e9}",
        ] {
            let everything = HashSet::from([Wakeup::Everything]);
            assert_eq!(address("s").read(text), everything, "{text}");
        }
    }

    #[test]
    fn a_channel_is_an_identifier_whatever_the_schema() {
        let channel = address(&"\"x ".repeat(21)).channel;
        assert!(channel.len() < 64 && !channel.contains('"'), "{channel}");
    }
}
