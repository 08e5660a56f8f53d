use durable_api::{
    Timestamp,
    store::{Incarnation, StoreResult},
};

use crate::error::invalid;

/// The names of the keys. Scripts know some of them too: `scripts/keys.lua`.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    base: String,
}

impl Keys {
    /// Keys under a prefix, which the hash tag encloses.
    pub(crate) fn new(prefix: &str) -> StoreResult<Self> {
        if prefix.is_empty() || prefix.contains(['{', '}', '\0']) {
            return Err(invalid(
                "connect",
                "the key prefix is empty or contains a brace or NUL; choose another",
            ));
        }
        Ok(Self {
            base: format!("{{{prefix}}}:"),
        })
    }

    /// What every key begins with.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn schema(&self) -> String {
        format!("{}schema", self.base)
    }

    pub(crate) fn workflow(&self, id: &str) -> String {
        format!("{}wf:{id}", self.base)
    }

    pub(crate) fn steps(&self, id: &str) -> String {
        format!("{}steps:{id}", self.base)
    }

    pub(crate) fn workflows(&self) -> String {
        format!("{}workflows", self.base)
    }

    pub(crate) fn children(&self, parent: &str) -> String {
        format!("{}children:{parent}", self.base)
    }

    pub(crate) fn executor(&self, incarnation: Incarnation) -> String {
        format!("{}executor:{incarnation}", self.base)
    }

    pub(crate) fn executors(&self, app: &str) -> String {
        format!("{}executors:{app}", self.base)
    }

    pub(crate) fn owned(&self, incarnation: Incarnation) -> String {
        format!("{}owned:{incarnation}", self.base)
    }

    pub(crate) fn versions(&self, app: &str) -> String {
        format!("{}versions:{app}", self.base)
    }

    pub(crate) fn forks(&self, source: &str) -> String {
        format!("{}forks:{source}", self.base)
    }

    pub(crate) fn deadlines(&self, app: &str) -> String {
        format!("{}deadlines:{app}", self.base)
    }

    pub(crate) fn finished(&self, app: &str) -> String {
        format!("{}finished:{app}", self.base)
    }

    pub(crate) fn queues(&self, app: &str) -> String {
        format!("{}queues:{app}", self.base)
    }

    pub(crate) fn waiting(&self, app: &str) -> String {
        format!("{}waiting:{app}", self.base)
    }

    pub(crate) fn delayed(&self, app: &str) -> String {
        format!("{}delayed:{app}", self.base)
    }

    pub(crate) fn schedules(&self, app: &str) -> String {
        format!("{}schedules:{app}", self.base)
    }

    pub(crate) fn schedule(&self, app: &str, name: &str) -> String {
        format!("{}schedule:{}:{app}{name}", self.base, app.len())
    }

    pub(crate) fn schedule_revision(&self) -> String {
        format!("{}schedule_revision", self.base)
    }

    pub(crate) fn sent(&self, id: &str) -> String {
        format!("{}sent:{id}", self.base)
    }

    pub(crate) fn inbox(&self, id: &str) -> String {
        format!("{}inbox:{id}", self.base)
    }

    pub(crate) fn messages(&self, id: &str) -> String {
        format!("{}messages:{id}", self.base)
    }

    pub(crate) fn events(&self, id: &str) -> String {
        format!("{}events:{id}", self.base)
    }

    pub(crate) fn event_values(&self, id: &str) -> String {
        format!("{}event_values:{id}", self.base)
    }

    pub(crate) fn event_steps(&self, id: &str) -> String {
        format!("{}event_steps:{id}", self.base)
    }

    pub(crate) fn streams(&self, id: &str) -> String {
        format!("{}streams:{id}", self.base)
    }

    pub(crate) fn stream_values(&self, id: &str) -> String {
        format!("{}stream_values:{id}", self.base)
    }

    pub(crate) fn stream_writes(&self, id: &str) -> String {
        format!("{}stream_writes:{id}", self.base)
    }

    pub(crate) fn stream_steps(&self, id: &str) -> String {
        format!("{}stream_steps:{id}", self.base)
    }

    /// The channel of the hints.
    pub(crate) fn wakeups(&self) -> String {
        format!("{}wakeups", self.base)
    }
}

/// A time, written so that bytes compare as times do: digits, or a minus sign (which comes before
/// them) and the digits' complement to nine.
pub(crate) fn sortable(time: Timestamp) -> String {
    let millis = time.as_millis();
    let digits = format!("{:019}", millis.unsigned_abs());
    if millis >= 0 {
        return digits;
    }
    let complement = digits.bytes().map(|digit| char::from(b'0' + b'9' - digit));
    std::iter::once('-').chain(complement).collect()
}

/// The time that [`sortable`] wrote.
pub(crate) fn from_sortable(text: &str) -> Option<Timestamp> {
    let millis = match text.strip_prefix('-') {
        None => text.parse().ok()?,
        Some(complement) => {
            let digits: String = complement
                .bytes()
                .map(|digit| {
                    digit
                        .is_ascii_digit()
                        .then(|| char::from(b'0' + b'9' - digit))
                })
                .collect::<Option<_>>()?;
            format!("-{digits}").parse().ok()?
        }
    };
    Some(Timestamp::from_millis(millis))
}

/// The end, in the syntax of `BYLEX`, of a range of places up to and with a time: a semicolon comes after the colon.
pub(crate) fn until(time: Timestamp) -> String {
    format!("({};", sortable(time))
}

/// The end of a range of places before a time.
pub(crate) fn before(time: Timestamp) -> String {
    format!("({}", sortable(time))
}

/// The member of a workflow in an index of places.
pub(crate) fn place(created_at: Timestamp, id: &str) -> String {
    format!("{}:{id}", sortable(created_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sortable_times_compare_as_times_do_and_come_back() {
        let times = [
            i64::MIN,
            i64::MIN + 1,
            -1_000,
            -9,
            -1,
            0,
            1,
            9,
            10,
            1_700_000_000_000,
            i64::MAX,
        ]
        .map(Timestamp::from_millis);
        let texts = times.map(sortable);
        assert!(texts.is_sorted(), "{texts:?}");
        for (time, text) in times.into_iter().zip(&texts) {
            assert_eq!(from_sortable(text), Some(time), "{text}");
        }
    }

    #[test]
    fn a_prefix_with_braces_is_refused() {
        for prefix in ["", "a{b", "a}b", "{a}"] {
            assert!(Keys::new(prefix).is_err(), "{prefix}");
        }
    }
}
