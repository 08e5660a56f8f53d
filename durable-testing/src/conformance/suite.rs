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
    claims {
        what_a_living_executor_runs_is_not_claimed,
        what_an_expelled_executor_ran_is_claimed,
        what_an_earlier_life_ran_is_claimed_by_the_next,
        what_was_handed_back_is_claimed_and_costs_no_attempt,
        what_was_claimed_is_not_claimed_again,
        a_finished_workflow_is_not_claimed,
        another_application_is_not_claimed,
        another_version_is_not_claimed,
        another_name_is_not_claimed,
        unversioned_work_is_claimed_only_if_asked_for,
        one_claim_may_take_versioned_and_unversioned_work,
        one_claim_may_take_from_several_executors,
        the_oldest_are_claimed_first,
        a_claim_says_whether_there_may_be_more,
        a_claim_brings_the_history_in_its_order,
        every_claimed_workflow_has_its_own_history,
        a_claimed_child_keeps_its_parent,
        the_new_owner_writes_on_where_the_former_was,
        every_death_costs_an_attempt,
    }
    dead_letters {
        a_workflow_that_was_lost_too_often_becomes_a_dead_letter,
        a_workflow_without_attempts_is_a_dead_letter_at_once,
        a_dead_letter_is_claimed_by_nobody,
        a_dead_letter_still_has_its_id,
        every_name_has_its_own_limit,
        what_was_handed_back_is_claimed_also_at_the_limit,
        dead_letters_count_towards_the_limit_of_a_claim,
    }
    executors {
        an_executor_is_listed_as_it_registered,
        executors_are_listed_by_their_ids,
        executors_are_listed_by_application,
        a_new_life_supersedes_the_earlier_one,
        a_life_that_ended_is_not_superseded,
        the_same_executor_id_in_another_application_is_not_superseded,
        registering_again_changes_nothing,
        a_heartbeat_moves_only_its_own_beat,
        a_heartbeat_registers_nobody,
        an_expelled_or_retired_executor_learns_it_by_its_heartbeat,
        an_executor_that_has_beaten_since_is_not_expelled,
        an_executor_that_never_beat_can_be_expelled,
        whoever_is_not_registered_counts_as_expelled,
        expelling_alone_does_not_change_a_workflow,
        an_expelled_process_rejoins_with_a_new_life,
        retiring_hands_back_what_is_unfinished,
        retiring_with_nothing_to_do_hands_nothing_back,
        retiring_hands_back_what_was_claimed,
        retiring_hands_back_nothing_that_somebody_took_over,
    }
    versions {
        an_application_without_versions_has_none,
        the_latest_version_is_listed_first,
        versions_of_one_millisecond_are_listed_by_name_descending,
        a_known_version_keeps_its_first_time,
        versions_are_listed_by_application,
    }
    listing {
        an_empty_store_lists_nothing,
        everything_is_listed_oldest_first,
        everything_is_listed_newest_first,
        a_listing_by_application,
        a_listing_by_ids,
        a_listing_by_prefix,
        a_listing_by_names,
        a_listing_by_statuses,
        a_listing_by_versions,
        a_listing_by_executors,
        a_listing_by_parent,
        a_listing_from_a_time_on,
        a_listing_before_a_time,
        every_status_lists_its_own,
        a_prefix_is_taken_literally,
        conditions_are_combined_by_and,
        all_conditions_at_once_are_met,
        a_listing_omits_payloads_unless_asked,
        a_listing_sees_what_changed,
    }
    paging {
        pages_cover_everything_once,
        pages_cover_everything_once_newest_first,
        pages_cover_what_a_filter_selects_once,
        workflows_of_one_millisecond_are_paged_by_id,
        the_last_page_has_no_next,
        a_place_need_not_exist,
        a_workflow_accepted_between_two_pages_moves_none,
    }
    ids {
        every_text_is_a_workflow_id,
        an_id_has_up_to_512_bytes,
        every_text_is_a_prefix,
        every_workflow_id_has_steps_of_its_own,
        every_text_is_a_step_name,
        every_text_is_the_id_of_a_child,
        every_text_is_the_id_of_a_parent,
        every_text_is_an_application_a_name_and_a_version,
        every_text_is_an_executor_id,
        every_text_is_a_registered_version,
        nul_is_refused_or_kept_and_never_cut,
    }
    payloads {
        an_empty_payload_is_not_an_absent_one,
        every_byte_returns_as_it_was,
        bytes_that_are_no_text_return_as_they_were,
        text_that_looks_like_syntax_returns_as_it_was,
        a_mebibyte_returns_as_it_was,
        an_unknown_encoding_returns_as_it_was,
        every_text_is_the_name_of_an_encoding,
        input_outcome_and_steps_may_have_different_encodings,
    }
    lost_answers {
        a_registration_repeated_is_registered_once,
        a_registration_that_supersedes_repeated_keeps_the_new_life,
        an_expulsion_repeated_is_expelled,
        a_retirement_repeated_hands_back_once,
        a_retirement_repeated_leaves_what_was_claimed_in_between,
        a_version_repeated_is_registered_once,
        an_insertion_repeated_is_inserted,
        a_childs_insertion_repeated_is_inserted,
        a_childs_insertion_repeated_still_meets_the_childs_earlier_row,
        a_childs_insertion_repeated_by_a_former_owner_is_refused,
        a_checkpoint_repeated_is_answered_with_itself,
        a_checkpoint_repeated_after_a_takeover_is_refused,
        a_success_repeated_is_finished,
        a_failure_repeated_is_finished,
        an_outcome_repeated_when_its_executor_is_gone_is_finished,
        a_claim_repeated_answers_the_same_workflows,
        a_claim_repeated_takes_no_more_than_its_limit,
        a_claim_at_the_last_attempt_repeated_makes_no_dead_letter,
        a_claim_of_what_was_handed_back_repeated_costs_no_attempt,
        a_claim_that_made_dead_letters_repeated_makes_no_more,
        a_claim_repeated_leaves_out_what_was_finished_since,
    }
    races {
        of_starts_with_one_id_one_wins,
        of_children_of_one_step_one_wins,
        of_checkpoints_of_one_step_one_wins,
        steps_recorded_at_once_are_all_recorded,
        of_outcomes_of_one_owner_one_is_recorded,
        claims_never_share_a_workflow,
        a_heartbeat_and_an_expulsion_agree,
        expulsions_at_once_all_expel,
        heartbeats_are_all_counted,
        of_lives_of_one_executor_one_remains,
        versions_registered_at_once_are_one,
    }
    late_writers {
        a_late_checkpoint_is_refused_or_in_the_history,
        a_late_child_is_refused_or_in_the_history,
        a_late_outcome_is_refused_or_ends_the_workflow,
        a_start_during_an_expulsion_is_refused_or_orphaned,
        a_start_during_a_retirement_is_refused_or_handed_back,
    }
}
