//! The store against real engines, over the real protocol.
//!
//! Each case runs on dynoxide, inside this process, and, where `DYNAMODB_LOCAL_ENDPOINT` names one, on AWS's own
//! DynamoDB Local.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test may panic and print")]

mod cost;
mod engine;
mod failures;
mod long_messages;
mod messages;
mod sessions;
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
        a_running_message_is_refused_with_its_stream
        a_message_regenerated_while_it_runs_takes_over
        a_turn_that_was_given_up_does_not_block_its_message
        a_message_that_is_not_running_is_answered_anew_under_the_same_key
        a_repeated_message_is_stored_once
        one_of_twenty_equal_begins_wins
        different_messages_at_one_instant_all_begin_in_some_order
        another_message_takes_over_a_running_turn
        regenerating_an_older_message_does_not_store_it_again
        an_edited_message_is_stored_beside_what_it_was
        the_same_thread_id_of_two_users_is_two_threads
        a_begin_whose_answer_got_lost_is_not_refused
        the_index_lists_threads_only_and_newest_first
    }
    messages {
        a_turn_reads_back_as_it_was_put
        what_was_not_reported_is_absent
        the_first_question_put_under_a_key_stays
        only_an_interrupted_answer_is_replaced
        pages_follow_each_other_without_gaps
    }
    long_messages {
        parts_of_any_size_come_back_byte_for_byte
        a_writer_that_died_leaves_nothing_to_see_and_may_try_again
        a_replacement_that_died_leaves_the_old_message_whole
        a_long_message_among_others_is_one_message
        continuations_that_a_page_was_too_early_for_are_looked_up
        damage_is_an_error_that_names_the_item
    }
    sessions {
        a_session_is_there_until_it_runs_out
        a_key_that_cannot_be_one_is_nobodys
    }
    cost {
        a_short_turn_costs_few_write_units
    }
}
