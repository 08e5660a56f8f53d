//! Transactional steps and sends in a caller's transaction, on the stores that have transactions of the user's.
mod crash_points;
pub(crate) mod database;
pub(crate) mod desk;
mod elsewhere;
mod outbox;
mod outcomes;
mod races;

pub use database::Database;
pub use desk::Desk;

suite! { $ transactions impl crate::transactions::Database, crate::transactions::Desk<'_, _>;
    outcomes {
        writes_and_checkpoint_are_one_commit,
        a_recovered_workflow_does_not_run_the_body_again,
        a_failure_takes_its_writes_back_and_is_recorded,
        a_panic_takes_its_writes_back,
        an_attempt_that_failed_leaves_nothing,
        an_attempt_that_takes_too_long_is_taken_back,
        a_value_that_cannot_make_the_round_trip_takes_its_writes_back,
        a_transaction_inside_a_step_is_an_error,
        a_transaction_inside_a_transaction_is_an_error,
        a_step_inside_a_transaction_runs_inline,
        the_transaction_of_another_database_is_refused,
    }
    crash_points {
        every_crash_point_recovers,
        a_lost_answer_to_any_call_changes_nothing,
        a_lost_request_of_any_call_changes_nothing,
    }
    races {
        concurrent_bodies_lose_no_update,
        an_execution_that_lost_its_workflow_commits_nothing,
        a_cancelled_workflow_commits_nothing_more,
        a_transaction_that_loses_a_race_loses_it_again,
    }
    elsewhere {
        writes_to_another_database_happen_once_at_every_crash_point,
        a_lost_answer_of_the_other_database_changes_nothing,
        a_failure_in_another_database_is_recorded,
        an_execution_that_lost_its_workflow_writes_nothing_twice,
        a_resumed_workflow_does_not_repeat_what_was_committed,
    }
    outbox {
        a_commit_delivers_and_wakes,
        a_rollback_leaves_nothing,
        a_commit_enqueues_and_a_rollback_does_not,
        a_body_enqueues_with_its_commit,
        a_body_sends_with_its_commit,
        a_body_runs_again_when_its_send_meets_a_malfunction,
        a_workflow_itself_is_told_to_send_without,
        a_foreign_connection_is_refused,
        an_unknown_destination_is_an_error,
    }
}
