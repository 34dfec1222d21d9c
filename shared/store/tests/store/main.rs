//! The store against real engines, over the real protocol.
//!
//! Each case runs on dynoxide, inside this process, and, where `DYNAMODB_LOCAL_ENDPOINT` names one,
//! on AWS's own DynamoDB Local.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may panic and print"
)]

mod asking;
mod cost;
mod decisions;
mod delete;
mod engine;
mod failures;
mod journal;
mod long_messages;
mod messages;
mod meter;
mod model;
mod paths;
mod quota;
mod reading;
mod recovery;
mod sessions;
mod stop;
mod threads;
mod titles;
mod turns;
mod wire;

macro_rules! on_each_engine {
    ($($module:ident { $($case:ident)* })*) => {
        mod dynoxide_engine {
            $(mod $module { $(
                #[tokio::test]
                async fn $case() {
                    Box::pin(crate::$module::$case(&crate::engine::dynoxide().await)).await;
                }
            )* })*
        }
        mod dynamodb_local {
            $(mod $module { $(
                #[tokio::test]
                async fn $case() {
                    if let Some(engine) = crate::engine::dynamodb_local(stringify!($case)).await {
                        Box::pin(crate::$module::$case(&engine)).await;
                    }
                }
            )* })*
        }
    };
}

