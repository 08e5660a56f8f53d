use durable_api::Error;

/// The longest id, name or key that a user may choose, in bytes.
const LIMIT: usize = 512;

/// The longest id that the engine may derive from a user's, in bytes.
const DERIVED_LIMIT: usize = 1_024;

/// Refuses what no store could be expected to keep.
pub(crate) fn check(what: &'static str, value: &str) -> Result<(), Error> {
    check_up_to(LIMIT, what, value)
}

/// Refuses the names that the engine gives its own steps.
pub(crate) fn check_not_ours(what: &'static str, value: &str) -> Result<(), Error> {
    if !value.starts_with("durable.") {
        return Ok(());
    }
    Err(Error::InvalidName {
        what,
        value: value.chars().take(40).collect(),
        reason: "names that begin with `durable.` are the library's own".to_owned(),
    })
}

/// As [`check`], for a name that may be empty.
pub(crate) fn check_optional(what: &'static str, value: &str) -> Result<(), Error> {
    if value.is_empty() {
        return Ok(());
    }
    check(what, value)
}

/// As [`check`], for an id that was derived, as a child's is from its parent's.
pub(crate) fn check_derived(what: &'static str, value: &str) -> Result<(), Error> {
    check_up_to(DERIVED_LIMIT, what, value)
}

fn check_up_to(limit: usize, what: &'static str, value: &str) -> Result<(), Error> {
    let reason = if value.is_empty() {
        "it is empty".to_owned()
    } else if value.len() > limit {
        format!("it is {} bytes, over the limit of {limit}", value.len())
    } else if value.contains('\0') {
        "it contains a NUL character".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::InvalidName {
        what,
        value: value.chars().take(40).collect(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_long_and_nul_bearing_names_are_refused() {
        for (bad, reason) in [
            ("", "it is empty"),
            ("a\0b", "NUL"),
            (&"x".repeat(600), "600 bytes"),
        ] {
            let error = check("workflow id", bad).unwrap_err().to_string();
            assert!(error.starts_with("invalid workflow id"), "{error}");
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn any_unicode_up_to_the_limit_is_accepted() {
        check("workflow id", "o'brien:\"%_\\ 🦀 -- ;").unwrap();
        check("workflow id", &"é".repeat(256)).unwrap();
    }
}
