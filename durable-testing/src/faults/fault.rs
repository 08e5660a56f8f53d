/// A call that reached a [`FaultyStore`](super::FaultyStore).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The name of the trait's method, such as `record_step`.
    pub operation: &'static str,
    /// How many calls of any operation came before.
    pub number: usize,
    /// How many calls of this operation came before.
    pub nth: usize,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// It is carried out, and the caller learns the answer.
    #[default]
    PassThrough,
    /// It is not carried out, and the caller knows: `Unavailable`.
    Refuse,
    /// It is not carried out, and the caller does not know: `Indeterminate`.
    LoseRequest,
    /// It is carried out, and the caller does not know: `Indeterminate`. An error of the inner store
    /// is passed on as it is.
    LoseAnswer,
}
