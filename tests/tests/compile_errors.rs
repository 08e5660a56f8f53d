//! What the compiler says to a user who errs: a mistake in `ui/*.rs`, and the message beside it.
//!
//! After an intended change of a message, `TRYBUILD=overwrite cargo test -p tests --test compile_errors` writes the new
//! ones; read them as a newcomer would before they are committed.
#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
