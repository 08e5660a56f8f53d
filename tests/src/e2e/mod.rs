//! The end-to-end suite: the public API over a real engine and a real store, one list, one named test per promise.
mod cancellation;
mod changed_code;
mod children;
mod clients;
mod crash_points;
mod events;
mod evolution;
mod failover;
mod faults;
mod interruptions;
mod lifecycle;
mod management;
mod messages;
mod mix;
mod queries;
mod queue_limits;
mod queues;
mod races;
mod recovery;
mod replays;
mod schedules;
mod side_by_side;
mod steps;
mod streams;
pub(crate) mod support;
mod time;
mod transactions;
mod workflows;

suite! { $ e2e impl durable_testing::Backend, durable_testing::Bench<'_, _>;
    lifecycle {
        the_seeds_program_completes,
        running_before_launch_is_an_error,
        registering_twice_is_an_error,
        registering_after_launch_is_an_error,
        a_closure_needs_a_name,
        launching_twice_is_an_error,
        shutdown_waits_for_what_is_running,
        shutdown_hands_unfinished_work_to_another_executor,
        shutdown_twice_is_harmless,
        running_after_shutdown_is_an_error,
        an_outcome_reached_after_a_look_at_the_stop_signal_is_not_recorded,
        two_applications_share_a_store,
    }
    workflows {
        the_same_id_runs_once,
        an_id_of_another_workflow_is_a_conflict,
        racing_starts_of_one_id_run_it_once,
        a_failure_keeps_code_and_details,
        a_panic_becomes_a_failure,
        a_result_can_be_had_again_and_elsewhere,
        a_result_can_be_waited_for_with_a_timeout,
        a_workflow_that_does_not_exist_is_not_found,
        an_unregistered_workflow_is_refused,
        a_registered_name_is_found_by_the_function,
        a_function_of_two_names_must_be_named,
        bad_ids_are_refused_and_nothing_is_written,
        hostile_ids_work,
        a_payload_over_the_limit_is_refused,
        an_output_over_the_limit_is_a_failure,
        json_is_stored_as_json,
        a_change_of_encoding_leaves_old_rows_readable,
        a_type_that_cannot_make_the_round_trip_fails_at_once,
    }
    steps {
        a_fresh_execution_reads_nothing,
        a_step_failure_is_recorded_with_code_and_details,
        an_error_that_does_not_serialize_is_recorded_as_what_it_says,
        retries_stop_at_success,
        giving_up_reports_every_attempt,
        a_permanent_failure_is_not_retried,
        a_predicate_decides_what_is_retried,
        an_attempt_that_takes_too_long_is_given_up,
        a_panic_in_a_step_is_a_failure,
        steps_side_by_side_keep_their_numbers,
        a_step_within_a_step_runs_inline,
        a_step_outside_a_workflow_is_an_error,
        a_durable_call_from_a_spawned_task_is_an_error,
        starting_a_workflow_inside_a_step_is_an_error,
        a_foreign_context_inside_a_workflow_is_an_error,
        a_step_knows_its_attempt_and_its_idempotency_key,
        a_step_output_that_cannot_make_the_round_trip_is_a_failure,
        a_step_receives_what_its_record_says,
    }
    children {
        a_child_is_named_by_its_parent_and_step,
        a_child_can_have_an_id_of_its_own,
        a_child_failure_reaches_the_parent,
        a_child_resumed_while_its_parent_replays_is_still_cancelled_to_it,
        a_replay_finds_the_same_child,
        a_recorded_result_is_not_awaited_again,
        children_side_by_side_keep_their_numbers,
    }
    side_by_side {
        branches_keep_their_calls,
        a_call_kept_over_rounds_of_select_wins_the_same_round,
        what_arrived_first_arrives_first_again,
        a_branch_that_is_gone_from_the_code_is_reported,
    }
    recovery {
        recovery_goes_on_after_the_last_completed_step,
        a_recorded_failure_is_replayed_verbatim,
        a_recovered_execution_loads_its_history_once,
        too_many_recoveries_make_a_dead_letter,
        another_version_is_left_alone,
        a_workflow_that_is_not_registered_is_left_alone,
        a_former_owner_writes_nothing,
        a_superseded_executor_starts_nothing,
        steps_side_by_side_are_recovered,
    }
    changed_code {
        an_unexpected_step_names_both_and_stays_recoverable,
        a_swallowed_unexpected_step_is_no_success,
        a_changed_input_type_stays_recoverable,
        a_changed_step_type_stays_recoverable,
    }
    faults {
        a_lost_answer_to_any_call_changes_nothing,
        a_wait_with_a_timeout_ends_in_an_outage_too,
        a_lost_request_of_any_call_changes_nothing,
        an_outage_costs_time_only,
        every_crash_point_recovers,
    }
    crash_points {
        branches_side_by_side_survive_every_crash,
        a_zombie_with_branches_writes_nothing,
        steps_time_and_streams_survive_every_crash,
        a_zombie_among_steps_time_and_streams_writes_nothing,
        children_queues_and_messages_survive_every_crash,
        a_zombie_among_children_queues_and_messages_writes_nothing,
        management_survives_every_crash,
        a_zombie_that_manages_writes_nothing,
    }
    queries {
        a_listing_meets_its_filter,
        a_listing_inside_a_workflow_is_recorded,
        the_steps_of_a_workflow_can_be_listed,
        a_status_tells_when_and_where,
        a_status_seen_by_a_workflow_is_recorded,
    }
    time {
        a_sleep_waits_and_ends,
        a_recovered_sleep_waits_only_for_what_is_left,
        time_and_random_ids_are_replayed,
        sleeping_belongs_to_workflows,
        a_sleep_is_handed_over_at_shutdown,
    }
    cancellation {
        cancelling_wakes_a_sleep_at_once,
        cancelling_from_another_process_is_noticed,
        a_swallowed_cancellation_is_no_success,
        a_cancel_during_the_last_step_is_no_success,
        a_step_that_looks_sees_the_cancellation,
        a_resumed_workflow_goes_on_after_its_last_step,
        children_are_cancelled_if_that_is_asked_for,
        a_context_with_cancel_cancels_what_it_started,
        a_deadline_cancels,
        a_deadline_is_enforced_by_whoever_notices,
        a_deadline_survives_a_restart,
        children_inherit_a_deadline_unless_they_are_detached,
    }
    messages {
        messages_come_in_order_and_by_topic,
        a_message_wakes_its_receiver,
        a_receive_ends_at_its_timeout,
        a_recovered_receive_keeps_what_it_had,
        an_idempotency_key_leaves_one_message,
        an_unknown_destination_is_an_error_also_at_replay,
        a_workflow_sends_exactly_once,
        two_receivers_on_one_topic_are_an_error,
        a_message_taken_for_a_dropped_receive_goes_to_the_next_one,
        cancelling_wakes_a_receive,
        a_message_of_another_type_is_told_so,
    }
    events {
        an_event_wakes_those_who_wait_for_it,
        the_last_value_wins_and_outlives_the_workflow,
        an_event_read_by_a_workflow_is_recorded,
        an_event_can_be_set_inside_a_step,
    }
    streams {
        a_stream_is_read_live_to_its_close,
        a_value_written_just_before_the_end_reaches_the_reader,
        a_recovered_writer_writes_nothing_twice,
        a_closed_stream_takes_nothing_more,
        a_workflow_that_reads_a_stream_records_it,
        more_than_one_payload_may_hold_is_read_in_parts,
    }
    races {
        a_bare_select_has_the_same_winner_at_replay,
        a_step_that_was_timed_out_stays_so_at_replay,
        select_yields_the_first,
        all_results_can_be_joined,
    }
    management {
        a_fork_goes_on_from_any_step,
        a_fork_from_the_last_failure_tries_it_again,
        several_workflows_can_be_forked_at_once,
        what_began_before_a_time_can_be_cancelled,
        the_registered_workflows_can_be_listed,
        a_caller_is_stored_and_inherited,
        attributes_find_workflows_and_are_not_inherited,
        deleting_removes_a_workflow_and_frees_its_id,
        retention_removes_what_ended_long_ago,
        workflows_are_counted_in_groups,
        versions_are_listed_and_one_is_the_latest,
        management_inside_a_workflow_is_recorded,
    }
    queue_limits {
        concurrency_holds_across_processes,
        limits_change_while_the_queue_is_served,
        a_rate_holds_in_any_stretch_of_time,
        a_noisy_partition_does_not_hold_up_others,
    }
    queues {
        an_enqueued_workflow_is_taken_and_run,
        a_queue_that_nobody_registered_is_refused,
        lower_priorities_come_first_and_equals_in_order,
        a_deduplication_id_keeps_a_second_one_out,
        a_delayed_workflow_runs_when_it_is_due,
        a_client_without_the_code_enqueues_by_name,
        many_workflows_are_enqueued_in_one_call,
        a_workflow_enqueues_children,
        calls_of_one_key_become_one_run_with_the_last_input,
        the_clock_of_a_queued_workflow_starts_when_it_is_taken,
        queued_work_goes_on_elsewhere_after_its_last_step,
        what_waits_in_a_queue_can_be_cancelled_and_resumed,
        a_fork_can_wait_in_a_queue,
        an_exported_workflow_goes_on_where_it_is_imported,
    }
    schedules {
        each_tick_runs_once_across_processes,
        a_schedule_rests_and_goes_on,
        a_schedule_can_be_triggered_and_backfilled,
        a_run_that_nobody_can_run_waits,
        missed_ticks_are_made_up_for_if_that_is_asked_for,
        what_is_no_schedule_is_refused,
    }
    failover {
        the_work_of_an_executor_that_falls_silent_is_taken_over,
        an_executor_that_was_taken_for_dead_starts_work_again_at_once,
        lost_work_is_spread_over_those_who_are_left,
        clocks_a_minute_apart_neither_cause_nor_prevent_a_takeover,
    }
    transactions {
        a_transaction_that_the_store_has_not_is_refused,
        a_send_in_a_transaction_that_the_store_has_not_is_refused,
        a_transaction_outside_a_workflow_is_an_error,
    }
    clients {
        a_client_needs_only_a_store,
        a_client_runs_no_code,
        a_client_cancels_and_the_execution_elsewhere_stops,
    }
    evolution {
        a_patch_lets_old_workflows_finish_the_old_way,
        a_deprecated_patch_accepts_its_mark_and_leaves_none,
        instances_are_told_apart_also_at_recovery,
        values_of_the_registering_context_are_there_in_each_execution,
    }
    replays {
        what_a_crash_left_at_any_point_replays,
        a_call_of_another_name_or_kind_is_reported_with_its_step,
        code_that_ends_before_a_recorded_call_is_reported,
        steps_added_at_the_end_of_an_unfinished_workflow_are_compatible,
        a_patch_keeps_old_histories_compatible_and_a_lost_patch_does_not,
        a_payload_that_no_longer_decodes_is_reported,
        a_workflow_that_is_not_registered_is_reported,
        code_that_waits_where_the_record_goes_on_is_reported,
        a_finished_workflow_replays_to_its_outcome_if_that_is_asked_for,
        all_unfinished_workflows_are_replayed_page_by_page,
        exported_workflows_are_replayed_without_their_store,
    }
    interruptions {
        a_start_whose_caller_is_gone_is_run_all_the_same,
        effects_after_the_stop_signal_leave_no_trace,
        a_parent_waits_on_for_a_child_that_is_interrupted,
        a_resumed_workflow_is_free_of_its_old_deadline,
        a_step_cannot_have_a_name_of_the_library,
    }
}
