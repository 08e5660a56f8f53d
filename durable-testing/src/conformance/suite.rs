/// The one list of cases. The tests, the table of names and the entry points are generated from
/// it; the cases are `pub(crate)`, so that one that is written but not listed is dead code, and the compiler says so.
macro_rules! suite {
    ($d:tt $( $group:ident { $( $case:ident ),* $(,)? } )*) => {
        /// Makes one test for every case, grouped in modules, on a [`Backend`](crate::Backend).
        #[macro_export]
        macro_rules! store_conformance {
            ($d backend:expr) => {
                $(
                    mod $group {
                        #[allow(unused_imports)]
                        use super::*;
                        $(
                            #[test]
                            fn $case() {
                                $d crate::tokio::runtime::Builder::new_multi_thread()
                                    .worker_threads(2)
                                    .enable_all()
                                    .build()
                                    .expect("a runtime")
                                    .block_on($d crate::conformance::entry::$group::$case(&$d backend));
                            }
                        )*
                    }
                )*
            };
        }

        /// What the generated tests call.
        #[doc(hidden)]
        #[allow(missing_docs)]
        pub mod entry {
            $(
                pub mod $group {
                    $(
                        pub async fn $case(backend: &impl $crate::Backend) {
                            $crate::Bench::run(backend, async |bench| {
                                $crate::conformance::cases::$group::$case(bench).await;
                            }).await;
                        }
                    )*
                }
            )*
        }

        /// The names of all cases, `group::case`.
        pub const CASES: &[&str] = &[ $( $( concat!(stringify!($group), "::", stringify!($case)) ),* ),* ];
    };
}

suite! { $
    lifecycle {
        a_store_that_is_up_answers_a_ping,
        a_store_that_was_never_migrated_is_not_verified,
        a_migrated_store_is_verified_by_every_handle,
        migrating_twice_is_harmless,
        migrating_again_keeps_what_is_stored,
        processes_that_migrate_at_once_all_succeed,
        the_description_is_the_same_for_every_handle,
        one_handle_sees_at_once_what_another_wrote,
        what_was_acknowledged_is_there_when_every_handle_was_lost,
        namespaces_see_nothing_of_each_other,
    }
    workflows {
        an_accepted_workflow_is_pending_and_complete,
        an_unversioned_workflow_has_no_version,
        the_largest_execution_number_is_kept,
        an_unknown_id_is_no_workflow,
        payloads_are_left_out_unless_asked_for,
        an_id_that_exists_is_answered_with_its_row,
        an_id_that_exists_is_answered_also_to_another_execution_of_its_executor,
        an_id_that_is_finished_still_exists,
        an_id_of_another_name_is_a_conflict,
        an_id_of_another_application_is_a_conflict,
        an_executor_that_never_registered_starts_nothing,
        an_expelled_executor_starts_nothing,
        a_superseded_executor_starts_nothing,
        a_retired_executor_starts_nothing,
        the_executor_is_judged_before_the_id,
        workflows_do_not_touch_each_other,
    }
    children {
        a_child_and_its_parents_checkpoint_are_written_together,
        a_parent_may_start_several_children,
        a_child_outlives_its_parent,
        a_workflow_that_exists_can_become_the_child_of_a_step,
        a_parent_taken_over_meets_its_child_again,
        a_child_id_of_another_name_is_a_conflict_and_leaves_no_checkpoint,
        a_former_owner_starts_no_child,
        another_execution_starts_no_child,
        a_finished_parent_starts_no_child,
        an_unknown_parent_starts_no_child,
        a_step_with_an_outcome_starts_no_child,
        a_step_with_a_child_starts_no_other,
        the_executor_is_judged_before_the_parent,
        the_parent_is_judged_before_the_step,
        the_parent_is_judged_before_the_id,
        the_step_is_judged_before_the_id,
    }
    finish {
        a_success_is_recorded,
        a_failure_is_recorded,
        the_first_outcome_of_an_owner_stays,
        an_unknown_workflow_has_no_owner,
        another_execution_of_the_same_executor_cannot_finish,
        another_executor_with_the_same_execution_number_cannot_finish,
        a_former_owner_cannot_finish,
        an_expelled_executor_may_finish_until_somebody_takes_over,
        whoever_handed_back_cannot_finish,
        the_last_owner_of_a_dead_letter_cannot_finish,
    }
    steps {
        a_checkpoint_is_listed_as_it_was_recorded,
        checkpoints_are_listed_by_number_and_may_have_gaps,
        a_long_history_is_listed_completely,
        the_first_checkpoint_of_a_step_stays,
        a_step_that_started_a_child_has_its_checkpoint,
        a_checkpoint_does_not_change_the_row,
        workflows_do_not_share_steps,
        an_unknown_workflow_has_no_checkpoints,
        another_execution_of_the_same_executor_records_nothing,
        another_executor_with_the_same_execution_number_records_nothing,
        a_former_owner_records_nothing_and_learns_nothing,
        an_expelled_executor_may_record_until_somebody_takes_over,
        a_finished_workflow_takes_no_checkpoint,
        a_workflow_that_was_handed_back_takes_no_checkpoint,
        a_dead_letter_takes_no_checkpoint,
    }
}
