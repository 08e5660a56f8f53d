use durable_api::store::{StoreError, StoreErrorKind, StoreResult};

/// Refuses texts with NUL, which not every backend can hold.
pub(crate) fn check_texts<'a>(
    operation: &'static str,
    texts: impl IntoIterator<Item = &'a str>,
) -> StoreResult<()> {
    if texts.into_iter().any(|text| text.contains('\0')) {
        return Err(StoreError::new(StoreErrorKind::Invalid, operation)
            .with_message("an id or a name contains the character NUL"));
    }
    Ok(())
}
