use std::{
    any::{Any, type_name},
    fmt,
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{CodecError, Encoding, Payload};

/// A type that can cross a durable boundary. Implemented for everything that qualifies.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored durably",
    label = "not a durable value",
    note = "workflow inputs, workflow outputs and step outputs are written to the store",
    note = "derive `serde::Serialize` and `serde::Deserialize`, own the data (no references), and be `Send + Sync`"
)]
pub trait Durable: Serialize + DeserializeOwned + Send + Sync + 'static {}

// Hides serde's list of unrelated implementors: the notes above say what to do.
#[diagnostic::do_not_recommend]
impl<T> Durable for T where T: Serialize + DeserializeOwned + Send + Sync + 'static {}

/// A value on its way through the type-erased [`Context`](crate::Context): live, or encoded, or both.
pub struct Value(Repr);

enum Repr {
    Live(Box<dyn Live>),
    Stored(Payload),
    Sealed(Payload, Box<dyn Live>),
}

trait Live: erased_serde::Serialize + Any + Send + Sync {
    fn type_name(&self) -> &'static str;
    /// The same type, read back from a payload.
    fn read_back(&self, payload: &Payload) -> Result<Box<dyn Live>, CodecError>;
}

erased_serde::serialize_trait_object!(Live);

impl<T: Durable> Live for T {
    fn type_name(&self) -> &'static str {
        type_name::<T>()
    }

    fn read_back(&self, payload: &Payload) -> Result<Box<dyn Live>, CodecError> {
        Ok(Box::new(payload.decode::<T>()?))
    }
}

impl Value {
    /// Wraps a live value.
    pub fn new<T: Durable>(value: T) -> Self {
        Self(Repr::Live(Box::new(value)))
    }

    /// Wraps what a store returned.
    pub fn stored(payload: Payload) -> Self {
        Self(Repr::Stored(payload))
    }

    /// Encodes the value and reads it back: the payload to store, and the value as every later
    /// replay will see it. A type that does not survive the round trip is found here, before anything is written.
    ///
    /// # Errors
    /// When the value does not encode, or does not decode from what it encoded to.
    pub fn seal(self, encoding: Encoding) -> Result<(Payload, Self), CodecError> {
        match self.0 {
            Repr::Live(live) => {
                let payload = encoding.encode(&*live).map_err(|error| CodecError {
                    type_name: (*live).type_name(),
                    ..error
                })?;
                let read_back = (*live).read_back(&payload)?;
                Ok((payload.clone(), Self(Repr::Sealed(payload, read_back))))
            }
            Repr::Stored(payload) => Ok((payload.clone(), Self::stored(payload))),
            Repr::Sealed(payload, live) => Ok((payload.clone(), Self(Repr::Sealed(payload, live)))),
        }
    }

    /// The value as a `T`.
    ///
    /// # Errors
    /// When it is of another type, or its bytes are no `T`.
    pub fn decode<T: Durable>(self) -> Result<T, CodecError> {
        match self.0 {
            Repr::Stored(payload) => payload.decode(),
            // Bytes of another type may happen to decode.
            Repr::Live(live) | Repr::Sealed(_, live) => downcast(live).map_err(|held| CodecError {
                action: "read",
                type_name: type_name::<T>(),
                encoding: "a live value".to_owned(),
                message: format!("it holds a `{held}`"),
            }),
        }
    }

    /// The live value, if it is a `T`; for assertions on what a mock was called with.
    pub fn downcast_ref<T: Durable>(&self) -> Option<&T> {
        match &self.0 {
            Repr::Live(live) | Repr::Sealed(_, live) => (&**live as &dyn Any).downcast_ref(),
            Repr::Stored(_) => None,
        }
    }
}

fn downcast<T: Durable>(live: Box<dyn Live>) -> Result<T, &'static str> {
    let held = (*live).type_name();
    let any: Box<dyn Any> = live;
    any.downcast().map(|value| *value).map_err(|_| held)
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Live(live) | Repr::Sealed(_, live) => {
                write!(f, "Value({})", (**live).type_name())
            }
            Repr::Stored(payload) => write!(f, "Value({payload:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_is_what_its_bytes_say() {
        #[derive(Debug, serde::Serialize, serde::Deserialize)]
        struct Half {
            kept: u8,
            #[serde(skip)]
            lost: u8,
        }
        let (_, value) = Value::new(Half { kept: 1, lost: 2 })
            .seal(Encoding::Bincode)
            .unwrap();
        let half = value.decode::<Half>().unwrap();
        assert_eq!((half.kept, half.lost), (1, 0));
    }

    #[test]
    fn a_type_that_cannot_make_the_round_trip_is_refused_when_sealed() {
        let error = Value::new(serde_json::json!({"a": 1}))
            .seal(Encoding::Bincode)
            .unwrap_err();
        assert_eq!(error.action, "decode");
        assert!(
            Value::new(serde_json::json!({"a": 1}))
                .seal(Encoding::Json)
                .is_ok()
        );
    }

    #[test]
    fn a_live_value_of_another_type_says_what_it_holds() {
        let error = Value::new("text".to_owned()).decode::<u64>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot read a value of type `u64` as a live value: it holds a `alloc::string::String`"
        );
    }
}
