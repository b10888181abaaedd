//! The laws of each port, for every implementation and every wrapper.
//!
//! A fixture gives each law its own port and the means the law needs.

pub mod journal;
pub mod sources;
pub mod timetable;

/// Lists laws as tests; the suites of this module are written with it.
#[macro_export]
macro_rules! decision_laws {
    ($area:ident, $fixture:expr; $($law:ident)+) => {
        $(
            #[tokio::test]
            async fn $law() {
                let fixture = $fixture.await;
                $crate::contract::$area::$law(&fixture).await;
            }
        )+
    };
}

/// The suite of [`crate::ports::Timetable`].
#[macro_export]
macro_rules! timetable_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::decision_laws!(timetable, $fixture;
                every_member_comes_back
                an_unknown_occurrence_is_absent
                arming_twice_keeps_the_first
                only_what_is_due_is_claimed
                a_claim_takes_all_of_a_person_and_nobody_shares_one
                a_lost_lease_is_claimed_again_with_a_higher_fence
                a_step_with_an_old_fence_is_skipped
                an_illegal_step_is_skipped
                people_are_limited_and_the_earliest_come_first
                a_returned_action_is_armed_again
                a_merge_hands_occurrences_to_the_survivor_and_a_split_takes_them_back
                what_was_entered_is_remembered
                the_next_due_instant_is_known
                facts_and_change_come_together_or_not_at_all
                tenants_do_not_see_each_other
            );
        }
    };
}

/// The suite of [`crate::ports::Journal`].
#[macro_export]
macro_rules! journal_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::decision_laws!(journal, $fixture;
                what_is_appended_comes_back_byte_for_byte
                an_unknown_decision_is_absent
                the_first_append_of_a_key_stands
                record_facts_and_settlements_come_together
                a_lost_lease_appends_nothing
                a_handoff_whose_permission_moved_appends_nothing
                a_person_is_read_newest_first_in_pages
                the_log_is_read_in_order_in_pages
                tenants_do_not_share_a_log
            );
        }
    };
}

/// The suite of [`crate::ports::ReleaseSource`].
#[macro_export]
macro_rules! release_source_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::decision_laws!(sources, $fixture;
                nothing_released_is_absent
                the_live_release_is_found_by_its_digest
            );
        }
    };
}

/// The suite of [`crate::ports::PersonSource`].
#[macro_export]
macro_rules! person_source_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::decision_laws!(sources, $fixture;
                a_person_is_found_by_an_identifier
                nobody_is_found_by_a_strange_identifier
                persons_come_in_the_order_asked
            );
        }
    };
}

/// The suite of [`crate::ports::ContextSource`].
#[macro_export]
macro_rules! context_source_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::decision_laws!(sources, $fixture;
                every_field_asked_is_answered
                events_come_in_the_order_asked
            );
        }
    };
}

/// The suite of [`crate::ports::PermissionSource`].
#[macro_export]
macro_rules! permission_source_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::decision_laws!(sources, $fixture;
                silence_is_refused_with_a_reason
                verdicts_come_in_the_order_asked
            );
        }
    };
}

/// The suite of [`crate::ports::ContactHistory`].
#[macro_export]
macro_rules! contact_history_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::decision_laws!(sources, $fixture;
                nobody_contacted_has_no_contacts_and_room
            );
        }
    };
}

/// The suite of [`crate::ports::ArmSource`].
#[macro_export]
macro_rules! arm_source_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            $crate::decision_laws!(sources, $fixture;
                the_same_unit_draws_the_same_arm
                a_draw_names_the_probability_of_its_arm
            );
        }
    };
}
