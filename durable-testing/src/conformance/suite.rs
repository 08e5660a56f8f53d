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
        a_version_is_made_the_latest,
        a_version_is_made_the_latest_by_a_clock_that_is_behind,
        the_latest_version_stays_it,
        a_version_that_was_never_registered_is_not_made_the_latest,
        other_applications_keep_their_latest_version,
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
        a_listing_by_source,
        a_listing_by_users,
        a_listing_by_an_attribute,
        a_listing_by_several_attributes,
        a_listing_by_what_started_from_a_time_on,
        a_listing_by_what_started_before_a_time,
        a_listing_by_what_completed_from_a_time_on,
        a_listing_by_what_completed_before_a_time,
        a_time_that_is_absent_lies_in_no_range,
        the_bounds_of_a_range_are_from_and_before,
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
        nul_in_a_key_or_a_topic_is_refused_or_kept_and_never_cut,
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
    messages {
        messages_of_a_topic_come_in_the_order_of_their_acceptance,
        topics_do_not_share_messages,
        workflows_do_not_share_messages,
        a_message_and_the_receivers_checkpoint_are_written_together,
        a_message_and_the_senders_checkpoint_are_written_together,
        a_sender_that_is_no_workflow_leaves_no_checkpoint,
        a_message_from_the_body_of_a_step_leaves_its_checkpoint_to_the_step,
        a_workflow_may_send_to_itself,
        a_known_message_id_sends_nothing,
        a_known_message_id_sends_nothing_long_after_its_message_was_consumed,
        a_known_message_id_still_records_the_senders_step,
        a_message_id_is_known_to_its_destination_alone,
        an_unknown_destination_is_refused,
        a_workflow_that_ended_takes_messages_and_receives_none,
        what_came_to_a_cancelled_workflow_is_received_when_it_is_resumed,
        an_empty_topic_writes_nothing,
        whoever_gives_up_records_that_nothing_came,
        whoever_gives_up_receives_what_is_there,
        a_step_that_is_recorded_receives_nothing,
        a_step_that_is_recorded_sends_nothing,
        the_owner_is_judged_before_the_step,
        a_former_owner_leaves_the_messages_to_the_new_one,
        an_expelled_executor_may_send_and_receive_until_somebody_takes_over,
        every_text_is_a_topic_and_a_message_id,
        a_message_returns_as_it_was,
    }
    events {
        an_event_and_its_checkpoint_are_written_together,
        the_value_that_was_set_last_wins,
        the_order_of_setting_is_not_that_of_the_clock,
        an_event_from_the_body_of_a_step_leaves_its_checkpoint_to_the_step,
        events_are_listed_by_key,
        workflows_do_not_share_events,
        an_event_that_was_not_set_is_absent,
        an_unknown_workflow_has_no_events,
        events_outlast_every_end_of_their_workflow,
        a_step_that_is_recorded_sets_nothing,
        the_owner_is_judged_before_the_step,
        a_new_owner_sets_on_where_the_former_was,
        every_text_is_a_key,
        every_workflow_id_has_events_and_a_stream_of_its_own,
        a_value_returns_as_it_was,
    }
    streams {
        a_value_and_its_checkpoint_are_written_together,
        values_stand_in_the_order_of_their_writing,
        values_from_the_body_of_a_step_leave_its_checkpoint_to_the_step,
        a_closing_and_its_checkpoint_are_written_together,
        a_stream_may_be_closed_without_a_value,
        a_closed_stream_takes_nothing_more,
        a_stream_that_was_never_written_to_is_an_empty_one,
        keys_and_workflows_have_streams_of_their_own,
        a_known_write_changes_nothing_and_answers_as_it_did,
        the_step_is_judged_before_the_write,
        the_owner_is_judged_before_the_step_and_the_write,
        a_step_that_is_recorded_writes_nothing,
        pages_cover_a_stream_once,
        a_read_from_beyond_the_end_is_empty,
        only_a_page_with_the_last_values_says_that_the_stream_is_closed,
        only_a_page_with_the_last_values_says_that_the_workflow_is_over,
        a_closed_stream_stays_one_when_its_workflow_is_over,
        the_stream_of_a_resumed_workflow_is_open_again,
        an_unknown_workflow_has_no_stream,
        a_new_owner_writes_on_where_the_former_was,
        every_text_is_a_key,
        a_value_returns_as_it_was,
    }
    cancellation {
        a_pending_workflow_is_cancelled,
        whoever_ran_it_can_write_no_more,
        what_nobody_runs_is_cancelled,
        what_has_ended_stays_as_it_is,
        the_answer_sorts_what_it_names,
        a_request_about_nothing_changes_nothing,
        children_stay_unless_they_are_asked_for,
        children_and_theirs_are_cancelled_if_asked_for,
        children_of_what_has_ended_are_cancelled,
        what_is_cancelled_still_has_its_id,
    }
    deadlines {
        a_deadline_is_kept,
        a_child_has_the_deadline_of_its_request,
        what_is_over_its_deadline_is_cancelled,
        a_deadline_is_over_when_its_time_has_come,
        what_has_no_deadline_is_never_over_it,
        the_earliest_are_cancelled_first,
        other_applications_keep_their_own,
        what_has_ended_is_not_cancelled,
        what_nobody_runs_is_cancelled,
        a_resumed_workflow_has_no_deadline,
    }
    resumption {
        a_cancelled_workflow_is_pending_again,
        a_dead_letter_is_pending_again_and_has_all_its_attempts,
        what_returned_stays_as_it_is,
        what_is_pending_stays_as_it_is,
        the_answer_sorts_what_it_names,
        any_executor_claims_what_was_resumed_at_no_attempts_cost,
        whoever_ran_it_stays_fenced_out,
        resuming_again_takes_nothing_from_its_new_owner,
        what_was_resumed_may_be_cancelled_again,
    }
    forks {
        a_fork_begins_with_what_its_source_was_started_with,
        the_source_stays_as_it_is,
        at_every_step_a_fork_has_the_steps_before,
        at_every_step_a_fork_has_the_events_that_stood,
        at_every_step_a_fork_has_the_values_that_were_written,
        an_event_has_the_value_that_was_set_last_among_the_steps_before,
        values_of_steps_that_ran_at_once_are_told_apart,
        a_fork_of_a_fork_has_the_history_of_both,
        messages_stay_with_the_source,
        any_executor_claims_a_fork_at_no_attempts_cost,
        a_fork_goes_its_own_way,
        a_fork_outlives_its_source,
        children_stay_with_the_source,
        a_source_may_have_any_status,
        a_fork_may_belong_to_another_version,
        forking_again_changes_nothing,
        an_id_that_belongs_to_no_fork_of_the_source_is_a_conflict,
        an_unknown_source_is_refused,
        many_forks_are_answered_in_their_order,
        many_forks_are_made_together_or_not_at_all,
        of_forks_with_one_id_the_first_counts,
        every_text_is_the_id_of_a_source_and_of_a_fork,
    }
    deletion {
        nothing_is_left_of_a_deleted_workflow,
        an_id_that_was_deleted_starts_clean,
        whoever_runs_it_can_write_no_more,
        every_status_can_be_deleted,
        the_answer_sorts_what_it_names,
        children_stay_unless_they_are_asked_for,
        children_and_theirs_are_deleted_if_asked_for,
        a_parent_keeps_the_checkpoint_of_a_deleted_child,
        other_workflows_keep_what_is_theirs,
        what_is_deleted_is_not_claimed,
    }
    retention {
        without_a_condition_nothing_is_deleted,
        what_ended_before_a_time_is_deleted,
        what_is_beyond_a_number_is_deleted,
        of_one_millisecond_the_greatest_ids_are_the_latest,
        conditions_are_combined_by_and,
        what_ended_first_is_deleted_first,
        what_is_beyond_a_number_is_deleted_in_batches,
        what_has_not_ended_is_never_deleted,
        what_has_not_ended_does_not_count,
        every_final_status_is_deleted,
        other_applications_keep_their_own,
    }
    attributes {
        attributes_are_kept_as_they_were_given,
        attributes_are_replaced,
        attributes_are_replaced_in_every_status,
        an_unknown_workflow_has_no_attributes,
        a_value_is_found_only_if_it_is_exactly_the_one,
        numbers_are_told_apart_as_they_are_written,
        every_text_names_an_attribute_and_is_its_value,
        a_name_is_one_name_and_no_path,
        a_listing_sees_what_was_replaced,
        nul_is_refused_or_kept_and_never_cut,
    }
    callers {
        a_caller_is_kept_as_it_was_given,
        every_text_is_a_user_and_a_role,
        a_trace_is_kept_as_it_was_given,
        a_child_stores_what_its_request_says,
        an_id_that_exists_keeps_its_own,
    }
    aggregates {
        everything_is_one_group,
        groups_by_status,
        groups_by_name,
        groups_by_version_and_of_unversioned_work,
        groups_by_time_of_creation,
        groups_by_everything_at_once,
        only_what_the_filter_selects_is_counted,
        order_limit_and_place_of_the_filter_do_not_count,
        nothing_has_no_groups,
        times_are_added_up_and_compared,
        buckets_begin_at_multiples_also_before_1970,
        groups_come_in_the_order_of_their_keys,
    }
    wakeups {
        an_outcome_wakes,
        a_message_wakes_its_destination,
        an_event_wakes,
        a_value_of_a_stream_wakes,
        the_end_of_a_stream_wakes,
        a_cancellation_wakes_parent_and_child,
        a_deadline_that_is_over_wakes,
        a_deletion_wakes,
        a_resumption_wakes_who_claims,
        a_fork_wakes_who_claims,
        a_retirement_wakes_who_claims,
        every_subscriber_is_told_of_every_change,
    }
    lost_effects {
        a_message_repeated_is_sent_once,
        a_message_from_a_step_repeated_is_sent_once,
        a_message_repeated_by_a_former_owner_is_refused_and_sent_once,
        a_reception_repeated_receives_once,
        a_reception_repeated_by_the_next_owner_receives_once,
        giving_up_repeated_is_recorded_once,
        an_event_repeated_is_set_once,
        an_event_from_the_body_of_a_step_repeated_is_set,
        a_value_repeated_is_written_once,
        a_value_from_the_body_of_a_step_repeated_stands_where_it_stood,
        a_closing_repeated_closes_once,
        a_closing_with_its_checkpoint_repeated_closes_once,
    }
    lost_management {
        a_cancellation_repeated_keeps_its_first_time,
        a_cancellation_at_the_deadline_repeated_cancels_once,
        a_resumption_repeated_resumes_once,
        a_fork_repeated_is_forked_once,
        a_fork_repeated_does_not_follow_its_source,
        a_deletion_repeated_deletes_once,
        a_deletion_of_what_has_ended_repeated_keeps_the_latest,
        attributes_repeated_are_set,
        a_latest_version_repeated_stays_where_it_is,
    }
    effect_races {
        messages_sent_at_once_all_come,
        senders_at_once_keep_their_own_order,
        of_messages_with_one_id_one_comes,
        receivers_never_share_a_message,
        receivers_of_one_step_receive_once,
        a_message_during_a_deletion_is_refused_or_deleted,
        of_events_set_at_once_one_is_the_last,
        values_written_at_once_have_an_offset_each,
        one_write_made_at_once_is_written_once,
        a_value_during_a_closing_is_refused_or_before_it,
        a_value_during_the_end_is_refused_or_before_it,
        a_reader_misses_no_value_before_the_end,
    }
    management_races {
        of_an_outcome_and_a_cancellation_one_ends_the_workflow,
        a_claim_during_a_cancellation_is_fenced_out,
        a_child_started_during_a_cancellation_is_refused_or_cancelled,
        of_cancellations_at_once_one_cancels,
        of_resumptions_at_once_one_resumes,
        what_is_over_its_deadline_is_cancelled_once,
        of_forks_with_one_id_at_once_one_is_made,
        what_has_ended_is_deleted_and_counted_once,
    }
}
