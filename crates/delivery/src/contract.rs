//! The laws of delivery's ports, for every implementation and every wrapper.
//!
//! A fixture gives each law a desk of its own: deliveries, gate, contacts and inbox over one state.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken law panics"
)]

pub mod contacts;
pub mod gate;
pub mod inbox;
pub mod sample;
pub mod sender;
pub mod sources;
pub mod store;

use async_trait::async_trait;
use kernel::{Epochs, Fact, PersonAt, TenantId};

use crate::ports::{ContactLedger, DeliveryStore, Inbox, SendGate};

/// A desk under test and the means to move what its gate reads.
#[async_trait]
pub trait DeskFixture: Send + Sync {
    /// The deliveries.
    fn store(&self) -> &dyn DeliveryStore;
    /// The gate.
    fn gate(&self) -> &dyn SendGate;
    /// The contacts.
    fn contacts(&self) -> &dyn ContactLedger;
    /// The inbox.
    fn inbox(&self) -> &dyn Inbox;
    /// Sets the heads the gate reads for a person: the choices of the first node carry the epoch.
    async fn set_heads(&self, tenant: &TenantId, person: &PersonAt, epochs: Epochs);
    /// Every fact kept so far, in order.
    async fn facts(&self) -> Vec<Fact>;
}

/// The suite of [`DeliveryStore`]: `delivery_store_suite!(module, async expression)`.
#[macro_export]
macro_rules! delivery_store_suite {
    ($module:ident, $fixture:expr) => {
        $crate::laws!($module, $fixture, store;
            a_delivery_comes_back_with_every_member
            every_state_comes_back
            absence_is_none
            an_action_is_planned_once
            notes_are_kept
            a_move_from_an_old_version_changes_nothing
            what_is_due_comes_in_order
            pages_meet_without_gaps
            a_filter_is_kept
            tenants_do_not_meet
        );
    };
}

/// The suite of [`SendGate`]: `send_gate_suite!(module, async expression)`.
#[macro_export]
macro_rules! send_gate_suite {
    ($module:ident, $fixture:expr) => {
        $crate::laws!($module, $fixture, gate;
            a_pass_opens_an_attempt_and_reserves_its_contact
            a_moved_head_keeps_nothing
            an_absent_person_does_not_pass
            a_stale_verdict_does_not_pass
            an_old_version_does_not_pass
            an_occurrence_is_served_once_a_channel
            a_full_cap_over_all_nodes_holds
            a_batch_counts_its_own_grants
            a_closed_window_holds
            a_rehearsal_keeps_nothing
            an_attempt_ends_once
            a_retry_reserves_once
            what_was_not_sent_releases_its_place
            settling_waits_for_what_is_open
            settling_reports_what_stays_open
            settling_does_not_wait_for_others
            overdue_attempts_are_listed
        );
    };
}

/// The suite of [`ContactLedger`]: `contact_ledger_suite!(module, async expression)`.
#[macro_export]
macro_rules! contact_ledger_suite {
    ($module:ident, $fixture:expr) => {
        $crate::laws!($module, $fixture, contacts;
            a_contact_is_recorded_once
            history_is_of_all_nodes_in_order
            contacts_of_tenants_do_not_meet
        );
    };
}

/// The suite of [`Inbox`]: `inbox_suite!(module, async expression)`.
#[macro_export]
macro_rules! inbox_suite {
    ($module:ident, $fixture:expr) => {
        $crate::laws!($module, $fixture, inbox;
            a_letter_comes_back_with_every_member
            a_letter_is_kept_once
            pages_of_letters_meet_without_gaps
            letters_of_tenants_do_not_meet
        );
    };
}

/// The suite of [`Sender`](crate::ports::Sender): `sender_suite!(module, async expression)`.
#[macro_export]
macro_rules! sender_suite {
    ($module:ident, $fixture:expr) => {
        $crate::laws!($module, $fixture, sender;
            what_is_handed_off_arrives
            a_repeated_hand_off_arrives_once
        );
    };
}

/// The suite of what a preparation asks: `PermissionSource`, `PersonSource`, `AddressBook`,
/// `Links`, `Content`, `ArtifactSource`. `sources_suite!(module, async expression)`.
#[macro_export]
macro_rules! sources_suite {
    ($module:ident, $fixture:expr) => {
        $crate::laws!($module, $fixture, sources;
            a_permit_is_good_for_a_while
            a_refusal_has_a_reason
            a_person_has_nodes_in_order
            a_stranger_is_no_person
            an_address_opens_to_its_text
            no_address_is_none
            links_are_a_messages_own
            a_bundle_is_its_decisions
            an_unknown_release_is_none
            what_is_live_stays
        );
    };
}

/// Runs laws of one module, each on a fixture of its own.
#[macro_export]
macro_rules! laws {
    ($module:ident, $fixture:expr, $laws:ident; $($law:ident)+) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $law() {
                    let fixture = $fixture.await;
                    $crate::contract::$laws::$law(&fixture).await;
                }
            )+
        }
    };
}
