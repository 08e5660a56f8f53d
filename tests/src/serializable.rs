//! Transactional steps at the isolation level `SERIALIZABLE`, whose database asks to try again.
mod bodies;

suite! { $ serializable crate::backends::Postgres, crate::transactions::Desk<'_, _>;
    bodies {
        increments_that_conflict_are_made_again,
        a_rule_over_several_rows_holds,
        a_send_that_conflicts_is_made_again,
    }
}