on_each_engine! {
    turns {
        a_first_message_creates_its_thread
        a_later_message_touches_the_thread_and_keeps_its_title
        a_thread_without_a_title_gets_the_first_there_is
        a_long_title_is_cut_by_characters
        activity_moves_on_though_the_clock_goes_back
        a_turn_that_was_given_up_does_not_block_its_message
        a_message_that_failed_again_and_again_is_stored_once
        one_of_twenty_equal_begins_wins
        different_messages_at_one_instant_all_begin_in_some_order
        another_message_takes_over_a_running_turn
        regenerating_an_older_message_does_not_store_it_again
        the_same_thread_id_of_two_users_is_two_threads
        a_begin_whose_answer_got_lost_is_not_refused
        a_begin_whose_answer_got_lost_may_be_superseded_already
        a_takeover_whose_answer_got_lost_names_the_older_turn
        what_a_turn_used_is_added_to_its_thread_once
        the_index_lists_threads_only_and_newest_first
    }
    decisions {
        every_question_in_every_state_does_what_the_table_says
        what_is_answered_is_named
        an_older_message_sent_again_is_known
        a_take_over_recovers_an_unfinished_turn_first
        an_ordinary_begin_returns_an_unfinished_turn
        the_history_of_a_turn_ends_before_its_question
    }
    quota {
        of_twenty_begins_at_once_at_the_limit_less_one_one_passes
        a_day_that_is_used_up_starts_again_at_midnight
        a_turn_that_ended_makes_room
        a_dead_turn_gives_its_place_up_when_its_lease_has_passed
        a_new_message_may_take_over_though_no_place_is_left
        who_repeats_what_runs_or_is_answered_is_never_refused
        equal_begins_at_the_limit_begin_once
        a_refused_message_begins_when_there_is_room
        a_turn_begun_before_midnight_takes_no_place_of_the_day_after
        a_recovered_turn_does_not_count_and_may_still_record_its_usage
        a_recovered_turn_that_is_given_up_is_not_counted
        what_the_quota_refuses_leaves_no_trace
        a_refused_begin_over_a_deleted_thread_leaves_it_deleted
        a_title_given_while_a_begin_is_refused_stays
        a_refusal_keeps_what_else_became_of_the_thread
    }
    recovery {
        a_dead_turn_is_ended_with_what_there_is_of_it
        ten_recoveries_at_once_leave_one_answer
        the_question_that_was_kept_is_stored_once
        no_answer_is_stored_without_its_question
        a_late_answer_replaces_a_recovered_one_and_no_other
        a_late_answer_makes_a_failed_turn_a_done_one
        an_unfinished_turn_is_recovered_without_touching_the_newer
        a_turn_superseded_while_it_is_recovered_is_recovered
        a_recovered_turn_keeps_its_place_on_the_path
        a_recovered_continuation_knows_what_it_goes_on_from
        a_message_kept_and_put_late_is_one
        a_turn_knows_whether_it_was_to_end_early
        a_superseded_turn_that_is_recovered_at_work_still_adds_what_it_used
        a_continuation_of_nothing_goes_on_from_what_that_went_on_from
    }
    stop {
        a_running_turn_notices_that_a_stop_was_asked
        a_stop_never_hits_a_newer_turn
        a_turn_that_failed_or_was_never_there_cannot_be_stopped
        a_dead_turn_that_is_stopped_is_to_be_recovered
    }
    journal {
        a_journal_is_followed_to_its_end
        a_journal_may_end_without_another_byte
        nothing_after_a_gap_is_read
        pieces_of_any_size_come_back_byte_for_byte
        journals_of_two_runs_do_not_mix_and_run_out_after_a_week
        a_damaged_piece_is_an_error_that_names_it
    }
    paths {
        the_current_path_is_what_the_user_sees
        a_retry_after_nothing_leaves_no_empty_answer
        an_answer_that_came_to_nothing_hides_none
        the_path_of_an_open_turn_holds_no_older_answer_to_its_question
        old_branches_stay_readable_by_id
        pages_follow_a_path_that_skips
        a_path_is_read_as_far_as_its_bytes_may_go
    }
    messages {
        a_turn_reads_back_as_it_was_put
        what_was_not_reported_is_absent
        the_first_question_put_under_a_key_stays
        the_first_answer_put_under_a_key_stays
        pages_follow_each_other_without_gaps
    }
    long_messages {
        parts_of_any_size_come_back_byte_for_byte
        a_writer_that_died_leaves_nothing_to_see_and_may_try_again
        a_replacement_that_died_leaves_the_old_message_complete
        a_long_message_among_others_is_one_message
        continuations_that_a_page_was_too_early_for_are_looked_up
        damage_is_an_error_that_names_the_item
    }
    sessions {
        a_session_is_there_until_it_runs_out
        a_key_that_cannot_be_one_is_nobodys
    }
    threads {
        threads_are_listed_newest_first_in_pages_without_gaps
        a_thread_that_moves_on_leaves_its_place_in_the_list
        a_thread_is_renamed_and_keeps_its_place
        a_user_sees_and_touches_own_threads_only
        messages_come_in_pages_bounded_by_number_and_bytes
        a_branch_comes_in_pages_too
        usage_adds_up_the_days_of_the_month
    }
    titles {
        a_made_title_takes_the_place_of_the_first_and_is_counted_once
        a_rename_in_the_meantime_wins
        a_title_that_was_not_made_leaves_only_its_price
        a_thread_without_a_title_gets_the_made_one
        a_title_that_is_made_while_another_turn_runs_is_kept
        a_deleted_thread_gets_no_title_and_does_not_come_back
        an_old_turn_gives_no_title_to_a_new_thread_of_the_same_name
    }
    delete {
        a_thread_is_deleted_with_everything_in_it
        a_delete_that_died_is_finished_by_the_next
        a_running_turn_takes_away_what_it_put_too_late
        a_late_turn_of_a_thread_that_remembers_much_takes_away_what_it_put
        a_turn_that_others_have_ended_does_not_reach_into_a_new_thread_of_the_same_name
        an_unfinished_turn_removes_its_late_items
        a_recovery_does_not_bring_a_deleted_thread_back
        a_new_thread_of_the_same_name_knows_nothing_of_the_old_one
        a_late_turn_does_not_reach_into_a_new_thread_of_the_same_name
        a_delete_spares_a_thread_that_began_meanwhile
        items_that_are_left_over_are_deleted_all_the_same
        deletes_and_begins_at_once_leave_one_story
    }
    cost {
        a_turn_costs_what_the_document_says
    }
}
